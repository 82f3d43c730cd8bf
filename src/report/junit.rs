//! JUnit XML for CI systems: a test case for each threshold or gated metric, for integrity, for the generator and for the sums.
//!
//! A broken threshold, a regression and a promise that the registry broke are a `failure`, what the evidence does not decide is `skipped`, and what makes the
//! numbers worthless is an `error`. When the generator was the limit, thresholds are skipped: they neither hold nor break.
//! The elements and attributes are those of Jenkins' `junit-10.xsd`, which other readers of JUnit take as well.

mod xml;

use crate::health::Verdict;
use crate::result::{
    Comparison, ComparisonVerdict, Decision, Document, Environment, MetricComparison, RunVerdict,
};
use crate::units;
use crate::verdict::{Status, ThresholdResult};

use super::change::{self, Words};
use super::{promises, reasons, words};
use xml::{Case, End, Suite};

/// One run.
pub fn run(document: &Document) -> String {
    let mut suite = Suite::new(&document.plan.name);
    suite
        .properties
        .push(property("verdict", document.verdict.name()));
    suite.properties.extend(of_run(document, ""));
    let invalid = document.verdict == RunVerdict::Invalid;
    let thresholds = document.thresholds.iter();
    suite
        .cases
        .extend(thresholds.map(|it| threshold(it, invalid)));
    suite.cases.push(outcome(document));
    suite.cases.push(integrity("integrity", document));
    suite.cases.push(generator("generator", document));
    suite.cases.push(sums("sums", document));
    suite.render()
}

/// Returns a comparison of two builds.
pub fn comparison(comparison: &Comparison) -> String {
    let mut suite = Suite::new(&format!("{} (comparison)", comparison.candidate.plan.name));
    let verdict = comparison.verdict.name();
    suite.properties.push(property("verdict", verdict));
    suite.properties.extend(of_run(&comparison.base, "base."));
    let candidate = of_run(&comparison.candidate, "candidate.");
    suite.properties.extend(candidate);
    let invalid = comparison.verdict == ComparisonVerdict::Invalid;
    let gated = comparison.metrics.iter().filter(|it| it.gated);
    suite.cases.extend(gated.map(|it| metric(it, invalid)));
    suite.cases.push(comparable(comparison));
    for (side, document) in [
        ("base", &comparison.base),
        ("candidate", &comparison.candidate),
    ] {
        suite
            .cases
            .push(integrity(&format!("integrity, {side}"), document));
        suite
            .cases
            .push(generator(&format!("generator, {side}"), document));
        suite.cases.push(sums(&format!("sums, {side}"), document));
    }
    suite.render()
}

/// Returns what stands for the result of a command, such as `run`, that has none: one test case with an error.
pub fn no_result(command: &str, reason: &str) -> String {
    let mut suite = Suite::new(&format!("regstorm {command}"));
    suite.cases.push(Case {
        class: "result",
        name: "result".to_owned(),
        end: End::Error {
            kind: "no result",
            message: reason.to_owned(),
        },
        output: reason.to_owned(),
    });
    suite.render()
}

fn threshold(result: &ThresholdResult, invalid: bool) -> Case {
    let found = found(result);
    let end = match result.status {
        _ if invalid => End::Skipped(format!("the generator was the limit; {found}")),
        Status::Pass => End::Passed,
        Status::Fail => End::Failure {
            kind: "threshold",
            message: found.clone(),
        },
        Status::Inconclusive(reason) => End::Skipped(format!("inconclusive: {reason}; {found}")),
    };
    let samples = units::count(result.samples);
    Case {
        class: "threshold",
        name: result.name(),
        end,
        output: format!("{found}; {samples} samples"),
    }
}

/// `p(99) = 412 ms, expected < 300ms`
fn found(result: &ThresholdResult) -> String {
    let operator = result.expect.find(['<', '>', '=', '!']);
    let (what, expected) = result.expect.split_at(operator.unwrap_or(0));
    let observed = &result.observed_text;
    // `at least 412 ms` is no value that something equals.
    let is = if observed.starts_with(|c: char| c.is_ascii_digit()) {
        "="
    } else {
        "is"
    };
    format!("{} {is} {observed}, expected {expected}", what.trim())
}

/// Returns what the run came to beside its thresholds.
fn outcome(document: &Document) -> Case {
    let ok = document.totals.iterations.ok;
    let (name, end) = match (&document.search, document.verdict) {
        (_, RunVerdict::Invalid) => {
            let why = "the generator was the limit".to_owned();
            ("the run counts", End::Skipped(why))
        }
        (Some(_), verdict) => {
            let end = match verdict {
                RunVerdict::Pass => End::Passed,
                RunVerdict::Fail => End::Failure {
                    kind: "capacity",
                    message: "no rate keeps the thresholds".to_owned(),
                },
                _ => End::Skipped("the search did not confirm a rate".to_owned()),
            };
            ("capacity", end)
        }
        (None, _) if ok == 0 => {
            let why = "no iteration succeeded".to_owned();
            ("the run counts", End::Skipped(why))
        }
        (None, _) if document.interrupted => {
            let why = "the run was interrupted".to_owned();
            ("the run counts", End::Skipped(why))
        }
        (None, RunVerdict::NotJudged) => {
            let word = words::verdict_word(document.verdict);
            let why = format!("{word}: {}", words::verdict(document));
            ("the run counts", End::Skipped(why))
        }
        (None, _) => ("the run counts", End::Passed),
    };
    Case {
        class: "run",
        name: name.to_owned(),
        end,
        output: format!("{} iterations succeeded", units::count(ok)),
    }
}

fn metric(metric: &MetricComparison, invalid: bool) -> Case {
    let sentence = Words(metric).sentence();
    let end = match metric.decision {
        _ if invalid => End::Skipped(format!("the comparison is invalid; {sentence}")),
        Decision::Regression => End::Failure {
            kind: "regression",
            message: sentence.clone(),
        },
        Decision::Pass | Decision::Improvement | Decision::NotGated => End::Passed,
        Decision::Inconclusive => End::Skipped(format!("inconclusive: {sentence}")),
    };
    let decision = change::decision(metric.decision);
    Case {
        class: "metric",
        name: metric.metric.clone(),
        end,
        output: format!("{decision}: {sentence}"),
    }
}

fn comparable(comparison: &Comparison) -> Case {
    let differences: Vec<String> = comparison
        .differences
        .iter()
        .map(change::difference)
        .collect();
    let end = if comparison.verdict == ComparisonVerdict::Invalid {
        End::Error {
            kind: "invalid",
            message: comparison.reasons.join("; "),
        }
    } else {
        End::Passed
    };
    Case {
        class: "comparison",
        name: "the sides compare".to_owned(),
        end,
        output: differences.join("\n"),
    }
}

/// Returns whether the registry kept its promises and sent what it should. What it did not counts, whatever the generator did.
fn integrity(name: &str, document: &Document) -> Case {
    let broken = document.broken();
    let output = match &document.audit {
        Some(audit) => promises::audit(audit),
        None => "nothing was read back".to_owned(),
    };
    let end = if broken.is_empty() {
        End::Passed
    } else {
        End::Failure {
            kind: "integrity",
            message: broken.join("; "),
        }
    };
    Case {
        class: "integrity",
        name: name.to_owned(),
        end,
        output,
    }
}

fn generator(name: &str, document: &Document) -> Case {
    let health = &document.generator.health;
    let reasons: Vec<String> = reasons::with_advice(health);
    let end = match health.verdict() {
        Verdict::Invalid => End::Error {
            kind: "invalid",
            message: reasons.first().cloned().unwrap_or_default(),
        },
        Verdict::Suspect | Verdict::Valid => End::Passed,
    };
    let mut lines = vec![health.verdict().to_string()];
    lines.extend(reasons);
    Case {
        class: "generator",
        name: name.to_owned(),
        end,
        output: lines.join("\n"),
    }
}

fn sums(name: &str, document: &Document) -> Case {
    let broken: Vec<String> = document
        .closure
        .broken()
        .map(|it| format!("{}: {} and {}", it.name, it.left, it.right))
        .collect();
    let checked = format!("{} checked", document.closure.sums.len());
    let end = if broken.is_empty() {
        End::Passed
    } else {
        End::Error {
            kind: "defect",
            message: broken.join("; "),
        }
    };
    Case {
        class: "sums",
        name: name.to_owned(),
        end,
        output: checked,
    }
}

fn property(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn of_run(document: &Document, prefix: &str) -> Vec<(String, String)> {
    let mut rows = vec![
        ("plan", document.plan.fingerprint.to_string()),
        ("seed", document.plan.seed.to_string()),
        ("regstorm", document.regstorm.clone()),
    ];
    let Environment {
        host,
        kernel,
        cpu_model,
        cores,
        memory_bytes,
        labels,
        ci,
        started,
        ended,
        clock: _,
    } = &document.environment;
    rows.push(("started", started.clone()));
    rows.push(("ended", ended.clone()));
    for (name, value) in [("host", host), ("kernel", kernel), ("processor", cpu_model)] {
        rows.extend(value.clone().map(|value| (name, value)));
    }
    rows.push(("cores", cores.to_string()));
    rows.extend(memory_bytes.map(|it| ("memory_bytes", it.to_string())));
    let known = rows.into_iter();
    let mut all: Vec<_> = known
        .map(|(name, value)| (format!("{prefix}{name}"), value))
        .collect();
    for (kind, words) in [("label", labels), ("ci", ci)] {
        let told = words.iter();
        all.extend(told.map(|(name, value)| (format!("{prefix}{kind}.{name}"), value.clone())));
    }
    all
}

#[cfg(test)]
mod tests;
