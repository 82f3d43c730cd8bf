//! Format strings of nginx: `$remote_addr - $remote_user [$time_local] "$request" $status ...`.

use std::borrow::Cow;
use std::time::Duration;

use memchr::{memchr, memchr2, memmem};

use super::super::entry::{Entry, Line, size, status};
use super::super::moment;

/// What nginx writes without a format of its own, and the access log of Distribution.
pub(super) const COMBINED: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\"";
/// The same with the client behind a load balancer, as packages of nginx write it.
pub(super) const FORWARDED: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\" \"$http_x_forwarded_for\"";
/// The same of Apache with several hosts, whose name is in front.
pub(super) const OF_HOST: &str = "$host $remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\"";
/// The same without its last two fields.
pub(super) const COMMON: &str =
    "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent";
/// Harbor's proxy. It has no time: that is in front of it.
pub(super) const HARBOR: &str = "$remote_addr - \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\" $request_time $upstream_response_time $pipe";
/// Quay's proxy.
pub(super) const QUAY: &str = "$remote_addr ($proxy_protocol_addr) - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\" ($request_time $request_length $upstream_response_time)";
/// The ingress controller of Kubernetes.
pub(super) const INGRESS: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\" $request_length $request_time [$proxy_upstream_name]";

/// Why a format string cannot be read by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It lacks what a request needs.
    #[error(
        "the format string has no {0}: a request needs `$request` (or `$request_method` and `$request_uri`), and `$status`"
    )]
    Missing(&'static str),
    /// Two variables touch.
    #[error(
        "the format string has nothing between `${0}` and `${1}`: where one ends cannot be told"
    )]
    Touching(String, String),
}

/// A variable that is read. Others are skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Address,
    Forwarded,
    User,
    TimeLocal,
    TimeIso,
    Epoch,
    Request,
    Method,
    Uri,
    Path,
    Query,
    Status,
    Received,
    Sent,
    /// The bytes of the request with its head.
    SentWithHead,
    Seconds,
    Millis,
    Agent,
    Skipped,
}

impl Field {
    fn of(name: &str) -> Self {
        match name {
            "remote_addr" | "realip_remote_addr" => Self::Address,
            "http_x_forwarded_for" | "http_x_real_ip" | "proxy_add_x_forwarded_for" => {
                Self::Forwarded
            }
            "remote_user" => Self::User,
            "time_local" => Self::TimeLocal,
            "time_iso8601" => Self::TimeIso,
            "msec" => Self::Epoch,
            "request" => Self::Request,
            "request_method" => Self::Method,
            "request_uri" => Self::Uri,
            "uri" | "document_uri" => Self::Path,
            "args" | "query_string" => Self::Query,
            "status" => Self::Status,
            "body_bytes_sent" => Self::Received,
            "content_length" | "http_content_length" => Self::Sent,
            "request_length" => Self::SentWithHead,
            "request_time" => Self::Seconds,
            "elapsed_ms" => Self::Millis,
            "http_user_agent" => Self::Agent,
            _ => Self::Skipped,
        }
    }
}

impl Field {
    const fn is_number(self) -> bool {
        matches!(
            self,
            Self::Epoch
                | Self::Status
                | Self::Received
                | Self::Sent
                | Self::SentWithHead
                | Self::Seconds
                | Self::Millis
        )
    }
}

/// A number, or the sign that there is none; with `escape=json` that is nothing at all.
fn is_number(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    text.bytes().all(is_part)
}

/// The status of a request that has had no response.
fn is_no_status(text: &str) -> bool {
    matches!(text, "-" | "0" | "000")
}

/// A format string, ready to read by.
#[derive(Debug, Clone)]
pub(super) struct Template {
    /// What stands before the first variable.
    start: Box<str>,
    /// Each variable, with what stands behind it.
    steps: Vec<(Field, memmem::Finder<'static>)>,
}

impl Template {
    pub(super) fn new(text: &str) -> Result<Self, TemplateError> {
        let mut parts = text.split('$');
        let start = parts.next().unwrap_or_default().into();
        let mut steps: Vec<(Field, memmem::Finder<'static>)> = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        for part in parts {
            // `${name}` as well.
            let (name, behind) = part
                .strip_prefix('{')
                .and_then(|it| it.split_once('}'))
                .unwrap_or_else(|| {
                    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
                    part.split_at(part.find(|c| !is_word(c)).unwrap_or(part.len()))
                });
            if let (Some((_, between)), Some(last)) = (steps.last(), names.last())
                && between.needle().is_empty()
            {
                return Err(TemplateError::Touching((*last).into(), name.into()));
            }
            steps.push((Field::of(name), memmem::Finder::new(behind).into_owned()));
            names.push(name);
        }
        let has = |field| steps.iter().any(|(it, _)| *it == field);
        let has_uri = has(Field::Uri) || has(Field::Path);
        let has_parts = has(Field::Method) && has_uri;
        if !has(Field::Request) && !has_parts {
            return Err(TemplateError::Missing("request"));
        }
        if !has(Field::Status) {
            return Err(TemplateError::Missing("`$status`"));
        }
        Ok(Self { start, steps })
    }

    /// Reads a line. What follows the last variable is ignored.
    pub(super) fn read<'a>(&self, line: &'a str) -> Line<'a> {
        const UNLIKE: Line<'_> = Line::Unreadable("not as the format says");
        let Some(mut rest) = line.strip_prefix(&*self.start) else {
            return UNLIKE;
        };
        let mut entry = Entry {
            is_end: true,
            ..Entry::default()
        };
        let (mut is_http, mut has_time, mut query) = (true, true, "");
        for (index, (field, behind)) in self.steps.iter().enumerate() {
            let is_last = index + 1 == self.steps.len();
            let Some(end) = end_of(rest, behind, is_last) else {
                return UNLIKE;
            };
            let value = &rest[..end];
            rest = rest.get(end + behind.needle().len()..).unwrap_or_default();
            // What docker or syslog writes in front of a line is no address.
            let is_unlike = match field {
                Field::Address => value.contains([' ', '|']),
                _ => field.is_number() && !is_number(value),
            };
            if is_unlike {
                return UNLIKE;
            }
            match field {
                Field::TimeLocal => entry.time = moment::common(value),
                Field::TimeIso => entry.time = moment::rfc3339(value),
                Field::Epoch => entry.time = moment::epoch(value),
                Field::Request => is_http = entry.set_request(value),
                Field::Query => query = value,
                Field::Status if status(value).is_none() && !is_no_status(value) => {
                    return Line::Unreadable("no status");
                }
                other => set(&mut entry, *other, value),
            }
            let is_time = matches!(field, Field::TimeLocal | Field::TimeIso | Field::Epoch);
            has_time &= !is_time || entry.time.is_some();
        }
        if !has_time {
            return Line::Unreadable("no time");
        }
        if !is_http {
            return Line::Outside;
        }
        if !matches!(query, "" | "-") && !entry.uri.contains('?') {
            entry.uri = Cow::Owned(format!("{}?{query}", entry.uri));
        }
        Line::Request(entry)
    }
}

/// Sets a field that cannot be wrong.
fn set<'a>(entry: &mut Entry<'a>, field: Field, value: &'a str) {
    let known = Cow::Borrowed(if value == "-" { "" } else { value });
    match field {
        Field::Address if entry.address.is_empty() => entry.address = known,
        Field::Forwarded if !known.is_empty() => {
            let first = value.split(',').next().unwrap_or_default();
            entry.address = Cow::Borrowed(first.trim());
        }
        Field::User => entry.user = known,
        Field::Method => entry.method = known,
        Field::Uri | Field::Path => entry.uri = known,
        Field::Status => entry.status = status(value),
        // Apache writes so that there were none.
        Field::Received if value == "-" => entry.received = Some(0),
        Field::Received => entry.received = size(value),
        Field::Sent => entry.sent = size(value).or(entry.sent),
        Field::SentWithHead => entry.sent = entry.sent.or_else(|| size(value)),
        Field::Seconds => entry.duration = moment::seconds(value),
        Field::Millis => entry.duration = size(value).map(Duration::from_millis),
        Field::Agent => entry.agent = known,
        _ => {}
    }
}

/// Where a value ends that stands before `behind`. The last one ends at a space, where nothing has to stand behind it.
fn end_of(rest: &str, behind: &memmem::Finder<'_>, is_last: bool) -> Option<usize> {
    let bytes = rest.as_bytes();
    let text = behind.needle();
    if text.first() == Some(&b'"') {
        let end = end_of_quoted(rest)?;
        return bytes[end..].starts_with(text).then_some(end);
    }
    if text.is_empty() && is_last {
        return Some(memchr(b' ', bytes).unwrap_or(bytes.len()));
    }
    let found = match text {
        [one] => memchr(*one, bytes),
        _ => behind.find(bytes),
    };
    // A space at the end of a format string is often not in the log.
    found.or_else(|| (is_last && text.trim_ascii().is_empty()).then_some(bytes.len()))
}

/// Where the quotation mark is that ends a text.
pub(super) fn end_of_quoted(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        let found = at + memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[found] == b'"' {
            return Some(found);
        }
        at = found + 2;
    }
}

/// The words of a line, which are quoted, in brackets or separated by spaces.
pub(super) fn words(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(' ');
        let (word, behind) = if let Some(quoted) = rest.strip_prefix('"') {
            let end = end_of_quoted(quoted)?;
            (&quoted[..end], &quoted[end + 1..])
        } else if let Some(inner) = rest.strip_prefix('[') {
            inner.split_once(']')?
        } else {
            let end = rest.find(' ').unwrap_or(rest.len());
            rest.split_at(end)
        };
        rest = behind;
        let is_end = word.is_empty() && behind.is_empty();
        (!is_end).then_some(word)
    })
}
