//! Archives of `docker save` and its imitators, made by hand.

use std::io::Read as _;

use super::*;
use crate::content::testing::{
    Files, Place, Tar, assert_true, blob_name, config, gzip, named, options,
};
use crate::content::{OpenOptions, open, open_all};
use crate::oci::{Content, Platform};

fn layers() -> [Vec<u8>; 2] {
    [
        Tar::new().file("a", &b"bottom".repeat(5000)).finish(),
        Tar::new().file("b", b"top").finish(),
    ]
}

fn manifest_json(items: &[(&str, &[&str], &[&str])]) -> Vec<u8> {
    let items: Vec<_> = items
        .iter()
        .map(|(config, tags, layers)| {
            serde_json::json!({"Config": config, "RepoTags": tags, "Layers": layers})
        })
        .collect();
    serde_json::to_vec(&items).unwrap()
}

/// What Docker wrote before version 25. The names of the directories are not in the order of the layers.
fn old() -> Files {
    let [bottom, top] = layers();
    let config = config(&[&bottom, &top]);
    let name = format!("{}.json", Digest::sha256(&config).to_hex());
    let mut files = Files::default();
    files.add(&name, &config);
    files.add("ffff/layer.tar", &bottom);
    files.add("ffff/VERSION", b"1.0");
    files.add("0000/layer.tar", &top);
    let manifest = manifest_json(&[(
        name.as_str(),
        &["lab/app:1"],
        &["ffff/layer.tar", "0000/layer.tar"],
    )]);
    files.add("manifest.json", &manifest);
    files
}

fn manifest(image: &Image) -> &ImageManifest {
    let Content::Image(manifest) = image.manifest().content() else {
        panic!("{image:?}")
    };
    manifest
}

fn types(image: &Image) -> Vec<MediaType> {
    manifest(image)
        .layers
        .iter()
        .map(|layer| layer.media_type().unwrap().clone())
        .collect()
}

fn bytes(blob: &Blob) -> Vec<u8> {
    blob.all().flat_map(Result::unwrap).collect()
}

fn gunzip(packed: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(packed)
        .read_to_end(&mut plain)
        .unwrap();
    plain
}

#[test]
fn the_old_layout_is_compressed_in_the_order_of_the_manifest() {
    let place = Place::new();
    let tar = old().tar();
    let mut digests = Vec::new();
    for path in [
        place.directory("save", &old()),
        place.archive("save.tar", &tar),
        place.archive("save.tar.gz", &gzip(&tar)),
        place.archive("save.tar.zst", &zstd::encode_all(&tar[..], 1).unwrap()),
    ] {
        let image = open(&path, &options(None)).unwrap();
        assert_true(&image);
        assert_eq!(image.name(), Some("lab/app:1"));
        assert_eq!(image.manifest().media_type(), &MediaType::DockerManifest);
        assert_eq!(
            types(&image),
            [MediaType::DockerLayerGzip, MediaType::DockerLayerGzip]
        );
        let plain: Vec<_> = image.layers().iter().map(|it| gunzip(&bytes(it))).collect();
        assert_eq!(plain, layers());
        assert!(image.layers()[0].size() < 5000, "it is compressed");
        // RFC 1952: no flags, no time.
        assert_eq!(
            bytes(&image.layers()[0])[..8],
            [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]
        );
        digests.push(image.descriptor().digest);
    }
    assert!(
        digests.iter().all(|digest| *digest == digests[0]),
        "{digests:?}"
    );
}

#[test]
fn layers_may_stay_as_they_are() {
    let place = Place::new();
    let keep = OpenOptions {
        compression: Compression::Keep,
        ..options(None)
    };
    let image = open(&place.archive("save.tar", &old().tar()), &keep).unwrap();
    assert_true(&image);
    assert_eq!(
        types(&image),
        [MediaType::DockerLayer, MediaType::DockerLayer]
    );
    assert_eq!(bytes(&image.layers()[0]), layers()[0]);
}

/// As skopeo writes it: layers by diff id, and the old names are links; here as hard links too.
#[test]
fn links_between_layers_are_followed_and_a_layer_listed_twice_is_one_blob() {
    let layer = &layers()[0];
    let config = config(&[layer, layer, layer]);
    let paths = ["v1/layer.tar", "v2/layer.tar", "deep/er/layer.tar"];
    let tar = Tar::new()
        .file("layer-one.tar", layer)
        .symlink("v1/layer.tar", "../layer-one.tar")
        .hard_link("v2/layer.tar", "v1/layer.tar")
        .symlink("deep", "alias")
        .directory("alias", 0o755)
        .symlink("alias/er", "../v2")
        .file("c.json", &config)
        .file("manifest.json", &manifest_json(&[("c.json", &[], &paths)]))
        .finish();
    let place = Place::new();
    let image = open(&place.archive("save.tar", &tar), &options(None)).unwrap();
    assert_true(&image);
    assert_eq!(image.layers().len(), 1);
    assert_eq!(types(&image).len(), 3);
    assert_eq!(image.name(), None);
}

/// As crane writes it: the config is called by its digest, and the layers are compressed.
#[test]
fn compressed_layers_are_sent_as_they_are() {
    let [bottom, top] = layers();
    let config = config(&[&bottom, &top]);
    let name = Digest::sha256(&config).to_string();
    for (top, top_type, manifest_type) in [
        (
            gzip(&top),
            MediaType::DockerLayerGzip,
            MediaType::DockerManifest,
        ),
        (
            zstd::encode_all(&top[..], 1).unwrap(),
            MediaType::OciLayerZstd,
            MediaType::OciManifest,
        ),
    ] {
        let mut files = Files::default();
        files.add(&name, &config);
        files.add("1.tar.gz", &gzip(&bottom));
        files.add("2.tar.gz", &top);
        let manifest = manifest_json(&[(&name, &["a:1"], &["1.tar.gz", "2.tar.gz"])]);
        files.add("manifest.json", &manifest);
        let image = open(&Place::new().directory("x", &files), &options(None)).unwrap();
        assert_true(&image);
        assert_eq!(types(&image)[1], top_type);
        assert_eq!(image.manifest().media_type(), &manifest_type);
        assert_eq!(bytes(&image.layers()[0]), gzip(&bottom));
    }
}

#[test]
fn a_compressed_layer_has_a_limit() {
    let layer = Tar::new().file("zeros", &vec![0; 3 << 20]).finish();
    let mut files = Files::default();
    files.add("c.json", &config(&[&layer]));
    files.add("1.tar.gz", &gzip(&layer));
    files.add(
        "manifest.json",
        &manifest_json(&[("c.json", &[], &["1.tar.gz"])]),
    );
    let place = Place::new();
    let path = place.directory("x", &files);
    let small = OpenOptions {
        max_unpacked: ByteSize::from_mib(2),
        ..options(None)
    };
    let error = open(&path, &small).unwrap_err();
    assert!(matches!(error, ContentError::TooLarge { .. }), "{error}");
}

#[test]
fn several_images_need_a_choice() {
    let [bottom, top] = layers();
    let (one, two) = (config(&[&bottom]), config(&[&bottom, &top]));
    let mut files = Files::default();
    files.add("1.json", &one);
    files.add("2.json", &two);
    files.add("1/layer.tar", &bottom);
    files.add("2/layer.tar", &top);
    let manifest = manifest_json(&[
        ("1.json", &["app:1", "app:latest"], &["1/layer.tar"]),
        ("2.json", &["app:2"], &["1/layer.tar", "2/layer.tar"]),
    ]);
    files.add("manifest.json", &manifest);
    let place = Place::new();
    let path = place.archive("save.tar", &files.tar());
    let error = open(&path, &options(None)).unwrap_err();
    assert!(
        error.to_string().ends_with("choose one of: app:1, app:2"),
        "{error}"
    );
    let error = open(&path, &options(Some("app:3"))).unwrap_err();
    assert!(matches!(error, ContentError::NoSuchImage { .. }), "{error}");
    for (tag, layers) in [("app:1", 1), ("app:latest", 1), ("app:2", 2)] {
        assert_eq!(
            open(&path, &options(Some(tag))).unwrap().layers().len(),
            layers
        );
    }
    let all = open_all(&path, &options(None)).unwrap();
    let names: Vec<_> = all.iter().map(|image| image.name().unwrap()).collect();
    assert_eq!(names, ["app:1", "app:2"]);
    let digest = |image: &Image| image.layers()[0].descriptor().digest;
    assert_eq!(digest(&all[0]), digest(&all[1]));
}

/// Docker 25 and later: an OCI layout, and `manifest.json` beside it.
#[test]
fn of_two_layouts_the_one_with_the_original_digests_is_taken() {
    let [bottom, top] = layers();
    let mut files = Files::default();
    let original = files.image(&[&bottom, &top]);
    let config = config(&[&bottom, &top]);
    let paths = [&bottom, &top].map(|layer| blob_name(&Digest::sha256(&gzip(layer))));
    let paths = [paths[0].as_str(), paths[1].as_str()];
    let config_path = blob_name(&Digest::sha256(&config));
    files.layout(&[named(original.clone(), "1")]);
    let manifest = manifest_json(&[(&config_path, &["app:1"], &paths)]);
    files.add("manifest.json", &manifest);
    let place = Place::new();
    for choice in [
        None,
        Some("app:1"),
        Some("docker.io/library/app:1"),
        Some("1"),
    ] {
        let image = open(&place.archive("new.tar", &files.tar()), &options(choice)).unwrap();
        assert_eq!(image.descriptor().digest, original.digest);
        assert_eq!(image.name(), Some("app:1"));
    }
    // Without the manifest blob, `manifest.json` still describes a whole image.
    let partial = files.without(&blob_name(&original.digest));
    let image = open(
        &place.archive("partial.tar", &partial.tar()),
        &options(None),
    )
    .unwrap();
    assert_true(&image);
    assert_eq!(image.manifest().media_type(), &MediaType::DockerManifest);
    assert_eq!(image.layers().len(), 2);
}

#[test]
fn a_layer_that_is_not_the_one_of_the_config_is_named() {
    let place = Place::new();
    let [bottom, top] = layers();
    let swapped = old()
        .with("ffff/layer.tar", &top)
        .with("0000/layer.tar", &bottom);
    let error = open(&place.archive("a.tar", &swapped.tar()), &options(None)).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(error, ContentError::DiffId { layer: 1, .. }),
        "{text}"
    );
    assert!(text.contains("ffff/layer.tar"), "{text}");
    for digest in [Digest::sha256(&bottom), Digest::sha256(&top)] {
        assert!(text.contains(&digest.to_string()), "{text}");
    }
    let missing = old().without("0000/layer.tar");
    let error = open(&place.archive("b.tar", &missing.tar()), &options(None)).unwrap_err();
    assert!(matches!(error, ContentError::Missing { .. }), "{error}");
    assert!(error.to_string().contains("0000/layer.tar"), "{error}");
}

#[test]
fn a_changed_config_and_a_wrong_count_are_refused() {
    let [bottom, top] = layers();
    let config = config(&[&bottom, &top]);
    let name = format!("{}.json", Digest::sha256(&config).to_hex());
    let place = Place::new();
    let mut changed = config.clone();
    changed.push(b'\n');
    let files = old().with(&name, &changed);
    let error = open(&place.archive("a.tar", &files.tar()), &options(None)).unwrap_err();
    assert!(
        matches!(error, ContentError::DigestMismatch { .. }),
        "{error}"
    );
    let one = manifest_json(&[(&name, &[], &["ffff/layer.tar"])]);
    let files = old().with("manifest.json", &one);
    let error = open(&place.archive("b.tar", &files.tar()), &options(None)).unwrap_err();
    let expected = matches!(
        error,
        ContentError::LayerCount {
            layers: 1,
            diff_ids: 2,
            ..
        }
    );
    assert!(expected, "{error}");
}

#[test]
fn another_platform_is_refused() {
    let place = Place::new();
    let wanted = OpenOptions {
        platform: Some("linux/arm64".parse().unwrap()),
        ..options(None)
    };
    let path = place.archive("save.tar", &old().tar());
    let error = open(&path, &wanted).unwrap_err();
    assert!(
        matches!(error, ContentError::NoSuchPlatform { .. }),
        "{error}"
    );
    let wanted = OpenOptions {
        platform: Some(Platform::linux_amd64()),
        ..options(None)
    };
    open(&path, &wanted).unwrap();
}

#[test]
fn names_in_the_documents_do_not_lead_out() {
    let place = Place::new();
    std::fs::write(place.path("secret"), "{}").unwrap();
    for config in ["../secret", "/etc/passwd"] {
        let files = old().with("manifest.json", &manifest_json(&[(config, &[], &[])]));
        for path in [
            place.directory("save", &files),
            place.archive("save.tar", &files.tar()),
        ] {
            let error = open(&path, &options(None)).unwrap_err();
            assert!(
                matches!(error, ContentError::Escape { .. }),
                "{config}: {error}"
            );
        }
    }
}

#[test]
fn an_odd_entry_matters_only_when_it_is_chosen() {
    let [bottom, _] = layers();
    let config = config(&[&bottom]);
    let good = r#"{"Config":"1.json","RepoTags":["app:1",null],"Layers":["1/layer.tar"],"Parent":null,"LayerSources":{"x":[1]}}"#;
    for (odd, why) in [
        ("null", "it is not a JSON object"),
        (
            r#"{"RepoTags":["app:2"],"Layers":[]}"#,
            "it has no `Config`",
        ),
        (
            r#"{"Config":7,"RepoTags":["app:2"]}"#,
            "its `Config` is not a text",
        ),
        (
            r#"{"Config":"1.json","RepoTags":["app:2"],"Layers":{"0":"1/layer.tar"}}"#,
            "its `Layers` is not a list of texts",
        ),
    ] {
        let mut files = Files::default();
        files.add("1.json", &config);
        files.add("1/layer.tar", &bottom);
        files.add("manifest.json", format!("[{odd},{good}]").as_bytes());
        let place = Place::new();
        let path = place.archive("save.tar", &files.tar());
        let image = open(&path, &options(None)).unwrap();
        assert_eq!(image.name(), Some("app:1"), "{odd}");
        let chosen = open(&path, &options(Some("app:2")));
        let error = chosen.or_else(|_| open_all(&path, &options(None)).map(|it| it[0].clone()));
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains(&format!("entry 1 cannot be used: {why}")),
            "{error}"
        );
    }
}
