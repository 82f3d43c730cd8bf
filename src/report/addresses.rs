//! In words: which addresses of a host the connections went to.

use std::fmt::Write as _;

use crate::measure::AddressUse;
use crate::result::Document;

use super::words::number_of;

/// The most addresses of one host that are listed; the rest is added up.
const MOST: usize = 16;

/// A host with several addresses.
pub(super) struct Host {
    /// How the addresses were chosen.
    pub(super) summary: String,
    /// Each address and what came of it.
    pub(super) addresses: Vec<(String, String)>,
}

/// The hosts of a document that have several addresses.
pub(super) fn hosts(document: &Document) -> Vec<Host> {
    let of_one_host = document.addresses.chunk_by(|a, b| a.host == b.host);
    of_one_host.map(|all| host(document, all)).collect()
}

fn host(document: &Document, all: &[AddressUse]) -> Host {
    let name = &all[0].host;
    let key = |key: &str| document.plan.resolved.pointer(&format!("/target/{key}"));
    let detours = key("connect_to").and_then(|it| it.as_array());
    let is_target = document
        .plan
        .target()
        .is_some_and(|url| leads_to(url, name));
    let chosen = if is_target && detours.is_some_and(|it| !it.is_empty()) {
        "from `connect_to`, in turn"
    } else if key("dns").and_then(|it| it.as_str()) == Some("per-connection") {
        "looked up for each connection (dns = \"per-connection\")"
    } else {
        "looked up once by each worker (dns = \"once\")"
    };
    let mut summary = format!("{name} has {} addresses, {chosen}", all.len());
    let mut used = all.iter().filter(|it| it.connections > 0);
    if let (Some(only), None) = (used.next(), used.next()) {
        let _ = write!(summary, "; one was chosen: {}", only.address);
    }
    let (listed, rest) = all.split_at(all.len().min(MOST));
    let mut addresses: Vec<_> = listed
        .iter()
        .map(|it| {
            (
                it.address.to_string(),
                counts(it.connections, it.failed, it.given_up),
            )
        })
        .collect();
    if !rest.is_empty() {
        let sum = |count: fn(&AddressUse) -> u64| rest.iter().map(count).sum();
        let counts = counts(
            sum(|it| it.connections),
            sum(|it| it.failed),
            sum(|it| it.given_up),
        );
        addresses.push((format!("{} more", rest.len()), counts));
    }
    Host { summary, addresses }
}

fn counts(connections: u64, failed: u64, given_up: u64) -> String {
    let mut text = number_of(connections, "connection");
    if failed > 0 {
        let _ = write!(text, ", {} failed", number_of(failed, "attempt"));
    }
    if given_up > 0 {
        let words = number_of(given_up, "attempt");
        let _ = write!(text, ", {words} given up without an answer");
    }
    text
}

/// Whether a URL leads to a host and port.
fn leads_to(url: &str, host: &str) -> bool {
    let Ok(url) = url.parse::<url::Url>() else {
        return false;
    };
    match (url.host(), url.port_or_known_default()) {
        (Some(name), Some(port)) => format!("{name}:{port}") == host,
        _ => false,
    }
}
