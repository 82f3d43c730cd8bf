//! The docker client and its daemon: what one side stores, the other side gets.

use crate::support::{
    Corpus, Docker, Flavour, Layout, Registry, Served, raw_manifest, regstorm, sha256, unpacked,
};

/// Loads the image of the corpus into the daemon and gives its id.
fn load(docker: &Docker, corpus: &Corpus) -> String {
    docker.load(&corpus.docker_archive());
    docker.image_id(corpus.name())
}

/// `docker save`, unpacked and as a tar, pushed by regstorm, pulled by docker: the same image id.
#[test]
fn a_saved_image_comes_back_by_docker_pull() {
    let docker = Docker::shared();
    let corpus = Corpus::new(201);
    let registry = Registry::start(Flavour::Open);
    let id = load(&docker, &corpus);
    let archive = docker.save(corpus.name(), &corpus.path().join("saved.tar"));
    let dir = unpacked(&archive, &corpus.path().join("saved"));
    docker.remove(&[corpus.name()]);
    for (source, repository) in [(&dir, "saved/dir"), (&archive, "saved/tar")] {
        let image = format!("{repository}:1");
        regstorm(["push"])
            .args([source.as_os_str(), registry.url().as_ref(), image.as_ref()])
            .run()
            .ok();
        let mark = registry.mark();
        let name = format!("{}/{image}", registry.host());
        docker.run(["pull", &name]).run().ok();
        assert_eq!(docker.image_id(&name), id, "{repository}");
        // It had to fetch them: a config and three layers.
        let log = registry.since(mark);
        let fetched = log
            .iter()
            .filter(|it| it.fetches_blob() && it.status == 200);
        assert_eq!(fetched.count(), 4, "{log:#?}");
        docker.remove(&[&name]);
    }
}

/// `docker push`, then `regstorm pull`: a schema 2 manifest with its config and layers.
#[test]
fn a_pushed_image_is_pulled_by_regstorm() {
    let docker = Docker::shared();
    let corpus = Corpus::new(202);
    let registry = Registry::start(Flavour::Open);
    let id = load(&docker, &corpus);
    let name = format!("{}/lab/pushed:1", registry.host());
    docker.run(["tag", corpus.name(), &name]).run().ok();
    docker.run(["push", &name]).run().ok();
    docker.remove(&[corpus.name(), &name]);
    let dir = corpus.path().join("pulled");
    regstorm(["pull", &registry.url(), "lab/pushed:1"])
        .args([&dir])
        .run()
        .ok();
    let image = Layout::open(&dir).image("1");
    assert_eq!(image.config_digest(), id);
    assert_eq!(image.plain_digests(), image.diff_ids());
    assert_eq!(image.manifest, raw_manifest(&format!("docker://{name}")));
    let manifest = String::from_utf8_lossy(&image.manifest).into_owned();
    assert!(
        manifest.contains("application/vnd.docker.distribution.manifest.v2+json"),
        "{manifest}"
    );
}

/// docker pushes to the embedded registry and pulls from it.
#[test]
fn docker_pushes_to_and_pulls_from_the_embedded_registry() {
    let docker = Docker::shared();
    let corpus = Corpus::new(203);
    let served = Served::start(&[], "");
    let id = load(&docker, &corpus);
    let name = format!("{}/lab/img:1", served.host());
    docker.run(["tag", corpus.name(), &name]).run().ok();
    docker.run(["push", &name]).run().ok();
    docker.remove(&[corpus.name(), &name]);
    docker.run(["pull", &name]).run().ok();
    assert_eq!(docker.image_id(&name), id);
    let digest = sha256(&raw_manifest(&format!("docker://{name}")));
    let by_digest = format!("{}/lab/img@{digest}", served.host());
    docker.remove(&[&name]);
    docker.run(["pull", &by_digest]).run().ok();
    assert_eq!(docker.image_id(&by_digest), id);
    docker.remove(&[&by_digest]);
}
