//! The slowest exchanges of each operation are kept with what finds them in the registry's log.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use regstorm::exchange::Phase;
use regstorm::measure::LatencyHistogram;
use regstorm::oci::Operation;
use regstorm::result::{Document, OperationSection};

const ITERATIONS: usize = 8;
const DELAY: Duration = Duration::from_millis(200);

/// A registry with one manifest, which it sends from somewhere else, by a URL that is a secret. It names each request, and
/// answers one of those for the manifest late.
fn registry() -> String {
    const INDEX: &str = r#"{"schemaVersion":2,"manifests":[]}"#;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        let mut fetched = 0;
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.expect("a connection");
            let mut request = Vec::new();
            let mut part = [0; 4096];
            while !request.ends_with(b"\r\n\r\n") {
                match stream.read(&mut part) {
                    Ok(read @ 1..) => request.extend_from_slice(&part[..read]),
                    _ => break,
                }
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            let (status, more, body) = if request.starts_with("GET /v2/team/app/manifests/1 ") {
                let there = "Location: /store/index?signature=hunter2\r\n";
                ("307 Temporary Redirect", there, "")
            } else if request.starts_with("GET /store/index?signature=hunter2 ") {
                fetched += 1;
                if fetched == ITERATIONS / 2 {
                    #[expect(
                        clippy::disallowed_methods,
                        reason = "the peer is late on a thread of its own"
                    )]
                    thread::sleep(DELAY);
                }
                let of = "Content-Type: application/vnd.oci.image.index.v1+json\r\n";
                ("200 OK", of, INDEX)
            } else {
                ("200 OK", "", "")
            };
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status}\r\nX-Request-Id: id-{number}\r\nConnection: close\r\n");
            let answer = format!("{head}{more}Content-Length: {length}\r\n\r\n{body}");
            // Who is gone wants none.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

fn operation(report: &Document, name: Operation) -> &OperationSection {
    let mut operations = report.operations.iter();
    operations.find(|it| it.name == name).expect("it was sent")
}

/// What is kept of an operation fits its latencies, and each exchange has its own id.
fn assert_kept(operation: &OperationSection, host: &str) {
    let total = operation
        .latencies
        .phases
        .get(Phase::Total)
        .expect("it ended");
    let slowest = &operation.slowest;
    // The histogram knows the bucket of the slowest.
    let mut alone = LatencyHistogram::new();
    alone.record(Duration::from_micros(slowest[0].total_us));
    assert_eq!(alone.max(), total.max(), "{}", operation.name);
    assert!(
        slowest.is_sorted_by(|a, b| a.total_us >= b.total_us),
        "{slowest:?}"
    );
    let ids: BTreeSet<_> = slowest
        .iter()
        .filter_map(|it| it.request_id.as_ref())
        .collect();
    assert_eq!(ids.len(), slowest.len(), "each has its own: {slowest:?}");
    for it in slowest {
        assert_eq!(it.host, host);
        assert_eq!(it.journey, "look");
        // Each is cut to whole microseconds.
        let phases: u64 = it.phases_us.values().sum();
        assert!(phases <= it.total_us + 8, "{it:?}");
    }
}

/// Reads the manifest some times, and writes reports of it.
fn run(dir: &Path, url: &str) -> Output {
    let scenario = format!(
        "name = \"slow\"\n[target]\nurl = \"{url}\"\n\
         [images.app]\nsource = \"existing\"\nreferences = [\"team/app:1\"]\n\
         [journey.look]\naction = \"poll\"\nmethod = \"get\"\nclient = \"plain\"\nimages = \"app\"\n\
         [[load]]\njourney = \"look\"\nexecutor = \"per-vu-iterations\"\nvus = 1\niterations = {ITERATIONS}\n\
         max_duration = \"5m\"\n"
    );
    std::fs::write(dir.join("slow.toml"), scenario).expect("a file");
    Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(["run", "slow.toml", "--out", "report.json"])
        .args(["--html", "report.html", "--markdown", "report.md"])
        .current_dir(dir)
        .env("XDG_STATE_HOME", dir)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

#[test]
fn the_slowest_exchanges_are_found_in_the_registrys_log() {
    let url = registry();
    let dir = tempfile::tempdir().expect("a directory");
    let output = run(dir.path(), &url);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let file = |name: &str| std::fs::read_to_string(dir.path().join(name)).expect("a file");
    let report = Document::load(&dir.path().join("report.json")).expect("a report");

    let fetched = operation(&report, Operation::Redirected);
    assert_eq!(fetched.slowest.len(), ITERATIONS, "fewer than ten: all");
    for operation in &report.operations {
        assert_kept(operation, url.trim_start_matches("http://"));
    }
    assert!(
        fetched.slowest[0].total_us >= 200_000,
        "{:?}",
        fetched.slowest[0]
    );
    // The server waits from when it has the request: a client that is kept from running behind the system call stamps its end late.
    let waited = [Phase::Send, Phase::FirstByte];
    let late = fetched.slowest.iter().find(|it| {
        let phases = waited.iter().filter_map(|phase| it.phases_us.get(phase));
        phases.sum::<u64>() >= 200_000
    });
    let late = late.expect("one was answered late");
    assert_eq!(
        (late.path.as_str(), late.status),
        ("/store/index", Some(200))
    );
    assert_eq!(late.received_bytes, 34);
    let sent = operation(&report, Operation::ManifestGet);
    let first = &sent.slowest[0];
    assert_eq!(
        (first.path.as_str(), first.status),
        ("/v2/team/app/manifests/1", Some(307))
    );
    assert_eq!(first.repository.as_deref(), Some("team/app"));

    let worst = &fetched.slowest[0];
    let id = worst.request_id.as_deref().expect("it was sent");
    let line = format!("{} {} /store/index request {id}", worst.time, worst.host);
    for text in [
        &shown,
        &file("report.html"),
        &file("report.md").replace("&#58;", ":"),
    ] {
        assert!(text.contains(&line), "{line}: {text}");
    }
    for text in [
        &shown,
        &file("report.json"),
        &file("report.html"),
        &file("report.md"),
    ] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
