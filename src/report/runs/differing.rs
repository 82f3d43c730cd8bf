//! In what runs differ that ought to be one when their numbers are read beside each other, and what makes a run's doubtful.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::health::Verdict;
use crate::report::table::cut;
use crate::report::{headline, words};
use crate::result::Document;
use crate::units;

use super::NamedRun;

/// More keys of plans than these are in the reports only.
const MOST_KEYS: usize = 20;

/// The longest value of a key that is shown.
const MOST_LETTERS: usize = 60;

/// Something that is not the same in all runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::report) struct Differing {
    /// What it is: `regstorm`, `plan: load.0.rate`.
    pub(in crate::report) what: String,
    /// What each run says, in the order of the runs.
    pub(in crate::report) values: Vec<String>,
}

/// Returns what to know before any of the numbers.
pub(in crate::report) fn warnings(runs: &[NamedRun<'_>]) -> Vec<String> {
    let verdict = |document: &Document| document.generator.health.verdict();
    let warnings = [
        others(runs, "plan", "", |it| it.plan.fingerprint.to_string()),
        others(
            runs,
            "model",
            ", open or closed, whose response times are two things",
            |it| it.open_model.to_string(),
        ),
        others(runs, "version of regstorm", "", |it| it.regstorm.clone()),
        others(runs, "machine", "", machine),
        those(runs, &format!("Sums that {}", words::BROKEN_SUMS), |it| {
            !it.closure.holds()
        }),
        those(
            runs,
            "INVALID, as the generator was the limit; no difference to it or of it is shown",
            |it| verdict(it) == Verdict::Invalid,
        ),
        those(
            runs,
            "SUSPECT generator, which may have moved the numbers",
            |it| verdict(it) == Verdict::Suspect,
        ),
        those(runs, "Interrupted, so its plan was not done", |it| {
            it.interrupted
        }),
        those(
            runs,
            "Durations of more than 1 h that are counted as 1 h",
            |it| it.clamped > 0,
        ),
    ];
    warnings.into_iter().flatten().collect()
}

/// `Another machine than a: b, c`: those that say something else than the first run.
fn others(
    runs: &[NamedRun<'_>],
    what: &str,
    more: &str,
    of: impl Fn(&Document) -> String,
) -> Option<String> {
    let first = runs.first()?;
    let said = of(first.document);
    let words = format!("Another {what} than {}{more}", first.name);
    those(runs, &words, |it| of(it) != said)
}

/// `Interrupted: b, c`: those of which something is true.
fn those(
    runs: &[NamedRun<'_>],
    words: &str,
    is_true: impl Fn(&Document) -> bool,
) -> Option<String> {
    let those = runs.iter().filter(|it| is_true(it.document));
    let those: Vec<&str> = those.map(|it| it.name).collect();
    (!those.is_empty()).then(|| format!("{words}: {}", those.join(", ")))
}

/// Returns everything of these that is not the same in all runs: versions, machines, models, and the keys of the plans.
pub(in crate::report) fn differing(runs: &[NamedRun<'_>]) -> Vec<Differing> {
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let mut all = Vec::new();
    let mut add = |what: &str, of: &dyn Fn(&Document) -> String| {
        let values: Vec<String> = runs.iter().map(|it| of(it.document)).collect();
        if values.iter().any(|it| Some(it) != values.first()) {
            let what = what.to_owned();
            all.push(Differing { what, values });
        }
    };
    add("plan", &|it| headline::fingerprint(&it.plan));
    add("generator", &|it| it.generator.health.verdict().to_string());
    add("model", &|it| {
        if it.open_model { "open" } else { "closed" }.to_owned()
    });
    add("window", &|it| units::duration(it.window()));
    add("regstorm", &|it| it.regstorm.clone());
    add("host", &|it| known(&it.environment.host));
    add("kernel", &|it| known(&it.environment.kernel));
    add("processor", &|it| known(&it.environment.cpu_model));
    add("cores", &|it| it.environment.cores.to_string());
    add("memory", &|it| {
        let memory = it.environment.memory_bytes;
        memory.map_or_else(|| "-".to_owned(), units::bytes)
    });
    let plans: Vec<BTreeMap<String, String>> = runs
        .iter()
        .map(|it| keys(&it.document.plan.resolved))
        .collect();
    let names = plans.iter().flat_map(BTreeMap::keys);
    let names: BTreeSet<&String> = names.collect();
    let of_plans = names.into_iter().filter_map(|name| {
        let values = plans.iter().map(|it| it.get(name));
        let values: Vec<Option<&String>> = values.collect();
        let differs = values.iter().any(|it| Some(it) != values.first());
        let shown = |it: Option<&String>| it.map_or("-".to_owned(), |it| cut(it, MOST_LETTERS));
        differs.then(|| Differing {
            what: format!("plan: {name}"),
            values: values.into_iter().map(shown).collect(),
        })
    });
    let of_plans: Vec<Differing> = of_plans.collect();
    let more = of_plans.len().saturating_sub(MOST_KEYS);
    all.extend(of_plans.into_iter().take(MOST_KEYS));
    if more > 0 {
        let what = format!("plan: {more} more keys");
        let values = vec![String::new(); runs.len()];
        all.push(Differing { what, values });
    }
    all
}

/// Returns what a run was made on.
fn machine(document: &Document) -> String {
    let it = &document.environment;
    let machine = (
        &it.host,
        &it.kernel,
        &it.cpu_model,
        it.cores,
        it.memory_bytes,
    );
    format!("{machine:?}")
}

/// Returns the keys of a plan with their values: `load.0.rate` is `80`.
fn keys(plan: &Value) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    walk(plan, String::new(), &mut keys);
    keys
}

fn walk(value: &Value, name: String, keys: &mut BTreeMap<String, String>) {
    let inner = |key: &dyn std::fmt::Display| {
        if name.is_empty() {
            key.to_string()
        } else {
            format!("{name}.{key}")
        }
    };
    match value {
        Value::Object(map) => {
            for (key, it) in map {
                walk(it, inner(key), keys);
            }
        }
        Value::Array(list) if list.iter().any(|it| it.is_object() || it.is_array()) => {
            for (index, it) in list.iter().enumerate() {
                walk(it, inner(&index), keys);
            }
        }
        Value::String(text) => {
            keys.insert(name, text.clone());
        }
        other => {
            keys.insert(name, other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::oci::Digest;
    use crate::report::testing::{break_a_sum, document, invalidate};

    fn shown(runs: &[(&str, &Document)]) -> (Vec<String>, Vec<(String, Vec<String>)>) {
        let named = runs
            .iter()
            .map(|(name, document)| NamedRun { name, document });
        let named: Vec<NamedRun<'_>> = named.collect();
        let differences = differing(&named).into_iter();
        let differences = differences.map(|it| (it.what, it.values)).collect();
        (warnings(&named), differences)
    }

    #[test]
    fn runs_of_one_plan_on_one_machine_differ_in_nothing() {
        let (a, b) = (document(), document());
        assert_eq!(shown(&[("a", &a), ("b", &b)]), (vec![], vec![]));
    }

    #[test]
    fn what_differs_is_named_with_the_runs() {
        let (mut a, mut b, mut c) = (document(), document(), document());
        for (run, rate) in [(&mut a, 50), (&mut b, 50), (&mut c, 80)] {
            run.plan.resolved = json!({"load": [{"rate": rate, "vus": [1, 2]}]});
        }
        c.plan.fingerprint = Digest::sha256(b"another");
        b.regstorm = "0.2.0".into();
        c.environment.host = Some("node-c".into());
        let (warnings, differences) = shown(&[("a", &a), ("b", &b), ("c", &c)]);
        assert_eq!(
            warnings,
            [
                "Another plan than a: c",
                "Another version of regstorm than a: b",
                "Another machine than a: c",
            ]
        );
        let find = |what: &str| differences.iter().find(|it| it.0 == what).cloned();
        let (_, rates) = find("plan: load.0.rate").expect("a key that differs");
        assert_eq!(rates, ["50", "50", "80"]);
        assert_eq!(find("plan: load.0.vus"), None);
        let (_, hosts) = find("host").expect("another machine");
        assert_eq!(hosts, ["node-a", "node-a", "node-c"]);
        assert!(find("plan").is_some() && find("cores").is_none());
    }

    #[test]
    fn keys_of_plans_are_bounded() {
        let (mut a, mut b) = (document(), document());
        b.plan.resolved = json!({});
        let keys = (0..30).map(|it| (format!("key{it}"), json!("x".repeat(500))));
        a.plan.resolved = Value::Object(keys.collect());
        let (_, differences) = shown(&[("a", &a), ("b", &b)]);
        let (last, rest) = differences.split_last().expect("some");
        assert_eq!((last.0.as_str(), rest.len()), ("plan: 10 more keys", 20));
        assert!(
            rest.iter()
                .all(|it| it.1[0].chars().count() <= MOST_LETTERS)
        );
    }

    #[test]
    fn doubts_name_their_runs() {
        let (a, mut b, mut c) = (document(), document(), document());
        invalidate(&mut b);
        break_a_sum(&mut b);
        (b.interrupted, c.interrupted) = (true, true);
        let (warnings, _) = shown(&[("a", &a), ("b", &b), ("c", &c)]);
        let [sums, invalid, interrupted] = &warnings[..] else {
            panic!("{warnings:?}");
        };
        assert!(
            sums.contains("DO NOT CLOSE") && sums.ends_with(": b"),
            "{sums}"
        );
        assert!(
            invalid.contains("INVALID") && invalid.ends_with(": b"),
            "{invalid}"
        );
        assert!(interrupted.ends_with(": b, c"), "{interrupted}");
    }
}
