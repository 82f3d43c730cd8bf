//! Mistakes of scenarios: none hides another, each names every form that is read, and what can never be judged is one.

use regstorm::exchange::HttpVersion;
use regstorm::scenario::Place;

use crate::scenario::{GOOD, load, load_with, set};

/// The messages for the good scenario after replacements that must be possible.
fn messages(changes: &[(&str, &str)]) -> Vec<String> {
    let shown = shown(changes);
    let messages = shown
        .lines()
        .filter_map(|line| line.strip_prefix("error: "));
    messages.map(str::to_owned).collect()
}

fn shown(changes: &[(&str, &str)]) -> String {
    let mut text = GOOD.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "nothing to replace: {from}");
        text = text.replacen(from, to, 1);
    }
    load(&text).map_or_else(|problems| problems.to_string(), |it| panic!("{it:?}"))
}

#[test]
fn an_unknown_executor_hides_no_other_mistake() {
    // Of every executor one key with a wrong value, and one key that none has.
    let load = "executor = \"constant-users\"\nvus = 0\nduration = 10\nwarmup = \"soon\"\nrate = 0\n\
                stages = []\niterations = \"many\"\nmax_vus = -1\npacing = \"0s\"\nstart_vus = 1.5\n\
                max_duration = \"1ms\"\ntime_unit = \"0s\"\ngrowth = 1\nprecision = 2\nsettle = true\n\
                hold = \"0s\"\nconfirm = \"x\"\nwithin = 1\narrival = \"even\"\non_no_vu = \"wait\"\n\
                max_queue = 0\ngraceful_ramp_down = 3\nmax_rate = -5\nstart_rate = \"fast\"\nspeed = 0\nvelocity = 3\n";
    let shown = shown(&[(
        "executor = \"constant-vus\"\nvus = 4\nduration = \"10s\"\n",
        load,
    )]);
    for line in load.lines() {
        // Each is shown where it stands.
        assert!(shown.contains(line), "{line} is not shown:\n{shown}");
    }
    let errors = shown.lines().filter(|it| it.starts_with("error: ")).count();
    assert_eq!(errors, load.lines().count(), "{shown}");
    assert!(!shown.contains("missing key"), "{shown}");
}

#[test]
fn an_unknown_executor_alone_is_one_mistake() {
    let wrong = [("executor = \"constant-vus\"", "executor = \"users\"")];
    assert_eq!(messages(&wrong), ["unknown executor `users`"]);
}

#[test]
fn an_unknown_source_or_action_hides_no_other_mistake() {
    let changes = [
        ("source = \"synthetic\"", "source = \"made-up\""),
        ("count = 2", "count = 0"),
        ("layer_size = \"1MiB\"", "layer_size = 7\nreferences = 3"),
    ];
    let shown_source = shown(&changes);
    for (_, wrong) in changes {
        let mut lines = wrong.lines();
        assert!(lines.all(|it| shown_source.contains(it)), "{shown_source}");
    }
    let wrong = "action = \"fetch\"\nparallel = 0\ncache = \"hot\"\nverify = 1\nunique = 1\n\
                 mount_from = \"UPPER\"\ntags = 0\npage_size = 0\ncommit_check = 1\nby = \"name\"";
    let shown_action = shown(&[("action = \"pull\"", wrong)]);
    for line in wrong.lines() {
        assert!(shown_action.contains(line), "{line}\n{shown_action}");
    }
}

#[test]
fn what_is_no_word_is_told_of_every_form() {
    // The key, what was written, and what the message has to name.
    let cases: [(&str, &str, &[&str]); 9] = [
        (
            "pull",
            "pick = \"zipf\"",
            &["round-robin", "random", "did you mean `{ zipf = 0.95 }`?"],
        ),
        (
            "pull",
            "pick = 1.2",
            &["\"random\"", "did you mean `{ zipf = 1.2 }`?"],
        ),
        (
            "pull",
            "cache = 0.6",
            &["\"cold\"", "\"warm\"", "did you mean `{ share = 0.6 }`?"],
        ),
        (
            "pull",
            "cache = \"partial\"",
            &["cold", "warm", "{ share = 0.6 }"],
        ),
        (
            "pull",
            "cache = true",
            &["\"cold\", \"warm\" or { share = 0.6 }"],
        ),
        (
            "pull",
            "think_time = 5",
            &["{ min = \"1s\", max = \"5s\" }"],
        ),
        (
            "pull",
            "think_time = \"uniform\"",
            &["{ min = \"1s\", max = \"5s\" }"],
        ),
        (
            "pull",
            "verify = true",
            &["\"digest\"", "\"sha256\"", "\"length\"", "\"none\""],
        ),
        ("push", "exists_check = \"sometimes\"", &["true", "false"]),
    ];
    for (journey, line, wanted) in cases {
        let action = format!("action = \"{journey}\"");
        let shown = shown(&[(&action, &format!("{action}\n{line}"))]);
        for word in wanted {
            assert!(shown.contains(word), "{line}: no {word} in\n{shown}");
        }
    }
    let shown = shown(&[("layer_size = \"1MiB\"", "layer_size = \"lognormal\"")]);
    for word in [
        "unknown layer size",
        "stored",
        "requested",
        "median =",
        "like =",
    ] {
        assert!(shown.contains(word), "no {word} in\n{shown}");
    }
}

#[test]
fn on_the_command_line_a_string_needs_no_quotes() {
    let scenario = load_with(
        GOOD,
        &set(&[
            "target.http=2",
            "journey.push.http=1.1",
            "name=2026",
            "description=true",
            "images.web.count=3",
            "target.auth.username=7",
            "target.auth.password=4711",
        ]),
    )
    .unwrap();
    assert_eq!(scenario.target.http, Some(HttpVersion::Http2));
    assert_eq!(
        scenario.journeys[0].clients[0].habits.http,
        HttpVersion::Http2
    );
    assert_eq!(
        scenario.journeys[1].clients[0].habits.http,
        HttpVersion::Http1
    );
    assert_eq!(scenario.name, "2026");
    assert_eq!(scenario.description, "true");
    assert!(scenario.target.auth.credentials.is_some());
    assert!(matches!(scenario.target.place, Place::Url(_)));
    // A number is not a length of time, and in a file a number is not a word.
    let refused = load_with(GOOD, &set(&["load.duration=30"])).unwrap_err();
    assert!(
        refused.to_string().contains("a length of time"),
        "{refused}"
    );
    let refused = load_with(GOOD, &set(&["target.http=3"])).unwrap_err();
    assert!(
        refused.to_string().contains("unknown HTTP version `3`"),
        "{refused}"
    );
    let in_file = messages(&[("[target]", "[target]\nhttp = 2")]);
    assert_eq!(in_file.len(), 1);
    assert!(in_file[0].contains("\"2\""), "{in_file:?}");
}

#[test]
fn a_password_without_quotes_is_as_secret_as_one_with() {
    let changes = set(&["target.auth.password=471199", "target.auth.usrname=1"]);
    let refused = load_with(GOOD, &changes).unwrap_err().to_string();
    assert!(!refused.contains("471199"), "{refused}");
}

const SECOND_SET: &str =
    "[images.api]\nsource = \"synthetic\"\ncount = 2\nlayers = 1\nlayer_size = \"1KiB\"\n\n";

/// The good scenario with a second set, and both journeys in one load.
fn two_sets(pull: &str, push: &str) -> String {
    GOOD.replace("[journey.pull]", &format!("{SECOND_SET}[journey.pull]"))
        .replace("action = \"pull\"\nimages = \"web\"", pull)
        .replace("action = \"push\"\nimages = \"web\"", push)
        .replace("journey = \"pull\"", "mix = { pull = 1, push = 1 }")
}

#[test]
fn two_sets_at_one_place_are_refused() {
    let app = "repository = \"lab/app\"";
    let pull = format!("action = \"pull\"\nimages = \"web\"\n{app}");
    let clashes = [
        format!("action = \"pull\"\nimages = \"api\"\n{app}"),
        format!("action = \"poll\"\nimages = \"api\"\n{app}"),
        format!("action = \"list-tags\"\nimages = \"api\"\n{app}"),
        format!("action = \"delete\"\nimages = \"api\"\n{app}"),
        format!("action = \"push\"\nimages = \"api\"\nunique = false\n{app}"),
        format!("action = \"push\"\nimages = \"api\"\ncache = \"warm\"\n{app}"),
        format!("action = \"push\"\nimages = \"api\"\ncache = {{ share = 0.5 }}\n{app}"),
        // The default of the other set's name.
        "action = \"pull\"\nimages = \"api\"\nrepository = \"lab/{images}\""
            .replace("{images}", "app"),
    ];
    for push in clashes {
        let refused = load(&two_sets(&pull, &push))
            .map_or_else(|it| it.to_string(), |it| panic!("{push}: {it:?}"));
        assert!(
            refused.contains("`api` and `web` would take each other's places"),
            "{push}: {refused}"
        );
        assert!(refused.contains("lab/app/{images}"), "{refused}");
    }
    let mounts = ["web", "api"].map(|set| {
        format!("action = \"push\"\nimages = \"{set}\"\nmount_from = \"lab/base\"\nrepository = \"lab/{set}\"")
    });
    let refused = load(&two_sets(&mounts[0], &mounts[1]))
        .unwrap_err()
        .to_string();
    assert!(refused.contains("mount_from"), "{refused}");
}

#[test]
fn sets_that_are_apart_are_no_mistake() {
    let pull = "action = \"pull\"\nimages = \"web\"\nrepository = \"lab/app\"";
    for push in [
        // One set at one place for two journeys; another place; content under names of its own.
        "action = \"poll\"\nimages = \"web\"\nrepository = \"lab/app\"",
        "action = \"pull\"\nimages = \"api\"\nrepository = \"lab/api\"",
        "action = \"pull\"\nimages = \"api\"",
        "action = \"push\"\nimages = \"api\"\nunique = true\nrepository = \"lab/app\"",
        "action = \"push\"\nimages = \"api\"\nunique = false\nfresh_repository = true\nrepository = \"lab/app\"",
    ] {
        assert!(load(&two_sets(pull, push)).is_ok(), "{push}");
    }
    // A journey that no load runs puts nothing anywhere.
    let push = "action = \"pull\"\nimages = \"api\"\nrepository = \"lab/app\"";
    let unused = two_sets(pull, push).replace("mix = { pull = 1, push = 1 }", "journey = \"pull\"");
    assert!(load(&unused).is_ok());
}

/// What is wrong with a threshold on that metric, with a load of one journey of the good scenario.
fn threshold(journey: &str, metric: &str, keys: &str) -> Option<String> {
    let text = GOOD
        .replace("journey = \"pull\"", &format!("journey = \"{journey}\""))
        .replace("action = \"push\"", &format!("action = \"push\"\n{keys}"));
    let text = format!("{text}\n[[threshold]]\nmetric = \"{metric}\"\nexpect = \"count >= 1\"\n");
    load(&text).err().map(|problems| problems.to_string())
}

#[test]
fn an_operation_that_no_journey_sends_is_a_mistake() {
    for (journey, metric, keys) in [
        ("pull", "upload-put.requests", ""),
        ("pull", "pull.upload-put.requests", ""),
        ("pull", "blob-delete.requests", ""),
        ("pull", "catalog.requests", ""),
        ("push", "blob-get.errors", ""),
        ("push", "upload-mount.requests", ""),
        ("push", "upload-patch.requests", "method = \"put\""),
        ("push", "upload-post.requests", "method = \"put\""),
        ("push", "upload-start.requests", "method = \"post\""),
        ("push", "upload-status.requests", "method = \"patch\""),
        (
            "push",
            "blob-head.requests",
            "exists_check = false\nconfig_check = false",
        ),
    ] {
        let refused = threshold(journey, metric, keys);
        let refused = refused.unwrap_or_else(|| panic!("{metric} {keys}"));
        let operation = metric.rsplit('.').nth(1).unwrap();
        assert!(
            refused.contains(&format!("sends `{operation}`")),
            "{refused}"
        );
        let sent = if journey == "pull" {
            "blob-get"
        } else {
            "upload-put"
        };
        let help = refused.lines().find(|it| it.contains("sent are:"));
        assert!(help.is_some_and(|it| it.contains(sent)), "{refused}");
    }
    for (journey, metric, keys) in [
        ("pull", "blob-get.requests", ""),
        ("pull", "requests", ""),
        ("pull", "token.requests", ""),
        ("pull", "redirected.requests", ""),
        ("push", "upload-mount.requests", "mount_from = \"lab/base\""),
        (
            "push",
            "upload-patch.requests",
            "method = \"chunks\"\nchunk_size = \"1MiB\"",
        ),
        (
            "push",
            "upload-status.requests",
            "method = \"chunks\"\nchunk_size = \"1MiB\"",
        ),
        ("push", "upload-post.requests", "method = \"post\""),
        ("push", "upload-cancel.requests", ""),
    ] {
        assert_eq!(threshold(journey, metric, keys), None, "{metric} {keys}");
    }
    // A journey that is there and that no load runs sends nothing either.
    let unused = threshold("pull", "push.upload-put.requests", "").unwrap();
    assert!(unused.contains("no load runs this journey"), "{unused}");
}
