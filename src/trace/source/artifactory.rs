//! The request log of Artifactory, `artifactory-request.log`: fields between bars. Its time is that of the end.

use std::borrow::Cow;
use std::time::Duration;

use super::super::entry::{Entry, Line, size, status};
use super::super::moment;

/// time | trace id | address | user | method | path | status | request length | response length | milliseconds | agent
const FIELDS: usize = 10;

pub(super) fn read(line: &str) -> Line<'_> {
    let mut fields = [""; FIELDS + 1];
    let mut count = 0;
    for (place, field) in fields.iter_mut().zip(line.splitn(FIELDS + 1, '|')) {
        *place = field;
        count += 1;
    }
    if count < FIELDS {
        return Line::Unreadable("too few fields");
    }
    let [
        time,
        _,
        address,
        user,
        method,
        uri,
        code,
        sent,
        received,
        took,
        agent,
    ] = fields;
    let time = moment::rfc3339(time);
    let is_method = !method.is_empty() && method.bytes().all(|it| it.is_ascii_uppercase());
    if time.is_none() || !is_method {
        return Line::Unreadable("no time or no method");
    }
    Line::Request(Entry {
        time,
        is_end: true,
        address: Cow::Borrowed(address),
        user: Cow::Borrowed(user),
        agent: Cow::Borrowed(agent),
        method: Cow::Borrowed(method),
        uri: Cow::Borrowed(uri),
        status: status(code),
        sent: size(sent),
        received: size(received),
        duration: size(took).map(Duration::from_millis),
        ..Entry::default()
    })
}
