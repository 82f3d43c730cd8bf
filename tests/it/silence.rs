//! `request_timeout` bounds silence: a blob that moves may take as long as it takes, one that stops fails.

use std::time::Duration;

use regstorm::embedded::{Fault, FaultKind, Point, Running, Settings, Stall};
use regstorm::engine::Finished;
use regstorm::measure::FailureClass;
use regstorm::oci::Operation;
use regstorm::units::ByteSize;

use crate::support::{assert_closed, patiently, plan, registry, run};

/// Bytes a second, at which a blob is sent or taken: so many that what the system's buffers hold is soon gone.
const RATE: u64 = 32 << 20;

/// How much longer than `request_timeout` a blob takes.
const LONGER: u64 = 3;

fn site(operation: Operation, kind: FaultKind) -> Running {
    registry(Settings {
        faults: vec![Fault::on(operation, kind)],
        ..Settings::default()
    })
}

/// One iteration with one layer of so many bytes, and that much patience.
fn once(journey: &str, bytes: u64, silence: Duration, site: &Running) -> Finished {
    let toml = format!(
        "name = \"test\"\n[target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"{bytes}B\"\n\
         [journey.j]\nimages = \"web\"\n{journey}\nrequest_timeout = \"{}ms\"\n\
         [[load]]\njourney = \"j\"\nexecutor = \"per-vu-iterations\"\nvus = 1\niterations = 1\nmax_duration = \"5m\"\n",
        silence.as_millis()
    );
    let finished = run(&plan(&toml, &site.url(), 1)).expect("a run that measures");
    assert_closed(&finished);
    finished
}

fn outcomes(finished: &Finished) -> (u64, u64) {
    let (_, _, series) = finished.record.journeys().next().expect("a journey");
    let classes = &series.counts.failure_classes;
    (series.counts.outcomes.ok, classes.of(FailureClass::Timeout))
}

/// The ways in which a layer moves: the journey, and the operation that carries it.
const WAYS: [(&str, Operation); 4] = [
    ("action = \"pull\"", Operation::BlobGet),
    ("action = \"pull\"\nhttp = \"2\"", Operation::BlobGet),
    (
        "action = \"push\"\nmethod = \"patch\"\nunique = true",
        Operation::UploadPatch,
    ),
    (
        "action = \"push\"\nmethod = \"patch\"\nunique = true\nhttp = \"2\"",
        Operation::UploadPatch,
    ),
];

#[test]
fn a_blob_that_moves_takes_longer_than_the_timeout() {
    for (journey, operation) in WAYS {
        let site = site(operation, FaultKind::Rate(ByteSize::from_bytes(RATE)));
        patiently(Duration::from_millis(500), |silence| {
            let millis = u64::try_from(silence.as_millis()).expect("a short time");
            let bytes = LONGER * RATE * millis / 1000;
            let finished = once(journey, bytes, silence, &site);
            let took = finished.record.window();
            match outcomes(&finished) {
                (1, 0) if took > 2 * silence => Ok(()),
                other => Err(format!("{journey}: {other:?} in {took:?}")),
            }
        });
    }
}

#[test]
fn a_blob_that_stops_fails_although_it_has_begun() {
    const MIB: u64 = 1 << 20;
    for (journey, operation) in WAYS {
        let stall = FaultKind::Stall(Point::AfterBody(ByteSize::from_bytes(MIB)), Stall::Forever);
        let site = site(operation, stall);
        let finished = once(journey, 40 * MIB, Duration::from_millis(500), &site);
        assert_eq!(outcomes(&finished), (0, 1), "{journey}");
    }
}
