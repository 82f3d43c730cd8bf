//! Transfers that are broken off within TLS, through a proxy, and at the storage host that a registry redirects to.

use std::collections::BTreeMap;

use regstorm::embedded::{Quirk, Running, Settings};
use regstorm::exchange::Misbehaviour::Aborted;
use regstorm::measure::Outcomes;
use regstorm::oci::Operation::{BlobGet, Redirected};

use super::{exchanges, iterations, scenario};
use crate::http_proxy::{HttpProxy, Rules};
use crate::support::{assert_closed, plan, registry, run, wait_for};

/// Of two users, one each.
const ITERATIONS: u64 = 2;

const ALL_OK: Outcomes = Outcomes {
    ok: ITERATIONS,
    failed: 0,
    cancelled: 0,
    misbehaved: 0,
};

const ALL_MISBEHAVED: Outcomes = Outcomes {
    ok: 0,
    misbehaved: ITERATIONS,
    ..ALL_OK
};

/// Ways to a registry: its settings, keys of the target, and the operation that moves the bytes of a blob.
fn over_all_ways(journey: &str, play: impl Fn(&str, &str, &Running, bool)) {
    let proxy = HttpProxy::start(Rules::default());
    let through = format!("proxy = \"{}\"\n", proxy.url());
    for (what, tls, key, redirects) in [
        ("TLS", true, "", false),
        ("a proxy", false, through.as_str(), false),
        ("a tunnel", true, through.as_str(), false),
        ("a redirect", false, "", true),
        ("a redirect within TLS", true, "", true),
    ] {
        for http in ["1.1", "2"] {
            let quirks = if redirects {
                vec![Quirk::RedirectBlobs]
            } else {
                Vec::new()
            };
            let target = registry(Settings {
                tls,
                quirks,
                ..Settings::default()
            });
            let toml = scenario(&format!("{journey}\nhttp = \"{http}\""), "4MiB")
                .replacen("iterations = 5", "iterations = 1", 1)
                .replacen(
                    "[images.web]",
                    &format!("{key}tls.insecure = true\n[images.web]"),
                    1,
                );
            play(&format!("{what}, HTTP/{http}"), &toml, &target, redirects);
            // No connection of a transfer that was broken off stays.
            wait_for(|| (target.counts().open_connections == 0).then_some(()));
        }
    }
}

#[test]
fn pulls_that_are_broken_off_are_counted_on_any_way() {
    let journey = "action = \"pull\"\nabort = { after = 0.25 }";
    over_all_ways(journey, |what, toml, target, redirects| {
        let finished = run(&plan(toml, &target.url(), 2)).expect("a run");
        assert_closed(&finished);
        assert_eq!(iterations(&finished), ALL_MISBEHAVED, "{what}");
        let operation = if redirects { Redirected } else { BlobGet };
        let broken = BTreeMap::from([((operation, Aborted), ITERATIONS)]);
        assert_eq!(exchanges(&finished), broken, "{what}");
    });
}

#[test]
fn pulls_that_resume_come_through_on_any_way() {
    let journey = "action = \"pull\"\nabort = { after = 0.25, resume = true }";
    over_all_ways(journey, |what, toml, target, redirects| {
        let finished = run(&plan(toml, &target.url(), 2)).expect("a run");
        assert_closed(&finished);
        assert_eq!(iterations(&finished), ALL_OK, "{what}");
        let operation = if redirects { Redirected } else { BlobGet };
        let broken = BTreeMap::from([((operation, Aborted), 3 * ITERATIONS)]);
        assert_eq!(exchanges(&finished), broken, "{what}");
        assert_eq!(
            target
                .counts()
                .with_status(BlobGet, if redirects { 307 } else { 206 }),
            3 * ITERATIONS * if redirects { 2 } else { 1 } + u64::from(redirects) * ITERATIONS,
            "{what}"
        );
    });
}

#[test]
fn pushes_that_are_broken_off_are_counted_on_any_way() {
    for resume in [false, true] {
        let journey = format!(
            "action = \"push\"\nmethod = \"patch\"\nabort = {{ after = 0.5, resume = {resume} }}"
        );
        over_all_ways(&journey, |what, toml, target, _| {
            let finished = run(&plan(toml, &target.url(), 2)).expect("a run");
            assert_closed(&finished);
            let (wanted, broken) = if resume {
                (ALL_OK, 3 * ITERATIONS)
            } else {
                (ALL_MISBEHAVED, ITERATIONS)
            };
            assert_eq!(iterations(&finished), wanted, "{what}, {resume}");
            let all: u64 = exchanges(&finished).values().sum();
            assert_eq!(all, broken, "{what}, {resume}");
        });
    }
}
