//! `regstorm push` to docker-registry: skopeo gets back what was in the source, byte for byte.

use std::path::Path;

use serde_json::Value;

use crate::support::{
    Corpus, DEEP, Finished, Flavour, PASSWORD, Program, Registry, USER, copy_back, packed,
    raw_manifest, regstorm, sha256, unpacked,
};

/// Pushes a source as `lab/img:TAG`.
#[track_caller]
fn push(source: &Path, registry: &Registry, tag: &str, options: &[&str]) -> Finished {
    let image = format!("lab/img:{tag}");
    let args = [source.as_os_str(), registry.url().as_ref(), image.as_ref()].map(ToOwned::to_owned);
    regstorm(["push"]).args(args).args(options).run().ok()
}

/// How skopeo names what was pushed.
fn pushed(registry: &Registry, tag: &str) -> String {
    format!("docker://{}/lab/img:{tag}", registry.host())
}

const PLAIN_HTTP: &[&str] = &["--src-tls-verify=false"];

/// One image by every way to send a blob: each time skopeo gets back the same bytes.
#[test]
fn every_method_brings_the_same_image() {
    let corpus = Corpus::new(1);
    let image = corpus.layout().image("img");
    let methods: [(&str, &[&str]); 5] = [
        ("post", &[]),
        ("put", &[]),
        ("patch", &[]),
        ("patch-chunked", &[]),
        // Three parts of the largest layer, the last one smaller.
        ("chunks", &["--chunk-size", "512KiB"]),
    ];
    for (method, options) in methods {
        // A new registry has none of the blobs, so that each of them moves.
        let registry = Registry::start(Flavour::Open);
        let options = [&["--method", method], options].concat();
        push(corpus.layout().dir(), &registry, "1", &options);
        let copied = copy_back(&pushed(&registry, "1"), PLAIN_HTTP);
        assert_eq!(copied, image, "{method}");
        assert!(
            registry.open_uploads().is_empty(),
            "{method} left a session open"
        );
        let log = registry.access_log();
        let count = |operation: &str| log.iter().filter(|it| it.operation() == operation).count();
        // Three layers and a config.
        match method {
            "put" => assert_eq!(
                (count("upload-patch"), count("upload-put")),
                (0, 4),
                "{log:#?}"
            ),
            "patch" | "patch-chunked" => {
                assert_eq!(
                    (count("upload-patch"), count("upload-put")),
                    (4, 4),
                    "{log:#?}"
                );
            }
            "chunks" => assert!(count("upload-patch") > 4, "{log:#?}"),
            // This registry takes no blob in one request: it answers 202 and wants a PUT.
            _ => assert_eq!(count("upload-post"), 4, "{log:#?}"),
        }
    }
}

/// An OCI layout as a directory and as a tar: the manifest keeps its digest.
#[test]
fn an_oci_layout_keeps_its_manifest() {
    let corpus = Corpus::new(2);
    let registry = Registry::start(Flavour::Open);
    let image = corpus.layout().image("img");
    push(corpus.layout().dir(), &registry, "dir", &[]);
    push(&corpus.oci_archive(), &registry, "tar", &[]);
    for tag in ["dir", "tar"] {
        assert_eq!(
            copy_back(&pushed(&registry, tag), PLAIN_HTTP),
            image,
            "{tag}"
        );
    }
}

/// What `docker save` wrote up to Docker 24, as a directory and as a tar, compressed and as it is.
#[test]
fn an_old_docker_save_keeps_its_config_and_layers() {
    let corpus = Corpus::new(3);
    let archive = corpus.docker_archive();
    let dir = unpacked(&archive, &corpus.path().join("save"));
    let list = std::fs::read(dir.join("manifest.json")).expect("a manifest.json");
    let list: Value = serde_json::from_slice(&list).expect("JSON");
    let config = std::fs::read(dir.join(list[0]["Config"].as_str().expect("a path")));
    let config = config.expect("a config");
    let mut digests = Vec::new();
    for (source, kind) in [(&dir, "dir"), (&archive, "tar")] {
        for compress in ["gzip", "keep"] {
            let registry = Registry::start(Flavour::Open);
            let finished = push(source, &registry, "1", &["--compress", compress]);
            let copied = copy_back(&pushed(&registry, "1"), PLAIN_HTTP);
            let context = format!("{kind}, {compress}\n{finished}");
            assert_eq!(copied.config_digest(), sha256(&config), "{context}");
            assert_eq!(copied.diff_ids(), corpus.layout().image("img").diff_ids());
            // The right layers in the right order.
            assert_eq!(copied.plain_digests(), copied.diff_ids(), "{context}");
            let gzip = copied
                .layers
                .iter()
                .all(|layer| layer.starts_with(&[0x1f, 0x8b]));
            assert_eq!(gzip, compress == "gzip", "{context}");
            assert_types(&copied.manifest, compress == "gzip");
            assert!(finished.said().contains(&copied.digest()), "{context}");
            digests.push((compress, copied.digest()));
        }
    }
    // The directory and the tar are the same image, and so is a second push of it.
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 2, "{digests:?}");
}

/// The media types say what the layers are.
#[track_caller]
fn assert_types(manifest: &[u8], gzip: bool) {
    let manifest: Value = serde_json::from_slice(manifest).expect("JSON");
    for layer in manifest["layers"].as_array().expect("layers") {
        let kind = layer["mediaType"].as_str().expect("a media type");
        assert_eq!(kind.ends_with("gzip"), gzip, "{manifest}");
    }
}

/// What `docker save` writes since Docker 25: an OCI layout beside, whose manifest keeps its digest.
#[test]
fn a_new_docker_save_keeps_its_manifest() {
    let corpus = Corpus::new(4);
    let registry = Registry::start(Flavour::Open);
    let dir = corpus.new_docker_save();
    let archive = packed(&dir, &corpus.path().join("docker25.tar"));
    push(&dir, &registry, "dir", &[]);
    push(&archive, &registry, "tar", &[]);
    let image = corpus.layout().image("img");
    for tag in ["dir", "tar"] {
        assert_eq!(
            copy_back(&pushed(&registry, tag), PLAIN_HTTP),
            image,
            "{tag}"
        );
    }
}

/// An index of two platforms arrives whole: the index, both manifests and all their blobs.
#[test]
fn a_multi_platform_index_arrives_whole() {
    let corpus = Corpus::new(5);
    let index = corpus.add_index(50);
    let registry = Registry::start(Flavour::Open);
    push(
        corpus.layout().dir(),
        &registry,
        "1",
        &["--reference", "multi"],
    );
    let source = pushed(&registry, "1");
    assert_eq!(raw_manifest(&source), index);
    // skopeo checks that everything that the index names is there.
    let copy = corpus.path().join("copy");
    let target = format!("oci:{}:multi", copy.display());
    let copied = Program::new("skopeo").args([
        "--insecure-policy",
        "copy",
        "--all",
        "--src-tls-verify=false",
    ]);
    copied.args([&source, &target]).run().ok();
    let layout = crate::support::Layout::open(&copy);
    assert_eq!(layout.digest("multi"), sha256(&index));
    for tag in ["img", "other"] {
        let image = corpus.layout().image(tag);
        assert_eq!(layout.image_at(&image.digest()), image, "{tag}");
    }
}

/// A second push of the same image asks for the blobs and sends none.
#[test]
fn a_second_push_sends_no_blob() {
    let corpus = Corpus::new(6);
    let registry = Registry::start(Flavour::Open);
    push(corpus.layout().dir(), &registry, "1", &[]);
    let mark = registry.mark();
    push(corpus.layout().dir(), &registry, "2", &[]);
    let log = registry.since(mark);
    assert!(
        log.iter()
            .all(|line| !line.operation().starts_with("upload-")),
        "{log:#?}"
    );
    let known = log
        .iter()
        .filter(|it| it.operation() == "blob-head" && it.status == 200);
    assert_eq!(known.count(), 4, "{log:#?}");
    let image = corpus.layout().image("img");
    assert_eq!(copy_back(&pushed(&registry, "2"), PLAIN_HTTP), image);
}

/// Basic authentication, with the password from each of its places.
#[test]
fn a_password_is_taken_from_the_environment_a_file_or_the_input() {
    let corpus = Corpus::new(7);
    let image = corpus.layout().image("img");
    let registry = Registry::start(Flavour::Htpasswd);
    let file = corpus.path().join("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).expect("a password file");
    let file = file.to_str().expect("a plain path");
    let creds = format!("--src-creds={USER}:{PASSWORD}");
    let ways: [(&str, &[&str]); 3] = [
        ("environment", &[]),
        ("file", &["--password-file", file]),
        ("input", &["--password-stdin"]),
    ];
    for (tag, options) in ways {
        let dir = corpus.layout();
        let name = format!("lab/img:{tag}");
        let mut program = regstorm(["push", "--user", USER]).args(options).args([
            dir.dir().as_os_str(),
            registry.url().as_ref(),
            name.as_ref(),
        ]);
        if tag == "environment" {
            program = program.env("REGSTORM_PASSWORD", PASSWORD);
        } else {
            program = program
                .env("REGSTORM_PASSWORD", "")
                .input(format!("{PASSWORD}\n"));
        }
        let finished = program.run().ok();
        assert!(!finished.said().contains(PASSWORD), "{finished}");
        let source = pushed(&registry, tag);
        assert_eq!(
            copy_back(&source, &["--src-tls-verify=false", &creds]),
            image,
            "{tag}"
        );
    }
}

/// A path in front of `/v2/`, which other clients cannot have: what regstorm pushed, it pulls.
#[test]
fn a_base_path_is_kept_there_and_back() {
    let corpus = Corpus::new(8);
    let registry = Registry::start(DEEP);
    let methods: [&[&str]; 3] = [
        &["--method", "put"],
        &["--method", "patch"],
        &["--method", "chunks", "--chunk-size", "300KiB"],
    ];
    for (number, method) in methods.into_iter().enumerate() {
        let name = format!("deep/img{number}:1");
        let dir = corpus.path().join(format!("pulled{number}"));
        let layout = corpus.layout();
        regstorm(["push"])
            .args(method)
            .args([
                layout.dir().as_os_str(),
                registry.url().as_ref(),
                name.as_ref(),
            ])
            .run()
            .ok();
        regstorm(["pull", &registry.url(), &name])
            .args([&dir])
            .run()
            .ok();
        let pulled = crate::support::Layout::open(&dir).image("1");
        assert_eq!(pulled, layout.image("img"), "{method:?}");
    }
    assert!(registry.open_uploads().is_empty());
}

/// Extra headers are on every request, and a registry does not mind them.
#[test]
fn extra_headers_do_not_disturb() {
    let corpus = Corpus::new(9);
    let registry = Registry::start(Flavour::Open);
    let options = ["--header", "X-Tenant: perf", "--header", "X-Trace: on"];
    push(corpus.layout().dir(), &registry, "1", &options);
    let image = corpus.layout().image("img");
    assert_eq!(copy_back(&pushed(&registry, "1"), PLAIN_HTTP), image);
}
