//! podman 4.3 and buildah 1.28: skopeo's library over a storage in which layers lie unpacked.

use super::Row;
use crate::replay::compare::Limits;
use crate::replay::fixture::{Fixture, STEP, random};
use crate::replay::scene::Scene;
use crate::replay::trace::Record;
use crate::support::{Flavour, PASSWORD, Podman, USER};

/// Six layers at once, and the config with them.
const FREE: Limits = Limits {
    parallel: 7,
    connections: 0,
    rules: &[],
};

const fn row(name: &'static str, run: fn(&Podman) -> Vec<Record>) -> Row<Podman> {
    Row {
        name,
        limits: FREE,
        run,
    }
}

pub(super) const ROWS: &[Row<Podman>] = &[
    row("podman-pull-6layers", |it| {
        let (scene, image) = seeded(6);
        scene.record(|| pull(it, "podman", &image))
    }),
    row("podman-pull-1layer", |it| {
        let (scene, image) = seeded(1);
        scene.record(|| pull(it, "podman", &image))
    }),
    row("podman-pull-12layers", |it| {
        let (scene, image) = seeded(12);
        scene.record(|| pull(it, "podman", &image))
    }),
    row("podman-pull-again", |it| {
        let (scene, image) = seeded(6);
        pull(it, "podman", &image);
        scene.record(|| pull(it, "podman", &image))
    }),
    row("podman-pull-index", |it| {
        let (scene, fixture) = (Scene::open(), Fixture::index(2));
        scene.seed(&fixture, "multi", "team/multi:v1");
        let image = scene.image("team/multi:v1");
        scene.record(|| pull(it, "podman", &image))
    }),
    row("podman-pull-some-local", |it| {
        let (scene, mut fixture) = (Scene::open(), Fixture::empty());
        let layers = random(6, STEP);
        fixture.add("img", "amd64", &layers);
        fixture.add("base", "amd64", &layers[..2].to_vec());
        scene.seed(&fixture, "base", "team/six:base");
        scene.seed(&fixture, "img", "team/six:v1");
        pull(it, "podman", &scene.image("team/six:base"));
        scene.record(|| pull(it, "podman", &scene.image("team/six:v1")))
    }),
    row("podman-pull-missing-tag", |it| {
        let (scene, _) = seeded(1);
        let image = scene.image("team/six:nope");
        scene.record(|| {
            it.run("podman", ["pull", "--quiet", "--tls-verify=false", &image])
                .run();
        })
    }),
    row("podman-push-6layers-fresh", |it| fresh(it, "podman", 6)),
    row("podman-push-1layer", |it| fresh(it, "podman", 1)),
    row("podman-push-again", |it| {
        let (scene, image) = pushed(it);
        scene.record(|| push(it, "podman", &image, &image, &[]))
    }),
    row("podman-push-other-repo-mount", |it| {
        let (scene, image) = pushed(it);
        let other = scene.image("other/six:v1");
        scene.record(|| push(it, "podman", &image, &other, &[]))
    }),
    row("podman-push-other-repo-mount-miss", |it| {
        let (scene, image) = pushed(it);
        scene.registry.forget("team/six");
        let other = scene.image("other/six:v1");
        scene.record(|| push(it, "podman", &image, &other, &[]))
    }),
    row("podman-push-basicauth", |it| {
        let scene = Scene::new(Flavour::Htpasswd);
        let image = loaded(it, &scene, 6);
        let creds = format!("--creds={USER}:{PASSWORD}");
        scene.record(|| push(it, "podman", &image, &image, &[&creds]))
    }),
    row("buildah-pull-6layers", |it| {
        let (scene, image) = seeded(6);
        scene.record(|| pull(it, "buildah", &image))
    }),
    row("buildah-push-6layers-fresh", |it| fresh(it, "buildah", 6)),
    row("buildah-push-other-repo-mount", |it| {
        let (scene, image) = pushed(it);
        let other = scene.image("other/six:v1");
        scene.record(|| push(it, "buildah", &image, &other, &[]))
    }),
];

fn pull(it: &Podman, program: &str, image: &str) {
    it.run(program, ["pull", "--quiet", "--tls-verify=false", image])
        .run()
        .ok();
}

fn push(it: &Podman, program: &str, image: &str, target: &str, options: &[&str]) {
    let target = format!("docker://{target}");
    it.run(program, ["push", "--quiet", "--tls-verify=false"])
        .args(options)
        .args([image, &target])
        .run()
        .ok();
}

fn seeded(layers: usize) -> (Scene, String) {
    let (scene, fixture) = (Scene::open(), Fixture::new(layers));
    scene.seed(&fixture, "img", "team/six:v1");
    let image = scene.image("team/six:v1");
    (scene, image)
}

/// Brings an image into the storage without a registry.
fn loaded(it: &Podman, scene: &Scene, layers: usize) -> String {
    let fixture = Fixture::new(layers);
    let name = scene.image("team/six:v1");
    let archive = fixture.docker_archive("img", &name);
    let archive = archive.to_str().expect("a plain path");
    it.run("podman", ["load", "--quiet", "--input", archive])
        .run()
        .ok();
    name
}

fn fresh(it: &Podman, program: &str, layers: usize) -> Vec<Record> {
    let scene = Scene::open();
    let image = loaded(it, &scene, layers);
    scene.record(|| push(it, program, &image, &image, &[]))
}

fn pushed(it: &Podman) -> (Scene, String) {
    let scene = Scene::open();
    let image = loaded(it, &scene, 6);
    push(it, "podman", &image, &image, &[]);
    (scene, image)
}

#[test]
fn podman_and_buildah_send_what_their_recordings_say() {
    let podman = Podman::new();
    for row in ROWS {
        row.check(&podman);
    }
}
