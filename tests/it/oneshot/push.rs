//! An image out of every kind of source, in every way.

use std::fs;

use regstorm::embedded::{Quirk, Settings};
use regstorm::oci::{Digest, Operation};
use regstorm::units::ByteSize;

use super::bench::{
    Bench, contents, docker_save, docker_save_25, gunzip, layout, platforms, two_layers,
};

/// The layers of an image as it is in the registry, uncompressed, the bottom one first.
fn layers_there(bench: &Bench, image: &str, directory: &str) -> Vec<Vec<u8>> {
    bench.pull(&[image, directory, "--layers"]).ended(0);
    contents(&bench.path(directory))
        .into_iter()
        .filter(|(name, _)| name.starts_with('0'))
        .map(|(_, bytes)| {
            if bytes.starts_with(b"\x1f\x8b") {
                gunzip(&bytes)
            } else {
                bytes
            }
        })
        .collect()
}

#[test]
fn every_source_arrives_whole_and_in_order() {
    let bench = Bench::new();
    let layers = two_layers();
    let (oci, _) = layout(&layers);
    let sources = [
        ("old", docker_save(&layers, "a/b:1")),
        ("new", docker_save_25(&layers, "a/b:1")),
        ("oci", oci),
    ];
    for (name, files) in sources {
        files.directory(&bench.path(name));
        files.tar(&bench.path(&format!("{name}.tar")));
        for source in [name.to_owned(), format!("{name}.tar")] {
            let tag = format!("x:{source}");
            let said = bench.push(&source, &[&tag]).ended(0);
            assert_eq!(said.out.lines().count(), 1, "{said:?}");
            assert_eq!(
                layers_there(&bench, &tag, &format!("{source}.layers")),
                layers,
                "{source}"
            );
        }
    }
}

#[test]
fn an_oci_layout_keeps_its_digest() {
    let bench = Bench::new();
    let (files, digest) = layout(&two_layers());
    files.directory(&bench.path("oci"));
    let said = bench.push("oci", &["a/b:1.0"]).ended(0);
    assert!(
        said.out.starts_with(&format!("pushed a/b:1.0 {digest} ")),
        "{said:?}"
    );
    // By its digest, too; and not by another.
    bench.push("oci", &[&format!("c@{digest}")]).ended(0);
    let before = bench.registry.requests().len();
    let other = Digest::sha256(b"other");
    bench
        .push("oci", &[&format!("c@{other}")])
        .ended(2)
        .says(&[&digest, &other.to_string()]);
    assert_eq!(bench.registry.requests().len(), before);
}

#[test]
fn plain_layers_are_compressed_or_kept() {
    let bench = Bench::new();
    let layers = two_layers();
    docker_save(&layers, "a/b:1").directory(&bench.path("saved"));
    bench.push("saved", &["a:gzip"]).ended(0);
    bench
        .push("saved", &["a:plain", "--compress", "keep"])
        .ended(0);
    assert_eq!(layers_there(&bench, "a:gzip", "gzip"), layers);
    assert_eq!(layers_there(&bench, "a:plain", "plain"), layers);
    let suffixes = |directory: &str, suffix: &str| {
        let files = contents(&bench.path(directory));
        files
            .iter()
            .filter(|(name, _)| name.ends_with(suffix))
            .count()
    };
    assert_eq!(
        (suffixes("gzip", ".tar.gz"), suffixes("gzip", ".tar")),
        (2, 0)
    );
    assert_eq!(
        (suffixes("plain", ".tar.gz"), suffixes("plain", ".tar")),
        (0, 2)
    );
    // The same bytes every time: nothing is sent again.
    let said = bench.push("saved", &["a:again"]).ended(0);
    assert!(said.out.contains("0 blobs sent, 3 present"), "{said:?}");
}

#[test]
fn every_method_sends_what_it_says() {
    use Operation::{ManifestPut, UploadPatch, UploadPost, UploadPut, UploadStart};
    let (files, digest) = layout(&two_layers());
    // Two layers and a config; the first layer takes four chunks of 64 KiB.
    let methods = [
        ("post", [3, 0, 0, 0]),
        ("put", [0, 3, 0, 3]),
        ("patch", [0, 3, 3, 3]),
        ("patch-chunked", [0, 3, 3, 3]),
        ("chunks", [0, 3, 6, 3]),
    ];
    for (method, counts) in methods {
        let bench = Bench::new();
        files.directory(&bench.path("oci"));
        let mut arguments = vec!["a:1", "--method", method];
        if method == "chunks" {
            arguments.extend(["--chunk-size", "64KiB"]);
        }
        bench.push("oci", &arguments).ended(0);
        let found = [UploadPost, UploadStart, UploadPatch, UploadPut].map(|it| {
            let requests = bench.requests(it);
            assert!(requests.iter().all(|it| it.status.unwrap().is_success()));
            requests.len()
        });
        assert_eq!(found, counts, "{method}");
        assert_eq!(bench.requests(ManifestPut).len(), 1);
        assert_eq!(bench.registry.counts().open_uploads, 0);
        for patch in bench.requests(UploadPatch) {
            let is_chunked = patch.header("transfer-encoding") == Some("chunked");
            assert_eq!(is_chunked, method == "patch-chunked", "{method}");
            assert_eq!(
                patch.header("content-range").is_some(),
                method == "chunks",
                "{method}"
            );
        }
        let said = bench.pull(&["a:1", "back"]).ended(0);
        assert!(said.out.contains(&digest), "{said:?}");
    }
}

#[test]
fn a_registry_with_habits_of_its_own_is_followed() {
    let bench = Bench::with(Settings {
        quirks: vec![
            Quirk::NoSinglePost,
            Quirk::RelativeLocations,
            Quirk::NoMount,
        ],
        chunk_min_length: Some(ByteSize::from_kib(100)),
        base_path: "/link/to/registry".into(),
        ..Settings::default()
    });
    layout(&two_layers()).0.directory(&bench.path("oci"));
    bench.push("oci", &["a:1", "--method", "post"]).ended(0);
    let chunks = [
        "b:1",
        "--method",
        "chunks",
        "--chunk-size",
        "1KiB",
        "--mount-from",
        "a",
    ];
    bench.push("oci", &chunks).ended(0);
    assert_eq!(bench.registry.counts().open_uploads, 0);
    assert!(
        bench
            .registry
            .requests()
            .iter()
            .all(|it| it.target.starts_with("/link/to/registry/v2/"))
    );
    bench.pull(&["b:1", "back"]).ended(0);
}

#[test]
fn what_is_there_is_not_sent_again() {
    let bench = Bench::new();
    layout(&two_layers()).0.directory(&bench.path("oci"));
    let said = bench.push("oci", &["a:1"]).ended(0);
    assert!(said.out.contains("3 blobs sent, 0 present"), "{said:?}");
    let before = bench.registry.requests().len();
    let said = bench.push("oci", &["a:2"]).ended(0);
    assert!(said.out.contains("0 blobs sent, 3 present"), "{said:?}");
    assert_eq!(
        bench.since(before),
        [
            "blob-head 200",
            "blob-head 200",
            "blob-head 200",
            "manifest-put 201"
        ]
    );
    let before = bench.registry.requests().len();
    let said = bench.push("oci", &["b:1", "--mount-from", "a"]).ended(0);
    assert!(
        said.out.contains("0 blobs sent, 0 present, 3 mounted"),
        "{said:?}"
    );
    assert!(
        !bench
            .since(before)
            .iter()
            .any(|it| it.starts_with("upload-p"))
    );
    let before = bench.registry.requests().len();
    bench.push("oci", &["a:3", "--no-exists-check"]).ended(0);
    assert!(
        !bench
            .since(before)
            .iter()
            .any(|it| it.starts_with("blob-head"))
    );
}

/// A client that asks for the manifest first sends nothing when it is there, and the summary says why.
#[test]
fn a_manifest_that_is_there_is_not_sent_again() {
    let bench = Bench::new();
    layout(&two_layers()).0.directory(&bench.path("oci"));
    for (again, sent) in [(false, 1), (true, 0)] {
        let before = bench.registry.requests().len();
        let crane = ["a:1", "--client", "crane"];
        let said = bench.push("oci", &crane).ended(0);
        assert_eq!(
            said.out.contains("the manifest was there"),
            again,
            "{said:?}"
        );
        let asked = bench.since(before);
        let puts = asked.iter().filter(|it| it.starts_with("manifest-put"));
        assert_eq!(puts.count(), sent, "{asked:?}");
    }
}

#[test]
fn an_index_is_pushed_whole_or_for_one_platform() {
    let bench = Bench::new();
    let (files, index, images) = platforms(&["amd64", "arm64"]);
    files.tar(&bench.path("oci.tar"));
    let said = bench.push("oci.tar", &["all:1"]).ended(0);
    assert!(
        said.out.contains(&index) && said.out.contains("3 manifests"),
        "{said:?}"
    );
    let said = bench
        .push("oci.tar", &["one:1", "--platform", "linux/arm64"])
        .ended(0);
    assert!(said.out.contains(&images[1]), "{said:?}");
    bench
        .push("oci.tar", &["one:2", "--platform", "linux/s390x"])
        .ended(2)
        .says(&["linux/s390x", "linux/amd64", "linux/arm64"]);
}

#[test]
fn one_of_several_images_is_chosen_by_name() {
    let bench = Bench::new();
    let layers = two_layers();
    docker_save(&layers[..1], "a/one:1").directory(&bench.path("saved"));
    let manifest = fs::read_to_string(bench.path("saved/manifest.json")).unwrap();
    let twice = format!(
        "[{0},{1}]",
        &manifest[1..manifest.len() - 1],
        manifest[1..manifest.len() - 1].replace("a/one:1", "a/two:1")
    );
    fs::write(bench.path("saved/manifest.json"), twice).unwrap();
    bench
        .push("saved", &["x:1"])
        .ended(2)
        .says(&["a/one:1", "a/two:1", "--reference"]);
    bench
        .push("saved", &["x:1", "--reference", "a/two:1"])
        .ended(0);
    bench
        .push("saved", &["x:1", "--reference", "a/three:1"])
        .ended(2)
        .says(&["a/three:1", "a/two:1"]);
}
