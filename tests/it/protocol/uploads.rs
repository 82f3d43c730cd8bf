//! Uploads: what each form sends, and that no session is left behind.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use regstorm::client::{Known, PushOptions, Pushed, push};
use regstorm::content::{Format, Image, SizeSpec, SyntheticSet, SyntheticSpec};
use regstorm::embedded::{Fault, FaultKind, Point, Quirk, RequestRecord, Settings, Stall};
use regstorm::oci::{Digest, ImageName, Operation, RepositoryName};
use regstorm::profile::{Checks, Profile, PushMethod};
use regstorm::registry::Client;
use regstorm::registry::{Kind, Mounted, Posted};
use regstorm::transport::{Body, Error};
use regstorm::units::ByteSize;

use super::user::{
    User, UserSettings, agree, asked, body, content, dropped_when, name, refusal, registry, run,
    tag,
};
use super::wire::{Request, Wire, answer};

/// An image of three layers of 50,000 bytes and a config.
fn image() -> Image {
    let spec = SyntheticSpec {
        layers: 3.into(),
        layer_size: SizeSpec::Fixed(ByteSize::from_bytes(50_000)),
        format: Format::Docker,
        ..SyntheticSpec::default()
    };
    SyntheticSet::new(spec, 7).expect("a set").image(0)
}

/// How an image is pushed, in so far as the tests differ.
struct Way {
    parallel: NonZeroUsize,
    method: PushMethod,
    exists_check: bool,
    mount_from: Option<RepositoryName>,
}

fn way(method: PushMethod) -> Way {
    Way {
        parallel: NonZeroUsize::new(3).expect("not zero"),
        method,
        exists_check: false,
        mount_from: None,
    }
}

impl Way {
    /// The client of a user who pushes this way.
    fn client(&self, user: &User) -> Client {
        let mut habits = Profile::PLAIN.habits();
        habits.push.parallel = self.parallel;
        habits.push.method = self.method;
        habits.push.config_method = self.method;
        let checks = if self.exists_check {
            Checks::Once
        } else {
            Checks::Never
        };
        habits.push.layer_checks = checks;
        habits.push.config_checks = checks;
        user.client_with(habits)
    }

    fn options(&self) -> PushOptions {
        PushOptions {
            mount_from: self.mount_from.clone(),
            known: Known::Nothing,
        }
    }
}

fn at(repository: &str) -> ImageName {
    ImageName {
        repository: name(repository),
        reference: tag("t"),
    }
}

const METHODS: [PushMethod; 5] = [
    PushMethod::Post,
    PushMethod::Put,
    PushMethod::Patch,
    PushMethod::PatchChunked,
    PushMethod::Chunks {
        size: ByteSize::from_bytes(20_000),
    },
];

async fn pushed(user: &User, repository: &str, way: &Way) -> Pushed {
    let (client, options) = (way.client(user), way.options());
    let done = push(&client, &at(repository), &image(), &options, &()).await;
    done.expect("the push works")
}

fn of(requests: &[RequestRecord], operation: Operation) -> Vec<RequestRecord> {
    let mut found = requests.to_vec();
    found.retain(|it| it.operation == Some(operation));
    found
}

/// What one upload request looked like: type, length, coding, range.
fn shape(request: &RequestRecord) -> [Option<&str>; 4] {
    [
        "content-type",
        "content-length",
        "transfer-encoding",
        "content-range",
    ]
    .map(|name| request.header(name))
}

const OCTETS: Option<&str> = Some("application/octet-stream");

#[test]
fn each_form_sends_each_byte_once_and_leaves_nothing_open() {
    let image = image();
    let blobs: u64 = image.blobs().map(regstorm::content::Blob::size).sum();
    let raw = image.manifest().raw().len() as u64;
    for method in METHODS {
        let registry = registry(Settings::default());
        let user = User::new(&registry.url());
        run(async {
            let done = pushed(&user, "a", &way(method)).await;
            assert_eq!(
                (done.blobs.sent, done.blobs.bytes, done.manifests),
                (4, blobs, 1)
            );
            agree(&registry, &[&user]).await;
        });
        let counts = registry.counts();
        assert_eq!(counts.received, blobs + raw, "{method:?}");
        assert_eq!(user.totals.sent(), counts.received);
        assert_eq!(counts.open_uploads, 0);
        let count = |operation| counts.of(operation);
        let sent = [
            Operation::UploadPost,
            Operation::UploadStart,
            Operation::UploadPatch,
            Operation::UploadPut,
        ]
        .map(count);
        // Three layers of 50,000 bytes are three chunks of 20,000 each; the config is less than one.
        let expected = match method {
            PushMethod::Post => [4, 0, 0, 0],
            PushMethod::Put => [0, 4, 0, 4],
            PushMethod::Patch | PushMethod::PatchChunked => [0, 4, 4, 4],
            PushMethod::Chunks { .. } => [0, 4, 10, 4],
        };
        assert_eq!(sent, expected, "{method:?}");
        assert_eq!(count(Operation::ManifestPut), 1);
        let requests = registry.requests();
        let manifest = &of(&requests, Operation::ManifestPut)[0];
        assert_eq!(
            manifest.header("content-type"),
            Some("application/vnd.docker.distribution.manifest.v2+json")
        );
        assert_eq!(manifest.sequence, requests.len() as u64 - 1);
    }
}

#[test]
fn the_headers_of_each_form() {
    let layer = |method| {
        let registry = registry(Settings::default());
        let user = User::new(&registry.url());
        run(pushed(&user, "a", &way(method)));
        let mut requests = registry.requests();
        // The layers; the config has another size.
        let mut sessions: Vec<_> = requests
            .iter()
            .filter(|it| it.received == 50_000)
            .cloned()
            .collect();
        let first = sessions.pop();
        requests.retain(|it| it.operation == Some(Operation::UploadPut));
        (first, requests.pop(), registry.requests())
    };
    let (posted, _, _) = layer(PushMethod::Post);
    assert_eq!(shape(&posted.unwrap()), [OCTETS, Some("50000"), None, None]);
    let (put, _, requests) = layer(PushMethod::Put);
    assert_eq!(shape(&put.unwrap()), [OCTETS, Some("50000"), None, None]);
    for start in of(&requests, Operation::UploadStart) {
        assert_eq!(shape(&start), [None, Some("0"), None, None]);
        assert_eq!(start.target, "/v2/a/blobs/uploads/");
    }
    let (patch, put, _) = layer(PushMethod::Patch);
    assert_eq!(shape(&patch.unwrap()), [OCTETS, Some("50000"), None, None]);
    assert_eq!(shape(&put.unwrap()), [OCTETS, Some("0"), None, None]);
    let (patch, put, _) = layer(PushMethod::PatchChunked);
    assert_eq!(
        shape(&patch.unwrap()),
        [OCTETS, None, Some("chunked"), None]
    );
    assert_eq!(shape(&put.unwrap()), [OCTETS, Some("0"), None, None]);
    let (_, put, requests) = layer(METHODS[4]);
    assert_eq!(shape(&put.unwrap()), [OCTETS, Some("0"), None, None]);
    let mut shapes: Vec<_> = of(&requests, Operation::UploadPatch)
        .iter()
        .filter(|it| it.received == 20_000 || it.received == 10_000)
        .map(|it| format!("{:?}", shape(it)))
        .collect();
    shapes.sort();
    shapes.dedup();
    let expected = ["10000", "20000", "20000"]
        .iter()
        .zip(["40000-49999", "0-19999", "20000-39999"])
        .map(|(length, range)| format!("{:?}", [OCTETS, Some(length), None, Some(range)]));
    assert_eq!(shapes, expected.collect::<Vec<_>>());
}

#[test]
fn a_registry_that_takes_no_single_post_gets_the_bytes_in_its_session() {
    let registry = registry(Settings {
        quirks: vec![Quirk::NoSinglePost],
        ..Settings::default()
    });
    let user = User::new(&registry.url());
    run(async {
        pushed(&user, "a", &way(PushMethod::Post)).await;
        agree(&registry, &[&user]).await;
    });
    let counts = registry.counts();
    assert_eq!(counts.with_status(Operation::UploadPost, 202), 4);
    assert_eq!(
        counts.of(Operation::UploadStart),
        0,
        "a second session was opened"
    );
    assert_eq!(counts.with_status(Operation::UploadPut, 201), 4);
    assert_eq!(counts.open_uploads, 0);
}

#[test]
fn a_mount_that_misses_goes_on_in_its_own_session() {
    for method in METHODS {
        let registry = registry(Settings {
            quirks: vec![Quirk::NoMount],
            ..Settings::default()
        });
        let user = User::new(&registry.url());
        run(async {
            let way = Way {
                mount_from: Some(name("other")),
                ..way(method)
            };
            let done = pushed(&user, "a", &way).await;
            assert_eq!((done.blobs.mounted, done.blobs.sent), (0, 4));
            agree(&registry, &[&user]).await;
        });
        let counts = registry.counts();
        assert_eq!(counts.with_status(Operation::UploadMount, 202), 4);
        assert_eq!(
            counts.of(Operation::UploadStart) + counts.of(Operation::UploadPost),
            0
        );
        assert_eq!(counts.with_status(Operation::UploadPut, 201), 4);
        assert_eq!(counts.open_uploads, 0, "{method:?}");
    }
}

#[test]
fn what_is_there_is_not_sent_and_what_is_elsewhere_is_mounted() {
    let registry = registry(Settings::default());
    let user = User::new(&registry.url());
    run(async {
        let way = Way {
            exists_check: true,
            mount_from: Some(name("first")),
            ..way(PushMethod::Put)
        };
        let done = pushed(&user, "first", &way).await;
        assert_eq!(done.blobs.sent, 4);
        let done = pushed(&user, "first", &way).await;
        assert_eq!(
            (done.blobs.existed, done.blobs.sent, done.blobs.bytes),
            (4, 0, 0)
        );
        let done = pushed(&user, "second", &way).await;
        assert_eq!((done.blobs.mounted, done.blobs.sent), (4, 0));
        agree(&registry, &[&user]).await;
    });
    let mounts = of(&registry.requests(), Operation::UploadMount);
    let digest = image().layers()[0].descriptor().digest.to_hex();
    let wanted = format!("/v2/second/blobs/uploads/?from=first&mount=sha256%3A{digest}");
    assert!(mounts.iter().any(|it| it.target == wanted), "{mounts:?}");
    assert!(
        mounts
            .iter()
            .all(|it| it.header("content-length") == Some("0"))
    );
    assert_eq!(registry.counts().open_uploads, 0);
}

#[test]
fn chunks_are_as_large_as_the_registry_wants_them() {
    let registry = registry(Settings {
        chunk_min_length: Some(ByteSize::from_bytes(45_000)),
        ..Settings::default()
    });
    let user = User::new(&registry.url());
    run(pushed(&user, "a", &way(METHODS[4])));
    let mut lengths: Vec<_> = of(&registry.requests(), Operation::UploadPatch)
        .iter()
        .map(|it| it.received)
        .filter(|length| *length == 45_000 || *length == 5_000)
        .collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [5_000, 5_000, 5_000, 45_000, 45_000, 45_000]);
}

#[test]
fn a_patch_that_is_answered_201_goes_on() {
    let registry = registry(Settings {
        quirks: vec![Quirk::PatchCreated],
        ..Settings::default()
    });
    let user = User::new(&registry.url());
    run(pushed(&user, "a", &way(METHODS[4])));
    assert_eq!(registry.counts().open_uploads, 0);
}

/// A registry of one session that keeps the first `keeps` bytes of the first chunk and then says that it is out of
/// step, `times` times.
fn out_of_step(keeps: u64, times: usize) -> Wire {
    let state = Mutex::new((0_u64, 0_usize, 0_usize)); // bytes, refusals, steps
    Wire::answering(move |request: &Request, _| {
        let mut state = state.lock().expect("a range");
        let (there, refused, steps) = &mut *state;
        *steps += 1;
        let location = format!("Location: /up?s={steps}");
        let range = format!("Range: 0-{}", there.saturating_sub(1));
        match request.method.as_str() {
            "POST" => answer("202 Accepted", &[&location, "Range: 0-0"], ""),
            "PATCH" => {
                let sent = request.header("content-range").expect("a range").to_owned();
                let (first, last) = sent.split_once('-').expect("a range");
                let (first, last): (u64, u64) = (
                    first.parse().expect("a range"),
                    last.parse().expect("a range"),
                );
                assert_eq!(last - first + 1, request.body.len() as u64);
                if *refused < times {
                    *refused += 1;
                    *there = keeps;
                    let words = r#"{"errors":[{"code":"RANGE_INVALID","message":"elsewhere"}]}"#;
                    return answer("416 No", &[&location], words);
                }
                assert_eq!(first, *there, "it does not go on where the registry is");
                *there = last + 1;
                let range = format!("Range: 0-{last}");
                answer("202 Accepted", &[&location, &range], "")
            }
            "GET" => answer("204 No Content", &[&location, &range], ""),
            "PUT" => {
                assert_eq!(*there, 50_000);
                answer("201 Created", &[], "")
            }
            _ => answer("204 No Content", &[], ""),
        }
    })
}

/// An image of one layer and a config, 50,000 bytes each.
fn one_layer() -> Image {
    let spec = SyntheticSpec {
        layers: 1.into(),
        layer_size: SizeSpec::Fixed(ByteSize::from_bytes(50_000)),
        config_size: SizeSpec::Fixed(ByteSize::from_bytes(50_000)),
        ..SyntheticSpec::default()
    };
    SyntheticSet::new(spec, 7).expect("a set").image(0)
}

#[test]
fn a_registry_that_is_out_of_step_is_asked_where_it_is() {
    for (keeps, starts) in [
        (100, ["0-19999", "100-20099", "20100-40099", "40100-49999"]),
        (0, ["0-19999", "0-19999", "20000-39999", "40000-49999"]),
    ] {
        let registry = out_of_step(keeps, 1);
        let user = User::new(&registry.url());
        let image = one_layer();
        let way = Way {
            parallel: NonZeroUsize::MIN,
            ..way(METHODS[4])
        };
        // The second blob finds the peer where the first left it; the first is what counts here.
        let client = way.client(&user);
        run(push(&client, &at("a"), &image, &way.options(), &())).unwrap_err();
        let requests = registry.requests();
        let patches: Vec<_> = requests.iter().filter(|it| it.method == "PATCH").collect();
        let ranges: Vec<_> = patches
            .iter()
            .map(|it| it.header("content-range").unwrap())
            .collect();
        assert_eq!(ranges[..4], starts);
        // POST, PATCH, and then the question.
        assert_eq!(requests[2].method, "GET");
        assert_eq!(requests[6].method, "PUT");
        // Every step is made at the address of the one before, but for the refused one, which gives no new session.
        assert_eq!(requests[1].target, "/up?s=1");
        assert_eq!(requests[3].target, "/up?s=3");
    }
}

#[test]
fn a_registry_that_stays_out_of_step_is_given_up() {
    let registry = out_of_step(0, usize::MAX);
    let user = User::new(&registry.url());
    run(async {
        let way = way(METHODS[4]);
        let client = way.client(&user);
        let pushed = push(&client, &at("a"), &one_layer(), &way.options(), &()).await;
        let regstorm::client::Error::Registry(error) = pushed.unwrap_err() else {
            panic!("not the registry's");
        };
        assert_eq!(refusal(&error), Some(StatusCode::RANGE_NOT_SATISFIABLE));
        assert!(client.cancel_abandoned().await.unwrap() >= 1);
    });
    let requests = registry.requests();
    let of_one = requests.iter().filter(|it| it.method == "PATCH").count();
    assert!(
        (4..=8).contains(&of_one),
        "two blobs, each sent at most four times: {of_one}"
    );
    assert!(requests.iter().any(|it| it.method == "DELETE"));
}

#[test]
fn nothing_is_zero_and_so_is_one_byte() {
    for (range, bytes) in [("0-0", 0), ("0-1", 2), ("bytes=0-9", 10), ("nonsense", 0)] {
        let registry = Wire::answering(move |request, _| match request.method.as_str() {
            "POST" => answer("202 Accepted", &["Location: /up"], ""),
            _ => answer("204 No Content", &[&format!("Range: {range}")], ""),
        });
        let user = User::new(&registry.url());
        run(async {
            let session = user.client.upload_start(&name("a")).await.unwrap();
            // The answer to the question may come without an address; the old one is still good.
            let (session, there) = session.status().await.unwrap();
            assert_eq!(there, bytes);
            drop(session);
            assert_eq!(user.client.cancel_abandoned().await.unwrap(), 1);
        });
        assert!(registry.requests()[2].asks("DELETE", "/up"));
    }
}

#[test]
fn sessions_given_up_are_cancelled() {
    let registry = registry(Settings::default());
    let user = User::new(&registry.url());
    let bytes = content(200_000);
    run(async {
        let (a, client) = (name("a"), &user.client);
        // Never used; refused half-way; cut half-way; closed with the wrong digest; dropped while waiting.
        drop(client.upload_start(&a).await.unwrap());
        let refuse = FaultKind::Status {
            status: StatusCode::BAD_GATEWAY,
            code: None,
            retry_after: None,
        };
        let half = Point::AfterBody(ByteSize::from_bytes(100_000));
        for fault in [refuse, FaultKind::Close(half), FaultKind::Reset(half)] {
            let session = client.upload_start(&a).await.unwrap();
            registry
                .set_faults(vec![Fault::on(Operation::UploadPatch, fault)])
                .unwrap();
            session.patch(&body(&bytes), None).await.unwrap_err();
        }
        registry.set_faults(Vec::new()).unwrap();
        let session = client.upload_start(&a).await.unwrap();
        let session = session.patch(&body(&bytes), None).await.unwrap();
        session
            .put(&Digest::sha256(b"other"), &Body::empty)
            .await
            .unwrap_err();
        let session = client.upload_start(&a).await.unwrap();
        let a_while = FaultKind::Stall(half, Stall::For(Duration::from_millis(300)));
        registry
            .set_faults(vec![Fault::on(Operation::UploadPatch, a_while)])
            .unwrap();
        {
            let body = body(&bytes);
            let patch = session.patch(&body, None);
            let before = user.totals.sent();
            dropped_when(patch, || user.totals.sent() == before + 200_000).await;
        }
        assert_eq!(user.journal.last().end, "cancelled");
        assert_eq!(user.journal.last().operation, Operation::UploadPatch);
        assert_eq!(user.journal.last().ended.sent, 200_000);
        registry.set_faults(Vec::new()).unwrap();
        settle(&registry).await;
        assert_eq!(client.cancel_abandoned().await.unwrap(), 6);
        assert_eq!(client.cancel_abandoned().await.unwrap(), 0);
        let counts = registry.counts();
        assert_eq!(counts.open_uploads, 0);
        // The registry may have answered the one that nobody waited for.
        assert_eq!(counts.requests, user.journal.all().len() as u64);
    });
    assert_eq!(user.journal.of(Operation::UploadCancel).len(), 6);
}

async fn settle(registry: &regstorm::embedded::Running) {
    super::user::settled(registry).await;
}

#[test]
fn a_push_that_fails_or_is_dropped_leaves_only_what_can_be_cancelled() {
    for method in &METHODS[1..] {
        let registry = registry(Settings::default());
        let user = User::new(&registry.url());
        run(async {
            let failing = match method {
                PushMethod::Put => Operation::UploadPut,
                _ => Operation::UploadPatch,
            };
            let reset = FaultKind::Reset(Point::BeforeHead);
            registry
                .set_faults(vec![Fault::on(failing, reset)])
                .unwrap();
            let way = way(*method);
            let (client, options) = (way.client(&user), way.options());
            let failed = push(&client, &at("a"), &image(), &options, &()).await;
            assert!(failed.is_err());
            let a_while = Stall::For(Duration::from_millis(400));
            let stall = FaultKind::Stall(Point::BeforeHead, a_while);
            registry
                .set_faults(vec![Fault::on(failing, stall)])
                .unwrap();
            {
                let (at, image) = (at("a"), image());
                let push = push(&client, &at, &image, &options, &());
                let before = asked(&registry, failing);
                dropped_when(push, || asked(&registry, failing) > before).await;
            }
            registry.set_faults(Vec::new()).unwrap();
            settle(&registry).await;
            client.cancel_abandoned().await.unwrap();
            let counts = registry.counts();
            assert_eq!(counts.open_uploads, 0, "{method:?}");
            assert_eq!(counts.requests, user.journal.all().len() as u64);
        });
    }
}

#[test]
fn a_session_that_cannot_be_cancelled_is_told() {
    for (words, is_gone) in [
        (
            r#"{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"gone"}]}"#,
            true,
        ),
        ("", true),
        (
            r#"{"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"stale"}]}"#,
            false,
        ),
    ] {
        let registry = Wire::answering(move |request, _| match request.method.as_str() {
            "POST" => answer("202 Accepted", &["Location: /up"], ""),
            _ => answer("404 Not Found", &["Content-Type: application/json"], words),
        });
        let user = User::new(&registry.url());
        run(async {
            drop(user.client.upload_start(&name("a")).await.unwrap());
            let cancelled = user.client.cancel_abandoned().await;
            assert_eq!(cancelled.is_ok(), is_gone, "{words}");
            assert_eq!(user.journal.last().end == "ok", is_gone, "{words}");
        });
    }
}

#[test]
fn cancelling_that_is_interrupted_goes_on_later() {
    let registry = registry(Settings::default());
    let user = User::new(&registry.url());
    run(async {
        for _ in 0..4 {
            drop(user.client.upload_start(&name("a")).await.unwrap());
        }
        let stall = FaultKind::Stall(Point::BeforeHead, Stall::Forever);
        let second = Fault::on(Operation::UploadCancel, stall).window(1, Some(1));
        registry.set_faults(vec![second]).unwrap();
        let cancelling = user.client.cancel_abandoned();
        let second = || asked(&registry, Operation::UploadCancel) == 2;
        dropped_when(cancelling, second).await;
        assert_eq!(user.client.cancel_abandoned().await.unwrap(), 3);
        settle(&registry).await;
        assert_eq!(registry.counts().open_uploads, 0);
        agree(&registry, &[&user]).await;
    });
}

#[test]
fn content_that_cannot_be_read_is_no_fault_of_the_registry() {
    let registry = registry(Settings::default());
    let user = User::new(&registry.url());
    let broken = |sized: bool, frames: usize| {
        move || {
            let good = std::iter::repeat_n(Bytes::from_static(&[7; 10_000]), frames).map(Ok);
            let bad = std::iter::once(Err(std::io::Error::other("the disk is gone")));
            if sized {
                Body::sized(good.chain(bad), 1_000_000)
            } else {
                Body::chunked(good.chain(bad))
            }
        }
    };
    run(async {
        for sized in [true, false] {
            for frames in [0, 1, 50] {
                let session = user.client.upload_start(&name("a")).await.unwrap();
                let error = session
                    .patch(&broken(sized, frames), None)
                    .await
                    .unwrap_err();
                let Kind::Transport(Error::Content(cause)) = error.kind() else {
                    panic!("{sized} {frames} {error}");
                };
                assert_eq!(cause.to_string(), "the disk is gone");
                assert_eq!(user.journal.last().ended.sent, frames as u64 * 10_000);
            }
        }
        // Shorter and longer than announced.
        for frames in [1, 3] {
            let session = user.client.upload_start(&name("a")).await.unwrap();
            let body = move || {
                Body::sized(
                    std::iter::repeat_n(Bytes::from_static(&[7; 10_000]), frames).map(Ok),
                    15_000,
                )
            };
            let error = session.patch(&body, None).await.unwrap_err();
            assert!(
                matches!(error.kind(), Kind::Transport(Error::Content(_))),
                "{error}"
            );
        }
        settle(&registry).await;
        user.client.cancel_abandoned().await.unwrap();
        assert_eq!(registry.counts().open_uploads, 0);
        let all = user.journal.all();
        assert_eq!(
            all.iter().map(|it| it.ended.sent).sum::<u64>(),
            user.totals.sent()
        );
    });
}

#[test]
fn an_empty_blob_can_be_pushed_in_every_form() {
    let registry = registry(Settings::default());
    let user = User::with(&registry.url(), UserSettings::default());
    let digest = Digest::sha256(b"");
    run(async {
        let (a, client) = (name("a"), &user.client);
        let empty = body(&Bytes::new());
        let chunked = || Body::chunked(std::iter::empty());
        let Posted::Done = client.upload_post(&a, &digest, &empty).await.unwrap() else {
            panic!("not taken");
        };
        let session = client.upload_start(&a).await.unwrap();
        session.put(&digest, &empty).await.unwrap();
        let session = client.upload_start(&a).await.unwrap();
        let session = session.patch(&chunked, None).await.unwrap();
        session.put(&digest, &Body::empty).await.unwrap();
        let Mounted::Done = client
            .upload_mount(&name("b"), &digest, Some(&a))
            .await
            .unwrap()
        else {
            panic!("not mounted");
        };
        agree(&registry, &[&user]).await;
    });
    assert_eq!(registry.counts().received, 0);
    assert_eq!(registry.counts().open_uploads, 0);
}
