//! What is no habit of its own: retries without a pause, storms of `HEAD`, too many layers at once, tokens that end within an
//! upload.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use http::StatusCode;
use regstorm::embedded::{Auth, Fault, FaultKind, Quirk, Running, Settings};
use regstorm::engine::Finished;
use regstorm::measure::{IterationTime, Outcomes, Period};
use regstorm::oci::Operation::{
    self, BlobGet, ManifestGet, ManifestHead, Token, UploadPatch, UploadPut,
};
use regstorm::units::Secret;

use super::{ITERATIONS, iterations, scenario};
use crate::support::{assert_closed, plan, registry, run, run_against, settled};

fn faulty(operation: Operation, kind: FaultKind) -> Running {
    registry(Settings {
        faults: vec![Fault::on(operation, kind)],
        ..Settings::default()
    })
}

fn time(finished: &Finished) -> IterationTime {
    let (_, _, series) = finished.record.journeys().next().expect("a journey");
    series.counts.time
}

#[test]
fn retries_without_backoff_follow_each_other_without_a_pause() {
    let busy = FaultKind::Status {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: None,
        retry_after: Some(Duration::from_secs(7)),
    };
    let retrying = "retry_attempts = 10\nretry_requests = \"without-body\"\nretry_statuses = [503]\n\
                    retry_backoff = \"none\"";
    for (journey, operation) in [
        ("action = \"poll\"\nmethod = \"get\"", ManifestGet),
        (
            "action = \"pull\"\nparallel = 1\nconfig = \"first\"",
            BlobGet,
        ),
    ] {
        let target = faulty(operation, busy.clone());
        let toml = scenario(&format!("{journey}\n{retrying}"), "100B");
        // A poll has no parallel transfers; the pull says it again.
        let toml = toml.replacen("parallel = 1\n", "", 1);
        let (finished, counts) = run_against(&toml, &target);
        let all = iterations(&finished);
        assert_eq!((all.failed, all.ended()), (ITERATIONS, ITERATIONS));
        // Each iteration sends its first such request ten times and no other.
        assert_eq!(counts.with_status(operation, 503), ITERATIONS * 10);
        let time = time(&finished);
        assert_eq!(time.retries, ITERATIONS * 9);
        assert_eq!(time.pauses, Duration::ZERO);
        assert_eq!(time.longest_pause, Duration::ZERO);
    }
}

#[test]
fn a_storm_of_heads_is_as_many_heads_as_were_due() {
    let target = registry(Settings::default());
    let toml =
        scenario("action = \"poll\"\nmethod = \"head\"", "100B").replacen("parallel = 1\n", "", 1);
    let closed = toml.replacen("iterations = 5", "iterations = 500", 1);
    let (finished, counts) = run_against(&closed, &target);
    assert_eq!(
        iterations(&finished),
        Outcomes {
            ok: 1000,
            ..Outcomes::default()
        }
    );
    assert_eq!(counts.with_status(ManifestHead, 200), 1000);
    let time = time(&finished);
    assert_eq!((time.pauses, time.retries), (Duration::ZERO, 0));
    // A thousand a second, for a second, of which none is dropped for want of a user.
    let (head, _) = toml.split_once("[[load]]").expect("a load");
    let open = format!(
        "{head}[[load]]\njourney = \"j\"\nexecutor = \"constant-arrival-rate\"\nrate = 1000\nduration = \"1s\"\n\
         max_vus = 500\non_no_vu = \"queue\"\nmax_queue = 1000\n"
    );
    let (finished, counts) = run_against(&open, &registry(Settings::default()));
    assert_eq!(iterations(&finished).ok, 1000);
    assert_eq!(counts.with_status(ManifestHead, 200), 1000);
}

/// The most requests that a registry works on at once, looked at while something is done.
fn most_at_once(target: &Running, work: impl FnOnce()) -> u64 {
    let (over, most) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                most.fetch_max(target.counts().in_progress, Ordering::Relaxed);
                thread::yield_now();
            }
        });
        work();
        over.store(true, Ordering::Relaxed);
    });
    most.into_inner()
}

#[test]
fn as_many_layers_are_fetched_at_once_as_a_journey_wants() {
    for http in ["1.1", "2"] {
        // Long enough for a busy machine to send sixty-four requests.
        let target = faulty(BlobGet, FaultKind::Delay(Duration::from_secs(2)));
        let journey = format!("action = \"pull\"\nconfig = \"first\"\nhttp = \"{http}\"");
        let toml = scenario(&journey, "100B")
            .replacen("parallel = 1\n", "parallel = 64\n", 1)
            .replacen("layers = 3", "layers = 100", 1)
            .replacen("vus = 2\niterations = 5", "vus = 1\niterations = 1", 1);
        let plan = plan(&toml, &target.url(), 1);
        let most = most_at_once(&target, || {
            let finished = run(&plan).expect("a run");
            assert_closed(&finished);
            assert_eq!(iterations(&finished).ok, 1);
        });
        assert_eq!(most, 64, "HTTP/{http}");
    }
}

/// A token service that says nothing of a life of a second: the client learns of its end by 401.
fn short_lived() -> Running {
    registry(Settings {
        auth: Auth::Bearer {
            user: "ali".into(),
            password: Secret::new("open-sesame"),
            token_lifetime: Duration::from_secs(1),
            anonymous_pull: false,
        },
        quirks: vec![Quirk::NoTokenExpiry],
        ..Settings::default()
    })
}

#[test]
fn an_upload_outlives_its_token() {
    // The bytes are under way when the token ends: what comes after them is challenged, and goes on.
    let stall = "stall = { after = 0.25, time = \"1200ms\" }";
    for (method, challenged, bytes) in [
        ("method = \"patch\"", UploadPut, 4 << 20),
        (
            "method = \"chunks\"\nchunk_size = \"1MiB\"",
            UploadPatch,
            4 << 20,
        ),
    ] {
        let target = short_lived();
        let toml = scenario(&format!("action = \"push\"\n{method}\n{stall}"), "4MiB")
            .replacen("layers = 3", "layers = 1", 1)
            .replacen("iterations = 5", "iterations = 2", 1)
            .replacen(
                "[images.web]",
                "[target.auth]\nusername = \"ali\"\npassword = \"open-sesame\"\n[images.web]",
                1,
            );
        // The registry refuses the head of a chunk, whose bytes it then does not count.
        let finished = run(&plan(&toml, &target.url(), 2)).expect("a run");
        assert_closed(&finished);
        let counts = settled(&target);
        assert_eq!(
            iterations(&finished),
            Outcomes {
                ok: 4,
                ..Outcomes::default()
            },
            "{method}"
        );
        // Each of the four uploads was challenged once after its stall, and got a new token.
        assert_eq!(counts.with_status(challenged, 401), 4, "{method}");
        assert!(counts.with_status(Token, 200) >= 4 + 2, "{method}");
        assert_eq!(counts.with_status(UploadPut, 201), 4 * 2, "{method}");
        assert_eq!(counts.open_uploads, 0, "{method}");
        let sent = finished.record.totals(Period::Measure).bytes.sent;
        assert!(sent >= 4 * bytes, "{method}: {sent}");
    }
}
