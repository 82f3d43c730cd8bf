//! Tokens as real clients fetch, keep and lose them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use regstorm::embedded::{Auth, Quirk, RequestRecord, Running, Settings};
use regstorm::oci::{Digest, Operation};
use regstorm::profile::Profile;
use regstorm::registry::{Mounted, Paging};
use regstorm::transport::Body;
use regstorm::units::{Credentials, Secret};

use super::user::{
    PAIR, PASSWORD, User, UserSettings, agree, basic, bearer, bob, body, content, name, refusal,
    registry, run, tag,
};
use super::wire::{Line, Wire, answer};

fn guarded(auth: Auth, quirks: Vec<Quirk>) -> Running {
    registry(Settings {
        auth,
        quirks,
        ..Settings::default()
    })
}

fn user(registry: &Running, client: &str, credentials: Option<Credentials>) -> User {
    let habits = Profile::named(client).expect("a profile").habits();
    let settings = UserSettings {
        credentials,
        habits,
        ..UserSettings::default()
    };
    User::with(&registry.url(), settings)
}

fn bob_with(client: &str, registry: &Running) -> User {
    user(registry, client, Some(bob(PASSWORD)))
}

/// Method, status and decoded query of each request for a token.
fn tokens(registry: &Running) -> Vec<String> {
    let requests = registry.requests();
    let tokens = requests
        .iter()
        .filter(|it| it.operation == Some(Operation::Token));
    tokens.map(told).collect()
}

fn told(record: &RequestRecord) -> String {
    let query = record.target.split_once('?').map_or("", |(_, query)| query);
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let pairs: Vec<_> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
    let by = record.authorization().unwrap_or("nobody");
    format!("{} by {by}: {}", record.method, pairs.join(" "))
}

#[test]
fn containerd_posts_first_and_gets_where_that_is_not_spoken() {
    for (quirks, per_token) in [
        (vec![], vec![200]),
        (vec![Quirk::NoTokenPost], vec![404, 200]),
    ] {
        let registry = guarded(bearer(), quirks);
        let user = bob_with("containerd", &registry);
        run(async {
            // As recorded: the resolver and the fetcher have a token each, and neither remembers what the other learnt.
            for _ in 0..2 {
                for _ in 0..2 {
                    let head = user.client.manifest_head(&name("a"), &tag("t")).await;
                    assert_eq!(head.unwrap(), None);
                }
                user.client.forget();
            }
            agree(&registry, &[&user]).await;
        });
        let seen = user.journal.of(Operation::Token);
        let statuses: Vec<u16> = seen.iter().filter_map(|it| it.status).collect();
        assert_eq!(statuses, [per_token.clone(), per_token.clone()].concat());
        assert!(seen.iter().all(|it| it.end == "ok"), "{seen:?}");
        // A POST shows the password in its form only.
        let expected = |status: &u16| match (status, per_token.len()) {
            (404, _) | (_, 1) => "POST by nobody: ",
            _ => "GET by Basic: scope=repository:a:pull service=regstorm",
        };
        let expected: Vec<_> = statuses.iter().map(expected).collect();
        assert_eq!(tokens(&registry), expected);
        let heads = user.journal.of(Operation::ManifestHead);
        let heads: Vec<_> = heads.iter().filter_map(|it| it.status).collect();
        assert_eq!(heads, [401, 404, 404, 401, 404, 404]);
    }
}

#[test]
fn the_form_is_what_containerd_sends() {
    let forms = Wire::answering(|request, _| {
        if request.target == "/token" {
            return answer("200 OK", &[], r#"{"access_token":"t"}"#);
        }
        match request.header("authorization") {
            Some("Bearer t") => answer("404 No", &[], ""),
            _ => answer(
                "401 No",
                &[
                    "WWW-Authenticate: Bearer realm=\"/token\",service=\"s\",scope=\"repository:a:pull\"",
                ],
                "",
            ),
        }
    });
    let habits = Profile::named("containerd").unwrap().habits();
    let settings = UserSettings {
        credentials: Some(bob(PASSWORD)),
        habits,
        ..UserSettings::default()
    };
    let user = User::with(&forms.url(), settings);
    run(async {
        let client = user.client.for_push(&name("a"));
        let digest = Digest::sha256(b"x");
        assert_eq!(client.blob_head(&name("a"), &digest).await.unwrap(), None);
    });
    let requests = forms.requests();
    let posted = &requests[1];
    assert!(posted.asks("POST", "/token"));
    assert_eq!(posted.header("authorization"), None);
    assert_eq!(
        posted.header("content-type"),
        Some("application/x-www-form-urlencoded; charset=utf-8")
    );
    // Recorded of containerd 2.4: the scope of the challenge and its own.
    assert_eq!(
        String::from_utf8_lossy(&posted.body),
        "client_id=containerd-client&grant_type=password&password=correct+horse\
         &scope=repository%3Aa%3Apull+repository%3Aa%3Apull%2Cpush&service=s&username=bob"
    );
}

#[test]
fn a_wrong_password_is_one_failure_in_either_form() {
    for (client, statuses, ends) in [("plain", vec![401], 1), ("containerd", vec![401, 401], 1)] {
        let registry = guarded(bearer(), Vec::new());
        let user = user(&registry, client, Some(bob("hunter2")));
        run(async {
            let repository = name("a");
            let digest = Digest::sha256(b"x");
            // All of them know that they need a token, and wait for the one that nobody gets.
            user.client.greet().await.unwrap();
            let heads = (0..8).map(|_| user.client.blob_head(&repository, &digest));
            for ended in join_all(heads).await {
                let error = ended.unwrap_err();
                assert_eq!(error.operation(), Operation::Token);
                assert_eq!(refusal(&error), Some(StatusCode::UNAUTHORIZED));
                let shown = format!("{error} {error:?}");
                assert!(!shown.contains("hunter2"), "{shown}");
            }
            agree(&registry, &[&user]).await;
        });
        let seen = user.journal.of(Operation::Token);
        let found: Vec<u16> = seen.iter().filter_map(|it| it.status).collect();
        assert_eq!(found, statuses);
        let failed = seen.iter().filter(|it| it.end != "ok").count();
        assert_eq!(failed, ends, "{seen:?}");
    }
}

#[test]
fn an_identity_token_is_posted_and_nothing_else_is_shown() {
    let registry = guarded(bearer(), Vec::new());
    let digest = registry.put_blob(&name("a"), content(10)).unwrap();
    run(async {
        let identity = identity_token(&registry).await;
        let user = user(
            &registry,
            "docker",
            Some(Credentials::IdentityToken(Secret::new(identity.as_str()))),
        );
        let found = user.client.blob_head(&name("a"), &digest).await.unwrap();
        assert_eq!(found, Some(Some(10)));
        let wrong = Some(Credentials::IdentityToken(Secret::new("hunter2")));
        let stranger = self::user(&registry, "docker", wrong);
        let error = stranger
            .client
            .blob_head(&name("a"), &digest)
            .await
            .unwrap_err();
        assert_eq!(error.operation(), Operation::Token);
        let shown = format!("{error:?} {:?} {:?}", stranger.client, user.client);
        assert!(!shown.contains("hunter2") && !shown.contains(&identity));
    });
    // The first is the test's own.
    assert_eq!(
        tokens(&registry)[1..],
        ["POST by nobody: ", "POST by nobody: "]
    );
}

/// What `docker login` keeps in place of a password.
async fn identity_token(registry: &Running) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(registry.addr())
        .await
        .expect("it listens");
    let request = format!(
        "GET /token?offline_token=true&client_id=docker HTTP/1.1\r\nHost: h\r\nAuthorization: Basic {PAIR}\r\n\
         Connection: close\r\n\r\n"
    );
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it reads");
    let mut said = String::new();
    stream.read_to_string(&mut said).await.expect("an answer");
    let body = said.split_once("\r\n\r\n").expect("a body").1;
    let answer: serde_json::Value = serde_json::from_str(body).expect("JSON");
    answer["refresh_token"]
        .as_str()
        .expect("an identity token")
        .to_owned()
}

/// What a push with mounts does, of two blobs.
async fn push_with_mounts(user: &User, registry: &Running) {
    let (a, from) = (name("a"), name("from"));
    let client = user.client.for_push(&a);
    for length in [10, 20] {
        let bytes = content(length);
        let digest = registry.put_blob(&from, bytes.clone()).expect("room");
        let found = client.blob_head(&a, &digest).await;
        assert!(matches!(found, Ok(None)), "{found:?}");
        let found = client.blob_head(&from, &digest).await;
        assert!(matches!(found, Ok(Some(_))), "{found:?}");
        let mounted = client.upload_mount(&a, &digest, Some(&from)).await;
        assert!(matches!(mounted, Ok(Mounted::Done)), "{mounted:?}");
    }
    let bytes = content(30);
    let session = client.upload_start(&a).await.expect("a session");
    let stored = session.put(&Digest::sha256(&bytes), &body(&bytes)).await;
    stored.expect("it is stored");
}

#[test]
fn a_push_costs_the_tokens_that_its_client_fetches() {
    // Recorded of skopeo: one for the repository, one that names the source of mounts, too.
    let podman = [
        "GET by Basic: account=bob scope=repository:a:pull,push service=regstorm",
        "GET by Basic: account=bob scope=repository:a:pull,push scope=repository:from:pull service=regstorm",
    ];
    let registry = guarded(bearer(), Vec::new());
    let user = bob_with("podman", &registry);
    run(async {
        push_with_mounts(&user, &registry).await;
        agree(&registry, &[&user]).await;
    });
    assert_eq!(tokens(&registry), podman);

    // Read in docker's source: each request that names a source has a token of its own.
    let registry = guarded(bearer(), Vec::new());
    let user = bob_with("docker", &registry);
    run(async {
        let a = name("a");
        let client = user.client.for_push(&a);
        client.greet().await.unwrap();
        for length in [10, 20] {
            let digest = registry.put_blob(&name("from"), content(length)).unwrap();
            client
                .upload_mount(&a, &digest, Some(&name("from")))
                .await
                .unwrap();
            assert!(client.blob_head(&a, &digest).await.unwrap().is_some());
        }
        agree(&registry, &[&user]).await;
    });
    let mount = "GET by Basic: account=bob scope=repository:a:push,pull scope=repository:from:pull service=regstorm";
    let own = "GET by Basic: account=bob scope=repository:a:push,pull service=regstorm";
    assert_eq!(tokens(&registry), [mount, own, mount]);
    assert_eq!(
        registry.counts().with_status(Operation::UploadMount, 401),
        0
    );
}

#[test]
fn what_a_challenge_asks_for_beyond_is_asked_for_from_then_on() {
    let registry = guarded(bearer(), Vec::new());
    let user = bob_with("plain", &registry);
    run(async {
        for _ in 0..3 {
            user.client.catalog(Paging::First(None)).await.unwrap();
        }
        agree(&registry, &[&user]).await;
    });
    assert_eq!(
        tokens(&registry),
        ["GET by Basic: account=bob scope=registry:catalog:* service=regstorm"]
    );
    assert_eq!(registry.counts().with_status(Operation::Catalog, 401), 1);
}

#[test]
fn a_greeting_takes_the_challenge_as_its_lesson() {
    for (auth, carried, fetched) in [(basic(), "Basic", 0), (bearer(), "Bearer", 1)] {
        let registry = guarded(auth, Vec::new());
        let user = bob_with("podman", &registry);
        run(async {
            user.client.greet().await.unwrap();
            user.client
                .manifest_get(&name("a"), &tag("t"))
                .await
                .unwrap_err();
            // The next operation greets as the first one did: without credentials.
            user.client.greet().await.unwrap();
            agree(&registry, &[&user]).await;
        });
        let requests = registry.requests();
        let pings: Vec<_> = requests
            .iter()
            .filter(|it| it.operation == Some(Operation::Ping))
            .map(|it| (it.status.map(|it| it.as_u16()), it.authorization()))
            .collect();
        assert_eq!(pings, [(Some(401), None), (Some(401), None)]);
        assert_eq!(registry.counts().of(Operation::Token), fetched);
        let get = requests
            .iter()
            .find(|it| it.operation == Some(Operation::ManifestGet))
            .unwrap();
        assert_eq!(get.status, Some(StatusCode::NOT_FOUND));
        assert_eq!(get.authorization(), Some(carried));
        assert!(
            user.journal
                .of(Operation::Ping)
                .iter()
                .all(|it| it.end == "ok")
        );
    }
}

#[test]
fn a_greeting_that_cannot_be_answered_is_a_refusal() {
    let registry = guarded(basic(), Vec::new());
    let nobody = user(&registry, "podman", None);
    let error = run(nobody.client.greet()).unwrap_err();
    assert_eq!(refusal(&error), Some(StatusCode::UNAUTHORIZED));
    // Another host is not believed.
    let other =
        Wire::answering(|_, _| answer("401 No", &["WWW-Authenticate: Basic realm=\"give\""], ""));
    let location = format!("Location: {}/v2/", other.url());
    let moved = Wire::answering(move |_, _| answer("307 Moved", &[&location], ""));
    let settings = UserSettings {
        credentials: Some(bob(PASSWORD)),
        ..UserSettings::default()
    };
    let user = User::with(&moved.url(), settings);
    run(async {
        let error = user.client.greet().await.unwrap_err();
        assert_eq!(refusal(&error), Some(StatusCode::UNAUTHORIZED));
        user.client.greet().await.unwrap_err();
    });
    assert!(
        other
            .requests()
            .iter()
            .all(|it| it.header("authorization").is_none())
    );
}

#[test]
fn a_token_that_expires_within_an_upload_is_replaced_and_the_bytes_are_sent_again() {
    let registry = guarded(
        Auth::Bearer {
            user: "bob".into(),
            password: Secret::new(PASSWORD),
            token_lifetime: Duration::from_secs(1),
            anonymous_pull: false,
        },
        Vec::new(),
    );
    // docker takes a token to live a minute, whatever it is told.
    let user = bob_with("docker", &registry);
    // Far more than the sockets hold: the no comes while the bytes are on their way.
    let bytes = content(24 << 20);
    let digest = Digest::sha256(&bytes);
    run(async {
        let a = name("a");
        let client = user.client.for_push(&a);
        client.greet().await.unwrap();
        let session = client.upload_start(&a).await.unwrap();
        // The token's life is what is waited for.
        tokio::time::sleep(Duration::from_millis(1_050)).await;
        session.put(&digest, &body(&bytes)).await.unwrap();
        assert!(client.blob_head(&a, &digest).await.unwrap().is_some());
        agree(&registry, &[&user]).await;
    });
    let counts = registry.counts();
    assert_eq!(counts.with_status(Operation::UploadPut, 401), 1);
    assert_eq!(counts.with_status(Operation::UploadPut, 201), 1);
    assert_eq!(counts.open_uploads, 0);
    let ends = user.journal.ends();
    assert!(ends.iter().all(|(_, end)| end == "ok"), "{ends:?}");
}

#[test]
fn a_registry_that_says_no_and_reads_nothing_does_not_hold_up_an_upload() {
    let fetched = AtomicUsize::new(0);
    let registry = Wire::start(move |line| {
        while let Some(head) = line.head() {
            if head.target.starts_with("/token") {
                let number = fetched.fetch_add(1, Ordering::Relaxed) + 1;
                line.send(answer(
                    "200 OK",
                    &[],
                    format!("{{\"token\":\"t{number}\"}}"),
                ));
            } else if head.header("authorization") == Some("Bearer t2") {
                let length = head.header("content-length").unwrap().parse().unwrap();
                let mut left: usize = length;
                while left > 0 {
                    left -= line.swallow(left);
                }
                line.send(answer("201 Created", &[], ""));
            } else {
                let challenge = "WWW-Authenticate: Bearer realm=\"/token\"";
                line.send(answer("401 No", &[challenge], ""));
                if head.method == "POST" && head.header("authorization").is_some() {
                    Line::pause(Duration::from_secs(20)); // with most of the body still to come
                    return;
                }
            }
        }
    });
    let settings = UserSettings {
        credentials: Some(bob(PASSWORD)),
        ..UserSettings::default()
    };
    let user = User::with(&registry.url(), settings);
    run(async {
        let a = name("a");
        let bytes = content(10);
        let head = user.client.for_push(&a);
        // The first token is fetched for this, and refused.
        head.blob_head(&a, &Digest::sha256(&bytes))
            .await
            .unwrap_err();
        let frame = bytes::Bytes::from(vec![7; 1 << 20]);
        let big = move || {
            let frames = std::iter::repeat_n(frame.clone(), 64).map(Ok);
            Body::sized(frames, 64 << 20)
        };
        head.upload_post(&a, &Digest::sha256(b"x"), &big)
            .await
            .unwrap();
    });
    let posts = user.journal.of(Operation::UploadPost);
    let statuses: Vec<_> = posts.iter().filter_map(|it| it.status).collect();
    assert_eq!(statuses, [401, 201]);
    assert!(posts[0].ended.sent < 64 << 20, "it was not heard out");
    assert_eq!(posts[1].ended.sent, 64 << 20);
}

#[test]
fn one_token_cache_serves_all_who_share_it_and_outlives_one_who_forgets() {
    use std::rc::Rc;

    use regstorm::registry::{Base, Client, Observer, TokenCache};
    use regstorm::transport::{Pool, PoolSettings};

    let registry = guarded(bearer(), Vec::new());
    let digest = registry.put_blob(&name("a"), content(10)).unwrap();
    let habits = Profile::PLAIN.habits();
    let tokens = Rc::new(TokenCache::new(Some(bob(PASSWORD)), habits.token.clone()));
    let base = Base::parse(&registry.url()).unwrap();
    let mut settings = regstorm::registry::Settings::new(base, habits, Duration::from_mins(1));
    settings.credentials = Some(bob(PASSWORD));
    let settings = Rc::new(settings);
    run(async {
        let clients: Vec<Client> = (0..5)
            .map(|_| {
                let pool = Pool::new(PoolSettings::default(), Rc::default(), Rc::default());
                let journal: Rc<dyn Observer> = Rc::new(super::user::Journal::default());
                Client::sharing(Rc::clone(&settings), pool, journal, Rc::clone(&tokens))
            })
            .collect();
        let repository = name("a");
        for _ in 0..2 {
            let heads = clients.iter().map(|it| it.blob_head(&repository, &digest));
            assert!(join_all(heads).await.into_iter().all(|it| it.is_ok()));
            clients[0].forget();
        }
    });
    assert_eq!(registry.counts().of(Operation::Token), 1);
}
