//! dockerd 20.10 with its graph driver, driven by the docker client.

use super::Row;
use crate::replay::compare::Limits;
use crate::replay::fixture::{Fixture, STEP, random};
use crate::replay::order::Rule;
use crate::replay::scene::Scene;
use crate::replay::trace::Record;
use crate::support::{Docker, Flavour, PASSWORD, USER};

/// Three layers and the config.
const PULL: Limits = Limits {
    parallel: 4,
    connections: 0,
    rules: &[],
};
const PUSH: Limits = Limits {
    parallel: 5,
    connections: 0,
    rules: &[Rule::ConfigAfterLayers],
};

const fn row(name: &'static str, limits: Limits, run: fn(&Docker) -> Vec<Record>) -> Row<Docker> {
    Row { name, limits, run }
}

pub(super) const ROWS: &[Row<Docker>] = &[
    row("docker20-pull-6layers-oci", PULL, |it| pull(it, 6)),
    row("docker20-pull-1layer", PULL, |it| pull(it, 1)),
    row("docker20-pull-2layers", PULL, |it| pull(it, 2)),
    row("docker20-pull-12layers", PULL, |it| pull(it, 12)),
    row("docker20-pull-by-digest", PULL, |it| {
        let (scene, fixture) = (Scene::open(), Fixture::new(6));
        scene.seed(&fixture, "img", "team/six:v1");
        let image = scene.image(&format!("team/six@{}", fixture.digest("img")));
        taken(it, &scene, &image)
    }),
    row("docker20-pull-missing-tag", PULL, |it| {
        let (scene, fixture) = (Scene::open(), Fixture::new(1));
        scene.seed(&fixture, "img", "team/six:v1");
        let image = scene.image("team/six:nope");
        scene.record(|| {
            it.run(["pull", &image]).run();
        })
    }),
    row("docker20-pull-index", PULL, |it| {
        let (scene, fixture) = (Scene::open(), Fixture::index(2));
        scene.seed(&fixture, "multi", "team/multi:v1");
        taken(it, &scene, &scene.image("team/multi:v1"))
    }),
    row("docker20-pull-repeated-layer", PULL, |it| {
        let (scene, fixture) = (Scene::open(), Fixture::repeated());
        scene.seed(&fixture, "img", "team/twice:v1");
        taken(it, &scene, &scene.image("team/twice:v1"))
    }),
    row("docker20-pull-some-local", PULL, |it| {
        let (scene, mut fixture) = (Scene::open(), Fixture::empty());
        let layers = random(6, STEP);
        fixture.add("img", "amd64", &layers);
        fixture.add("base", "amd64", &layers[..2].to_vec());
        scene.seed(&fixture, "base", "team/six:base");
        scene.seed(&fixture, "img", "team/six:v1");
        let base = scene.image("team/six:base");
        it.run(["pull", &base]).run().ok();
        let sent = taken(it, &scene, &scene.image("team/six:v1"));
        it.remove(&[&base]);
        sent
    }),
    row("docker20-pull-basicauth", PULL, |it| {
        let (scene, fixture) = (Scene::new(Flavour::Htpasswd), Fixture::new(6));
        scene.seed(&fixture, "img", "team/six:v1");
        login(it, &scene);
        taken(it, &scene, &scene.image("team/six:v1"))
    }),
    row("docker20-push-6layers-fresh", PUSH, |it| push(it, 6)),
    row("docker20-push-1layer", PUSH, |it| push(it, 1)),
    row("docker20-push-2layers", PUSH, |it| push(it, 2)),
    row("docker20-push-12layers", PUSH, |it| push(it, 12)),
    row("docker20-repush-same", PUSH, |it| {
        again(it, "dkr/six:v1", false)
    }),
    row("docker20-push-new-tag", PUSH, |it| {
        again(it, "dkr/six:v2", false)
    }),
    row("docker20-push-other-repo-mount", PUSH, |it| {
        again(it, "other/six:v1", false)
    }),
    row("docker20-push-other-repo-mount-miss", PUSH, |it| {
        again(it, "other/six:v1", true)
    }),
    row("docker20-push-gone", PUSH, |it| {
        again(it, "dkr/six:v1", true)
    }),
    row("docker20-push-repeated-layer", PUSH, |it| {
        let scene = Scene::open();
        let image = loaded(it, &scene, &Fixture::repeated(), "dkr/twice:v1");
        let sent = scene.record(|| drop(it.run(["push", &image]).run().ok()));
        it.remove(&[&image]);
        sent
    }),
    row("docker20-push-basicauth", PUSH, |it| {
        let scene = Scene::new(Flavour::Htpasswd);
        let image = loaded(it, &scene, &Fixture::new(6), "dkr/six:v1");
        login(it, &scene);
        let sent = scene.record(|| drop(it.run(["push", &image]).run().ok()));
        it.remove(&[&image]);
        sent
    }),
    // The pulls of what docker itself has pushed.
    row("docker20-pull-6layers-schema2", PULL, |it| {
        let (scene, image) = pushed(it);
        it.remove(&[&image]);
        taken(it, &scene, &image)
    }),
    row("docker20-pull-of-what-it-pushed", PULL, |it| {
        let (scene, image) = pushed(it);
        taken(it, &scene, &image)
    }),
    row("docker20-pull-again-uptodate", PULL, |it| {
        let (scene, image) = pushed(it);
        it.remove(&[&image]);
        it.run(["pull", &image]).run().ok();
        taken(it, &scene, &image)
    }),
];

/// Pulls what must be there, and forgets it.
fn taken(it: &Docker, scene: &Scene, image: &str) -> Vec<Record> {
    let sent = scene.record(|| drop(it.run(["pull", image]).run().ok()));
    it.remove(&[image]);
    sent
}

fn pull(it: &Docker, layers: usize) -> Vec<Record> {
    let (scene, fixture) = (Scene::open(), Fixture::new(layers));
    scene.seed(&fixture, "img", "team/six:v1");
    taken(it, &scene, &scene.image("team/six:v1"))
}

fn push(it: &Docker, layers: usize) -> Vec<Record> {
    let scene = Scene::open();
    let image = loaded(it, &scene, &Fixture::new(layers), "dkr/six:v1");
    let sent = scene.record(|| drop(it.run(["push", &image]).run().ok()));
    it.remove(&[&image]);
    sent
}

/// Pushes what it has pushed before, under this name; `gone` when the registry has lost it meanwhile.
fn again(it: &Docker, name: &str, gone: bool) -> Vec<Record> {
    let (scene, first) = pushed(it);
    if gone {
        scene.registry.forget("dkr/six");
    }
    let image = scene.image(name);
    it.run(["tag", &first, &image]).run().ok();
    let sent = scene.record(|| drop(it.run(["push", &image]).run().ok()));
    it.remove(&[&first, &image]);
    sent
}

fn pushed(it: &Docker) -> (Scene, String) {
    let scene = Scene::open();
    let image = loaded(it, &scene, &Fixture::new(6), "dkr/six:v1");
    it.run(["push", &image]).run().ok();
    (scene, image)
}

/// Brings an image to the daemon without a registry.
fn loaded(it: &Docker, scene: &Scene, fixture: &Fixture, image: &str) -> String {
    let name = scene.image(image);
    it.load(&fixture.docker_archive("img", &name));
    name
}

fn login(it: &Docker, scene: &Scene) {
    let host = scene.recorder.host();
    it.run(["login", "--username", USER, "--password-stdin", &host])
        .input(PASSWORD)
        .run()
        .ok();
}

#[test]
fn docker_sends_what_its_recordings_say() {
    let docker = Docker::shared();
    for row in ROWS {
        row.check(&docker);
    }
}
