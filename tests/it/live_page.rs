//! The page that follows a run: what its readers get while the run goes on and at its end, and those who are in the way.

use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use regstorm::embedded::Settings;
use regstorm::exposition::{Exposition, Service};

use crate::support::{registry, wait_for};

fn start() -> Exposition {
    let service = Service {
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        metrics: false,
        page: true,
    };
    Exposition::start(&[service], "<p>a page</p>".to_owned()).expect("a free port")
}

/// Everything that is answered until the connection ends.
fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    // A server that refuses closes before it has read all.
    let _ = stream.read_to_string(&mut answer);
    answer
}

/// A reader of events, which has read the head of the response.
struct Follower(Lines<BufReader<TcpStream>>);

impl Follower {
    fn new(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).expect("somebody listens");
        stream
            .write_all(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
            .expect("a request");
        Self(BufReader::new(stream).lines())
    }

    /// The status of the response.
    fn status(&mut self) -> String {
        let line = self.0.next().expect("a response").expect("text");
        line.split(' ').nth(1).expect("a status").to_owned()
    }

    /// The next event: its name and its data.
    fn event(&mut self) -> Option<(String, String)> {
        let (mut name, mut data) = (None, String::new());
        for line in self.0.by_ref() {
            let line = line.ok()?;
            if let Some(it) = line.strip_prefix("event: ") {
                name = Some(it.to_owned());
            } else if let Some(it) = line.strip_prefix("data: ") {
                data.push_str(it);
            } else if line.is_empty()
                && let Some(name) = name.take()
            {
                return Some((name, data));
            }
        }
        None
    }
}

#[test]
fn the_page_is_served_and_nothing_else() {
    let exposition = start();
    let address = exposition.addresses()[0];
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "200"),
        ("HEAD /events HTTP/1.1\r\nHost: a\r\n\r\n", "200"),
        ("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "404"),
        ("GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "404"),
        ("POST / HTTP/1.1\r\nHost: a\r\n\r\n", "405"),
        ("DELETE /events HTTP/1.1\r\nHost: a\r\n\r\n", "405"),
        ("nonsense\r\n\r\n", "400"),
    ] {
        let answer = ask(address, request);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}: {answer}"
        );
    }
    let page = ask(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(
        page.contains("content-type: text/html; charset=utf-8\r\n"),
        "{page}"
    );
    assert!(page.ends_with("\r\n\r\n<p>a page</p>"), "{page}");
    let huge = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
        "x".repeat(1 << 20)
    );
    let answer = ask(address, &huge);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );
}

#[test]
fn followers_get_what_is_shown_last_and_the_end() {
    let exposition = start();
    let address = exposition.addresses()[0];
    exposition.show("one");
    exposition.show("two\nlines");
    let mut follower = Follower::new(address);
    assert_eq!(follower.event(), Some(("update".into(), "twolines".into())));
    exposition.show("three");
    assert_eq!(follower.event(), Some(("update".into(), "three".into())));
    exposition.end("bye");
    assert_eq!(follower.event(), Some(("end".into(), "bye".into())));
    assert_eq!(follower.event(), None);
    TcpListener::bind(address).expect("the port is free again");
}

/// A reader that does not read: the kernel takes some of what is sent, and the rest is never kept for it.
#[test]
fn nobody_is_waited_for() {
    let exposition = start();
    let address = exposition.addresses()[0];
    let big = "x".repeat(1 << 20);
    let mut stuck: Vec<Follower> = (0..8).map(|_| Follower::new(address)).collect();
    wait_for(|| (exposition.readers() == 8).then_some(()));
    // There is no room for one more, but the page can still be opened.
    assert_eq!(Follower::new(address).status(), "503");
    assert!(ask(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 200 "));
    for number in 0..200 {
        exposition.show(&format!("{number} {big}"));
    }
    let mut one = stuck.pop().expect("there are eight");
    let mut seen = 0;
    while let Some((_, data)) = one.event() {
        seen += 1;
        if data.starts_with("199 ") {
            break;
        }
    }
    // 200 events of 1 MiB were shown, and a reader has those for which there was room on the way.
    assert!((1..100).contains(&seen), "{seen}");
    exposition.end(&big);
    TcpListener::bind(address).expect("the port is free again");
}

const PULLS: &str = r#"name = "followed"
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
duration = "5m"
[[threshold]]
metric = "pull.response_time"
expect = "p(50) < 1m"
"#;

/// A run whose page is followed, and where that is.
struct Followed {
    child: Child,
    address: SocketAddr,
    rest: std::thread::JoinHandle<usize>,
    said: String,
    _dir: tempfile::TempDir,
}

fn followed(args: &[&str]) -> Followed {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("test.toml"), PULLS).expect("a file");
    let mut child = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(["run", "test.toml"])
        .args(args)
        .current_dir(dir.path())
        .env("XDG_STATE_HOME", dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let (address, said) = lines
        .by_ref()
        .find_map(|line| {
            let line = line.expect("text");
            let (address, said) = line.strip_prefix("ui       http://")?.split_once('/')?;
            Some((address.parse().expect("an address"), said.trim().to_owned()))
        })
        .expect("it says where its page is");
    // A pipe that nobody reads would stop it.
    let rest = std::thread::spawn(move || lines.map_while(Result::ok).count());
    Followed {
        child,
        address,
        rest,
        said,
        _dir: dir,
    }
}

/// The iterations that ended well, by the page.
fn iterations(content: &str) -> Option<u64> {
    let (_, after) = content.split_once("<span>iterations</span> ")?;
    after.split_once(" ok")?.0.replace(',', "").parse().ok()
}

#[test]
fn numbers_grow_while_a_run_goes_on_and_the_report_comes_last() {
    let mut run = followed(&["--ui", "0", "--out", "report.json"]);
    assert!(run.address.ip().is_loopback());
    assert_eq!(run.said, "readable by the users of this machine");
    let page = ask(run.address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(page.contains("new EventSource('events')"), "{page}");
    assert!(
        !page.contains("http://") && !page.contains("https://"),
        "{page}"
    );
    let mut follower = Follower::new(run.address);
    let mut seen = Vec::new();
    let full = loop {
        let (name, content) = follower.event().expect("the run goes on");
        assert_eq!(name, "update");
        seen.extend(iterations(&content));
        let is_judged = ["? inconclusive", "✓ pass"]
            .iter()
            .any(|it| content.contains(it));
        if is_judged && content.contains("iterations per second over time") {
            break content;
        }
    };
    assert!(seen.is_sorted(), "{seen:?}");
    for part in [
        "blob-get",
        "busiest worker",
        "pull.response_time",
        "heat map of",
    ] {
        assert!(full.contains(part), "{part}: {full}");
    }
    let before = *seen.last().expect("some");
    let grown = std::iter::from_fn(|| follower.event())
        .find_map(|(_, it)| iterations(&it).filter(|it| *it > before));
    assert!(grown.is_some());
    let signal = format!("kill -INT {}", run.child.id());
    let sent = Command::new("sh").args(["-c", &signal]).status();
    assert!(sent.expect("a shell").success());
    let (_, report) = std::iter::from_fn(|| follower.event())
        .find(|(name, _)| name == "end")
        .expect("the end");
    // What --html would have: the verdict, and every section.
    for part in [
        "class=\"banner",
        "id=\"operations\"",
        "id=\"plan\"",
        "the plan was not done",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
    assert_eq!(follower.event(), None);
    assert_eq!(run.child.wait().expect("its end").code(), Some(130));
    run.rest.join().expect("the reader ends");
}

#[test]
fn one_address_has_the_metrics_and_the_page() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let address = port.expect("a free port").to_string();
    let mut run = followed(&["--ui", &address, "--metrics", &address]);
    for (path, part) in [("/", "EventSource"), ("/metrics", "regstorm_period")] {
        let answer = ask(
            run.address,
            &format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"),
        );
        assert!(answer.contains(part), "{answer}");
    }
    run.child.kill().expect("it runs");
    run.child.wait().expect("its end");
    run.rest.join().expect("the reader ends");
}

#[test]
fn an_address_that_cannot_be_had_is_refused_before_anything_is_sent() {
    let registry = registry(Settings::default());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = listener.local_addr().expect("an address").to_string();
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("test.toml"), PULLS).expect("a file");
    // 192.0.2.1 is for documents (RFC 5737): no machine has it.
    for (address, part) in [
        (taken.as_str(), taken.as_str()),
        ("192.0.2.1:8089", "192.0.2.1:8089"),
        ("localhost:8089", "write PORT"),
        ("", "write PORT"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
            .args([
                "run",
                "test.toml",
                "--target",
                &registry.url(),
                "--ui",
                address,
            ])
            .current_dir(dir.path())
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{address}: {said}");
        assert!(
            said.contains("--ui") && said.contains(part),
            "{address}: {said}"
        );
    }
    drop(listener);
    assert_eq!(registry.counts().requests, 0);
}
