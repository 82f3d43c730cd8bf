use std::fs;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::oci::Operation;

fn summary() -> Summary {
    Summary::new(Naming::Kept, Duration::from_mins(1))
}

fn pseudonym() -> impl Strategy<Value = Pseudonym> {
    prop_oneof![
        (1_u64..9).prop_map(Pseudonym::new),
        any::<u64>().prop_map(Pseudonym::new)
    ]
}

fn request() -> impl Strategy<Value = Request> {
    let reference = prop_oneof![
        pseudonym().prop_map(Reference::Tag),
        pseudonym().prop_map(Reference::Digest)
    ];
    let names = (
        pseudonym(),
        prop::option::of(pseudonym()),
        prop::option::of(reference),
        prop::option::of(pseudonym()),
        prop::option::of(pseudonym()),
    );
    let words = (
        prop::sample::select(Method::ALL),
        prop::option::of(prop::sample::select(&Operation::ALL[..])),
        prop::sample::select(Agent::ALL),
        any::<bool>(),
    );
    let numbers = (
        any::<u64>(),
        any::<u64>(),
        prop::option::of(any::<NonZeroU16>()),
        prop::option::of(any::<u64>()),
        prop::option::of(any::<u64>()),
        prop::option::of(any::<u64>()),
    );
    (names, words, numbers).prop_map(|(names, words, numbers)| Request {
        start: Timestamp::from_nanos(numbers.0),
        client: names.0,
        session: numbers.1,
        method: words.0,
        operation: words.1,
        repository: names.1,
        reference: names.2,
        upload: names.3,
        from: names.4,
        status: numbers.2,
        sent: numbers.3,
        received: numbers.4,
        duration: numbers.5.map(Duration::from_nanos),
        agent: words.2,
        added: words.3,
    })
}

/// Writes a trace to a file.
fn written(requests: &[Request], names: &NameTable) -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a.trace");
    let mut writer = Writer::new(Vec::new()).unwrap();
    for request in requests {
        writer.push(request, names).unwrap();
    }
    fs::write(&path, writer.finish(summary()).unwrap().0).unwrap();
    (directory, path)
}

fn read(path: &std::path::Path) -> Result<Vec<Request>, Error> {
    Reader::open(path)?.collect()
}

pub(super) fn a_request(nanos: u64) -> Request {
    Request {
        start: Timestamp::from_nanos(nanos),
        client: Pseudonym::new(nanos.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        session: nanos,
        method: Method::Get,
        operation: Some(Operation::BlobGet),
        repository: Some(Pseudonym::new(7)),
        reference: Some(Reference::Digest(Pseudonym::new(nanos | 1))),
        upload: None,
        from: None,
        status: NonZeroU16::new(200),
        sent: Some(0),
        received: Some(nanos),
        duration: Some(Duration::from_nanos(nanos)),
        agent: Agent::Docker,
        added: false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn requests_are_read_as_they_were_written(mut requests in prop::collection::vec(request(), 0..200)) {
        requests.sort_by_key(|it| it.start);
        let (_directory, path) = written(&requests, &NameTable::default());
        let reader = Reader::open(&path).unwrap();
        prop_assert_eq!(reader.summary().requests, requests.len() as u64);
        prop_assert_eq!(reader.summary().last, requests.last().map(|it| it.start));
        prop_assert_eq!(reader.collect::<Result<Vec<_>, _>>().unwrap(), requests);
    }

    #[test]
    fn no_changed_byte_goes_unnoticed(place: prop::sample::Index, flipped in 1..=u8::MAX) {
        let requests: Vec<_> = (0..300).map(a_request).collect();
        let (_directory, path) = written(&requests, &NameTable::default());
        let mut bytes = fs::read(&path).unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= flipped;
        fs::write(&path, bytes).unwrap();
        prop_assert!(read(&path).is_err());
    }

    #[test]
    fn no_cut_goes_unnoticed(place: prop::sample::Index) {
        let requests: Vec<_> = (0..300).map(a_request).collect();
        let (_directory, path) = written(&requests, &NameTable::default());
        let bytes = fs::read(&path).unwrap();
        let kept = place.index(bytes.len());
        fs::write(&path, &bytes[..kept]).unwrap();
        let error = read(&path).unwrap_err();
        let is_cut_off = matches!(error, Error::CutOff { .. } | Error::Foreign { .. });
        prop_assert!(is_cut_off && (kept == 0) == matches!(error, Error::Foreign { .. }), "{}", error);
    }

    /// What a checksum does not tell: a block that was made to be read.
    #[test]
    fn any_block_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = rows::Block::read(&bytes);
    }
}

#[test]
fn a_trace_of_many_blocks_is_read_in_order() {
    let requests: Vec<_> = (0..50_000).map(a_request).collect();
    let (_directory, path) = written(&requests, &NameTable::default());
    assert_eq!(read(&path).unwrap(), requests);
    // Fifty thousand clients and digests, 16 bytes of each random, in three blocks at least.
    let length = fs::metadata(&path).unwrap().len();
    assert!(length < 50_000 * 40, "{length} bytes");
}

#[test]
fn names_come_with_the_block_that_has_them() {
    let mut names = NameTable::default();
    let long = "ü".repeat(400);
    names.insert(Pseudonym::new(7), "team/app");
    names.insert(Pseudonym::new(1), &long);
    let requests: Vec<_> = (0..40_000).map(a_request).collect();
    let (_directory, path) = written(&requests, &names);
    let mut reader = Reader::open(&path).unwrap();
    let first = reader.next().unwrap().unwrap();
    assert_eq!(first.repository, Some(Pseudonym::new(7)));
    assert_eq!(reader.names().get(Pseudonym::new(7)), Some("team/app"));
    assert_eq!(reader.names().get(Pseudonym::new(1)), Some(&long[..512]));
    for _ in 0..39_000 {
        reader.next().unwrap().unwrap();
    }
    assert_eq!(reader.names().get(Pseudonym::new(7)), Some("team/app"));
    assert_eq!(reader.names().get(Pseudonym::new(1)), None);
}

#[test]
fn what_is_no_trace_is_refused_by_one_message() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a.trace");
    let refused = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        read(&path).unwrap_err().to_string()
    };
    let shown = path.display();
    let foreign = format!("{shown} is not a trace: make one with `regstorm trace import`");
    for bytes in [
        b"".as_slice(),
        b"{}",
        &[0; 4096],
        &[0xff; 100],
        b"regstorm.trac\n",
    ] {
        assert_eq!(refused(bytes), foreign);
    }
    assert_eq!(
        refused(b"regstorm.trace/2\nR...."),
        format!(
            "{shown} has the format `regstorm.trace/2`, and this regstorm reads `regstorm.trace/1`: import its log again"
        )
    );
    assert_eq!(
        refused(b"regstorm.trace/1\n"),
        format!("the trace {shown} was cut off: copy it or import its log again")
    );
    assert!(matches!(read(directory.path()), Err(Error::Read { .. })));
    let missing = directory.path().join("missing");
    assert!(matches!(read(&missing), Err(Error::Read { .. })));
}

#[test]
fn requests_are_written_in_order_only() {
    let mut writer = Writer::new(Vec::new()).unwrap();
    let names = NameTable::default();
    writer.push(&a_request(5), &names).unwrap();
    writer.push(&a_request(5), &names).unwrap();
    let error = writer.push(&a_request(4), &names).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}
