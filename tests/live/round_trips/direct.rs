//! Round trips without a proxy, with the registry's own log in combined form as the witness: what clients break off, and what
//! lasts longer than their tokens.

use super::compare::{Lines, expected, logged};
use super::documented::{self, Exceptions};
use super::{imported, replay, scenario};
use crate::support::{
    AccessLine, Flavour, Formatter, Granting, Registry, Release, Seen, TokenServer, run_to,
};

/// What an access log has seen: it has no sizes of requests.
fn seen(lines: Vec<AccessLine>) -> Vec<Seen> {
    let of = |line: AccessLine| Seen {
        method: line.method,
        path: line.path,
        status: line.status,
        received: line.bytes,
        is_cut_off: false,
        sent: 0,
        is_chunked: false,
        session: String::new(),
    };
    lines.into_iter().map(of).collect()
}

/// Imports both logs of a registry, replays each against a new one, and holds what was seen of both against each other.
fn round_trips(registry: &Registry, again: impl Fn() -> Registry, head: &str) {
    registry.mark();
    let first = seen(registry.access_log());
    let own = registry.log_of_others();
    for (format, log) in [
        ("distribution-text", own.clone()),
        ("combined", super::access(&own)),
    ] {
        let dir = crate::support::scratch();
        let (trace, _) = imported(dir.path(), &log, &[]);
        let lacks = documented::lacks(format);
        let wanted = expected(&logged(&first, &lacks), &Exceptions::read(), &lacks);
        let registry = again();
        let scenario = replay(&trace, "1").replace("url = \"http://127.0.0.1:1\"", head);
        let report = run_to(&[0, 3], &scenario, &registry.url());
        registry.mark();
        let second = seen(registry.access_log());
        let before = usize::try_from(report.requests_before_the_load()).expect("a number");
        let difference = wanted.difference(&Lines::of(&second[before..]));
        assert_eq!(difference, None, "{format}");
    }
}

const OPEN: &str = "url = \"http://127.0.0.1:1\"";

fn broken_off(release: Release) {
    let start = || Registry::start(Flavour::Logs(release, Formatter::Text));
    let registry = start();
    run_to(&[0, 3], &scenario::broken_off(), &registry.url());
    round_trips(&registry, start, OPEN);
}

#[test]
fn what_clients_break_off_against_docker_registry() {
    broken_off(Release::Two);
}

#[test]
fn what_clients_break_off_against_distribution_3() {
    broken_off(Release::Three);
}

/// Tokens live five seconds, and uploads longer: what is 401 is asked for again, and is not replayed.
#[test]
fn what_lasts_longer_than_a_token() {
    let granting = Granting {
        lifetime: 5,
        told: Some(5),
        ..Granting::default()
    };
    let tokens = TokenServer::start(granting);
    let registry = Registry::with_tokens(&tokens);
    run_to(&[0], &scenario::longer_than_tokens(), &registry.url());
    let challenges = registry
        .access_log()
        .iter()
        .filter(|it| it.status == 401)
        .count();
    assert!(challenges > 10, "{challenges}");
    let open = || Registry::start(Flavour::Open);
    round_trips(&registry, open, OPEN);
}
