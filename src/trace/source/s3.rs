//! The server access log of S3: what clients fetched from the storage that a registry redirected them to. The time is that
//! of the arrival.

use std::borrow::Cow;
use std::time::Duration;

use super::super::entry::{Entry, Line, size, status};
use super::super::moment;
use super::template::words;

/// The fields up to the program of the client.
const FIELDS: usize = 17;

pub(super) fn read(line: &str) -> Line<'_> {
    let mut fields = [""; FIELDS];
    let mut count = 0;
    for (place, word) in fields.iter_mut().zip(words(line)) {
        *place = word;
        count += 1;
    }
    if count < FIELDS {
        return Line::Unreadable("too few fields");
    }
    let [_, _, time, address, requester, _, _, key, request] = std::array::from_fn(|at| fields[at]);
    let [code, _, received, _, took, _, _, agent] = std::array::from_fn(|at| fields[9 + at]);
    let time = moment::common(time);
    if time.is_none() {
        return Line::Unreadable("no time");
    }
    let mut entry = Entry {
        time,
        is_end: false,
        address: Cow::Borrowed(address),
        user: Cow::Borrowed(requester),
        agent: Cow::Borrowed(agent),
        status: status(code),
        received: Some(size(received).unwrap_or(0)), // `-` is none
        duration: size(took).map(Duration::from_millis),
        ..Entry::default()
    };
    if !entry.set_request(request) {
        return Line::Outside;
    }
    // The key is without the query, in which a presigned request has its signature.
    entry.uri = Cow::Owned(format!("/{key}"));
    Line::Request(entry)
}
