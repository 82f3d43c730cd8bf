//! Sessions with a time: as many pairs as a quarter of an hour has room for, of the slices that `ab --budget` has.
//!
//! A pair takes 16 s, and 10 s pass before the next one, in which builds are restarted: 34 pairs. All usual gates of an open load
//! are there: p50, p99, and the error rate, of which nothing ever fails, so that it takes its part of the level from the others.

use std::fmt;

use regstorm::compare::{
    Budget, Compared, Decision, Ending, Evidence, Look, Margin, Outlook, Role, decide,
};
use regstorm::stats::{MIN_PAIRS, paired_by_student, shares};

use super::{Pair, REQUESTS_A_SECOND, SECONDS_BETWEEN_PAIRS, Slices, and_chance, noise, real};

const SHORT: Slices = Slices {
    a_side: 2,
    dropped_seconds: 1,
    seconds: 3,
};

const BUDGET_SECONDS: usize = 15 * 60;

/// The usual margins and tolerances of p50, p99 and a share that failed.
const MARGINS: [f64; 3] = [0.03, 0.10, 0.001];
const TOLERANCES: [f64; 3] = [0.05, 0.15, 0.005];

/// So many samples in each run for the p99 of so many pairs: 100 beyond it in all pairs, 5 to 20 in each.
fn has_p99(pairs: usize) -> bool {
    let samples = f64::from(REQUESTS_A_SECOND) * real(SHORT.a_side * SHORT.seconds);
    samples * 0.01 >= (100.0 / real(pairs)).clamp(5.0, 20.0)
}

/// The looks that there are when every pair takes the same time.
fn looks(pairs: usize) -> Vec<(usize, Look)> {
    let mut budget = Budget::new();
    let looks = (1..=pairs).filter_map(|made| Some((made, budget.look(made, pairs - made)?)));
    looks.collect()
}

/// How sessions ended, as shares of all.
#[derive(Debug, Default, Clone, Copy)]
struct Rates {
    regression: f64,
    regression_of: [f64; 2],
    pass: f64,
    undecided: f64,
    /// Of those the ones that were stopped because the rest of the time would not have decided them.
    futile: f64,
    /// The mean time to the verdict, in minutes.
    minutes: f64,
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |rate: f64| 100.0 * rate;
        write!(
            f,
            "regression {:.2}% (p50 {:.2}%, p99 {:.2}%), pass {:.2}%, undecided {:.2}% ({:.2}% given up), {:.1} min",
            percent(self.regression),
            percent(self.regression_of[0]),
            percent(self.regression_of[1]),
            percent(self.pass),
            percent(self.undecided),
            percent(self.futile),
            self.minutes,
        )
    }
}

/// A quarter of an hour on a machine so many times as noisy as the model.
struct Quarter {
    noise: Vec<Vec<Pair>>,
    looks: Vec<(usize, Look)>,
    pair_seconds: usize,
}

impl Quarter {
    fn new(times: f64) -> Self {
        let slice = SHORT.dropped_seconds + SHORT.seconds;
        let pair_seconds = 2 * SHORT.a_side * slice + SECONDS_BETWEEN_PAIRS;
        let pairs = BUDGET_SECONDS / pair_seconds;
        assert_eq!(pairs, 34);
        Self {
            noise: noise(SHORT, pairs, times),
            looks: looks(pairs),
            pair_seconds,
        }
    }

    /// Sessions in which the candidate is slower by these factors.
    fn sessions(&self, slower: [f64; 2], margins: [f64; 3], tolerances: [f64; 3]) -> Rates {
        let mut rates = Rates::default();
        let one = 1.0 / real(self.noise.len());
        for pairs in &self.noise {
            let (decisions, seen, ending) = self.session(pairs, slower, (margins, tolerances));
            let is_regression = [0, 1].map(|it| decisions[it] == Decision::Regression);
            for (rate, is_regression) in rates.regression_of.iter_mut().zip(is_regression) {
                *rate += if is_regression { one } else { 0.0 };
            }
            if is_regression.contains(&true) {
                rates.regression += one;
            } else if decisions.into_iter().any(Decision::is_open) {
                rates.undecided += one;
                rates.futile += if ending == Ending::Futile { one } else { 0.0 };
            } else {
                rates.pass += one;
            }
            rates.minutes += one * real(seen * self.pair_seconds) / 60.0;
        }
        rates
    }

    fn usual(&self, slower: [f64; 2]) -> Rates {
        self.sessions(slower, MARGINS, TOLERANCES)
    }

    fn session(
        &self,
        pairs: &[Pair],
        slower: [f64; 2],
        (margins, tolerances): ([f64; 3], [f64; 3]),
    ) -> ([Decision; 3], usize, Ending) {
        for (seen, look) in &self.looks {
            let gates = [0, 1, 2].map(|gate| Compared {
                evidence: evidence(&pairs[..*seen], gate, slower, look),
                margin: Margin::new(margins[gate]).expect("it is above 0"),
                tolerance: Margin::new(tolerances[gate]).expect("it is above 0"),
                role: Role::Gated,
            });
            let decided = decide(&gates, look);
            let outlooks = gates.map(|gate| match gate.evidence {
                Evidence::Nothing => None,
                _ => Some(Outlook::of(&gate, *seen, look, gates.len())),
            });
            if let Some(ending) = Ending::of(look, &decided, &outlooks) {
                let decision = |it: usize| decided[it].decision.expect("all are gated");
                return ([0, 1, 2].map(decision), *seen, ending);
            }
        }
        unreachable!("the last look ends it")
    }
}

fn evidence(pairs: &[Pair], gate: usize, slower: [f64; 2], look: &Look) -> Evidence {
    if gate == 2 {
        let requests = REQUESTS_A_SECOND as usize * SHORT.a_side * SHORT.seconds * pairs.len();
        let none = (0, requests as u64);
        return shares(none, none, look.alpha).map_or(Evidence::Nothing, Evidence::Shares);
    }
    if gate == 1 && !has_p99(pairs.len()) {
        return Evidence::Nothing;
    }
    let ratios = pairs.iter().map(|pair| pair[gate] + slower[gate].ln());
    let ratios: Vec<f64> = ratios.collect();
    paired_by_student(&ratios, look.alpha).map_or(Evidence::Nothing, Evidence::Paired)
}

/// What a budget promises, on the machine of the model and on one that is twice as noisy.
#[test]
fn a_quarter_of_an_hour_decides() {
    for times in [1.0, 2.0] {
        let quarter = Quarter::new(times);
        println!("noise times {times}");

        let equal = quarter.usual([1.0, 1.0]);
        println!("equal: {equal}");
        assert!(equal.regression <= and_chance(0.05), "{times}: {equal}");
        assert!(equal.undecided <= 0.05, "{times}: {equal}");

        let slower = quarter.usual([1.05, 1.0]);
        println!("p50 5% slower: {slower}");
        assert!(slower.regression_of[0] >= 0.80, "{times}: {slower}");

        let long_tail = quarter.usual([1.0, 1.15]);
        println!("p99 15% slower: {long_tail}");
        assert!(long_tail.regression_of[1] >= 0.80, "{times}: {long_tail}");

        // The margins hold most false alarms back. Without them the levels have to, those of all looks and gates together.
        let nothing = [1e-9; 3];
        let no_margin = quarter.sessions([1.0, 1.0], nothing, nothing);
        println!("equal, without margins: {no_margin}");
        assert!(
            no_margin.regression <= and_chance(0.05),
            "{times}: {no_margin}"
        );

        // A pass of what is not tolerated is as rare.
        for at_limit in [slower, long_tail] {
            assert!(at_limit.pass <= and_chance(0.05), "{times}: {at_limit}");
        }
        let at_limit = quarter.sessions([1.03, 1.0], MARGINS, MARGINS);
        println!("p50 slower by its margin, which is all that is tolerated: {at_limit}");
        assert!(at_limit.pass <= and_chance(0.05), "{times}: {at_limit}");

        let plain = quarter.usual([1.5, 1.5]);
        println!("all half as slow again: {plain}");
        assert!(plain.regression >= 0.99, "{times}: {plain}");
        assert!(plain.minutes < 5.0, "{times}: {plain}");
    }
}

/// Ten times the noise leaves little to be decided: that is said before the time is up. Six of ten are fewer than the eight that
/// another program found, which simulates the same with other random numbers.
#[test]
fn what_cannot_be_decided_is_given_up() {
    let quarter = Quarter::new(10.0);
    let equal = quarter.usual([1.0, 1.0]);
    println!("equal, ten times the noise: {equal}");
    assert!(equal.regression <= and_chance(0.05), "{equal}");
    assert!(equal.futile >= 0.60 && equal.minutes < 12.0, "{equal}");
    assert!(quarter.looks[0].0 == MIN_PAIRS);
}
