//! Where results are written: through links of the user, and never through those that others have planted.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use regstorm::result::Document;
use rustix::fs::{CWD, Mode, mkfifoat};

const ONCE: &str = r#"name = "test"
[target]
url = "embedded"
[images.web]
source = "synthetic"
count = 1
layers = 1
layer_size = "1KiB"
[journey.pull]
action = "pull"
images = "web"
[[load]]
journey = "pull"
executor = "per-vu-iterations"
vus = 1
iterations = 1
"#;

/// Nobody: a user that may be given things to, and that no test is run by.
const OTHER: u32 = 65534;

fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("test.toml"), ONCE).expect("a file");
    fs::write(dir.path().join("victim"), "precious").expect("a file");
    dir
}

fn regstorm(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
}

/// A directory to which everybody may write, as `/tmp` is.
fn shared(dir: &Path) {
    let shared = dir.join("shared");
    fs::create_dir(&shared).expect("a directory");
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o1777)).expect("it is ours");
}

#[test]
fn a_link_of_the_user_is_written_through_and_told() {
    let dir = place();
    fs::create_dir(dir.path().join("real")).expect("a directory");
    fs::write(dir.path().join("real/old.json"), "old").expect("a file");
    symlink("real/old.json", dir.path().join("latest.json")).expect("a link");
    symlink("real/new.html", dir.path().join("latest.html"))
        .expect("a link that leads to nothing yet");
    let arguments = [
        "run",
        "test.toml",
        "--out",
        "latest.json",
        "--html",
        "latest.html",
    ];
    let output = regstorm(dir.path(), &arguments);
    let words = said(&output);
    // A machine that stands still may make a run invalid, which is no matter of where it is written.
    assert!(matches!(output.status.code(), Some(0 | 4)), "{words}");
    for (link, real) in [
        ("latest.json", "real/old.json"),
        ("latest.html", "real/new.html"),
    ] {
        let told = format!("{link} is a link: {real} is written");
        assert!(words.contains(&told), "no `{told}` in {words}");
        assert!(fs::read_link(dir.path().join(link)).is_ok(), "it stays");
    }
    assert!(Document::load(&dir.path().join("real/old.json")).is_ok());
    assert!(dir.path().join("real/new.html").is_file());
    let output = regstorm(dir.path(), &[&arguments[..], &["--quiet"]].concat());
    assert_eq!(said(&output), "");
}

/// Only root can put something under another user's name.
#[test]
fn what_another_user_has_planted_is_refused_before_anything_is_sent() {
    if !is_root() {
        return;
    }
    for option in [
        "--out",
        "--html",
        "--markdown",
        "--junit",
        "--csv",
        "--bencher",
    ] {
        for name in ["link", "dangling", "pipe", "directory/file"] {
            let dir = place();
            shared(dir.path());
            let at = |name: &str| dir.path().join("shared").join(name);
            symlink("../victim", at("link")).expect("a link");
            symlink("../new", at("dangling")).expect("a link");
            symlink("..", at("directory")).expect("a link");
            mkfifoat(CWD, at("pipe"), Mode::from_raw_mode(0o666)).expect("a pipe");
            for name in ["link", "dangling", "directory", "pipe"] {
                lchown(at(name), Some(OTHER), None).expect("this is root");
            }
            let path = format!("shared/{name}");
            let output = regstorm(dir.path(), &["run", "test.toml", option, &path]);
            let words = said(&output);
            assert_eq!(output.status.code(), Some(2), "{option} {name}: {words}");
            assert!(words.contains("65534"), "{words}");
            let victim = fs::read_to_string(dir.path().join("victim")).expect("a file");
            assert_eq!(victim, "precious");
            assert!(!dir.path().join("new").exists() && !dir.path().join("file").exists());
        }
    }
}

#[test]
fn the_directory_of_reports_is_not_led_elsewhere() {
    let dir = place();
    fs::create_dir(dir.path().join("reports")).expect("a directory");
    fs::create_dir(dir.path().join("elsewhere")).expect("a directory");
    symlink("../elsewhere", dir.path().join("reports/discarded")).expect("a link");
    let sides = ["--base", "embedded", "--candidate", "embedded"];
    let arguments = [&["ab", "test.toml", "--reports", "reports"], &sides[..]].concat();
    let output = regstorm(dir.path(), &arguments);
    let words = said(&output);
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert!(words.contains("symbolic link"), "{words}");
}

/// What `serve` writes to, and what it says.
fn serve(dir: &Path, ca: &str) -> (Option<i32>, String) {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--tls", "--ca-out", ca];
    let mut child = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    if lines.next().is_some() {
        let id = i32::try_from(child.id()).expect("an ID of Linux");
        kill(Pid::from_raw(id), Signal::SIGTERM).expect("it is not waited for yet");
    }
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), said(&output))
}

#[test]
fn the_certificate_of_serve_goes_through_links_of_the_user_only() {
    let dir = place();
    symlink("real.pem", dir.path().join("ca.pem")).expect("a link");
    let (code, words) = serve(dir.path(), "ca.pem");
    assert_eq!(code, Some(0), "{words}");
    let ca = fs::read_to_string(dir.path().join("real.pem")).expect("a file");
    assert!(ca.starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(fs::read_link(dir.path().join("ca.pem")).is_ok());
    if is_root() {
        shared(dir.path());
        let planted = dir.path().join("shared/ca.pem");
        symlink("../victim", &planted).expect("a link");
        lchown(&planted, Some(OTHER), None).expect("this is root");
        let (code, words) = serve(dir.path(), "shared/ca.pem");
        assert_eq!(code, Some(2), "{words}");
        assert!(words.contains("65534"), "{words}");
        let victim = fs::read_to_string(dir.path().join("victim")).expect("a file");
        assert_eq!(victim, "precious");
    }
}
