//! `regstorm serve` to other clients: it is a registry like another.

use std::fs;

use serde_json::Value;

use crate::support::{
    Corpus, Layout, PASSWORD, Program, Served, USER, copy_back, raw_manifest, regstorm,
    run_scenario, scratch, sha256, skopeo, unpacked,
};

fn image_at(served: &Served, image: &str) -> String {
    format!("docker://{}/{image}", served.host())
}

/// Clients in Go refuse all of a certificate for one name that they do not like.
#[test]
fn crane_trusts_its_ca() {
    let (corpus, dir) = (Corpus::new(303), scratch());
    let ca = dir.path().join("ca.pem");
    let shown = ca.to_str().expect("a plain path");
    let served = Served::start(&["--tls", "--ca-out", shown], "");
    let image = format!("{}/lab/img:1", served.host());
    let [layout, tar] = [corpus.layout().dir().to_owned(), dir.path().join("tar")];
    for args in [
        ["push".as_ref(), layout.as_os_str(), image.as_ref()],
        ["pull".as_ref(), image.as_ref(), tar.as_os_str()],
    ] {
        Program::new("crane")
            .args(args)
            .env("SSL_CERT_FILE", &ca)
            .env("DOCKER_CONFIG", dir.path())
            .run()
            .ok();
    }
    let config = unpacked(&tar, &dir.path().join("pulled"));
    let wanted = corpus.layout().image("img").config_digest();
    assert!(config.join(&wanted).is_file(), "{wanted}");
}

/// skopeo pushes and pulls each format, and a whole index.
#[test]
fn skopeo_pushes_and_pulls() {
    let corpus = Corpus::new(301);
    let index = corpus.add_index(3010);
    let served = Served::start(&[], "");
    let image = corpus.layout().image("img");
    for format in ["oci", "v2s2"] {
        let target = image_at(&served, &format!("lab/{format}:1"));
        skopeo([
            "copy",
            "--dest-tls-verify=false",
            "--format",
            format,
            &corpus.source(),
            &target,
        ])
        .run()
        .ok();
        let copied = copy_back(&target, &["--src-tls-verify=false"]);
        assert_eq!(copied.layers, image.layers, "{format}");
        assert_eq!(copied.diff_ids(), image.diff_ids(), "{format}");
        if format == "oci" {
            assert_eq!(copied, image);
        }
    }
    let source = format!("oci:{}:multi", corpus.layout().dir().display());
    let target = image_at(&served, "lab/multi:1");
    skopeo(["copy", "--all", "--dest-tls-verify=false", &source, &target])
        .run()
        .ok();
    assert_eq!(raw_manifest(&target), index);
    let tags = skopeo([
        "list-tags",
        "--tls-verify=false",
        &image_at(&served, "lab/multi"),
    ]);
    let tags: Value = serde_json::from_str(&tags.run().ok().stdout).expect("JSON");
    assert_eq!(tags["Tags"], serde_json::json!(["1"]));
}

/// With a password, skopeo gets in with it, and neither without one nor with another; so does regstorm.
#[test]
fn a_password_is_asked_for() {
    for auth in ["basic", "bearer"] {
        let corpus = Corpus::new(302);
        let served = Served::start(&["--user", USER, "--auth", auth], "");
        let target = image_at(&served, "lab/img:1");
        let source = corpus.source();
        let push = |creds: Option<&str>| {
            let creds = creds.map(|creds| format!("--dest-creds={creds}"));
            skopeo(["copy", "--dest-tls-verify=false"])
                .args(creds)
                .args([&source, &target])
                .run()
        };
        for refused in [push(None), push(Some(&format!("{USER}:wrong")))] {
            assert_ne!(refused.code(), 0, "{auth}\n{refused}");
        }
        let creds = format!("{USER}:{PASSWORD}");
        push(Some(&creds)).ok();
        let options = ["--src-tls-verify=false", "--src-creds", &creds];
        let image = corpus.layout().image("img");
        assert_eq!(copy_back(&target, &options), image, "{auth}");
        let dir = corpus.path().join("pulled");
        let pulled = regstorm(["pull", "--user", USER, served.url(), "lab/img:1"])
            .args([&dir])
            .run()
            .ok();
        assert_eq!(Layout::open(&dir).image("1"), image, "{auth}");
        assert!(!pulled.said().contains(PASSWORD), "{pulled}");
        assert!(!served.log().contains(PASSWORD), "{}", served.log());
    }
}

/// A base path is served, and regstorm pushes to it and pulls from it.
#[test]
fn a_base_path_is_served() {
    let corpus = Corpus::new(303);
    let served = Served::start(&["--base-path", "/link/to/docker/registry"], "");
    let url = served.url();
    assert!(url.ends_with("/link/to/docker/registry"), "{url}");
    let layout = corpus.layout();
    regstorm(["push", "--method", "post"])
        .args([layout.dir().as_os_str(), url.as_ref(), "lab/img:1".as_ref()])
        .run()
        .ok();
    let dir = corpus.path().join("pulled");
    regstorm(["pull", url, "lab/img:1"]).args([&dir]).run().ok();
    assert_eq!(Layout::open(&dir).image("1"), layout.image("img"));
}

/// A wrong byte and a broken connection are noticed, and the next pull puts it right.
#[test]
fn scripted_faults_fail_a_pull_and_leave_nothing_wrong_behind() {
    for fault in ["corrupt = \"100B\"", "close = \"100B\"", "status = 503"] {
        let corpus = Corpus::new(304);
        // The first request of a blob that is asked for, whichever that is.
        let faults = format!("[[fault]]\noperation = \"blob-get\"\nfor = 1\n{fault}\n");
        let served = Served::start(&[], &faults);
        let layout = corpus.layout();
        regstorm(["push"])
            .args([
                layout.dir().as_os_str(),
                served.url().as_ref(),
                "lab/img:1".as_ref(),
            ])
            .run()
            .ok();
        let dir = corpus.path().join("pulled");
        let pull = || {
            regstorm(["pull", served.url(), "lab/img:1"])
                .args([&dir])
                .run()
        };
        let failed = pull();
        assert_eq!(failed.code(), 1, "{fault}\n{failed}");
        // Whatever has a name already is what the name says.
        for digest in layout.digests() {
            let file = dir.join("blobs").join(digest.replace(':', "/"));
            if let Ok(bytes) = fs::read(file) {
                assert_eq!(sha256(&bytes), digest, "{fault}");
            }
        }
        pull().ok();
        assert_eq!(
            Layout::open(&dir).image("1"),
            layout.image("img"),
            "{fault}"
        );
    }
}

/// A registry that keeps no content takes a load of pushes.
#[test]
fn a_sink_takes_pushes() {
    let served = Served::start(&["--storage", "sink"], "");
    let scenario = "
name = \"sink\"
[target]
url = \"http://127.0.0.1:1\"
[images.web]
source = \"synthetic\"
count = 1
layers = 2
layer_size = \"1MiB\"
[journey.send]
action = \"push\"
images = \"web\"
[[load]]
journey = \"send\"
executor = \"shared-iterations\"
vus = 2
iterations = 6
";
    // It throws bytes away, and the audit would say so.
    let unread = format!("{scenario}[audit]\nsample = \"none\"\n");
    let report = run_scenario(&unread, served.url());
    report.assert_clean();
    assert_eq!(report.ok_iterations("send"), 6);
}
