use super::*;
use crate::stats::{Interval, paired, unpaired};

const ALPHA: f64 = 0.05;

fn margin(relative: f64) -> Margin {
    Margin::new(relative).unwrap()
}

fn gated(evidence: Evidence, of: f64) -> Compared {
    Compared {
        evidence,
        margin: margin(of),
        tolerance: margin(of),
        role: Role::Gated,
    }
}

/// Evidence with ranks that agree, and an interval of this reach.
fn evidence(estimate: f64, reach: f64, p: f64) -> Evidence {
    let shift = Shift {
        estimate,
        interval: Interval {
            low: estimate - reach,
            high: estimate + reach,
        },
        p,
        rank_estimate: estimate,
        rank_p: 0.03,
    };
    let five = paired(&[1.0, 2.0, 3.0, 4.0, 5.0], ALPHA, 1).unwrap();
    Evidence::Paired(Paired { shift, ..five })
}

fn alone(evidence: Evidence, of: f64) -> Decision {
    decide(&[gated(evidence, of)], &Look::once(ALPHA))[0]
        .decision
        .unwrap()
}

fn noisy() -> Decision {
    Decision::Inconclusive(Doubt::TooNoisy)
}

#[test]
fn each_decision_has_its_place() {
    let five_percent = 1.05_f64.ln();
    for (estimate, reach, p, expected) in [
        (1.06_f64.ln(), 0.04, 0.01, Decision::Regression),
        (1.06_f64.ln(), 0.07, 0.08, noisy()),
        (0.0, 0.04, 0.9, Decision::Pass),
        (0.0, 0.06, 0.9, noisy()),
        (0.02, 0.01, 0.001, Decision::Pass), // worse, and surely by less than the margin
        (0.03, 0.025, 0.02, Decision::Inconclusive(Doubt::NearMargin)),
        (0.94_f64.ln(), 0.04, 0.01, Decision::Improvement),
        (-0.03, 0.01, 0.001, Decision::Pass), // better, and by less than the margin
        (-0.08, 0.2, 0.4, noisy()),
        (five_percent + 1e-9, 0.02, 0.05, Decision::Regression), // p may be all of the level
        (
            five_percent - 1e-9,
            0.02,
            0.01,
            Decision::Inconclusive(Doubt::NearMargin),
        ),
    ] {
        let found = alone(evidence(estimate, reach, p), 0.05);
        assert_eq!(found, expected, "{estimate} {reach} {p}");
    }
}

/// ln 1.10 = 0.09531, and ln 0.90 = -0.10536.
#[test]
fn a_margin_is_a_share_of_the_base() {
    assert_eq!(alone(evidence(0.0, 0.0952, 0.9), 0.10), Decision::Pass);
    assert_eq!(alone(evidence(0.0, 0.0954, 0.9), 0.10), noisy());
    assert_eq!(alone(evidence(-0.1053, 0.02, 0.01), 0.10), Decision::Pass);
    assert_eq!(
        alone(evidence(-0.1054, 0.02, 0.01), 0.10),
        Decision::Improvement
    );
    for nonsense in [0.0, -0.1, f64::NAN, f64::INFINITY] {
        assert_eq!(Margin::new(nonsense), None);
    }
}

/// 0.02 * 2 and 0.04 by Holm: both regressions. 0.03 * 2 is above 0.05, and takes the second with it.
#[test]
fn gated_metrics_share_one_level() {
    let worse = |p| gated(evidence(0.2, 0.1, p), 0.05);
    let both = decide(&[worse(0.02), worse(0.04)], &Look::once(ALPHA));
    assert!(
        both.iter()
            .all(|it| it.decision == Some(Decision::Regression))
    );
    assert!((both[0].adjusted_p - 0.04).abs() < 1e-12, "{both:?}");
    let none = decide(&[worse(0.03), worse(0.04)], &Look::once(ALPHA));
    assert!(
        none.iter().all(|it| it.decision == Some(noisy())),
        "{none:?}"
    );
    // One of which nothing is known still is one of two.
    let with_nothing = decide(
        &[worse(0.03), gated(Evidence::Nothing, 0.05)],
        &Look::once(ALPHA),
    );
    assert!((with_nothing[0].adjusted_p - 0.06).abs() < 1e-12);
    let nothing = Decision::Inconclusive(Doubt::NoEvidence);
    assert_eq!(with_nothing[1].decision, Some(nothing));
}

#[test]
fn informative_metrics_decide_nothing_and_cost_nothing() {
    let worse = |p| gated(evidence(0.2, 0.1, p), 0.05);
    let informative = |p| Compared {
        role: Role::Informative,
        ..worse(p)
    };
    let decided = decide(
        &[informative(0.001), worse(0.04), informative(0.02)],
        &Look::once(ALPHA),
    );
    assert_eq!(decided[1].decision, Some(Decision::Regression));
    assert!((decided[1].adjusted_p - 0.04).abs() < 1e-12);
    assert_eq!((decided[0].decision, decided[2].decision), (None, None));
    // Benjamini and Hochberg: 0.001 * 2 / 1 and 0.02 * 2 / 2.
    assert!((decided[0].adjusted_p - 0.002).abs() < 1e-12);
    assert!((decided[2].adjusted_p - 0.02).abs() < 1e-12);
    assert!(decide(&[], &Look::once(ALPHA)).is_empty());
}

#[test]
fn ranks_can_contradict() {
    let contradicted = |rank_estimate, rank_p| {
        let Evidence::Paired(mut paired) = evidence(0.2, 0.1, 0.001) else {
            unreachable!("evidence of pairs")
        };
        paired.shift.rank_estimate = rank_estimate;
        paired.shift.rank_p = rank_p;
        paired.outlier = Some(3);
        alone(Evidence::Paired(paired), 0.05)
    };
    let expected = Decision::Inconclusive(Doubt::Contradicted { outlier: Some(3) });
    assert_eq!(contradicted(0.2, 0.10), Decision::Regression);
    assert_eq!(contradicted(0.2, 0.11), expected);
    assert_eq!(contradicted(-0.01, 0.05), expected);
    let Decision::Inconclusive(doubt) = expected else {
        unreachable!("it is inconclusive")
    };
    assert!(
        doubt.to_string().ends_with("pair 4 is an outlier"),
        "{doubt}"
    );
}

/// Nine pairs 2% worse and one that is half as long: the mean says 5% better, and no pass comes of it.
#[test]
fn a_wild_pair_does_not_make_a_pass() {
    let mut ratios = [
        0.02, 0.021, 0.019, 0.022, 0.018, 0.02, 0.021, 0.019, 0.02, 0.0,
    ];
    ratios[9] = 0.5_f64.ln();
    let found = paired(&ratios, ALPHA, 1).unwrap();
    assert!(found.shift.estimate < -0.045 && found.outlier == Some(9));
    assert_eq!(alone(Evidence::Paired(found), 0.03), noisy());
}

/// The same rule with Welch and Mann-Whitney: a base of 100 ms with 1% of noise against 100 ms, 106 ms and 94 ms.
#[test]
fn unpaired_runs_go_by_the_same_rule() {
    let runs =
        |center: f64| [-0.01, -0.005, 0.0, 0.005, 0.01].map(|off| (center * (1.0 + off)).ln());
    let against = |center| {
        let found = unpaired(&runs(0.1), &runs(center), ALPHA).unwrap();
        alone(Evidence::Unpaired(found), 0.05)
    };
    assert_eq!(against(0.1), Decision::Pass);
    assert_eq!(against(0.106), Decision::Regression);
    assert_eq!(against(0.094), Decision::Improvement);
}
