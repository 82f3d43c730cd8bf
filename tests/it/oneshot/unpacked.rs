//! Root filesystems: where they may be made, and what is left when they cannot be.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use regstorm::embedded::{Fault, FaultKind, Point};
use regstorm::oci::Operation;
use regstorm::units::ByteSize;

use super::bench::{Bench, Entry, Said, contents, layout, names, noise, tar_of, two_layers};

fn filled(layers: &[Vec<u8>]) -> Bench {
    let bench = Bench::new();
    layout(layers).0.directory(&bench.path("oci"));
    bench.push("oci", &["a:1"]).ended(0);
    bench
}

fn expected() -> [(String, Vec<u8>); 2] {
    [
        ("big".to_owned(), noise(7, 200_000)),
        ("etc/name".to_owned(), b"upper".to_vec()),
    ]
}

/// A mount point and a current directory cannot be replaced; what is there and empty is filled, and stays the same directory.
#[test]
fn the_current_directory_is_filled() {
    for directory in [".", "../here", "below/.."] {
        let bench = filled(&two_layers());
        let here = bench.path("here");
        fs::create_dir(&here).unwrap();
        if directory.starts_with("below") {
            fs::create_dir(here.join("below")).unwrap();
        }
        let inode = fs::metadata(&here).unwrap().ino();
        let url = bench.registry.url();
        let mut command = bench.command(&["pull", &url, "a:1", directory, "--unpack"]);
        let said = Said::from(command.current_dir(&here).output().unwrap());
        if directory.starts_with("below") {
            said.ended(2).says(&["not empty"]);
            continue;
        }
        said.ended(0);
        assert_eq!(contents(&here), expected());
        assert_eq!(names(&here), ["big", "etc"]);
        assert_eq!(fs::metadata(&here).unwrap().ino(), inode);
        assert_eq!(names(here.parent().unwrap()), ["here", "oci"]);
    }
}

/// In a mount namespace of its own, which the system may refuse to this user.
#[test]
fn a_mount_point_is_filled() {
    let bench = filled(&two_layers());
    fs::create_dir(bench.path("mount")).unwrap();
    let script = "mount -t tmpfs none mount || exit 99; \
        \"$0\" pull \"$1\" a:1 mount --unpack && ls -A mount && cat mount/etc/name";
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .args([env!("CARGO_BIN_EXE_regstorm"), &bench.registry.url()])
        .current_dir(bench.path(""))
        .output();
    let Ok(output) = output else { return };
    let said = Said::from(output);
    let refused = said.code == 99 || said.err.contains("unshare");
    if refused {
        return; // what `the_current_directory_is_filled` holds is what a mount point needs
    }
    let said = said.ended(0);
    assert!(said.out.ends_with("big\netc\nupper"), "{said:?}");
}

#[test]
fn a_directory_that_is_there_is_gone_on_with() {
    let bench = filled(&two_layers());
    fs::create_dir(bench.path("there")).unwrap();
    let cut = FaultKind::Close(Point::AfterBody(ByteSize::from_bytes(70_000)));
    bench
        .registry
        .set_faults(vec![Fault::on(Operation::BlobGet, cut)])
        .unwrap();
    let arguments = ["a:1", "there", "--unpack", "--parallel", "1"];
    bench.pull(&arguments).ended(1).says(&["same command"]);
    assert_eq!(names(&bench.path("there")), [".regstorm-pull"]);
    bench.registry.set_faults(Vec::new()).unwrap();
    let before = bench.registry.requests().len();
    bench.pull(&arguments).ended(0);
    let resumed = bench.since(before);
    assert!(resumed.contains(&"blob-get 206".to_owned()), "{resumed:?}");
    assert_eq!(contents(&bench.path("there")), expected());
    assert_eq!(names(&bench.path("there")), ["big", "etc"]);
}

/// The three ways to fail late: a name that leads out, too many bytes, and another digest than the config names.
#[test]
fn a_failed_unpack_keeps_the_blobs_and_nothing_else() {
    let zeros = vec![0; 4 << 20];
    let bomb = tar_of(&[Entry::File("fine", b"x"), Entry::File("zeros", &zeros)]);
    let escape = tar_of(&[Entry::File("fine", b"x"), Entry::File("../out", b"x")]);
    for (layer, option, words) in [
        (bomb, &["--max-unpacked", "1MiB"][..], "--max-unpacked"),
        (escape, &[], "../out"),
    ] {
        for (directory, place) in [("x", ".x.regstorm"), ("there", "there/.regstorm-pull")] {
            let bench = filled(std::slice::from_ref(&layer));
            fs::create_dir(bench.path("there")).unwrap();
            let arguments = [&["a:1", directory, "--unpack"], option].concat();
            bench.pull(&arguments).ended(1).says(&[words]);
            assert_eq!(names(&bench.path(place)), ["image"]);
            assert!(!bench.path("x").exists());
            // Nothing has to come again.
            let before = bench.registry.requests().len();
            bench.pull(&arguments).ended(1).says(&[words]);
            assert_eq!(bench.since(before), ["manifest-get 200"]);
        }
    }
}

#[test]
fn a_larger_limit_unpacks_what_a_smaller_one_refused() {
    let zeros = vec![0; 4 << 20];
    let bench = filled(&[tar_of(&[Entry::File("zeros", &zeros)])]);
    let limited = |limit| bench.pull(&["a:1", "x", "--unpack", "--max-unpacked", limit]);
    limited("4MiB").ended(1).says(&["4MiB"]);
    limited("5MiB").ended(0);
    let found = fs::metadata(bench.path("x/zeros")).unwrap();
    assert_eq!(found.len(), 4 << 20);
    // 8192 units of 512 bytes if the zeros were written.
    assert!(found.blocks() < 1024, "{} units", found.blocks());
    bench
        .pull(&["a:1", "y", "--max-unpacked", "1MiB"])
        .ended(2)
        .says(&["--unpack"]);
}
