//! What each client sends again, after which answers, how often, and how long it waits before.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use http::StatusCode;
use regstorm::embedded::{Fault, FaultKind, Point, Running, Settings};
use regstorm::oci::{Digest, Manifest, MediaType, Operation};
use regstorm::profile::Profile;
use regstorm::registry::{Error, Kind};
use regstorm::transport::Body;
use tokio::time::{Instant, advance, pause, resume, sleep};

use super::user::{User, UserSettings, agree, body, content, fetch, name, registry, run, tag};

const OPERATION: Operation = Operation::ManifestHead;

fn seconds(pauses: &[u64]) -> Vec<Duration> {
    pauses.iter().copied().map(Duration::from_secs).collect()
}

fn millis(pauses: &[u64]) -> Vec<Duration> {
    pauses.iter().copied().map(Duration::from_millis).collect()
}

fn refusal(status: u16, retry_after: Option<u64>) -> FaultKind {
    FaultKind::Status {
        status: StatusCode::from_u16(status).expect("a status"),
        code: None,
        retry_after: retry_after.map(Duration::from_secs),
    }
}

fn broken() -> FaultKind {
    FaultKind::Reset(Point::BeforeHead)
}

fn site(faults: Vec<Fault>) -> Running {
    registry(Settings {
        faults,
        ..Settings::default()
    })
}

fn user(site: &Running, client: &str) -> User {
    let profile = Profile::named(client).expect("a profile");
    let settings = UserSettings {
        habits: profile.habits(),
        ..UserSettings::default()
    };
    User::with(&site.url(), settings)
}

/// Waits for a call whose tries lie so far apart. The clock is wound on through each pause: what must be shorter than it
/// is not enough, what must be longer is.
async fn wound<T>(
    (user, site): (&User, &Running),
    pauses: &[Duration],
    call: impl Future<Output = T>,
) -> T {
    let mut call = pin!(call);
    let (asked, ended) = (site.counts().requests, user.journal.all().len());
    let mut not_before = Instant::now(); // no try that is not counted yet has ended before
    for (tried, length) in (1..).zip(pauses) {
        let passed = async {
            while user.journal.all().len() < ended + tried {
                not_before = Instant::now();
                sleep(TICK).await;
            }
            if length.is_zero() {
                return;
            }
            let asked = asked + u64::try_from(tried).expect("a few");
            pause();
            let enough = Instant::now() + *length + 2 * TICK;
            wind_to(not_before + *length - TICK).await;
            for _ in 0..20 {
                settle().await;
                assert_eq!(site.counts().requests, asked, "too early after try {tried}");
            }
            not_before = Instant::now();
            wind_to(enough).await;
            let mut turns = 0;
            while site.counts().requests == asked {
                settle().await;
                turns += 1;
                assert!(turns < 10_000, "too late after try {tried}");
            }
            resume();
        };
        tokio::select! {
            biased;
            done = &mut call => {
                // The last try may have its answer before it is looked at.
                let all = user.journal.all().len();
                assert!(all > ended + tried, "it was not sent again after try {tried}");
                if !length.is_zero() {
                    resume();
                }
                return done;
            }
            () = passed => {}
        }
    }
    call.await
}

/// What a timer counts in; it rounds up.
const TICK: Duration = Duration::from_millis(1);

/// Winds the clock, which stands, to an instant that may have passed.
async fn wind_to(instant: Instant) {
    advance(instant.saturating_duration_since(Instant::now())).await;
}

/// Lets others go on while the clock stands.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

async fn head(user: &User) -> Result<(), Error> {
    let (repository, tag) = (name("a"), tag("t"));
    user.client.manifest_head(&repository, &tag).await.map(drop)
}

/// Sends a request that is always answered so; all its tries fail, and the pauses between them are these.
fn tries(client: &str, kind: &FaultKind, pauses: &[Duration]) {
    let site = site(vec![Fault::on(OPERATION, kind.clone())]);
    let user = user(&site, client);
    run(async {
        let sent = wound((&user, &site), pauses, head(&user)).await;
        assert!(sent.is_err());
        agree(&site, &[&user]).await;
    });
    let all = user.journal.all();
    assert_eq!(all.len(), pauses.len() + 1, "{client} after {kind:?}");
    assert!(all.iter().all(|it| it.operation == OPERATION));
    assert!(
        all.iter().all(|it| it.end != "ok" && it.end != "cancelled"),
        "{:?}",
        user.journal.ends()
    );
}

#[test]
fn each_client_tries_as_often_as_it_does() {
    let never = seconds(&[]);
    let at_once = |count: usize| vec![Duration::ZERO; count];
    for (client, throttled, unavailable, wrong, reset) in [
        (
            "plain",
            never.clone(),
            never.clone(),
            never.clone(),
            never.clone(),
        ),
        // It is only the blobs that it tries again.
        (
            "docker",
            never.clone(),
            never.clone(),
            never.clone(),
            never.clone(),
        ),
        ("containerd", at_once(4), at_once(1), at_once(1), at_once(4)),
        ("buildkit", at_once(4), at_once(1), at_once(1), at_once(4)),
        (
            "podman",
            seconds(&[2, 4, 8, 16]),
            never.clone(),
            never.clone(),
            never.clone(),
        ),
        (
            "crane",
            seconds(&[1, 3]),
            seconds(&[1, 3]),
            seconds(&[1, 3]),
            seconds(&[1, 3]),
        ),
        (
            "oras",
            millis(&[250, 500, 1000, 2000, 3000]),
            millis(&[250, 500, 1000, 2000, 3000]),
            millis(&[250, 500, 1000, 2000, 3000]),
            millis(&[250, 500, 1000, 2000, 3000]),
        ),
    ] {
        tries(client, &refusal(429, None), &throttled);
        tries(client, &refusal(503, None), &unavailable);
        tries(client, &refusal(500, None), &wrong);
        tries(client, &broken(), &reset);
        tries(client, &refusal(403, None), &never);
    }
}

#[test]
fn who_heeds_the_registry_comes_back_when_it_says() {
    let linear: Vec<_> = (1..6).map(|it| Duration::from_secs(5 * it)).collect();
    for client in ["podman", "oras"] {
        tries(
            client,
            &refusal(429, Some(0)),
            &vec![Duration::ZERO; if client == "podman" { 4 } else { 5 }],
        );
    }
    tries("podman", &refusal(429, Some(7)), &seconds(&[7, 7, 7, 7]));
    // The others are told and do not listen.
    tries("crane", &refusal(429, Some(30)), &seconds(&[1, 3]));
    tries("containerd", &refusal(429, Some(30)), &[Duration::ZERO; 4]);
    // With 503 nobody listens.
    tries("crane", &refusal(503, Some(30)), &seconds(&[1, 3]));

    let site = site(vec![Fault::on(Operation::BlobGet, refusal(429, Some(1)))]);
    let user = user(&site, "docker");
    run(async {
        let blob = content(10);
        let fetched = wound((&user, &site), &linear, fetch(&user, &blob)).await;
        assert_eq!(
            fetched.expect_err("refused").status(),
            Some(StatusCode::TOO_MANY_REQUESTS)
        );
    });
    assert_eq!(user.journal.all().len(), 6);
}

#[test]
fn no_registry_is_waited_for_longer_than_a_minute() {
    let day = refusal(429, Some(86_400));
    let site = site(vec![Fault::on(OPERATION, day).window(0, Some(1))]);
    let user = user(&site, "podman");
    run(async {
        let minute = seconds(&[60]);
        let found = wound((&user, &site), &minute, head(&user)).await;
        found.expect("the second answer is an honest one");
    });
    let ends: Vec<String> = user.journal.all().into_iter().map(|it| it.end).collect();
    assert_eq!(ends.len(), 2);
    assert!(ends[0].contains("429"), "{ends:?}");
    assert_eq!(ends[1], "ok");
}

#[test]
fn another_failure_of_the_same_kind_is_one_too_many() {
    let script = |statuses: &[u16]| {
        let faults = (0..).zip(statuses);
        let faults = faults
            .map(|(place, status)| {
                Fault::on(OPERATION, refusal(*status, None)).window(place, Some(1))
            })
            .collect();
        let site = site(faults);
        let user = user(&site, "containerd");
        let done = run(head(&user)).is_ok();
        (done, user.journal.all().len())
    };
    assert_eq!(script(&[503]), (true, 2));
    assert_eq!(script(&[503, 503]), (false, 2));
    assert_eq!(script(&[503, 500, 503, 504]), (true, 5));
    assert_eq!(script(&[429, 503, 429, 503]), (true, 5));
    assert_eq!(script(&[429, 503, 503]), (false, 3));
    assert_eq!(script(&[429, 429, 429, 429, 429]), (false, 5));
}

/// A body that is a stream cannot be sent twice, and one that could be is not either.
#[test]
fn a_request_with_a_body_is_sent_once() {
    let throttled = |operation| Fault::on(operation, refusal(429, Some(0))).window(0, Some(2));
    let site = site(
        [
            Operation::UploadStart,
            Operation::UploadPatch,
            Operation::UploadPut,
            Operation::ManifestPut,
            Operation::ManifestDelete,
        ]
        .map(throttled)
        .to_vec(),
    );
    let user = user(&site, "podman");
    run(async {
        let (client, repository) = (&user.client, name("a"));
        let blob = content(30_000);
        let sent = body(&blob);
        // The POST has none, and comes through.
        for _ in 0..2 {
            let session = client.upload_start(&repository).await;
            let session = session.expect("the third answer opens a session");
            let error = session.patch(&sent, None).await.expect_err("refused");
            assert!(matches!(error.kind(), Kind::Status { .. }), "{error}");
        }
        let session = client.upload_start(&repository).await.expect("a session");
        let session = session
            .patch(&sent, None)
            .await
            .expect("the third is taken");
        // Nor has the PUT that only ends an upload.
        let put = session.put(&Digest::sha256(&blob), &Body::empty).await;
        put.expect("the third answer is good");
        let manifest = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
        let manifest = Manifest::parse(manifest.to_vec().into(), Some(&MediaType::OciIndex));
        let manifest = manifest.expect("an index of nothing");
        for good in [false, false, true] {
            let stored = client.manifest_put(&repository, &tag("t"), &manifest).await;
            assert_eq!(stored.is_ok(), good);
        }
        let deleted = client.manifest_delete(&repository, &tag("t")).await;
        assert!(deleted.expect("the third answer is good"));
        client.cancel_abandoned().await.expect("two are cancelled");
        agree(&site, &[&user]).await;
    });
    let tried = |operation| user.journal.of(operation).len();
    assert_eq!(tried(Operation::UploadStart), 3 + 2);
    assert_eq!(tried(Operation::UploadPatch), 3);
    assert_eq!(tried(Operation::UploadPut), 3);
    assert_eq!(tried(Operation::ManifestPut), 3);
    assert_eq!(tried(Operation::ManifestDelete), 3);
    assert_eq!(site.counts().open_uploads, 0);
}

#[test]
fn docker_tries_again_what_fetches_a_blob_and_nothing_else() {
    let faults = vec![Fault::everywhere(refusal(429, None))];
    let site = site(faults);
    let user = user(&site, "docker");
    run(async {
        let (client, repository) = (&user.client, name("a"));
        client.ping().await.expect_err("refused");
        client
            .manifest_get(&repository, &tag("t"))
            .await
            .expect_err("refused");
        let digest = Digest::sha256(b"x");
        client
            .blob_head(&repository, &digest)
            .await
            .expect_err("refused");
        client
            .upload_start(&repository)
            .await
            .map(drop)
            .expect_err("refused");
    });
    assert_eq!(user.journal.all().len(), 4);
}
