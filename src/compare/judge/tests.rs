use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

use super::*;
use crate::exchange::Phase;
use crate::health::{Health, Level, Reason, Signal, Signals, TargetHost};
use crate::measure::{
    AuditCheck, AuditClass, Catalogue, IterationSample, LatencyHistogram, OperationCounts,
    OperationLatencies, Outcome, Period, Recorder, Spent,
};
use crate::oci::{Digest, Operation};
use crate::result::{
    AuditSection, ComparisonVerdict, Decision, Environment, Facts, GeneratorSection, Method,
    OperationSection, PlanSection, TargetHeaders, WallClock,
};
use crate::scenario::load_gates;

mod server;

const ALPHA: f64 = 0.05;

/// A run of `many` pulls in 40 s that take between `middle` and a little more, in microseconds; `failed` more fail.
fn run(middle: u64, many: u64, failed: u64) -> Document {
    let catalogue = Catalogue::new(vec![("pull".into(), vec![Operation::BlobGet])]);
    let track = catalogue.track(0).unwrap();
    let mut recorder = Recorder::new(&catalogue, &[], Duration::from_secs(40));
    for number in 0..many + failed {
        let started = Duration::from_millis(number * 39_000 / (many + failed));
        let finished = started + Duration::from_micros(middle + number % 100);
        recorder.scheduled(track, Period::Measure, started);
        recorder.started(track, Period::Measure, started);
        recorder.iteration(&IterationSample {
            track,
            period: Period::Measure,
            scheduled: started,
            started,
            finished,
            sent: 0,
            received: 0,
            spent: Spent::at_rest(finished.saturating_sub(started)),
            outcome: if number < many {
                Outcome::Ok
            } else {
                Outcome::Failed(crate::measure::FailureClass::Status)
            },
        });
    }
    let facts = Facts {
        plan: PlanSection {
            name: "rollout".into(),
            seed: 42,
            fingerprint: Digest::sha256(b"plan"),
            resolved: serde_json::json!({ "workers": 2 }),
            found: Vec::new(),
        },
        environment: Environment {
            host: Some("alpha".into()),
            kernel: None,
            cpu_model: None,
            cores: 2,
            memory_bytes: None,
            labels: BTreeMap::new(),
            ci: BTreeMap::new(),
            started: "2026-01-02T03:04:05.000Z".into(),
            ended: "2026-01-02T03:04:45.000Z".into(),
            clock: WallClock::default(),
        },
        target: TargetHeaders::default(),
        interrupted: false,
        open_model: false,
        thresholds: Vec::new(),
        generator: GeneratorSection {
            health: Health {
                reasons: Vec::new(),
                not_judged: Vec::new(),
                target_host: TargetHost::Same,
            },
            ceiling_share: None,
            pacer_lag: LatencyHistogram::new(),
            signals: Signals::default(),
        },
        search: None,
        probe: None,
        opened: Instant::now(),
        stage_lengths: BTreeMap::new(),
        period_durations: BTreeMap::new(),
        notes: Vec::new(),
    };
    Document::new(&recorder.into_record(), facts)
}

fn gates(written: &[&str]) -> Gates {
    let written: Vec<String> = written.iter().map(|it| (*it).to_owned()).collect();
    let gates = load_gates(None, &written, &["pull"]).unwrap();
    Gates {
        gated: gates,
        informative: Vec::new(),
        notes: Vec::new(),
    }
}

/// The n-th runs of both sides are the n-th pair.
fn judge(gates: Gates, base: &[Document], candidate: &[Document]) -> Judge {
    let mut judge = Judge::new(gates, Vec::new(), 1);
    for (base, candidate) in base.iter().zip(candidate) {
        judge.add(Side::Base, base.clone());
        judge.add(Side::Candidate, candidate.clone());
    }
    judge
}

fn conclude(judge: Judge, design: Design<'_>, method: Method) -> Comparison {
    let judged = judge.decide(design, &Look::once(ALPHA));
    let count = |side| u32::try_from(judge.runs(side)).unwrap();
    let design = result::Design {
        method,
        base_runs: count(Side::Base),
        candidate_runs: count(Side::Candidate),
        looks: Vec::new(),
        alpha: ALPHA,
        order_seed: None,
        budget: None,
        slice_us: None,
        settle_us: 0,
        orders: Vec::new(),
    };
    let conduct = Conduct {
        design,
        discarded: Vec::new(),
        invalid: Vec::new(),
        cut: None,
        notes: Vec::new(),
    };
    judge.conclude(judged, conduct).unwrap()
}

/// Six pairs: the base around 10 ms, the candidate longer by a factor that differs a little from pair to pair.
fn six(factor: f64) -> (Vec<Document>, Vec<Document>) {
    let drift = [0_u64, 300, 100, 500, 200, 400];
    let base: Vec<u64> = drift.iter().map(|it| 10_000 + it).collect();
    let wobble = [1.0, 1.002, 0.998, 1.001, 0.999, 1.0];
    let candidate: Vec<u64> = base
        .iter()
        .zip(wobble)
        .map(|(it, wobble)| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "some ten thousand microseconds"
            )]
            let longer = (*it as f64 * factor * wobble) as u64;
            longer
        })
        .collect();
    let runs = |times: Vec<u64>| times.into_iter().map(|it| run(it, 100, 0)).collect();
    (runs(base), runs(candidate))
}

fn compared(factor: f64) -> Comparison {
    let (base, candidate) = six(factor);
    let judge = judge(gates(&["pull.response_time p(50)=3%"]), &base, &candidate);
    conclude(judge, Design::Pairs, Method::Paired)
}

#[test]
fn pairs_decide_and_what_they_share_cancels() {
    // The runs differ by 5% among themselves, the pairs by a fifth of a percent.
    for (factor, decision, verdict) in [
        (1.10, Stored::Regression, ComparisonVerdict::Regression),
        (1.00, Stored::Pass, ComparisonVerdict::Pass),
        (1.01, Stored::Pass, ComparisonVerdict::Pass),
        (0.90, Stored::Improvement, ComparisonVerdict::Pass),
    ] {
        let comparison = compared(factor);
        let metric = &comparison.metrics[0];
        assert_eq!(metric.decision, decision, "{factor}: {metric:?}");
        assert_eq!(comparison.verdict, verdict);
        let change = metric.change.unwrap();
        assert!(
            (change - (factor - 1.0)).abs() < 0.005,
            "{factor}: {change}"
        );
        let [low, high] = metric.interval.unwrap();
        assert!(low <= change && change <= high);
        assert_eq!(metric.pairs.len(), 6);
    }
}

#[test]
fn more_of_a_rate_is_better() {
    let runs = |many: [u64; 6]| many.map(|many| run(10_000, many, 0));
    let slow = runs([1000, 1010, 990, 1005, 995, 1000]);
    let fast = runs([1205, 1210, 1190, 1200, 1195, 1201]);
    let gates = || gates(&["pull.iterations rate=3%"]);
    let worse = conclude(judge(gates(), &fast, &slow), Design::Pairs, Method::Paired);
    let metric = &worse.metrics[0];
    assert_eq!(
        (metric.better, metric.decision),
        (result::Better::Higher, Stored::Regression)
    );
    // A sixth less: 1,000 in place of 1,200.
    assert!(
        (metric.change.unwrap() + 1.0 / 6.0).abs() < 0.01,
        "{metric:?}"
    );
    let [low, high] = metric.interval.unwrap();
    assert!(low < high && high < 0.0, "{metric:?}");
    let better = conclude(judge(gates(), &slow, &fast), Design::Pairs, Method::Paired);
    assert_eq!(better.metrics[0].decision, Stored::Improvement);
}

#[test]
fn failures_are_compared_as_shares_of_all_runs() {
    let base: Vec<Document> = (0..5).map(|_| run(10_000, 2_000, 0)).collect();
    let broken: Vec<Document> = (0..5).map(|_| run(10_000, 1_900, 100)).collect();
    let one_gate = || gates(&["pull.errors rate=1%"]);
    let worse = conclude(
        judge(one_gate(), &base, &broken),
        Design::Pairs,
        Method::Paired,
    );
    let metric = &worse.metrics[0];
    assert_eq!(metric.decision, Stored::Regression);
    assert!(
        (metric.change.unwrap() - 0.05).abs() < 1e-9,
        "500 of 10,000: {metric:?}"
    );
    let same = conclude(
        judge(one_gate(), &base, &base),
        Design::Pairs,
        Method::Paired,
    );
    assert_eq!(same.verdict, ComparisonVerdict::Pass);
    // Ten thousand without a failure do not show that it is not one in ten thousand.
    let sharp = gates(&["pull.errors rate=0.01%"]);
    let open = conclude(judge(sharp, &base, &base), Design::Pairs, Method::Paired);
    assert_eq!(open.verdict, ComparisonVerdict::Inconclusive);
}

#[test]
fn too_few_samples_are_said_and_never_gated_unasked() {
    let (base, candidate) = six(1.0);
    let asked = gates(&["pull.response_time p(99)"]);
    let comparison = conclude(
        judge(asked, &base, &candidate),
        Design::Pairs,
        Method::Paired,
    );
    let metric = &comparison.metrics[0];
    assert_eq!(metric.decision, Stored::Inconclusive);
    assert_eq!(
        metric.why.as_deref(),
        // A hundred beyond p(99) in all six pairs.
        Some("too few samples: a run has 100, and it takes 1,667")
    );
    let usual = Gates::usual(&base[0], 5);
    let names: Vec<String> = usual
        .gated
        .iter()
        .map(|it| it.comparand.to_string())
        .collect();
    let wanted = [
        "pull.response_time p(50)",
        "pull.iterations rate",
        "pull.errors rate",
    ];
    assert_eq!(names, wanted);
    assert!(usual.notes[0].contains("p(99) is not gated: a run has 100 samples"));
    let rich = Gates::usual(&run(10_000, 2_000, 0), 5);
    assert!(
        rich.gated
            .iter()
            .any(|it| it.comparand.to_string() == "pull.response_time p(99)")
    );
}

#[test]
fn what_differs_makes_it_invalid_unless_allowed() {
    type Change = fn(&mut Document);
    let changes: [(Aspect, Change); 4] = [
        (Aspect::Plan, |it| {
            it.plan.fingerprint = Digest::sha256(b"other");
        }),
        (Aspect::Machine, |it| it.environment.cores = 4),
        (Aspect::Version, |it| it.regstorm = "0.0.9".into()),
        (Aspect::Load, |it| it.open_model = true),
    ];
    for (aspect, change) in changes {
        let (base, mut candidate) = six(1.0);
        change(&mut candidate[3]);
        for (allowed, verdict) in [
            (Vec::new(), ComparisonVerdict::Invalid),
            (vec![aspect], ComparisonVerdict::Pass),
        ] {
            let is_allowed = !allowed.is_empty();
            let mut judge = Judge::new(gates(&["pull.response_time p(50)"]), allowed, 1);
            for (base, candidate) in base.iter().zip(&candidate) {
                judge.add(Side::Base, base.clone());
                judge.add(Side::Candidate, candidate.clone());
            }
            let comparison = conclude(judge, Design::Pairs, Method::Paired);
            assert_eq!(comparison.verdict, verdict, "{aspect:?}");
            let difference = &comparison.differences[0];
            assert_eq!(
                (difference.aspect, difference.allowed),
                (aspect, is_allowed)
            );
            assert_ne!(difference.base, difference.candidate);
        }
    }
}

#[test]
fn a_load_that_was_not_started_is_shown_for_both_sides() {
    let (mut base, mut candidate) = six(1.0);
    for run in base.iter_mut().chain(&mut candidate) {
        run.open_model = true;
    }
    let starts = &mut base[0].totals.starts;
    starts.started = starts.scheduled / 2;
    let judge = judge(gates(&["pull.response_time p(50)"]), &base, &candidate);
    let comparison = conclude(judge, Design::Pairs, Method::Paired);
    assert_eq!(comparison.differences.len(), 1);
    let difference = &comparison.differences[0];
    assert_eq!(difference.aspect, Aspect::Load);
    assert!(difference.base.contains("50.0% started"), "{difference:?}");
    assert!(
        difference.candidate.contains("100.0% started"),
        "{difference:?}"
    );
}

#[test]
fn a_generator_that_was_the_limit_makes_it_invalid_however_clear_the_numbers() {
    let (base, mut candidate) = six(2.0);
    candidate[2].generator.health.reasons.push(Reason {
        level: Level::Invalid,
        signal: Signal::DroppedNoVu,
        subject: None,
        observed: "48 of 60 planned starts".into(),
        bound: "at most 1%".into(),
        advice: String::new(),
    });
    let judge = judge(gates(&["pull.response_time p(50)"]), &base, &candidate);
    let comparison = conclude(judge, Design::Pairs, Method::Paired);
    assert_eq!(comparison.verdict, ComparisonVerdict::Invalid);
    assert!(
        comparison.reasons[0].contains("48 of 60 planned starts"),
        "{:?}",
        comparison.reasons
    );
}

/// A candidate that is as fast, and lost a write in one of its six runs.
#[test]
fn a_candidate_that_broke_a_promise_regressed_and_a_base_that_did_is_noted() {
    let broken = |documents: &mut [Document]| {
        let mut lost = AuditSection::default();
        lost.checks.found(AuditCheck::Blob, AuditClass::Lost);
        documents[3].add_audit(lost.summed());
    };
    let gate = || gates(&["pull.response_time p(50)=3%"]);
    let said = "the registry broke promises: 1 lost";
    let (base, mut candidate) = six(1.0);
    broken(&mut candidate);
    let comparison = conclude(
        judge(gate(), &base, &candidate),
        Design::Pairs,
        Method::Paired,
    );
    assert_eq!(comparison.verdict, ComparisonVerdict::Regression);
    assert_eq!(comparison.reasons[0], format!("candidate: {said}"));
    assert!(
        comparison
            .metrics
            .iter()
            .all(|it| it.decision != Decision::Regression)
    );

    let (mut base, candidate) = six(1.0);
    broken(&mut base);
    let comparison = conclude(
        judge(gate(), &base, &candidate),
        Design::Pairs,
        Method::Paired,
    );
    assert_eq!(comparison.verdict, ComparisonVerdict::Pass);
    assert_eq!(comparison.notes, [format!("base: {said}")]);
}

#[test]
fn one_run_each_never_passes_and_is_called_changed_only_from_afar() {
    let written = ["pull.response_time p(50)=3%"];
    for (candidate, decision) in [
        (10_000, Stored::Inconclusive),
        (10_700, Stored::Inconclusive), // 7%, which is more than the margin
        (12_000, Stored::Regression),   // 20%
        (8_000, Stored::Improvement),
    ] {
        let (base, candidate) = (run(10_000, 2_000, 0), run(candidate, 2_000, 0));
        let one = judge(
            gates(&written),
            std::slice::from_ref(&base),
            std::slice::from_ref(&candidate),
        );
        // Windows of one second: 40 of them make no 20 blocks of five.
        let judged = one.decide(Design::Single(&base, &candidate), &Look::once(ALPHA));
        assert_eq!(judged.metrics[0].decision, Stored::Inconclusive);
        // Longer runs do: the same, four times.
        let long = |run: &Document| {
            let mut all = run.clone();
            for _ in 0..3 {
                all.append(run.clone()).unwrap();
            }
            all
        };
        let (base, candidate) = (long(&base), long(&candidate));
        let one = judge(
            gates(&written),
            std::slice::from_ref(&base),
            std::slice::from_ref(&candidate),
        );
        let judged = one.decide(Design::Single(&base, &candidate), &Look::once(ALPHA));
        let metric = &judged.metrics[0];
        assert_eq!(metric.decision, decision, "{metric:?}");
        assert!(metric.interval.is_some());
    }
}

#[test]
fn the_sides_of_a_comparison_are_all_their_runs() {
    let comparison = compared(1.1);
    for side in [&comparison.base, &comparison.candidate] {
        assert_eq!(side.window_us, 6 * 40_000_000);
        assert_eq!(side.totals.iterations.ok, 600);
        assert_eq!(side.journeys[0].latencies.response_time.count(), 600);
        assert!(
            (side.journeys[0].iterations_per_s - 2.5).abs() < 1e-9,
            "600 in 240 s"
        );
        let windows: u64 = side
            .time_series
            .windows()
            .map(|(_, it)| it[0].iterations.ok)
            .sum();
        assert_eq!(windows, 600);
        let series = &side.latency_series[0];
        assert_eq!(series.windows.len(), side.time_series.windows().count());
        // One run after the other: each has its pulls in its own part of the time.
        let half = series.windows.len() / 2;
        let first: u64 = series.windows[..half]
            .iter()
            .map(crate::measure::PackedHistogram::count)
            .sum();
        assert_eq!(first, 300);
    }
}

/// A run that has searched, and found that capacity.
fn searched(capacity: f64, confirmed: bool) -> Document {
    let mut run = run(10_000, 100, 0);
    run.search = Some(result::SearchSection {
        low_per_s: Some(capacity),
        confirmed,
        high_per_s: None,
        broke: None,
        end: result::SearchEnd::Converged,
        told: 1,
        trials: Vec::new(),
    });
    run
}

#[test]
fn capacities_are_compared_and_their_trials_not_added_up() {
    let runs = |capacities: [f64; 5]| capacities.map(|it| searched(it, true));
    let base = runs([100.0, 101.0, 99.0, 100.5, 99.5]);
    let worse = runs([80.0, 81.0, 79.0, 80.5, 79.5]);
    let judged = judge(Gates::usual(&base[0], 5), &base, &worse);
    let comparison = conclude(judged, Design::Groups, Method::Unpaired);
    let metric = &comparison.metrics[0];
    assert_eq!(
        (metric.metric.as_str(), metric.decision),
        ("capacity", Stored::Regression)
    );
    assert!((metric.change.unwrap() + 0.2).abs() < 0.01, "{metric:?}");
    assert_eq!(comparison.base.totals.iterations.ok, 100);
    assert!(
        comparison
            .notes
            .iter()
            .any(|it| it.contains("leave out 4 of its runs"))
    );
    let unconfirmed = [100.0, 101.0, 99.0, 100.5, 99.5].map(|it| searched(it, false));
    let judged = judge(Gates::usual(&base[0], 5), &base, &unconfirmed);
    let comparison = conclude(judged, Design::Groups, Method::Unpaired);
    assert_eq!(comparison.metrics[0].decision, Stored::Inconclusive);
}

/// 300 ms more in 5% of the requests: no median moves, and the gates of the journey are blind to it here.
#[test]
fn a_tail_of_one_operation_is_what_moved_most() {
    let run = |slow: u64| {
        let mut run = run(2_000, 2_400, 0);
        let mut total = LatencyHistogram::new();
        for number in 0..2_400 {
            let late = number % 20 < slow;
            total.record(Duration::from_millis(if late { 302 } else { 2 }));
        }
        let operation = OperationSection {
            name: Operation::ManifestGet,
            count: 2_400,
            counts: OperationCounts::default(),
            requests_per_s: 60.0,
            sent_per_s: 0.0,
            received_per_s: 0.0,
            latencies: OperationLatencies {
                phases: [(Phase::Total, total)].into_iter().collect(),
                ..OperationLatencies::default()
            },
            slowest: Vec::new(),
        };
        run.operations = vec![operation];
        run
    };
    let (base, candidate) = (run(0), run(1));
    let sides = super::super::Sides::of(vec![&base], vec![&candidate]).unwrap();
    let comparison = sides.compare(Vec::new(), Vec::new()).unwrap();
    let moved = comparison.moved_most().unwrap();
    // p(95) is the last of the quick ones; p(99.9) takes 20,000 samples.
    assert_eq!(moved.metric.metric, "manifest-get.total p(99)");
    assert!(!moved.metric.gated && !moved.is_shown);
    let names: Vec<&str> = comparison
        .metrics
        .iter()
        .map(|it| it.metric.as_str())
        .collect();
    assert!(names.contains(&"manifest-get.total p(95)"), "{names:?}");
    assert!(!names.contains(&"manifest-get.total p(99.9)"), "{names:?}");
}
