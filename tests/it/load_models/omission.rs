//! A registry that stands still for a second under 200 starts a second: what each load model makes of it.
//!
//! The freeze begins with the request for the 201st manifest, which is the first request of iteration 200, due at 1 s.
//! The registry sees it when it is due or later, so the freeze ends at 2 s or later. Two users are stuck in it; what is
//! due meanwhile every 5 ms is what the models differ in.

use std::collections::BTreeMap;
use std::time::Duration;

use regstorm::embedded::{Fault, FaultKind, RequestRecord, Running};
use regstorm::engine::Finished;
use regstorm::measure::{DropCause, DropReason, JourneySeries, LatencyHistogram, Outcomes, Starts};
use regstorm::oci::Operation;
use regstorm::units::Quantile;

use super::{
    PULL, SECOND, dropped, end_of, journey, largest, ms, play, recording, scenario, seeded,
};
use crate::machine::{Beside, Claimed, claim, tried};
use crate::support::{registry, wait_for};

/// How often a run is made while the machine stands still.
const TRIES: u32 = 5;

/// The load is of 600 iterations in 3 s.
const PLANNED: u64 = 600;
/// The iteration that meets the freeze first.
const FIRST: u64 = 200;
/// Images that iterations pull in turn.
const IMAGES: u64 = 50;

/// What a histogram rounds to.
const MICROSECOND: Duration = Duration::from_micros(1);

const OPEN: &str =
    "journey = \"pull\"\nexecutor = \"constant-arrival-rate\"\nrate = 200\nduration = \"3s\"";
const TWO_USERS: &str =
    "journey = \"pull\"\nexecutor = \"constant-vus\"\nvus = 2\nduration = \"3s\"";

/// A run of one load on one worker. `think` is what a user does between two pulls.
fn frozen(load: &str, think: &str) -> (Finished, Running) {
    let mut settings = recording();
    let freeze = Fault::on(Operation::ManifestGet, FaultKind::Freeze(SECOND));
    settings.faults = vec![freeze.window(FIRST, Some(1))];
    let registry = registry(settings);
    let pull = format!("{PULL}\nthink_time = \"{think}\"");
    let images = u32::try_from(IMAGES).expect("few");
    let toml = scenario(images, &[("pull", &pull)], &[load]);
    let finished = play(&toml, &registry, 1);
    let freezes = registry.freezes();
    assert_eq!(freezes.len(), 1);
    assert_eq!(freezes[0].until.saturating_sub(freezes[0].began), SECOND);
    assert!(!finished.interrupted);
    (finished, registry)
}

/// What took no part in the freeze took less than half of it, unless the machine stood still as well.
fn below_half(time: Duration) -> Claimed<()> {
    claim!(time < SECOND / 2, "{time:?} without a freeze");
    Ok(())
}

/// Every iteration that began has gone well.
fn all_went_well(pulls: &JourneySeries) {
    let ok = Outcomes {
        ok: pulls.counts.starts.started,
        ..Outcomes::default()
    };
    assert_eq!(pulls.counts.outcomes, ok);
}

/// One pull, as the log tells it.
#[derive(Debug, Clone, Copy)]
struct Told {
    arrived: Duration,
    /// Its last answer was written then: it ended no earlier.
    written: Duration,
    /// The user asked for something else, or left: it ended no later.
    over: Duration,
    /// The image it pulled.
    image: u64,
}

/// The pulls in the order in which their first requests came. A pull is three requests on the connection of its user.
fn told(registry: &Running) -> (Vec<Told>, Duration) {
    wait_for(|| (registry.counts().open_connections == 0).then_some(()));
    let records = registry.requests();
    let begin = seeded(&records);
    let mut users: BTreeMap<u64, Vec<RequestRecord>> = BTreeMap::new();
    for record in records {
        let pull = [Operation::ManifestGet, Operation::BlobGet];
        if record.operation.is_some_and(|it| pull.contains(&it)) {
            users.entry(record.connection).or_default().push(record);
        }
    }
    let mut all = Vec::new();
    for user in users.into_values() {
        let parts: Vec<_> = user.chunks(3).collect();
        for (place, pull) in parts.iter().enumerate() {
            let first = &pull[0];
            assert_eq!(first.operation, Some(Operation::ManifestGet));
            let last = pull.last().expect("three requests");
            let next = parts.get(place + 1).map(|next| next[0].arrived);
            let image = first.target.split('/').nth(3);
            all.push(Told {
                arrived: first.arrived,
                written: end_of(last),
                over: next.or(last.closed).expect("the user has left"),
                image: image.and_then(|it| it.parse().ok()).expect("/v2/pull/N/"),
            });
        }
    }
    all.sort_by_key(|it| it.arrived);
    (all, begin)
}

/// The quantiles of all 600 response times lie between what the log says of each at least and at most.
///
/// Iteration i is due at the begin of the load and 5 ms times i. The load begins after seeding has ended and before the
/// first request of iteration 0 comes. Which iteration a pull is follows from its place in the log and its image: two
/// requests that came at about the same time may stand there in either order.
fn agrees_with_the_log(response_time: &LatencyHistogram, registry: &Running) {
    let (told, begin) = told(registry);
    assert_eq!(told.len() as u64, PLANNED);
    let base = told[0].image;
    let (mut least, mut most) = (Vec::new(), Vec::new());
    for (place, pull) in (0..).zip(&told) {
        // The iteration near this place that pulls this image.
        let ahead = (pull.image + 2 * IMAGES - base - place % IMAGES) % IMAGES;
        let index = if ahead < IMAGES / 2 {
            place + ahead
        } else {
            place + ahead - IMAGES
        };
        let due = ms(5 * index);
        least.push(pull.written.saturating_sub(told[0].arrived + due));
        most.push(pull.over.saturating_sub(begin + due));
    }
    least.sort_unstable();
    most.sort_unstable();
    for percentile in [10.0, 50.0, 70.0, 80.0, 90.0, 95.0, 99.0, 99.5] {
        let quantile = Quantile::from_percentile(percentile).expect("a percentile");
        let place = usize::try_from(quantile.rank(PLANNED)).expect("few") - 1;
        let found = response_time.quantile(quantile).expect("of 600");
        let (least, most) = (least[place], most[place].mul_f64(1.001) + MICROSECOND);
        assert!(
            least <= found && found <= most,
            "p{percentile}: {least:?} <= {found:?} <= {most:?}"
        );
    }
}

#[test]
fn users_that_wait_show_in_response_time_and_in_start_lag_alone() {
    tried(TRIES, Beside::Tests, || {
        let load = format!("{OPEN}\nmax_vus = 2\non_no_vu = \"queue\"");
        let (finished, registry) = frozen(&load, "0s");
        let pulls = journey(&finished, "pull");
        let all = Starts {
            scheduled: PLANNED,
            started: PLANNED,
            dropped: 0,
        };
        assert_eq!(pulls.counts.starts, all);
        all_went_well(&pulls);
        // 200 + j is due 5 j ms after 200, so it ends 1 s - 5 j ms late at least: the longest response time is 1 s, the
        // n-th longest 5 (n - 1) ms less. Of 600 the p99 is the 594th, which is the 7th from the top: 970 ms.
        for n in 1..=200 {
            let least = SECOND.saturating_sub(ms(5 * (n - 1)));
            assert!(
                largest(&pulls.latencies.response_time, n).high >= least,
                "{n}"
            );
        }
        let response = pulls.latencies.response_time.quantile(Quantile::P99);
        assert!(response.expect("of 600") >= ms(970), "{response:?}");
        agrees_with_the_log(&pulls.latencies.response_time, &registry);
        // The two users were stuck for as long; every other pull was as fast as ever once it had begun. 2 of 600 do not
        // reach the p99.
        assert!(pulls.latencies.service_time.max().expect("of 600") >= SECOND);
        let second = largest(&pulls.latencies.service_time, 2).high;
        claim!(second > SECOND / 2, "{second:?} of the second user");
        below_half(largest(&pulls.latencies.service_time, 3).high)?;
        let service = pulls.latencies.service_time.quantile(Quantile::P99);
        below_half(service.expect("of 600"))?;
        // 202 is the first that finds no user: it starts 990 ms late.
        for n in 1..=198 {
            let least = ms(990).saturating_sub(ms(5 * (n - 1)));
            assert!(largest(&pulls.latencies.start_lag, n).high >= least, "{n}");
        }
        Ok(())
    });
}

#[test]
fn with_users_enough_the_service_time_shows_it_as_well() {
    tried(TRIES, Beside::Tests, || {
        let load = format!("{OPEN}\nmax_vus = 400");
        let (finished, registry) = frozen(&load, "0s");
        let pulls = journey(&finished, "pull");
        assert_eq!(
            (pulls.counts.starts.scheduled, pulls.counts.starts.dropped),
            (600, 0)
        );
        all_went_well(&pulls);
        // Each starts when it is due: what it waits for is the answer.
        let latest = pulls.latencies.start_lag.max().expect("of 600");
        below_half(latest)?;
        for n in 1..=200 {
            let least = SECOND.saturating_sub(ms(5 * (n - 1)));
            assert!(
                largest(&pulls.latencies.response_time, n).high >= least,
                "{n}"
            );
            let service = largest(&pulls.latencies.service_time, n).high;
            assert!(service + latest >= least, "{n}");
        }
        agrees_with_the_log_of_many(&pulls.latencies.response_time, &registry);
        Ok(())
    });
}

/// With a user for each pull nobody asks again before long: the log tells only how long each took at least.
fn agrees_with_the_log_of_many(response_time: &LatencyHistogram, registry: &Running) {
    let (told, _) = told(registry);
    let mut least: Vec<_> = told
        .iter()
        .map(|it| it.written.saturating_sub(it.arrived))
        .collect();
    least.sort_unstable_by(|a, b| b.cmp(a));
    for (n, least) in (1..).zip(least) {
        assert!(largest(response_time, n).high >= least, "{n}");
    }
}

#[test]
fn starts_that_nobody_can_make_are_dropped_and_counted() {
    tried(TRIES, Beside::Tests, || {
        let load = format!("{OPEN}\nmax_vus = 2");
        let (finished, registry) = frozen(&load, "0s");
        let pulls = journey(&finished, "pull");
        all_went_well(&pulls);
        assert_eq!(pulls.counts.starts.scheduled, PLANNED);
        // 200 and 201 are stuck. 202 to 400 are due before 2 s, or at it: 199.
        assert!(
            pulls.counts.starts.dropped >= 199,
            "{:?}",
            pulls.counts.starts
        );
        assert_eq!(
            dropped(&pulls, DropReason::NoVu),
            pulls.counts.starts.dropped,
            "{:?}",
            pulls.counts.drops
        );
        // What was dropped was not asked for.
        let (told, _) = told(&registry);
        assert_eq!(told.len() as u64, pulls.counts.starts.started);
        assert_eq!(
            pulls.counts.starts.started,
            PLANNED - pulls.counts.starts.dropped
        );
        // Both users waited for the target all the time. An event loop that is late blames itself for as long as it was late,
        // and as long again: in twice that time so many are due.
        let lags = finished.pacer_lag.buckets().filter(|it| it.high > ms(1));
        let of_late: u128 = lags
            .map(|it| u128::from(it.count) * (2 * it.high.as_micros() * 200 / 1_000_000 + 2))
            .sum();
        let others: u64 = pulls
            .counts
            .drop_causes
            .iter()
            .filter(|(cause, _)| *cause != DropCause::Target)
            .map(|(_, count)| count)
            .sum();
        assert!(u128::from(others) <= of_late, "{:?}", pulls.counts.drops);
        // Two response times tell of it, and both are of a user that was stuck.
        assert!(largest(&pulls.latencies.response_time, 2).high >= ms(995));
        below_half(largest(&pulls.latencies.response_time, 3).high)?;
        Ok(())
    });
}

#[test]
fn a_closed_loop_with_a_pace_counts_what_it_missed() {
    tried(TRIES, Beside::Tests, || {
        // Each of two users every 10 ms, the second 5 ms after the first: 200 a second.
        let (finished, _registry) = frozen(&format!("{TWO_USERS}\npacing = \"10ms\""), "0s");
        let pulls = journey(&finished, "pull");
        all_went_well(&pulls);
        assert_eq!(pulls.counts.starts.scheduled, PLANNED);
        // One user is stuck for 1 s, the other for 990 ms at least. Of the cycles that begin 10, 20, ... ms after, those
        // that end meanwhile are missed: 99 and 98. The next begins at once, late.
        assert!(
            pulls.counts.starts.dropped >= 197,
            "{:?}",
            pulls.counts.starts
        );
        let overrun = dropped(&pulls, DropReason::Overrun);
        assert_eq!(
            overrun, pulls.counts.starts.dropped,
            "{:?}",
            pulls.counts.drops
        );
        // Neither user thought, and no work of the client lasts longer than the freeze.
        let causes: Vec<_> = pulls.counts.drop_causes.iter().collect();
        claim!(
            causes == [(DropCause::Target, overrun)],
            "{causes:?} without a machine that stands still"
        );
        // But no percentile tells of it.
        assert!(largest(&pulls.latencies.response_time, 2).high >= ms(990));
        below_half(largest(&pulls.latencies.response_time, 3).high)?;
        Ok(())
    });
}

#[test]
fn a_closed_loop_hides_it() {
    tried(TRIES, Beside::Tests, || {
        let (finished, _registry) = frozen(TWO_USERS, "10ms");
        let pulls = journey(&finished, "pull");
        all_went_well(&pulls);
        // A user that starts every 10 ms at most has 300 starts in 3 s. Between the last before the freeze and the first
        // after it lie 1 s and 10 ms at least, for a user who thinks when it begins is back 10 ms later: 201 are left, and
        // one for the ends. The others are told nowhere.
        assert_eq!(pulls.counts.starts.dropped, 0);
        let started = pulls.counts.starts.started;
        assert!(started <= 2 * 202, "{started} of {PLANNED}");
        assert!(largest(&pulls.latencies.response_time, 1).high >= SECOND);
        below_half(largest(&pulls.latencies.response_time, 3).high)?;
        Ok(())
    });
}
