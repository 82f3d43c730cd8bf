//! How many requests each client needs, for any number of layers: what a profile promises, against `regstorm serve`.

use super::fixture::Fixture;
use super::recorder::{Habits, Recorder};
use super::side_by_side;
use super::trace::wanted;
use crate::support::{Program, Served, regstorm, skopeo};

/// The requests of a client for an image of `layers` different layers.
struct Formula {
    profile: &'static str,
    pull: fn(usize) -> usize,
    pull_by_digest: fn(usize) -> usize,
    push_fresh: fn(usize) -> usize,
    /// What is there already, by who does not remember that.
    push_there: Option<fn(usize) -> usize>,
    /// To another repository of the same registry, with everything mounted that the client mounts.
    mounted: Option<fn(usize) -> usize>,
    /// By who has everything.
    pull_again: fn(usize) -> usize,
    missing: usize,
}

const FORMULAS: &[Formula] = &[
    Formula {
        profile: "docker",
        // Ping, HEAD and GET of the manifest, config, layers.
        pull: |layers| layers + 4,
        pull_by_digest: |layers| layers + 3,
        // Each blob: POST, PATCH, PUT, HEAD; ping, HEAD of the config, manifest.
        push_fresh: |layers| 4 * layers + 7,
        // It asks only for what it remembers.
        push_there: None,
        // Each layer: HEAD, POST, HEAD; the config is sent.
        mounted: Some(|layers| 3 * layers + 7),
        pull_again: |_| 2,
        missing: 3,
    },
    Formula {
        profile: "containerd",
        pull: |layers| layers + 3,
        pull_by_digest: |layers| layers + 3,
        // Each blob: HEAD, POST, PUT; HEAD and PUT of the manifest.
        push_fresh: |layers| 3 * layers + 5,
        push_there: Some(|layers| layers + 2),
        mounted: Some(|layers| 2 * layers + 4),
        pull_again: |_| 1,
        missing: 1,
    },
    // As skopeo counts; what podman itself sends from its storage is in the recordings.
    Formula {
        profile: "podman",
        pull: |layers| layers + 3,
        pull_by_digest: |layers| layers + 3,
        // Each layer: HEAD twice, POST, PATCH, PUT; the config once less; ping, manifest.
        push_fresh: |layers| 5 * layers + 6,
        push_there: Some(|layers| layers + 3),
        mounted: Some(|layers| 3 * layers + 6),
        pull_again: |_| 3,
        missing: 2,
    },
    Formula {
        profile: "crane",
        pull: |layers| layers + 3,
        pull_by_digest: |layers| layers + 3,
        // Each blob: HEAD, POST, PATCH, PUT; ping, HEAD and PUT of the manifest.
        push_fresh: |layers| 4 * layers + 7,
        push_there: Some(|_| 2),
        // As `cp` does to its target: ping, HEAD of the manifest, HEAD and POST of each blob, a ping, the manifest.
        mounted: Some(|layers| 2 * layers + 6),
        pull_again: |layers| layers + 3,
        missing: 2,
    },
    Formula {
        profile: "docker-29",
        // Ping, HEAD and GET of the manifest, config, layers.
        pull: |layers| layers + 4,
        pull_by_digest: |layers| layers + 3,
        // Each blob: POST, PATCH, PUT, HEAD; ping, HEAD of the config, manifest.
        push_fresh: |layers| 4 * layers + 7,
        // It asks only for what it remembers.
        push_there: None,
        // Each layer: HEAD, POST, HEAD; the config is sent.
        mounted: Some(|layers| 3 * layers + 7),
        pull_again: |_| 2,
        missing: 3,
    },
    Formula {
        profile: "containerd-1.6",
        pull: |layers| layers + 3,
        pull_by_digest: |layers| layers + 3,
        // Each blob: HEAD, POST, PUT; HEAD and PUT of the manifest.
        push_fresh: |layers| 3 * layers + 5,
        push_there: Some(|layers| layers + 2),
        mounted: Some(|layers| 2 * layers + 4),
        pull_again: |_| 1,
        missing: 1,
    },
    Formula {
        profile: "buildkit",
        pull: |layers| layers + 3,
        pull_by_digest: |layers| layers + 3,
        // Each blob: HEAD, POST, PUT; HEAD and PUT of the manifest.
        push_fresh: |layers| 3 * layers + 5,
        push_there: Some(|layers| layers + 2),
        mounted: Some(|layers| 2 * layers + 4),
        pull_again: |_| 1,
        missing: 1,
    },
    Formula {
        profile: "oras",
        // The manifest, config, layers.
        pull: |layers| layers + 2,
        pull_by_digest: |layers| layers + 2,
        // Each blob: HEAD, POST, PUT; HEAD and PUT of the manifest.
        push_fresh: |layers| 3 * layers + 5,
        // It finds the manifest and sets the tag.
        push_there: Some(|_| 2),
        mounted: Some(|layers| 2 * layers + 4),
        pull_again: |_| 1,
        missing: 1,
    },
    Formula {
        profile: "plain",
        pull: |layers| layers + 2,
        pull_by_digest: |layers| layers + 2,
        // Each blob: HEAD, POST, PATCH, PUT; the manifest.
        push_fresh: |layers| 4 * layers + 5,
        push_there: Some(|layers| layers + 2),
        mounted: Some(|layers| 2 * layers + 3),
        pull_again: |_| 1,
        missing: 1,
    },
];

/// `REGSTORM_REPLAY=TEXT` in the environment checks only the profiles whose names contain the text.
#[test]
fn request_counts_follow_the_number_of_layers() {
    let text = wanted().unwrap_or_default();
    let formulas: Vec<&Formula> = FORMULAS
        .iter()
        .filter(|it| it.profile.contains(&text))
        .collect();
    side_by_side(
        &formulas,
        |it| it.profile,
        |formula| {
            for layers in [1, 3, 6, 11] {
                check(formula, layers);
            }
        },
    );
}

#[track_caller]
fn check(formula: &Formula, layers: usize) {
    let served = Served::start(&[], "");
    let recorder = Recorder::start(served.host(), Habits::default());
    let fixture = Fixture::new(layers);
    let name = format!("{}, {layers} layers", formula.profile);
    let count = |what: &str, wanted: usize, program: Program, code: i32| {
        recorder.take();
        let finished = program.run();
        assert_eq!(
            finished.code() == 0,
            code == 0,
            "{name}: {what}\n{finished}"
        );
        let sent = recorder.take();
        let lines: Vec<String> = sent
            .iter()
            .map(|it| format!("{} {} {:?}", it.method, it.path, it.status))
            .collect();
        assert_eq!(sent.len(), wanted, "{name}: {what}\n{}", lines.join("\n"));
    };
    let push = |image: &str| {
        let args = [
            "--client".as_ref(),
            formula.profile.as_ref(),
            fixture.layout().as_os_str(),
            recorder.url().as_ref(),
            image.as_ref(),
        ]
        .map(std::ffi::OsStr::to_owned);
        regstorm(["push"]).args(args)
    };
    let pull = |image: &str, dir: &str| {
        regstorm(["pull", "--client", formula.profile, &recorder.url(), image])
            .args([fixture.path().join(dir)])
    };
    count("push", (formula.push_fresh)(layers), push("team/six:v1"), 0);
    if let Some(there) = formula.push_there {
        count("push again", there(layers), push("team/six:v1"), 0);
    }
    if let Some(mounted) = formula.mounted {
        let program = push("other/six:v1").args(["--mount-from", "team/six"]);
        count("mount", mounted(layers), program, 0);
    }
    count(
        "pull",
        (formula.pull)(layers),
        pull("team/six:v1", "tag"),
        0,
    );
    let again = (formula.pull_again)(layers);
    count("pull again", again, pull("team/six:v1", "tag"), 0);
    let digest = format!("team/six@{}", fixture.digest("img"));
    let by_digest = (formula.pull_by_digest)(layers);
    count("pull by digest", by_digest, pull(&digest, "digest"), 0);
    count("missing", formula.missing, pull("team/six:nope", "nope"), 1);
}

/// The yardstick itself: skopeo keeps to the formulas of its profile.
#[test]
fn skopeo_keeps_to_the_formulas() {
    let formula = FORMULAS
        .iter()
        .find(|it| it.profile == "podman")
        .expect("a formula");
    for layers in [1, 3, 6, 11] {
        let served = Served::start(&[], "");
        let recorder = Recorder::start(served.host(), Habits::default());
        let fixture = Fixture::new(layers);
        let image = format!("docker://{}/team/six:v1", recorder.host());
        let copy = |source: &str, target: &str| {
            recorder.take();
            skopeo(["copy", "--src-tls-verify=false", "--dest-tls-verify=false"])
                .args([source, target])
                .run()
                .ok();
            recorder.take().len()
        };
        let source = fixture.source("img");
        assert_eq!(copy(&source, &image), (formula.push_fresh)(layers));
        let there = formula.push_there.map(|it| it(layers));
        assert_eq!(Some(copy(&source, &image)), there);
        let copied = format!("dir:{}", fixture.path().join("copy").display());
        assert_eq!(copy(&image, &copied), (formula.pull)(layers));
        let other = image.replace("team/", "other/");
        let mounted = formula.mounted.map(|it| it(layers));
        assert_eq!(Some(copy(&source, &other)), mounted);
    }
}
