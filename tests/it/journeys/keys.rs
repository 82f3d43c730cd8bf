use std::num::NonZeroUsize;

use regstorm::plan;

use super::scenario;
use crate::scenario::{load, load_with, set};

/// Every key of these journeys, none at its default.
const ALL: &str = r#"
name = "all"
[target]
url = "http://localhost:1"
[images.web]
source = "synthetic"
count = 2
layers = 2
layer_size = "1KiB"
[images.old]
source = "existing"
references = ["lab/a:1"]
[journey.a]
action = "poll"
client = "docker"
images = "web"
pick = "random"
repository = "lab/a"
method = "get"
think_time = "1s"
[journey.b]
action = "list-tags"
client = "crane"
images = "web"
pick = { zipf = 1.5 }
tags = 300
page_size = 20
[journey.c]
action = "catalog"
page_size = 30
[journey.d]
action = "catalog"
images = "web"
repository = "lab/d"
[journey.e]
action = "referrers"
images = "web"
referrers = 7
artifact_type = "application/spdx+json"
resolve = "head"
[journey.f]
action = "delete"
client = "podman"
images = "web"
resolve = "head-only"
by = "tag"
[journey.g]
action = "list-tags"
images = "old"
[journey.h]
action = "referrers"
images = "old"
[[load]]
mix = { a = 1, b = 1, c = 1, d = 1, e = 1, f = 1, g = 1, h = 1 }
executor = "constant-vus"
vus = 1
duration = "1s"
"#;

fn text(toml: &str, changes: &[&str]) -> String {
    let scenario = load_with(toml, &set(changes)).unwrap_or_else(|problems| panic!("{problems}"));
    plan::resolve(scenario, NonZeroUsize::MIN).to_text()
}

#[test]
fn the_lines_of_a_plan_make_the_plan_again() {
    let wanted = text(ALL, &[]);
    for line in [
        "journey.a.method = \"get\"",
        "journey.b.tags = 300",
        "journey.b.page_size = 20",
        "journey.c.page_size = 30",
        "journey.d.images = \"web\"",
        "journey.e.referrers = 7",
        "journey.e.artifact_type = \"application/spdx+json\"",
        "journey.e.resolve = \"head\"",
        "journey.f.resolve = \"head-only\"",
        "journey.f.by = \"tag\"",
    ] {
        assert!(wanted.lines().any(|it| it == line), "{line}\n{wanted}");
    }
    // Not said of what they have nothing to do with.
    for line in [
        "journey.c.images",
        "journey.g.tags",
        "journey.h.referrers",
        "journey.a.parallel",
    ] {
        assert!(!wanted.contains(line), "{line}");
    }
    let mut other = ALL.to_owned();
    for (from, to) in [
        ("method = \"get\"", ""),
        ("tags = 300\npage_size = 20", ""),
        ("page_size = 30", ""),
        (
            "referrers = 7\nartifact_type = \"application/spdx+json\"\nresolve = \"head\"",
            "",
        ),
        ("resolve = \"head-only\"\nby = \"tag\"", "by = \"digest\""),
        ("pick = { zipf = 1.5 }", ""),
        ("repository = \"lab/d\"", ""),
    ] {
        assert!(other.contains(from), "{from}");
        other = other.replace(from, to);
    }
    assert_ne!(text(&other, &[]), wanted);
    let lines: Vec<String> = wanted
        .lines()
        .map(|line| line.replacen(" = ", "=", 1))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(text(&other, &lines), wanted);
}

#[test]
fn what_a_client_does_is_the_default() {
    let defaults = |client: &str, action: &str| {
        let journey = format!("action = \"{action}\"\nimages = \"web\"\nclient = \"{client}\"");
        text(&scenario(&journey), &[])
    };
    for (client, action, line) in [
        ("docker", "poll", "method = \"head\""),
        ("podman", "poll", "method = \"get\""),
        ("crane", "list-tags", "page_size = 1000"),
        ("crane", "list-tags", "tags = 1"),
        ("containerd", "delete", "by = \"resolved\""),
        ("containerd", "delete", "resolve = \"head-only\""),
        ("crane", "delete", "by = \"digest\""),
        ("oras", "referrers", "referrers = 1"),
    ] {
        let text = defaults(client, action);
        let line = format!("journey.j.{line}");
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
    assert!(!defaults("podman", "list-tags").contains("page_size"));
}

/// What is written in place of something else.
type Change = (&'static str, &'static str);

const OLD: [Change; 2] = [
    ("url = \"embedded\"", "url = \"http://h\""),
    (
        "source = \"synthetic\"\ncount = 2\nlayers = 3\nlayer_size = \"1000B\"",
        "source = \"existing\"\nreferences = [\"lab/img:1\"]",
    ),
];

/// A journey, what else of the scenario is changed, what is said of it, and what the carets are below.
const MISTAKES: &[(&str, &[Change], &str, &str)] = &[
    (
        "action = \"pol\"\nimages = \"web\"",
        &[],
        "unknown action `pol`",
        "\"pol\"",
    ),
    (
        "action = \"poll\"",
        &[],
        "missing key `images`",
        "[journey.j]",
    ),
    (
        "action = \"poll\"\nimages = \"web\"\nmethod = \"put\"",
        &[],
        "unknown method `put`",
        "\"put\"",
    ),
    (
        "action = \"poll\"\nimages = \"web\"\nparallel = 3",
        &[],
        "`parallel` does not belong to action = \"poll\"",
        "parallel",
    ),
    (
        "action = \"poll\"\nimages = \"web\"\ntags = 3",
        &[],
        "`tags` does not belong to action = \"poll\"",
        "tags",
    ),
    (
        "action = \"pull\"\nimages = \"web\"\npage_size = 3",
        &[],
        "`page_size` does not belong to action = \"pull\"",
        "page_size",
    ),
    (
        "action = \"catalog\"\npick = \"random\"",
        &[],
        "`pick` needs images",
        "pick",
    ),
    (
        "action = \"catalog\"\nrepository = \"a\"",
        &[],
        "`repository` needs images",
        "repository",
    ),
    (
        "action = \"catalog\"\nimages = \"web\"",
        &OLD,
        "existing images need not be put there",
        "\"web\"",
    ),
    (
        "action = \"delete\"\nimages = \"web\"",
        &OLD,
        "existing images cannot be deleted",
        "\"web\"",
    ),
    (
        "action = \"list-tags\"\nimages = \"web\"\ntags = 2",
        &OLD,
        "existing images have the tags that they have",
        "tags",
    ),
    (
        "action = \"referrers\"\nimages = \"web\"\nreferrers = 2",
        &OLD,
        "existing images have the referrers that they have",
        "referrers",
    ),
    (
        "action = \"referrers\"\nimages = \"web\"\nartifact_type = \"sbom\"",
        &[],
        "this is not a media type",
        "\"sbom\"",
    ),
    (
        "action = \"delete\"\nimages = \"web\"\nby = \"name\"",
        &[],
        "unknown way to delete `name`",
        "\"name\"",
    ),
    (
        "action = \"list-tags\"\nimages = \"web\"",
        &[("[[load]]", "[prepare]\nseed = false\n[[load]]")],
        "there is nothing to list",
        "j",
    ),
    (
        "action = \"poll\"\nimages = \"web\"",
        &[OLD[1]],
        "there is nothing to poll",
        "j",
    ),
];

#[test]
fn mistakes_are_shown_at_their_place() {
    for (journey, changes, wanted, at) in MISTAKES {
        let mut toml = scenario(journey);
        for (from, to) in *changes {
            assert!(toml.contains(from), "{from}");
            toml = toml.replace(from, to);
        }
        let Err(problems) = load(&toml) else {
            panic!("{journey} is taken");
        };
        let shown = problems.to_string();
        let messages: Vec<_> = shown
            .lines()
            .filter_map(|line| line.strip_prefix("error: "))
            .collect();
        assert_eq!(messages, [*wanted], "{journey}\n{shown}");
        // The carets are below what is wrong.
        let lines: Vec<&str> = shown.lines().collect();
        let carets = lines.iter().position(|line| line.contains('^')).unwrap();
        let (from, to) = (
            lines[carets].find('^').unwrap(),
            lines[carets].rfind('^').unwrap(),
        );
        let marked = &lines[carets - 1][from..=to];
        assert!(marked.contains(at), "{marked}, not {at}\n{shown}");
    }
    for count in ["0", "100001"] {
        let journey = format!("action = \"list-tags\"\nimages = \"web\"\ntags = {count}");
        assert!(load(&scenario(&journey)).is_err(), "{count}");
    }
}
