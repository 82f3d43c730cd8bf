//! Upload addresses: the last one, as it was given, and nothing told to another host.

use regstorm::embedded::{Quirk, Settings};
use regstorm::oci::{Digest, Operation};
use regstorm::registry::Kind;
use regstorm::transport::Body;

use super::user::{User, agree, body, content, name, refusal, registry, run, tenant};
use super::wire::{Wire, answer};

/// POST, PATCH, GET and PUT at a peer that gives these three addresses; the targets it was asked for.
fn walk(base: &str, locations: [&'static str; 3]) -> Vec<String> {
    let registry = Wire::answering(move |request, place| {
        let location = |place: usize| format!("Location: {}", locations[place]);
        match request.method.as_str() {
            "POST" => answer(
                "202 Accepted",
                &[&location(0), "Docker-Upload-UUID: wrong"],
                "",
            ),
            "PATCH" => answer("202 Accepted", &[&location(1), "Range: 0-9"], ""),
            "GET" => answer("204 No Content", &[&location(2), "Range: 0-9"], ""),
            _ => {
                assert_eq!(place, 3);
                answer("201 Created", &["Location: /v2/a/blobs/x"], "")
            }
        }
    });
    let user = User::new(&format!("{}{base}", registry.url()));
    run(async {
        let session = user
            .client
            .upload_start(&name("a"))
            .await
            .expect("the peer agrees");
        let session = session
            .patch(&body(&content(10)), None)
            .await
            .expect("the peer agrees");
        let (session, there) = session.status().await.expect("the peer agrees");
        assert_eq!(there, 10);
        session
            .put(&Digest::sha256(b""), &Body::empty)
            .await
            .expect("the peer agrees");
        assert_eq!(
            user.client
                .cancel_abandoned()
                .await
                .expect("the peer agrees"),
            0
        );
    });
    let mut targets = Vec::new();
    for request in registry.requests() {
        targets.push(format!("{} {}", request.method, request.target));
    }
    targets
}

const NONE: &str = "sha256%3Ae3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn every_step_goes_where_the_last_answer_says() {
    // A query with characters that must not be touched, none at all, and an empty one.
    let targets = walk("", ["/up/1?_state=a%2Bb==&x=%7E", "/up/2?", "/up/3"]);
    assert_eq!(
        targets,
        [
            "POST /v2/a/blobs/uploads/".to_owned(),
            "PATCH /up/1?_state=a%2Bb==&x=%7E".to_owned(),
            "GET /up/2?".to_owned(),
            format!("PUT /up/3?digest={NONE}"),
        ]
    );
    let targets = walk("/deep/base/", ["one", "two?s=1", "../x/three?s=2&t"]);
    assert_eq!(
        targets,
        [
            "POST /deep/base/v2/a/blobs/uploads/".to_owned(),
            "PATCH /deep/base/v2/a/blobs/uploads/one".to_owned(),
            "GET /deep/base/v2/a/blobs/uploads/two?s=1".to_owned(),
            format!("PUT /deep/base/v2/a/blobs/x/three?s=2&t&digest={NONE}"),
        ]
    );
}

#[test]
fn under_a_base_path_absolute_and_relative_locations_both_lead_on() {
    for quirks in [vec![], vec![Quirk::RelativeLocations]] {
        let registry = registry(Settings {
            base_path: "/link/to/docker/registry".into(),
            quirks,
            ..Settings::default()
        });
        for url in [registry.url(), format!("{}/", registry.url())] {
            let user = User::new(&url);
            let bytes = content(40_000);
            let digest = Digest::sha256(&bytes);
            run(async {
                let mut session = user.client.upload_start(&name("a/b")).await.unwrap();
                // Each chunk has a state of its own; the registry takes the last one only.
                for start in [0_usize, 10_000, 20_000, 30_000] {
                    let part = bytes.slice(start..start + 10_000);
                    let range = start as u64..start as u64 + 10_000;
                    session = session.patch(&body(&part), Some(range)).await.unwrap();
                }
                session.put(&digest, &Body::empty).await.unwrap();
                assert!(
                    user.client
                        .blob_head(&name("a/b"), &digest)
                        .await
                        .unwrap()
                        .is_some()
                );
            });
        }
        let requests = registry.requests();
        assert!(
            requests
                .iter()
                .all(|it| it.target.starts_with("/link/to/docker/registry/v2/a/b/"))
        );
        let ranges: Vec<_> = requests
            .iter()
            .filter_map(|it| it.header("content-range"))
            .collect();
        assert_eq!(
            ranges[..4],
            ["0-9999", "10000-19999", "20000-29999", "30000-39999"]
        );
    }
}

#[test]
fn an_upload_to_another_host_goes_without_credentials() {
    let other = Wire::answering(|request, _| match request.method.as_str() {
        "PATCH" => answer("202 Accepted", &["Location: next?sig=2"], ""),
        "PUT" => answer("201 Created", &[], ""),
        _ => answer("204 No Content", &[], ""),
    });
    let location = format!("Location: {}/up/load?sig=1", other.url());
    let home = Wire::answering(move |request, _| match request.header("authorization") {
        None => answer("401 No", &["WWW-Authenticate: Basic realm=\"r\""], ""),
        Some(_) => answer("202 Accepted", &[&location], ""),
    });
    let user = User::with(&home.url(), tenant());
    run(async {
        for put in [true, false] {
            let session = user.client.upload_start(&name("a")).await.unwrap();
            let session = session.patch(&body(&content(10)), None).await.unwrap();
            if put {
                session
                    .put(&Digest::sha256(b"x"), &Body::empty)
                    .await
                    .unwrap();
            } else {
                drop(session);
                assert_eq!(user.client.cancel_abandoned().await.unwrap(), 1);
            }
        }
    });
    let asked = other.requests();
    let targets: Vec<_> = asked
        .iter()
        .map(|it| it.target.split('&').next().unwrap())
        .collect();
    assert_eq!(
        targets,
        [
            "/up/load?sig=1",
            "/up/next?sig=2",
            "/up/load?sig=1",
            "/up/next?sig=2"
        ]
    );
    assert_eq!(asked[3].method, "DELETE");
    for request in &asked {
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.header("x-tenant"), None);
    }
    assert!(
        home.requests()
            .iter()
            .all(|it| it.header("x-tenant") == Some("perf"))
    );
}

#[test]
fn an_answer_without_an_address_is_a_broken_protocol() {
    for (status, headers) in [
        ("202 Accepted", &[][..]),
        ("202 Accepted", &["Location: http://["][..]),
    ] {
        let registry = Wire::answering(move |_, _| answer(status, headers, ""));
        let user = User::new(&registry.url());
        let error = run(user.client.upload_start(&name("a"))).unwrap_err();
        assert!(matches!(error.kind(), Kind::Protocol(_)), "{error}");
        assert_eq!(user.journal.all().len(), 1);
    }
    // A PATCH without one leaves the session at its old address, to be cancelled.
    let registry = Wire::answering(|request, _| match request.method.as_str() {
        "POST" => answer("202 Accepted", &["Location: /up/1?s=1"], ""),
        "PATCH" => answer("202 Accepted", &[], ""),
        _ => answer("204 No Content", &[], ""),
    });
    let user = User::new(&registry.url());
    run(async {
        let session = user.client.upload_start(&name("a")).await.unwrap();
        session.patch(&body(&content(1)), None).await.unwrap_err();
        assert_eq!(user.client.cancel_abandoned().await.unwrap(), 1);
    });
    assert!(registry.requests()[2].asks("DELETE", "/up/1?s=1"));
}

#[test]
fn an_address_is_not_printed_with_its_query() {
    let registry =
        Wire::answering(|_, _| answer("202 Accepted", &["Location: /up/1?sig=hunter2"], ""));
    let user = User::new(&registry.url());
    run(async {
        let session = user.client.upload_start(&name("a")).await.unwrap();
        let shown = format!("{session:?}");
        assert!(
            !shown.contains("hunter2") && shown.contains("/up/1"),
            "{shown}"
        );
        let error = session.patch(&body(&content(1)), None).await;
        drop(error);
        assert!(!format!("{:?} {:?}", user.client, user.journal.printed()).contains("hunter2"));
    });
}

#[test]
fn a_dead_address_is_a_refusal_with_the_words_of_the_registry() {
    let registry = registry(Settings::default());
    let user = User::new(&registry.url());
    run(async {
        let session = user.client.upload_start(&name("a")).await.unwrap();
        registry
            .set_faults(vec![regstorm::embedded::Fault::on(
                Operation::UploadPatch,
                regstorm::embedded::FaultKind::Status {
                    status: http::StatusCode::NOT_FOUND,
                    code: Some(regstorm::oci::ErrorCode::BlobUploadUnknown),
                    retry_after: None,
                },
            )])
            .unwrap();
        let error = session.patch(&body(&content(1)), None).await.unwrap_err();
        assert_eq!(refusal(&error).unwrap().as_u16(), 404);
        assert!(error.to_string().contains("BLOB_UPLOAD_UNKNOWN"), "{error}");
        user.client.cancel_abandoned().await.unwrap();
        agree(&registry, &[&user]).await;
        assert_eq!(registry.counts().open_uploads, 0);
    });
}
