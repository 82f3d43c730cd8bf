//! What a token costs outside its refresh: CPU time of a client for one `GET` of a manifest, open and with a token.
//!
//! `cargo bench --bench tokens`. One client on one thread and one kept connection to a peer that answers all three alike: a
//! registry that checks tokens takes longer to answer, and a client that waits longer wakes colder. The peer has a thread of
//! its own that is not counted. Open, Basic and Bearer take turns, in another order each round; the ratios are of one round,
//! and their median is told with the middle half of them. A ratio of 1.00 costs nothing.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use regstorm::oci::{ImageName, Reference, RepositoryName};
use regstorm::profile::Profile;
use regstorm::registry::{Base, Client, Exchange, Observer, Settings};
use regstorm::transport::{Pool, PoolSettings};
use regstorm::units::{Credentials, Secret};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

const ROUNDS: usize = 60;
const EXCHANGES: u32 = 1_000; // in each turn

/// An empty index: the smallest manifest there is, so that all else weighs most.
const MANIFEST: &str = r#"{"schemaVersion":2,"manifests":[]}"#;

/// Hears of exchanges, as in a run, and forgets them.
struct Deaf;

impl Observer for Deaf {
    fn exchange(&self, _: &Exchange<'_>) {}
}

/// A registry and a client that has been let in.
struct Pair {
    name: &'static str,
    client: Client,
    repository: RepositoryName,
    reference: Reference,
}

#[expect(clippy::print_stdout, reason = "a bench tells what it found")]
fn main() {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .expect("an event loop");
    let pairs = [
        pair("open", None),
        pair("basic", Some("Basic realm=\"bench\"")),
        pair("bearer", Some("Bearer realm=\"/token\",service=\"bench\"")),
    ];
    for pair in &pairs {
        turn(&runtime, pair); // tokens are fetched, and everything is warm
    }
    let mut rounds: Vec<[f64; 3]> = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let mut costs = [0.0; 3];
        for step in 0..pairs.len() {
            let which = (round + step) % pairs.len();
            costs[which] = turn(&runtime, &pairs[which]);
        }
        rounds.push(costs);
    }
    println!("CPU of a client    per GET    to open (middle half)");
    for (which, pair) in pairs.iter().enumerate() {
        let [_, cost, _] = quartiles(rounds.iter().map(|it| it[which]));
        let [low, ratio, high] = quartiles(rounds.iter().map(|it| it[which] / it[0]));
        println!(
            "{:17}  {cost:5.2} µs   {ratio:.3} ({low:.3} to {high:.3})",
            pair.name
        );
    }
}

/// A client of a peer that wants to see something, and takes anything.
fn pair(name: &'static str, challenge: Option<&'static str>) -> Pair {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it listens");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || serve(stream, challenge));
        }
    });
    let reference: ImageName = "lab/image:1".parse().expect("a reference");
    let base = Base::parse(&format!("http://{address}")).expect("a URL");
    let mut settings = Settings::new(base, Profile::PLAIN.habits(), Duration::from_mins(1));
    settings.credentials = Some(Credentials::password("bench", Secret::new("correct horse")));
    let keep = PoolSettings::default();
    let pool = Pool::new(keep, Rc::default(), Rc::default());
    Pair {
        name,
        client: Client::new(Rc::new(settings), pool, Rc::new(Deaf)),
        repository: reference.repository,
        reference: reference.reference,
    }
}

/// Answers every request on a connection.
fn serve(stream: TcpStream, challenge: Option<&str>) {
    let length = MANIFEST.len();
    let manifest = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.index.v1+json\r\nContent-Length: {length}\r\n\r\n{MANIFEST}"
    );
    // About as long as real ones are.
    let token = format!("{{\"token\":\"{}\",\"expires_in\":3600}}", "x".repeat(800));
    let length = token.len();
    let token = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{token}");
    let challenge = challenge.map(|it| {
        format!("HTTP/1.1 401 No\r\nWWW-Authenticate: {it}\r\nContent-Length: 0\r\n\r\n")
    });
    let mut stream = BufReader::new(stream);
    let (mut head, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if !matches!(stream.read_line(&mut line), Ok(1..)) {
            return;
        }
        head.push_str(&line);
        if line != "\r\n" {
            continue;
        }
        let answer = match &challenge {
            Some(_) if head.starts_with("GET /token") => &token,
            Some(challenge) if !head.contains("authorization: ") => challenge,
            _ => &manifest,
        };
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
        head.clear();
    }
}

/// Microseconds of CPU for one exchange.
fn turn(runtime: &LocalRuntime, pair: &Pair) -> f64 {
    let began = cpu();
    runtime.block_on(async {
        for _ in 0..EXCHANGES {
            let got = pair.client.manifest_get(&pair.repository, &pair.reference);
            got.await.expect("the manifest is there");
        }
    });
    cpu().saturating_sub(began).as_secs_f64() * 1e6 / f64::from(EXCHANGES)
}

/// The CPU time of this thread.
fn cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)
        .expect("every Linux has this clock")
        .into()
}

fn quartiles(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[values.len() * quarter / 4])
}
