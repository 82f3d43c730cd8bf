use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use regstorm::health::{Health, Level, Reason, Signal, Signals, TargetHost};
use regstorm::measure::{
    Catalogue, DropCause, DropReason, DroppedStart, FailureClass, IterationSample,
    LatencyHistogram, Outcome, Period, Recorder, Spent,
};
use regstorm::plan::{self, Plan};
use regstorm::scenario::{self, Overrides};
use regstorm::schedule::TrialOutcome;
use regstorm::verdict::{Criterion, Moment, Ran, Watch, trial_outcome};

/// No user was free, because the target kept them.
const NO_VU: DroppedStart = DroppedStart {
    reason: DropReason::NoVu,
    cause: DropCause::Target,
};

const SECOND: Duration = Duration::from_secs(1);

/// 10 iterations a second for 10 s, limited to 100 ms at the median.
fn a_plan(threshold: &str) -> Plan {
    let toml = format!(
        "name = \"search\"\n[target]\nurl = \"embedded\"\n\
         [images.set]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"64B\"\n[journey.pull]\naction = \"pull\"\nimages = \"set\"\n\
         [[load]]\njourney = \"pull\"\nexecutor = \"constant-arrival-rate\"\nrate = 10\nduration = \"10s\"\nmax_vus = 9\n\
         [[threshold]]\n{threshold}\n"
    );
    let overrides = Overrides::default();
    let scenario = scenario::load(&toml, "t", Path::new(""), &overrides, &|_| None);
    plan::resolve(scenario.expect("a scenario"), NonZeroUsize::MIN)
}

const MEDIAN: &str = "metric = \"pull.response_time\"\nexpect = \"med < 100ms\"";

/// What a trial comes to in which `sample` says of each of 100 arrivals how long it took and how it ended; `None`: it
/// found no user.
fn outcome(
    threshold: &str,
    health: &Health,
    sample: impl Fn(u64) -> Option<(Duration, Outcome)>,
) -> TrialOutcome {
    let plan = a_plan(threshold);
    let catalogue = Catalogue::new(vec![("pull".into(), Vec::new())]);
    let watch = Watch::new(&plan, |_| None);
    let mut recorder = Recorder::new(&catalogue, &watch.views(&catalogue), 10 * SECOND);
    let track = catalogue.track(0).expect("a track");
    for number in 0..100 {
        let due = Duration::from_millis(100 * number);
        recorder.scheduled(track, Period::Measure, due);
        let Some((time, outcome)) = sample(number) else {
            recorder.dropped(track, Period::Measure, due, NO_VU);
            continue;
        };
        recorder.started(track, Period::Measure, due);
        recorder.iteration(&IterationSample {
            track,
            period: Period::Measure,
            scheduled: due,
            started: due,
            finished: due + time,
            sent: 0,
            received: 0,
            spent: Spent::at_rest(time),
            outcome,
        });
    }
    let record = recorder.into_record();
    let results = watch.conclude(record.observed(), record.window(), Moment::Done);
    let ran = Ran {
        plan: &plan,
        record: &record,
        pacer_lag: &LatencyHistogram::new(),
        signals: &Signals::default(),
        ceiling_share: None,
        target_host: TargetHost::Same,
        ended_early: false,
    };
    trial_outcome(&ran, health, &results)
}

fn healthy() -> Health {
    Health {
        reasons: Vec::new(),
        not_judged: Vec::new(),
        target_host: TargetHost::Same,
    }
}

fn sick(signal: Signal) -> Health {
    let reason = Reason {
        level: Level::Invalid,
        signal,
        subject: None,
        observed: "30%".to_owned(),
        bound: "20%".to_owned(),
        advice: String::new(),
    };
    Health {
        reasons: vec![reason],
        ..healthy()
    }
}

type Ended = Option<(Duration, Outcome)>;

fn took(millis: u64) -> Ended {
    let time = Duration::from_millis(millis);
    Some(time).zip(Some(Outcome::Ok))
}

#[track_caller]
fn broke(outcome: &TrialOutcome, criterion: Criterion, margin: f64) {
    let TrialOutcome::Fail {
        broke,
        margin: found,
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(Criterion::of(*broke, 1), criterion);
    assert!((found - margin).abs() < 0.005, "{found}, not {margin}");
}

#[test]
fn the_margin_is_the_distance_from_the_limit() {
    let TrialOutcome::Pass { margin } = outcome(MEDIAN, &healthy(), |_| took(80)) else {
        panic!("it passes");
    };
    assert!((margin - 0.2).abs() < 0.005, "{margin}"); // 80 ms of 100 ms
    broke(
        &outcome(MEDIAN, &healthy(), |_| took(125)),
        Criterion::Threshold(0),
        -0.25,
    );
}

#[test]
fn errors_have_a_limit_unless_a_threshold_gives_one() {
    let one_in_fifty = |number: u64| {
        let failed = number % 50 == 7;
        let outcome = if failed {
            Outcome::Failed(FailureClass::Status)
        } else {
            Outcome::Ok
        };
        Some((Duration::from_millis(10), outcome))
    };
    // 2% are 19 times over 0.1%.
    broke(
        &outcome(MEDIAN, &healthy(), one_in_fifty),
        Criterion::Errors,
        -19.0,
    );
    let own = "metric = \"pull.errors\"\nexpect = \"rate < 5%\"";
    assert!(matches!(
        outcome(own, &healthy(), one_in_fifty),
        TrialOutcome::Pass { .. }
    ));
    let damaged = |_| {
        Some((
            Duration::from_millis(10),
            Outcome::Failed(FailureClass::DigestMismatch),
        ))
    };
    let own = "metric = \"pull.errors\"\nexpect = \"rate <= 100%\"";
    broke(
        &outcome(own, &healthy(), damaged),
        Criterion::Integrity,
        -1.0,
    );
}

#[test]
fn what_piles_up_is_a_failure_however_fast_the_rest_is() {
    // From 5 s on every other iteration ends only after the window: 25 of 50 are missing.
    let piling = |number: u64| {
        if number >= 50 && number.is_multiple_of(2) {
            took(20_000)
        } else {
            took(10)
        }
    };
    broke(
        &outcome(MEDIAN, &healthy(), piling),
        Criterion::Backlog,
        -0.5,
    );
}

#[test]
fn a_cap_on_users_is_no_fault_of_the_generator() {
    let dropped = |number: u64| {
        if number.is_multiple_of(4) {
            None
        } else {
            took(10)
        }
    };
    broke(
        &outcome(MEDIAN, &sick(Signal::DroppedNoVu), dropped),
        Criterion::Users,
        -0.25,
    );
    // Another fault of it is: then nothing is said of the target.
    let starved = outcome(MEDIAN, &sick(Signal::RunQueueWait), |_| took(10));
    assert!(matches!(starved, TrialOutcome::Invalid { reason } if reason == "run-queue-wait 30%"));
}

#[test]
fn too_few_samples_decide_nothing() {
    let p999 = "metric = \"pull.response_time\"\nexpect = \"p(99.9) < 1s\"";
    assert_eq!(
        outcome(p999, &healthy(), |_| took(10)),
        TrialOutcome::Inconclusive
    );
}
