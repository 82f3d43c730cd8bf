//! Finding the image in a file or directory, and refusing what is none.

use super::*;
use crate::content::testing::{Files, Place, Tar, gzip, header, options};

fn refused(name: &str, bytes: &[u8]) -> ContentError {
    let place = Place::new();
    let path = place.archive(name, bytes);
    open(&path, &OpenOptions::default()).unwrap_err()
}

#[test]
fn what_is_no_image_is_told_by_what_is_there() {
    let mut files = Files::default();
    files.add("etc/passwd", b"root");
    files.add("readme", b"hello");
    for found in [
        refused("root.tar", &files.tar()),
        open(
            &Place::new().directory("root", &files),
            &OpenOptions::default(),
        )
        .unwrap_err(),
    ] {
        let text = found.to_string();
        assert!(matches!(found, ContentError::NotAnImage { .. }), "{text}");
        assert!(text.contains("manifest.json"), "{text}");
    }
    assert!(
        refused("root.tar", &files.tar())
            .to_string()
            .contains("etc, readme")
    );
    assert!(matches!(
        refused("empty", b""),
        ContentError::NotAnImage { .. }
    ));
    assert!(matches!(
        refused("text", &b"no tar ".repeat(200)),
        ContentError::Read { .. }
    ));
    files.add("repositories", b"{}");
    assert!(matches!(
        refused("old.tar", &files.tar()),
        ContentError::TooOld(_)
    ));
}

#[test]
fn a_missing_path_and_a_socket_are_errors() {
    let place = Place::new();
    let missing = open(&place.path("none"), &OpenOptions::default()).unwrap_err();
    assert!(matches!(missing, ContentError::Read { .. }));
    let path = place.path("socket");
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let special = open(&path, &OpenOptions::default()).unwrap_err();
    assert!(matches!(special, ContentError::Special(_)), "{special}");
}

#[test]
fn names_that_leave_the_archive_are_refused() {
    for name in ["../manifest.json", "/etc/passwd", "a/../../b"] {
        let tar = Tar::new()
            .file("manifest.json", b"[]")
            .file(name, b"x")
            .finish();
        let error = refused("hostile.tar", &tar);
        assert!(
            matches!(error, ContentError::Escape { .. }),
            "{name}: {error}"
        );
    }
}

#[test]
fn links_that_leave_the_archive_are_refused() {
    for target in ["/etc/passwd", "../x", "a/../../x"] {
        for tar in [
            Tar::new().symlink("manifest.json", target),
            Tar::new().hard_link("manifest.json", target),
        ] {
            let error = refused("hostile.tar", &tar.finish());
            assert!(
                matches!(error, ContentError::Escape { .. }),
                "{target}: {error}"
            );
        }
    }
    let circle = Tar::new()
        .symlink("manifest.json", "x")
        .hard_link("x", "manifest.json")
        .finish();
    assert!(matches!(
        refused("circle.tar", &circle),
        ContentError::LinkLoop(_)
    ));
}

#[test]
fn special_and_sparse_entries_are_refused() {
    for kind in [
        tar::EntryType::Fifo,
        tar::EntryType::Char,
        tar::EntryType::Block,
    ] {
        let tar = Tar::new().entry(kind, "manifest.json").finish();
        let error = refused("device.tar", &tar);
        assert!(matches!(error, ContentError::Special(_)), "{error}");
    }
    let mut sparse = header(tar::EntryType::GNUSparse, 0o644);
    sparse.set_path("manifest.json").unwrap();
    sparse.as_gnu_mut().unwrap().realsize = *b"00000000000\0";
    sparse.set_cksum();
    let error = refused("sparse.tar", &Tar::new().raw(&sparse, b"").finish());
    assert!(matches!(error, ContentError::Sparse(_)), "{error}");
}

#[test]
fn sizes_that_are_lies_are_refused() {
    let claim = |kind, size| {
        let mut header = header(kind, 0o644);
        header.set_path("manifest.json").unwrap();
        header.set_size(size);
        header.set_cksum();
        Tar::new().raw(&header, b"[]").finish()
    };
    let regular = tar::EntryType::Regular;
    let error = refused("short.tar", &claim(regular, 1 << 40));
    assert!(matches!(error, ContentError::Truncated(_)), "{error}");
    let error = refused("huge.tar", &claim(regular, u64::MAX - 511));
    assert!(
        matches!(
            error,
            ContentError::Read { .. } | ContentError::Truncated(_)
        ),
        "{error}"
    );

    // A name of two megabytes, all of it there.
    let mut header = header(tar::EntryType::GNULongName, 0o644);
    header.set_size(2 << 20);
    header.set_cksum();
    let tar = Tar::new().raw(&header, &vec![b'a'; 2 << 20]).file("x", b"");
    let error = refused("name.tar", &tar.finish());
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("1 MiB"), "{error}: {source}");
}

#[test]
fn a_compressed_archive_has_a_limit() {
    let mut files = Files::default();
    files.add("zeros", &vec![0; 3 << 20]);
    let place = Place::new();
    let packed = gzip(&files.tar());
    assert!(packed.len() < 100_000);
    let path = place.archive("bomb.tar.gz", &packed);
    let small = OpenOptions {
        max_unpacked: ByteSize::from_mib(2),
        ..OpenOptions::default()
    };
    let error = open(&path, &small).unwrap_err();
    assert!(matches!(error, ContentError::TooLarge { .. }), "{error}");
    assert!(error.to_string().contains("2MiB"), "{error}");
    let error = open(&path, &options(None)).unwrap_err();
    assert!(matches!(error, ContentError::NotAnImage { .. }), "{error}");
    let cut = place.archive("cut.tar.gz", &packed[..packed.len() / 2]);
    assert!(matches!(open(&cut, &small), Err(ContentError::Read { .. })));
}

#[test]
fn malformed_documents_are_named() {
    for name in ["manifest.json", "index.json"] {
        for text in ["", "{", "null", "{\"schemaVersion\":2}", "<html>"] {
            // JSON, and all that is required: an index of nothing.
            if name == "index.json" && text == "{\"schemaVersion\":2}" {
                continue;
            }
            let mut files = Files::default();
            files.add("oci-layout", b"{}");
            files.add(name, text.as_bytes());
            let error = refused("bad.tar", &files.tar());
            assert!(
                matches!(error, ContentError::Json { .. }),
                "{text}: {error}"
            );
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}

#[test]
fn archives_in_a_form_that_is_not_read_say_which() {
    let place = Place::new();
    // The first bytes of each, from file(1)'s magic.
    for (head, program) in [
        (&b"\xfd7zXZ\x00\x00\x04"[..], "xz"),
        (b"BZh91AY&SY", "bzip2"),
        (b"\x04\x22\x4d\x18\x64\x40", "lz4"),
        (b"PK\x03\x04\x14\x00", "zip"),
    ] {
        let path = place.archive("image.tar", head);
        let error = open(&path, &options(None)).unwrap_err().to_string();
        assert!(
            error.contains(&format!("compressed with {program},")),
            "{error}"
        );
        assert!(error.contains("image.tar"), "{error}");
    }
}
