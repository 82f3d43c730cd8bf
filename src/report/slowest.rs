//! The slowest exchanges in words.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::time::Duration;

use crate::oci::Operation;
use crate::result::{Document, SlowExchangeEntry};
use crate::units;

use super::logged;
use super::words::clock;

/// Returns each operation with its slowest exchange, the slowest first.
pub(super) fn worst(document: &Document) -> Vec<(Operation, &SlowExchangeEntry)> {
    let operations = document.operations.iter();
    let worst = operations.filter_map(|it| Some((it.name, it.slowest.first()?)));
    let mut worst: Vec<_> = worst.collect();
    worst.sort_by_key(|(_, it)| Reverse(it.total_us));
    worst
}

/// `blob-get 1.21 s (first-byte 1.20 s), status 200, at 0:47.310 in pull`
pub(super) fn words(operation: Operation, exchange: &SlowExchangeEntry) -> String {
    let time = |micros| units::duration(Duration::from_micros(micros));
    let mut text = format!("{operation} {}", time(exchange.total_us));
    let longest = exchange.phases_us.iter().max_by_key(|(_, it)| **it);
    // Writing to a string does not fail.
    if let Some((phase, micros)) = longest {
        let _ = write!(text, " ({} {})", phase.name(), time(*micros));
    }
    if let Some(status) = exchange.status {
        let _ = write!(text, ", status {status}");
    }
    let at = clock(exchange.at_us);
    let _ = write!(text, ", at {at} in {}", exchange.journey);
    text
}

/// Returns where it is found in the log of the peer.
pub(super) fn place(exchange: &SlowExchangeEntry) -> String {
    logged::place(
        &exchange.time,
        (Some(&exchange.host), Some(&exchange.path)),
        (exchange.request_id.as_deref(), exchange.trace_id.as_deref()),
    )
}
