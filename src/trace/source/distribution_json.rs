//! The application log of Distribution, `log.formatter: json` or `logstash`. Its time is that of the end.
//!
//! A request that is refused for its credentials has no line of its end, but one that says so.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::entry::{Entry, Line};
use super::super::moment;
use super::distribution::{ENDED, FAILED, REFUSED, beside, may_end};
use super::json;

/// The fields of a line that are read. Others are skipped.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(deserialize_with = "json::text", borrow, default)]
    msg: Cow<'a, str>,
    #[serde(deserialize_with = "json::text", borrow, default)]
    message: Cow<'a, str>,
    #[serde(deserialize_with = "json::text", borrow, default)]
    time: Cow<'a, str>,
    /// Of logstash; a shipper adds it beside the other one, too.
    #[serde(
        rename = "@timestamp",
        deserialize_with = "json::text",
        borrow,
        default
    )]
    timestamp: Cow<'a, str>,
    #[serde(
        rename = "http.request.id",
        deserialize_with = "json::text",
        borrow,
        default
    )]
    id: Cow<'a, str>,
    #[serde(
        rename = "http.request.method",
        deserialize_with = "json::text",
        borrow,
        default
    )]
    method: Cow<'a, str>,
    #[serde(
        rename = "http.request.uri",
        deserialize_with = "json::text",
        borrow,
        default
    )]
    uri: Cow<'a, str>,
    #[serde(
        rename = "http.request.remoteaddr",
        deserialize_with = "json::text",
        borrow,
        default
    )]
    address: Cow<'a, str>,
    #[serde(
        rename = "http.request.useragent",
        deserialize_with = "json::text",
        borrow,
        default
    )]
    agent: Cow<'a, str>,
    #[serde(
        rename = "auth.user.name",
        deserialize_with = "json::text",
        borrow,
        default
    )]
    user: Cow<'a, str>,
    #[serde(
        rename = "http.response.status",
        deserialize_with = "json::status",
        default
    )]
    status: Option<u16>,
    #[serde(
        rename = "http.response.written",
        deserialize_with = "json::bytes",
        default
    )]
    written: Option<u64>,
    #[serde(
        rename = "http.response.duration",
        deserialize_with = "json::text",
        borrow,
        default
    )]
    duration: Cow<'a, str>,
}

pub(super) fn read(line: &str) -> Line<'_> {
    if !line.starts_with('{') {
        return beside(line);
    }
    if !may_end(line) {
        return match serde_json::from_str::<serde::de::IgnoredAny>(line) {
            Ok(_) => Line::Other,
            Err(_) => Line::Unreadable("no JSON"),
        };
    }
    let Ok(fields) = serde_json::from_str::<Fields<'_>>(line) else {
        return Line::Unreadable("no JSON, or not its fields");
    };
    let says = |text: &str| fields.msg.starts_with(text) || fields.message.starts_with(text);
    let is_refused = says(REFUSED);
    if !says(ENDED) && !is_refused {
        return Line::Other;
    }
    if fields.method.is_empty() || fields.uri.is_empty() {
        return Line::Unreadable("no method or no URI");
    }
    let has_failed = says(FAILED);
    Line::Request(Entry {
        // If there is none, it may be told around the line.
        time: moment::of_json(&fields.time).or_else(|| moment::of_json(&fields.timestamp)),
        is_end: true,
        address: fields.address,
        user: fields.user,
        agent: fields.agent,
        method: fields.method,
        uri: fields.uri,
        status: if is_refused { Some(401) } else { fields.status },
        sent: None,
        received: fields.written,
        duration: moment::go_duration(&fields.duration),
        id: if has_failed {
            fields.id
        } else {
            Cow::Borrowed("")
        },
    })
}
