//! The real clients where tokens are wanted, and where blobs are elsewhere.

use std::path::Path;

use crate::replay::compare::{Limits, assert_same, token_difference};
use crate::replay::fixture::Fixture;
use crate::replay::scene::Scene;
use crate::replay::trace::{self, Record, read, recording, recording_to, recordings};
use crate::support::{
    Containerd, Docker, Granting, PASSWORD, TokenRequest, TokenServer, USER, skopeo,
};

/// Of each client: as many requests at once as any of its operations has.
const FREE: Limits = Limits {
    parallel: 8,
    // Two stay idle; whatever else has come to its end is closed, and opened again for the next request.
    connections: 26,
    rules: &[],
};

/// A scene behind a token server, and an image that is there.
fn scene(post: bool) -> (TokenServer, Scene, Fixture) {
    scene_of(Granting {
        post,
        ..Granting::default()
    })
}

pub(super) fn scene_of(granting: Granting) -> (TokenServer, Scene, Fixture) {
    let server = TokenServer::start(granting);
    let scene = Scene::with_tokens(&server);
    let fixture = Fixture::new(6);
    scene.seed(&fixture, "img", "team/six:v1");
    (server, scene, fixture)
}

/// Runs a client and holds what both sides were asked against two recordings, or makes them.
#[track_caller]
pub(super) fn check(name: &str, server: &TokenServer, scene: &Scene, run: impl FnOnce()) {
    server.take();
    let sent = scene.record(run);
    let asked = server.take();
    let second = format!("{name}.token-server");
    if let Some(dir) = recording_to() {
        save(&dir, name, &sent);
        trace::write(&dir.join(format!("{second}.jsonl")), &asked);
        return;
    }
    assert_same(name, &recording(name), &sent, FREE);
    let recorded: Vec<TokenRequest> = read(&recordings().join(format!("{second}.jsonl")));
    let found = token_difference(&recorded, &asked);
    assert!(found.is_empty(), "{second}\n{}", found.join("\n"));
}

fn save(dir: &Path, name: &str, records: &[Record]) {
    trace::write(&dir.join(format!("{name}.jsonl")), records);
}

fn copy(options: &[&str], source: &str, target: &str) {
    skopeo(["copy"])
        .args(options)
        .args([source, target])
        .run()
        .ok();
}

#[test]
fn skopeo_fetches_its_tokens_as_recorded() {
    let (server, scene, fixture) = scene(false);
    let creds = format!("--dest-creds={USER}:{PASSWORD}");
    let source = fixture.source("img");
    let copied = format!("dir:{}", fixture.path().join("copy").display());
    let six = format!("docker://{}", scene.image("team/six:v1"));
    check("token-skopeo-pull-anon", &server, &scene, || {
        copy(&["--src-tls-verify=false"], &six, &copied);
    });
    let other = format!("docker://{}", scene.image("other/six:v1"));
    let options = ["--dest-tls-verify=false", &creds];
    // The pull has told it where the blobs are.
    check(
        "token-skopeo-push-other-repo-mount",
        &server,
        &scene,
        || {
            copy(&options, &source, &other);
        },
    );
    let fresh = Fixture::new(6);
    check("token-skopeo-push-fresh", &server, &scene, || {
        copy(&options, &fresh.source("img"), &other);
    });
}

#[test]
fn docker_fetches_its_tokens_as_recorded() {
    let docker = Docker::shared();
    let (server, scene, _) = scene(false);
    let host = scene.recorder.host();
    check("token-docker20-login", &server, &scene, || {
        docker
            .run(["login", "--username", USER, "--password-stdin", &host])
            .input(PASSWORD)
            .run()
            .ok();
    });
    let six = scene.image("team/six:v1");
    check("token-docker20-pull", &server, &scene, || {
        docker.run(["pull", &six]).run().ok();
    });
    docker.remove(&[&six]);
    let pushed = scene.image("dkr/six:v1");
    docker.load(&Fixture::new(6).docker_archive("img", &pushed));
    check("token-docker20-push-fresh", &server, &scene, || {
        docker.run(["push", &pushed]).run().ok();
    });
    let other = scene.image("other/six:v1");
    docker.run(["tag", &pushed, &other]).run().ok();
    check(
        "token-docker20-push-other-repo-mount",
        &server,
        &scene,
        || {
            docker.run(["push", &other]).run().ok();
        },
    );
    docker.remove(&[&pushed, &other]);
}

#[test]
fn containerd_fetches_its_tokens_as_recorded() {
    let containerd = Containerd::start();
    let user = format!("--user={USER}:{PASSWORD}");
    for (name, post) in [
        ("token-containerd16-fetch-creds", false),
        ("token-containerd16-fetch-creds-oauth-post", true),
    ] {
        let (server, scene, _) = scene(post);
        let six = scene.image("team/six:v1");
        check(name, &server, &scene, || {
            containerd
                .ctr(["content", "fetch", "--plain-http", &user, &six])
                .run()
                .ok();
        });
    }
    let (server, scene, _) = scene(false);
    let six = scene.image("team/six:v1");
    check("token-containerd16-fetch-anon", &server, &scene, || {
        containerd
            .ctr(["content", "fetch", "--plain-http", &six])
            .run()
            .ok();
    });
    let fixture = Fixture::new(6);
    let name = scene.image("dkr/six:v1");
    let archive = fixture.oci_archive("img", &name);
    let archive = archive.to_str().expect("a plain path");
    containerd.ctr(["image", "import", archive]).run().ok();
    check("token-containerd16-push-fresh", &server, &scene, || {
        containerd
            .ctr(["image", "push", "--plain-http", &user, &name])
            .run()
            .ok();
    });
}

/// To another host no credentials follow: each storage recording must be without `Authorization`.
#[test]
fn clients_are_redirected_as_recorded() {
    let (scene, fixture) = (Scene::redirecting(), Fixture::new(6));
    scene.seed(&fixture, "img", "team/six:v1");
    let storage = scene.storage.as_ref().expect("a redirecting scene");
    let creds = format!("--src-creds={USER}:{PASSWORD}");
    let copied = format!("dir:{}", fixture.path().join("copy").display());
    let six = format!("docker://{}", scene.image("team/six:v1"));
    let name = "redirect-skopeo-pull";
    let sent = scene.record(|| copy(&["--src-tls-verify=false", &creds], &six, &copied));
    let fetched = storage.take();
    assert!(
        fetched
            .iter()
            .all(|it| it.header("Authorization").is_none())
    );
    let second = format!("{name}.storage-host");
    if let Some(dir) = recording_to() {
        save(&dir, name, &sent);
        save(&dir, &second, &fetched);
    } else {
        assert_same(name, &recording(name), &sent, FREE);
        assert_same(&second, &recording(&second), &fetched, FREE);
    }
}
