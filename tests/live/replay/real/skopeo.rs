//! skopeo 1.9: pushes from a layout or an archive, pulls into one.

use super::Row;
use crate::replay::compare::Limits;
use crate::replay::fixture::Fixture;
use crate::replay::order::Rule;
use crate::replay::scene::Scene;
use crate::replay::trace::Record;
use crate::support::{Flavour, PASSWORD, USER, skopeo};

const RULES: &[Rule] = &[Rule::ConfigAfterLayers];
/// Blobs of a layout are sent one by one; the session of each blob has two requests that overlap with nothing.
const ONE_BY_ONE: Limits = limits(1, RULES);
const SIX: Limits = limits(6, RULES);
/// Several images, each with a config of its own.
const INDEX: Limits = limits(6, &[]);

const fn limits(parallel: usize, rules: &'static [Rule]) -> Limits {
    Limits {
        parallel,
        connections: 0,
        rules,
    }
}

const fn row(name: &'static str, limits: Limits, run: fn(&()) -> Vec<Record>) -> Row<()> {
    Row { name, limits, run }
}

pub(super) const ROWS: &[Row<()>] = &[
    row("skopeo-push-oci-6layers-fresh", ONE_BY_ONE, |()| push(6)),
    row("skopeo-push-oci-1layer", ONE_BY_ONE, |()| push(1)),
    row("skopeo-push-oci-2layers", ONE_BY_ONE, |()| push(2)),
    row("skopeo-push-oci-12layers", ONE_BY_ONE, |()| push(12)),
    row("skopeo-push-docker-archive-uncompressed", SIX, |()| {
        push_archive(&[])
    }),
    row("skopeo-push-docker-archive-precompute", SIX, |()| {
        push_archive(&["--dest-precompute-digests"])
    }),
    row("skopeo-push-basicauth", ONE_BY_ONE, |()| {
        let scene = Scene::new(Flavour::Htpasswd);
        let creds = format!("--dest-creds={USER}:{PASSWORD}");
        let fixture = Fixture::new(6);
        scene.record(|| put(&scene, &fixture, "img", "team/six:v1", &[&creds]))
    }),
    row("skopeo-push-noauth-denied", ONE_BY_ONE, |()| {
        let scene = Scene::new(Flavour::Htpasswd);
        let target = format!("docker://{}", scene.image("team/one:v1"));
        let fixture = Fixture::new(1);
        scene.record(|| {
            let copy = skopeo(["copy", "--dest-tls-verify=false"]);
            let finished = copy.args([fixture.source("img"), target]).run();
            assert_ne!(finished.code(), 0, "{finished}");
        })
    }),
    row("skopeo-repush-same-tag-nocache", ONE_BY_ONE, |()| {
        push_again("team/six:v1")
    }),
    row("skopeo-repush-new-tag", ONE_BY_ONE, |()| {
        push_again("team/six:v2")
    }),
    row("skopeo-push-repeated-layer", ONE_BY_ONE, |()| {
        let scene = Scene::open();
        let fixture = Fixture::repeated();
        scene.record(|| put(&scene, &fixture, "img", "team/twice:v1", &[]))
    }),
    row("skopeo-push-index-all", INDEX, |()| {
        let scene = Scene::open();
        let fixture = Fixture::index(2);
        scene.record(|| put(&scene, &fixture, "multi", "team/multi:v1", &["--all"]))
    }),
    row("skopeo-push-index-one", ONE_BY_ONE, |()| {
        let scene = Scene::open();
        let fixture = Fixture::index(2);
        scene.record(|| put(&scene, &fixture, "multi", "team/multi:v1", &[]))
    }),
    row("skopeo-push-other-repo-mount", ONE_BY_ONE, |()| {
        mount(false)
    }),
    row("skopeo-push-other-repo-mount-miss", ONE_BY_ONE, |()| {
        mount(true)
    }),
    row("skopeo-pull-6layers", SIX, |()| pull(6, "v1")),
    row("skopeo-pull-1layer", SIX, |()| pull(1, "v1")),
    row("skopeo-pull-2layers", SIX, |()| pull(2, "v1")),
    row("skopeo-pull-12layers", SIX, |()| pull(12, "v1")),
    row("skopeo-pull-missing-tag", SIX, |()| pull(6, "nope")),
    row("skopeo-pull-by-digest", SIX, |()| {
        let (scene, fixture) = seeded(6);
        let image = format!("team/six@{}", fixture.digest("img"));
        scene.record(|| get(&scene, &fixture, &image, "oci", &[]))
    }),
    row("skopeo-pull-already-local", SIX, |()| {
        let (scene, fixture) = seeded(6);
        get(&scene, &fixture, "team/six:v1", "oci", &[]);
        scene.record(|| get(&scene, &fixture, "team/six:v1", "oci", &[]))
    }),
    row("skopeo-pull-to-docker-archive", SIX, |()| {
        let (scene, fixture) = seeded(6);
        scene.record(|| get(&scene, &fixture, "team/six:v1", "docker-archive", &[]))
    }),
    row("skopeo-pull-repeated-layer", SIX, |()| {
        let (scene, fixture) = (Scene::open(), Fixture::repeated());
        scene.seed(&fixture, "img", "team/twice:v1");
        scene.record(|| get(&scene, &fixture, "team/twice:v1", "oci", &[]))
    }),
    row("skopeo-pull-index-one", SIX, |()| pull_index(&[])),
    row("skopeo-pull-index-all", INDEX, |()| pull_index(&["--all"])),
    row("skopeo-inspect", SIX, |()| {
        let (scene, _) = seeded(6);
        scene.record(|| ask(&scene, "inspect", "team/six:v1"))
    }),
    row("skopeo-list-tags", SIX, |()| {
        let (scene, _) = seeded(6);
        scene.record(|| ask(&scene, "list-tags", "team/six"))
    }),
    row("skopeo-delete", SIX, |()| {
        let (scene, _) = seeded(6);
        scene.record(|| ask(&scene, "delete", "team/six:v1"))
    }),
];

fn put(scene: &Scene, fixture: &Fixture, tag: &str, image: &str, options: &[&str]) {
    let target = format!("docker://{}", scene.image(image));
    skopeo(["copy", "--dest-tls-verify=false"])
        .args(options)
        .args([fixture.source(tag), target])
        .run()
        .ok();
}

/// Pulls into an archive or layout of its own; whether that ends well is for the recording to tell.
fn get(scene: &Scene, fixture: &Fixture, image: &str, kind: &str, options: &[&str]) {
    let source = format!("docker://{}", scene.image(image));
    let copy = fixture.path().join(format!("{kind}-copy"));
    let name = if kind == "dir" { "" } else { ":copy/img:1" };
    let target = format!("{kind}:{}{name}", copy.display());
    skopeo(["copy", "--src-tls-verify=false"])
        .args(options)
        .args([source, target])
        .run();
}

fn ask(scene: &Scene, verb: &str, image: &str) {
    let image = format!("docker://{}", scene.image(image));
    skopeo([verb, "--tls-verify=false", &image]).run().ok();
}

fn seeded(layers: usize) -> (Scene, Fixture) {
    let (scene, fixture) = (Scene::open(), Fixture::new(layers));
    scene.seed(&fixture, "img", "team/six:v1");
    (scene, fixture)
}

fn push(layers: usize) -> Vec<Record> {
    let (scene, fixture) = (Scene::open(), Fixture::new(layers));
    scene.record(|| put(&scene, &fixture, "img", "team/six:v1", &[]))
}

fn push_archive(options: &[&str]) -> Vec<Record> {
    let (scene, fixture) = (Scene::open(), Fixture::new(6));
    let source = fixture.docker_archive("img", "lab/six:1");
    let target = format!("docker://{}", scene.image("team/six:v1"));
    scene.record(|| {
        skopeo(["copy", "--dest-tls-verify=false"])
            .args(options)
            .args([format!("docker-archive:{}", source.display()), target])
            .run()
            .ok();
    })
}

fn push_again(image: &str) -> Vec<Record> {
    let (scene, fixture) = seeded(6);
    scene.record(|| put(&scene, &fixture, "img", image, &[]))
}

/// To another repository, once this skopeo knows where the blobs are: it has fetched them through the recorder.
fn mount(gone: bool) -> Vec<Record> {
    let (scene, fixture) = seeded(6);
    get(&scene, &fixture, "team/six:v1", "dir", &[]);
    if gone {
        scene.registry.forget("team/six");
    }
    scene.record(|| put(&scene, &fixture, "img", "other/six:v1", &[]))
}

fn pull(layers: usize, tag: &str) -> Vec<Record> {
    let (scene, fixture) = seeded(layers);
    scene.record(|| get(&scene, &fixture, &format!("team/six:{tag}"), "oci", &[]))
}

fn pull_index(options: &[&str]) -> Vec<Record> {
    let (scene, fixture) = (Scene::open(), Fixture::index(2));
    scene.seed(&fixture, "multi", "team/multi:v1");
    scene.record(|| get(&scene, &fixture, "team/multi:v1", "oci", options))
}

#[test]
fn skopeo_sends_what_its_recordings_say() {
    for row in ROWS {
        row.check(&());
    }
}
