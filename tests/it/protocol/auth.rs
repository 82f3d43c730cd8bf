//! Challenges and tokens.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use regstorm::embedded::{Auth, Fault, FaultKind, Settings};
use regstorm::oci::{Digest, Operation};
use regstorm::registry::Kind;

use super::user::{
    PAIR, PASSWORD, User, UserSettings, agree, basic, bearer, bob, body, content, name, refusal,
    registry, run, tag, tenant,
};
use super::wire::{Wire, answer};

const CHALLENGE: &str =
    "WWW-Authenticate: Bearer realm=\"/token?tenant=7\",service=\"s\",scope=\"repository:a:pull\"";

#[test]
fn nothing_is_shown_that_was_not_asked_for() {
    let registry = registry(Settings::default());
    let user = User::with(&registry.url(), tenant());
    run(async {
        user.client.ping().await.unwrap();
        let _ = user.client.manifest_get(&name("a"), &tag("t")).await;
        user.client
            .upload_mount(&name("a"), &Digest::sha256(b"x"), None)
            .await
            .unwrap();
        user.client.cancel_abandoned().await.unwrap();
    });
    let requests = registry.requests();
    assert_eq!(requests.len(), 4);
    assert!(requests.iter().all(|it| it.authorization().is_none()));
}

#[test]
fn basic_is_sent_once_asked_for_and_ever_after() {
    let registry = registry(Settings {
        auth: basic(),
        ..Settings::default()
    });
    let user = User::with(&registry.url(), tenant());
    run(async {
        for _ in 0..3 {
            user.client.ping().await.unwrap();
        }
        agree(&registry, &[&user]).await;
    });
    let requests = registry.requests();
    let sent: Vec<_> = requests.iter().map(|it| it.authorization()).collect();
    assert_eq!(sent, [None, Some("Basic"), Some("Basic"), Some("Basic")]);
}

#[test]
fn wrong_credentials_are_refused_once_and_never_printed() {
    for (auth, expected) in [
        (basic(), Operation::UploadStart),
        (bearer(), Operation::Token),
    ] {
        let registry = registry(Settings {
            auth,
            ..Settings::default()
        });
        let profile = UserSettings {
            credentials: Some(bob("hunter2")),
            ..UserSettings::default()
        };
        let user = User::with(&registry.url(), profile);
        run(async {
            let first = user.client.upload_start(&name("a")).await.unwrap_err();
            let second = user.client.upload_start(&name("a")).await.unwrap_err();
            for error in [first, second] {
                assert_eq!(error.operation(), expected);
                assert_eq!(refusal(&error).unwrap().as_u16(), 401);
                assert!(error.to_string().contains("UNAUTHORIZED"), "{error}");
                let shown = format!("{error} {error:?} {:?}", user.client);
                assert!(
                    !shown.contains("hunter2") && !shown.contains("Ym9i"),
                    "{shown}"
                );
            }
            agree(&registry, &[&user]).await;
        });
        // With a refusal of what was sent, sending it again is pointless: two legs, then one more. A token is asked
        // for anew each time, because tokens are what expires.
        let starts = registry.counts().of(Operation::UploadStart);
        let tokens = registry.counts().of(Operation::Token);
        assert!(
            matches!(
                (expected, starts, tokens),
                (Operation::Token, 1, 2) | (_, 3, 0)
            ),
            "{starts} {tokens}"
        );
    }
}

#[test]
fn many_requests_at_once_cost_one_token() {
    let registry = registry(Settings {
        auth: bearer(),
        ..Settings::default()
    });
    let digest = registry.put_blob(&name("lab/a"), content(100)).unwrap();
    let user = User::with(&registry.url(), tenant());
    run(async {
        let repository = name("lab/a");
        let heads = (0..8).map(|_| user.client.blob_head(&repository, &digest));
        for found in join_all(heads).await {
            assert_eq!(found.unwrap(), Some(Some(100)));
        }
        user.client.blob_head(&repository, &digest).await.unwrap();
        agree(&registry, &[&user]).await;
    });
    let counts = registry.counts();
    assert_eq!(counts.of(Operation::Token), 1);
    assert_eq!(counts.with_status(Operation::BlobHead, 200), 9);
    assert_eq!(counts.with_status(Operation::BlobHead, 401), 8);
    let requests = registry.requests();
    let token = requests
        .iter()
        .find(|it| it.operation == Some(Operation::Token))
        .unwrap();
    assert_eq!(
        token.target,
        "/token?account=bob&scope=repository%3Alab%2Fa%3Apull&service=regstorm"
    );
    assert_eq!(token.authorization(), Some("Basic"));
}

#[test]
fn a_token_is_asked_for_what_is_done() {
    let registry = registry(Settings {
        auth: bearer(),
        ..Settings::default()
    });
    let bytes = content(100);
    let digest = registry.put_blob(&name("from"), bytes.clone()).unwrap();
    let user = User::with(&registry.url(), tenant());
    run(async {
        let (a, client) = (name("a"), &user.client);
        client.blob_head(&a, &digest).await.unwrap();
        let session = client.upload_start(&a).await.unwrap();
        session.put(&digest, &body(&bytes)).await.unwrap();
        client
            .upload_mount(&a, &digest, Some(&name("from")))
            .await
            .unwrap();
        client.blob_head(&a, &digest).await.unwrap();
        agree(&registry, &[&user]).await;
    });
    let requests = registry.requests();
    let tokens: Vec<_> = requests
        .iter()
        .filter(|it| it.operation == Some(Operation::Token))
        .map(|it| {
            it.target
                .replace("%3A", ":")
                .replace("%2C", ",")
                .replace("%2A", "*")
        })
        .collect();
    assert_eq!(
        tokens,
        [
            "/token?account=bob&scope=repository:a:pull&service=regstorm",
            "/token?account=bob&scope=repository:a:pull,push&service=regstorm",
            "/token?account=bob&scope=repository:a:pull,push&scope=repository:from:pull&service=regstorm",
        ]
    );
}

#[test]
fn without_credentials_a_token_for_anyone_is_asked_for() {
    let registry = registry(Settings {
        auth: Auth::Bearer {
            user: "bob".into(),
            password: regstorm::units::Secret::new(PASSWORD),
            token_lifetime: std::time::Duration::from_mins(1),
            anonymous_pull: true,
        },
        ..Settings::default()
    });
    let digest = registry.put_blob(&name("a"), content(10)).unwrap();
    let user = User::new(&registry.url());
    run(async {
        assert!(
            user.client
                .blob_head(&name("a"), &digest)
                .await
                .unwrap()
                .is_some()
        );
        // The token that anyone gets does not let anyone push: one new token, and then the refusal.
        let error = user.client.upload_start(&name("a")).await.unwrap_err();
        assert_eq!(refusal(&error).unwrap().as_u16(), 401);
        agree(&registry, &[&user]).await;
    });
    let requests = registry.requests();
    assert!(
        requests
            .iter()
            .all(|it| it.authorization() != Some("Basic"))
    );
}

/// A registry that takes one token only, and a token service that hands them out in turn.
fn turning(good: &'static str) -> Wire {
    let handed_out = AtomicUsize::new(0);
    Wire::answering(move |request, _| {
        if request.target.starts_with("/token") {
            let turn = handed_out.fetch_add(1, Ordering::Relaxed) + 1;
            return answer(
                "200 OK",
                &[],
                format!("{{\"token\":\"t{turn}\",\"expires_in\":300}}"),
            );
        }
        match request.header("authorization") {
            Some(value) if value == format!("Bearer {good}") => answer("200 OK", &[], "{}"),
            Some(_) => {
                let challenge = format!("{CHALLENGE},error=\"invalid_token\"");
                let words = r#"{"errors":[{"code":"DENIED","message":"no entry"}]}"#;
                answer("401 No", &[&challenge], words)
            }
            None => answer("401 No", &[CHALLENGE], ""),
        }
    })
}

#[test]
fn a_token_that_is_refused_is_replaced_once() {
    let registry = turning("t2");
    let user = User::with(&registry.url(), tenant());
    run(async {
        // The first token is refused at once, which is final.
        let error = user.client.ping().await.unwrap_err();
        assert_eq!(refusal(&error).unwrap().as_u16(), 401);
        assert!(error.to_string().contains("DENIED: no entry"), "{error}");
        assert_eq!(registry.requests().len(), 3);
        // The next request finds it refused, fetches another and passes.
        user.client.ping().await.unwrap();
        user.client.ping().await.unwrap();
    });
    let requests = registry.requests();
    let tokens = requests.iter().filter(|it| it.target.starts_with("/token"));
    assert_eq!(tokens.clone().count(), 2);
    assert!(
        tokens
            .clone()
            .all(|it| it.target
                == "/token?tenant=7&account=bob&scope=repository%3Aa%3Apull&service=s")
    );
    assert_eq!(requests.len(), 7);
    // It has never worked: each call may try once more, and no call goes round in circles.
    let registry = turning("never");
    let user = User::with(&registry.url(), tenant());
    for sent in [3, 6, 9] {
        run(user.client.ping()).unwrap_err();
        assert_eq!(registry.requests().len(), sent);
    }
}

#[test]
fn a_token_that_is_refused_while_others_wait_is_replaced_once_for_all() {
    let registry = turning("t2");
    let user = User::with(&registry.url(), tenant());
    run(async {
        user.client.ping().await.unwrap_err();
        for done in join_all((0..6).map(|_| user.client.ping())).await {
            done.unwrap();
        }
    });
    let requests = registry.requests();
    let tokens = requests.iter().filter(|it| it.target.starts_with("/token"));
    assert_eq!(tokens.count(), 2);
}

#[test]
fn a_token_without_a_life_is_still_used() {
    let registry = Wire::answering(|request, _| {
        if request.target.starts_with("/token") {
            return answer("200 OK", &[], r#"{"access_token":"t","expires_in":0}"#);
        }
        match request.header("authorization") {
            Some("Bearer t") => answer("200 OK", &[], "{}"),
            _ => answer("401 No", &[CHALLENGE], ""),
        }
    });
    let user = User::with(&registry.url(), tenant());
    run(user.client.ping()).unwrap();
    assert_eq!(registry.requests().len(), 3);
}

#[test]
fn a_token_service_that_fails_is_named() {
    for (status, words, said) in [
        ("500 Oops", "<html>oops</html>", "500"),
        (
            "403 Forbidden",
            r#"{"errors":[{"code":"DENIED"}]}"#,
            "DENIED",
        ),
        ("200 OK", "<html>login</html>", "not the expected JSON"),
        ("200 OK", "{}", "no token"),
        ("200 OK", r#"{"token":""}"#, "no token"),
        ("200 OK", r#"{"token":"a\r\nX: y"}"#, "no header may hold"),
        ("302 Login", "", "302"),
    ] {
        let registry = Wire::answering(move |request, _| {
            if request.target.starts_with("/token") {
                answer(status, &[], words)
            } else {
                answer("401 No", &[CHALLENGE], "")
            }
        });
        let user = User::with(&registry.url(), tenant());
        let error = run(user.client.ping()).unwrap_err();
        assert_eq!(error.operation(), Operation::Token);
        assert!(error.to_string().starts_with("token /token: "), "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(!error.to_string().contains(PAIR) && !format!("{error:?}").contains(PASSWORD));
        assert_eq!(user.journal.all().len(), 2);
    }
}

#[test]
fn a_token_service_that_cannot_be_reached_is_named() {
    let registry = Wire::answering(|_, _| {
        answer(
            "401 No",
            &["WWW-Authenticate: Bearer realm=\"https://h/token\""],
            "",
        )
    });
    let user = User::with(&registry.url(), tenant());
    let error = run(user.client.ping()).unwrap_err();
    assert_eq!(error.operation(), Operation::Token);
    assert!(matches!(error.kind(), Kind::Transport(_)), "{error}");
}

#[test]
fn bearer_is_found_among_several_challenges() {
    for challenges in [
        &["WWW-Authenticate: Basic realm=\"a, b\"", CHALLENGE][..],
        &["WWW-Authenticate: Negotiate", CHALLENGE][..],
        &[
            "WWW-Authenticate: Basic realm=\"x\", Bearer realm=\"/token\",scope=\"repository:a:pull,push\"",
        ][..],
        &["Www-Authenticate: bearer REALM=\"/token\""][..],
    ] {
        let registry = Wire::answering(move |request, _| {
            if request.target.starts_with("/token") {
                answer("200 OK", &[], r#"{"token":"t"}"#)
            } else if request.header("authorization") == Some("Bearer t") {
                answer("200 OK", &[], "{}")
            } else {
                answer("401 No", challenges, "")
            }
        });
        let user = User::with(&registry.url(), tenant());
        run(user.client.ping()).unwrap();
    }
}

#[test]
fn a_challenge_that_cannot_be_answered_is_a_refusal() {
    for challenge in [
        "WWW-Authenticate: Basic realm=\"r\"",
        "WWW-Authenticate: Negotiate",
        "X: y",
    ] {
        let registry = Wire::answering(move |_, _| answer("401 No", &[challenge], "who are you?"));
        let user = User::new(&registry.url());
        let error = run(user.client.ping()).unwrap_err();
        assert_eq!(refusal(&error).unwrap().as_u16(), 401);
        assert!(error.to_string().contains("who are you?"), "{error}");
        assert_eq!(registry.requests().len(), 1);
    }
}

#[test]
fn another_host_cannot_ask_for_credentials() {
    let other =
        Wire::answering(|_, _| answer("401 No", &["WWW-Authenticate: Basic realm=\"give\""], ""));
    let location = format!("Location: {}/x", other.url());
    let registry = Wire::answering(move |_, _| answer("307 Moved", &[&location], ""));
    let user = User::with(&registry.url(), tenant());
    let error = run(user.client.ping()).unwrap_err();
    assert_eq!(refusal(&error).unwrap().as_u16(), 401);
    let asked = other.requests();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].header("authorization"), None);
}

#[test]
fn the_token_service_is_not_shown_the_headers_of_the_registry() {
    let service = Wire::answering(|_, _| answer("200 OK", &[], r#"{"token":"t"}"#));
    let challenge = format!("WWW-Authenticate: Bearer realm=\"{}/token\"", service.url());
    let registry = Wire::answering(move |request, _| match request.header("authorization") {
        Some("Bearer t") => answer("200 OK", &[], ""),
        _ => answer("401 No", &[&challenge], ""),
    });
    let user = User::with(&registry.url(), tenant());
    run(user.client.ping()).unwrap();
    let asked = service.requests();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].header("x-tenant"), None);
    assert_eq!(
        asked[0].header("authorization"),
        Some(format!("Basic {PAIR}").as_str())
    );
    let shown = format!("{:?} {:?}", user.client, user.journal.printed());
    assert!(
        !shown.contains(PAIR) && !shown.contains("Bearer t"),
        "{shown}"
    );
}

#[test]
fn a_challenge_in_the_middle_of_an_upload_sends_the_bytes_once_more_and_no_more() {
    let registry = registry(Settings {
        auth: basic(),
        ..Settings::default()
    });
    let user = User::with(&registry.url(), tenant());
    let bytes = content(50_000);
    let digest = Digest::sha256(&bytes);
    run(async {
        // The registry forgets that it knows the client, once.
        user.client.ping().await.unwrap();
        let session = user.client.upload_start(&name("a")).await.unwrap();
        let gone = FaultKind::Status {
            status: http::StatusCode::UNAUTHORIZED,
            code: None,
            retry_after: None,
        };
        registry
            .set_faults(vec![Fault::on(Operation::UploadPut, gone)])
            .unwrap();
        let error = session.put(&digest, &body(&bytes)).await.unwrap_err();
        assert_eq!(refusal(&error).unwrap().as_u16(), 401);
        registry.set_faults(Vec::new()).unwrap();
        assert_eq!(user.client.cancel_abandoned().await.unwrap(), 1);
        agree(&registry, &[&user]).await;
    });
    assert_eq!(registry.counts().of(Operation::UploadPut), 1);
    assert_eq!(registry.counts().open_uploads, 0);
}

#[test]
fn a_settings_print_shows_no_header_value() {
    let mut headers = http::HeaderMap::new();
    headers.insert("x-api-key", http::HeaderValue::from_static("hunter2"));
    let mut settings = regstorm::registry::Settings::new(
        regstorm::registry::Base::parse("http://h").unwrap(),
        regstorm::profile::Profile::PLAIN.habits(),
        std::time::Duration::from_secs(1),
    );
    settings.headers = headers;
    settings.credentials = Some(bob(PASSWORD));
    let shown = format!("{settings:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains(PASSWORD),
        "{shown}"
    );
    assert!(shown.contains("x-api-key"), "{shown}");
}
