#![expect(
    clippy::unwrap_used,
    reason = "what the tests share is no test, and a panic is how it fails"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use regstorm::embedded::{Quirk, Running, Settings};
use regstorm::exchange::{ConnectionUse, Handshake, Resumption};
use regstorm::oci::Operation;
use regstorm::registry::{self, Kind};
use regstorm::transport::{
    Dialer, Error, Identity, Origin, Route, Tls, TlsProblem, TlsSettings, TlsSettingsError, Waiting,
};
use regstorm::units::Secret;

use crate::protocol::user::{
    User, UserSettings, agree, around, bearer, content, registry as start, run, tenant,
};
use crate::support::patiently;

fn secure() -> Settings {
    Settings {
        tls: true,
        ..Settings::default()
    }
}

fn trusting(registry: &Running) -> TlsSettings {
    TlsSettings {
        ca: registry.ca().map(|pem| pem.as_bytes().to_vec()),
        ..TlsSettings::default()
    }
}

/// A profile with that TLS, for a target at `url`.
fn profile(url: &str, settings: &TlsSettings) -> UserSettings {
    UserSettings {
        route: Route {
            target: Some(Origin::of(&url.parse().unwrap()).unwrap()),
            tls: Arc::new(Tls::new(settings).unwrap()),
            ..Route::default()
        },
        ..UserSettings::default()
    }
}

/// What a ping with those settings comes to.
fn ping(url: &str, settings: &TlsSettings) -> Result<(), registry::Error> {
    let user = User::with(url, profile(url, settings));
    run(async { user.client.ping().await.map(drop) })
}

fn transport(error: &registry::Error) -> &Error {
    match error.kind() {
        Kind::Transport(error) => error,
        other => panic!("not of the transport: {other}"),
    }
}

fn problem(result: Result<(), registry::Error>) -> TlsProblem {
    match transport(&result.unwrap_err()) {
        Error::Tls { problem, .. } => problem.clone(),
        other => panic!("not a failure of TLS: {other}"),
    }
}

#[test]
fn everything_that_works_in_the_clear_works_within_tls() {
    let registry = start(Settings {
        auth: bearer(),
        quirks: vec![Quirk::RedirectBlobs],
        ..secure()
    });
    let url = registry.url();
    assert!(url.starts_with("https://"));
    let user = User::with(
        &url,
        UserSettings {
            route: profile(&url, &trusting(&registry)).route,
            ..tenant()
        },
    );
    let blob = content(300_000);
    run(async {
        around(&user, &blob).await;
        agree(&registry, &[&user]).await;
    });
    // The token service and the storage host were spoken to in the same way.
    let seen = |operation| user.journal.of(operation).len();
    assert!(seen(Operation::Token) > 0 && seen(Operation::Redirected) == 1);
    let counts = registry.counts();
    assert_eq!(
        counts.full_handshakes + counts.resumed_handshakes,
        counts.connections
    );
}

#[test]
fn the_handshake_is_a_phase_of_the_exchange_that_opened_the_connection() {
    let registry = start(secure());
    let user = User::with(
        &registry.url(),
        profile(&registry.url(), &trusting(&registry)),
    );
    run(async {
        for _ in 0..3 {
            user.client.ping().await.unwrap();
        }
    });
    let all = user.journal.all();
    let shaken: Vec<_> = all
        .iter()
        .map(|it| (it.ended.timings.tls.is_some(), it.ended.handshake))
        .collect();
    assert_eq!(
        shaken,
        [(true, Some(Handshake::Full)), (false, None), (false, None)]
    );
    for seen in &all {
        let it = &seen.ended.timings;
        assert!(it.send.is_some() && it.first_byte.is_some());
        let parts = [
            it.wait,
            it.dns,
            it.connect,
            it.tls,
            it.send,
            it.first_byte,
            it.body,
        ];
        let sum: Duration = parts.into_iter().flatten().sum();
        assert!(sum <= it.total, "{it:?}");
    }
    assert_eq!(all[1].ended.connection, ConnectionUse::Reused);
}

#[test]
fn handshakes_are_full_or_resumed_as_the_registry_counts_them() {
    for (resumption, full) in [
        (Resumption::On, 2),
        (Resumption::Shared, 1),
        (Resumption::Off, 8),
    ] {
        let registry = start(secure());
        let url = registry.url();
        let settings = TlsSettings {
            resumption,
            ..trusting(&registry)
        };
        let UserSettings { route, .. } = profile(&url, &settings);
        let worker = Rc::new(Dialer::new(Arc::new(route), 0));
        let users = [(); 2].map(|()| {
            let profile = UserSettings {
                keep_alive: false,
                ..UserSettings::default()
            };
            User::over(&url, profile, Rc::clone(&worker))
        });
        run(async {
            for _ in 0..4 {
                for user in &users {
                    user.client.ping().await.unwrap();
                }
            }
        });
        let seen: Vec<_> = users
            .iter()
            .flat_map(|user| user.journal.all())
            .map(|it| it.ended.handshake)
            .collect();
        let of = |kind| seen.iter().filter(|it| **it == Some(kind)).count() as u64;
        assert_eq!(of(Handshake::Full), full, "{resumption:?}");
        assert_eq!(of(Handshake::Resumed), 8 - full, "{resumption:?}");
        let counts = registry.counts();
        assert_eq!(
            (counts.full_handshakes, counts.resumed_handshakes),
            (full, 8 - full)
        );
    }
}

#[test]
fn a_user_that_goes_cold_resumes_nothing() {
    let registry = start(secure());
    let user = User::with(
        &registry.url(),
        profile(&registry.url(), &trusting(&registry)),
    );
    run(async {
        for _ in 0..3 {
            user.client.ping().await.unwrap();
            user.client.forget();
        }
    });
    assert_eq!(registry.counts().full_handshakes, 3);
}

#[test]
fn who_is_not_trusted_is_refused_and_the_message_says_what_to_do() {
    let (one, other) = (start(secure()), start(secure()));
    let nobody = ping(&one.url(), &TlsSettings::default());
    assert!(problem(nobody).to_string().contains("--ca"));
    let nobody = ping(&one.url(), &TlsSettings::default());
    assert_eq!(problem(nobody), TlsProblem::UnknownIssuer);
    assert_eq!(
        problem(ping(&one.url(), &trusting(&other))),
        TlsProblem::UnknownIssuer
    );
    ping(&one.url(), &trusting(&one)).unwrap();
    let insecure = TlsSettings {
        insecure: true,
        ..TlsSettings::default()
    };
    ping(&one.url(), &insecure).unwrap();
}

#[test]
fn a_certificate_for_another_name_needs_the_servers_name() {
    let registry = start(secure());
    // The loopback network is larger than the certificate.
    let port = registry.addr().port();
    let detour = |settings: &TlsSettings| {
        let url = format!("https://registry.test:{port}");
        let mut profile = profile(&url, settings);
        profile.route.connect_to = vec![format!("127.0.0.1:{port}").parse().unwrap()];
        let user = User::with(&url, profile);
        run(async { user.client.ping().await.map(drop) })
    };
    let refused = problem(detour(&trusting(&registry)));
    assert!(refused.to_string().contains("--server-name"), "{refused}");
    assert!(matches!(refused, TlsProblem::WrongName(names) if !names.is_empty()));
    let named = TlsSettings {
        server_name: Some("localhost".into()),
        ..trusting(&registry)
    };
    detour(&named).unwrap();
}

#[test]
fn a_certificate_that_signed_itself_is_trusted_when_it_is_named_as_the_ca() {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
    let key = KeyPair::generate().unwrap();
    // What `openssl req -x509` makes: a server's certificate that calls itself a CA.
    let mut params = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    let server = Server::start(certificate.der().clone(), &key);
    let named = TlsSettings {
        ca: Some(certificate.pem().into_bytes()),
        ..TlsSettings::default()
    };
    ping(&server.url, &named).unwrap();
    let url = server.url.replace("127.0.0.1", "localhost");
    assert!(matches!(
        problem(ping(&url, &named)),
        TlsProblem::WrongName(_)
    ));
    assert_eq!(
        problem(ping(&server.url, &TlsSettings::default())),
        TlsProblem::UnknownIssuer
    );
}

/// A TLS server with a certificate of one's own, that answers each request alike.
struct Server {
    url: String,
}

impl Server {
    fn start(
        certificate: rustls::pki_types::CertificateDer<'static>,
        key: &rcgen::KeyPair,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
                let mut request = [0; 4096];
                if matches!(stream.read(&mut request), Ok(1..)) {
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                    let _ = stream.write_all(answer);
                }
            }
        });
        Self { url }
    }
}

#[test]
fn plain_http_where_tls_is_expected_and_the_reverse() {
    let plain = start(Settings::default());
    let wrong = plain.url().replace("http:", "https:");
    let found = problem(ping(&wrong, &TlsSettings::default()));
    assert!(matches!(found, TlsProblem::NotTls(_)), "{found:?}");
    assert!(found.to_string().contains("http://"), "{found}");
    let tls = start(secure());
    let wrong = tls.url().replace("https:", "http:");
    let refused = ping(&wrong, &TlsSettings::default()).unwrap_err();
    let refused = transport(&refused);
    assert!(
        matches!(refused, Error::NotHttp(_) | Error::Reset { .. }),
        "{refused:?}"
    );
}

#[test]
fn a_handshake_has_an_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    patiently(Duration::from_millis(50), |timeout| {
        let user = User::with(
            &url,
            UserSettings {
                timeout,
                ..profile(&url, &TlsSettings::default())
            },
        );
        let error = run(async { user.client.ping().await.unwrap_err() });
        let Error::Timeout(waiting) = transport(&error) else {
            panic!("{error}")
        };
        let in_tls = *waiting == Waiting::Tls && user.journal.last().ended.timings.tls.is_some();
        in_tls.then_some(()).ok_or_else(|| format!("{waiting:?}"))
    });
    drop(listener);
}

#[test]
fn a_peer_that_leaves_in_the_handshake_is_a_failure_of_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let gone = std::thread::spawn(move || drop(listener.accept()));
    assert_eq!(
        problem(ping(&url, &TlsSettings::default())),
        TlsProblem::Closed
    );
    gone.join().unwrap();
}

#[test]
fn bodies_cross_tls_whole_in_both_directions_at_once() {
    let registry = start(secure());
    let user = User::with(
        &registry.url(),
        profile(&registry.url(), &trusting(&registry)),
    );
    let blobs: Vec<Bytes> = (1..=6).map(|it| content(it * 333_333)).collect();
    run(async {
        join_all(blobs.iter().map(|blob| around(&user, blob))).await;
        agree(&registry, &[&user]).await;
    });
}

#[test]
fn files_that_are_no_certificates_are_told_apart_and_keys_are_never_shown() {
    use rcgen::{CertificateParams, KeyPair};
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let params = CertificateParams::new(vec!["client".into()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let with = |certificates: &str, key: &str| TlsSettings {
        identity: Some(Identity {
            certificates: certificates.as_bytes().to_vec(),
            key: Secret::new(key),
        }),
        ..TlsSettings::default()
    };
    let pem = key.serialize_pem();
    let good = with(&certificate, &pem);
    let tls = Tls::new(&good).unwrap();
    let inner: String = pem.lines().nth(1).unwrap().into();
    assert!(!format!("{good:?} {tls:?}").contains(&inner));

    let of = |settings: &TlsSettings| Tls::new(settings).unwrap_err();
    let ca = TlsSettings {
        ca: Some(b"nonsense".to_vec()),
        ..TlsSettings::default()
    };
    assert!(matches!(of(&ca), TlsSettingsError::Ca(_)));
    assert!(matches!(
        of(&with("x", &pem)),
        TlsSettingsError::Certificate(_)
    ));
    assert!(matches!(
        of(&with(&certificate, "x")),
        TlsSettingsError::Key(_)
    ));
    let mismatch = of(&with(&certificate, &other.serialize_pem()));
    assert!(
        matches!(mismatch, TlsSettingsError::Pair(_)),
        "{mismatch:?}"
    );
    let name = TlsSettings {
        server_name: Some("not a name".into()),
        ..TlsSettings::default()
    };
    assert!(matches!(of(&name), TlsSettingsError::ServerName(_)));
}
