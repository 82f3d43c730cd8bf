use std::time::Duration;

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::units::Rate;

fn per_second(iterations: f64) -> Rate {
    Rate::new(iterations, Duration::from_secs(1)).unwrap()
}

fn from(iterations: f64) -> SearchSpec {
    SearchSpec::new(per_second(iterations))
}

/// Runs a search to its end against something that stands for a registry.
fn search(spec: SearchSpec, mut target: impl FnMut(f64, TrialKind) -> TrialOutcome) -> Found {
    let most = spec.max_trials;
    let mut search = Search::new(spec).unwrap();
    for wanted in 1..=most + 1 {
        match search.next() {
            Step::Done(found) => return found,
            Step::Trial { number, rate, kind } => {
                assert_eq!(number, wanted);
                search.record(target(rate.per_second(), kind));
            }
        }
    }
    panic!("more than {most} trials");
}

/// Passes below the knee and fails above, clearly.
fn clear(rate: f64, knee: f64) -> TrialOutcome {
    judged(if rate <= knee { 0.5 } else { -0.5 })
}

fn judged(margin: f64) -> TrialOutcome {
    if margin >= 0.0 {
        TrialOutcome::Pass { margin }
    } else {
        TrialOutcome::Fail { broke: 1, margin }
    }
}

fn invalid() -> TrialOutcome {
    TrialOutcome::Invalid {
        reason: "start lag".to_owned(),
    }
}

fn low(found: &Found) -> f64 {
    found.low.expect("a rate that passed").rate.per_second()
}

fn high(found: &Found) -> f64 {
    let bound = found.high.as_ref().expect("a rate that did not pass");
    bound.rate.per_second()
}

/// Rates and kinds, with a letter for each kind.
fn course(found: &Found) -> Vec<(char, f64)> {
    let letter = |kind| match kind {
        TrialKind::Sanity => 's',
        TrialKind::Shrink => 'v',
        TrialKind::Grow => 'g',
        TrialKind::Bisect => 'b',
        TrialKind::Recheck => 'r',
        TrialKind::Confirm => 'c',
        TrialKind::Beyond => 'x',
    };
    let trials = found.trials.iter();
    trials
        .map(|it| (letter(it.kind), it.rate.per_second()))
        .collect()
}

#[test]
fn grows_bisects_looks_again_and_confirms() {
    let found = search(from(100.0), |rate, _| clear(rate, 730.0));
    // √(400 · 800) = 565.7, √(565.7 · 800) = 672.7, √(672.7 · 800) = 733.6, √(672.7 · 733.6) = 702.5, and
    // 733.6 / 702.5 = 1.044.
    let wanted = [
        ('s', 100.0),
        ('g', 200.0),
        ('g', 400.0),
        ('g', 800.0),
        ('b', 565.7),
        ('b', 672.7),
        ('b', 733.6),
        ('b', 702.5),
        ('r', 733.6),
        ('c', 702.5),
        ('c', 702.5),
    ];
    assert_eq!(course(&found), wanted);
    assert_eq!(found.end, SearchEnd::Converged);
    let standing = Standing::Confirmed;
    let rate = per_second(702.5);
    assert_eq!(found.low, Some(Low { rate, standing }));
    let limit = Limit::Threshold(1);
    let rate = per_second(733.6);
    assert_eq!(found.high, Some(High { rate, limit }));
}

#[test]
fn everything_passes_up_to_the_highest_rate() {
    let spec = SearchSpec {
        max: Some(per_second(1_000.0)),
        ..from(300.0)
    };
    let found = search(spec, |rate, _| clear(rate, 1e9));
    let wanted = [
        ('s', 300.0),
        ('g', 600.0),
        ('g', 1_000.0),
        ('c', 1_000.0),
        ('c', 1_000.0),
    ];
    assert_eq!(course(&found), wanted);
    assert_eq!((found.end, found.high), (SearchEnd::MaxReached, None));

    // Without a highest rate, up to the highest there is.
    let found = search(from(300.0), |rate, _| clear(rate, 1e9));
    assert_eq!((found.end, low(&found)), (SearchEnd::MaxReached, 1e6));
}

#[test]
fn nothing_passes() {
    let found = search(from(64.0), |_, _| clear(2.0, 1.0));
    let wanted = [
        ('s', 64.0),
        ('v', 32.0),
        ('v', 16.0),
        ('v', 8.0),
        ('v', 4.0),
        ('v', 2.0),
        ('v', 1.0),
    ];
    assert_eq!(course(&found), wanted);
    assert_eq!((found.end, found.low), (SearchEnd::BelowStart, None));
    assert_eq!(found.high.map(|it| it.limit), Some(Limit::Threshold(1)));
}

#[test]
fn a_start_above_the_knee_is_mended() {
    let found = search(from(1_000.0), |rate, _| clear(rate, 130.0));
    // 500, 250 and 125, which passes.
    assert_eq!(course(&found)[..4].last(), Some(&('v', 125.0)));
    assert_eq!(found.end, SearchEnd::Converged);
    assert!(low(&found) <= 130.0 && 130.0 < high(&found));
}

#[test]
fn the_generator_is_no_failure_of_the_target() {
    let found = search(from(100.0), |rate, _| {
        if rate > 500.0 {
            invalid()
        } else {
            clear(rate, 1e9)
        }
    });
    assert_eq!(found.end, SearchEnd::GeneratorLimit);
    assert!((500.0 / 1.05..=500.0).contains(&low(&found)), "{found:?}");
    let limit = found.high.as_ref().map(|it| &it.limit);
    assert_eq!(limit, Some(&Limit::Generator("start lag".to_owned())));
    // 800 was tried twice.
    let eight = course(&found).into_iter().filter(|it| *it == ('g', 800.0));
    assert_eq!(eight.count(), 2);

    // A target that fails first is found out though the generator could do little more.
    let found = search(from(100.0), |rate, _| {
        if rate > 500.0 {
            invalid()
        } else {
            clear(rate, 430.0)
        }
    });
    assert_eq!(found.end, SearchEnd::Converged);
    assert!(low(&found) <= 430.0 && 430.0 < high(&found));
    assert!(high(&found) <= 500.0);
}

#[test]
fn one_bad_moment_of_the_generator_is_forgiven() {
    let mut bad = 0;
    let found = search(from(100.0), |rate, _| {
        bad += 1;
        if bad % 2 == 1 {
            invalid()
        } else {
            clear(rate, 730.0)
        }
    });
    assert_eq!((found.end, low(&found)), (SearchEnd::Converged, 702.5));
}

#[test]
fn too_few_samples_are_never_a_pass() {
    let found = search(from(10.0), |_, _| TrialOutcome::Inconclusive);
    assert_eq!(course(&found), [('s', 10.0), ('s', 10.0)]);
    assert_eq!((found.end, found.low), (SearchEnd::TooFewSamples, None));

    let found = search(from(10.0), |rate, _| {
        if rate > 100.0 {
            TrialOutcome::Inconclusive
        } else {
            clear(rate, 1e9)
        }
    });
    assert_eq!(found.end, SearchEnd::TooFewSamples);
    assert!((95.2..=100.0).contains(&low(&found)));
}

#[test]
fn two_of_three_decide_near_a_limit() {
    // At the start rate: just above, just below, just below.
    let mut votes = [-0.1, 0.02, 0.08].into_iter();
    let found = search(from(100.0), |rate, _| match votes.next() {
        Some(margin) => judged(margin),
        None => clear(rate, 150.0),
    });
    let start = course(&found);
    assert_eq!(
        start[..4],
        [('s', 100.0), ('s', 100.0), ('s', 100.0), ('g', 200.0)]
    );

    // Two that agree are enough, and 11 % are not near.
    let mut votes = [0.1, 0.3, 0.11].into_iter();
    let found = search(from(100.0), |rate, _| match votes.next() {
        Some(margin) => judged(margin),
        None => clear(rate, 250.0),
    });
    let start = course(&found);
    assert_eq!(
        start[..4],
        [('s', 100.0), ('s', 100.0), ('g', 200.0), ('g', 400.0)]
    );
}

#[test]
fn a_hiccup_does_not_cut_off_the_rates_above() {
    // The trial at 200 meets a pause of the target.
    let mut trial = 0;
    let found = search(from(100.0), |rate, _| {
        trial += 1;
        if trial == 2 {
            clear(rate, 0.0)
        } else {
            clear(rate, 730.0)
        }
    });
    assert_eq!(found.end, SearchEnd::Converged);
    assert!(low(&found) <= 730.0 && 730.0 < high(&found));
    assert!(high(&found) / low(&found) <= 1.05);
    assert!(course(&found).contains(&('r', 200.0)));
}

#[test]
fn what_is_not_confirmed_is_lowered() {
    // Alone, 700 passes; three in a row do not: confirmations hold up to 660.
    let found = search(from(100.0), |rate, kind| {
        let knee = if kind == TrialKind::Confirm {
            660.0
        } else {
            730.0
        };
        clear(rate, knee)
    });
    // 5 % below 702.5 would be 669.7, but 672.7 is known to have passed. Below that, 672.7 · 1.001 / 1.05 = 641.3.
    let end = course(&found);
    let wanted = [
        ('c', 702.5),
        ('c', 702.5),
        ('c', 672.7),
        ('c', 672.7),
        ('c', 641.3),
        ('c', 641.3),
    ];
    assert_eq!(end[end.len() - 6..], wanted);
    assert_eq!(found.end, SearchEnd::Converged);
    assert_eq!((low(&found), high(&found)), (641.3, 672.7));
}

#[test]
fn a_lucky_pass_far_above_the_knee_is_overcome() {
    // 800 passes once, by luck.
    let mut lucky = true;
    let found = search(from(100.0), |rate, _| {
        if rate > 799.0 && lucky {
            lucky = false;
            clear(0.0, 1.0)
        } else {
            clear(rate, 430.0)
        }
    });
    assert_eq!(found.end, SearchEnd::Converged);
    assert!(low(&found) <= 430.0 && 430.0 < high(&found), "{found:?}");
    // To 1,600 (5), between there and 800 (4), a second look (1), 800 twice and four steps down twice (10); then between
    // 400 and the last step (4), a second look (1), and two confirmations.
    assert_eq!(found.trials.len(), 27);
    assert!(high(&found) / low(&found) <= 1.05);
}

#[test]
fn looks_beyond_when_asked() {
    let beyond = |spec: SearchSpec| {
        let found = search(spec, |rate, _| clear(rate, 730.0));
        let far: Vec<_> = course(&found)
            .into_iter()
            .filter(|it| it.0 == 'x')
            .map(|it| it.1)
            .collect();
        (far, found.end)
    };
    let spec = SearchSpec {
        beyond: vec![1.2, 1.5, 2.0],
        ..from(100.0)
    };
    // Of 733.6.
    let all = vec![880.3, 1_100.0, 1_467.0];
    assert_eq!(beyond(spec.clone()), (all, SearchEnd::Converged));
    let capped = SearchSpec {
        max: Some(per_second(1_000.0)),
        ..spec
    };
    assert_eq!(beyond(capped), (vec![880.3, 1_000.0], SearchEnd::Converged));
}

#[test]
fn few_trials_are_kept_for_confirming() {
    let found = |max_trials| {
        let spec = SearchSpec {
            max_trials,
            ..from(100.0)
        };
        search(spec, |rate, _| clear(rate, 730.0))
    };
    // Eleven are enough, as above; with nine, three are left after the second bisection.
    assert_eq!(found(12).end, SearchEnd::Converged);
    let nine = found(9);
    assert_eq!(nine.end, SearchEnd::TrialsUsedUp);
    assert_eq!(course(&nine)[6..], [('c', 672.7), ('c', 672.7)]);
    assert_eq!(nine.low.map(|it| it.standing), Some(Standing::Confirmed));
    // With one there is nothing to confirm with.
    let one = found(1);
    assert_eq!(one.end, SearchEnd::TrialsUsedUp);
    assert_eq!(one.low.map(|it| it.standing), Some(Standing::Passed));
    assert_eq!(one.trials.len(), 1);
}

#[test]
fn stops_when_told_to() {
    let mut search = Search::new(from(100.0)).unwrap();
    search.record(clear(1.0, 2.0));
    search.stop();
    let Step::Done(found) = search.next() else {
        panic!("wants more");
    };
    assert_eq!((found.end, low(&found)), (SearchEnd::Stopped, 100.0));
}

#[test]
fn a_search_that_makes_no_sense_is_refused() {
    type Change = fn(&mut SearchSpec);
    let cases: [(Change, SearchSpecError); 9] = [
        (|it| it.start = Rate::ZERO, SearchSpecError::Start),
        (|it| it.max = Some(Rate::ZERO), SearchSpecError::Max),
        (|it| it.growth = 1.0, SearchSpecError::Growth),
        (|it| it.precision = f64::NAN, SearchSpecError::Precision),
        (|it| it.borderline = 0.6, SearchSpecError::Borderline),
        (|it| it.confirmations = 0, SearchSpecError::Confirmations),
        (|it| it.retries = 10, SearchSpecError::Retries),
        (|it| it.beyond = vec![1.5, 1.2], SearchSpecError::Beyond),
        (|it| it.max_trials = 0, SearchSpecError::MaxTrials),
    ];
    for (change, error) in cases {
        let mut spec = from(100.0);
        assert_eq!(spec.check(), Ok(()));
        change(&mut spec);
        assert_eq!(Search::new(spec).err(), Some(error));
    }
}

/// A number around zero, most within 2 and hardly any beyond 4: the sum of twelve draws.
fn noise(generator: &mut Xoshiro256PlusPlus) -> f64 {
    (0..12).map(|_| generator.random::<f64>()).sum::<f64>() - 6.0
}

#[test]
fn repeated_searches_of_a_noisy_knee_agree() {
    // The knee of each trial is off by 2 % (one deviation), and the latency of a queue doubles the margin's slope.
    let found: Vec<f64> = (0..100)
        .map(|seed| {
            let mut generator = Xoshiro256PlusPlus::seed_from_u64(seed);
            let found = search(from(100.0), |rate, _| {
                let knee = 730.0 * (1.0 + 0.02 * noise(&mut generator));
                judged(2.0 * (1.0 - rate / knee))
            });
            assert_eq!(found.end, SearchEnd::Converged, "{found:?}");
            low(&found)
        })
        .collect();
    let least = found.iter().copied().fold(f64::INFINITY, f64::min);
    let most = found.iter().copied().fold(0.0, f64::max);
    assert!(most / least <= 1.10, "{least} to {most}");
    // A bound may be two deviations off, and the lower one is within 5 % of the upper one.
    assert!(
        least >= 730.0 * 0.91 && most <= 730.0 * 1.04,
        "{least} to {most}"
    );
}

#[test]
fn hiccups_and_luck_do_not_spoil_the_result() {
    // One trial in twelve fails whatever the rate, and one in fifty passes.
    let near = (0..200).filter(|seed| {
        let mut generator = Xoshiro256PlusPlus::seed_from_u64(*seed);
        let found = search(from(100.0), |rate, _| match generator.random::<f64>() {
            draw if draw < 1.0 / 12.0 => clear(rate, 0.0),
            draw if draw > 0.98 => clear(rate, 1e9),
            _ => clear(rate, 730.0),
        });
        found.low.is_some() && (657.0..=803.0).contains(&low(&found))
    });
    // Of some six trials below the knee, one meets a hiccup in two searches of five. The result is wrong when a second one
    // meets the recheck (1/12 of these: 3 %) or two of three confirmations more than once (well below 1 %): eight
    // searches of 200 at most, give or take four deviations of 2.8.
    let near = near.count();
    assert!(near >= 181, "{near} of 200");
}

proptest! {
    /// Whatever the knee and the spec, the result brackets the knee as closely as asked for, in few trials.
    #[test]
    fn brackets_a_sharp_knee(
        start in 0.1_f64..10_000.0,
        ratio in 0.02_f64..60.0,
        growth in 1.5_f64..4.0,
        precision in 0.01_f64..0.5,
    ) {
        let knee = start * ratio;
        let spec = SearchSpec { growth, precision, ..from(start) };
        let found = search(spec, |rate, _| clear(rate, knee));
        if found.end == SearchEnd::BelowStart {
            prop_assert!(knee < start / growth.powi(6) * 1.01);
        } else {
            prop_assert_eq!(found.end, SearchEnd::Converged);
            prop_assert!(low(&found) <= knee && knee < high(&found));
            prop_assert!(high(&found) / low(&found) <= 1.0 + precision);
        }
        // Steps to bracket, halvings of the logarithm (one more for rounding), a recheck, the start, two confirmations.
        let steps = (ratio.ln().abs() / growth.ln()).ceil() + 1.0;
        let halvings = (growth.ln() / precision.ln_1p()).log2().ceil().max(0.0) + 1.0;
        let trials = u32::try_from(found.trials.len()).unwrap();
        prop_assert!(f64::from(trials) <= steps + halvings + 4.0, "{} {} {}", trials, steps, halvings);
    }

    /// Whatever the outcomes are, the search ends, and what it says fits together.
    #[test]
    fn chaos_ends(
        seed in any::<u64>(),
        max_trials in 1_u32..60,
        confirmations in 1_u32..6,
        retries in 0_u32..3,
        beyond in any::<bool>(),
    ) {
        let mut generator = Xoshiro256PlusPlus::seed_from_u64(seed);
        let spec = SearchSpec {
            max: Some(per_second(5_000.0)),
            max_trials,
            confirmations,
            retries,
            beyond: if beyond { vec![1.2, 2.0] } else { vec![] },
            ..from(100.0)
        };
        let found = search(spec, |_, _| match generator.random_range(0..8) {
            0 => invalid(),
            1 => TrialOutcome::Inconclusive,
            2..5 => judged(generator.random::<f64>() / 5.0),
            _ => judged(-generator.random::<f64>() / 5.0),
        });
        prop_assert!(found.trials.iter().all(|it| it.rate <= per_second(5_000.0)));
        if let (Some(low), Some(high)) = (found.low, &found.high) {
            prop_assert!(low.rate < high.rate);
        }
        let confirmed = found.low.is_some_and(|it| it.standing == Standing::Confirmed);
        match found.end {
            SearchEnd::Converged => prop_assert!(confirmed && high(&found) / low(&found) <= 1.05),
            SearchEnd::MaxReached => {
                prop_assert!(confirmed && found.high.is_none());
                prop_assert_eq!(found.low.map(|it| it.rate), Some(per_second(5_000.0)));
            }
            SearchEnd::BelowStart => prop_assert!(found.low.is_none()),
            SearchEnd::GeneratorLimit | SearchEnd::TooFewSamples => {
                prop_assert!(found.low.is_none() || confirmed);
            }
            SearchEnd::TrialsUsedUp => {}
            SearchEnd::Stopped => prop_assert!(false, "nobody stopped it"),
        }
    }
}
