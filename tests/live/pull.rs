//! `regstorm pull` from docker-registry: what skopeo pushed arrives whole, in each of the three forms.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{
    Corpus, Cut, Finished, Flavour, Layout, Program, Registry, Tree, raw_manifest, regstorm,
    sha256, skopeo, skopeo_push,
};

/// `regstorm pull URL lab/img:1 DIR`, about to run.
fn pull(url: &str, dir: &Path, options: &[&str]) -> Program {
    regstorm(["pull", url, "lab/img:1"])
        .args([dir])
        .args(options)
}

/// A registry that has the image of the corpus as `lab/img:1`.
fn registry_with(corpus: &Corpus, options: &[&str]) -> Registry {
    let registry = Registry::start(Flavour::Open);
    skopeo_push(&corpus.source(), &registry, "lab/img:1", options);
    registry
}

/// What skopeo says of an image in a layout: the one that is called so, or the only one.
#[track_caller]
fn inspect(dir: &Path, name: &str) -> Value {
    let source = format!("oci:{}{name}", dir.display());
    let finished = skopeo(["inspect", &source]).run().ok();
    serde_json::from_str(&finished.stdout).expect("JSON")
}

/// In both formats: the manifest is the registry's own, byte for byte, and skopeo reads the layout.
#[test]
fn what_skopeo_pushed_becomes_a_layout_that_skopeo_reads() {
    let corpus = Corpus::new(101);
    for format in ["oci", "v2s2"] {
        let registry = registry_with(&corpus, &["--format", format]);
        let dir = corpus.path().join(format);
        let finished = pull(&registry.url(), &dir, &[]).run().ok();
        let manifest = raw_manifest(&format!("docker://{}/lab/img:1", registry.host()));
        let image = Layout::open(&dir).image("1");
        assert_eq!(image.manifest, manifest, "{format}");
        assert_eq!(image.plain_digests(), image.diff_ids(), "{format}");
        assert_eq!(image.diff_ids(), corpus.layout().image("img").diff_ids());
        // skopeo finds only OCI manifests by name in a layout; a Docker one is read as the only one that is there.
        let name = if format == "oci" { ":1" } else { "" };
        let inspected = inspect(&dir, name);
        assert_eq!(inspected["Digest"], sha256(&manifest), "{format}");
        let layers: Value = image.layer_digests().into();
        assert_eq!(inspected["Layers"], layers, "{format}");
        assert!(finished.said().contains(&sha256(&manifest)), "{finished}");
    }
}

/// The oldest format, which only old registries still have: no sizes, no config, the top layer first.
#[test]
fn a_schema_1_image_is_pulled_and_unpacked() {
    let corpus = Corpus::new(109);
    let registry = registry_with(&corpus, &["--format", "v2s1"]);
    let raw = raw_manifest(&format!("docker://{}/lab/img:1", registry.host()));
    let dir = corpus.path().join("layers");
    pull(&registry.url(), &dir, &["--layers"]).run().ok();
    let manifest = fs::read(dir.join("manifest.json")).expect("the manifest");
    // The registry signs anew for each answer.
    let [ours, theirs] = [manifest, raw].map(|text| {
        let mut parsed: Value = serde_json::from_slice(&text).expect("JSON");
        parsed["signatures"].take();
        parsed
    });
    assert_eq!(ours, theirs);
    let top_first = ours["fsLayers"].as_array().expect("layers of schema 1");
    assert!(top_first.len() >= 3, "{ours}");
    let rootfs = corpus.path().join("rootfs");
    pull(&registry.url(), &rootfs, &["--unpack"]).run().ok();
    assert_eq!(
        Tree::read(&rootfs),
        umoci_unpack(&corpus),
        "left: regstorm, right: umoci"
    );
}

/// A pull from a registry with a password.
#[test]
fn a_password_opens_the_registry() {
    let corpus = Corpus::new(102);
    let registry = Registry::start(Flavour::Htpasswd);
    let creds = format!(
        "--dest-creds={}:{}",
        crate::support::USER,
        crate::support::PASSWORD
    );
    skopeo_push(&corpus.source(), &registry, "lab/img:1", &[&creds]);
    let dir = corpus.path().join("pulled");
    let user = ["--user", crate::support::USER];
    let finished = pull(&registry.url(), &dir, &user).run().ok();
    assert!(
        !finished.said().contains(crate::support::PASSWORD),
        "{finished}"
    );
    assert_eq!(Layout::open(&dir).image("1"), corpus.layout().image("img"));
}

/// One image of an index, by its platform; linux/amd64 where none is named.
#[test]
fn an_index_is_pulled_by_platform() {
    let corpus = Corpus::new(103);
    corpus.add_index(1030);
    let registry = Registry::start(Flavour::Open);
    let source = format!("oci:{}:multi", corpus.layout().dir().display());
    skopeo_push(&source, &registry, "lab/img:1", &["--all"]);
    let ways: [(&[&str], &str); 3] = [
        (&[], "img"),
        (&["--platform", "linux/amd64"], "img"),
        (&["--platform", "linux/arm64"], "other"),
    ];
    for (number, (options, tag)) in ways.into_iter().enumerate() {
        let dir = corpus.path().join(number.to_string());
        pull(&registry.url(), &dir, options).run().ok();
        let expected = corpus.layout().image(tag);
        assert_eq!(Layout::open(&dir).image("1"), expected, "{options:?}");
    }
    let dir = corpus.path().join("none");
    let refused = pull(&registry.url(), &dir, &["--platform", "linux/s390x"]).run();
    assert_eq!(refused.code(), 1, "{refused}");
    assert!(
        refused.stderr.contains("s390x") && refused.stderr.contains("arm64"),
        "{refused}"
    );
}

/// `--layers`: one file for each layer, named in their order, and the manifest beside them.
#[test]
fn layers_become_files_in_their_order() {
    let corpus = Corpus::new(104);
    let registry = registry_with(&corpus, &[]);
    let image = corpus.layout().image("img");
    let dir = corpus.path().join("layers");
    pull(&registry.url(), &dir, &["--layers"]).run().ok();
    let manifest = fs::read(dir.join("manifest.json")).expect("the manifest");
    assert_eq!(sha256(&manifest), image.digest());
    let files: Vec<Vec<u8>> = layer_files(&dir)
        .iter()
        .map(|file| fs::read(file).expect("a layer"))
        .collect();
    assert_eq!(files, image.layers);
}

/// The tars of a directory, by name.
fn layer_files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = paths
        .filter(|path| path.to_string_lossy().contains(".tar"))
        .collect();
    files.sort();
    files
}

/// `--unpack`: the same files as umoci makes of the image.
#[test]
fn unpacking_gives_the_tree_that_umoci_gives() {
    let corpus = Corpus::new(105);
    let registry = registry_with(&corpus, &[]);
    let dir = corpus.path().join("rootfs");
    pull(&registry.url(), &dir, &["--unpack"]).run().ok();
    let (ours, theirs) = (Tree::read(&dir), umoci_unpack(&corpus));
    assert!(theirs.has("bin/tool") && theirs.has("var/cache/old/new"));
    assert!(!theirs.has("usr/share/gone.txt") && !theirs.has("var/cache/old/hidden"));
    assert_eq!(ours, theirs, "left: regstorm, right: umoci");
}

/// The root filesystem as umoci makes it.
fn umoci_unpack(corpus: &Corpus) -> Tree {
    let bundle = corpus.path().join("bundle");
    let image = format!("{}:img", corpus.layout().dir().display());
    Program::new("umoci")
        .args(["unpack", "--rootless", "--image", &image])
        .args([&bundle])
        .run()
        .ok();
    Tree::read(&bundle.join("rootfs"))
}

/// Everything is there already: the manifest is asked for, and no blob.
#[test]
fn a_repeated_pull_fetches_no_blob() {
    let corpus = Corpus::new(106);
    let registry = registry_with(&corpus, &[]);
    let dir = corpus.path().join("pulled");
    let mark = registry.mark();
    pull(&registry.url(), &dir, &[]).run().ok();
    let first = registry.since(mark);
    assert_eq!(
        first.iter().filter(|it| it.fetches_blob()).count(),
        4,
        "{first:#?}"
    );
    let mark = registry.mark();
    pull(&registry.url(), &dir, &[]).run().ok();
    let again = registry.since(mark);
    assert!(!again.is_empty(), "the manifest is asked for");
    assert_eq!(
        again.iter().filter(|it| it.fetches_blob()).count(),
        0,
        "{again:#?}"
    );
    assert_eq!(Layout::open(&dir).image("1"), corpus.layout().image("img"));
}

/// The line breaks half-way. The second pull asks the registry for the bytes that are not there yet, and no other.
#[test]
fn an_interrupted_pull_goes_on_where_it_stopped() {
    let corpus = Corpus::new(107);
    let registry = registry_with(&corpus, &[]);
    let image = corpus.layout().image("img");
    let dir = corpus.path().join("pulled");
    let line = Cut::after(1 << 20, &registry.host());
    let broken = pull(&line.url(), &dir, &[]).run();
    assert!(matches!(broken.code(), 1 | 5), "{broken}");
    let there = stored(&dir.join("blobs"), &image.manifest);
    let all: u64 = image
        .layers
        .iter()
        .chain([&image.config])
        .map(|blob| u64::try_from(blob.len()).expect("a length"))
        .sum();
    assert!(there > 0 && there < all, "{there} of {all} bytes\n{broken}");
    let mark = registry.mark();
    pull(&registry.url(), &dir, &[]).run().ok();
    let log = registry.since(mark);
    let fetched: u64 = log
        .iter()
        .filter(|it| it.fetches_blob())
        .map(|it| it.bytes)
        .sum();
    assert_eq!(fetched, all - there, "{log:#?}");
    assert_eq!(Layout::open(&dir).image("1"), image);
}

/// The bytes of all files below a directory, without the manifest's.
fn stored(dir: &Path, manifest: &[u8]) -> u64 {
    let mut sum = 0;
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sum += stored(&path, manifest);
        } else if fs::read(&path).expect("a file") != manifest {
            sum += path.metadata().expect("a file").len();
        }
    }
    sum
}

/// The layout that a pull made is a source for a push.
#[test]
fn what_was_pulled_can_be_pushed() {
    let corpus = Corpus::new(108);
    let registry = registry_with(&corpus, &[]);
    let dir = corpus.path().join("pulled");
    pull(&registry.url(), &dir, &[]).run().ok();
    let pushed: Finished = regstorm(["push"])
        .args([
            dir.as_os_str(),
            registry.url().as_ref(),
            "other/img:2".as_ref(),
        ])
        .run()
        .ok();
    let source = format!("docker://{}/other/img:2", registry.host());
    assert_eq!(
        sha256(&raw_manifest(&source)),
        corpus.layout().image("img").digest(),
        "{pushed}"
    );
}
