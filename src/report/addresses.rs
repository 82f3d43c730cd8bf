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

impl Host {
    /// Returns all of it as one line.
    pub(super) fn line(&self) -> String {
        let all = self.addresses.iter();
        let all: Vec<_> = all
            .map(|(address, counts)| format!("{address} {counts}"))
            .collect();
        format!("{}: {}", self.summary, all.join("; "))
    }
}

/// Returns the hosts of a document that have several addresses.
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
        let _ = write!(text, ", {words} given up without a response");
    }
    text
}

/// Returns `true` if a URL leads to a host and port.
fn leads_to(url: &str, host: &str) -> bool {
    let Ok(url) = url.parse::<url::Url>() else {
        return false;
    };
    match (url.host(), url.port_or_known_default()) {
        (Some(name), Some(port)) => format!("{name}:{port}") == host,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::testing::empty;
    use crate::report::{html, markdown, text};

    /// Returns a document of a run against `http://reg.test:5000` with these other keys of its target.
    fn document(target: &serde_json::Value, counts: &[(&str, [u64; 3])]) -> Document {
        let mut document = empty();
        let mut keys = json!({"url": "http://reg.test:5000"});
        for (key, value) in target.as_object().expect("a table") {
            keys[key] = value.clone();
        }
        document.plan.resolved = json!({ "target": keys });
        for (address, [connections, failed, given_up]) in counts {
            document.addresses.push(AddressUse {
                host: "reg.test:5000".to_owned(),
                address: address.parse().expect("an address"),
                connections: *connections,
                failed: *failed,
                given_up: *given_up,
            });
        }
        document
    }

    #[test]
    fn each_address_is_told_with_what_came_of_it() {
        let counts = [
            ("10.0.0.1:5000", [1_200, 0, 0]),
            ("10.0.0.2:5000", [1, 2, 1]),
        ];
        let shown = document(&json!({"dns": "once"}), &counts);
        let wanted = [
            "reg.test:5000 has 2 addresses, looked up once by each worker (dns = \"once\")",
            "1,200 connections",
            "1 connection, 2 attempts failed, 1 attempt given up without a response",
        ];
        let text = text::summary(&shown, Some(120), false, None);
        let markdown = markdown::run(&shown);
        // Quotes are written as HTML wants them.
        let html = html::render(&shown)
            .replace("&quot;", "\"")
            .replace("&#34;", "\"");
        for words in wanted {
            assert!(text.contains(words), "{words}\n{text}");
            assert!(html.contains(words), "{words}");
        }
        assert!(markdown.contains("1,200 connections"), "{markdown}");
        let none = document(&json!({}), &[]);
        assert!(!text::summary(&none, Some(120), false, None).contains("addresses"));
    }

    #[test]
    fn how_they_were_chosen_is_told() {
        let two = [("10.0.0.1:5000", [3, 0, 0]), ("10.0.0.2:5000", [0, 0, 0])];
        let summary = |target| hosts(&document(&target, &two)).remove(0).summary;
        assert!(
            summary(json!({"dns": "once"})).ends_with("; one was chosen: 10.0.0.1:5000"),
            "all connections went to one"
        );
        let each = summary(json!({"dns": "per-connection"}));
        assert!(each.contains("looked up for each connection"), "{each}");
        let detour = json!({"dns": "once", "connect_to": ["10.0.0.1:5000", "10.0.0.2:5000"]});
        assert!(summary(detour).contains("from `connect_to`"));
    }

    #[test]
    fn a_name_with_very_many_addresses_is_cut_short() {
        let addresses: Vec<String> = (0..40).map(|it| format!("10.0.0.{it}:5000")).collect();
        let counts: Vec<_> = addresses
            .iter()
            .map(|it| (it.as_str(), [2, 0, 0]))
            .collect();
        let host = hosts(&document(&json!({}), &counts)).remove(0);
        assert_eq!(host.addresses.len(), MOST + 1);
        let (rest, sum) = &host.addresses[MOST];
        assert_eq!((rest.as_str(), sum.as_str()), ("24 more", "48 connections"));
    }
}
