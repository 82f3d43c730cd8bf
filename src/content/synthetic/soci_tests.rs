//! The promises of layers for SOCI: other decoders unpack them, and their tables are true.

use std::io::Read as _;

use flate2::read::{DeflateDecoder, GzDecoder};

use super::*;
use crate::content::testing::assert_true;
use crate::content::{Blob, Image};
use crate::lazy::LazyFormat;
use crate::lazy::soci::{self, SociLayers, SociLayout, WINDOW, Ztoc};
use crate::oci::{Content, Digest, ImageConfig, MediaType};
use crate::units::ByteSize;

const SPAN: u64 = 100_000;
/// Two blocks of 65,535 bytes are more than a span.
/// The last one has an empty block at its end: six blocks are full but for three bytes.
const SIZES: [u64; 4] = [700_000, 150_000, 16_384, 18 + 6 * 65_540 + 3];

fn spec(sizes: &[u64], least: u64) -> SyntheticSpec {
    SyntheticSpec {
        layers: LayerCount::Fixed(sizes.len()),
        layer_size: SizeSpec::PerLayer(sizes.iter().copied().map(ByteSize::from_bytes).collect()),
        lazy_format: Some(LazyFormat::Soci),
        span_size: Some(ByteSize::from_bytes(SPAN)),
        min_layer_size: Some(ByteSize::from_bytes(least)),
        ..SyntheticSpec::default()
    }
}

fn set(sizes: &[u64], least: u64) -> SyntheticSet {
    SyntheticSet::new(spec(sizes, least), 42).unwrap()
}

fn bytes(blob: &Blob) -> Vec<u8> {
    let mut bytes = Vec::new();
    blob.reader().read_to_end(&mut bytes).unwrap();
    bytes
}

fn unpacked(layer: &Blob) -> Vec<u8> {
    let mut tar = Vec::new();
    GzDecoder::new(&bytes(layer)[..])
        .read_to_end(&mut tar)
        .unwrap();
    tar
}

fn at(place: u64) -> usize {
    usize::try_from(place).unwrap()
}

#[test]
fn descriptors_are_true_and_other_decoders_unpack_what_the_config_says() {
    let image = set(&SIZES, 0).image(0);
    assert_true(&image);
    let config = ImageConfig::parse(&bytes(image.config().unwrap())).unwrap();
    for ((layer, diff_id), size) in image
        .layers()
        .iter()
        .zip(&config.rootfs.diff_ids)
        .zip(SIZES)
    {
        assert_eq!(layer.size(), size);
        assert_eq!(layer.descriptor().media_type, MediaType::OciLayerGzip);
        let tar = unpacked(layer);
        assert_eq!(Digest::sha256(&tar), *diff_id);
        let mut archive = tar::Archive::new(&tar[..]);
        let mut content = 0;
        for entry in archive.entries().unwrap() {
            let entry = entry.unwrap();
            content += entry.size();
        }
        // But for headers and what does not fill a block.
        assert!(content * 100 > size * 85, "{content} of {size}");
    }
}

/// Each span has the digest that its table states, and can be decompressed by itself with what the table has of the content
/// before it.
#[test]
fn tables_are_true() {
    let set = set(&SIZES, 0);
    let (image, index) = (set.image(0), set.soci_index(0).unwrap());
    assert_true(&index);
    assert_eq!(index.layers().len(), SIZES.len());
    for (layer, table) in image.layers().iter().zip(index.layers()) {
        let (packed, tar, raw) = (bytes(layer), unpacked(layer), bytes(table));
        let Ztoc { spans } = soci::parse(&raw, layer.size()).unwrap();
        let layers = SociLayers {
            span_size: SPAN,
            least: 0,
        };
        let layout = SociLayout::of(layers, layer.size());
        assert_eq!(raw.len() as u64, layout.table_length());
        assert_eq!(spans.len() as u64, layout.spans());
        let ends: Vec<_> = spans.iter().map(|it| it.range.end).collect();
        assert_eq!(*ends.last().unwrap(), layer.size());
        for (number, span) in spans.iter().enumerate() {
            let part = &packed[at(span.range.start)..at(span.range.end)];
            assert_eq!(Digest::sha256(part), span.digest);
            let out = layout.out(number as u64);
            let end = layout.out(number as u64 + 1).min(layout.tar());
            let mut content = vec![0; at(end.max(out) - out).min(1000)];
            DeflateDecoder::new(part).read_exact(&mut content).unwrap();
            assert!(tar[at(out)..].starts_with(&content));
            if out > 0 {
                // Somewhere in the table is the content before it.
                let window = &tar[at(out) - WINDOW..at(out)];
                assert!(raw.windows(WINDOW).any(|it| it == window));
            }
        }
        let stated = &table.descriptor().annotations[soci::LAYER_DIGEST];
        assert_eq!(*stated, layer.descriptor().digest.to_string());
    }
}

/// The very bytes that SOCI's own builder makes of these layers: the `ztoc` package of soci-snapshotter (commit 77fb4266), as
/// built with the name `regstorm`.
#[test]
fn tables_are_those_of_the_tool() {
    let set = set(&SIZES, 0);
    let index = set.soci_index(0).unwrap();
    let made: Vec<_> = index
        .layers()
        .iter()
        .map(|it| it.descriptor().digest)
        .collect();
    let by_the_tool = [
        "sha256:972c936fea6f08e88b8a1c429e3c2f888ec436be279517ed31254da49a297529",
        "sha256:21833943caed5ffefa0d784207540f3560c2b1aa8e7a83ee0c90bedb4fd362fa",
        "sha256:9a45225bce941963c9f77020106301bef3e07d474cd314af45d6eab5dbf9df56",
        "sha256:27e71410a550c4251a01d6d603ce4269a6ced19b7dcf6ab0ac11da13f1933b5b",
    ];
    let by_the_tool = by_the_tool.map(|it| it.parse::<Digest>().unwrap());
    assert_eq!(made, by_the_tool);
}

#[test]
fn an_index_refers_to_its_image_and_has_tables_of_the_large_layers() {
    let set = set(&SIZES, 200_000);
    let (image, index) = (set.image(0), set.soci_index(0).unwrap());
    let Content::Image(manifest) = index.manifest().content() else {
        panic!("an image manifest");
    };
    assert_eq!(manifest.artifact_type, None);
    let config = manifest.config().unwrap();
    assert_eq!(
        config.media_type.as_str(),
        "application/vnd.amazon.soci.index.v1+json"
    );
    assert_eq!((config.digest, config.size), (Digest::sha256(b"{}"), 2));
    let subject = manifest.subject.as_ref().unwrap();
    assert_eq!(subject.descriptor(), Ok(image.descriptor()));
    let of = |table: &Blob| table.descriptor().annotations[soci::LAYER_DIGEST].clone();
    let of: Vec<_> = index.layers().iter().map(of).collect();
    let large = [0, 3].map(|it| image.layers()[it].descriptor().digest.to_string());
    assert_eq!(of, large);
    for table in &manifest.layers {
        let table = table.descriptor().unwrap();
        assert_eq!(table.media_type.as_str(), "application/octet-stream");
        assert_eq!(table.annotations[soci::SPAN_SIZE], SPAN.to_string());
    }
    assert!(
        SyntheticSet::new(spec(&SIZES, 1 << 30), 1)
            .unwrap()
            .soci_index(0)
            .is_none()
    );
}

#[test]
fn frames_from_any_byte_on_are_those_of_the_whole() {
    let image: Image = set(&[400_001], 0).image(0);
    let layer = &image.layers()[0];
    let whole = bytes(layer);
    let starts = (0..whole.len()).step_by(9_973);
    for start in starts.chain([1, 9, 10, 14, 15, 16, 399_992, 400_000]) {
        let end = whole.len().min(start + 70_001);
        let frames = layer.frames(start as u64..end as u64).unwrap();
        let read: Vec<u8> = frames.flat_map(|it| it.unwrap().to_vec()).collect();
        assert!(read == whole[start..end], "from {start}");
    }
}

#[test]
fn variants_are_unique_and_true() {
    let salt = |iteration| Salt {
        run: 1,
        vu: 2,
        iteration,
    };
    let set = set(&[200_000, 30_000], 0);
    let images = [
        set.image(0),
        set.unique_image(0, salt(1), 0),
        set.unique_image(0, salt(2), 0),
    ];
    let mut digests = std::collections::BTreeSet::new();
    for image in &images {
        assert_true(image);
        let config = ImageConfig::parse(&bytes(image.config().unwrap())).unwrap();
        for (layer, diff_id) in image.layers().iter().zip(&config.rootfs.diff_ids) {
            assert_eq!(Digest::sha256(&unpacked(layer)), *diff_id);
            digests.insert(layer.descriptor().digest);
        }
    }
    assert_eq!(digests.len(), 6);
}

#[test]
fn a_table_that_no_client_would_read_is_refused() {
    let mut spec = spec(&[8 << 30], 0);
    let refused = SyntheticSet::new(spec.clone(), 1).unwrap_err();
    assert!(
        matches!(refused, SpecError::TableTooLarge { .. }),
        "{refused}"
    );
    spec.span_size = None;
    spec.layer_size = SizeSpec::Fixed(ByteSize::from_mib(4096));
    assert!(SyntheticSet::new(spec, 1).is_ok());
}
