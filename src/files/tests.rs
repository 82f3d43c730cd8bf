//! Links that were planted, links that were not, and trees that are deep.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, mkfifoat};

use super::status::me;
use super::*;

fn place() -> (tempfile::TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().to_owned();
    (place, path)
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// What was refused, and not what the system said.
#[track_caller]
fn distrust<T: std::fmt::Debug>(result: io::Result<T>) -> Distrust {
    let error = result.unwrap_err();
    Distrust::of(&error)
        .unwrap_or_else(|| panic!("another error: {error}"))
        .clone()
}

fn status(kind: Kind, owner: u32, mode: u32) -> Status {
    Status {
        kind,
        size: 0,
        owner,
        mode,
        links: 1,
    }
}

/// By the rule of Linux' `fs.protected_symlinks` (Documentation/admin-guide/sysctl/fs.rst): followed "when the uid of the
/// symlink and follower match, or when the directory owner matches the symlink's owner"; root is trusted besides.
#[test]
fn a_link_is_planted_by_who_has_no_part_in_the_directory() {
    let me = me();
    let (root, other, third) = (0, me + 1000, me + 2000);
    let link = |owner| status(Kind::Link, owner, 0o777);
    for (owner, directory, is_planted) in [
        (other, status(Kind::Directory, root, 0o1777), true),
        (other, status(Kind::Directory, me, 0o777), true),
        (other, status(Kind::Directory, me, 0o775), true),
        (other, status(Kind::Directory, third, 0o1777), true),
        (me, status(Kind::Directory, root, 0o1777), false),
        (root, status(Kind::Directory, other, 0o1777), false),
        (other, status(Kind::Directory, other, 0o1777), false),
        (other, status(Kind::Directory, root, 0o755), false),
    ] {
        let found = link(owner).is_planted_in(&directory);
        assert_eq!(found, is_planted, "{owner} in {directory:?}");
    }
}

#[test]
fn ours_is_what_nobody_else_can_have_a_part_in() {
    let me = me();
    assert!(status(Kind::File, me, 0o644).check_ours().is_ok());
    assert!(status(Kind::File, me + 1, 0o600).check_ours().is_err());
    assert!(status(Kind::File, me, 0o664).check_ours().is_err());
    assert!(status(Kind::File, me, 0o646).check_ours().is_err());
    let linked = Status {
        links: 2,
        ..status(Kind::File, me, 0o600)
    };
    assert!(linked.check_ours().is_err());
    // A directory has a name for each one in it.
    let directory = Status {
        kind: Kind::Directory,
        ..linked
    };
    assert!(directory.check_ours().is_ok());
}

#[test]
fn a_path_is_followed_as_the_system_would() {
    let (_place, path) = place();
    fs::create_dir_all(path.join("a/b")).unwrap();
    fs::write(path.join("a/file"), "old").unwrap();
    symlink("a", path.join("to-a")).unwrap();
    symlink("../a/file", path.join("a/to-file")).unwrap();
    symlink(path.join("a"), path.join("absolute")).unwrap();
    symlink("nowhere", path.join("dangling")).unwrap();
    symlink("loop", path.join("loop")).unwrap();
    for (name, wanted, is_link) in [
        ("a/file", "a/file", false),
        ("./a//b/../file", "a/file", false),
        ("to-a/file", "a/file", false),
        ("to-a/to-file", "a/file", true),
        ("absolute/b/../to-file", "a/file", true),
        ("dangling", "nowhere", true),
        ("new", "new", false),
    ] {
        let found = ResolvedPath::find(&path.join(name)).unwrap();
        found.write(name.as_bytes()).unwrap();
        assert_eq!(
            fs::read_to_string(path.join(wanted)).unwrap(),
            name,
            "{name}"
        );
        assert_eq!(found.is_behind_link(), is_link, "{name}");
    }
    assert!(fs::read_link(path.join("dangling")).is_ok(), "it stays");
    for (name, kind) in [
        ("none/file", io::ErrorKind::NotFound),
        ("a/file/deeper", io::ErrorKind::NotADirectory),
        ("..", io::ErrorKind::IsADirectory),
    ] {
        let error = ResolvedPath::find(&path.join(name)).unwrap_err();
        assert_eq!(error.kind(), kind, "{name}");
    }
    let error = ResolvedPath::find(&path.join("loop")).unwrap_err();
    assert_eq!(
        error.raw_os_error(),
        Some(rustix::io::Errno::LOOP.raw_os_error())
    );
    let error = ResolvedPath::find(&path.join("a"))
        .unwrap()
        .write(b"")
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
    assert_eq!(
        fs::read_dir(path.join("a")).unwrap().count(),
        3,
        "no remains"
    );
}

#[test]
fn a_descriptor_of_this_process_is_a_file() {
    let (_place, path) = place();
    let file = fs::File::create(path.join("file")).unwrap();
    let descriptor = std::os::fd::AsRawFd::as_raw_fd(&file);
    let name = PathBuf::from(format!("/dev/fd/{descriptor}"));
    ResolvedPath::find(&name)
        .unwrap()
        .write(b"through")
        .unwrap();
    assert_eq!(fs::read_to_string(path.join("file")).unwrap(), "through");
}

#[test]
fn names_in_a_directory_lead_nowhere_else() {
    let (_place, path) = place();
    fs::write(path.join("victim"), "precious").unwrap();
    fs::create_dir(path.join("work")).unwrap();
    fs::create_dir(path.join("elsewhere")).unwrap();
    symlink("../victim", path.join("work/file")).unwrap();
    symlink("../elsewhere", path.join("work/directory")).unwrap();
    mkfifoat(CWD, path.join("work/pipe"), Mode::from_raw_mode(0o600)).unwrap();
    let work = Directory::open(&path.join("work")).unwrap();
    for name in ["file", "pipe"] {
        // A pipe that nobody writes to would make an opener wait for ever.
        assert!(matches!(
            distrust(work.open_file(name)),
            Distrust::Kind { .. }
        ));
        assert!(matches!(
            distrust(work.resume_file(name)),
            Distrust::Kind { .. }
        ));
        assert!(work.create_file(name).is_err());
    }
    assert!(matches!(
        distrust(work.child("directory")),
        Distrust::Kind { .. }
    ));
    assert!(matches!(
        distrust(work.ours("directory")),
        Distrust::Kind { .. }
    ));
    assert!(matches!(
        distrust(work.part("directory")),
        Distrust::Kind { .. }
    ));
    for name in ["", ".", "..", "../victim", "/etc"] {
        assert!(work.look(name).is_err(), "{name}");
        assert!(work.remove_all(name).is_err(), "{name}");
    }
    work.replace("file", 0o644, |file| file.write_all(b"new"))
        .unwrap();
    work.remove_all("directory").unwrap();
    assert_eq!(fs::read_to_string(path.join("victim")).unwrap(), "precious");
    assert_eq!(fs::read_to_string(path.join("work/file")).unwrap(), "new");
    assert!(path.join("elsewhere").is_dir());
    // The directory is the one that was opened, whatever has its name now.
    fs::rename(path.join("work"), path.join("moved")).unwrap();
    symlink("elsewhere", path.join("work")).unwrap();
    work.create_file("later").unwrap();
    assert!(path.join("moved/later").exists());
}

#[test]
fn what_is_ours_is_made_so_and_checked() {
    let (_place, path) = place();
    let directory = Directory::open(&path).unwrap();
    drop(directory.ours("own").unwrap());
    assert_eq!(
        fs::metadata(path.join("own")).unwrap().mode() & 0o7777,
        0o700
    );
    directory.ours("own").unwrap();
    for writable in [0o770, 0o707] {
        mode(&path.join("own"), writable);
        assert!(matches!(
            distrust(directory.ours("own")),
            Distrust::Writable { .. }
        ));
    }
    drop(directory.resume_file("part").unwrap());
    directory.resume_file("part").unwrap();
    fs::hard_link(path.join("part"), path.join("second")).unwrap();
    assert_eq!(
        distrust(directory.resume_file("part")),
        Distrust::Linked { links: 2 }
    );
    fs::remove_file(path.join("second")).unwrap();
    mode(&path.join("part"), 0o666);
    assert!(matches!(
        distrust(directory.resume_file("part")),
        Distrust::Writable { .. }
    ));
    // Only root can give something away.
    if me() == 0 {
        mode(&path.join("part"), 0o644);
        std::os::unix::fs::chown(path.join("part"), Some(65534), None).unwrap();
        assert_eq!(
            distrust(directory.resume_file("part")),
            Distrust::Owner {
                owner: 65534,
                me: 0
            }
        );
        mode(&path, 0o1777);
        symlink("own", path.join("planted")).unwrap();
        std::os::unix::fs::lchown(path.join("planted"), Some(65534), None).unwrap();
        for found in [
            Directory::open(&path.join("planted")).map(drop),
            Directory::create_all(&path.join("planted/below")).map(drop),
            ResolvedPath::find(&path.join("planted")).map(drop),
            ResolvedPath::find(&path.join("planted/file")).map(drop),
        ] {
            assert!(matches!(distrust(found), Distrust::Planted { .. }));
        }
    }
}

#[test]
fn a_write_that_fails_leaves_the_old_file_and_nothing_else() {
    let (_place, path) = place();
    fs::write(path.join("file"), "old").unwrap();
    let directory = Directory::open(&path).unwrap();
    let written = directory.replace("file", 0o644, |file| {
        file.write_all(b"half")?;
        Err(io::ErrorKind::StorageFull.into())
    });
    assert_eq!(written.unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(fs::read_to_string(path.join("file")).unwrap(), "old");
    assert_eq!(directory.names(9).unwrap(), ["file"]);
}

/// Deeper than a path may be long and than a process may have files open, with directories that may not be written to, and
/// names that the removal might choose itself.
#[test]
fn deep_trees_are_removed_and_links_in_them_not_followed() {
    let (_place, path) = place();
    fs::write(path.join("victim"), "precious").unwrap();
    let directory = Directory::open(&path).unwrap();
    let mut here = directory.make("top", 0o700).unwrap();
    here.make(".removed-0", 0o700).unwrap();
    here.create_file(".removed-1").unwrap();
    for depth in 0..5000 {
        let name = if depth % 2 == 0 { "a" } else { ".removed-3" };
        here.symlink(b"../victim", "link").unwrap();
        here = here.make(name, 0o700).unwrap();
    }
    drop(here);
    fs::create_dir_all(path.join("top/closed/inner")).unwrap();
    mode(&path.join("top/closed/inner"), 0o555);
    mode(&path.join("top/closed"), 0o100);
    directory.remove_all("top").unwrap();
    assert!(!path.join("top").exists());
    assert_eq!(fs::read_to_string(path.join("victim")).unwrap(), "precious");
    directory.remove_all("top").unwrap();
}

#[test]
fn nothing_is_replaced_by_a_move() {
    let (_place, path) = place();
    for name in ["from", "to", "to/taken"] {
        fs::create_dir(path.join(name)).unwrap();
    }
    for name in ["from/taken", "from/free"] {
        fs::create_dir(path.join(name)).unwrap();
        // A directory without leave to write cannot be moved by a user, since `..` in it changes.
        mode(&path.join(name), 0o555);
    }
    let [from, to] = ["from", "to"].map(|name| Directory::open(&path.join(name)).unwrap());
    let error = from.move_to("taken", &to, "taken").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    from.move_to("free", &to, "free").unwrap();
    for name in ["from/taken", "to/free"] {
        let found = fs::metadata(path.join(name)).unwrap().mode();
        assert_eq!(found & 0o777, 0o555, "{name}");
    }
}

#[test]
fn one_command_at_a_time_has_a_directory() {
    let (_place, path) = place();
    let directory = Directory::open(&path).unwrap();
    let lock = directory.lock().unwrap();
    assert!(lock.is_some());
    assert!(Directory::open(&path).unwrap().lock().unwrap().is_none());
    drop(lock);
    assert!(directory.lock().unwrap().is_some());
}
