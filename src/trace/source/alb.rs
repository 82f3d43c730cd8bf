//! The access log of an AWS Application Load Balancer. The time is that of the end, and the bytes of a request are those
//! with its head.

use std::borrow::Cow;
use std::time::Duration;

use super::super::entry::{Entry, Line, size, status};
use super::super::moment;
use super::template::words;

/// The fields up to the program of the client.
const FIELDS: usize = 14;
/// Where the moment is at which the request was received, in fields.
const RECEIVED_AT: usize = 21;

pub(super) fn read(line: &str) -> Line<'_> {
    let mut fields = [""; RECEIVED_AT + 1];
    let mut count = 0;
    for (place, word) in fields.iter_mut().zip(words(line)) {
        *place = word;
        count += 1;
    }
    if count < FIELDS {
        return Line::Unreadable("too few fields");
    }
    if !matches!(fields[0], "http" | "https" | "h2" | "ws" | "wss" | "grpcs") {
        return Line::Unreadable("no kind of connection that a load balancer has");
    }
    let [end, address, code] = [fields[1], fields[3], fields[8]];
    let [sent, received, request, agent] = [fields[10], fields[11], fields[12], fields[13]];
    let arrived = moment::rfc3339(fields[RECEIVED_AT]);
    let time = arrived.or_else(|| moment::rfc3339(end));
    if time.is_none() {
        return Line::Unreadable("no time");
    }
    let mut entry = Entry {
        time,
        is_end: arrived.is_none(),
        address: Cow::Borrowed(address),
        agent: Cow::Borrowed(agent),
        status: status(code),
        sent: size(sent),
        received: size(received),
        duration: took([fields[5], fields[6], fields[7]]),
        ..Entry::default()
    };
    if entry.set_request(request) {
        Line::Request(entry)
    } else {
        Line::Outside
    }
}

/// The sum of the three times of a request; unknown if one of them is, which is -1.
fn took(times: [&str; 3]) -> Option<Duration> {
    let mut all = Duration::ZERO;
    for time in times {
        all += moment::seconds(time)?;
    }
    Some(all)
}
