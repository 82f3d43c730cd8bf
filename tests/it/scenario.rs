//! Reading scenarios: every kind of mistake, how it is shown, and what must never be shown.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use proptest::prelude::*;
use regstorm::profile::Checks;
use regstorm::scenario::{
    self, Action, ConstantVus, Executor, Overrides, Pick, Place, Problems, Scenario,
};

pub(crate) const GOOD: &str = r#"name = "good"

[target]
url = "http://localhost:5000/a/b"

[images.web]
source = "synthetic"
count = 2
layers = 3
layer_size = "1MiB"

[journey.pull]
action = "pull"
images = "web"

[journey.push]
action = "push"
images = "web"

[[load]]
journey = "pull"
executor = "constant-vus"
vus = 4
duration = "10s"
"#;

fn environment(name: &str) -> Option<String> {
    match name {
        "HOST" => Some("lab".into()),
        "SECRET" => Some("hunter2".into()),
        "PIN" => Some("4711".into()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

pub(crate) fn load_with(text: &str, overrides: &Overrides) -> Result<Scenario, Problems> {
    let base = Path::new(env!("CARGO_MANIFEST_DIR"));
    scenario::load(text, "test.toml", base, overrides, &environment)
}

pub(crate) fn load(text: &str) -> Result<Scenario, Problems> {
    load_with(text, &Overrides::default())
}

pub(crate) fn set(changes: &[&str]) -> Overrides {
    Overrides {
        set: changes.iter().map(|&change| change.to_owned()).collect(),
        ..Overrides::default()
    }
}

/// What is shown of the good scenario after a replacement that must be possible.
fn broken(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "nothing to replace: {from}");
    shown(&GOOD.replacen(from, to, 1))
}

fn shown(text: &str) -> String {
    load(text).map_or_else(|problems| problems.to_string(), |it| panic!("{it:?}"))
}

fn messages(rendered: &str) -> Vec<&str> {
    rendered
        .lines()
        .filter_map(|line| line.strip_prefix("error: "))
        .collect()
}

#[test]
fn a_small_scenario_gets_the_documented_defaults() {
    let scenario = load(GOOD).unwrap();
    assert_eq!(scenario.seed, 42);
    assert_eq!(scenario.workers, None);
    let [pull, push] = scenario.journeys.as_slice() else {
        panic!("{:?}", scenario.journeys);
    };
    assert_eq!((pull.name.as_str(), pull.in_flight()), ("pull", 3));
    assert_eq!((push.name.as_str(), push.in_flight()), ("push", 5));
    assert_eq!(pull.pick(), Pick::RoundRobin);
    let repository = pull.images().map(|images| images.repository.as_str());
    assert_eq!(repository, Some("regstorm/web"));
    assert_eq!(pull.request_timeout, Duration::from_secs(30));
    assert_eq!(pull.iteration_timeout, Duration::from_mins(5));
    assert_eq!(push.clients[0].habits.push.layer_checks, Checks::Once);
    let Action::Push(push) = &push.action else {
        panic!("{push:?}");
    };
    assert!(push.unique && push.mount_from.is_none());
    let [load] = scenario.loads.as_slice() else {
        panic!("{:?}", scenario.loads);
    };
    assert_eq!(load.mix[0].journey, 0);
    assert_eq!(load.graceful_stop, Duration::from_secs(30));
    let duration = Duration::from_secs(10);
    assert_eq!(
        load.executor,
        Executor::ConstantVus(ConstantVus { vus: 4, duration })
    );
}

#[test]
fn journeys_and_images_keep_the_order_of_the_file() {
    let text = GOOD
        .replace("journey.pull", "journey.zebra")
        .replace("journey = \"pull\"", "mix = { push = 1, zebra = 2 }");
    let scenario = load(&text).unwrap();
    let names: Vec<&str> = scenario
        .journeys
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names, ["zebra", "push"]);
    let mix = &scenario.loads[0].mix;
    assert_eq!((mix[0].journey, mix[0].weight), (1, 1));
    assert_eq!((mix[1].journey, mix[1].weight), (0, 2));
}

#[test]
fn a_misspelt_name_is_shown_with_the_right_one() {
    let wanted = r#"error: unknown journey `pul`
  --> test.toml:21:11
   |
21 | journey = "pul"
   |           ^^^^^ did you mean `pull`?
   |
   = help: known: pull, push"#;
    assert_eq!(broken("journey = \"pull\"", "journey = \"pul\""), wanted);
}

#[test]
fn a_misspelt_key_is_shown_with_all_that_are_known() {
    let wanted = "error: unknown key `sed`
 --> test.toml:2:1
  |
2 | sed = 1
  | ^^^ did you mean `seed`?
  |
  = help: known here: name, description, seed, workers, target, upstream, images, journey, load, probe, telemetry, hook, prepare, audit, threshold";
    assert_eq!(broken("\n\n", "\nsed = 1\n"), wanted);
}

#[test]
fn loads_have_names_of_their_own() {
    let second =
        "[[load]]\njourney = \"pull\"\nexecutor = \"constant-vus\"\nvus = 1\nduration = \"1s\"\n";
    let scenario = load(&format!("{GOOD}{second}name = \"hold\"\n{second}")).unwrap();
    let names: Vec<_> = scenario.loads.iter().map(|it| it.stage_names()).collect();
    assert_eq!(names, [["load-0"], ["hold"], ["load-2"]]);
    let wanted = r#"error: another load has this name
  --> test.toml:25:8
   |
25 | name = "load-1"
   |        ^^^^^^^^ load-0, load-1, ... are given to those without a name"#;
    assert_eq!(shown(&format!("{GOOD}name = \"load-1\"\n{second}")), wanted);
    let bad = shown(&format!("{GOOD}name = \"Hold\"\n"));
    assert_eq!(messages(&bad), ["`Hold` is not a name"]);
}

#[test]
fn a_key_of_another_executor_points_at_both() {
    let wanted = r#"error: `iterations` does not belong to executor = "constant-vus"
  --> test.toml:25:1
   |
22 | executor = "constant-vus"
   |            -------------- starts users, not arrivals
...
25 | iterations = 5
   | ^^^^^^^^^^ use executor = "per-vu-iterations" or "shared-iterations", or remove `iterations`"#;
    let text = format!("{GOOD}iterations = 5\n");
    assert_eq!(shown(&text), wanted);
}

#[test]
fn all_mistakes_come_at_once_in_the_order_of_the_file() {
    let text = GOOD
        .replace("\"good\"", "\"Not Good\"")
        .replace("count = 2", "count = 0")
        .replace("layers = 3", "")
        .replace("action = \"push\"", "action = \"shove\"")
        .replace("vus = 4", "vus = \"4\"");
    let rendered = shown(&text);
    let wanted = [
        "`Not Good` is not a name",
        "missing key `layers`",
        "this value is out of range",
        "unknown action `shove`",
        "expected a whole number, found a string",
    ];
    assert_eq!(messages(&rendered), wanted);
    assert_eq!(load(&text).unwrap_err().len(), 5);
}

#[test]
fn syntax_and_repeated_keys_look_alike() {
    let wanted = "error: string values must be quoted, expected literal string
 --> test.toml:2:5
  |
2 | b = c
  |     ^ this is not TOML";
    assert_eq!(shown("a = 1\nb = c\n"), wanted);
    let twice = broken("count = 2", "count = 2\ncount = 0");
    assert_eq!(messages(&twice), ["duplicate key"]);
    assert!(twice.contains("test.toml:9:1"), "{twice}");
    // What else is wrong is said as well.
    let twice = broken("count = 2\nlayers = 3", "count = 2\ncount = 3\nlayers = 0");
    assert_eq!(
        messages(&twice),
        ["duplicate key", "this value is out of range"]
    );
}

/// One mistake, one message.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_mistake_has_its_message() {
    let layers = "layers = 3";
    let size = "layer_size = \"1MiB\"";
    let source = "source = \"synthetic\"\ncount = 2\nlayers = 3\nlayer_size = \"1MiB\"";
    let pull = "action = \"pull\"";
    let push = "action = \"push\"";
    let url = "url = \"http://localhost:5000/a/b\"";
    let run = "executor = \"constant-vus\"\nvus = 4\nduration = \"10s\"";
    let what = "journey = \"pull\"\n";
    let range = "this value is out of range";
    let cases = [
        ("name = \"good\"", "", "missing key `name`"),
        (
            "name = \"good\"",
            "name = 3",
            "expected a string, found a whole number",
        ),
        ("name = \"good\"", "name = \"a--b\"", "`a--b` is not a name"),
        ("\n\n", "\nseed = -1\n", range),
        ("\n\n", "\nworkers = 1025\n", range),
        (
            "\n\n",
            "\nworkers = 2.5\n",
            "expected a whole number, found a number",
        ),
        ("\n\n", "\nload2 = 1\n", "unknown key `load2`"),
        (url, "", "missing key `url`"),
        (
            url,
            "url = \"localhost:5000\"",
            "the address has no scheme that regstorm knows",
        ),
        (url, "url = \"embeded\"", "this is not an address"),
        (
            url,
            "url = \"http://h\"\nhttp = \"3\"",
            "unknown HTTP version `3`",
        ),
        (
            url,
            "url = \"http://h\"\ntls = { ca = \"no.pem\" }",
            "cannot read `no.pem`: No such file or directory (os error 2)",
        ),
        (
            url,
            "url = \"http://h\"\ntls = { ca = \"src\" }",
            "cannot read `src`: not a file",
        ),
        (
            url,
            "url = \"http://h\"\ntls = { cert = \"Cargo.toml\" }",
            "`cert` without `key`",
        ),
        (
            url,
            "url = \"http://h\"\ntls = { server_name = \"a/b\" }",
            "this cannot be the name of a server",
        ),
        (
            url,
            "url = \"http://h\"\ntls = { resumption = \"maybe\" }",
            "unknown resumption `maybe`",
        ),
        (
            url,
            "url = \"http://h\"\nsource_ips = [\"localhost\"]",
            "this is not an IP address",
        ),
        (
            url,
            "url = \"http://h\"\nsource_ips = [\"0.0.0.0\"]",
            "nothing can come from this address",
        ),
        (
            url,
            "url = \"http://h\"\nconnect_to = [\"127.0.0.1\"]",
            "write HOST:PORT, such as 127.0.0.1:5001",
        ),
        (
            url,
            "url = \"http://h\"\ndns = \"never\"",
            "unknown dns `never`",
        ),
        (
            url,
            "url = \"ftp://localhost\"",
            "the address has no scheme that regstorm knows",
        ),
        (
            url,
            "url = \"http://u@localhost\"",
            "an address must not hold a user or a password",
        ),
        (
            url,
            "url = \"http://localhost/?a\"",
            "the address must end with its path",
        ),
        (
            url,
            "url = \"http://localhost/#a\"",
            "the address must end with its path",
        ),
        (
            url,
            "url = \"http://localhost/v2/\"",
            "the address goes too far",
        ),
        (
            url,
            "url = \"http://h\"\nheaders = { Host = \"x\" }",
            "regstorm sets `host` itself",
        ),
        (
            url,
            "url = \"http://h\"\nheaders = { \"a b\" = \"x\" }",
            "this is not the name of a header",
        ),
        (
            url,
            "url = \"http://h\"\nheaders = { a = \"x\\ny\" }",
            "this cannot be the value of a header",
        ),
        (
            url,
            "url = \"http://h\"\nheaders = { a = \"x\", A = \"y\" }",
            "this header is there already",
        ),
        (
            url,
            "url = \"http://h\"\nauth = { username = \"u\" }",
            "missing key `password`",
        ),
        (
            url,
            "url = \"http://h\"\nauth = { username = \"u:v\", password = \"p\" }",
            "this cannot be a username",
        ),
        (
            url,
            "url = \"http://h\"\nauth = { username = \"u\", password = \"${EMPTY}\" }",
            "the password is empty",
        ),
        (
            url,
            "url = \"http://h\"\nauth = { tokens = \"all\" }",
            "unknown policy `all`",
        ),
        (
            url,
            "url = \"http://h\"\nauth = { docker_config = 3 }",
            "expected true, \"podman\", or the path of a config.json or an auth.json, found a whole number",
        ),
        (
            url,
            "url = \"http://h\"\nauth = { docker_config = true, username = \"u\", password = \"p\" }",
            "credentials come from two places",
        ),
        (
            url,
            "url = \"embedded\"\nauth = { docker_config = true }",
            "docker knows nothing of the embedded registry",
        ),
        (
            url,
            "url = \"embedded\"\nembedded = { token_lifetime = \"500ms\" }",
            "this value is out of range",
        ),
        (
            url,
            "url = \"http://h\"\nembedded = {}",
            "`embedded` describes a registry that is not used",
        ),
        (
            url,
            "url = \"embedded\"\nembedded = { auth = \"basic\" }",
            "the embedded registry asks who is there",
        ),
        (
            url,
            "url = \"embedded\"\nembedded = { base_path = \"a\" }",
            "`a` is not a path",
        ),
        (
            url,
            "url = \"embedded\"\nembedded = { storage = \"sink\" }",
            "no blob would have its digest",
        ),
        (
            url,
            "url = \"embedded\"\n[prepare]\nseed = false",
            "there is nothing to pull",
        ),
        (source, "source = \"magic\"", "unknown source `magic`"),
        (
            source,
            "source = \"archive\"\npath = \"no.tar\"",
            "there is no `no.tar`",
        ),
        (
            source,
            "source = \"existing\"\nreferences = []",
            "no image is named",
        ),
        (layers, "layers = 129", range),
        (
            layers,
            "layers = 3\nshared_base_layers = 4",
            "more layers are shared than there are",
        ),
        (
            layers,
            "layers = { min = 2, max = 5 }\nshared_base_layers = 3",
            "more layers are shared than there are",
        ),
        (
            layers,
            "layers = [2, 3, 4]",
            "not one number of layers for each image",
        ),
        (
            "layers = 3\nlayer_size = \"1MiB\"",
            "layers = [2, 3]\nlayer_size = [\"1MiB\", \"2MiB\"]",
            "not one size for each layer",
        ),
        (layers, "layers = [2, 0]", range),
        (layers, "layers = { min = 2, max = 129 }", range),
        (
            layers,
            "layers = { median = 8, sigma = 1, max = 8 }",
            "`median` must be less than `max`",
        ),
        (
            layers,
            "layers = { like = \"requested\", max = 20 }",
            "unknown corpus `requested`",
        ),
        (layers, "layers = { min = 2 }", "missing key `max`"),
        (layers, "layers = \"3\"", "unknown number of layers `3`"),
        (
            layers,
            "layers = 2.5",
            "expected a number such as 8, \"stored\", a number for each image, or a table such as { min = 3, max = 12 }, \
             found a number",
        ),
        (
            size,
            "layer_size = \"4\"",
            "`4` is not a size: write a number and a unit, such as 512B, 4MiB or 1.5GB",
        ),
        (
            size,
            "layer_size = 4",
            "expected a size such as \"4MiB\", \"stored\", \"requested\", a size for each layer, or a table such as \
             { min = \"1KiB\", max = \"64MiB\" }, found a whole number",
        ),
        (size, "layer_size = \"1B\"", range),
        (
            size,
            "layer_size = [\"1MiB\"]",
            "not one size for each layer",
        ),
        (
            size,
            "layer_size = { min = \"2MiB\", max = \"1MiB\" }",
            "`min` must be less than `max`",
        ),
        (
            size,
            "layer_size = { median = \"1MiB\", sigma = 0, max = \"2MiB\" }",
            "this number is out of range",
        ),
        (
            size,
            "layer_size = { like = \"storde\", max = \"2MiB\" }",
            "unknown corpus `storde`",
        ),
        (
            "images = \"web\"",
            "images = \"wbe\"",
            "unknown image set `wbe`",
        ),
        ("[journey.push]", "[journey.Push_]", "`Push_` is not a name"),
        (
            pull,
            "action = \"pull\"\nunique = true",
            "`unique` does not belong to action = \"pull\"",
        ),
        (
            pull,
            "action = \"pull\"\npick = { zipf = 11 }",
            "this number is out of range",
        ),
        (
            pull,
            "action = \"pull\"\npool_size = 3",
            "`pool_size` needs connections = \"shared\"",
        ),
        (pull, "action = \"pull\"\nparallel = 65", range),
        (
            pull,
            "action = \"pull\"\nverify = true",
            "expected \"digest\", \"sha256\", \"length\" or \"none\", found true or false",
        ),
        (
            pull,
            "action = \"pull\"\nplatform = \"amd64\"",
            "`amd64` is not a platform: write os/architecture[/variant], such as linux/arm64/v8",
        ),
        (pull, "action = \"pull\"\nthink_time = \"2h\"", range),
        (
            pull,
            "action = \"pull\"\nthink_time = { min = \"2s\", max = \"1s\" }",
            "`min` must be less than `max`",
        ),
        (
            pull,
            "action = \"pull\"\nrequest_timeout = \"6m\"",
            "a request may take longer than its iteration",
        ),
        (
            pull,
            "action = \"pull\"\niteration_timeout = \"6s\"",
            "a request may take longer than its iteration",
        ),
        (
            push,
            "action = \"push\"\nchunk_size = \"1MiB\"",
            "`chunk_size` needs method = \"chunks\"",
        ),
        (
            push,
            "action = \"push\"\nmethod = \"chunks\"",
            "missing key `chunk_size`",
        ),
        (
            push,
            "action = \"push\"\nmount_from = \"a\"\nunique = true",
            "unique content cannot be mounted",
        ),
        (
            push,
            "action = \"push\"\nverify = \"none\"",
            "`verify` does not belong to action = \"push\"",
        ),
        (what, "", "missing key `journey` or `mix`"),
        (
            what,
            "journey = \"pull\"\nmix = { push = 1 }\n",
            "`journey` and `mix` exclude each other",
        ),
        (what, "mix = {}\n", "the mix is empty"),
        (what, "mix = { pull = 0 }\n", range),
        (what, "mix = { pul = 1 }\n", "unknown journey `pul`"),
        (
            run,
            "executor = \"constant-rate\"",
            "unknown executor `constant-rate`",
        ),
        (
            run,
            "executor = \"constant-vus\"\nvus = 4",
            "missing key `duration`",
        ),
        (
            run,
            "executor = \"constant-vus\"\nduration = \"1s\"\nvus = 0",
            range,
        ),
        (
            run,
            "executor = \"constant-vus\"\nduration = \"1s\"\nvus = 1_000_001",
            range,
        ),
        (
            run,
            "executor = \"constant-vus\"\nduration = \"8d\"\nvus = 1",
            range,
        ),
        (
            run,
            "executor = \"constant-vus\"\nduration = 8\nvus = 1",
            "expected a length of time such as \"30s\", found a whole number",
        ),
        (
            run,
            "executor = \"shared-iterations\"\niterations = 3\nvus = 4",
            "some users would have nothing to do",
        ),
        (
            run,
            "executor = \"per-vu-iterations\"\niterations = 3\nvus = 4\nwarmup = \"1s\"",
            "`warmup` does not belong to executor = \"per-vu-iterations\"",
        ),
        (
            run,
            "executor = \"${NOT_SET}\"",
            "the environment variable `NOT_SET` is not set",
        ),
        (
            "[[load]]",
            "[load]",
            "expected an array of tables, [[load]], found a table",
        ),
    ];
    for (from, to, wanted) in cases {
        let rendered = broken(from, to);
        assert_eq!(messages(&rendered), [wanted], "{to}\n{rendered}");
    }
    let existing = GOOD.replace(
        source,
        "source = \"existing\"\nreferences = [\"lab/img:1\"]",
    );
    assert_eq!(
        messages(&shown(&existing)),
        ["existing images cannot be pushed"]
    );
    let without_load = GOOD.split("[[load]]").next().unwrap();
    assert_eq!(messages(&shown(without_load)), ["missing key `load`"]);
    let wanted = [
        "missing key `name`",
        "missing key `target`",
        "missing key `load`",
        "the scenario has no journey",
    ];
    assert_eq!(messages(&shown("")), wanted);
}

#[test]
fn the_environment_fills_strings_and_is_never_shown() {
    let text = GOOD.replace("localhost:5000/a/b", "${HOST}:${PORT:-5001}");
    let Place::Url(url) = load(&text).unwrap().target.place else {
        panic!("an address was given");
    };
    assert_eq!(url.as_str(), "http://lab:5001/");
    let wanted = r#"error: the environment variable `NOT_SET` is not set
 --> test.toml:4:15
  |
4 | url = "http://${NOT_SET}"
  |               ^^^^^^^^^^ set it, or write ${NOT_SET:-default}"#;
    assert_eq!(broken("localhost:5000/a/b", "${NOT_SET}"), wanted);
    let wanted = r#"error: `${SECRET}` is not a size: write a number and a unit, such as 512B, 4MiB or 1.5GB
  --> test.toml:10:14
   |
10 | layer_size = "${SECRET}"
   |              ^^^^^^^^^^^
   |
   = help: the value comes from the environment and is not shown"#;
    assert_eq!(broken("1MiB", "${SECRET}"), wanted);
    // A key is no value.
    assert_eq!(
        messages(&broken("count", "\"${HOST}\"")),
        ["missing key `count`", "unknown key `${HOST}`"]
    );
}

#[test]
fn secrets_are_never_shown() {
    let url = "url = \"http://localhost:5000/a/b\"";
    let wanted = r#"error: an address must not hold a user or a password
 --> test.toml:4:7
  |
4 | url = "http://**********@h"
  |       ^^^^^^^^^^^^^^^^^^^^^ use [target.auth]: username and password"#;
    assert_eq!(broken(url, "url = \"http://me:hunter2@h\""), wanted);
    for bad in [
        "url = \"http://me:hunter2@h\"",
        "url = \"me:hunter2@h\"",
        "url = \"http://h/?token=hunter2\"",
        "url = \"http://me:hunter2@h:x\"",
        "url = \"http://${SECRET}@h\"",
        "url = \"http://h\"\npassword = \"hunter2\"",
        "url = \"http://h\"\nauth = { username = \"u\", pasword = \"hunter2\" }",
        "url = \"http://h\"\nauth = { username = 3, password = \"hunter2\" }",
        "url = \"http://h\"\nauth = \"hunter2\"",
        "url = \"http://h\"\nheaders = { \"X-A\" = \"hunter2\", Host = \"hunter2\" }",
        "url = \"http://h\"\nheaders = \"X-A: hunter2\"",
        "url = \"http://h\"\nheaders = [\"X-A: hunter2\"]",
        "url = \"http://h\"\nheaders = { \"X-A\" = \"hunter2\\n\" }",
        "url = \"http://h\"\nheaders = { \"X-A\" = \"${SECRET}\\n\" }",
        "url = \"http://h\"\nheaders = { \"X-A: hunter2\" = \"\" }",
        "url = \"http://h\"\n[target.auth]\nusername = \"u\"\npassword = \"hunter2",
        "url = \"http://h\"\n[target.auth]\nusername = \"u\"\npassword = hunter2",
        "url = \"http://h\"\n[target.auth]\nusername = \"u\"\npassword = [\"hunter2\"]",
        "url = \"http://h\"\n[target.auth]\nusername = \"u\"\npassword = \"${NOT_SET:hunter2}\"",
    ] {
        let rendered = broken(url, bad);
        assert!(!rendered.contains("hunter2"), "{rendered}");
        let debugged = format!("{:?}", load(&GOOD.replace(url, bad)));
        assert!(!debugged.contains("hunter2"), "{debugged}");
    }
    let references = GOOD.replace(
        "source = \"synthetic\"",
        "source = \"existing\"\nreferences = [\"http://me:hunter2@h/a:1\"]",
    );
    assert!(
        !shown(&references).contains("hunter2"),
        "{}",
        shown(&references)
    );
    let good = GOOD.replace(url, "url = \"http://h\"\nheaders = { a = \"hunter2\" }\nauth = { username = \"u\", password = \"hunter2\" }");
    assert!(!format!("{:?}", load(&good).unwrap()).contains("hunter2"));
    for change in [
        "target.auth.password=hunter2",
        "target.auth.pasword=hunter2",
        "target.password=hunter2",
        "target.auth=hunter2",
        "target.auth={password=\"hunter2\"}",
        "target.headers.x=hunter2\n",
        "target.headers=\"hunter2\"",
        "target.url=http://me:hunter2@h",
        "target.url=http://me:hunter2@h:x",
        "target.auth.password hunter2",
    ] {
        let problems = load_with(GOOD, &set(&[change])).unwrap_err().to_string();
        assert!(!problems.contains("hunter2"), "{problems}");
    }
    let target = Some("http://me:hun/ter2@h".into());
    let overrides = Overrides {
        target,
        ..Overrides::default()
    };
    let problems = load_with(GOOD, &overrides).unwrap_err().to_string();
    assert!(
        problems.contains("--target http://***********@h"),
        "{problems}"
    );
}

/// From the words of the problems to the lines they show.
#[test]
fn secrets_are_not_shown_wherever_the_file_is_broken() {
    let url = "url = \"http://localhost:5000/a/b\"";
    let secret = "url = \"http://me:hunter2@h\"\nheaders = { a = \"hunter2\", b = 'hunter2' }\nauth = { username = \"u\", password = \"hunter2\" }";
    let text = GOOD.replace(url, secret);
    let start = text.find("url").unwrap_or(0);
    let end = start + secret.len();
    for at in start..end {
        for c in "[]{}=.,\"' x".chars() {
            let mut broken = text.clone();
            broken.insert(at, c);
            if broken.matches("hunter2").count() == 4 {
                let rendered = shown(&broken);
                assert!(!rendered.contains("hunter2"), "{rendered}");
            }
        }
    }
}

#[test]
fn overrides_change_any_key() {
    let overrides = set(&[
        "load.vus=5",
        "load.0.duration=1m 30s",
        "seed=7",
        "description=some words",
        "journey.pull.pick={ zipf = 0.5 }",
        "images.\"web\".layer_size=[\"1MiB\", \"2MiB\", \"3MiB\"]",
        "target.headers.\"X-A\"=b",
        "prepare.seed=false",
        "seed=8",
    ]);
    let scenario = load_with(GOOD, &overrides).unwrap();
    assert_eq!(scenario.seed, 8);
    assert_eq!(scenario.description, "some words");
    assert_eq!(scenario.journeys[0].pick(), Pick::Zipf(0.5));
    assert!(!scenario.prepare.seed);
    assert_eq!(scenario.target.headers[0].0, "X-A");
    let duration = Duration::from_secs(90);
    assert_eq!(
        scenario.loads[0].executor,
        Executor::ConstantVus(ConstantVus { vus: 5, duration })
    );
}

#[test]
fn another_target_replaces_the_embedded_one() {
    let embedded = GOOD.replace(
        "url = \"http://localhost:5000/a/b\"",
        "url = \"embedded\"\nembedded = { storage = \"memory\" }",
    );
    let target = Some("http://lab:5000".into());
    let overrides = Overrides {
        target,
        ..Overrides::default()
    };
    assert!(matches!(
        load_with(&embedded, &overrides).unwrap().target.place,
        Place::Url(_)
    ));
    let target = Some("embedded".into());
    let overrides = Overrides {
        target,
        ..Overrides::default()
    };
    assert!(matches!(
        load_with(GOOD, &overrides).unwrap().target.place,
        Place::Embedded(_)
    ));
}

#[test]
fn a_bad_override_shows_the_argument() {
    let two = format!(
        "{GOOD}[[load]]\njourney = \"pull\"\nexecutor = \"constant-vus\"\nvus = 1\nduration = \"1s\"\n"
    );
    let cases = [
        ("seed", "an override needs a `=`"),
        ("a..b=1", "this is not the path of a key"),
        ("load.vus=1", "`load` has 2 elements"),
        ("load.2.vus=1", "`load` has no element 2"),
        ("name.x=1", "`name` is a string, not a table"),
        ("load.0.vus=many", "expected a whole number, found a string"),
        ("load.0.vsu=1", "unknown key `vsu`"),
    ];
    for (change, wanted) in cases {
        let problems = load_with(&two, &set(&[change])).unwrap_err().to_string();
        assert_eq!(messages(&problems), [wanted]);
        assert!(problems.contains(&format!("--set {change}")), "{problems}");
    }
    let wanted = "error: expected a whole number, found a string
 --> command line:1:16
  |
1 | --set load.vus=many
  |                ^^^^";
    let problems = load_with(GOOD, &set(&["load.vus=many"])).unwrap_err();
    assert_eq!(problems.to_string(), wanted);
}

#[test]
fn colour_is_added_only_when_asked_for() {
    let problems = load("x = 1").unwrap_err();
    assert!(!problems.render(false).contains('\u{1b}'));
    assert!(problems.render(true).contains('\u{1b}'));
}

#[test]
fn every_scenario_of_the_library_is_runnable_as_it_is() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut seen = 0;
    for file in std::fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            continue; // gates, see `gates.rs`
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let scenario = load(&text).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(
            text.starts_with("# "),
            "{path:?} does not say what it stresses"
        );
        assert!(text.contains("# What it stresses:"), "{path:?}");
        assert!(text.contains("# How to read the result:"), "{path:?}");
        assert_eq!(
            path.file_stem().unwrap().to_str(),
            Some(scenario.name.as_str())
        );
        assert!(
            matches!(scenario.target.place, Place::Embedded(_)),
            "{path:?}"
        );
        seen += 1;
    }
    assert!(seen >= 5);
}

fn check(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .arg("check")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the program was built");
    let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn check_prints_the_plan_or_the_problems() {
    let (code, out, err) = check(&["scenarios/first-run.toml", "--set", "load.vus=3"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.starts_with("first-run · "), "{out}");
    assert!(
        out.lines()
            .any(|line| line.starts_with("  load.0.vus ") && line.ends_with(" = 3")),
        "{out}"
    );
    assert!(out.ends_with("nothing was sent\n"), "{out}");
    let (code, out, err) = check(&[
        "scenarios/first-run.toml",
        "--set",
        "load.vus=0",
        "--set",
        "sed=1",
    ]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.ends_with("2 problems; nothing was sent\n"), "{err}");
    let (code, out, err) = check(&["no/such.toml"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(
        err.starts_with("error: cannot read the scenario no/such.toml"),
        "{err}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text_is_read_or_refused_without_panic(text in "(?s).{0,200}", change in ".*", colour: bool) {
        if let Err(problems) = load_with(&text, &set(&[&change])) {
            problems.render(colour);
        }
    }

    /// Texts that come near a scenario, which arbitrary ones never do.
    #[test]
    fn a_damaged_scenario_is_read_or_refused_without_panic(
        at in 0..GOOD.len(),
        length in 0_usize..12,
        insert in "([a-z0-9é=.\"'#{}\\[\\]\\$\n\r\t -]{0,6}|\u{0}|\u{202e}|漢)",
    ) {
        let mut text = GOOD.to_owned();
        text.replace_range(at..(at + length).min(GOOD.len()), &insert);
        if let Err(problems) = load(&text) {
            prop_assert!(!problems.to_string().is_empty());
        }
    }
}
