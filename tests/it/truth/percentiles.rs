//! The percentiles that a run reports, held against the same percentiles of the registry's log.
//!
//! A machine that is busy delays the client, and the log shows how long it waited for the client: the bounds are then
//! further apart, and still true.

use std::time::Duration;

use regstorm::embedded::{Fault, FaultKind, Lengths, Point, Settings, Stall};
use regstorm::engine::Finished;
use regstorm::exchange::Phase;
use regstorm::measure::LatencyHistogram;
use regstorm::oci::Operation;
use regstorm::units::ByteSize;

use super::{Told, median, of, phase, told};
use crate::support::{assert_closed, plan, registry, run};

const SEED: u64 = 1;

/// The percentiles of a report, in thousandths.
const PLACES: [(&str, usize); 6] = [
    ("p50_us", 500),
    ("p90_us", 900),
    ("p95_us", 950),
    ("p99_us", 990),
    ("p999_us", 999),
    ("max_us", 1000),
];

const fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

/// Eight users on two workers pull 250 images of a config and three layers, one blob after the other.
fn pulls(faults: Vec<Fault>) -> (Finished, Vec<Told>) {
    let registry = registry(Settings {
        faults,
        record_requests: Some(100_000),
        ..Settings::default()
    });
    let toml = "name = \"test\"\n\
         [target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 3\nlayer_size = \"60000B\"\n\
         [journey.pull]\naction = \"pull\"\nimages = \"web\"\nparallel = 1\nconnections = \"per-vu\"\n\
         [[load]]\njourney = \"pull\"\nexecutor = \"shared-iterations\"\nvus = 8\niterations = 250\nmax_duration = \"5m\"\n";
    let finished = run(&plan(toml, &registry.url(), 2)).expect("a run that measures");
    assert_closed(&finished);
    (finished, told(&registry))
}

/// Every percentile of the report lies between the same percentiles of what each exchange took at least and at most.
fn between(
    what: &str,
    reported: &LatencyHistogram,
    mut least: Vec<Duration>,
    mut most: Vec<Duration>,
) {
    let count = least.len();
    assert_eq!(
        reported.count(),
        count as u64,
        "{what}: all that were logged"
    );
    least.sort_unstable();
    most.sort_unstable();
    let fields = serde_json::to_value(reported).expect("the fields of a report");
    for (name, thousandths) in PLACES {
        // One value at least is expected above a percentile, or it is not known.
        let known = thousandths == 1000 || count * (1000 - thousandths) >= 1000;
        let value = fields[name].as_u64().map(Duration::from_micros);
        assert_eq!(value.is_some(), known, "{what} {name} of {count}");
        let Some(value) = value else { continue };
        let place = (count * thousandths).div_ceil(1000) - 1;
        // A latency is cut to whole microseconds, and a bucket is a thousandth wide.
        let lowest = least[place].saturating_sub(Duration::from_micros(1));
        let highest = most[place].mul_f64(1.001);
        assert!(
            lowest <= value && value <= highest,
            "{what} {name}: {lowest:?} <= {value:?} <= {highest:?}"
        );
    }
}

/// The longest that a phase took.
fn longest(finished: &Finished, operation: Operation, which: Phase) -> Duration {
    phase(finished, operation, which).max().expect("exchanges")
}

/// The whole of an exchange is at least from its arrival to the last byte written.
fn check_total(finished: &Finished, operation: Operation, told: &[Told]) {
    between(
        &format!("total of {operation}"),
        phase(finished, operation, Phase::Total),
        told.iter().map(|it| it.first_byte + it.body).collect(),
        told.iter().map(Told::longest).collect(),
    );
}

#[test]
fn percentiles_of_the_first_byte_are_those_of_the_log() {
    let blobs = Lengths::log_normal(ms(8), 0.6, ms(200)).expect("a range");
    let manifests = Lengths::uniform(ms(2), ms(20)).expect("a range");
    let (finished, all) = pulls(vec![
        Fault::on(
            Operation::BlobGet,
            FaultKind::DrawnDelay(blobs.seeded(SEED)),
        ),
        Fault::on(
            Operation::ManifestGet,
            FaultKind::DrawnDelay(manifests.seeded(SEED)),
        ),
    ]);
    for (operation, count) in [(Operation::BlobGet, 1000), (Operation::ManifestGet, 250)] {
        let told = of(&all, operation);
        assert_eq!(told.len(), count);
        // The client's clock starts when the last byte was sent: later than the registry has read the head, perhaps,
        // but no later than sending took.
        let send = longest(&finished, operation, Phase::Send);
        between(
            &format!("first byte of {operation}"),
            phase(&finished, operation, Phase::FirstByte),
            told.iter()
                .map(|it| it.first_byte.saturating_sub(send))
                .collect(),
            told.iter().map(Told::longest).collect(),
        );
        // The body has no part in it.
        between(
            &format!("body of {operation}"),
            phase(&finished, operation, Phase::Body),
            vec![Duration::ZERO; count],
            told.iter().map(Told::longest_body).collect(),
        );
        check_total(&finished, operation, &told);
    }
}

#[test]
fn percentiles_of_the_body_are_those_of_the_log() {
    let paused = Lengths::exponential(ms(25), ms(250)).expect("a range");
    let at = Point::AfterBody(ByteSize::from_bytes(10_000));
    let (finished, all) = pulls(vec![Fault::on(
        Operation::BlobGet,
        FaultKind::Stall(at, Stall::Drawn(paused.seeded(SEED))),
    )]);
    let operation = Operation::BlobGet;
    let told = of(&all, operation);
    assert_eq!(told.len(), 1000);
    // The client's clock starts when it reads the first byte: later than that was written, but no later than the
    // exchange had been under way. Nothing holds the head back here, so that is short.
    let late = longest(&finished, operation, Phase::Send)
        + longest(&finished, operation, Phase::FirstByte);
    between(
        "body of blob-get",
        phase(&finished, operation, Phase::Body),
        told.iter().map(|it| it.body.saturating_sub(late)).collect(),
        told.iter().map(Told::longest_body).collect(),
    );
    check_total(&finished, operation, &told);
    // The pause has no part in the first byte, most of all not that of a layer. A config is too short to be paused.
    let paused = || told.iter().map(|it| it.body).filter(|it| *it >= ms(1));
    let first_byte = median_of(phase(&finished, operation, Phase::FirstByte));
    assert!(first_byte < median(paused()) / 2, "{first_byte:?}");
}

fn median_of(histogram: &LatencyHistogram) -> Duration {
    histogram
        .quantile(regstorm::units::Quantile::P50)
        .expect("exchanges")
}
