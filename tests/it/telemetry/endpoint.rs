//! Endpoints that answer as few should, all of them read beside one load.

#![expect(
    clippy::unwrap_used,
    reason = "what the tests share is no test, and a panic is how it fails"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use regstorm::result::Document;
use regstorm::telemetry::{Product, SeriesKind, Unit};

use crate::support::patiently;

use super::{adds_up, run, scenario, series, source, telemetry};

/// An endpoint whose paths are its vices. It ends with the tests.
struct Endpoint {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    sent: Arc<AtomicU64>,
}

impl Endpoint {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let sent = Arc::<AtomicU64>::default();
        let all = (Arc::clone(&asked), Arc::clone(&sent));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, sent) = all.clone();
                thread::spawn(move || connection(&stream, &asked, &sent));
            }
        });
        Self {
            address,
            asked,
            sent,
        }
    }

    /// How often something was asked for with that text in its head.
    fn asked(&self, text: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|it| it.contains(text)).count()
    }
}

/// Serves requests until the peer has enough.
fn connection(stream: &TcpStream, asked: &Mutex<Vec<String>>, sent: &AtomicU64) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let number = {
            let mut asked = asked.lock().unwrap();
            asked.push(head.clone());
            let same = asked.iter().filter(|it| it.contains(&format!(" {path} ")));
            u32::try_from(same.count()).unwrap()
        };
        if respond(stream, &path, number, sent).is_none() {
            return;
        }
    }
}

fn metrics(number: u32) -> String {
    format!(
        "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total {number}\n\
         process_start_time_seconds 1700000000\n\
         # TYPE zot_http_requests_total counter\nzot_http_requests_total{{code=\"200\"}} {}\nzot_http_requests_total{{code=\"404\"}} 5\n\
         h_bucket{{le=\"0.5\"}} {number}\nh_bucket{{le=\"+Inf\"}} {number}\n",
        10 * number
    )
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}

/// Answers a request; `None` if nothing more is to come on this connection.
fn respond(mut stream: &TcpStream, path: &str, number: u32, sent: &AtomicU64) -> Option<()> {
    let mut with = |head: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), body].concat()).ok()
    };
    let ok = "200 OK\r\nContent-Type: text/plain; version=0.0.4";
    match path {
        "/good" => with(ok, metrics(number).as_bytes()),
        "/gzip" => with(
            &format!("{ok}\r\nContent-Encoding: gzip"),
            &gzip(metrics(number).as_bytes()),
        ),
        "/open" => with(
            "200 OK\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8",
            format!("# TYPE a counter\na_total {number} # {{id=\"x\"}} 1\n# EOF\n").as_bytes(),
        ),
        "/cut-open" => with(
            "200 OK\r\nContent-Type: application/openmetrics-text",
            b"a_total 1\n",
        ),
        // Another process at every second request.
        "/restarted" => with(
            ok,
            format!(
                "process_cpu_seconds_total {}\nprocess_start_time_seconds {}\n",
                1000 + number,
                1_700_000_000 + 100 * (number / 2)
            )
            .as_bytes(),
        ),
        "/html" => with("200 OK\r\nContent-Type: text/html", b"<html>\n"),
        "/unlabelled-html" => with("200 OK", b"<html><script>alert(1)</script>\n"),
        "/half" => with(ok, b"go_goroutines 7\ngo_thre"),
        "/nan" => with(
            ok,
            b"go_goroutines NaN\ngo_threads +Inf\nprocess_open_fds 3\n",
        ),
        "/nothing" => with(ok, b""),
        "/binary" => with(ok, b"\x00\xff\xfe\n"),
        "/wide" => with(ok, "x".repeat(1 << 20).as_bytes()),
        "/many" => {
            let lines: Vec<String> = (0..100_000)
                .map(|it| format!("a{{b=\"{it}\"}} 1\n"))
                .collect();
            with(ok, lines.concat().as_bytes())
        }
        "/bomb" => {
            let bomb = gzip(&b"# ha\n".repeat(20 << 20));
            with(&format!("{ok}\r\nContent-Encoding: gzip"), &bomb)
        }
        "/not-gzip" => with(
            &format!("{ok}\r\nContent-Encoding: gzip"),
            b"go_goroutines 7\n",
        ),
        "/short" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na 1\n");
            None
        }
        "/endless" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            let part = b"# a comment that says nothing\n".repeat(4096);
            // A gigabyte, unless the peer has enough.
            for _ in 0..8192 {
                sent.fetch_add(part.len() as u64, Ordering::Relaxed);
                stream.write_all(&part).ok()?;
            }
            None
        }
        "/silent" => {
            // Until the peer has enough.
            let _ = stream.read(&mut [0]);
            None
        }
        _ if path.starts_with("/elsewhere") => {
            let to = path.trim_start_matches("/elsewhere/");
            let head = format!("302 Found\r\nLocation: http://{to}/good?token=hunter3");
            with(&head, b"")
        }
        _ if path.starts_with("/secret") => with(ok, b"go_goroutines 7\n"),
        _ => with("404 Not Found", b""),
    }
}

/// Endpoints that give nothing, and what is told of each.
const BROKEN: [(&str, &str); 14] = [
    ("html", "HTML"),
    ("unlabelled-html", "line 1 is not a metric"),
    ("half", "line 2 is not a metric"),
    ("cut-open", "# EOF"),
    ("nothing", "nothing"),
    ("binary", "UTF-8"),
    ("wide", "64 KiB"),
    ("many", "50000 series"),
    ("bomb", "200000 lines"),
    ("endless", "200000 lines"),
    ("not-gzip", "gzip"),
    ("short", "end of file"),
    ("missing", "404"),
    ("silent", "in time"),
];

fn sources(endpoint: &Endpoint, other: &Endpoint) -> String {
    let at = endpoint.address;
    let good = ["good", "gzip", "open", "restarted", "nan"];
    let names = BROKEN.iter().map(|(name, _)| *name).chain(good);
    let sources: String = names.fold(String::new(), |sources, name| {
        let metrics = match name {
            "good" => {
                "metrics = [\"zot_http_requests_total\", { metric = \"zot_http_requests_total\", labels = { code = \"200\" }, name = \"ok\" }, \
                 { metric = \"h\", quantile = 0.5 }]\n"
            }
            "open" => "metrics = [\"a_total\"]\n",
            _ => "",
        };
        format!("{sources}[[telemetry]]\nname = \"{name}\"\nprometheus = \"http://{at}/{name}\"\n{metrics}")
    });
    format!(
        "{sources}[[telemetry]]\nname = \"elsewhere\"\nprometheus = \"http://{at}/elsewhere/{}\"\ntoken = \"hunter2\"\n\
         [[telemetry]]\nname = \"secret\"\nprometheus = \"http://{at}/secret?key=hunter2\"\nusername = \"ali\"\npassword = \"${{METRICS_PASSWORD}}\"\n\
         headers = {{ X-Own = \"hunter2\" }}\n\
         [[telemetry]]\nname = \"nobody\"\nprometheus = \"http://127.0.0.1:9/metrics\"\n",
        other.address
    )
}

/// All of them beside one load, which goes on as if they were not there.
#[test]
fn what_endpoints_give_and_what_they_do_not() {
    patiently(Duration::from_secs(4), |length| {
        let (endpoint, other) = (Endpoint::start(), Endpoint::start());
        let toml = scenario(length, "embedded", &sources(&endpoint, &other));
        let (report, said) = run(&toml, &[]);
        assert!(report.totals.iterations.ok > 0 && report.closure.holds());
        what_is_told(&report, &said);
        // What is too large is not asked for again and again.
        for name in ["many", "bomb", "endless"] {
            assert_eq!(endpoint.asked(&format!(" /{name} ")), 1);
        }
        assert!(endpoint.sent.load(Ordering::Relaxed) < 64 << 20);
        assert!(endpoint.asked("uthorization: Basic YWxpOmh1bnRlcjI=") >= 1);
        assert_eq!(other.asked(""), 0, "no credentials go to another host");
        let everything = format!("{said}{}", serde_json::to_string(&report).unwrap());
        for secret in ["hunter2", "hunter3", "YWxpOmh1bnRlcjI"] {
            assert!(!everything.contains(secret), "{secret}: {everything}");
        }
        let cost = telemetry(&report).cost;
        assert!(cost.cpu_us > 0 && cost.received_bytes > 0, "{cost:?}");
        // A machine that stands still leaves too few readings.
        let few = |name| source(&report, name).readings.good < 4;
        if ["good", "gzip", "open", "restarted", "nan"]
            .into_iter()
            .any(few)
        {
            return Err(format!("{:?}", telemetry(&report).sources));
        }
        assert!(source(&report, "silent").readings.missed >= 1);
        what_is_read(&report);
        Ok(())
    });
}

fn what_is_told(report: &Document, said: &str) {
    let others = [
        ("elsewhere", "redirects are not followed"),
        ("nobody", "connect"),
    ];
    for (name, words) in BROKEN.into_iter().chain(others) {
        let source = source(report, name);
        adds_up(source);
        let given = (source.readings.good, source.series.len());
        assert_eq!(given, (0, 0), "{source:?}");
        let problem = &source.problems[0];
        assert!(problem.text.contains(words), "{name}: {problem:?}");
        let told = format!("telemetry {name}: {}", problem.text);
        assert_eq!(said.matches(&told).count(), 1, "{told}: {said}");
    }
}

fn what_is_read(report: &Document) {
    for name in ["good", "gzip"] {
        let source = source(report, name);
        adds_up(source);
        assert_eq!(source.product, Some(Product::Zot));
        let cpu = series(source, "cpu");
        assert_eq!((cpu.kind, cpu.unit), (SeriesKind::Counter, Unit::Seconds));
        // One at each reading, the first of which is the start; what was read behind the close is cut off.
        let steps = f64::from(u32::try_from(source.readings.good - 1).unwrap());
        let increase = cpu.increase.unwrap();
        assert!(increase <= steps && increase > steps - 1.0, "{cpu:?}");
        assert!(cpu.covered_us <= report.window_us);
    }
    let good = source(report, "good");
    let (all, ok) = (series(good, "zot_http_requests_total"), series(good, "ok"));
    assert_eq!((all.increase, all.kind), (ok.increase, SeriesKind::Counter));
    let middle = series(good, "h_p50");
    assert_eq!(middle.highest, Some(0.25), "half way into its bucket");
    assert!(series(source(report, "open"), "a_total").increase.is_some());

    let restarted = source(report, "restarted");
    assert!(restarted.restarts >= 1, "{restarted:?}");
    let cpu = series(restarted, "cpu");
    assert!(
        cpu.increase.unwrap() > 1000.0,
        "all that the new one has used: {cpu:?}"
    );
    assert!(cpu.covered_us < report.window_us, "{cpu:?}");

    let nan = source(report, "nan");
    assert_eq!((nan.problems.len(), nan.series.len()), (2, 1), "{nan:?}");
}
