#![expect(
    clippy::unwrap_used,
    reason = "what the tests share is no test, and a panic is how it fails"
)]

use std::collections::BTreeMap;

use futures_util::future::join_all;
use regstorm::embedded::{Fault, FaultKind, Settings};
use regstorm::exchange::Lookup;
use regstorm::registry::Kind;
use regstorm::transport::{Error, Origin, Route};
use regstorm::units::Endpoint;

use crate::protocol::user::{User, UserSettings, content, fetch, name, registry, run};

fn over(url: &str, route: Route) -> User {
    let profile = UserSettings {
        keep_alive: false,
        route: Route {
            target: Some(Origin::of(&url.parse().unwrap()).unwrap()),
            ..route
        },
        ..UserSettings::default()
    };
    User::with(url, profile)
}

#[test]
fn connections_to_the_target_go_to_its_endpoints_in_turn_and_the_host_stays_its_own() {
    let registries = [(); 3].map(|()| registry(Settings::default()));
    let endpoints = registries
        .iter()
        .map(|it| it.addr().to_string().parse().unwrap())
        .collect();
    // Nobody knows this name.
    let user = over(
        "http://registry.test:5000",
        Route {
            connect_to: endpoints,
            ..Route::default()
        },
    );
    run(async {
        for _ in 0..6 {
            user.client.ping().await.unwrap();
        }
    });
    for registry in &registries {
        let requests = registry.requests();
        assert_eq!(requests.len(), 2);
        assert!(
            requests
                .iter()
                .all(|it| it.header("host") == Some("registry.test:5000"))
        );
    }
    assert!(
        user.journal
            .all()
            .iter()
            .all(|it| it.ended.timings.dns.is_none())
    );
}

#[test]
fn connections_come_from_the_source_addresses_in_turn() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let peer = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let mut seen = BTreeMap::new();
        for _ in 0..6 {
            let (mut stream, from) = listener.accept().unwrap();
            *seen.entry(from.ip().to_string()).or_insert(0) += 1;
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
        seen
    });
    let sources = ["127.0.0.2", "127.0.0.3", "::1"];
    let route = Route {
        source_ips: sources.map(|ip| ip.parse().unwrap()).into(),
        ..Route::default()
    };
    route.check_sources().unwrap();
    let user = over(&url, route);
    run(async {
        for _ in 0..6 {
            user.client.ping().await.unwrap();
        }
    });
    let seen = peer.join().unwrap();
    // The address of the other family is passed over, in favour of the next.
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["127.0.0.2", "127.0.0.3"]);
    assert_eq!(seen.values().sum::<i32>(), 6);
}

#[test]
fn a_source_that_this_machine_does_not_have_is_found_before_the_start() {
    let stranger = "192.0.2.1".parse().unwrap();
    let route = Route {
        source_ips: vec![stranger],
        ..Route::default()
    };
    assert_eq!(route.check_sources().unwrap_err().0, stranger);
    let registry = registry(Settings::default());
    let user = over(&registry.url(), route);
    let error = run(async { user.client.ping().await.unwrap_err() });
    assert!(
        matches!(error.kind(), Kind::Transport(Error::Harness(_))),
        "{error}"
    );
}

#[test]
fn a_target_of_another_family_than_every_source_cannot_be_reached() {
    let registry = registry(Settings::default());
    let route = Route {
        source_ips: vec!["::1".parse().unwrap()],
        ..Route::default()
    };
    let user = over(&registry.url(), route);
    let error = run(async { user.client.ping().await.unwrap_err() });
    assert!(error.to_string().contains("family"), "{error}");
}

#[test]
fn names_are_looked_up_once_or_for_each_connection() {
    for (lookup, wanted) in [(Lookup::Once, 1), (Lookup::PerConnection, 3)] {
        let registry = registry(Settings::default());
        let url = format!("http://localhost:{}", registry.addr().port());
        let route = Route {
            lookup,
            ..Route::default()
        };
        let user = over(&url, route);
        run(async {
            for _ in 0..3 {
                user.client.ping().await.unwrap();
            }
        });
        let all = user.journal.all();
        let looked_up = all.iter().filter(|it| it.ended.timings.dns.is_some());
        assert_eq!(looked_up.count(), wanted);
    }
}

#[test]
fn endpoints_are_for_the_target_only() {
    let target = registry(Settings {
        quirks: vec![regstorm::embedded::Quirk::RedirectBlobs],
        ..Settings::default()
    });
    let blob = content(10);
    target.put_blob(&name("a"), blob.clone()).unwrap();
    let detour: Endpoint = target.addr().to_string().parse().unwrap();
    let user = over(
        "http://registry.test",
        Route {
            connect_to: vec![detour],
            ..Route::default()
        },
    );
    run(async {
        fetch(&user, &blob).await.unwrap();
    });
}

#[test]
fn a_limit_and_many_sources_go_together() {
    let registry = registry(Settings {
        faults: vec![Fault::everywhere(FaultKind::Delay(
            std::time::Duration::from_millis(2),
        ))],
        ..Settings::default()
    });
    let profile = UserSettings {
        limit: Some(2),
        route: Route {
            source_ips: vec!["127.0.0.2".parse().unwrap(), "127.0.0.3".parse().unwrap()],
            ..Route::default()
        },
        ..UserSettings::default()
    };
    let user = User::with(&registry.url(), profile);
    run(async {
        for pinged in join_all((0..10).map(|_| user.client.ping())).await {
            pinged.unwrap();
        }
    });
    assert_eq!(registry.counts().connections, 2);
}
