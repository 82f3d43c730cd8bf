//! The application log of Distribution, `log.formatter: text`: pairs of a key and a value. Its time is that of the end.

use std::borrow::Cow;

use memchr::memchr;

use super::super::entry::{Entry, Line, size, status};
use super::super::moment;
use super::distribution::{ENDED, FAILED, REFUSED, beside, may_end};
use super::template;

pub(super) fn read(line: &str) -> Line<'_> {
    if !line.starts_with("time=") {
        return beside(line);
    }
    if !may_end(line) {
        return Line::Other;
    }
    let mut entry = Entry {
        is_end: true,
        ..Entry::default()
    };
    let (mut rest, mut has_failed) = (line, false);
    while let Some((key, value, behind)) = pair(rest) {
        rest = behind;
        match key {
            "msg" if value.starts_with(REFUSED) => entry.status = Some(401),
            "msg" if !value.starts_with(ENDED) => return Line::Other,
            "msg" => has_failed = value.starts_with(FAILED),
            "time" => entry.time = moment::rfc3339(&value),
            "http.request.method" => entry.method = value,
            "http.request.id" => entry.id = value,
            "http.request.uri" => entry.uri = value,
            "http.request.remoteaddr" => entry.address = value,
            "http.request.useragent" => entry.agent = value,
            "auth.user.name" => entry.user = value,
            "http.response.status" => entry.status = status(&value),
            "http.response.written" => entry.received = size(&value),
            "http.response.duration" => entry.duration = moment::go_duration(&value),
            _ => {}
        }
    }
    if !rest.trim().is_empty() {
        return Line::Unreadable("a pair without a value");
    }
    if !has_failed {
        entry.id = Cow::Borrowed("");
    }
    if entry.method.is_empty() || entry.uri.is_empty() {
        return Line::Unreadable("no method or no URI");
    }
    if entry.time.is_none() {
        return Line::Unreadable("no time");
    }
    Line::Request(entry)
}

/// The next pair, and what follows. A value with spaces is quoted as Go quotes it.
fn pair(text: &str) -> Option<(&str, Cow<'_, str>, &str)> {
    let text = text.trim_ascii_start();
    let equals = memchr(b'=', text.as_bytes())?;
    let (key, rest) = (&text[..equals], &text[equals + 1..]);
    if !rest.starts_with('"') {
        let end = memchr(b' ', rest.as_bytes()).unwrap_or(rest.len());
        let (value, rest) = rest.split_at(end);
        return Some((key, Cow::Borrowed(value), rest));
    }
    let end = template::end_of_quoted(&rest[1..])? + 1;
    let quoted = &rest[..=end];
    let value = if quoted.contains('\\') {
        // Go's quoting is that of JSON but for bytes (`\x00`), which stay as they are.
        let read = serde_json::from_str::<String>(quoted);
        Cow::Owned(read.unwrap_or_else(|_| quoted[1..end].to_owned()))
    } else {
        Cow::Borrowed(&quoted[1..end])
    };
    Some((key, value, &rest[end + 1..]))
}
