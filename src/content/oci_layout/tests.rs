//! OCI layouts, whole and broken.

use std::fs;

use super::*;
use crate::content::testing::{Files, Place, Tar, assert_true, blob_name, named, options};
use crate::content::{OpenOptions, open, open_all};
use crate::oci::{Digest, MediaType, Platform};

fn layer(text: &str) -> Vec<u8> {
    Tar::new().file("file", text.as_bytes()).finish()
}

fn for_platform(platform: &str) -> OpenOptions {
    OpenOptions {
        platform: Some(platform.parse().unwrap()),
        ..options(None)
    }
}

fn on(mut descriptor: Descriptor, os: &str, architecture: &str) -> Descriptor {
    descriptor.platform = Some(Platform::new(os, architecture));
    descriptor
}

/// One index of two platforms and an attestation, the base layer shared.
fn multi() -> (Files, Descriptor) {
    let (base, arm, amd) = (layer("base"), layer("arm"), layer("amd"));
    let mut files = Files::default();
    let children = [
        on(files.image(&[&base, &amd]), "linux", "amd64"),
        on(files.image(&[&base, &arm]), "linux", "arm64"),
        on(files.image(&[&layer("attestation")]), "unknown", "unknown"),
    ];
    let index = serde_json::json!({"schemaVersion": 2, "manifests": children});
    let index = files.blob(MediaType::OciIndex, index.to_string().as_bytes());
    files.layout(&[named(index.clone(), "multi")]);
    (files, index)
}

#[test]
fn an_index_is_pushed_whole_or_for_one_platform() {
    let (files, index) = multi();
    let place = Place::new();
    for path in [
        place.directory("oci", &files),
        place.archive("oci.tar", &files.tar()),
    ] {
        let image = open(&path, &options(None)).unwrap();
        assert_true(&image);
        assert_eq!(image.descriptor().digest, index.digest);
        assert_eq!(image.name(), Some("multi"));
        assert_eq!(image.children().len(), 3);
        assert!(image.config().is_none());
        // What is in the layout but for its own two files is what is sent; the base layer is there once.
        let bytes: usize = files
            .0
            .iter()
            .filter(|(name, _)| name.starts_with("blobs/"))
            .map(|(_, bytes)| bytes.len())
            .sum();
        assert_eq!(image.total_bytes(), bytes as u64);

        let arm = open(&path, &for_platform("linux/arm64")).unwrap();
        assert_eq!(
            arm.descriptor().digest,
            image.children()[1].descriptor().digest
        );
        let error = open(&path, &for_platform("linux/s390x")).unwrap_err();
        assert!(error.to_string().contains("linux/arm64"), "{error}");
    }
}

#[test]
fn a_platform_may_be_whole_where_the_index_is_not() {
    let (files, _) = multi();
    let place = Place::new();
    let image = open(&place.directory("oci", &files), &options(None)).unwrap();
    let arm = blob_name(&image.children()[1].descriptor().digest);
    let path = place.archive("partial.tar", &files.without(&arm).tar());
    let error = open(&path, &options(None)).unwrap_err();
    assert!(matches!(error, ContentError::Missing { .. }), "{error}");
    assert!(error.to_string().contains(&arm), "{error}");
    open(&path, &for_platform("linux/amd64")).unwrap();
}

#[test]
fn several_images_need_a_choice() {
    let mut files = Files::default();
    let (one, two) = (files.image(&[&layer("1")]), files.image(&[&layer("2")]));
    files.layout(&[
        named(one.clone(), "one"),
        two.clone(),
        named(one.clone(), "uno"),
    ]);
    let place = Place::new();
    let path = place.directory("oci", &files);
    let error = open(&path, &options(None)).unwrap_err();
    let list = format!("choose one of: one, {}", two.digest);
    assert!(error.to_string().ends_with(&list), "{error}");
    let digest = two.digest.to_string();
    for (choice, wanted) in [("one", &one), ("uno", &one), (digest.as_str(), &two)] {
        let image = open(&path, &options(Some(choice))).unwrap();
        assert_eq!(image.descriptor().digest, wanted.digest);
    }
    let error = open(&path, &options(Some("drei"))).unwrap_err();
    assert!(matches!(error, ContentError::NoSuchImage { .. }), "{error}");
    assert_eq!(open_all(&path, &options(None)).unwrap().len(), 2);
}

#[test]
fn platforms_may_stand_in_the_index_of_the_layout() {
    let mut files = Files::default();
    let amd = on(files.image(&[&layer("1")]), "linux", "amd64");
    let arm = on(files.image(&[&layer("2")]), "linux", "arm64");
    files.layout(&[amd, arm.clone()]);
    let place = Place::new();
    let path = place.directory("oci", &files);
    assert!(matches!(
        open(&path, &options(None)),
        Err(ContentError::Ambiguous { .. })
    ));
    let image = open(&path, &for_platform("linux/arm64")).unwrap();
    assert_eq!(image.descriptor().digest, arm.digest);
    let all = open_all(&path, &for_platform("linux/arm64")).unwrap();
    assert_eq!((all.len(), all[0].descriptor().digest), (1, arm.digest));
    let error = open(&path, &for_platform("linux/s390x")).unwrap_err();
    assert!(
        matches!(error, ContentError::NoSuchPlatform { .. }),
        "{error}"
    );
}

#[test]
fn every_blob_is_checked() {
    let mut files = Files::default();
    let image = files.image(&[&layer("content")]);
    files.layout(&[image]);
    let place = Place::new();
    let blobs: Vec<_> = files
        .0
        .iter()
        .filter(|(name, _)| name.starts_with("blobs"))
        .collect();
    assert_eq!(blobs.len(), 3, "config, layer, manifest");
    for (name, bytes) in blobs {
        let mut changed = bytes.clone();
        *changed.last_mut().unwrap() ^= 1;
        let wrong = files.clone().with(name, &changed);
        let error = open(&place.archive("a.tar", &wrong.tar()), &options(None)).unwrap_err();
        let text = error.to_string();
        assert!(
            matches!(error, ContentError::DigestMismatch { .. }),
            "{text}"
        );
        assert!(text.contains(name.as_str()), "{text}");
        assert!(
            text.contains(&Digest::sha256(&changed).to_string()),
            "{text}"
        );

        let short = files.clone().with(name, &bytes[1..]);
        let error = open(&place.archive("b.tar", &short.tar()), &options(None)).unwrap_err();
        assert!(
            matches!(error, ContentError::SizeMismatch { .. }),
            "{error}"
        );

        let missing = files.clone().without(name);
        let error = open(&place.archive("c.tar", &missing.tar()), &options(None)).unwrap_err();
        assert!(matches!(error, ContentError::Missing { .. }), "{error}");
        assert!(error.to_string().contains(name.as_str()), "{error}");
    }
}

#[test]
fn layers_that_live_elsewhere_may_be_missing() {
    let mut files = Files::default();
    let config = files.blob(MediaType::OciConfig, b"{}");
    let mut foreign = Descriptor::new(MediaType::OciForeignLayer, Digest::sha256(b"far"), 3);
    foreign.urls.push("https://example.test/far".into());
    let own = files.blob(MediaType::OciLayer, &layer("near"));
    let manifest = |layers: &[&Descriptor]| {
        serde_json::json!({"schemaVersion": 2, "config": config, "layers": layers}).to_string()
    };
    let manifest = manifest(&[&foreign, &own, &own]);
    let image = files.blob(MediaType::OciManifest, manifest.as_bytes());
    files.layout(&[image]);
    let place = Place::new();
    let image = open(&place.directory("oci", &files), &options(None)).unwrap();
    assert_eq!(image.layers().len(), 1);
    assert_eq!(image.layers()[0].descriptor(), &own);
    assert_eq!(image.manifest().raw(), manifest.as_bytes());
}

#[test]
fn a_config_that_is_a_layer_too_is_sent_once() {
    let mut files = Files::default();
    let empty = files.blob(MediaType::OciEmpty, b"{}");
    let manifest =
        serde_json::json!({"schemaVersion": 2, "config": empty, "layers": [empty]}).to_string();
    let artifact = files.blob(MediaType::OciManifest, manifest.as_bytes());
    files.layout(&[artifact]);
    let image = open(&Place::new().directory("oci", &files), &options(None)).unwrap();
    assert_eq!(image.blobs().count(), 1);
    assert_eq!(image.total_bytes(), 2 + manifest.len() as u64);
}

#[test]
fn a_link_out_of_the_directory_is_refused() {
    let mut files = Files::default();
    let image = files.image(&[&layer("content")]);
    files.layout(std::slice::from_ref(&image));
    let place = Place::new();
    let path = place.directory("oci", &files);
    let blob = path.join(blob_name(&image.digest));
    let outside = place.path("outside");
    fs::rename(&blob, &outside).unwrap();
    std::os::unix::fs::symlink(&outside, &blob).unwrap();
    let error = open(&path, &options(None)).unwrap_err();
    assert!(matches!(error, ContentError::Escape { .. }), "{error}");
    assert!(
        error.to_string().contains(outside.to_str().unwrap()),
        "{error}"
    );
    // The same through a directory in between.
    fs::rename(path.join("blobs"), place.path("blobs")).unwrap();
    std::os::unix::fs::symlink("../blobs", path.join("blobs")).unwrap();
    let error = open(&path, &options(None)).unwrap_err();
    assert!(matches!(error, ContentError::Escape { .. }), "{error}");
}

/// An `index.json` of these entries, and the image's own.
fn beside(odd: &str, files: &mut Files) -> Descriptor {
    let image = files.image(&[&layer("a")]);
    let own = serde_json::to_string(&image).unwrap();
    files.add("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
    let index = format!(r#"{{"manifests":[{odd},{own}],"annotations":null,"future":{{}}}}"#);
    files.add("index.json", index.as_bytes());
    image
}

#[test]
fn an_odd_entry_matters_only_when_it_is_chosen() {
    let name = r#""annotations":{"org.opencontainers.image.ref.name":"odd","n":null}"#;
    for (odd, why) in [
        ("null".to_owned(), None),
        ("7".to_owned(), None),
        (
            format!(r#"{{"digest":"blake3:00","mediaType":"a/b","size":1,{name}}}"#),
            Some(
                "entry 1 cannot be used: its `digest` cannot be used: unknown digest algorithm `blake3`",
            ),
        ),
        (
            format!(r#"{{"mediaType":"a/b","size":1,{name}}}"#),
            Some("entry 1 cannot be used: it has no `digest`"),
        ),
    ] {
        let mut files = Files::default();
        let image = beside(&odd, &mut files);
        let place = Place::new();
        let path = place.directory("oci", &files);
        let opened = open(&path, &options(None)).unwrap();
        assert_eq!(opened.descriptor().digest, image.digest, "{odd}");
        if let Some(why) = why {
            let error = open(&path, &options(Some("odd"))).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert!(error.contains("index.json"), "{error}");
        }
    }
}

#[test]
fn an_odd_child_is_named_where_the_whole_index_is_pushed() {
    let mut files = Files::default();
    let good = on(files.image(&[&layer("a")]), "linux", "amd64");
    let good_text = serde_json::to_string(&good).unwrap();
    let odd = r#"{"digest":"blake3:00","platform":{"architecture":"arm64","os":"linux"}}"#;
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{odd},{good_text}]}}"#);
    let index = files.blob(MediaType::OciIndex, index.as_bytes());
    files.layout(&[index]);
    let place = Place::new();
    let path = place.directory("oci", &files);
    // The name that another client gives to the same platform.
    let one = open(&path, &for_platform("linux/x86_64")).unwrap();
    assert_eq!(one.descriptor().digest, good.digest);
    let error = open(&path, &options(None)).unwrap_err().to_string();
    assert!(
        error.contains("entry 1 (linux/arm64) of the index cannot be used"),
        "{error}"
    );
}

#[test]
fn a_layer_elsewhere_may_be_odd_and_another_may_not() {
    let mut files = Files::default();
    let config = files.blob(MediaType::OciConfig, b"{}");
    let own = files.blob(MediaType::OciLayer, &layer("near"));
    let text = |it: &Descriptor| serde_json::to_string(it).unwrap();
    let far = r#"{"mediaType":"application/vnd.oci.image.layer.nondistributable.v1.tar","digest":"blake3:00"}"#;
    let (config, own) = (text(&config), text(&own));
    let mut open_with = |layers: &str| {
        let manifest = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{layers}]}}"#);
        let image = files.blob(MediaType::OciManifest, manifest.as_bytes());
        files.layout(&[image]);
        let place = Place::new();
        open(&place.directory("oci", &files), &options(None))
    };
    assert_eq!(
        open_with(&format!("{far},{own}")).unwrap().layers().len(),
        1
    );
    let error = open_with(&format!(r#"{own},{{"digest":null}}"#))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("layer 2 of the manifest cannot be used: it has no `digest`"),
        "{error}"
    );
}
