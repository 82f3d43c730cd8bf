//! oras against its recordings. `scripts/test` builds the version that was recorded, since Debian has no package of it.

use std::fs;
use std::path::PathBuf;

use super::Row;
use super::tokens::{check, scene_of};
use crate::replay::compare::Limits;
use crate::replay::fixture::{Fixture, STEP, random};
use crate::replay::scene::Scene;
use crate::replay::trace::Record;
use crate::support::{Granting, PASSWORD, Program, USER};

/// Two connections stay idle; more are opened for what goes at once.
const FIVE: Limits = Limits {
    parallel: 5,
    connections: 26,
    rules: &[],
};

const fn row(name: &'static str, run: fn(&()) -> Vec<Record>) -> Row<()> {
    Row {
        name,
        limits: FIVE,
        run,
    }
}

pub(super) const ROWS: &[Row<()>] = &[
    row("oras13-push-fresh", |()| {
        let (scene, fixture) = (Scene::open(), Fixture::new(1));
        let files = files(&fixture);
        scene.record(|| push(&scene, "oras/art:v1", &files, &[]))
    }),
    // The blobs are there, and the manifest is another one: the time of the push is in it.
    row("oras13-push", |()| {
        let (scene, _fixture, files) = seeded();
        scene.record(|| push(&scene, "oras/art:v1", &files, &[LATER]))
    }),
    row("oras13-push-again", |()| {
        let (scene, _fixture, files) = seeded();
        scene.record(|| push(&scene, "oras/art:v1", &files, &[NOW]))
    }),
    row("oras13-pull", |()| {
        let (scene, fixture, _files) = seeded();
        scene.record(|| pull(&scene, "oras/art:v1", &fixture, &[]))
    }),
    row("oras13-cp-6layers", |()| {
        let (scene, fixture) = image();
        let layout = fixture.path().join("copied");
        let target = format!("{}:v1", layout.display());
        let source = scene.image("team/six:v1");
        scene.record(|| {
            let options = ["cp", "--concurrency=5", "--from-plain-http"];
            oras(&options)
                .args(["--to-oci-layout", &source, &target])
                .run()
                .ok();
        })
    }),
    row("oras13-cp-mount", |()| {
        let (scene, _fixture) = image();
        scene.record(|| mount(&scene, &[]))
    }),
];

/// When an artifact was made, as oras writes it into the manifest.
const NOW: &str = "--annotation=org.opencontainers.image.created=2026-01-01T00:00:00Z";
const LATER: &str = "--annotation=org.opencontainers.image.created=2026-01-02T00:00:00Z";

fn oras(args: &[&str]) -> Program {
    Program::new("oras").args(args)
}

/// Six files, and no name of this machine in what is pushed of them but the directory of this test.
fn files(fixture: &Fixture) -> Vec<PathBuf> {
    let layers = random(6, STEP).into_iter().enumerate();
    layers
        .map(|(number, bytes)| {
            let file = fixture.path().join(format!("part{number}"));
            fs::write(&file, bytes).expect("a file");
            file
        })
        .collect()
}

#[track_caller]
fn push(scene: &Scene, image: &str, files: &[PathBuf], options: &[&str]) {
    oras(&["push", "--plain-http", "--disable-path-validation"])
        .args(options)
        .args([scene.image(image)])
        .args(files)
        .run()
        .ok();
}

#[track_caller]
fn pull(scene: &Scene, image: &str, fixture: &Fixture, options: &[&str]) {
    oras(&["pull", "--plain-http", "--allow-path-traversal", "--output"])
        .args([fixture.path()])
        .args(options)
        .args([scene.image(image)])
        .run()
        .ok();
}

/// To another repository of the same registry, as many at once as oras pushes.
#[track_caller]
fn mount(scene: &Scene, options: &[&str]) {
    oras(&["cp", "--concurrency=5"])
        .args(["--from-plain-http", "--to-plain-http"])
        .args(options)
        .args([scene.image("team/six:v1"), scene.image("other/six:v1")])
        .run()
        .ok();
}

/// An artifact that is there.
fn seeded() -> (Scene, Fixture, Vec<PathBuf>) {
    let (scene, fixture) = (Scene::open(), Fixture::new(1));
    let files = files(&fixture);
    push(&scene, "oras/art:v1", &files, &[NOW]);
    (scene, fixture, files)
}

/// An image that is there.
fn image() -> (Scene, Fixture) {
    let (scene, fixture) = (Scene::open(), Fixture::new(6));
    scene.seed(&fixture, "img", "team/six:v1");
    (scene, fixture)
}

#[test]
fn oras_sends_what_its_recordings_say() {
    for row in ROWS {
        row.check(&());
    }
}

#[test]
fn oras_fetches_its_tokens_as_recorded() {
    let (server, scene, fixture) = scene_of(Granting::default());
    let user = ["--username", USER, "--password", PASSWORD];
    let files = files(&fixture);
    check("token-oras13-push", &server, &scene, || {
        push(&scene, "oras/art:v1", &files, &user);
    });
    check("token-oras13-pull", &server, &scene, || {
        pull(&scene, "oras/art:v1", &fixture, &user);
    });
    let both = [
        ["--from-username", USER, "--from-password", PASSWORD],
        ["--to-username", USER, "--to-password", PASSWORD],
    ];
    check("token-oras13-cp-mount", &server, &scene, || {
        mount(&scene, both.as_flattened());
    });
}
