//! A pull and a push of each client through `regstorm record`, in the clear, by its CA, and with tokens: the trace has what
//! the registry was sent, and a replay of it sends the registry the same again, but for what docs/reference/trace.md excepts.

use super::clients::{Access, Client, Crane, OfDocker, OfSkopeo, Oras, Way};
use crate::replay::compare::{Limits, assert_same};
use crate::replay::fixture::Fixture;
use crate::replay::recorder::{Habits, Recorder};
use crate::replay::trace::Record;
use crate::round_trips::compare::{Lines, expected};
use crate::round_trips::documented::{Exceptions, other_headers};
use crate::support::{
    AccessLine, Containerd, Flavour, Granting, PASSWORD, Podman, Recorded, Recording, Registry,
    Seen, TokenServer, TraceRow, USER, run_to,
};

/// What a client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Push,
    Pull,
}

/// A registry with nothing in it, and a witness in front of it.
struct Site {
    registry: Registry,
    witness: Recorder,
    // Behind the registry, which asks it.
    _tokens: Option<TokenServer>,
}

impl Site {
    fn start(client: &dyn Client, access: Access) -> Self {
        let tokens = (access == Access::Tokens).then(|| {
            TokenServer::start(Granting {
                host: client.host_of_tokens(),
                ..Granting::default()
            })
        });
        let registry = tokens
            .as_ref()
            .map_or_else(|| Registry::start(Flavour::Open), Registry::with_tokens);
        Self {
            witness: Recorder::start(&registry.host(), Habits::default()),
            registry,
            _tokens: tokens,
        }
    }

    /// Replays a trace. Returns what was sent after the seeding.
    #[track_caller]
    fn replay(&self, trace: &Recorded, profile: &str, access: Access) -> Vec<Record> {
        let trace = trace.path();
        let trace = trace.display();
        let auth = match access {
            Access::Tokens => format!(
                "auth = {{ username = \"{USER}\", password = \"${{REGSTORM_PASSWORD}}\" }}\n"
            ),
            Access::Plain | Access::Tls => String::new(),
        };
        let scenario = format!(
            "name = \"replay\"\n[target]\nurl = \"http://127.0.0.1:1\"\n{auth}\
             [journey.day]\naction = \"replay\"\ntrace = \"{trace}\"\nclient = \"{profile}\"\n\
             [[load]]\njourney = \"day\"\nexecutor = \"replay\"\nspeed = 5\nmax_vus = 20\n\
             [prepare]\nclean_up = \"none\"\n[audit]\nsample = \"none\"\n"
        );
        let report = run_to(&[0], &scenario, &self.witness.url());
        let before = report.requests_to_the_registry_before_the_load();
        let before = usize::try_from(before).expect("a number");
        self.witness.take().split_off(before)
    }
}

fn line(record: &Record) -> AccessLine {
    AccessLine {
        method: record.method.clone(),
        path: record.raw_path.clone(),
        status: record.status.unwrap_or(0),
        bytes: record.resp_body,
    }
}

/// What the witness saw, as the trace has it.
fn rows(records: &[Record]) -> Vec<TraceRow> {
    let row = |it: &Record| {
        let method = ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"];
        let method = method.into_iter().find(|name| *name == it.method);
        TraceRow {
            method: method.expect("a method of the protocol"),
            operation: line(it).operation().to_owned(),
            status: it.status.unwrap_or(0),
            sent: it.req_body,
            received: it.resp_body,
        }
    };
    let mut rows: Vec<_> = records.iter().map(row).collect();
    rows.sort();
    rows
}

fn seen(record: &Record) -> Seen {
    Seen {
        method: record.method.clone(),
        path: record.raw_path.clone(),
        status: record.status.unwrap_or(0),
        received: record.resp_body,
        is_cut_off: false,
        sent: record.req_body,
        is_chunked: record.header("Transfer-Encoding").is_some(),
        session: String::new(),
    }
}

/// Requests by what stays of them in a replay, in their order.
fn order<'a>(rows: impl Iterator<Item = (&'a str, String, u16)>) -> Vec<String> {
    rows.map(|(method, operation, status)| format!("{method} {operation} {}xx", status / 100))
        .collect()
}

/// Runs a client, and replays what was recorded of it.
#[track_caller]
fn check(client: &dyn Client, access: Access, act: Act) {
    let what = format!("{} {act:?} {access:?}", client.profile());
    let (site, fixture) = (Site::start(client, access), Fixture::new(2));
    if act == Act::Pull {
        client.seed(&site.registry.host(), access, &fixture);
    }
    let name = client.name(access);
    let mut options = Vec::new();
    if access == Access::Tls {
        options.push("--tls");
        options.extend(name.iter().flat_map(|name| ["--tls-name", *name]));
    }
    let listen = name.map_or("127.0.0.1:0", |_| "[::1]:0");
    let recording = Recording::at(listen, &site.witness.url(), &options);
    let way = Way::through(&recording, access, name);
    match act {
        Act::Push => client.push(&way, &fixture),
        Act::Pull => client.pull(&way, &fixture),
    }
    let sent = site.witness.take();
    let recorded = recording.stop();
    assert!(!recorded.said.contains(PASSWORD), "{}", recorded.said);
    let mut traced = recorded.rows();
    traced.sort();
    assert_eq!(traced, rows(&sent), "{what}: {}", recorded.said);
    let again = Site::start(client, access).replay(&recorded, client.profile(), access);
    assert_replayed(&what, (&sent, &recorded.rows()), &again);
}

/// Holds a replay against what the client sent and what the trace has of that.
#[track_caller]
fn assert_replayed(what: &str, (sent, traced): (&[Record], &[TraceRow]), again: &[Record]) {
    let exceptions = Exceptions::read();
    let all_that_stay = |records: &[Record]| -> Vec<Record> {
        let stay = |it: &&Record| exceptions.stays(it.status.unwrap_or(0));
        records.iter().filter(stay).cloned().collect()
    };
    let again = all_that_stay(again);
    let [first, second] = [sent, &again].map(|it| it.iter().map(seen).collect::<Vec<_>>());
    let wanted = expected(&first, &exceptions, "");
    assert_eq!(wanted.difference(&Lines::of(&second)), None, "{what}");
    // A replay sends the requests of a session one after the other, in the order of the trace.
    let traced = traced.iter().filter(|it| exceptions.stays(it.status));
    let traced = order(traced.map(|it| (it.method, it.operation.clone(), it.status)));
    let replayed = again.iter().map(|it| {
        let operation = line(it).operation().to_owned();
        (it.method.as_str(), operation, it.status.unwrap_or(0))
    });
    assert_eq!(order(replayed), traced, "{what}");
    // By their headers, by their place among those about the same blob, and by the connections.
    let sent = all_that_stay(sent);
    for is_found in [true, false] {
        let [sent, again] = [&sent, &again].map(|it| with_shared_headers(it, is_found));
        let limits = Limits {
            parallel: 1,
            connections: 0,
            rules: &[],
        };
        assert_same(what, &sent, &again, limits);
    }
}

/// Requests that found something, or those that did not, without the headers that are excepted. What is not there has another
/// name in a replay, so that these have none.
fn with_shared_headers(records: &[Record], is_found: bool) -> Vec<Record> {
    let other = other_headers();
    let of_these = records
        .iter()
        .filter(|it| (it.status != Some(404)) == is_found);
    let shared = |record: &Record| {
        let operation = line(record).operation();
        let status = record.status.unwrap_or(0).to_string();
        let mut kinds = vec![operation.to_owned(), status];
        if record.path.ends_with("/{digest}") {
            kinds.push(format!("{operation} by digest"));
        }
        let mut record = record.clone();
        for (header, requests) in &other {
            if kinds.iter().any(|it| requests.contains(it)) {
                record.req.remove(header);
            }
        }
        if !is_found {
            record.raw_path.clone_from(&record.path);
        }
        record
    };
    of_these.map(shared).collect()
}

/// Each way, a push and a pull.
#[track_caller]
fn check_all(client: &dyn Client) {
    for access in [Access::Plain, Access::Tls, Access::Tokens] {
        for act in [Act::Push, Act::Pull] {
            check(client, access, act);
        }
    }
}

#[test]
fn what_docker_sends_is_replayed() {
    check_all(&OfDocker::start());
}

#[test]
fn what_containerd_sends_is_replayed() {
    check_all(&Containerd::start());
}

#[test]
fn what_skopeo_sends_is_replayed() {
    check_all(&OfSkopeo);
}

#[test]
fn what_podman_sends_is_replayed() {
    check_all(&Podman::new());
}

#[test]
fn what_crane_sends_is_replayed() {
    check_all(&Crane);
}

#[test]
fn what_oras_sends_is_replayed() {
    check_all(&Oras);
}
