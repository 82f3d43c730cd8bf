//! A registry that stands still for a second under a closed load: one exchange tells of it, and no percentile does.

use std::sync::Arc;
use std::time::Duration;

use regstorm::embedded::{Fault, FaultKind, Running, Settings};
use regstorm::engine::{self, Finished, Progress};
use regstorm::exchange::Phase;
use regstorm::measure::{LatencyHistogram, Period};
use regstorm::oci::Operation;
use regstorm::units::Quantile;

use super::{Told, end_of, is_pull, of, phase, since, told, written};
use crate::support::{assert_closed, plan, registry};

const SECOND: Duration = Duration::from_secs(1);
const ITERATIONS: u64 = 200;

/// One user pulls a manifest that takes 4 ms, a config and a layer, 200 times.
fn pulls(faults: Vec<Fault>, mut each: impl FnMut(&Running, Progress<'_>)) -> (Finished, Running) {
    let slow = FaultKind::Delay(Duration::from_millis(4));
    let registry = registry(Settings {
        faults: [vec![Fault::on(Operation::ManifestGet, slow)], faults].concat(),
        record_requests: Some(10_000),
        ..Settings::default()
    });
    let toml = format!(
        "name = \"test\"\n\
         [target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"1KiB\"\n\
         [journey.pull]\naction = \"pull\"\nimages = \"web\"\nparallel = 1\n\
         [[load]]\njourney = \"pull\"\nexecutor = \"per-vu-iterations\"\nvus = 1\niterations = {ITERATIONS}\nmax_duration = \"5m\"\n"
    );
    let plan = Arc::new(plan(&toml, &registry.url(), 1));
    let (_stopper, stop) = engine::stop();
    let finished = engine::run(&plan, 7, &stop, &mut |at| each(&registry, at));
    let finished = finished.expect("a run that measures");
    assert_closed(&finished);
    (finished, registry)
}

/// The largest value but one: of n values the one that all but 1.5 do not exceed.
fn second_longest(histogram: &LatencyHistogram) -> Duration {
    let count = u32::try_from(histogram.count()).expect("a short run");
    let place = Quantile::from_percentile(100.0 - 150.0 / f64::from(count)).expect("a percentile");
    histogram.quantile(place).expect("it is known")
}

fn check(finished: &Finished, registry: &Running) {
    let freezes = registry.freezes();
    assert_eq!(freezes.len(), 1);
    let freeze = freezes[0];
    assert_eq!(since(freeze.began, freeze.until), SECOND);
    // The log knows of one request that was not answered when the freeze began, or came while it lasted.
    let records = registry.requests();
    let caught: Vec<_> = records
        .iter()
        .filter(|it| is_pull(it) && it.arrived < freeze.until && end_of(it) > freeze.began)
        .collect();
    assert_eq!(caught.len(), 1, "{freeze:?} {caught:?}");
    let caught = caught[0];
    let waited = since(caught.arrived.max(freeze.began), end_of(caught));
    let first = caught.arrived + written(caught).0;
    assert!(first >= freeze.until, "{freeze:?} {caught:?}");

    let all = told(registry);
    assert_eq!(all.len() as u64, 3 * ITERATIONS);
    for operation in [Operation::ManifestGet, Operation::BlobGet] {
        let total = phase(finished, operation, Phase::Total);
        let mut most: Vec<_> = of(&all, operation).iter().map(Told::longest).collect();
        most.sort_unstable();
        let usual = if caught.operation == Some(operation) {
            // The slow one is as slow as the log says, and it is one.
            assert!(total.max().expect("exchanges") + Duration::from_micros(1) >= waited);
            most.pop();
            second_longest(total)
        } else {
            total.max().expect("exchanges")
        };
        let most = most.last().expect("exchanges").mul_f64(1.001);
        assert!(usual <= most, "{operation}: {usual:?} <= {most:?}");
    }
    // A loop that is closed asks for nothing meanwhile, so every iteration but one is as fast as ever, and p99 is too:
    // none is slower than the log says of its three exchanges. Where the machine stood still as well, the log shows it.
    let (_, _, pulls) = finished.record.journeys().next().expect("a journey");
    assert_eq!(pulls.counts.outcomes.ok, ITERATIONS);
    assert!(
        pulls.latencies.service_time.max().expect("iterations") + Duration::from_micros(1)
            >= waited
    );
    let iterations = all.chunks(3);
    let longest = iterations.map(|it| it.iter().map(Told::longest).sum::<Duration>());
    let told = longest.filter(|it| *it >= SECOND / 2).count() as u64;
    for times in [
        &pulls.latencies.service_time,
        &pulls.latencies.response_time,
    ] {
        let slow = times.buckets().filter(|it| it.low >= SECOND / 2);
        let slow: u64 = slow.map(|it| it.count).sum();
        assert!((1..=told).contains(&slow), "{slow} of {told}");
        let p99 = times.quantile(Quantile::P99).expect("of 200");
        assert!(p99 < SECOND / 2 || told > 2, "{p99:?}, {told}");
    }
}

#[test]
fn a_freeze_that_a_request_begins_is_one_slow_exchange() {
    let freeze = Fault::on(Operation::BlobGet, FaultKind::Freeze(SECOND)).window(100, Some(1));
    let (finished, registry) = pulls(vec![freeze], |_, _| {});
    check(&finished, &registry);
    // The 101st blob began it and waited for all of it.
    let blobs = registry.requests();
    let mut blobs = blobs
        .iter()
        .filter(|it| it.operation == Some(Operation::BlobGet));
    let first = blobs.nth(100).expect("400 blobs");
    assert!(first.arrived <= registry.freezes()[0].began);
    assert!(first.first_byte.expect("an answer") >= SECOND, "{first:?}");
}

#[test]
fn a_freeze_that_is_asked_for_is_one_slow_exchange() {
    // Who asks may come too late, on a machine that makes it wait for as long as the run takes.
    for _ in 0..20 {
        let mut frozen = false;
        let (finished, registry) = pulls(Vec::new(), |registry, at| {
            if let Progress::Load { period, live, .. } = at
                && live.totals(Period::Measure).iterations.ok > 0
                && !frozen
            {
                assert_eq!(period, Period::Measure);
                frozen = true;
                registry.freeze(SECOND).expect("it runs");
            }
        });
        let pulled = registry.requests().into_iter().filter(is_pull);
        let last = pulled.map(|it| it.arrived).max().expect("it was pulled");
        let caught = registry.freezes().iter().any(|it| it.began < last);
        if caught {
            return check(&finished, &registry);
        }
    }
    panic!("the freeze always came when the run was over");
}
