//! Where credentials go when a registry or its token service sends its client elsewhere, and where they never go.

use std::sync::Arc;

use regstorm::oci::{Digest, Operation};
use regstorm::profile::{Habits, Profile, Retry, TokenForm};
use regstorm::registry::{Error, Kind, Withheld};
use regstorm::transport::{Body, Route, Tls, TlsSettings};

use super::user::{PAIR, PASSWORD, User, UserSettings, body, content, name, refusal, run, tenant};
use super::wire::{Request, Wire, answer};

const TOKEN: &str = "{\"token\":\"good\",\"expires_in\":300}";

/// A registry that shows a blob to whoever has the token, and names that token service.
fn guarded(realm: String) -> impl Fn(&Request, usize) -> Vec<u8> + Send + Sync + 'static {
    move |request, _| {
        if request.header("authorization") == Some("Bearer good") {
            return answer("200 OK", &[], "");
        }
        let challenge = format!("WWW-Authenticate: Bearer realm=\"{realm}\",service=\"s\"");
        answer("401 No", &[&challenge], "")
    }
}

/// A token service that sends everybody elsewhere, with the query that they came with.
fn moved(status: u16, url: &str) -> impl Fn(&Request, usize) -> Vec<u8> + Send + Sync + 'static {
    let url = url.to_owned();
    move |request, _| {
        let location = format!("Location: {url}{}", request.target);
        answer(&format!("{status} Moved"), &[&location], "moved")
    }
}

fn service() -> Wire {
    Wire::answering(|_, _| answer("200 OK", &[], TOKEN))
}

fn secure_service() -> Wire {
    Wire::secure(|_, _| answer("200 OK", &[], TOKEN))
}

/// A user that trusts these peers.
fn trusting(peers: &[&Wire], settings: UserSettings) -> UserSettings {
    let ca: String = peers.iter().filter_map(|it| it.ca()).collect();
    let settings_of_tls = TlsSettings {
        ca: (!ca.is_empty()).then(|| ca.into_bytes()),
        ..TlsSettings::default()
    };
    UserSettings {
        route: Route {
            tls: Arc::new(Tls::new(&settings_of_tls).expect("its certificates can be read")),
            ..Route::default()
        },
        ..settings
    }
}

fn client(name: &str) -> Habits {
    Habits {
        retry: Retry::NEVER,
        ..Profile::named(name).expect("a client").habits()
    }
}

/// Asks for a blob.
fn ask(user: &User) -> Result<(), Error> {
    run(async {
        let found = user
            .client
            .blob_head(&name("a"), &Digest::sha256(b""))
            .await;
        found.map(drop)
    })
}

fn says(error: &Error, words: &[&str]) {
    let text = error.to_string();
    for words in words {
        assert!(text.contains(words), "{words}: {text}");
    }
    let shown = format!("{text} {error:?}");
    assert!(
        !shown.contains(PASSWORD) && !shown.contains(PAIR),
        "{shown}"
    );
}

fn is_basic(request: &Request) -> bool {
    request.header("authorization") == Some(&format!("Basic {PAIR}"))
}

#[test]
fn a_token_service_that_moves_is_followed_by_every_client() {
    for status in [301, 302, 303, 307, 308] {
        for profile in Profile::ALL {
            let there = service();
            let here = Wire::answering(moved(status, &there.url()));
            let home = Wire::answering(guarded(format!("{}/token", here.url())));
            let settings = UserSettings {
                habits: client(profile.name),
                ..UserSettings::default()
            };
            let user = User::with(&home.url(), settings);
            ask(&user).unwrap();
            // The challenge, two legs for the token, and the answer.
            let legs: Vec<_> = user.journal.ends();
            let ok = |operation| (operation, "ok".to_owned());
            assert_eq!(
                legs,
                [
                    ok(Operation::BlobHead),
                    ok(Operation::Token),
                    ok(Operation::Redirected),
                    ok(Operation::BlobHead)
                ],
                "{status} {}",
                profile.name
            );
            let asked = &there.requests()[0];
            assert_eq!(asked.method, "GET");
            assert_eq!(asked.target, here.requests()[0].target);
        }
    }
}

#[test]
fn credentials_go_on_to_the_same_host_once_it_asks_for_tls() {
    for (status, form) in [
        (301, TokenForm::Get),
        (302, TokenForm::Get),
        (303, TokenForm::Get),
        (307, TokenForm::Get),
        (308, TokenForm::Get),
        (307, TokenForm::PostFirst),
        (308, TokenForm::PostFirst),
    ] {
        let there = secure_service();
        let here = Wire::answering(moved(status, &there.url()));
        let home = Wire::answering(guarded(format!("{}/token", here.url())));
        let mut habits = client("plain");
        habits.token.form = form;
        let settings = UserSettings { habits, ..tenant() };
        let user = User::with(&home.url(), trusting(&[&there], settings));
        ask(&user).unwrap();
        let asked = &there.requests()[0];
        match form {
            TokenForm::Get => assert!(asked.method == "GET" && is_basic(asked), "{status}"),
            TokenForm::PostFirst => {
                assert_eq!(asked.method, "POST");
                assert_eq!(asked.body, here.requests()[0].body);
                assert!(String::from_utf8_lossy(&asked.body).contains("password=correct+horse"));
            }
        }
        // The scenario's headers are for the registry.
        assert_eq!(asked.header("x-tenant"), None);
    }
}

#[test]
fn a_form_that_is_turned_into_a_get_is_gone() {
    let there = Wire::answering(|request, _| match request.header("authorization") {
        None => answer("400 Bad Request", &[], ""),
        Some(_) => answer("200 OK", &[], TOKEN),
    });
    // The same host, so that containerd's second attempt, a GET with credentials, comes through.
    let home_of_tokens = Wire::answering({
        let url = there.url();
        move |request, _| match request.method.as_str() {
            "POST" => moved(301, &url)(request, 0),
            _ => answer("200 OK", &[], TOKEN),
        }
    });
    let home = Wire::answering(guarded(format!("{}/token", home_of_tokens.url())));
    let settings = UserSettings {
        habits: client("containerd"),
        ..tenant()
    };
    let user = User::with(&home.url(), settings);
    ask(&user).unwrap();
    let asked = &there.requests()[0];
    assert!(asked.asks("GET", "/token") && asked.body.is_empty());
    assert_eq!(asked.header("authorization"), None);
    assert_eq!(asked.header("content-type"), None);
    assert!(is_basic(&home_of_tokens.requests()[1]));
}

#[test]
fn another_host_gets_no_credentials_from_a_token_service() {
    // `GET` goes on without them, as Go's client sends it: the token is what anybody gets.
    let other = service();
    let here = Wire::answering(moved(307, &other.url()));
    let home = Wire::answering(guarded(format!("{}/token", here.url())));
    let user = User::with(&home.url(), tenant());
    ask(&user).unwrap();
    assert!(is_basic(&here.requests()[0]));
    assert_eq!(other.requests()[0].header("authorization"), None);
    // A form holds the password itself, and goes nowhere.
    for client_name in ["containerd", "buildkit"] {
        let other = service();
        let here = Wire::answering(moved(308, &other.url()));
        let home = Wire::answering(guarded(format!("{}/token", here.url())));
        let settings = UserSettings {
            habits: client(client_name),
            ..tenant()
        };
        let user = User::with(&home.url(), settings);
        let error = ask(&user).unwrap_err();
        assert!(
            matches!(error.kind(), Kind::Withheld(Withheld::OtherHost { .. })),
            "{error}"
        );
        says(&error, &["another host", &here.url(), &other.url()]);
        assert!(other.requests().is_empty());
        assert_eq!(user.journal.all().len(), 2, "the challenge and the refusal");
    }
}

#[test]
fn a_token_service_in_the_clear_gets_no_credentials_of_a_registry_within_tls() {
    for profile in Profile::ALL {
        for cleartext in [false, true] {
            let service = service();
            let home = Wire::secure(guarded(format!("{}/token", service.url())));
            let settings = UserSettings {
                habits: client(profile.name),
                cleartext,
                ..tenant()
            };
            let user = User::with(&home.url(), trusting(&[&home], settings));
            let asked = ask(&user);
            if cleartext {
                asked.unwrap();
                assert_eq!(service.requests().len(), 1);
                continue;
            }
            let error = asked.unwrap_err();
            assert!(
                matches!(error.kind(), Kind::Withheld(Withheld::Cleartext { .. })),
                "{error}"
            );
            assert_eq!(error.operation(), Operation::Token);
            says(
                &error,
                &["from https", &home.url(), &service.url(), "[target.auth]"],
            );
            assert!(service.requests().is_empty(), "{}", profile.name);
            // What was not sent has an outcome, too: one, and a failure.
            assert_eq!(user.journal.of(Operation::Token).len(), 1);
        }
    }
    // Who has nothing to show may ask.
    let service = service();
    let home = Wire::secure(guarded(format!("{}/token", service.url())));
    let user = User::with(&home.url(), trusting(&[&home], UserSettings::default()));
    ask(&user).unwrap();
}

#[test]
fn a_token_service_within_tls_does_not_lead_credentials_out_of_it() {
    for (form, cleartext) in [
        (TokenForm::Get, false),
        (TokenForm::PostFirst, false),
        (TokenForm::Get, true),
        (TokenForm::PostFirst, true),
    ] {
        let open = service();
        let here = Wire::secure(moved(307, &open.url()));
        let home = Wire::secure(guarded(format!("{}/token", here.url())));
        let mut habits = client("plain");
        habits.token.form = form;
        let settings = UserSettings {
            cleartext,
            habits,
            ..tenant()
        };
        let user = User::with(&home.url(), trusting(&[&home, &here], settings));
        let asked = ask(&user);
        if cleartext {
            asked.unwrap();
            let seen = &open.requests()[0];
            assert!(is_basic(seen) || !seen.body.is_empty());
        } else {
            let error = asked.unwrap_err();
            says(&error, &["never go from https", "[target.auth]"]);
            assert!(open.requests().is_empty());
        }
    }
}

#[test]
fn an_upload_that_is_led_out_of_tls_goes_without_credentials_and_says_so() {
    for cleartext in [false, true] {
        let open = Wire::answering(|request, _| match request.header("authorization") {
            None => answer("401 No", &["WWW-Authenticate: Basic realm=\"r\""], ""),
            Some(_) => answer("201 Created", &["Location: /blob"], ""),
        });
        let location = format!("Location: {}/up/1?_state=hunter2", open.url());
        let home = Wire::secure(move |request, _| match request.header("authorization") {
            None => answer("401 No", &["WWW-Authenticate: Basic realm=\"r\""], ""),
            Some(_) => answer("202 Accepted", &[&location], ""),
        });
        let settings = UserSettings {
            cleartext,
            ..tenant()
        };
        let user = User::with(&home.url(), trusting(&[&home], settings));
        let blob = content(10);
        let put = run(async {
            let session = user.client.upload_start(&name("a")).await.unwrap();
            session.put(&Digest::sha256(&blob), &body(&blob)).await
        });
        let seen = open.requests();
        let first = &seen[0];
        if cleartext {
            put.unwrap();
            assert!(is_basic(first));
            assert_eq!(first.header("x-tenant"), Some("perf"));
            let host = open.address().to_string();
            assert_eq!(first.header("host"), Some(host.as_str()));
        } else {
            let error = put.unwrap_err();
            assert_eq!(refusal(&error).unwrap().as_u16(), 401);
            says(
                &error,
                &[
                    &format!("{}/up/1", open.url()),
                    &format!("the registry at {} sent us there", home.url()),
                    "credentials never go from https to http",
                ],
            );
            assert!(!error.to_string().contains("hunter2"));
            assert!(seen.iter().all(|it| it.header("authorization").is_none()));
            assert!(seen.iter().all(|it| it.header("x-tenant").is_none()));
        }
    }
}

#[test]
fn an_address_that_cannot_be_reached_is_told_with_who_named_it() {
    // Nobody listens on the port of a peer that has gone.
    let gone = Wire::answering(|_, _| Vec::new()).url();
    for (location, words) in [
        (format!("{gone}/up/1"), gone.as_str()),
        (
            "http://registry.inside.invalid:5000/up/1".to_owned(),
            "registry.inside.invalid:5000",
        ),
    ] {
        let location = format!("Location: {location}?_state=hunter2");
        let home = Wire::answering(move |_, _| answer("202 Accepted", &[&location], ""));
        let user = User::new(&home.url());
        let error = run(async {
            let session = user.client.upload_start(&name("a")).await.unwrap();
            session.put(&Digest::sha256(b""), &Body::empty).await
        });
        let error = error.unwrap_err();
        assert!(error.is_elsewhere() && matches!(error.kind(), Kind::Transport(_)));
        says(&error, &[words, &home.url(), "sent us there"]);
        assert!(!error.to_string().contains("hunter2"));
    }
    let home = Wire::answering(guarded(format!("{gone}/token")));
    let error = ask(&User::new(&home.url())).unwrap_err();
    says(&error, &[&gone, "names its token service there"]);
    let location = format!("Location: {gone}/x");
    let home = Wire::answering(move |_, _| answer("307 Moved", &[&location], ""));
    let error = ask(&User::new(&home.url())).unwrap_err();
    says(&error, &[&gone, &home.url(), "a redirect"]);
}
