//! Round trips, interruptions and wrong bytes.

use std::fs;

use super::*;
use crate::content::testing::{Files, Place, Tar, assert_true, named, options};
use crate::content::{Image, open, open_all};
use crate::oci::{Descriptor, Digest, Manifest, MediaType};

fn image(text: &str) -> (Place, Image) {
    let layer = Tar::new().file("file", text.as_bytes()).finish();
    let mut files = Files::default();
    let descriptor = files.image(&[&layer, &layer]);
    files.layout(&[named(descriptor, text)]);
    let place = Place::new();
    let image = open(&place.directory("source", &files), &options(None)).unwrap();
    (place, image)
}

fn fill(image: &Image, begin: impl Fn(&Descriptor) -> PartialBlob) {
    for blob in image.blobs() {
        let mut part = begin(blob.descriptor());
        for frame in blob.all() {
            part.write(&frame.unwrap()).unwrap();
        }
        part.commit().unwrap();
    }
}

fn store(image: &Image, root: &std::path::Path, name: Option<&str>) {
    let writer = LayoutWriter::create(root).unwrap();
    fill(image, |descriptor| writer.begin_blob(descriptor).unwrap());
    let descriptor = writer.add_manifest(image.manifest()).unwrap();
    writer.finish(descriptor, name).unwrap();
}

#[test]
fn what_is_written_can_be_opened() {
    let (place, first) = image("first");
    let (_other, second) = image("second");
    let root = place.path("oci");
    store(&first, &root, Some("a"));
    store(&second, &root, Some("b"));
    assert!(!root.join("blobs/.partial").exists());
    let all = open_all(&root, &options(None)).unwrap();
    assert_eq!(all.len(), 2);
    for (read, wanted, name) in [(&all[0], &first, "a"), (&all[1], &second, "b")] {
        assert_true(read);
        assert_eq!(read.descriptor().digest, wanted.descriptor().digest);
        assert_eq!(read.name(), Some(name));
    }
    // A name moves, and does not stand twice.
    store(&second, &root, Some("a"));
    let image = open(&root, &options(Some("a"))).unwrap();
    assert_eq!(image.descriptor().digest, second.descriptor().digest);
    let writer = LayoutWriter::create(&root).unwrap();
    assert!(second.blobs().all(|blob| writer.has(blob.descriptor())));
    let mut larger = second.layers()[0].descriptor().clone();
    larger.size += 1;
    assert!(!writer.has(&larger));
}

#[test]
fn an_interrupted_blob_is_gone_on_with() {
    let bytes = b"0123456789".repeat(100_000);
    let descriptor = Descriptor::new(MediaType::OciLayer, Digest::sha256(&bytes), 1_000_000);
    let place = Place::new();
    let root = place.path("oci");
    let writer = LayoutWriter::create(&root).unwrap();
    let mut part = writer.begin_blob(&descriptor).unwrap();
    assert!(matches!(
        writer.begin_blob(&descriptor),
        Err(StoreError::Busy(_))
    ));
    part.write(&bytes[..300_001]).unwrap();
    drop(part);
    assert!(!writer.has(&descriptor));

    let writer = LayoutWriter::create(&root).unwrap();
    let part = writer.begin_blob(&descriptor).unwrap();
    assert_eq!(part.offset(), 300_001);
    let short = part.commit().unwrap_err();
    assert!(
        matches!(short, StoreError::TooShort { found: 300_001, .. }),
        "{short}"
    );
    let mut part = writer.begin_blob(&descriptor).unwrap();
    part.write(&bytes[300_001..]).unwrap();
    let long = part.write(b"x").unwrap_err();
    assert!(matches!(long, StoreError::TooLong { .. }), "{long}");
    part.commit().unwrap();
    assert!(writer.has(&descriptor));
    assert_eq!(
        fs::read(writer.blob_path(&descriptor.digest)).unwrap(),
        bytes
    );
}

#[test]
fn wrong_bytes_are_not_kept() {
    let place = Place::new();
    let writer = LayoutWriter::create(&place.path("oci")).unwrap();
    let descriptor = Descriptor::new(MediaType::OciLayer, Digest::sha256(b"right"), 5);
    let mut part = writer.begin_blob(&descriptor).unwrap();
    part.write(b"wrong").unwrap();
    let error = part.commit().unwrap_err();
    assert!(matches!(error, StoreError::DigestMismatch(_)), "{error}");
    assert!(!writer.has(&descriptor));
    let mut part = writer.begin_blob(&descriptor).unwrap();
    assert_eq!(part.offset(), 0);
    part.write(b"wro").unwrap();
    part.restart().unwrap();
    part.write(b"right").unwrap();
    part.commit().unwrap();
    assert!(writer.has(&descriptor));
}

#[test]
fn a_part_that_is_too_long_is_begun_again() {
    let place = Place::new();
    let writer = LayoutWriter::create(&place.path("oci")).unwrap();
    let descriptor = Descriptor::new(MediaType::OciLayer, Digest::sha256(b"right"), 5);
    let name = format!("oci/blobs/.partial/sha256-{}", descriptor.digest.to_hex());
    fs::write(place.path(&name), "far too long").unwrap();
    assert_eq!(writer.begin_blob(&descriptor).unwrap().offset(), 0);
}

#[test]
fn a_directory_of_something_else_is_not_touched() {
    let place = Place::new();
    fs::create_dir(place.path("home")).unwrap();
    fs::write(place.path("home/letter"), "dear").unwrap();
    let error = LayoutWriter::create(&place.path("home")).unwrap_err();
    assert!(matches!(error, StoreError::Occupied(_)), "{error}");
    assert_eq!(fs::read_dir(place.path("home")).unwrap().count(), 1);
}

#[test]
fn layer_files_are_named_in_their_order() {
    let (place, image) = image("files");
    let root = place.path("layers");
    let files = LayerFiles::create(&root, image.manifest()).unwrap();
    fill(&image, |blob| {
        files.begin_blob(&blob.digest, Some(blob.size)).unwrap()
    });
    assert!(image.blobs().all(|blob| {
        let blob = blob.descriptor();
        files.has(&blob.digest, Some(blob.size)) && !files.has(&blob.digest, Some(blob.size + 1))
    }));
    let stranger = Digest::sha256(b"x");
    let error = files.begin_blob(&stranger, Some(1)).unwrap_err();
    assert!(matches!(error, StoreError::NotInManifest(_)), "{error}");
    files.finish(image.manifest()).unwrap();

    let mut names: Vec<_> = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let digest = image.layers()[0].descriptor().digest;
    let layers = ["01", "02"].map(|number| format!("{number}-{}.tar.gz", digest.short()));
    assert_eq!(
        names,
        [&layers[0], &layers[1], "config.json", "manifest.json"]
    );
    assert_eq!(
        image.manifest().raw(),
        &fs::read(root.join("manifest.json")).unwrap()
    );
    for layer in layers {
        assert_eq!(Digest::sha256(&fs::read(root.join(layer)).unwrap()), digest);
    }
}

#[test]
fn a_directory_of_something_else_gets_no_layers() {
    let (place, image) = image("files");
    let root = place.path("layers");
    fs::create_dir(&root).unwrap();
    let of_another = format!("01-{}.tar.gz", Digest::sha256(b"x").short());
    fs::write(root.join(&of_another), "x").unwrap();
    LayerFiles::check(&root).unwrap();
    let error = LayerFiles::create(&root, image.manifest()).unwrap_err();
    assert!(error.to_string().contains(&of_another), "{error}");
    fs::remove_file(root.join(&of_another)).unwrap();
    // What an interruption leaves is no obstacle.
    let part = image.layers()[0].descriptor();
    drop(
        LayerFiles::create(&root, image.manifest())
            .unwrap()
            .begin_blob(&part.digest, Some(part.size))
            .unwrap(),
    );
    fs::write(root.join(".tmpAbCdEf"), "").unwrap();
    LayerFiles::check(&root).unwrap();
    LayerFiles::create(&root, image.manifest()).unwrap();
    for stranger in [
        "letter",
        ".bashrc",
        "01-letter.txt",
        "0x-0123456789ab.tar",
        ".partial",
    ] {
        fs::write(root.join(stranger), "").unwrap();
        let error = LayerFiles::check(&root).unwrap_err();
        assert!(error.to_string().contains(stranger), "{error}");
        fs::remove_file(root.join(stranger)).unwrap();
    }
}

#[test]
fn layers_of_schema_1_come_bottom_first_and_without_sizes() {
    let [top, base, empty] = ["top", "base", "empty"].map(|it| Digest::sha256(it.as_bytes()));
    let text = format!(
        r#"{{"schemaVersion":1,"fsLayers":[{{"blobSum":"{empty}"}},{{"blobSum":"{top}"}},{{"blobSum":"{empty}"}},{{"blobSum":"{base}"}}]}}"#
    );
    let manifest = Manifest::parse(text.into(), Some(&MediaType::DockerSchema1)).unwrap();
    let place = Place::new();
    let root = place.path("layers");
    let files = LayerFiles::create(&root, &manifest).unwrap();
    for name in ["top", "base", "empty"] {
        let digest = Digest::sha256(name.as_bytes());
        assert!(!files.has(&digest, None));
        let mut part = files.begin_blob(&digest, None).unwrap();
        part.write(b"what an interruption left").unwrap();
        drop(part);
        let mut part = files.begin_blob(&digest, None).unwrap();
        assert_eq!(part.offset(), 0);
        part.write(name.as_bytes()).unwrap();
        assert!(!part.is_complete());
        part.commit().unwrap();
        assert!(files.has(&digest, None));
    }
    files.finish(&manifest).unwrap();
    let layers = files.open_layers().unwrap();
    let read = |file| std::io::read_to_string(file).unwrap();
    assert_eq!(
        layers.into_iter().map(read).collect::<Vec<String>>(),
        ["base", "empty", "top", "empty"]
    );
    assert_eq!(
        &fs::read(root.join("manifest.json")).unwrap(),
        manifest.raw()
    );
}

type Link = fn(&std::path::Path, &std::path::Path);

/// A name that is taken by a link, of whatever kind, leads nowhere: what it leads to stays as it was, and the error names the
/// name.
#[test]
fn links_in_a_layout_are_not_followed() {
    let (place, image) = image("links");
    let victim = place.path("victim");
    let blob = image.layers()[0].descriptor();
    let part = format!("blobs/.partial/sha256-{}", blob.digest.to_hex());
    let kept = format!("blobs/sha256/{}", blob.digest.to_hex());
    let symbolic: Link = |victim, name| std::os::unix::fs::symlink(victim, name).unwrap();
    let hard: Link = |victim, name| fs::hard_link(victim, name).unwrap();
    for (number, link) in [symbolic, hard].into_iter().enumerate() {
        let root = place.path(&format!("oci{number}"));
        fs::write(&victim, vec![b'v'; 100_000]).unwrap();
        let writer = LayoutWriter::create(&root).unwrap();
        link(&victim, &root.join(&part));
        let error = writer.begin_blob(blob).unwrap_err();
        assert!(error.to_string().contains(&part), "{error}");
        assert_eq!(fs::read(&victim).unwrap(), vec![b'v'; 100_000]);
        fs::remove_file(root.join(&part)).unwrap();
        // A blob that is a link counts as missing, and is replaced. Its size is right, so that only the link tells.
        if number == 0 {
            let size = usize::try_from(blob.size).unwrap();
            fs::write(&victim, vec![b'v'; size]).unwrap();
            link(&victim, &root.join(&kept));
            assert!(!writer.has(blob));
            fill(&image, |descriptor| writer.begin_blob(descriptor).unwrap());
            assert_eq!(fs::read(&victim).unwrap(), vec![b'v'; size]);
            assert!(writer.has(blob));
        }
    }
}

#[test]
fn directories_and_documents_of_a_layout_are_no_links() {
    for name in ["blobs", "blobs/sha256", "blobs/.partial", "index.json"] {
        let (place, image) = image("documents");
        let root = place.path("oci");
        fs::create_dir_all(root.join("blobs/.partial")).unwrap();
        let _ = fs::remove_dir_all(root.join(name));
        let elsewhere = place.path("elsewhere");
        if name == "index.json" {
            fs::write(&elsewhere, "precious").unwrap();
        } else {
            fs::create_dir_all(elsewhere.join(".partial")).unwrap();
        }
        std::os::unix::fs::symlink(&elsewhere, root.join(name)).unwrap();
        let stored = LayoutWriter::create(&root).and_then(|writer| {
            let descriptor = writer.add_manifest(image.manifest())?;
            writer.finish(descriptor, None)
        });
        let error = stored.unwrap_err();
        assert!(error.to_string().contains("oci"), "{name}: {error}");
        if name == "index.json" {
            assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "precious");
        } else {
            let left: Vec<_> = fs::read_dir(&elsewhere).unwrap().collect();
            assert_eq!(left.len(), 1, "{name}: only what was there");
        }
    }
}

/// A mask of 002 leaves such directories; to a directory that everybody may write to, somebody else may add names at any time.
#[test]
fn the_group_may_write_to_a_layout_and_not_everybody() {
    use std::os::unix::fs::PermissionsExt as _;
    let (place, _) = image("modes");
    let root = place.path("oci");
    fs::create_dir_all(root.join("blobs/.partial")).unwrap();
    let mode = |mode| {
        fs::set_permissions(root.join("blobs"), fs::Permissions::from_mode(mode)).unwrap();
        LayoutWriter::create(&root)
    };
    mode(0o775).unwrap();
    let error = mode(0o777).unwrap_err();
    assert!(error.to_string().contains("blobs"), "{error}");
}

#[test]
fn the_second_file_of_a_layer_replaces_a_link() {
    let (place, image) = image("copies");
    let root = place.path("layers");
    let victim = place.path("victim");
    fs::write(&victim, "precious").unwrap();
    let files = LayerFiles::create(&root, image.manifest()).unwrap();
    fill(&image, |blob| {
        files.begin_blob(&blob.digest, Some(blob.size)).unwrap()
    });
    let digest = image.layers()[0].descriptor().digest;
    for name in [
        format!("02-{}.tar.gz", digest.short()),
        "manifest.json".into(),
    ] {
        std::os::unix::fs::symlink(&victim, root.join(name)).unwrap();
    }
    files.finish(image.manifest()).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    let copy = fs::read(root.join(format!("02-{}.tar.gz", digest.short()))).unwrap();
    assert_eq!(Digest::sha256(&copy), digest);
}

#[test]
fn what_else_is_in_an_index_stays_as_it_is() {
    let place = Place::new();
    let root = place.path("oci");
    fs::create_dir_all(root.join("blobs")).unwrap();
    fs::write(root.join("oci-layout"), "{}").unwrap();
    let others = r#"{"digest":"blake3:00","future":[1.5]},{"data":"eA==","digest":"sha256:00","size":"1"},null"#;
    let index = format!(r#"{{"manifests":[{others}],"schemaVersion":2,"x":{{"y":null}}}}"#);
    fs::write(root.join("index.json"), index).unwrap();
    let writer = LayoutWriter::create(&root).unwrap();
    let image = Descriptor::new(MediaType::OciManifest, Digest::sha256(b"x"), 1);
    writer.finish(image.clone(), Some("a")).unwrap();
    // Of one name there is one.
    let writer = LayoutWriter::create(&root).unwrap();
    writer.finish(image.clone(), Some("a")).unwrap();
    let written = fs::read_to_string(root.join("index.json")).unwrap();
    let own = format!(
        r#"{{"annotations":{{"org.opencontainers.image.ref.name":"a"}},"digest":"{}","mediaType":"{}","size":1}}"#,
        image.digest, image.media_type
    );
    let expected =
        format!(r#"{{"manifests":[{others},{own}],"schemaVersion":2,"x":{{"y":null}}}}"#);
    assert_eq!(written, expected);
}
