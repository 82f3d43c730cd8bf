//! Every fault against every verb: each exchange ends once, and the client and the registry tell the same story.

use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use regstorm::client::Discard;
use regstorm::embedded::{Fault, FaultKind, Point, Quirk, Running, Settings, Stall, When};
use regstorm::oci::{Digest, ErrorCode, Manifest, MediaType, Operation, Reference, Verify};
use regstorm::registry::{Paging, Wanted};
use regstorm::transport::Body;
use regstorm::units::{ByteSize, Ratio};

use crate::protocol::user::{
    User, UserSettings, agree, basic, bearer, body, content, name, registry, run, settled, tag,
    tenant,
};
use crate::support::patiently;

/// Bytes of every blob here.
const SIZE: usize = 60_000;

fn manifest() -> Manifest {
    let digest = Digest::sha256(&content(SIZE));
    let raw = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{digest}","size":{SIZE}}},"layers":[]}}"#
    );
    Manifest::parse(raw.into(), None).expect("a manifest")
}

/// A verb, by its number. Whether it works is not the question.
async fn act(verb: usize, user: &User) {
    let (a, client) = (name("a"), &user.client);
    let bytes = content(SIZE);
    let digest = Digest::sha256(&bytes);
    let body = body(&bytes);
    let part = crate::protocol::user::body(&bytes.slice(..SIZE / 2));
    let chunked = || Body::chunked(std::iter::repeat_n(bytes.slice(..1000), 60).map(Ok));
    let wanted = Wanted {
        digest,
        size: Some(SIZE as u64),
        verify: Verify::Digest,
    };
    match verb {
        0 => drop(client.ping().await),
        1 => drop(client.manifest_head(&a, &tag("t")).await),
        2 => drop(client.manifest_get(&a, &tag("t")).await),
        3 => drop(client.manifest_put(&a, &tag("u"), &manifest()).await),
        4 => drop(client.blob_head(&a, &digest).await),
        5 => drop(client.blob_get(&a, wanted, &mut Discard).await),
        6 => drop(client.upload_start(&a).await),
        7 => drop(client.upload_post(&name("b"), &digest, &body).await),
        8 => drop(client.upload_mount(&name("c"), &digest, Some(&a)).await),
        9 => drop(client.tags(&a, Paging::First(Some(1))).await),
        10 => drop(client.catalog(Paging::First(None)).await),
        11 => drop(
            client
                .referrers(&a, &digest, None, Paging::First(None))
                .await,
        ),
        12 => drop(
            client
                .manifest_delete(&name("x"), &Reference::Digest(digest))
                .await,
        ),
        13 => drop(client.blob_delete(&name("x"), &digest).await),
        14 => {
            if let Ok(session) = client.upload_start(&name("d")).await {
                drop(session.put(&digest, &body).await);
            }
        }
        15 => {
            if let Ok(session) = client.upload_start(&name("e")).await
                && let Ok(session) = session.patch(&part, Some(0..SIZE as u64 / 2)).await
                && let Ok((session, _)) = session.status().await
            {
                drop(session.patch(&part, Some(0..SIZE as u64 / 2)).await);
            }
        }
        _ => {
            if let Ok(session) = client.upload_start(&name("f")).await
                && let Ok(session) = session.patch(&chunked, None).await
            {
                drop(session.put(&digest, &Body::empty).await);
            }
        }
    }
}

const VERBS: usize = 17;

fn stocked(settings: Settings) -> Running {
    let registry = registry(settings);
    registry.put_blob(&name("a"), content(SIZE)).expect("room");
    let reference = regstorm::oci::ImageName {
        repository: name("a"),
        reference: tag("t"),
    };
    let raw = manifest().raw().clone();
    registry
        .put_manifest(&reference, &MediaType::OciManifest, raw)
        .expect("room");
    registry
}

/// All verbs at once, each by a user of its own, under a fault; then what was left open is cancelled without it.
fn play(
    fault: Fault,
    settings: Settings,
    profile: impl Fn() -> UserSettings,
) -> (Running, Vec<User>) {
    let registry = stocked(settings);
    let users: Vec<_> = (0..VERBS)
        .map(|_| User::with(&registry.url(), profile()))
        .collect();
    run(async {
        registry.set_faults(vec![fault]).expect("it runs");
        for _ in 0..2 {
            join_all(users.iter().enumerate().map(|(verb, user)| act(verb, user))).await;
        }
        registry.set_faults(Vec::new()).expect("it runs");
        settled(&registry).await;
        for user in &users {
            let _ = user.client.cancel_abandoned().await;
        }
        settled(&registry).await;
    });
    (registry, users)
}

/// Compares the books after all verbs have met a fault.
fn under(fault: Fault, settings: Settings, profile: fn() -> UserSettings) {
    let shown = format!("{fault:?}");
    let (registry, users) = play(fault, settings, profile);
    let all: Vec<_> = users.iter().collect();
    run(agree(&registry, &all));
    let counts = registry.counts();
    let told: Vec<_> = users.iter().flat_map(|user| user.journal.all()).collect();
    assert_eq!(told.len() as u64, counts.requests, "{shown}");
    let lost = told.iter().filter(|seen| {
        let opens = [
            Operation::UploadStart,
            Operation::UploadMount,
            Operation::UploadPost,
        ];
        opens.contains(&seen.operation) && seen.end != "ok"
    });
    // A session whose opening nobody heard of cannot be cancelled; every other one is.
    assert!(
        counts.open_uploads <= lost.count() as u64,
        "{shown}: {counts:?}"
    );
}

fn status(status: StatusCode, code: Option<ErrorCode>) -> FaultKind {
    FaultKind::Status {
        status,
        code,
        retry_after: Some(Duration::from_secs(1)),
    }
}

const fn after(bytes: u64) -> Point {
    Point::AfterBody(ByteSize::from_bytes(bytes))
}

#[test]
fn no_fault_confuses_the_books() {
    for kind in [
        FaultKind::Delay(Duration::from_millis(5)),
        FaultKind::Rate(ByteSize::from_bytes(2_000_000)),
        status(
            StatusCode::TOO_MANY_REQUESTS,
            Some(ErrorCode::TooManyRequests),
        ),
        status(StatusCode::INTERNAL_SERVER_ERROR, None),
        status(StatusCode::UNAUTHORIZED, None),
        status(StatusCode::RANGE_NOT_SATISFIABLE, None),
        status(StatusCode::TEMPORARY_REDIRECT, None),
        FaultKind::Reset(Point::BeforeHead),
        FaultKind::Reset(after(1)),
        FaultKind::Reset(after(30_000)),
        FaultKind::Close(Point::BeforeHead),
        FaultKind::Close(after(1)),
        FaultKind::Close(after(30_000)),
        FaultKind::Stall(Point::BeforeHead, Stall::For(Duration::from_millis(20))),
        FaultKind::Stall(after(30_000), Stall::For(Duration::from_millis(20))),
        FaultKind::Corrupt(0),
        FaultKind::Corrupt(SIZE as u64 - 1),
    ] {
        let share = Ratio::try_new(0.5).unwrap();
        for when in [When::Always, When::Every(2), When::Probability(share, 7)] {
            let fault = Fault::everywhere(kind.clone()).when(when);
            under(fault, Settings::default(), UserSettings::default);
        }
    }
}

#[test]
fn no_fault_confuses_the_books_behind_a_gate() {
    for kind in [
        status(StatusCode::BAD_GATEWAY, None),
        FaultKind::Reset(Point::BeforeHead),
        FaultKind::Close(after(10)),
        FaultKind::Corrupt(0),
    ] {
        for auth in [basic(), bearer()] {
            let settings = Settings {
                auth,
                base_path: "/deep/er".into(),
                quirks: vec![
                    Quirk::RedirectBlobs,
                    Quirk::RelativeLocations,
                    Quirk::NoSinglePost,
                ],
                ..Settings::default()
            };
            let fault = Fault::everywhere(kind.clone()).when(When::Every(3));
            under(fault, settings, tenant);
        }
    }
}

#[test]
fn what_comes_too_late_is_timed_out_and_counted() {
    // A body has thirty thousand bytes in few exchanges only: there, all are hit.
    for (point, when) in [
        (Point::BeforeHead, When::Every(2)),
        (after(30_000), When::Always),
    ] {
        patiently(Duration::from_millis(700), |timeout| {
            let late = FaultKind::Stall(point, Stall::For(2 * timeout));
            let profile = || UserSettings {
                timeout,
                ..UserSettings::default()
            };
            let fault = Fault::everywhere(late).when(when);
            let (registry, users) = play(fault, Settings::default(), profile);
            // Whether the registry came to answer what nobody waited for is its own affair; that it was asked is not, unless
            // a machine that stands still kept the client from asking in time.
            let told: Vec<_> = users.iter().flat_map(|user| user.journal.all()).collect();
            let late = told.iter().filter(|seen| seen.end.starts_with("timed out"));
            let (all, late) = (told.len() as u64, late.count());
            let asked = registry.counts().requests;
            // Two rounds of a GET, a POST, a PUT and a PATCH with a body.
            let holds = all == asked && late >= 8;
            holds
                .then_some(())
                .ok_or_else(|| format!("{all} told and {asked} asked, {late} late: {told:?}"))
        });
    }
}
