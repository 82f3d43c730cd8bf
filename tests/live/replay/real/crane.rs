//! crane against its recordings. `scripts/test` builds the version that was recorded, since Debian has no package of it.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tempfile::TempDir;

use super::Row;
use super::tokens::{check, scene_of};
use crate::replay::compare::Limits;
use crate::replay::fixture::Fixture;
use crate::replay::order::Rule;
use crate::replay::scene::Scene;
use crate::replay::trace::Record;
use crate::support::{Granting, PASSWORD, Program, USER, scratch};

/// Into a tar it writes one blob after the other, the config first.
const TAR: Limits = Limits {
    parallel: 1,
    connections: 1,
    rules: &[Rule::ConfigBeforeLayers],
};
const FOUR: Limits = Limits {
    parallel: 4,
    connections: 8,
    rules: &[],
};

const fn row(name: &'static str, limits: Limits, run: fn(&()) -> Vec<Record>) -> Row<()> {
    Row { name, limits, run }
}

pub(super) const ROWS: &[Row<()>] = &[
    row("crane22-pull-6layers", TAR, |()| {
        let (crane, scene, fixture) = seeded();
        let tar = fixture.path().join("pulled.tar");
        let image = scene.image("team/six:v1");
        scene.record(|| crane.run(&["pull", &image, tar.to_str().expect("a plain path")]))
    }),
    row("crane22-push-6layers", FOUR, |()| {
        let (crane, scene, fixture) = (Crane::new(), Scene::open(), Fixture::new(6));
        scene.record(|| crane.push(&fixture, &scene.image("team/six:v1")))
    }),
    row("crane22-cp-mount", FOUR, |()| {
        let (crane, scene, _fixture) = seeded();
        scene.record(|| crane.copy(&scene, "other/six:v1"))
    }),
    row("crane22-cp-there", FOUR, |()| {
        let (crane, scene, _fixture) = seeded();
        crane.copy(&scene, "other/six:v1");
        scene.record(|| crane.copy(&scene, "other/six:v2"))
    }),
];

/// crane with a configuration of its own.
struct Crane {
    config: TempDir,
}

impl Crane {
    fn new() -> Self {
        Self { config: scratch() }
    }

    /// Who knows the password of a registry.
    fn of_user(host: &str) -> Self {
        let crane = Self::new();
        let auth = STANDARD.encode(format!("{USER}:{PASSWORD}"));
        let config = json!({"auths": {host: {"auth": auth}}});
        fs::write(crane.config.path().join("config.json"), config.to_string()).expect("a file");
        crane
    }

    #[track_caller]
    fn run(&self, args: &[&str]) {
        Program::new("crane")
            .args(args)
            .env("DOCKER_CONFIG", self.config.path())
            .run()
            .ok();
    }

    fn push(&self, fixture: &Fixture, image: &str) {
        let layout = fixture.layout();
        self.run(&["push", layout.to_str().expect("a plain path"), image]);
    }

    fn copy(&self, scene: &Scene, to: &str) {
        self.run(&["cp", &scene.image("team/six:v1"), &scene.image(to)]);
    }
}

fn seeded() -> (Crane, Scene, Fixture) {
    let (scene, fixture) = (Scene::open(), Fixture::new(6));
    scene.seed(&fixture, "img", "team/six:v1");
    (Crane::new(), scene, fixture)
}

#[test]
fn crane_sends_what_its_recordings_say() {
    for row in ROWS {
        row.check(&());
    }
}

#[test]
fn crane_fetches_its_tokens_as_recorded() {
    let (server, scene, fixture) = scene_of(Granting {
        host: "localhost",
        ..Granting::default()
    });
    let crane = Crane::of_user(&scene.recorder.host());
    let six = scene.image("team/six:v1");
    let tar = fixture.path().join("pulled.tar");
    check("token-crane22-pull", &server, &scene, || {
        crane.run(&["pull", &six, tar.to_str().expect("a plain path")]);
    });
    let pushed = scene.image("crane/six:v1");
    check("token-crane22-push", &server, &scene, || {
        crane.push(&Fixture::new(6), &pushed);
    });
    check("token-crane22-cp-mount", &server, &scene, || {
        crane.copy(&scene, "other/six:v1");
    });
}
