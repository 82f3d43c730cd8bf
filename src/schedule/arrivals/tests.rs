use proptest::prelude::*;

use super::*;
use crate::schedule::{Ramp, Stage};
use crate::units::Rate;

const SECOND: Duration = Duration::from_secs(1);
const WEEK: Duration = Duration::from_hours(168);

fn rate(iterations: f64, unit: Duration) -> Rate {
    Rate::new(iterations, unit).unwrap()
}

fn constant(iterations: f64, unit: Duration, duration: Duration) -> Curve {
    Curve::Constant {
        rate: rate(iterations, unit),
        duration,
    }
}

/// Iterations per second; stages of milliseconds and targets.
fn ramp(start: f64, stages: &[(u64, f64)]) -> Curve {
    let stage = |&(millis, target)| Stage {
        duration: Duration::from_millis(millis),
        target: rate(target, SECOND),
    };
    let stages = stages.iter().map(stage).collect();
    Curve::Ramp(Ramp::new(rate(start, SECOND), stages).unwrap())
}

fn uniform(curve: &Curve) -> Vec<Arrival> {
    curve.arrivals(Spacing::Uniform, 0).collect()
}

fn due_ns(curve: &Curve) -> Vec<u128> {
    uniform(curve).iter().map(|it| it.due.as_nanos()).collect()
}

fn number(count: impl TryInto<u32>) -> f64 {
    f64::from(count.try_into().ok().expect("a small number"))
}

fn close(due: Duration, seconds: f64) -> bool {
    (due.as_secs_f64() - seconds).abs() <= 2e-9
}

#[test]
fn a_constant_rate_is_a_grid() {
    let curve = constant(200.0, SECOND, 10 * SECOND);
    let all = uniform(&curve);
    assert_eq!((all.len(), curve.planned()), (2_000, 2_000));
    for (place, arrival) in (0_u64..).zip(&all) {
        let due = Duration::from_millis(5 * place);
        let index = place;
        assert_eq!(
            *arrival,
            Arrival {
                index,
                due,
                stage: 0
            }
        );
    }
}

#[test]
fn thirds_of_a_second_are_rounded_down_and_do_not_add_up() {
    let due = due_ns(&constant(3.0, SECOND, 2 * SECOND));
    let wanted = [
        0,
        333_333_333,
        666_666_666,
        1_000_000_000,
        1_333_333_333,
        1_666_666_666,
    ];
    assert_eq!(due, wanted);
    // 100 in a minute: arrival 99 is 59.4 s after the first.
    let minute = due_ns(&constant(100.0, 60 * SECOND, 60 * SECOND));
    assert_eq!((minute.len(), minute[99]), (100, 59_400_000_000));
}

#[test]
fn a_part_of_an_iteration_is_one_more() {
    // The areas are 0.5, 1, 1.5 and 0.
    for (millis, wanted) in [(500, 1), (1_000, 1), (1_500, 2), (0, 0)] {
        let curve = constant(1.0, SECOND, Duration::from_millis(millis));
        assert_eq!(curve.planned(), wanted);
        assert_eq!(uniform(&curve).len() as u64, wanted);
    }
    assert_eq!(uniform(&constant(0.0, SECOND, WEEK)), []);
}

#[test]
fn a_climb_from_zero_follows_the_square_root() {
    // The rate is t, the area t²/2: arrival i is due at √(2i).
    let curve = ramp(0.0, &[(10_000, 10.0)]);
    let all = uniform(&curve);
    assert_eq!((all.len(), curve.planned()), (50, 50));
    for (place, arrival) in (0_u32..).zip(&all) {
        let wanted = (2.0 * f64::from(place)).sqrt();
        assert!(close(arrival.due, wanted), "{arrival:?}, not {wanted}");
    }
    assert_eq!(all[2].due, 2 * SECOND);
    assert_eq!(all[32].due, 8 * SECOND);
}

#[test]
fn a_fall_to_zero_is_the_climb_backwards() {
    // What is left of the area is (10 - t)²/2: arrival i is due at 10 - √(2(50 - i)).
    let all = uniform(&ramp(10.0, &[(10_000, 0.0)]));
    assert_eq!(all.len(), 50);
    for (place, arrival) in (0_u32..).zip(&all) {
        let wanted = 10.0 - (2.0 * f64::from(50 - place)).sqrt();
        assert!(close(arrival.due, wanted), "{arrival:?}, not {wanted}");
    }
    assert_eq!(all[48].due, 8 * SECOND);
}

#[test]
fn the_last_of_a_long_fall_is_as_exact_as_the_first() {
    // 2,000 to 0 per second in 10^6 s: 10^9 iterations, and arrival 10^9 - k is due √(1000 k) s before the end.
    let curve = ramp(2_000.0, &[(1_000_000_000, 0.0)]);
    assert_eq!(curve.planned(), 1_000_000_000);
    for (k, before_end_ns) in [
        (1, 31_622_776_602_u64),
        (10, 100_000_000_000),
        (1_000, 1_000_000_000_000),
    ] {
        let mut last = curve
            .arrivals(Spacing::Uniform, 0)
            .lane(1_000_000_000 - k, 1_000_000_000);
        let due = last.next().unwrap().due;
        let wanted = Duration::from_nanos(1_000_000_000_000_000 - before_end_ns);
        assert!(due.abs_diff(wanted) <= Duration::from_nanos(2), "{due:?}");
    }
}

#[test]
fn a_jump_a_hold_and_a_pause() {
    // 1/s for 2 s, 4/s for 1 s, nothing for 3 s, 2/s for 1 s.
    let curve = ramp(
        1.0,
        &[
            (2_000, 1.0),
            (0, 4.0),
            (1_000, 4.0),
            (0, 0.0),
            (3_000, 0.0),
            (0, 2.0),
            (1_000, 2.0),
        ],
    );
    let seen: Vec<_> = uniform(&curve)
        .iter()
        .map(|it| (it.due.as_millis(), it.stage))
        .collect();
    let wanted = [
        (0, 0),
        (1_000, 0),
        (2_000, 2),
        (2_250, 2),
        (2_500, 2),
        (2_750, 2),
        (6_000, 6),
        (6_500, 6),
    ];
    assert_eq!(seen, wanted);
    assert_eq!((curve.planned(), curve.length()), (8, 7 * SECOND));
    let bounds = curve.stages();
    assert_eq!((bounds[4].from, bounds[4].until), (3 * SECOND, 6 * SECOND));
    assert_eq!((bounds[5].from, bounds[5].until), (6 * SECOND, 6 * SECOND));
}

#[test]
fn at_once_is_spread_over_its_window() {
    let spread = Curve::AtOnce {
        users: 3,
        window: SECOND,
    };
    assert_eq!(due_ns(&spread), [0, 333_333_333, 666_666_666]);
    for spacing in [Spacing::Uniform, Spacing::Poisson] {
        let together = Curve::AtOnce {
            users: 4,
            window: Duration::ZERO,
        };
        let due: Vec<_> = together.arrivals(spacing, 1).map(|it| it.due).collect();
        assert_eq!(due, [Duration::ZERO; 4]);
        let nobody = Curve::AtOnce {
            users: 0,
            window: SECOND,
        };
        assert_eq!(nobody.arrivals(spacing, 1).count(), 0);
    }
}

#[test]
fn users_at_random_fill_their_window_evenly() {
    let users = 10_000;
    let curve = Curve::AtOnce {
        users,
        window: 10 * SECOND,
    };
    let all: Vec<_> = curve.arrivals(Spacing::Poisson, 7).collect();
    assert_eq!((all.len(), curve.planned()), (10_000, 10_000));
    assert!(all.is_sorted_by_key(|it| it.due));
    assert!(all.iter().all(|it| it.due < 10 * SECOND));
    // Kolmogorov and Smirnov: the greatest distance from even is above 1.95/√n in one of 1,000 runs.
    let distance = (1..=users)
        .zip(&all)
        .map(|(place, it)| (f64::from(place) / 1e4 - it.due.as_secs_f64() / 10.0).abs())
        .fold(0.0, f64::max);
    assert!(distance < 0.0195, "{distance}");
    // And they are not simply even: an even grid would stay within one of its own steps.
    assert!(distance > 0.001, "{distance}");
}

#[test]
fn random_gaps_are_exponential() {
    let curve = constant(100.0, SECOND, 100 * SECOND);
    let all: Vec<_> = curve.arrivals(Spacing::Poisson, 3).collect();
    // The number is Poisson with mean 10,000, hence its deviation is 100.
    assert!(all.len().abs_diff(10_000) < 400, "{}", all.len());
    assert!((curve.expected() - 10_000.0).abs() < 1e-9);
    // Of gaps in the unit of the mean, e^-x are above x. Ten cells of the same weight: chi-square with nine degrees is
    // above 27.9 in one of 1,000 runs.
    let mut before = Duration::ZERO;
    let mut cells = [0_u32; 10];
    for arrival in &all {
        let gap = arrival.due.abs_diff(before).as_secs_f64() * 100.0;
        let below = 1.0 - (-gap).exp();
        let cell = (1_u32..10).filter(|edge| below >= f64::from(*edge) / 10.0);
        cells[cell.count()] += 1;
        before = arrival.due;
    }
    let wanted = number(all.len()) / 10.0;
    let chi: f64 = cells
        .iter()
        .map(|seen| (f64::from(*seen) - wanted).powi(2) / wanted)
        .sum();
    assert!(chi < 27.9, "{chi}: {cells:?}");
}

#[test]
fn random_arrivals_keep_to_the_rate_on_average() {
    // Of 50 iterations of a climb to 10/s, 12.5 are due in the first half and 37.5 in the second, over many seeds.
    let curve = ramp(0.0, &[(10_000, 10.0)]);
    let seeds = 2_000_u32;
    let (mut first, mut second) = (0_u32, 0_u32);
    for seed in 0..seeds {
        for arrival in curve.arrivals(Spacing::Poisson, seed.into()) {
            if arrival.due < 5 * SECOND {
                first += 1;
            } else {
                second += 1;
            }
        }
    }
    // Within four deviations of the sums, which are √25,000 and √75,000.
    assert!(first.abs_diff(25_000) < 633, "{first}");
    assert!(second.abs_diff(75_000) < 1_096, "{second}");
}

#[test]
fn the_seed_decides_and_nothing_else() {
    let curve = constant(100.0, SECOND, 10 * SECOND);
    let draw = |seed| -> Vec<_> { curve.arrivals(Spacing::Poisson, seed).collect() };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn extremes_neither_overflow_nor_hang() {
    let fastest = constant(1e6, SECOND, WEEK);
    assert_eq!(fastest.planned(), 604_800_000_000);
    let last = fastest.planned() - 1;
    let mut one = fastest.arrivals(Spacing::Uniform, 0).lane(last, last + 1);
    let after = one.next().unwrap().due + Duration::from_micros(1);
    assert_eq!(after, WEEK);
    assert_eq!((one.next(), one.next()), (None, None));

    // A unit of a day has the largest areas.
    let day = Duration::from_hours(24);
    let daily = constant(86.4e9, day, Duration::MAX);
    // 2^64 - 1 ns at a million a second.
    assert_eq!(daily.planned(), 18_446_744_073_709_552);
    for spacing in [Spacing::Uniform, Spacing::Poisson] {
        let late = daily.arrivals(spacing, 5).nth(9_999).unwrap();
        // 10,000 arrivals take 10 ms, give or take four deviations of 0.1 ms.
        let due = late.due.as_secs_f64();
        assert!((due - 0.010).abs() < 0.0004, "{due}");
    }
    // No unit is too slow to end: one a day has ended before its first gap in a second, or just after it.
    let rare = constant(1.0, day, SECOND);
    assert!(rare.arrivals(Spacing::Poisson, 1).count() <= 1);
    let one = rate(1.0, SECOND);
    let endless = Stage {
        duration: Duration::MAX,
        target: one,
    };
    assert!(Ramp::new(one, vec![endless]).is_err());
    assert!(Ramp::new(one, vec![]).is_err());
    let mixed = Stage {
        duration: SECOND,
        target: rate(1.0, day),
    };
    assert!(Ramp::new(one, vec![mixed]).is_err());
}

#[test]
#[should_panic(expected = "no lane 2 of 2")]
fn a_lane_that_is_not_there() {
    let _ = constant(1.0, SECOND, SECOND)
        .arrivals(Spacing::Uniform, 0)
        .lane(2, 2);
}

/// Milliseconds and targets, with jumps, holds and zeros among them.
fn stages() -> impl Strategy<Value = Vec<(u64, f64)>> {
    let duration = prop_oneof![1 => Just(0), 4 => 1_u64..20_000];
    let target = prop_oneof![1 => Just(0.0), 4 => (0_u32..40_000).prop_map(|n| f64::from(n) / 1e3)];
    prop::collection::vec((duration, target), 1..8)
}

/// The area in iterations at each stage's end, by trapezoids in floating point.
fn areas(start: f64, stages: &[(u64, f64)]) -> Vec<f64> {
    let (mut area, mut before) = (0.0, start);
    let sum = |&(millis, target): &(u64, f64)| {
        area += f64::midpoint(before, target) * number(millis) / 1e3;
        before = target;
        area
    };
    stages.iter().map(sum).collect()
}

proptest! {
    #[test]
    fn the_area_at_each_arrival_is_its_index(start in 0_u32..40, stages in stages()) {
        let start = f64::from(start);
        let curve = ramp(start, &stages);
        let all = uniform(&curve);
        let areas = areas(start, &stages);
        let total = areas.last().copied().unwrap();
        prop_assert_eq!(all.len() as u64, curve.planned());
        // Areas are multiples of half a millionth here: what is not whole is further from whole than the tolerance.
        let planned = number(curve.planned());
        prop_assert!((planned - 1.0 + 1e-7..planned + 1e-7).contains(&total), "{} for {}", planned, total);
        prop_assert!((curve.expected() - total).abs() < 1e-6);
        prop_assert!(all.is_sorted_by_key(|it| it.due));

        let bounds = curve.stages();
        for (place, arrival) in (0_u64..).zip(&all) {
            prop_assert_eq!(arrival.index, place);
            let stage = arrival.stage;
            prop_assert!(bounds[stage].contains(arrival.due), "{:?}", arrival);
            let before = stage.checked_sub(1).map_or((0.0, start), |it| (areas[it], stages[it].1));
            let time = arrival.due.abs_diff(bounds[stage].from).as_secs_f64();
            let whole = number(stages[stage].0) / 1e3;
            let here = before.1 + (stages[stage].1 - before.1) * time / whole;
            let area = before.0 + f64::midpoint(before.1, here) * time;
            prop_assert!((area - number(place)).abs() < 1e-6, "{:?} has {}", arrival, area);
        }
    }

    #[test]
    fn lanes_are_the_whole_stream(
        start in 0_u32..40,
        stages in stages(),
        lanes in prop::sample::select(vec![1_u64, 2, 5, 64]),
        random in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let spacing = if random { Spacing::Poisson } else { Spacing::Uniform };
        let at_once = Curve::AtOnce { users: start, window: Duration::from_secs(3) };
        for curve in [ramp(f64::from(start), &stages), at_once] {
            let whole: Vec<_> = curve.arrivals(spacing, seed).collect();
            let mut union = Vec::new();
            for lane in 0..lanes {
                let part = curve.arrivals(spacing, seed).lane(lane, lanes);
                union.extend(part.inspect(|it| assert_eq!(it.index % lanes, lane)));
            }
            union.sort_by_key(|it| it.index);
            prop_assert_eq!(union, whole);
        }
    }

    #[test]
    fn random_arrivals_are_in_order_and_in_their_stage(stages in stages(), seed in any::<u64>()) {
        let curve = ramp(3.0, &stages);
        let bounds = curve.stages();
        let all: Vec<_> = curve.arrivals(Spacing::Poisson, seed).collect();
        prop_assert!(all.is_sorted_by_key(|it| it.due));
        for arrival in all {
            prop_assert!(bounds[arrival.stage].contains(arrival.due), "{:?}", arrival);
        }
    }
}
