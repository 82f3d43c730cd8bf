use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};

use regstorm::embedded::Settings;
use regstorm::exposition::{Exposition, ListenError, Service};
use regstorm::result::Document;

use crate::support::{registry, wait_for};

fn anywhere() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

fn start() -> Exposition {
    at(anywhere()).expect("a free port")
}

fn at(address: SocketAddr) -> Result<Exposition, ListenError> {
    let service = Service {
        address,
        metrics: true,
        page: false,
    };
    Exposition::start(&[service], String::new())
}

/// Everything that is answered until the connection ends.
fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn get(address: SocketAddr, method: &str, path: &str) -> String {
    ask(
        address,
        &format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n"),
    )
}

#[test]
fn tells_the_text_of_now_and_nothing_else() {
    let exposition = start();
    let address = exposition.addresses()[0];
    exposition.set("one 1\n".into());
    exposition.set("two 2\n".into());
    let answer = get(address, "GET", "/metrics");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert!(answer.ends_with("\r\n\r\ntwo 2\n"), "{answer}");
    let head = get(address, "HEAD", "/metrics");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(
        head.contains("content-length: 6\r\n") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/metrics/", 404),
        ("POST", "/metrics", 405),
    ] {
        let answer = get(address, method, path);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
}

#[test]
fn nobody_who_hangs_keeps_it_from_ending() {
    let exposition = start();
    let address = exposition.addresses()[0];
    exposition.set("text 1\n".repeat(1_000_000));
    // One asks and does not read; others fill the remaining places and say nothing.
    let mut asks = TcpStream::connect(address).unwrap();
    asks.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let _silent: Vec<_> = (0..7)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    // There is no place for one more: it is closed at once, without an answer.
    let mut more = TcpStream::connect(address).unwrap();
    let mut answer = String::new();
    let _ = more.read_to_string(&mut answer);
    assert_eq!(answer, "");
    // This returns, and then nobody listens.
    drop(exposition);
    TcpListener::bind(address).expect("the port is free again");
}

#[test]
fn a_port_in_use_is_an_error() {
    let exposition = start();
    assert!(at(exposition.addresses()[0]).is_err());
}

const PULLS: &str = r#"name = "test"
[target]
url = "embedded"
[images.web]
source = "synthetic"
count = 1
layers = 2
layer_size = "1KiB"
[journey.pull]
action = "pull"
images = "web"
[[load]]
journey = "pull"
executor = "constant-vus"
vus = 2
duration = "60s"
"#;

/// The samples of a text, by their names with labels; every line is one that Prometheus reads.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut typed = BTreeMap::new();
    let mut samples = BTreeMap::new();
    for line in text.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').expect("a name and a type");
            assert!(typed.insert(name, kind).is_none(), "{name} twice");
        } else if !line.starts_with("# HELP ") {
            let (series, value) = line.rsplit_once(' ').expect("a series and a value");
            let name = series.split('{').next().expect("a name");
            let of = ["_bucket", "_sum", "_count"];
            let bare = of.iter().find_map(|it| name.strip_suffix(it));
            let family = bare.filter(|it| typed.contains_key(it)).unwrap_or(name);
            assert!(typed.contains_key(family), "{line} has no type");
            let value: f64 = value.parse().expect("a number");
            assert!(
                samples.insert(series.to_owned(), value).is_none(),
                "{series} twice"
            );
        }
    }
    samples
}

fn body(answer: &str) -> &str {
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    body
}

#[test]
fn counts_grow_while_a_run_goes_on_and_end_with_it() {
    const OK: &str = "regstorm_iterations_total{period=\"measure\",outcome=\"ok\"}";
    const TIMES: &str = "regstorm_response_time_seconds";
    const BUSY: &str = "regstorm_server_reading_total{source=\"own\",name=\"cpu\"}";
    let dir = tempfile::tempdir().expect("a directory");
    let scenario = format!("{PULLS}[[telemetry]]\nname = \"own\"\nprocess = \"target\"\n");
    std::fs::write(dir.path().join("test.toml"), scenario).expect("a file");
    let mut child = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args([
            "run",
            "test.toml",
            "--metrics",
            "127.0.0.1:0",
            "--out",
            "report.json",
        ])
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let address: SocketAddr = lines
        .by_ref()
        .find_map(|line| {
            let line = line.expect("text");
            let url = line.strip_prefix("metrics  http://")?;
            Some(url.strip_suffix("/metrics")?.parse().expect("an address"))
        })
        .expect("it says where its counts are");
    // A pipe that nobody reads would stop it.
    let rest = std::thread::spawn(move || lines.map_while(Result::ok).count());
    let scrape = || samples(body(&get(address, "GET", "/metrics")));
    let first = wait_for(|| Some(scrape()).filter(|it| it[OK] > 0.0 && it.contains_key(BUSY)));
    let second = wait_for(|| {
        Some(scrape()).filter(|it| it[OK] > first[OK] && it.get(BUSY) > first.get(BUSY))
    });
    assert!((second["regstorm_period{period=\"measure\"}"] - 1.0).abs() < f64::EPSILON);
    for (series, before) in &first {
        if series.contains("_total") || series.contains("_bucket") {
            assert!(second[series] >= *before, "{series} went back");
        }
    }
    assert_is_one_moment(&second, OK, TIMES);
    let signal = format!("kill -INT {}", child.id());
    let sent = Command::new("sh").args(["-c", &signal]).status();
    assert!(sent.expect("a shell").success());
    assert_eq!(child.wait().expect("its end").code(), Some(130));
    rest.join().expect("the reader ends");
    assert!(
        TcpStream::connect(address).is_err(),
        "the port is still open"
    );
    let report = Document::load(&dir.path().join("report.json")).expect("a report");
    assert!(second[OK] <= real(report.totals.iterations.ok));
}

/// The numbers of one scrape fit each other.
fn assert_is_one_moment(told: &BTreeMap<String, f64>, ok: &str, times: &str) {
    let same = |left: f64, right: f64, what: &str| {
        assert!(
            (left - right).abs() < f64::EPSILON,
            "{what}: {left} and {right}"
        );
    };
    let starts =
        |kind: &str| told[&format!("regstorm_starts_total{{period=\"measure\",kind=\"{kind}\"}}")];
    same(
        starts("scheduled"),
        starts("started") + starts("dropped"),
        "starts",
    );
    same(told[&format!("{times}_count")], told[ok], "response times");
    same(
        told[&format!("{times}_bucket{{le=\"+Inf\"}}")],
        told[ok],
        "the last bucket",
    );
    let edge = |series: &str| {
        let le = series.strip_prefix(times)?.strip_prefix("_bucket{le=\"")?;
        le.strip_suffix("\"}")?.parse::<f64>().ok()
    };
    let mut buckets: Vec<(f64, f64)> = told
        .iter()
        .filter_map(|(series, count)| Some((edge(series)?, *count)))
        .collect();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(
        buckets.len() > 30 && buckets.is_sorted_by(|a, b| a.1 <= b.1),
        "{buckets:?}"
    );
    // The sum lies between all values at the lower and all at the upper edges of their buckets.
    let (mut low, mut high, mut before, mut below) = (0.0, 0.0, 0.0, 0.0);
    for (le, count) in buckets {
        low += (count - before) * below;
        high += (count - before) * if le.is_finite() { le } else { 3_600.0 };
        (before, below) = (count, if le.is_finite() { le } else { below });
    }
    let sum = told[&format!("{times}_sum")];
    assert!((low..=high).contains(&sum), "{low} {sum} {high}");
}

#[expect(clippy::cast_precision_loss, reason = "no test makes 2^53 iterations")]
fn real(count: u64) -> f64 {
    count as f64
}

#[test]
fn nothing_is_sent_when_the_port_is_taken() {
    let registry = registry(Settings::default());
    let taken = TcpListener::bind(anywhere()).expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("test.toml"), PULLS).expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args([
            "run",
            "test.toml",
            "--target",
            &registry.url(),
            "--metrics",
            &address,
        ])
        .current_dir(dir.path())
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(&address), "{said}");
    assert_eq!(registry.counts().requests, 0);
}
