//! Whether a client sent what a recording of another one says: the same requests, in the same partial order, over as
//! many connections, and no more of them at once.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;

use super::lines::{Request, Role, requests, unversioned};
use super::order::{self, Rule};
use super::trace::Record;
use crate::support::TokenRequest;

/// What a client keeps to, whatever a single recording happens to show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Requests at once.
    pub(crate) parallel: usize,
    /// Connections in all; those of a client that closes after each request are compared exactly.
    pub(crate) connections: usize,
    pub(crate) rules: &'static [Rule],
}

/// All that differs, a line each: `-` was recorded and not sent, `+` was sent and not recorded, `!` is about the whole.
pub(crate) fn difference(recorded: &[Record], sent: &[Record], limits: Limits) -> Vec<String> {
    let [ours, theirs] = [sent, recorded].map(requests);
    let mut found = counted(&lines(&theirs), &lines(&ours));
    // With other requests the chains differ too; once is enough.
    if found.is_empty() {
        found = counted(&chains(&theirs), &chains(&ours));
    }
    let ping_first = |it: &[Request<'_>]| it.first().is_some_and(|it| it.record.path == "/v2/");
    if ping_first(&theirs) && !ping_first(&ours) {
        found.push("! the first request is not the ping".to_owned());
    }
    let broken = order::broken(&ours, limits.rules);
    found.extend(broken.into_iter().map(|it| format!("! order: {it}")));
    found.extend(connections(recorded, sent, limits));
    let most = most(sent);
    if most > limits.parallel {
        found.push(format!(
            "! {most} requests at once, and the client keeps to {}",
            limits.parallel
        ));
    }
    let cut = |records: &[Record]| records.iter().any(|it| it.error.is_some());
    match (cut(recorded), cut(sent)) {
        (true, false) => found.push("! no connection was dropped in the middle".to_owned()),
        (false, true) => found.push("! a connection was dropped in the middle".to_owned()),
        _ => {}
    }
    found
}

/// Ends the test with all that differs.
#[track_caller]
pub(crate) fn assert_same(name: &str, recorded: &[Record], sent: &[Record], limits: Limits) {
    let found = difference(recorded, sent, limits);
    assert!(
        found.is_empty(),
        "{name}: `-` was recorded and not sent, `+` was sent and not recorded\n{}",
        found.join("\n")
    );
}

/// The most requests at once.
pub(crate) fn most(records: &[Record]) -> usize {
    records
        .iter()
        .filter_map(|it| it.inflight)
        .max()
        .unwrap_or(0)
}

/// Whether each request has a connection of its own; one alone tells nothing.
pub(crate) fn closes(records: &[Record]) -> bool {
    records.len() > 1 && connection_count(records) == records.len()
}

pub(crate) fn connection_count(records: &[Record]) -> usize {
    let set: HashSet<u64> = records.iter().map(|it| it.conn).collect();
    set.len()
}

fn connections(recorded: &[Record], sent: &[Record], limits: Limits) -> Option<String> {
    let count = connection_count(sent);
    if closes(recorded) {
        let differs = count != sent.len();
        return differs.then(|| {
            format!(
                "! {count} connections for {} requests, and the client opens one for each",
                sent.len()
            )
        });
    }
    let allowed = connection_count(recorded).max(limits.connections);
    (count > allowed)
        .then(|| format!("! {count} connections, and the client opens {allowed} at most"))
}

/// What differs in what the token server was asked.
pub(crate) fn token_difference(recorded: &[TokenRequest], sent: &[TokenRequest]) -> Vec<String> {
    // All clients of the recordings ask for an encoding; where none is noted, it was not looked at.
    let noted = recorded.iter().any(|it| it.accept_encoding.is_some());
    let lines = |requests: &[TokenRequest]| count(requests.iter().map(|it| token_line(it, noted)));
    counted(&lines(recorded), &lines(sent))
}

/// A request for a token, whoever the user and whatever the repositories.
fn token_line(request: &TokenRequest, with_encoding: bool) -> String {
    let scheme = request.authorization.as_deref().unwrap_or("anonymous");
    let agent = unversioned(request.ua.as_deref().unwrap_or("-"));
    let mut line = format!(
        "{} {} {} {scheme} | User-Agent: {agent}",
        request.method, request.path, request.status
    );
    if let Some(kind) = &request.content_type {
        let _ = write!(line, " | Content-Type: {kind}");
    }
    if with_encoding {
        let encoding = request.accept_encoding.as_deref().unwrap_or("-");
        let _ = write!(line, " | Accept-Encoding: {encoding}");
    }
    for (name, values) in &request.params {
        let values: Vec<String> = values
            .iter()
            .map(|value| match name.as_str() {
                "scope" => value.split(' ').map(nameless).collect::<Vec<_>>().join(" "),
                "account" | "username" => "{user}".to_owned(),
                _ => value.clone(),
            })
            .collect();
        let _ = write!(line, " | {name}={}", values.join(" + "));
    }
    line
}

/// `repository:team/six:pull` as `repository:{name}:pull`.
fn nameless(scope: &str) -> String {
    let parts: Vec<&str> = scope.split(':').collect();
    match parts.as_slice() {
        [kind, .., actions] if parts.len() > 2 => format!("{kind}:{{name}}:{actions}"),
        _ => scope.to_owned(),
    }
}

type Counts = BTreeMap<String, usize>;

fn lines(requests: &[Request<'_>]) -> Counts {
    count(requests.iter().map(Request::line))
}

/// What was done with each blob, in its order, and how many blobs it was done with.
fn chains(requests: &[Request<'_>]) -> Counts {
    let mut blobs: BTreeMap<(Role, &str), Vec<String>> = BTreeMap::new();
    for request in requests.iter().filter(|it| !it.is_challenged()) {
        if let Some(digest) = &request.digest {
            let chain = blobs.entry((request.role, digest)).or_default();
            let verb = request.verb().replace("/v2/{name}/", "");
            // The ranges of a blob are fetched side by side.
            if request.record.status != Some(206) || chain.last() != Some(&verb) {
                chain.push(verb);
            }
        }
    }
    count(
        blobs
            .into_iter()
            .map(|((role, _), chain)| format!("one {role:?}: {}", chain.join(", then "))),
    )
}

fn count(lines: impl Iterator<Item = String>) -> Counts {
    let mut counts = Counts::new();
    for line in lines {
        *counts.entry(line).or_default() += 1;
    }
    counts
}

fn counted(recorded: &Counts, sent: &Counts) -> Vec<String> {
    let get = |counts: &Counts, line| counts.get(line).copied().unwrap_or(0);
    let all: BTreeSet<&String> = recorded.keys().chain(sent.keys()).collect();
    let mut found = Vec::new();
    for line in all {
        let (was, is) = (get(recorded, line), get(sent, line));
        match was.cmp(&is) {
            std::cmp::Ordering::Greater => found.push(format!("- {}× {line}", was - is)),
            std::cmp::Ordering::Less => found.push(format!("+ {}× {line}", is - was)),
            std::cmp::Ordering::Equal => {}
        }
    }
    found
}
