//! What failed: every exchange and every iteration has a row, and an example can be found in the registry's log.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use regstorm::embedded::{Fault, FaultKind, Point, Settings, Stall};
use regstorm::measure::{FailureClass, Period};
use regstorm::oci::Operation;
use regstorm::result::{Document, FailureSection};

use crate::support::registry;

fn scenario(journey: &str, images: &str, load: &str) -> String {
    format!(
        "name = \"test\"\n[target]\nurl = \"embedded\"\n\
         [images.web]\n{images}\n\
         [journey.j]\nimages = \"web\"\n{journey}\n\
         [[load]]\njourney = \"j\"\n{load}\n"
    )
}

const SYNTHETIC: &str = "source = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"100B\"";

/// A run by the program: what it shows and what it stores.
fn run(dir: &Path, toml: &str, target: &str) -> (String, Document) {
    std::fs::write(dir.join("test.toml"), toml).expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(["run", "test.toml", "--out", "report.json", "--target"])
        .arg(target)
        .current_dir(dir)
        .env("XDG_STATE_HOME", dir)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    let shown = String::from_utf8(output.stdout).expect("text");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = Document::load(&dir.join("report.json"));
    let report = report.unwrap_or_else(|error| panic!("{error}: {shown}{said}"));
    let broken: Vec<_> = report.closure.broken().collect();
    assert!(broken.is_empty(), "{broken:?}");
    (shown, report)
}

/// All failed exchanges and iterations of the measured window, by their rows.
fn rows(failures: &FailureSection) -> (u64, u64) {
    let measured = |period: Period| period == Period::Measure;
    let exchanges = failures
        .exchanges
        .kinds
        .iter()
        .filter(|it| measured(it.period));
    let iterations = failures.iterations.iter().filter(|it| measured(it.period));
    (
        exchanges.map(|it| it.count).sum(),
        iterations.map(|it| it.count).sum(),
    )
}

#[test]
fn an_iteration_that_timed_out_has_a_row_though_no_exchange_failed() {
    // Two users, four iterations each. The first manifest of all is refused; the first three blobs never come. A manifest
    // takes a second, so an iteration is given up a second before the request for its blob would be.
    let site = registry(Settings {
        faults: vec![
            Fault::on(
                Operation::ManifestGet,
                FaultKind::Status {
                    status: http::StatusCode::INTERNAL_SERVER_ERROR,
                    code: None,
                    retry_after: None,
                },
            )
            .window(0, Some(1)),
            Fault::on(
                Operation::ManifestGet,
                FaultKind::Delay(Duration::from_secs(1)),
            ),
            Fault::on(
                Operation::BlobGet,
                FaultKind::Stall(Point::BeforeHead, Stall::Forever),
            )
            .window(0, Some(3)),
        ],
        ..Settings::default()
    });
    let journey = "action = \"pull\"\nclient = \"plain\"\nparallel = 1\nrequest_timeout = \"5s\"\niteration_timeout = \"5s\"";
    let load = "executor = \"per-vu-iterations\"\nvus = 2\niterations = 4\nmax_duration = \"5m\"";
    let dir = tempfile::tempdir().expect("a directory");
    let toml = scenario(journey, SYNTHETIC, load);
    let (shown, report) = run(dir.path(), &toml, &site.url());
    let journey = &report.journeys[0];
    assert_eq!(journey.counts.outcomes.failed, 4, "{shown}");
    let totals = &report.totals;
    let found = rows(&report.failures);
    assert_eq!(found, (totals.exchanges.failed, totals.iterations.failed));
    let told: Vec<_> = report
        .failures
        .iterations
        .iter()
        .map(|it| (it.cause.as_str(), it.class, it.count))
        .collect();
    // A request begins later than its iteration, so the iteration is given up first.
    let wanted = [
        ("iteration-timeout", FailureClass::Timeout, 3),
        ("exchange", FailureClass::Status, 1),
    ];
    assert_eq!(told, wanted, "{shown}");
    assert!(
        shown.contains("3 × j timeout (iteration-timeout), first at "),
        "{shown}"
    );
    assert!(shown.contains("1 × j status: an exchange"), "{shown}");
    let summary = format!(
        "1 of {} exchanges and 4 of 8 iterations in the window",
        totals.exchanges.ended()
    );
    assert!(shown.contains(&summary), "{shown}");
}

/// A registry that answers a ping and refuses everything else, each time by another id.
fn refusing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
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
            let status = if request.starts_with(b"GET /v2/ ") {
                "200 OK"
            } else {
                "500 Internal Server Error"
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\nX-Request-Id: id-{number}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            // Who is gone wants none.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

#[test]
fn an_example_is_found_in_the_registrys_log() {
    let url = refusing();
    let images = "source = \"existing\"\nreferences = [\"team/app:1\"]";
    let journey = "action = \"poll\"\nmethod = \"get\"\nclient = \"plain\"";
    let load = "executor = \"per-vu-iterations\"\nvus = 1\niterations = 3\nmax_duration = \"5m\"";
    let dir = tempfile::tempdir().expect("a directory");
    let (shown, report) = run(dir.path(), &scenario(journey, images, load), &url);
    let kind = report
        .failures
        .exchanges
        .kinds
        .iter()
        .find(|it| it.period == Period::Measure)
        .expect("a kind");
    assert_eq!(kind.count, 3);
    let example = &kind.example;
    assert_eq!(example.path.as_deref(), Some("/v2/team/app/manifests/1"));
    assert_eq!(example.repository.as_deref(), Some("team/app"));
    assert_eq!(example.host.as_deref(), url.strip_prefix("http://"));
    let id = example.request_id.as_deref().expect("it was sent");
    assert!(id.starts_with("id-"), "{id}");
    // All of one format and in UTC, so they sort as times do; the ends are cut to milliseconds.
    let run = &report.environment;
    assert!(example.time.as_str() >= &run.started[..23], "{example:?}");
    assert!(example.time[..23] <= run.ended[..23], "{example:?}");
    assert!(report.window_opened[..23] >= run.started[..23]);
    let line = format!(
        "{} {} /v2/team/app/manifests/1 request {id}",
        example.time,
        url.trim_start_matches("http://")
    );
    assert!(shown.contains(&line), "{line}: {shown}");
    assert_eq!(rows(&report.failures), (3, 3));
}

#[test]
fn what_failed_outside_the_window_has_a_row_too() {
    // The warm-up is over before the measured window begins; everything is refused all the time.
    let url = refusing();
    let images = "source = \"existing\"\nreferences = [\"app:1\"]";
    let journey = "action = \"poll\"\nmethod = \"get\"\nclient = \"plain\"";
    let load = "executor = \"constant-vus\"\nvus = 1\nduration = \"100ms\"\nwarmup = \"200ms\"\npacing = \"20ms\"";
    let dir = tempfile::tempdir().expect("a directory");
    let (_, report) = run(dir.path(), &scenario(journey, images, load), &url);
    for section in &report.periods {
        let exchanges = report.failures.exchanges.kinds.iter();
        let exchanges = exchanges.filter(|it| it.period == section.period);
        let exchanges: u64 = exchanges.map(|it| it.count).sum();
        assert_eq!(exchanges, section.totals.exchanges.failed, "{section:?}");
        let iterations = report.failures.iterations.iter();
        let iterations = iterations.filter(|it| it.period == section.period);
        let iterations: u64 = iterations.map(|it| it.count).sum();
        assert_eq!(iterations, section.totals.iterations.failed, "{section:?}");
    }
    let warm_up = report
        .periods
        .iter()
        .find(|it| it.period == Period::WarmUp)
        .expect("a warm-up");
    assert!(warm_up.totals.iterations.failed > 0);
}

#[test]
fn a_band_of_slow_iterations_has_its_cause_in_a_table() {
    // oras waits 250 ms before it asks again, and then twice as long.
    let site = registry(Settings {
        faults: vec![
            Fault::on(
                Operation::ManifestGet,
                FaultKind::Status {
                    status: http::StatusCode::SERVICE_UNAVAILABLE,
                    code: None,
                    retry_after: None,
                },
            )
            .window(0, Some(2)),
        ],
        ..Settings::default()
    });
    let journey = "action = \"pull\"\nclient = \"oras\"";
    let load = "executor = \"per-vu-iterations\"\nvus = 1\niterations = 5\nmax_duration = \"5m\"";
    let dir = tempfile::tempdir().expect("a directory");
    let toml = scenario(journey, SYNTHETIC, load);
    let (shown, report) = run(dir.path(), &toml, &site.url());
    let journey = &report.journeys[0];
    assert_eq!(journey.counts.outcomes.ok, 5, "{shown}");
    let time = &journey.counts.time;
    assert_eq!((time.retries, time.paused_iterations), (2, 1));
    assert!(time.pauses >= Duration::from_millis(750), "{time:?}");
    assert!(time.longest_pause >= Duration::from_millis(500), "{time:?}");
    assert_eq!(time.operations + time.pauses + time.rest, time.total);
    // The picture of it: its parts are as long as the iterations, to the microsecond.
    let page = regstorm::report::html::render(&report);
    let parts = page.split("data-us=\"").skip(1).map(|it| {
        let digits = it.split('"').next().expect("a value");
        digits.parse::<u128>().expect("a number")
    });
    assert_eq!(parts.sum::<u128>(), time.total.as_micros(), "{page}");
    // The times of all five, by the histogram: each value is as long as its bucket, a part in a thousand.
    let buckets = journey.latencies.service_time.buckets();
    let (low, high) = buckets.fold((0, 0), |(low, high), it| {
        let sum = |end: Duration| end.as_micros() * u128::from(it.count);
        (
            low + sum(it.low),
            high + sum(it.high) + u128::from(it.count),
        )
    });
    let total = time.total.as_micros();
    assert!((low..=high).contains(&total), "{low} {total} {high}");
    let heads = ["= operations", "+ pauses", "+ rest", "retries", "longest"];
    for head in heads {
        assert!(shown.contains(head), "{head}: {shown}");
    }
}
