//! What `regstorm record` says at its end.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use regstorm::recorder::Tally;
use regstorm::trace::Summary;
use regstorm::units::{bytes, count};

/// Says that there is no trace, and why.
pub(crate) fn nothing(tally: &Tally, url: &str) -> String {
    let why = match (tally.connections, tally.outside, tally.failed_handshakes) {
        (0, ..) => "no client connected".to_owned(),
        (_, 0, 0) => "no client sent a request".to_owned(),
        (_, 0, failed) => format!(
            "{}, such as for a CA that clients do not trust",
            handshakes(failed)
        ),
        (_, outside, _) => format!("{} to paths outside the registry's API", requests(outside)),
    };
    format!(
        "no request to the registry was recorded, and no trace written ({why}): point a client at {url}"
    )
}

/// Says that a recording has ended by itself.
pub(crate) fn full(error: &io::Error, out: &Path) -> String {
    let name = out.display();
    format!(
        "{name}: the recording ended, since there is no room for more requests ({error}); those before are in it: make room, or \
         name a file on another disk with --out"
    )
}

/// The sums of a recording.
pub(crate) fn summary(tally: &Tally, made: &Summary, out: &Path) -> String {
    let mut text = format!(
        "{}: {}, {} {} · {} sent, {} received\n",
        out.display(),
        requests(tally.requests),
        count(made.sessions),
        if made.sessions == 1 {
            "session"
        } else {
            "sessions"
        },
        bytes(tally.sent),
        bytes(tally.received),
    );
    let mut statuses: Vec<String> = tally
        .statuses
        .iter()
        .map(|(status, number)| format!("{} {status}", count(*number)))
        .collect();
    let responded: u64 = tally.statuses.values().sum();
    if responded < tally.requests {
        statuses.push(format!(
            "{} without a response",
            count(tally.requests - responded)
        ));
    }
    let _ = writeln!(text, "  statuses   {}", statuses.join(" · "));
    let ends = [
        (tally.whole, "whole"),
        (tally.left, "cut by clients"),
        (tally.broken, "broken off by the registry"),
        (
            tally.unreached,
            "without a connection to the registry (502)",
        ),
        (tally.cut, "cut at the end of the recording"),
    ];
    let ends = ends.into_iter().filter(|(number, _)| *number > 0);
    let ends: Vec<String> = ends
        .map(|(number, what)| format!("{} {what}", count(number)))
        .collect();
    let _ = writeln!(text, "  ended      {}", ends.join(" · "));
    if tally.full > 0 {
        let times = count(tally.full);
        let _ = writeln!(
            text,
            "  full       {times} times all connections were open, and clients may have waited"
        );
    }
    if let Some(problem) = &tally.problem {
        let _ = writeln!(text, "  first 502  {problem}");
    }
    let mut besides = Vec::new();
    if tally.outside > 0 {
        besides.push(format!(
            "{} outside the registry's API",
            requests(tally.outside)
        ));
    }
    if tally.failed_handshakes > 0 {
        besides.push(handshakes(tally.failed_handshakes));
    }
    if !besides.is_empty() {
        let _ = writeln!(text, "  left out   {}", besides.join(" · "));
    }
    for (host, number) in &tally.elsewhere {
        let _ = writeln!(
            text,
            "  elsewhere  {} led to {host}, whose requests are not recorded",
            responses(*number)
        );
    }
    text
}

fn requests(number: u64) -> String {
    format!(
        "{} {}",
        count(number),
        if number == 1 { "request" } else { "requests" }
    )
}

fn responses(number: u64) -> String {
    format!(
        "{} {}",
        count(number),
        if number == 1 { "response" } else { "responses" }
    )
}

fn handshakes(number: u64) -> String {
    let noun = if number == 1 {
        "handshake"
    } else {
        "handshakes"
    };
    format!("{} failed TLS {noun}", count(number))
}
