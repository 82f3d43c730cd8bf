//! `ctr` of containerd 1.6: it talks to the registry itself and keeps what it gets in the daemon.

use super::Row;
use crate::replay::compare::Limits;
use crate::replay::fixture::{Fixture, STEP, random};
use crate::replay::scene::Scene;
use crate::replay::trace::Record;
use crate::support::{Containerd, Flavour, PASSWORD, USER};

/// Everything that an image consists of goes at once, whatever its number, when it is pushed or only fetched.
const FREE: Limits = Limits {
    parallel: 13,
    // Two stay idle; whatever else has come to its end is closed, and opened again for the next request.
    connections: 41,
    rules: &[],
};

const fn row(
    name: &'static str,
    limits: Limits,
    run: fn(&Containerd) -> Vec<Record>,
) -> Row<Containerd> {
    Row { name, limits, run }
}

pub(super) const ROWS: &[Row<Containerd>] = &[
    row("containerd16-pull-6layers", FREE, |it| {
        let (scene, image) = seeded(6);
        scene.record(|| image_pull(it, &image))
    }),
    row("containerd16-pull-index", FREE, |it| {
        let (scene, fixture) = (Scene::open(), Fixture::index(2));
        scene.seed(&fixture, "multi", "team/multi:v1");
        let image = scene.image("team/multi:v1");
        scene.record(|| image_pull(it, &image))
    }),
    row("containerd16-fetch-6layers", FREE, |it| fetch(it, 6)),
    row("containerd16-fetch-1layer", FREE, |it| fetch(it, 1)),
    row("containerd16-fetch-2layers", FREE, |it| fetch(it, 2)),
    row("containerd16-fetch-12layers", FREE, |it| fetch(it, 12)),
    row("containerd16-fetch-again", FREE, |it| {
        let (scene, image) = seeded(6);
        content_fetch(it, &image, &[]);
        scene.record(|| content_fetch(it, &image, &[]))
    }),
    row("containerd16-fetch-missing-tag", FREE, |it| {
        let (scene, _) = seeded(1);
        let image = scene.image("team/six:nope");
        scene.record(|| content_fetch(it, &image, &[]))
    }),
    row("containerd16-fetch-index", FREE, |it| {
        let (scene, fixture) = (Scene::open(), Fixture::index(2));
        scene.seed(&fixture, "multi", "team/multi:v1");
        let image = scene.image("team/multi:v1");
        scene.record(|| content_fetch(it, &image, &[]))
    }),
    row("containerd16-fetch-index-all", FREE, |it| {
        let (scene, fixture) = (Scene::open(), Fixture::index(2));
        scene.seed(&fixture, "multi", "team/multi:v1");
        let image = scene.image("team/multi:v1");
        scene.record(|| content_fetch(it, &image, &["--all-platforms"]))
    }),
    row("containerd16-fetch-repeated-layer", FREE, |it| {
        let (scene, fixture) = (Scene::open(), Fixture::repeated());
        scene.seed(&fixture, "img", "team/twice:v1");
        let image = scene.image("team/twice:v1");
        scene.record(|| content_fetch(it, &image, &[]))
    }),
    row("containerd16-fetch-basicauth", FREE, |it| {
        let (scene, fixture) = (Scene::new(Flavour::Htpasswd), Fixture::new(6));
        scene.seed(&fixture, "img", "team/six:v1");
        let image = scene.image("team/six:v1");
        let user = format!("--user={USER}:{PASSWORD}");
        scene.record(|| content_fetch(it, &image, &[&user]))
    }),
    row("containerd16-push-fresh", FREE, |it| push(it, 6)),
    row("containerd16-push-1layer", FREE, |it| push(it, 1)),
    row("containerd16-push-2layers", FREE, |it| push(it, 2)),
    row("containerd16-push-12layers", FREE, |it| push(it, 12)),
    row("containerd16-push-existing", FREE, |it| {
        let (scene, fixture) = (Scene::open(), Fixture::new(6));
        let image = imported(it, &scene, &fixture, "img", "team/six:v1");
        scene.seed(&fixture, "img", "team/six:v1");
        scene.record(|| image_push(it, &image))
    }),
    row("containerd16-push-some-exist", FREE, |it| {
        let (scene, mut fixture) = (Scene::open(), Fixture::empty());
        let layers = random(6, STEP);
        fixture.add("img", "amd64", &layers);
        fixture.add("base", "amd64", &layers[..2].to_vec());
        scene.seed(&fixture, "base", "team/six:base");
        let image = imported(it, &scene, &fixture, "img", "team/six:v1");
        scene.record(|| image_push(it, &image))
    }),
    row("containerd16-push-repeated-layer", FREE, |it| {
        let (scene, fixture) = (Scene::open(), Fixture::repeated());
        let image = imported(it, &scene, &fixture, "img", "team/twice:v1");
        scene.record(|| image_push(it, &image))
    }),
    row("containerd16-push-index", FREE, |it| {
        let (scene, fixture) = (Scene::open(), Fixture::index(2));
        let image = imported(it, &scene, &fixture, "multi", "team/multi:v1");
        scene.record(|| image_push(it, &image))
    }),
    row("containerd16-push-index-mount-miss", FREE, |it| {
        let (scene, fixture) = (Scene::open(), Fixture::index(2));
        scene.seed(&fixture, "multi", "old/multi:v1");
        let old = scene.image("old/multi:v1");
        content_fetch(it, &old, &["--all-platforms"]);
        // Another registry, but ctr remembers where blobs came from without the port, and tries to mount.
        let fresh = Scene::open();
        let image = fresh.image("team/multi:v1");
        it.ctr(["image", "tag", &old, &image]).run().ok();
        fresh.record(|| image_push(it, &image))
    }),
    row("containerd16-push-other-repo-mount", FREE, |it| {
        let (scene, old) = seeded(6);
        content_fetch(it, &old, &[]);
        mount(it, &scene, &old)
    }),
    row("containerd16-push-other-repo-mount-miss", FREE, |it| {
        let (scene, old) = seeded(6);
        content_fetch(it, &old, &[]);
        scene.registry.forget("team/six");
        mount(it, &scene, &old)
    }),
];

/// Whether it ends well is for the recording to tell.
fn content_fetch(it: &Containerd, image: &str, options: &[&str]) {
    it.ctr(["content", "fetch", "--plain-http"])
        .args(options)
        .args([image])
        .run();
}

fn image_pull(it: &Containerd, image: &str) {
    it.ctr(["image", "pull", "--plain-http", "--snapshotter=native"])
        .args([image])
        .run()
        .ok();
}

fn image_push(it: &Containerd, image: &str) {
    it.ctr(["image", "push", "--plain-http", image]).run().ok();
}

fn mount(it: &Containerd, scene: &Scene, old: &str) -> Vec<Record> {
    let image = scene.image("other/six:v1");
    it.ctr(["image", "tag", old, &image]).run().ok();
    scene.record(|| image_push(it, &image))
}

fn seeded(layers: usize) -> (Scene, String) {
    let (scene, fixture) = (Scene::open(), Fixture::new(layers));
    scene.seed(&fixture, "img", "team/six:v1");
    let image = scene.image("team/six:v1");
    (scene, image)
}

/// Brings an image to containerd without a registry.
fn imported(it: &Containerd, scene: &Scene, fixture: &Fixture, tag: &str, image: &str) -> String {
    let name = scene.image(image);
    let archive = fixture.oci_archive(tag, &name);
    let archive = archive.to_str().expect("a plain path");
    it.ctr(["image", "import", "--all-platforms", archive])
        .run()
        .ok();
    name
}

fn fetch(it: &Containerd, layers: usize) -> Vec<Record> {
    let (scene, image) = seeded(layers);
    scene.record(|| content_fetch(it, &image, &[]))
}

fn push(it: &Containerd, layers: usize) -> Vec<Record> {
    let (scene, fixture) = (Scene::open(), Fixture::new(layers));
    let image = imported(it, &scene, &fixture, "img", "team/six:v1");
    scene.record(|| image_push(it, &image))
}

#[test]
fn containerd_sends_what_its_recordings_say() {
    let containerd = Containerd::start();
    for row in ROWS {
        row.check(&containerd);
    }
}
