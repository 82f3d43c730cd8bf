//! The hot paths: what a run does for each sample, arrival and exchange.
//!
//! Hashing is not among them. Valgrind's processor has no SHA instructions, so the portable code would be counted, which
//! runs nowhere; a copy of each frame, which a count could catch, adds a thousandth to it.

use std::hint::black_box;
use std::rc::Rc;
use std::time::Duration;

use regstorm::engine::{Due, IdleUsers};
use regstorm::exchange::{ConnectionUse, Protocol, Timings};
use regstorm::measure::{
    Catalogue, ExchangeSample, IterationSample, Outcome, Period, Recorder, Spent, TrackId,
};
use regstorm::oci::{ImageName, Operation};
use regstorm::profile::Profile;
use regstorm::registry::{Base, Client, Exchange, Observer, Settings};
use regstorm::schedule::{Arrivals, Curve, Spacing};
use regstorm::transport::{Pool, PoolSettings};
use regstorm::units::Rate;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::task::{spawn_local, yield_now};
use tokio::time::Instant;

/// A path whose instructions are counted.
pub(crate) struct HotPath {
    pub(crate) name: &'static str,
    /// How often it is walked for one count.
    pub(crate) times: u32,
    /// How much a count may differ from the stored one. The same sources give the same count within 0.1%; a change somewhere
    /// else, which makes the compiler lay out and inline otherwise, has moved one by up to 3%.
    pub(crate) allowed_percent: f64,
    pub(crate) walk: fn(u32),
}

pub(crate) const HOT_PATHS: [HotPath; 5] = [
    HotPath {
        name: "record-exchange",
        times: 20_000,
        allowed_percent: 5.0,
        walk: record_exchanges,
    },
    HotPath {
        name: "record-iteration",
        times: 20_000,
        allowed_percent: 5.0,
        walk: record_iterations,
    },
    HotPath {
        name: "arrival-due",
        times: 20_000,
        allowed_percent: 5.0,
        walk: schedule_arrivals,
    },
    HotPath {
        name: "arrival-taken",
        times: 20_000,
        allowed_percent: 5.0,
        walk: take_arrivals,
    },
    // The event loop and hyper are in this one, and the peer.
    HotPath {
        name: "exchange-kept",
        times: 2_000,
        allowed_percent: 5.0,
        walk: exchange,
    },
];

const OPERATIONS: [Operation; 4] = [
    Operation::ManifestHead,
    Operation::ManifestGet,
    Operation::BlobGet,
    Operation::Token,
];

/// An empty index: the smallest manifest there is. Its digest is computed, by code that a count says nothing of.
const MANIFEST: &str = r#"{"schemaVersion":2,"manifests":[]}"#;

/// Samples of exchanges with five phases, over a reused connection.
fn record_exchanges(times: u32) {
    let (mut recorder, track) = recorder();
    for number in 0..times {
        recorder.exchange(black_box(&ExchangeSample {
            track,
            operation: OPERATIONS[(number % 4) as usize],
            period: Period::Measure,
            due: Duration::ZERO,
            finished: Duration::from_micros(number.into()),
            timings: Timings {
                wait: Some(Duration::from_micros(2)),
                send: Some(Duration::from_micros(15)),
                first_byte: Some(spread(number)),
                body: Some(spread(number + 1)),
                total: Duration::from_micros(17) + spread(number) + spread(number + 1),
                ..Timings::default()
            },
            connection: ConnectionUse::Reused,
            protocol: Some(Protocol::Http1),
            handshake: None,
            sent: 0,
            received: 4096,
            status: Some(200),
            outcome: Outcome::Ok,
        }));
    }
    black_box(recorder.live());
}

/// Iterations that were announced, began and ended.
fn record_iterations(times: u32) {
    let (mut recorder, track) = recorder();
    for number in 0..times {
        let due = Duration::from_micros(number.into());
        recorder.scheduled(track, Period::Measure, due);
        recorder.started(track, Period::Measure, due);
        recorder.iteration(black_box(&IterationSample {
            track,
            period: Period::Measure,
            scheduled: due,
            started: due + Duration::from_micros(10),
            finished: due + spread(number),
            sent: 0,
            received: 40_960,
            spent: Spent::at_rest(spread(number)),
            outcome: Outcome::Ok,
        }));
    }
    black_box(recorder.live());
}

fn recorder() -> (Recorder, TrackId) {
    let catalogue = Catalogue::new(vec![("pull".into(), OPERATIONS.to_vec())]);
    let track = catalogue.track(0).expect("there is one");
    let recorder = Recorder::new(&catalogue, &[], Duration::from_mins(2));
    (recorder, track)
}

/// A spread of latencies, the same in every thousand samples, so that each thousand counts alike.
fn spread(number: u32) -> Duration {
    Duration::from_micros(u64::from(100 + (number % 1_000) * 7_919 % 50_000))
}

/// When arrivals are due, at random under a rate: the dearer of the two ways.
fn schedule_arrivals(times: u32) {
    for (_, arrival) in (0..times).zip(arrivals(Spacing::Poisson)) {
        black_box(arrival);
    }
}

/// The whole way of an arrival to a user that waits for it. The event loop has no timer, whose part in each turn depends
/// on how much time has passed.
fn take_arrivals(times: u32) {
    event_loop(&mut Builder::new_current_thread()).block_on(async {
        let idle_users = IdleUsers::new(1, 0);
        let user = Rc::clone(&idle_users);
        let user = spawn_local(async move {
            while let Some(due) = user.next(0).await {
                black_box(due);
            }
        });
        yield_now().await;
        let begin = Instant::now();
        for (_, arrival) in (0..times).zip(arrivals(Spacing::Uniform)) {
            idle_users.offer(Due {
                index: arrival.index,
                at: begin + arrival.due,
                stage: arrival.stage,
            });
            // The user has its turn.
            yield_now().await;
        }
        idle_users.close();
        user.await.expect("the user does not panic");
    });
}

/// More arrivals than are ever counted, at 10,000 a second.
fn arrivals(spacing: Spacing) -> Arrivals {
    let curve = Curve::Constant {
        rate: Rate::new(10_000.0, Duration::from_secs(1)).expect("a rate that is allowed"),
        duration: Duration::from_mins(1),
    };
    curve.arrivals(spacing, 42)
}

/// One `GET` of a manifest after the other over a kept connection, to a peer on the same event loop.
fn exchange(times: u32) {
    event_loop(Builder::new_current_thread().enable_all()).block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let peer = spawn_local(async move {
            let (stream, _) = listener.accept().await.expect("somebody connects");
            answer(stream).await;
        });
        let base = Base::parse(&format!("http://{address}")).expect("a URL");
        let settings = Settings::new(base, Profile::PLAIN.habits(), Duration::from_mins(1));
        let pool = Pool::new(PoolSettings::default(), Rc::default(), Rc::default());
        let client = Client::new(Rc::new(settings), pool, Rc::new(Deaf));
        let image: ImageName = "lab/image:1".parse().expect("a reference");
        for _ in 0..times {
            let got = client.manifest_get(&image.repository, &image.reference);
            black_box(got.await.expect("the manifest is there"));
        }
        peer.abort();
    });
}

/// Answers each request, which comes in one piece, with the same manifest.
async fn answer(mut stream: TcpStream) {
    let length = MANIFEST.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.index.v1+json\r\nContent-Length: {length}\r\n\r\n{MANIFEST}"
    );
    let mut request = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut request).await {
        assert!(request[..read].ends_with(b"\r\n\r\n"), "a whole request");
        let written = stream.write_all(answer.as_bytes()).await;
        written.expect("the client listens");
    }
}

/// Hears of exchanges, as in a run, and forgets them.
struct Deaf;

impl Observer for Deaf {
    fn exchange(&self, _: &Exchange<'_>) {}
}

fn event_loop(builder: &mut Builder) -> LocalRuntime {
    builder
        .build_local(LocalOptions::default())
        .expect("an event loop")
}
