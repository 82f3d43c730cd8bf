//! Open loads and ramps under faults, to their end and stopped: every sum closes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use http::StatusCode;
use regstorm::embedded::{Fault, FaultKind, Point, Running, Settings, Stall, When};
use regstorm::engine::{Finished, Stopper};
use regstorm::measure::{DropReason, Period};
use regstorm::oci::Operation;
use regstorm::plan::Plan;
use regstorm::schedule::Spacing;
use regstorm::units::{ByteSize, Ratio};

use super::{arm_when_seeded, dropped, drops, measured, only, run_beside, scenario, silent_on};
use crate::support::{plan, registry, wait_for};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The time is up.
    Itself,
    /// Somebody asks once to stop, in the middle.
    Drained,
    /// Somebody asks twice.
    Dropped,
}

/// A load, and what follows from it by arithmetic.
struct Case {
    /// The keys when it runs to its end, and when it is stopped.
    ends: &'static str,
    stopped: &'static str,
    due: DueBy,
    /// Why an iteration may be dropped.
    reasons: &'static [DropReason],
}

/// How many iterations are due.
enum DueBy {
    /// By the integral of the rate: all in all, and after so many seconds.
    Rate(u64, fn(f64) -> f64),
    /// As the arrivals of the plan's seed say.
    Chance,
    /// As often as users come around.
    Users,
}

const CASES: [Case; 6] = [
    Case {
        ends: "executor = \"constant-arrival-rate\"\nrate = 100\nduration = \"300ms\"\nmax_vus = 3\nwarmup = \"100ms\"",
        stopped: "executor = \"constant-arrival-rate\"\nrate = 100\nduration = \"5m\"\nmax_vus = 3",
        due: DueBy::Rate(30, |seconds| 100.0 * seconds),
        reasons: &[DropReason::NoVu, DropReason::Cut],
    },
    Case {
        ends: "executor = \"constant-arrival-rate\"\nrate = 100\nduration = \"300ms\"\nmax_vus = 3\non_no_vu = \"queue\"\nmax_queue = 4",
        stopped: "executor = \"constant-arrival-rate\"\nrate = 100\nduration = \"5m\"\nmax_vus = 3\non_no_vu = \"queue\"\nmax_queue = 4",
        due: DueBy::Rate(30, |seconds| 100.0 * seconds),
        reasons: &[DropReason::QueueFull, DropReason::Cut],
    },
    Case {
        ends: "executor = \"constant-arrival-rate\"\nrate = 100\nduration = \"300ms\"\nmax_vus = 8\narrival = \"poisson\"\non_no_vu = \"queue\"",
        stopped: "executor = \"constant-arrival-rate\"\nrate = 100\nduration = \"1m\"\nmax_vus = 8\narrival = \"poisson\"\non_no_vu = \"queue\"",
        due: DueBy::Chance,
        reasons: &[DropReason::Cut],
    },
    Case {
        // 200/s after 200 ms: 1/2 * 200/s * 0.2 s = 20, and then 200/s.
        ends: "executor = \"ramping-arrival-rate\"\nmax_vus = 4\nstages = [{ duration = \"200ms\", target = 200 }, { duration = \"100ms\", target = 200 }]",
        stopped: "executor = \"ramping-arrival-rate\"\nmax_vus = 4\nstages = [{ duration = \"200ms\", target = 200 }, { duration = \"5m\", target = 200 }]",
        due: DueBy::Rate(40, |seconds| {
            let ramp = seconds.min(0.2);
            500.0 * ramp * ramp + 200.0 * (seconds - ramp)
        }),
        reasons: &[DropReason::NoVu, DropReason::Cut],
    },
    Case {
        ends: "executor = \"at-once\"\nvus = 30\nwithin = \"300ms\"",
        stopped: "executor = \"at-once\"\nvus = 3000\nwithin = \"30s\"",
        due: DueBy::Rate(30, |seconds| 100.0 * seconds),
        reasons: &[DropReason::Cut],
    },
    Case {
        ends: "executor = \"ramping-vus\"\nstart_vus = 1\npacing = \"20ms\"\nstages = [{ duration = \"450ms\", target = 4 }, { duration = \"450ms\", target = 0 }]",
        stopped: "executor = \"ramping-vus\"\nstart_vus = 1\npacing = \"20ms\"\nstages = [{ duration = \"100ms\", target = 4 }, { duration = \"5m\", target = 4 }]",
        due: DueBy::Users,
        reasons: &[DropReason::Overrun],
    },
];

/// A fault of each kind that breaks an exchange off, and a standstill.
fn faults() -> Vec<Fault> {
    let often = When::Probability(Ratio::try_new(0.3).expect("a share"), 5);
    let refused = FaultKind::Status {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: None,
        retry_after: None,
    };
    let middle = Point::AfterBody(ByteSize::from_bytes(5_000));
    let freeze = FaultKind::Freeze(Duration::from_millis(150));
    vec![
        Fault::everywhere(refused).when(often),
        Fault::everywhere(FaultKind::Reset(Point::BeforeHead)).when(often),
        Fault::everywhere(FaultKind::Close(middle)).when(often),
        Fault::everywhere(FaultKind::Stall(Point::BeforeHead, Stall::Forever)).when(often),
        Fault::everywhere(freeze).window(6, Some(1)),
    ]
}

/// Pulls and pushes, half of each.
fn toml(load: &str) -> String {
    let limits = "request_timeout = \"400ms\"\niteration_timeout = \"2s\"";
    let pull = format!("action = \"pull\"\n{limits}");
    scenario(&pull, load).replace(
        "[[load]]\njourney = \"j\"",
        &format!(
            "[journey.push]\nimages = \"web\"\naction = \"push\"\nunique = true\n{limits}\n\
             [[load]]\nmix = {{ j = 1, push = 1 }}\ngraceful_stop = \"5m\""
        ),
    )
}

/// Plays a case; when some requests have come behind seeding, the run is stopped, if it is to be.
fn play(plan: Plan, registry: &Running, fault: &Fault, ending: Ending) -> Finished {
    let armed_at = AtomicU64::new(u64::MAX);
    let stop = |stopper: &Stopper| {
        if ending == Ending::Itself {
            return;
        }
        wait_for(|| {
            let enough = armed_at.load(Ordering::SeqCst).saturating_add(12);
            (registry.counts().requests >= enough).then_some(())
        });
        stopper.ask();
        if ending == Ending::Dropped {
            stopper.ask();
        }
    };
    run_beside(plan, stop, |at| {
        if arm_when_seeded(registry, std::slice::from_ref(fault), &at) {
            armed_at.store(registry.counts().requests, Ordering::SeqCst);
        }
    })
}

/// How many arrivals of a load are due, drawn from its seed, until `end` since it began.
fn drawn(plan: &Plan, end: Duration) -> u64 {
    let curve = plan.loads[0].executor.curve(Duration::ZERO);
    let curve = curve.expect("an open load");
    let arrivals = curve.arrivals(Spacing::Poisson, plan.arrival_seed(0));
    arrivals.take_while(|arrival| arrival.due <= end).count() as u64
}

fn check(case: &Case, fault: &Fault, ending: Ending) {
    let load = if ending == Ending::Itself {
        case.ends
    } else {
        case.stopped
    };
    let what = format!("{load} {fault:?} {ending:?}");
    let registry = registry(Settings::default());
    let plan = plan(&toml(load), &registry.url(), 2);
    let finished = play(plan.clone(), &registry, fault, ending);
    assert_eq!(finished.interrupted, ending != Ending::Itself, "{what}");
    let totals = measured(&finished);
    let starts = totals.starts;
    assert_eq!(starts.scheduled, starts.started + starts.dropped, "{what}");
    assert_eq!(starts.started, totals.iterations.ended(), "{what}");
    // On a machine that is busy elsewhere all users may still be held up from the warm-up.
    let warm_up = finished.record.totals(Period::WarmUp).starts;
    assert!(starts.started + warm_up.started > 0, "{what}");
    // Every scheduled iteration belongs to the load's time, also those that found no user.
    let window = finished.record.window();
    match (&case.due, ending) {
        (DueBy::Users, _) => {}
        (DueBy::Chance, Ending::Itself) => {
            let all = drawn(&plan, Duration::from_millis(300));
            assert_eq!(starts.scheduled, all, "{what}");
        }
        (DueBy::Chance, _) => assert_eq!(starts.scheduled, drawn(&plan, window), "{what}"),
        (DueBy::Rate(all, _), Ending::Itself) => assert_eq!(starts.scheduled, *all, "{what}"),
        (DueBy::Rate(_, until), _) => {
            // The first is due at once, so the number is the next whole one above the integral.
            let due = until(window.as_secs_f64());
            let scheduled = f64::from(u32::try_from(starts.scheduled).expect("a short run"));
            assert!((scheduled - due).abs() <= 1.0, "{what}: {scheduled} {due}");
        }
    }
    let drops = drops(&finished);
    let named = |reason: &&str| case.reasons.iter().any(|it| it.name() == *reason);
    assert!(drops.keys().all(named), "{what}: {drops:?}");
    match ending {
        Ending::Itself => {
            assert_eq!(dropped(&finished, DropReason::Cut), 0, "{what}");
            let warm = finished.record.totals(Period::WarmUp).starts.scheduled;
            let wanted = if load.contains("warmup") { 10 } else { 0 };
            assert_eq!(warm, wanted, "{what}");
        }
        // Whoever has begun has five minutes; no exchange takes so long.
        Ending::Drained => assert_eq!(totals.iterations.cancelled, 0, "{what}"),
        Ending::Dropped => {}
    }
}

/// Plays all cases of an ending, a few at once: most of their time passes in waiting.
fn check_all(ending: Ending) {
    let faults = faults();
    let cases = CASES.iter();
    let all: Vec<_> = cases
        .flat_map(|case| faults.iter().map(move |fault| (case, fault)))
        .collect();
    let all = Mutex::new(all);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let next = || all.lock().unwrap_or_else(PoisonError::into_inner).pop();
                while let Some((case, fault)) = next() {
                    check(case, fault, ending);
                }
            });
        }
    });
}

#[test]
fn every_sum_closes_under_faults() {
    check_all(Ending::Itself);
}

#[test]
fn every_sum_closes_when_a_load_under_faults_is_drained() {
    check_all(Ending::Drained);
}

#[test]
fn every_sum_closes_when_a_load_under_faults_is_dropped() {
    check_all(Ending::Dropped);
}

/// Two users that hang, and arrivals that wait for one.
const HANGING: &str =
    "executor = \"constant-arrival-rate\"\nrate = 100\nmax_vus = 2\non_no_vu = \"queue\"\n";

#[test]
fn what_waits_when_somebody_stops_is_dropped_as_cut() {
    for asks in [1, 2] {
        let registry = registry(silent_on(Operation::ManifestGet));
        let load = format!("{HANGING}duration = \"5m\"\ngraceful_stop = \"200ms\"");
        let plan = plan(&scenario("action = \"pull\"", &load), &registry.url(), 2);
        let (stopper, stop) = regstorm::engine::stop();
        let finished = regstorm::engine::run(&plan.into(), 7, &stop, &mut |at| {
            if let regstorm::engine::Progress::Load { live, .. } = at
                && live.totals(Period::Measure).starts.scheduled >= 20
                && stop.asked().is_none()
            {
                for _ in 0..asks {
                    stopper.ask();
                }
            }
        })
        .expect("a run that measures");
        crate::support::assert_closed(&finished);
        let it = only(&finished);
        // Both users began one iteration, which had no answer; the rest never found a user.
        assert!(it.counts.starts.scheduled >= 20, "{:?}", it.counts.starts);
        assert_eq!(it.counts.starts.started, 2, "{asks}");
        assert_eq!(
            (it.counts.outcomes.cancelled, it.counts.outcomes.ended()),
            (2, 2)
        );
        assert_eq!(
            dropped(&finished, DropReason::Cut),
            it.counts.starts.scheduled - 2
        );
    }
}

#[test]
fn what_still_waits_when_a_load_is_cut_is_dropped_as_cut() {
    let registry = registry(silent_on(Operation::ManifestGet));
    let load = format!("{HANGING}duration = \"300ms\"\ngraceful_stop = \"200ms\"");
    let plan = plan(&scenario("action = \"pull\"", &load), &registry.url(), 2);
    let finished = run_beside(plan, |_| {}, |_| {});
    let it = only(&finished);
    // 100/s for 0.3 s.
    assert_eq!(
        (it.counts.starts.scheduled, it.counts.starts.started),
        (30, 2)
    );
    assert_eq!(
        (it.counts.outcomes.cancelled, it.counts.outcomes.ended()),
        (2, 2)
    );
    assert_eq!(dropped(&finished, DropReason::Cut), 28);
    assert!(!finished.interrupted);
}
