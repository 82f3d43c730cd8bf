use roxmltree::{Document as Xml, Node};

use super::*;
use crate::measure::{IterationClock, Metric};
use crate::report::testing;

/// What Jenkins' schema (xunit-plugin, `junit-10.xsd`) allows: element, attributes that must be there, others, children.
type Rule = (&'static str, Names, Names, Names);
type Names = &'static [&'static str];

const SCHEMA: [Rule; 8] = [
    (
        "testsuites",
        &[],
        &["name", "time", "tests", "failures", "errors"],
        &["testsuite"],
    ),
    (
        "testsuite",
        &["name", "tests", "failures", "errors"],
        &[
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
        ],
        &[
            "testsuite",
            "properties",
            "testcase",
            "system-out",
            "system-err",
        ],
    ),
    ("properties", &[], &[], &["property"]),
    ("property", &["name", "value"], &[], &[]),
    (
        "testcase",
        &["name"],
        &["time", "classname", "group"],
        &["skipped", "error", "failure", "system-out", "system-err"],
    ),
    ("failure", &[], &["type", "message"], &[]),
    ("error", &[], &["type", "message"], &[]),
    ("skipped", &[], &["type", "message"], &[]),
];

fn fits(node: Node<'_, '_>) {
    let name = node.tag_name().name();
    if name == "system-out" {
        assert!(node.attributes().len() == 0 && node.children().all(|it| it.is_text()));
        return;
    }
    let rule = SCHEMA.iter().find(|it| it.0 == name);
    let (_, needed, allowed, children) = rule.unwrap_or_else(|| panic!("<{name}>"));
    for needed in *needed {
        assert!(node.has_attribute(*needed), "<{name}> has no {needed}");
    }
    for attribute in node.attributes() {
        let found = attribute.name();
        assert!(
            needed.contains(&found) || allowed.contains(&found),
            "<{name} {found}>"
        );
    }
    for child in node.children() {
        if child.is_element() {
            let found = child.tag_name().name();
            assert!(children.contains(&found), "<{name}><{found}>");
            fits(child);
        } else {
            assert_eq!(
                child.text().unwrap_or_default().trim(),
                "",
                "text in <{name}>"
            );
        }
    }
}

/// The cases by name: how each ended, and the message. Held against the schema and the counts of the suite on the way.
fn cases(text: &str) -> Vec<(String, String, String)> {
    let xml = Xml::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let root = xml.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    fits(root);
    let cases: Vec<_> = xml
        .descendants()
        .filter(|it| it.has_tag_name("testcase"))
        .map(|case| {
            let ends = ["failure", "error", "skipped"];
            let mut ended = case
                .children()
                .filter(|it| ends.contains(&it.tag_name().name()));
            let end = ended.next();
            assert!(ended.next().is_none(), "a case ends once");
            (
                case.attribute("name").unwrap().to_owned(),
                end.map_or("passed", |it| it.tag_name().name()).to_owned(),
                end.and_then(|it| it.attribute("message"))
                    .unwrap_or_default()
                    .to_owned(),
            )
        })
        .collect();
    let suite = root.first_element_child().unwrap();
    for (attribute, end) in [
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
    ] {
        let counted = cases.iter().filter(|it| it.1 == end).count().to_string();
        assert_eq!(
            suite.attribute(attribute),
            Some(counted.as_str()),
            "{attribute}"
        );
    }
    assert_eq!(
        suite.attribute("tests"),
        Some(cases.len().to_string().as_str())
    );
    cases
}

fn end_of<'a>(cases: &'a [(String, String, String)], name: &str) -> (&'a str, &'a str) {
    let found = cases.iter().find(|it| it.0 == name);
    let (_, end, message) = found.unwrap_or_else(|| panic!("no case {name}: {cases:?}"));
    (end, message)
}

#[test]
fn thresholds_are_cases() {
    let mut document = testing::document();
    document.thresholds = testing::thresholds();
    document.verdict = RunVerdict::Fail;
    let text = run(&document);
    let cases = cases(&text);
    let of_thresholds: Vec<_> = cases[..3]
        .iter()
        .map(|it| (it.1.as_str(), it.2.as_str()))
        .collect();
    assert_eq!(
        of_thresholds,
        [
            ("passed", ""),
            ("failure", "p(99) = 412 ms, expected < 300ms"),
            (
                "skipped",
                "inconclusive: too few samples: it takes 100; p(99) is -, expected < 300ms"
            ),
        ]
    );
    for healthy in ["the run counts", "generator", "sums"] {
        assert_eq!(end_of(&cases, healthy).0, "passed");
    }
    for property in [
        "label.build\" value=\"1.4.2\"",
        "host\" value=\"node-a\"",
        "seed\" value=\"42\"",
    ] {
        assert!(text.contains(property), "{property}");
    }
}

#[test]
fn an_invalid_run_fails_no_threshold_and_passes_none() {
    let mut document = testing::document();
    document.thresholds = testing::thresholds();
    testing::invalidate(&mut document);
    testing::break_a_sum(&mut document);
    let cases = cases(&run(&document));
    assert!(cases[..3].iter().all(|it| it.1 == "skipped"), "{cases:?}");
    let (end, message) = end_of(&cases, "generator");
    assert_eq!(end, "error");
    assert!(message.contains("worker-cpu of worker 1"), "{message}");
    let sum = "pull: scheduled = started + dropped: 10 and 9";
    assert_eq!(end_of(&cases, "sums"), ("error", sum));
}

/// Also where the generator was the limit: what was lost was lost.
#[test]
fn a_broken_promise_is_a_failure_of_its_own() {
    let mut document = testing::document();
    assert_eq!(end_of(&cases(&run(&document)), "integrity").0, "passed");
    document.integrity.empty_body = 2;
    testing::invalidate(&mut document);
    let said = "the registry sent wrong content: 2 empty body";
    assert_eq!(
        end_of(&cases(&run(&document)), "integrity"),
        ("failure", said)
    );
    let mut both = testing::comparison();
    both.candidate.integrity.empty_body = 2;
    let both = cases(&comparison(&both));
    assert_eq!(end_of(&both, "integrity, base").0, "passed");
    assert_eq!(end_of(&both, "integrity, candidate"), ("failure", said));
}

#[test]
fn a_run_without_a_success_is_no_success() {
    let cases = cases(&run(&testing::empty()));
    let end = end_of(&cases, "the run counts");
    assert_eq!(end, ("skipped", "no iteration succeeded"));
}

#[test]
fn every_gated_metric_is_a_case() {
    let cases = cases(&comparison(&testing::comparison()));
    let (end, message) = end_of(&cases, "pull.response_time p(99)");
    assert_eq!(end, "failure");
    assert_eq!(
        message,
        "pull.response_time p(99) +12.5%, interval +8.1% to +16.9%, margin 5%: base 400 ms, candidate 450 ms"
    );
    for (name, end) in [
        ("pull.response_time p(50)", "passed"),
        ("blob-get.total p(50)", "passed"),
        ("pull.response_time p(90)", "skipped"),
        ("pull.errors rate", "failure"),
        ("the sides compare", "passed"),
        ("generator, candidate", "passed"),
        ("sums, base", "passed"),
    ] {
        assert_eq!(end_of(&cases, name).0, end, "{name}");
    }
    assert!(
        !cases.iter().any(|it| it.0 == "blob-get.total p(99)"),
        "not gated"
    );
}

#[test]
fn an_invalid_comparison_is_an_error_and_no_failure() {
    let cases = cases(&comparison(&testing::invalid_comparison()));
    assert!(!cases.iter().any(|it| it.1 == "failure"), "{cases:?}");
    assert_eq!(
        end_of(&cases, "the sides compare"),
        ("error", "the plans differ")
    );
    assert_eq!(end_of(&cases, "generator, candidate").0, "error");
    assert_eq!(end_of(&cases, "pull.response_time p(50)").0, "skipped");
}

#[test]
fn any_word_can_stand_in_it() {
    let mut document = testing::document();
    let said = format!("{}\u{fffe}\u{ffff}", testing::HOSTILE);
    document.plan.name = said.clone();
    document.thresholds = testing::thresholds();
    document.thresholds[1].metric = Metric::of_journey(&said, IterationClock::Response).into();
    document
        .environment
        .labels
        .insert(said.clone(), said.clone());
    testing::invalidate(&mut document);
    document.generator.health.reasons[0].observed = said;
    let cases = cases(&run(&document));
    assert!(
        cases[1].0.contains("<script>alert(1)</script>"),
        "{}",
        cases[1].0
    );
}
