//! Layers as they should be, and layers that try to get out.

/// Holes, limits, and an end that somebody asks for.
mod limits;

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use super::*;
use crate::content::testing::{Files, Place, Tar, config, gzip, header, named, options};
use crate::content::{Image, open};
use crate::files::Directory;
use crate::oci::MediaType;
use crate::units::ByteSize;

fn image(layers: &[Vec<u8>]) -> (Place, Image) {
    let layers: Vec<&[u8]> = layers.iter().map(Vec::as_slice).collect();
    let mut files = Files::default();
    let descriptor = files.image(&layers);
    files.layout(&[named(descriptor, "x")]);
    let place = Place::new();
    let image = open(&place.directory("oci", &files), &options(None)).unwrap();
    // What nobody may touch.
    fs::create_dir(place.path("outside")).unwrap();
    fs::write(place.path("outside/secret"), "secret").unwrap();
    (place, image)
}

fn apply(layers: &[Vec<u8>]) -> (Place, Result<Unpacked, UnpackError>) {
    let (place, image) = image(layers);
    let result = unpack(
        &image,
        &directory(&place.path("root")),
        &UnpackOptions::default(),
    );
    let outside: Vec<_> = fs::read_dir(place.path("outside")).unwrap().collect();
    assert_eq!(outside.len(), 1, "something was made outside");
    assert_eq!(read(&place.path("outside/secret")), "secret");
    let metadata = fs::metadata(place.path("outside/secret")).unwrap();
    assert_eq!(metadata.nlink(), 1, "something outside was linked to");
    if result.is_err() {
        assert_eq!(names(&place.path("root")), [""; 0], "something is left");
    }
    (place, result)
}

fn directory(path: &Path) -> Directory {
    Directory::create_all(path).unwrap()
}

fn good(layers: &[Vec<u8>]) -> (Place, Unpacked) {
    let (place, result) = apply(layers);
    (place, result.unwrap())
}

fn bad(layer: Tar) -> UnpackError {
    apply(&[layer.finish()]).1.unwrap_err()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// All names below a directory, sorted.
fn names(root: &Path) -> Vec<String> {
    fn walk(root: &Path, path: &Path, names: &mut Vec<String>) {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap();
            names.push(name.to_str().unwrap().to_owned());
            if path.symlink_metadata().unwrap().is_dir() {
                walk(root, &path, names);
            }
        }
    }
    let mut found = Vec::new();
    walk(root, root, &mut found);
    found.sort();
    found
}

#[test]
fn files_links_modes_and_times_are_kept() {
    let (place, report) = good(&[Tar::new()
        .directory("./", 0o700)
        .directory("./bin/", 0o555)
        .file_with_mode("./bin/tool", b"run", 0o4751)
        .hard_link("bin/same", "bin/tool")
        .symlink("sbin", "bin")
        .symlink("bin/absolute", "/bin/tool")
        .file("/leading/slash", b"below")
        .entry(tar::EntryType::Fifo, "pipe")
        .entry(tar::EntryType::Char, "null")
        .finish()]);
    let root = place.path("root");
    assert_eq!(read(&root.join("leading/slash")), "below");
    assert_eq!(read(&root.join("sbin/tool")), "run");
    let absolute = fs::read_link(root.join("bin/absolute")).unwrap();
    assert_eq!(absolute, PathBuf::from("/bin/tool"));
    let tool = fs::metadata(root.join("bin/tool")).unwrap();
    assert_eq!(tool.mode() & 0o7777, 0o751);
    assert_eq!((tool.nlink(), tool.mtime()), (2, 1_000_000_000));
    let bin = fs::metadata(root.join("bin")).unwrap();
    assert_eq!((bin.mode() & 0o7777, bin.mtime()), (0o555, 1_000_000_000));
    assert!(!root.join("pipe").exists() && !root.join("null").exists());
    let expected = Unpacked {
        layers: 1,
        entries: 9,
        files: 2,
        bytes: 8,
        devices_skipped: 2,
        set_id_bits_dropped: 1,
        ..Unpacked::default()
    };
    assert_eq!(report, expected);
}

#[test]
fn whiteouts_hide_what_is_below() {
    let (place, report) = good(&[
        Tar::new()
            .file("a/gone", b"")
            .file("a/stays", b"")
            .file("dir/x/y", b"")
            .file("opaque/old/deep", b"")
            .file("opaque/old2", b"")
            .file("opaque/both", b"old")
            .finish(),
        Tar::new()
            .file("a/.wh.gone", b"")
            .file(".wh.dir", b"")
            // What the layer itself brings stays, whether it comes before or after.
            .file("opaque/before", b"")
            .file("opaque/both", b"new")
            .file("opaque/.wh..wh..opq", b"")
            .file("opaque/after", b"")
            .file("kept", b"")
            .file(".wh.kept", b"")
            .file("nowhere/.wh.x", b"")
            .file(".wh..wh.plnk", b"")
            .finish(),
    ]);
    let root = place.path("root");
    let expected = [
        "a",
        "a/stays",
        "kept",
        "opaque",
        "opaque/after",
        "opaque/before",
        "opaque/both",
    ];
    assert_eq!(names(&root), expected);
    assert_eq!(read(&root.join("opaque/both")), "new");
    assert_eq!(report.whiteouts, 5);
}

#[test]
fn kinds_replace_each_other() {
    let (place, _) = good(&[
        Tar::new()
            .file("to-directory", b"")
            .file("to-file/child", b"")
            .symlink("link", "/nowhere")
            .directory("to-link", 0o755)
            .directory("same", 0o700)
            .file("same/child", b"")
            .finish(),
        Tar::new()
            .directory("to-directory", 0o755)
            .file("to-file", b"now")
            .directory("link", 0o755)
            .file("link/child", b"")
            .symlink("to-link", "same")
            .directory("same", 0o755)
            .finish(),
    ]);
    let root = place.path("root");
    assert!(root.join("to-directory").is_dir());
    assert_eq!(read(&root.join("to-file")), "now");
    assert!(root.join("link").symlink_metadata().unwrap().is_dir());
    assert!(root.join("link/child").is_file());
    assert!(root.join("to-link/child").is_file());
    assert_eq!(
        fs::metadata(root.join("same")).unwrap().mode() & 0o777,
        0o755
    );
}

#[test]
fn names_and_hard_links_that_lead_out_are_refused() {
    for name in ["../outside/x", "a/../../outside/x", ".."] {
        let error = bad(Tar::new().file(name, b"x"));
        assert!(
            matches!(error, UnpackError::Escape { .. }),
            "{name}: {error}"
        );
    }
    let error = bad(Tar::new().hard_link("x", "../outside/secret"));
    assert!(matches!(error, UnpackError::Escape { .. }), "{error}");
    // Absolute ones start at the top of the tree, where there is no such file.
    let error = bad(Tar::new().hard_link("x", "/outside/secret"));
    assert!(matches!(error, UnpackError::HardLink { .. }), "{error}");
    let error = bad(Tar::new().file("x", b"").hard_link("x", "x"));
    assert!(matches!(error, UnpackError::HardLink { .. }), "{error}");
    for name in [".wh.", ".wh..", ".wh...", "a/.wh..."] {
        let error = bad(Tar::new().file("a/b", b"").file(name, b""));
        assert!(
            matches!(error, UnpackError::Escape { .. }),
            "{name}: {error}"
        );
    }
}

#[test]
fn planted_links_are_followed_inside_the_tree_only() {
    let (place, _) = good(&[
        Tar::new()
            .symlink("absolute", "/outside")
            .symlink("relative", "../../../outside")
            .symlink("lib", "usr/lib")
            .directory("usr/lib", 0o755)
            .finish(),
        Tar::new()
            .file("absolute/secret", b"mine")
            .file("relative/other", b"mine")
            .file("relative/.wh.nothing", b"")
            .file("lib/library", b"in usr")
            .directory("relative", 0o700)
            .finish(),
    ]);
    let root = place.path("root");
    assert_eq!(read(&root.join("outside/secret")), "mine");
    assert_eq!(read(&root.join("outside/other")), "mine");
    assert_eq!(read(&root.join("usr/lib/library")), "in usr");
}

/// The targets are the real paths of the test's own directory.
#[test]
fn links_to_real_paths_are_not_followed_either() {
    let place = Place::new();
    fs::create_dir(place.path("outside")).unwrap();
    fs::write(place.path("outside/secret"), "secret").unwrap();
    let outside = place.path("outside");
    let outside = outside.to_str().unwrap();
    assert!(outside.len() < 90, "it has to fit into a header");
    let layer = Tar::new()
        .symlink("out", outside)
        .symlink("file", &format!("{outside}/secret"))
        .file("file", b"replaced")
        .file("out/planted", b"")
        .file("out/.wh.secret", b"")
        .symlink("gone", outside)
        .file(".wh.gone", b"")
        .directory("late", 0o755)
        .directory("late/secret", 0o777)
        .symlink("late", outside)
        .finish();
    let mut files = Files::default();
    let descriptor = files.image(&[&layer]);
    files.layout(&[descriptor]);
    let image = open(&place.directory("oci", &files), &options(None)).unwrap();
    let mode = |path: &str| fs::metadata(place.path(path)).unwrap().mode();
    let before = mode("outside/secret");
    unpack(
        &image,
        &directory(&place.path("root")),
        &UnpackOptions::default(),
    )
    .unwrap();
    assert_eq!(names(&place.path("outside")), ["secret"]);
    assert_eq!(read(&place.path("outside/secret")), "secret");
    assert_eq!(mode("outside/secret"), before);
    assert_eq!(read(&place.path("root/file")), "replaced");
    let inside = place.path("root").join(outside.trim_start_matches('/'));
    assert!(inside.join("planted").exists());
}

#[test]
fn circles_and_files_in_the_way_are_errors() {
    let error = bad(Tar::new()
        .symlink("a", "b")
        .symlink("b", "a")
        .file("a/x", b""));
    assert!(matches!(error, UnpackError::LinkLoop(_)), "{error}");
    let error = bad(Tar::new().file("a", b"").file("a/x", b""));
    assert!(matches!(error, UnpackError::NotADirectory(_)), "{error}");
}

#[test]
fn bounds_are_kept() {
    let layers = [
        Tar::new().file("a", &[0; 5000]).finish(),
        Tar::new().file("b", &[0; 5000]).finish(),
    ];
    let (place, image) = image(&layers);
    let bytes = |bytes| UnpackOptions {
        max_bytes: ByteSize::from_bytes(bytes),
        ..UnpackOptions::default()
    };
    // Each archive: a header, ten blocks, and the end, which the crate pads to two blocks.
    let whole = layers.iter().map(Vec::len).sum::<usize>() as u64;
    let error = unpack(&image, &directory(&place.path("1")), &bytes(whole - 1)).unwrap_err();
    assert!(matches!(error, UnpackError::TooLarge(_)), "{error}");
    unpack(&image, &directory(&place.path("2")), &bytes(whole)).unwrap();
    let entries = |max_entries| UnpackOptions {
        max_entries,
        ..UnpackOptions::default()
    };
    let error = unpack(&image, &directory(&place.path("3")), &entries(1)).unwrap_err();
    assert!(matches!(error, UnpackError::TooMany(1)), "{error}");
    unpack(&image, &directory(&place.path("4")), &entries(2)).unwrap();
}

#[test]
fn directories_on_the_way_count_as_entries() {
    let (place, image) = image(&[Tar::new().file("a/b/c/d", b"").file("e", b"").finish()]);
    let entries = |max_entries| UnpackOptions {
        max_entries,
        ..UnpackOptions::default()
    };
    let error = unpack(&image, &directory(&place.path("1")), &entries(4)).unwrap_err();
    assert!(matches!(error, UnpackError::TooMany(4)), "{error}");
    unpack(&image, &directory(&place.path("2")), &entries(5)).unwrap();
}

#[test]
fn a_directory_that_this_layer_fills_outlives_its_whiteout() {
    let lower = Tar::new()
        .file("a/old", b"1")
        .file("a-b/old", b"2")
        .finish();
    let upper = Tar::new()
        .file("a/deep/new", b"3")
        .file("a/.wh..wh..opq", b"")
        .file(".wh.a", b"")
        .file(".wh.a-b", b"");
    let (place, _) = good(&[lower, upper.finish()]);
    assert_eq!(read(&place.path("root/a/deep/new")), "3");
    assert!(!place.path("root/a/old").exists());
    assert!(!place.path("root/a-b").exists());
}

#[test]
fn a_header_that_asks_for_too_much_memory_is_refused() {
    let mut long = header(tar::EntryType::XHeader, 0o644);
    long.set_path("pax").unwrap();
    long.set_size(3 << 20);
    long.set_cksum();
    let error = bad(Tar::new().raw(&long, &vec![b'a'; 3 << 20]).file("x", b""));
    assert!(
        matches!(error, UnpackError::Read { layer: 1, .. }),
        "{error}"
    );
}

#[test]
fn data_that_no_entry_wants_is_not_taken_for_headers() {
    let mut device = header(tar::EntryType::Char, 0o644);
    device.set_path("device").unwrap();
    device.set_size(2 << 20);
    device.set_cksum();
    let layer = Tar::new()
        .raw(&device, &vec![1; 2 << 20])
        .file("next", b"here");
    let (place, _) = good(&[layer.finish()]);
    assert_eq!(read(&place.path("root/next")), "here");
}

#[test]
fn the_uncompressed_digest_is_checked() {
    let (real, other) = (Tar::new().file("a", b"").finish(), Tar::new().finish());
    let mut files = Files::default();
    let config = files.blob(MediaType::OciConfig, &config(&[&other]));
    let layer = files.blob(MediaType::OciLayerGzip, &gzip(&real));
    let manifest = serde_json::json!({"schemaVersion": 2, "config": config, "layers": [layer]});
    let manifest = files.blob(MediaType::OciManifest, manifest.to_string().as_bytes());
    files.layout(&[manifest]);
    let place = Place::new();
    let image = open(&place.directory("oci", &files), &options(None)).unwrap();
    let error = unpack(
        &image,
        &directory(&place.path("root")),
        &UnpackOptions::default(),
    )
    .unwrap_err();
    assert!(
        matches!(error, UnpackError::DiffId { layer: 1, .. }),
        "{error}"
    );
}

#[test]
fn every_compression_is_read_and_the_directory_must_be_empty() {
    let plain = Tar::new().file("a", b"content").finish();
    let mut twice = gzip(&plain[..700]);
    twice.extend(gzip(&plain[700..]));
    let zstd = zstd::encode_all(&plain[..], 3).unwrap();
    for layer in [plain.clone(), gzip(&plain), twice, zstd] {
        let mut files = Files::default();
        let config = files.blob(MediaType::OciConfig, &config(&[&plain]));
        // The type is wrong for some: the bytes decide.
        let layer = files.blob(MediaType::OciLayerGzip, &layer);
        let manifest = serde_json::json!({"schemaVersion": 2, "config": config, "layers": [layer]});
        let manifest = files.blob(MediaType::OciManifest, manifest.to_string().as_bytes());
        files.layout(&[manifest]);
        let place = Place::new();
        let image = open(&place.directory("oci", &files), &options(None)).unwrap();
        let root = place.path("root");
        unpack(&image, &directory(&root), &UnpackOptions::default()).unwrap();
        assert_eq!(read(&root.join("a")), "content");
        let error = unpack(&image, &directory(&root), &UnpackOptions::default()).unwrap_err();
        assert!(matches!(error, UnpackError::Occupied(_)), "{error}");
    }
}

#[test]
fn a_directory_that_is_a_link_of_the_user_is_used() {
    let (place, image) = image(&[Tar::new().file("a", b"").finish()]);
    fs::create_dir(place.path("real")).unwrap();
    symlink("real", place.path("link")).unwrap();
    unpack(
        &image,
        &directory(&place.path("link")),
        &UnpackOptions::default(),
    )
    .unwrap();
    assert!(place.path("real/a").exists());
}

#[test]
fn files_that_no_config_names_are_unpacked_in_order() {
    let place = Place::new();
    let lower = Tar::new().file("a", b"lower").file("b", b"b").finish();
    let upper = Tar::new().file("a", b"upper").file(".wh.b", b"").finish();
    fs::write(place.path("1"), gzip(&lower)).unwrap();
    fs::write(place.path("2"), &upper).unwrap();
    let file = |name: &str| fs::File::open(place.path(name)).unwrap();
    let layers = ["1", "2", "2"].map(file).into();
    let root = place.path("root");
    let unpacked = unpack_files(layers, &directory(&root), &UnpackOptions::default()).unwrap();
    assert_eq!(unpacked.layers, 3);
    assert_eq!(names(&root), ["a"]);
    assert_eq!(read(&root.join("a")), "upper");
    fs::write(place.path("3"), Tar::new().file("../out", b"x").finish()).unwrap();
    let error = unpack_files(
        vec![file("3")],
        &directory(&place.path("other")),
        &UnpackOptions::default(),
    );
    assert!(
        matches!(error, Err(UnpackError::Escape { layer: 1, .. })),
        "{error:?}"
    );
}

#[test]
fn an_archive_without_its_end_is_read_to_its_last_file() {
    let mut layer = Tar::new().file("a", b"one").file("b", b"two").finish();
    // Two blocks of zeros end an archive; before them the last file is padded to a block of its own.
    let end = layer.iter().rposition(|byte| *byte == b'o').unwrap() + 1;
    layer.truncate(end);
    let (place, report) = good(&[layer]);
    assert_eq!(report.files, 2);
    assert_eq!(read(&place.path("root/b")), "two");
}

/// An entry over what a layer below it made a link: the way to the last directory is not remembered beyond that.
#[test]
fn a_directory_that_is_replaced_is_not_written_to() {
    let (place, _) = good(&[Tar::new()
        .file("a/one", b"1")
        .symlink("a", "outside")
        .file("a/two", b"2")
        .directory("b/c", 0o755)
        .file("b/c/one", b"1")
        .file("b", b"")
        .file("b2/c/two", b"2")
        .finish()]);
    let root = place.path("root");
    assert_eq!(read(&root.join("outside/two")), "2");
    assert!(root.join("a").symlink_metadata().unwrap().is_symlink());
    assert!(root.join("b").is_file());
}
