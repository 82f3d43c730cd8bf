//! Tables: one that SOCI's own builder has made of a compressed layer, and those that are none.

use std::io::Read as _;

use proptest::prelude::*;

use super::*;
use crate::lazy::TableError;
use crate::oci::Digest;

/// A tar of three texts, compressed by zlib.
const LAYER: &[u8] = include_bytes!("sample.tar.gz");
/// Its table by the `ztoc` package of soci-snapshotter (commit 77fb4266) with spans of 20,000 bytes, compressed for keeping.
const TABLE: &[u8] = include_bytes!("sample.ztoc.gz");

fn table() -> Vec<u8> {
    let mut table = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(TABLE);
    decoder.read_to_end(&mut table).unwrap();
    table
}

fn error(bytes: &[u8]) -> TableError {
    parse(bytes, LAYER.len() as u64).unwrap_err()
}

#[test]
fn a_table_of_the_tool_is_read_and_its_digests_are_true() {
    let read = parse(&table(), LAYER.len() as u64).unwrap();
    assert_eq!(read.header(), 10);
    // The second begins within a byte of the first.
    let ranges: Vec<_> = read.spans.iter().map(|it| it.range.clone()).collect();
    assert_eq!(ranges, [10..32_034, 32_033..36_743]);
    for span in &read.spans {
        let start = usize::try_from(span.range.start).unwrap();
        let end = usize::try_from(span.range.end).unwrap();
        assert_eq!(Digest::sha256(&LAYER[start..end]), span.digest);
    }
}

#[test]
fn a_table_of_another_layer_is_refused() {
    let other = parse(&table(), LAYER.len() as u64 + 1).unwrap_err();
    assert_eq!(other, TableError::Ztoc("it is of a layer of another size"));
}

/// Where a number of the tool's table is changed, it is said what is wrong.
#[test]
fn numbers_that_do_not_fit_together_are_refused() {
    let good = table();
    let find = |bytes: &[u8]| {
        let mut found = good
            .windows(bytes.len())
            .enumerate()
            .filter(|(_, it)| *it == bytes);
        let (at, _) = found.next().unwrap();
        assert!(found.next().is_none());
        at
    };
    // The checkpoints: their length, how many, the size of spans, then the first one.
    let head = [2, 0, 0, 0, 0x20, 0x4e, 0, 0, 0, 0, 0, 0];
    let checkpoints = find(&head);
    let second = checkpoints + 12 + 8 + 8 + 1 + WINDOW;
    assert_eq!(good[second..second + 8], 32_034_u64.to_le_bytes());
    let changed = |at: usize, bytes: &[u8]| {
        let mut changed = good.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        error(&changed)
    };
    let spans = TableError::Ztoc("it has not one checkpoint for each span");
    let outside = TableError::Ztoc("a span of it is not in the layer");
    for (at, number, expected) in [
        (checkpoints, u32::MAX, &spans),
        (checkpoints, 3, &spans),
        (checkpoints - 4, 12, &spans),
        (second, 36_743, &outside),
        (second, 10, &outside),
        (second + 4, 1, &outside),
        (checkpoints + 12, 40_000, &outside),
    ] {
        assert_eq!(
            changed(at, &number.to_le_bytes()),
            *expected,
            "{at} {number}"
        );
    }
    // A list of more than there are bytes.
    let long = changed(checkpoints - 4, &u32::MAX.to_le_bytes());
    assert!(matches!(long, TableError::Ztoc(_)), "{long:?}");
    let digest = find(b"sha256:06ecb5d7");
    let digest = changed(digest, b"sha256-");
    assert!(matches!(digest, TableError::NoDigest(_)), "{digest:?}");
}

#[test]
fn what_is_cut_off_is_refused_unless_it_is_not_needed() {
    let good = table();
    let whole = parse(&good, LAYER.len() as u64).unwrap();
    for length in (0..good.len()).step_by(501).chain(0..64) {
        match parse(&good[..length], LAYER.len() as u64) {
            // At the end are the names of files.
            Ok(read) => assert!(read == whole && length > good.len() - 1_500, "{length}"),
            Err(error) => assert!(matches!(error, TableError::Ztoc(_)), "{length}: {error}"),
        }
    }
}

proptest! {
    /// Whatever comes is read or refused, and nothing that is read is outside of the layer.
    #[test]
    fn no_bytes_break_it(
        changes in prop::collection::vec((0_usize..2_000, any::<u8>()), 1..20),
        from_end in any::<bool>(),
    ) {
        let mut bytes = table();
        for (at, byte) in changes {
            let at = if from_end { bytes.len() - 1 - at } else { at };
            bytes[at] = byte;
        }
        if let Ok(read) = parse(&bytes, LAYER.len() as u64) {
            prop_assert!(read.spans.iter().all(|it| it.range.end <= LAYER.len() as u64));
            prop_assert!(read.spans.iter().all(|it| !it.range.is_empty()));
        }
    }

    #[test]
    fn noise_is_no_table(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(parse(&bytes, 1 << 40).is_err());
    }
}

/// The length is counted as it is written, for any number of files and spans.
#[test]
fn the_length_is_known_before() {
    let layers = SociLayers {
        span_size: 65_536,
        least: 0,
    };
    let sizes = (16_384..600_000).step_by(30_011);
    for size in sizes.chain((1_000_000..4_000_000).step_by(333_331)) {
        let layout = SociLayout::of(layers, size);
        let digests: Vec<_> = (0..layout.spans()).map(|_| Digest::sha256(b"")).collect();
        let checkpoints = checkpoints(&layout, layers.span_size, |_| vec![0; WINDOW]);
        let written = write(&layout, &checkpoints, &digests);
        assert_eq!(written.len() as u64, layout.table_length(), "{size}");
        let read = parse(&written, size).unwrap();
        let ranges: Vec<_> = (0..layout.spans()).map(|it| layout.span(it)).collect();
        let read: Vec<_> = read.spans.into_iter().map(|it| it.range).collect();
        assert_eq!(read, ranges);
    }
}
