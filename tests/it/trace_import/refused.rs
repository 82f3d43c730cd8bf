use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::Command;

use tempfile::TempDir;

use super::{a_log, imported, line, lines_of, regstorm, text};

#[test]
fn strange_lines_are_counted_in_bounded_memory() {
    let dir = TempDir::new().unwrap();
    let mut log = a_log().into_bytes();
    log.extend(vec![b'x'; 40 << 20]);
    log.push(b'\n');
    log.extend([0; 5_000]);
    log.push(b'\n');
    log.extend(b"\xff\xfe\n");
    log.extend(line(3, "10.0.0.7", "GET /v2/b/manifests/1", 200, 5).as_bytes());
    log.extend(
        line(4, "10.0.0.7", "GET /v2/b/manifests/1", 200, 5)
            .trim_end()
            .as_bytes(),
    );
    fs::write(dir.path().join("a.log"), &log).unwrap();
    let overview = imported(dir.path(), &["a.log"]);
    // A line of zeros alone is an empty one.
    assert_eq!(lines_of(&overview), [13, 1, 0, 3, 2]);
    let reasons: Vec<_> = overview["summary"]["unreadable"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["line"].as_u64().unwrap(), it["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(
        reasons,
        [
            (10, "not as the format says"),
            (15, "longer than 256 KiB"),
            (17, "not UTF-8"),
        ]
    );
    let bytes = overview["summary"]["source"]["bytes"].as_u64();
    assert_eq!(bytes, Some(log.len() as u64));
}

/// Arguments beside `trace import`, and what is said of them.
const REFUSED: [(&[&str], &str); 17] = [
    (
        &["missing", OUT],
        "cannot read the log missing: No such file",
    ),
    (
        &[".", OUT],
        "cannot read the log .: this is a directory: name the files in it",
    ),
    (
        &["fifo", OUT],
        "cannot read the log fifo: this is a pipe, a device or a socket",
    ),
    (&["xz", OUT], "cannot read the log xz: it is packed with xz"),
    (&["cut.gz", OUT], "cannot read the log cut.gz"),
    (&["empty", OUT], "no request to a registry in 0 lines"),
    (
        &["words", OUT],
        "words: no format reads its first lines: name one with --format",
    ),
    (
        &["words", OUT, "--format=zot"],
        "in 2 lines: 2 could not be read, 0 are requests to other paths, 0 say something else; the first in line 1 of words",
    ),
    (
        &["health", OUT],
        "in 1 lines: 0 could not be read, 1 are requests to other paths, 0 say something else",
    ),
    (
        &["a.log", "--out=link"],
        "--out link would overwrite a.log, which is read",
    ),
    (
        &["a.log", "--out=-"],
        "--out -: a trace is a file: name one",
    ),
    (
        &["a.log", "--out=none/a.trace"],
        "--out none/a.trace: No such file",
    ),
    (
        &["a.log", OUT, "--format=apache"],
        "--format apache: there is no such format; there are distribution-json",
    ),
    (
        &["a.log", OUT, "--format=$request"],
        "the format string has no `$status`",
    ),
    (
        &["a.log", OUT, "--key-file=short"],
        "short: a key of 3 bytes can be guessed; use 16 or more",
    ),
    (&["-", "-", OUT], "standard input is read once"),
    (
        &["a.log", OUT, "--session-gap=100ms"],
        "write whole seconds from 1s to 24h",
    ),
];

const OUT: &str = "--out=a.trace";

/// A directory with logs that are none.
fn strange_logs() -> TempDir {
    let dir = TempDir::new().expect("a directory");
    let path = |name: &str| dir.path().join(name);
    let write = |name: &str, bytes: &[u8]| fs::write(path(name), bytes).expect("a file");
    write("a.log", a_log().as_bytes());
    write("empty", b"");
    write("words", b"one\ntwo\n");
    write(
        "health",
        line(1, "10.0.0.1", "GET /healthz", 200, 2).as_bytes(),
    );
    write("xz", b"\xfd7zXZ\0\0");
    write("short", b"123");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(a_log().as_bytes()).expect("memory");
    let gzip = gzip.finish().expect("memory");
    write("cut.gz", &gzip[..gzip.len() / 2]);
    symlink("a.log", path("link")).expect("a link");
    let made = Command::new("mkfifo").arg(path("fifo")).status();
    assert!(made.expect("mkfifo starts").success());
    dir
}

#[test]
fn what_cannot_be_imported_is_refused_by_one_message() {
    let dir = strange_logs();
    let path = |name: &str| dir.path().join(name);
    let refused = |arguments: &[&str]| {
        let all = [&["trace", "import"], arguments].concat();
        let output = regstorm(dir.path(), &all);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        assert_eq!(output.stdout, b"");
        assert!(!path("a.trace").exists());
        text(&output.stderr)
    };
    for (arguments, wanted) in REFUSED {
        let message = refused(arguments);
        assert!(message.contains(wanted), "{arguments:?}: {message}");
    }
    // Nothing is left beside it, and what is there stays.
    fs::write(path("a.trace"), "mine").unwrap();
    let output = regstorm(dir.path(), &["trace", "import", "empty", OUT]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read_to_string(path("a.trace")).unwrap(), "mine");
    let names = fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(names, 10);
}

#[test]
fn a_trace_that_is_not_whole_is_refused() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a.log"), a_log()).unwrap();
    imported(dir.path(), &["a.log"]);
    let whole = fs::read(dir.path().join("a.trace")).unwrap();
    let mut other = whole.clone();
    other[15] = b'7';
    let mut changed = whole.clone();
    changed[60] ^= 1;
    for (bytes, wanted) in [
        (
            &whole[..whole.len() - 1],
            "the trace b.trace was cut off: copy it or import its log again",
        ),
        (&whole[..100], "was cut off"),
        (
            &other,
            "b.trace has the format `regstorm.trace/7`, and this regstorm reads `regstorm.trace/1`",
        ),
        (
            &changed,
            "the trace b.trace is damaged at byte 17 (a wrong checksum)",
        ),
        (
            b"{}",
            "b.trace is not a trace: make one with `regstorm trace import`",
        ),
    ] {
        fs::write(dir.path().join("b.trace"), bytes).unwrap();
        let output = regstorm(dir.path(), &["trace", "show", "b.trace"]);
        assert_eq!(
            (output.status.code(), &output.stdout[..]),
            (Some(2), &b""[..])
        );
        let message = text(&output.stderr);
        assert!(
            message.contains(wanted) && message.lines().count() == 1,
            "{message}"
        );
    }
}

/// The limit on the size of a file stands for a disk that is full.
#[test]
fn a_trace_that_does_not_fit_is_one_message_and_nothing_is_left() {
    let dir = TempDir::new().unwrap();
    let lines: String = (0..60_000)
        .map(|it| {
            let client = format!("10.{}.{}.1", it / 250, it % 250);
            line(1, &client, &format!("GET /v2/a/manifests/{it}"), 200, 5)
        })
        .collect();
    fs::write(dir.path().join("a.log"), lines).unwrap();
    fs::write(dir.path().join("a.trace"), "mine").unwrap();
    // The first file that is too large is where requests are sorted, then the trace; at last all fits.
    for (kib, fits) in [(100, false), (800, false), (10_000, true)] {
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", 2 * kib);
        let output = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_regstorm")])
            .args(["trace", "import", "a.log", "--out", "a.trace"])
            .current_dir(dir.path())
            .output()
            .unwrap();
        let said = text(&output.stderr);
        if fits {
            assert_eq!(output.status.code(), Some(0), "{said}");
        } else {
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert_eq!(
                said,
                "error: cannot write the trace a.trace: File too large (os error 27)\n"
            );
            assert_eq!(fs::read(dir.path().join("a.trace")).unwrap(), b"mine");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
    let length = fs::metadata(dir.path().join("a.trace")).unwrap().len();
    assert!(length > 800 << 10, "{length}");
}
