//! Ctrl-C, and going on afterwards.

use std::fs;
use std::process::Child;

use regstorm::embedded::{Fault, FaultKind, Point, Stall};
use regstorm::oci::Operation;
use regstorm::units::ByteSize;

use super::bench::{Bench, Said, contents, interrupt, layout, names, two_layers, until};

fn filled() -> Bench {
    let bench = Bench::new();
    layout(&two_layers()).0.directory(&bench.path("oci"));
    bench.push("oci", &["a:1"]).ended(0);
    bench
}

fn after(bytes: u64) -> Point {
    Point::AfterBody(ByteSize::from_bytes(bytes))
}

/// Blobs smaller than this have come whole.
const CUT: u64 = 70_000;

#[test]
fn a_pull_that_was_cut_asks_only_for_the_rest() {
    for form in [&[][..], &["--layers"], &["--unpack"]] {
        let bench = filled();
        let cut = Fault::on(Operation::BlobGet, FaultKind::Close(after(CUT)));
        bench.registry.set_faults(vec![cut]).unwrap();
        // One after the other: all but the large layer is there when it fails.
        let arguments = [&["a:1", "back", "--parallel", "1"], form].concat();
        let said = bench.pull(&arguments).ended(1);
        assert!(said.err.contains("same command"), "{said:?}");
        bench.registry.set_faults(Vec::new()).unwrap();
        let before = bench.registry.requests().len();
        let said = bench.pull(&arguments).ended(0);
        let requests = bench.registry.requests();
        let ranges: Vec<_> = requests[before..]
            .iter()
            .filter(|it| it.operation == Some(Operation::BlobGet))
            .filter_map(|it| it.header("range"))
            .collect();
        assert_eq!(ranges, [format!("bytes={CUT}-")], "{form:?}");
        // The config had come; the small layer stands behind the large one.
        assert!(said.out.contains("2 blobs fetched, 1 present"), "{said:?}");
        let partial = bench
            .since(before)
            .iter()
            .filter(|it| *it == "blob-get 206")
            .count();
        assert_eq!(partial, 1);
        if form.is_empty() {
            assert_eq!(
                contents(&bench.path("back/blobs")),
                contents(&bench.path("oci/blobs"))
            );
        }
    }
}

#[test]
fn a_blob_that_only_lacks_its_name_is_not_asked_for() {
    let bench = filled();
    bench.pull(&["a:1", "back"]).ended(0);
    let whole = contents(&bench.path("back"));
    let blobs = bench.path("back/blobs/sha256");
    let largest = names(&blobs)
        .into_iter()
        .max_by_key(|name| fs::metadata(blobs.join(name)).unwrap().len())
        .unwrap();
    let partial = bench.path("back/blobs/.partial");
    let part = partial.join(format!("sha256-{largest}"));
    fs::create_dir(&partial).unwrap();
    fs::rename(blobs.join(&largest), &part).unwrap();
    let before = bench.registry.requests().len();
    bench.pull(&["a:1", "back"]).ended(0);
    assert_eq!(bench.since(before), ["manifest-get 200"]);
    assert_eq!(contents(&bench.path("back")), whole);
    // The same with wrong bytes: they are thrown away and fetched.
    let mut bytes = fs::read(blobs.join(&largest)).unwrap();
    bytes[0] ^= 1;
    fs::create_dir(&partial).unwrap();
    fs::write(&part, bytes).unwrap();
    fs::remove_file(blobs.join(&largest)).unwrap();
    let before = bench.registry.requests().len();
    bench.pull(&["a:1", "back"]).ended(0);
    assert_eq!(bench.since(before), ["blob-get 200", "manifest-get 200"]);
    assert_eq!(contents(&bench.path("back")), whole);
}

/// The layer that is cut at [`CUT`] bytes, and where its part lies after a pull that was cut there.
fn cut_pull(bench: &Bench) -> std::path::PathBuf {
    let cut = Fault::on(Operation::BlobGet, FaultKind::Close(after(CUT)));
    bench.registry.set_faults(vec![cut]).unwrap();
    bench.pull(&["a:1", "back", "--parallel", "1"]).ended(1);
    bench.registry.set_faults(Vec::new()).unwrap();
    let partial = bench.path("back/blobs/.partial");
    partial.join(names(&partial).pop().expect("a part"))
}

#[test]
fn a_part_of_other_content_is_thrown_away_once_and_the_registry_is_not_blamed() {
    let bench = filled();
    let part = cut_pull(&bench);
    let mut bytes = fs::read(&part).unwrap();
    bytes[7] ^= 1;
    fs::write(&part, bytes).unwrap();
    let before = bench.registry.requests().len();
    let said = bench.pull(&["a:1", "back"]).ended(0);
    let gets = bench.since(before);
    assert_eq!(
        gets.iter().filter(|it| *it == "blob-get 206").count(),
        1,
        "{gets:?}"
    );
    assert!(said.err.contains("had other content"), "{said:?}");
    assert!(!said.err.contains("damaged"), "{said:?}");
    assert_eq!(
        contents(&bench.path("back/blobs")),
        contents(&bench.path("oci/blobs"))
    );
}

/// A registry that refuses ranges: the blob comes from its start, and that is said.
#[test]
fn a_pull_that_cannot_go_on_starts_the_blob_over() {
    let bench = filled();
    cut_pull(&bench);
    let refused = FaultKind::Status {
        status: http::StatusCode::RANGE_NOT_SATISFIABLE,
        code: None,
        retry_after: None,
    };
    let once = Fault {
        count: Some(1),
        ..Fault::on(Operation::BlobGet, refused)
    };
    bench.registry.set_faults(vec![once]).unwrap();
    let said = bench
        .pull(&["a:1", "back", "--parallel", "1"])
        .ended(0)
        .says(&["416", "from its start"]);
    assert!(said.out.contains("2 blobs fetched"), "{said:?}");
    assert_eq!(
        contents(&bench.path("back/blobs")),
        contents(&bench.path("oci/blobs"))
    );
}

#[test]
fn ctrl_c_keeps_what_a_pull_has_brought() {
    let bench = filled();
    let stall = FaultKind::Stall(after(CUT), Stall::Forever);
    bench
        .registry
        .set_faults(vec![Fault::on(Operation::BlobGet, stall)])
        .unwrap();
    let url = bench.registry.url();
    let child = bench.start(&["pull", &url, "a:1", "back"]);
    let part_is_there = || {
        let parts = fs::read_dir(bench.path("back/blobs/.partial"));
        parts.is_ok_and(|mut parts| {
            parts.any(|it| it.unwrap().metadata().is_ok_and(|it| it.len() == CUT))
        })
    };
    until("the stall is reached", part_is_there);
    interrupt(&child);
    let said = Said::from(child.wait_with_output().unwrap()).ended(130);
    assert!(
        said.err.contains("interrupted") && said.out.is_empty(),
        "{said:?}"
    );
    bench.registry.set_faults(Vec::new()).unwrap();
    let said = bench.pull(&["a:1", "back"]).ended(0);
    assert!(said.out.contains("1 blob fetched, 2 present"), "{said:?}");
    assert_eq!(
        contents(&bench.path("back/blobs")),
        contents(&bench.path("oci/blobs"))
    );
}

/// A push that has one upload open, which does not end.
fn stuck(bench: &Bench, faults: Vec<Fault>) -> Child {
    bench.registry.set_faults(faults).unwrap();
    layout(&two_layers()).0.directory(&bench.path("oci"));
    let url = bench.registry.url();
    let child = bench.start(&["push", "oci", &url, "a:1", "--parallel", "1"]);
    until("an upload is open and in progress", || {
        let counts = bench.registry.counts();
        counts.open_uploads == 1 && counts.in_progress == 1 && counts.of(Operation::UploadStart) > 0
    });
    child
}

/// The PATCH is done, and the PUT is never answered.
fn never_closed() -> Fault {
    let stall = FaultKind::Stall(Point::BeforeHead, Stall::Forever);
    Fault::on(Operation::UploadPut, stall)
}

#[test]
fn ctrl_c_leaves_no_upload_open() {
    // The second takes two seconds for its PATCH, and has yet to notice that nobody sends any more.
    let slow = FaultKind::Rate(ByteSize::from_bytes(100_000));
    for fault in [never_closed(), Fault::on(Operation::UploadPatch, slow)] {
        let bench = Bench::new();
        let child = stuck(&bench, vec![fault]);
        interrupt(&child);
        let said = Said::from(child.wait_with_output().unwrap()).ended(130);
        assert!(said.err.contains("were cancelled"), "{said:?}");
        let counts = bench.registry.counts();
        assert_eq!(counts.open_uploads, 0);
        assert_eq!(counts.with_status(Operation::UploadCancel, 204), 1);
        assert_eq!(bench.requests(Operation::ManifestPut).len(), 0);
    }
}

#[test]
fn a_push_that_fails_leaves_no_upload_open() {
    let bench = Bench::new();
    layout(&two_layers()).0.directory(&bench.path("oci"));
    let cut = FaultKind::Close(after(CUT));
    bench
        .registry
        .set_faults(vec![Fault::on(Operation::UploadPatch, cut)])
        .unwrap();
    bench.push("oci", &["a:1"]).ended(1);
    assert_eq!(bench.registry.counts().open_uploads, 0);
    assert_eq!(bench.requests(Operation::ManifestPut).len(), 0);
}

#[test]
fn ctrl_c_twice_ends_at_once() {
    let bench = Bench::new();
    let stall = FaultKind::Stall(Point::BeforeHead, Stall::Forever);
    let cancel = Fault::on(Operation::UploadCancel, stall);
    let child = stuck(&bench, vec![never_closed(), cancel]);
    interrupt(&child);
    until("the upload is being cancelled", || {
        !bench.requests(Operation::UploadCancel).is_empty()
    });
    interrupt(&child);
    let said = Said::from(child.wait_with_output().unwrap()).ended(130);
    assert!(said.err.contains("may stay open"), "{said:?}");
}
