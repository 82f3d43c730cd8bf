//! What others have put beside the directory of a pull, or into it: nothing outside is touched.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use regstorm::oci::Operation;
use rustix::fs::{CWD, Mode, mkfifoat};

use super::bench::{Bench, contents, layout, names, two_layers};

fn filled() -> Bench {
    let bench = Bench::new();
    layout(&two_layers()).0.directory(&bench.path("oci"));
    bench.push("oci", &["a:1"]).ended(0);
    fs::create_dir_all(bench.path("victim/root/image/blobs")).unwrap();
    fs::write(bench.path("victim/root/file"), "precious").unwrap();
    fs::write(bench.path("victim/shadow"), vec![b'v'; 300_000]).unwrap();
    bench
}

/// Nothing that the victim has was changed, and nothing was added.
#[track_caller]
fn untouched(bench: &Bench) {
    let found = contents(&bench.path("victim"));
    let wanted = [
        ("root/file".to_owned(), b"precious".to_vec()),
        ("shadow".to_owned(), vec![b'v'; 300_000]),
    ];
    assert!(found == wanted, "{:?}", names(&bench.path("victim")));
    assert_eq!(
        fs::metadata(bench.path("victim/shadow")).unwrap().mode() & 0o777,
        0o644
    );
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The blob of the large layer, the one that a test can do something with.
fn largest(bench: &Bench) -> String {
    let blobs = bench.path("oci/blobs/sha256");
    let size = |name: &String| fs::metadata(blobs.join(name)).unwrap().len();
    names(&blobs).into_iter().max_by_key(size).unwrap()
}

type Plant = fn(&Path, &Path);

#[test]
fn the_directory_beside_is_refused_before_anything_is_fetched() {
    let plants: [(&str, Plant); 4] = [
        ("symbolic link", |victim, place| {
            symlink(victim, place).unwrap();
        }),
        ("a file", |_, place| fs::write(place, "x").unwrap()),
        ("other users may write", |_, place| {
            fs::create_dir(place).unwrap();
            mode(place, 0o777);
        }),
        ("belongs to user 65534", |_, place| {
            fs::create_dir(place).unwrap();
            std::os::unix::fs::chown(place, Some(65534), None).unwrap();
        }),
    ];
    for (words, plant) in plants {
        // Only root can give something away.
        if words.contains("65534") && fs::metadata("/proc/self").unwrap().uid() != 0 {
            continue;
        }
        for (directory, place) in [("x", ".x.regstorm"), ("there", "there/.regstorm-pull")] {
            let bench = filled();
            fs::create_dir(bench.path("there")).unwrap();
            plant(&bench.path("victim"), &bench.path(place));
            let before = bench.registry.requests().len();
            bench
                .pull(&["a:1", directory, "--unpack"])
                .ended(2)
                .says(&[place, words]);
            assert_eq!(bench.registry.requests().len(), before);
            untouched(&bench);
            assert!(
                bench.path(place).symlink_metadata().is_ok(),
                "it is not ours to remove"
            );
        }
    }
}

/// Somebody has got into the directory itself, by whatever way; every name in it may be a link or a pipe.
#[test]
fn no_name_in_the_directory_is_followed() {
    let digest = largest(&filled());
    let part = format!(".x.regstorm/image/blobs/.partial/sha256-{digest}");
    let blob = format!(".x.regstorm/image/blobs/sha256/{digest}");
    let dot = ".x.regstorm/image/blobs";
    for (name, target, code) in [
        (part.as_str(), "victim/shadow", 1),
        (blob.as_str(), "victim/shadow", 0),
        (".x.regstorm/image", "victim/root/image", 1),
        (dot, "victim/root/image/blobs", 1),
        (".x.regstorm/image/index.json", "victim/root/file", 1),
        (".x.regstorm/image/oci-layout", "victim/root/file", 0),
        (".x.regstorm/root", "victim/root", 0),
    ] {
        let bench = filled();
        let place = bench.path(name);
        let mut builder = fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .recursive(true)
            .create(place.parent().unwrap())
            .unwrap();
        symlink(bench.path(target), &place).unwrap();
        let said = bench.pull(&["a:1", "x", "--unpack"]).ended(code);
        if code != 0 {
            said.says(&["symbolic link", name]);
        }
        untouched(&bench);
    }
}

#[test]
fn a_part_with_a_second_name_is_not_written_to() {
    for form in [&[][..], &["--layers"], &["--unpack"]] {
        let bench = filled();
        let digest = largest(&bench);
        let part = match form {
            [] => format!("x/blobs/.partial/sha256-{digest}"),
            ["--layers"] => format!("x/.sha256-{digest}.partial"),
            _ => format!(".x.regstorm/image/blobs/.partial/sha256-{digest}"),
        };
        let place = bench.path(&part);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::hard_link(bench.path("victim/shadow"), &place).unwrap();
        let arguments = [&["a:1", "x"], form].concat();
        bench.pull(&arguments).ended(1).says(&[&part, "hard links"]);
        untouched(&bench);
        // A file that others may write to is as little ours, whatever it holds.
        fs::remove_file(&place).unwrap();
        fs::write(&place, "x").unwrap();
        mode(&place, 0o666);
        bench
            .pull(&arguments)
            .ended(1)
            .says(&[&part, "other users may write"]);
        // And a pipe would be waited for.
        fs::remove_file(&place).unwrap();
        mkfifoat(CWD, &place, Mode::from_raw_mode(0o600)).unwrap();
        bench.pull(&arguments).ended(1).says(&[&part, "a pipe"]);
        fs::remove_file(&place).unwrap();
        bench.pull(&arguments).ended(0);
        untouched(&bench);
    }
}

#[test]
fn a_blob_that_others_may_write_to_counts_as_missing() {
    let bench = filled();
    bench.pull(&["a:1", "x"]).ended(0);
    let whole = contents(&bench.path("x"));
    let blob = bench.path("x/blobs/sha256").join(largest(&bench));
    let size = fs::metadata(&blob).unwrap().len();
    // The size is right, and nobody hashes what is there.
    fs::write(&blob, vec![0; usize::try_from(size).unwrap()]).unwrap();
    mode(&blob, 0o666);
    let said = bench.pull(&["a:1", "x"]).ended(0);
    assert!(said.out.contains("1 blob fetched, 2 present"), "{said:?}");
    assert_eq!(contents(&bench.path("x")), whole);
}

#[test]
fn what_is_made_is_for_this_user_alone() {
    let bench = filled();
    // The last layer does not come, so that everything is still there.
    let cut = regstorm::embedded::Fault::on(
        Operation::BlobGet,
        regstorm::embedded::FaultKind::Close(regstorm::embedded::Point::AfterBody(
            regstorm::units::ByteSize::from_bytes(70_000),
        )),
    );
    bench.registry.set_faults(vec![cut]).unwrap();
    bench.pull(&["a:1", "x", "--unpack"]).ended(1);
    for name in ["", "/image"] {
        let path = bench.path(&format!(".x.regstorm{name}"));
        assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o700);
    }
}
