//! Inputs of people that grow without sense: each gets one short answer, in time and memory in proportion to its length.
//!
//! A stack that overflows, or time that grows with the square, ends these tests by itself; what they look at is what is said.

use regstorm::embedded::load_faults;
use regstorm::scenario::{self, Overrides};

use super::scenario::{GOOD, load, load_with, set};

fn repeated(count: usize, text: impl FnMut(usize) -> String) -> String {
    (0..count).map(text).collect::<Vec<_>>().concat()
}

fn message(text: &str) -> String {
    load(text).expect_err("a mistake").to_string()
}

#[test]
fn at_most_fifty_problems_are_shown_and_the_rest_is_counted() {
    let keys = repeated(2000, |it| format!("k{it} = 1\n"));
    let problems = load(&format!("{keys}{GOOD}")).expect_err("unknown keys");
    assert_eq!(problems.len(), 2000);
    let shown = problems.to_string();
    assert_eq!(shown.matches("unknown key").count(), 50);
    assert!(shown.contains("`k0`") && shown.contains("`k49`"), "{shown}");
    assert!(shown.ends_with("... and 1950 more"), "{shown}");
    // Fifty are all shown.
    let keys = repeated(50, |it| format!("k{it} = 1\n"));
    let shown = message(&format!("{keys}{GOOD}"));
    assert_eq!(shown.matches("unknown key").count(), 50);
    assert!(!shown.contains("more"), "{shown}");
}

#[test]
fn what_is_nested_too_deep_is_refused_before_it_is_built() {
    let words = vec!["a"; 200_000].join(".");
    for deep in [
        format!("{words} = 1\n"),
        format!("[{words}]\n"),
        format!("x = {}\n", "[".repeat(200_000)),
        format!("x = {}\n", "{a=".repeat(200_000)),
        format!("x = {}1{}\n", "{a=".repeat(33), "}".repeat(33)),
        format!("{}\n", "a.b.c.d={".repeat(100_000)),
    ] {
        let problems = load(&deep).expect_err("too deep");
        assert_eq!(problems.len(), 1);
        let shown = problems.to_string();
        assert!(shown.contains("nested too deep"), "{}", &shown[..200]);
        assert!(shown.len() < 1000, "{} bytes", shown.len());
        // So is an argument, and a file of gates.
        let change = format!("x={}", "{a=".repeat(100_000));
        let shown = load_with(GOOD, &set(&[&change]))
            .expect_err("too deep")
            .to_string();
        assert!(shown.contains("nested too deep"), "{}", &shown[..200]);
        let gates = scenario::load_gates(Some(("gates.toml", &deep)), &[], &["pull"]);
        let shown = gates.expect_err("too deep").to_string();
        assert!(shown.contains("nested too deep"), "{}", &shown[..200]);
        let faults = load_faults(&format!("seed = 1\n{deep}"), "faults.toml");
        let shown = faults.expect_err("too deep").to_string();
        assert!(shown.contains("nested too deep"), "{}", &shown[..200]);
        assert!(shown.contains("faults.toml:2"), "{}", &shown[..200]);
    }
    let path = format!("{words}=1");
    let shown = load_with(GOOD, &set(&[&path]))
        .expect_err("too deep")
        .to_string();
    assert!(shown.contains("nested too deep"), "{}", &shown[..200]);
    // As deep as people write.
    let fine = Overrides {
        set: vec!["target.tls.x.y={a=[[{b=1}]]}".to_owned()],
        ..Overrides::default()
    };
    let shown = load_with(GOOD, &fine)
        .expect_err("an unknown key")
        .to_string();
    assert!(!shown.contains("nested"), "{shown}");
}

#[test]
fn more_tables_than_a_scenario_has_are_refused_as_one_mistake() {
    let tables = |text: &str, count: usize| -> String {
        (0..count)
            .map(|it| text.replace('#', &it.to_string()))
            .collect()
    };
    for (text, words) in [
        (
            "[[load]]\njourney = \"nobody\"\n",
            "there are too many loads",
        ),
        (
            "[images.i#]\nsource = \"synthetic\"\n",
            "there are too many tables [images.NAME]",
        ),
        (
            "[journey.j#]\naction = \"pull\"\nimages = \"none\"\n",
            "there are too many tables [journey.NAME]",
        ),
    ] {
        let shown = message(&format!("{GOOD}{}", tables(text, 1001)));
        assert!(shown.contains(words), "{shown}");
        assert!(shown.contains("at most 1000"), "{shown}");
    }
}

#[test]
fn of_many_known_names_some_are_listed() {
    let sets = repeated(300, |it| {
        format!("[images.set-{it}]\nsource = \"synthetic\"\ncount = 1\n")
    });
    let text = GOOD.replace("images = \"web\"", "images = \"nothing-like-it\"");
    let shown = message(&format!("{text}{sets}"));
    assert!(shown.contains("known: web, set-0, "), "{shown}");
    assert!(shown.contains("set-18 and 281 more"), "{shown}");
}

#[test]
fn a_secret_that_lies_deep_is_hidden_all_the_same() {
    let secret = "hunter2";
    for text in [
        format!(
            "{}password = \"{secret}\"{}",
            "a = {".repeat(40),
            "}".repeat(40)
        ),
        format!(
            "{} = 1\n[target.auth]\npassword = \"{secret}\"",
            vec!["a"; 50].join(".")
        ),
        format!(
            "[{}]\nx = \"{secret}\"\ny = 1 1",
            vec!["token"; 70].join(".")
        ),
        format!("x = \"{}{secret}\"", "://".repeat(100)),
        format!("{}.password = \"{secret}\" 1", "b".repeat(600)),
    ] {
        let shown = message(&text);
        assert!(!shown.contains(secret), "{shown}");
    }
}
