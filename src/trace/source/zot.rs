//! The log of zot: JSON. Its time is that of the end. Since 1.4.3 the latency is cut to whole seconds, and before that what
//! is longer than a minute: such a one is not read.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::entry::{Entry, Line};
use super::super::moment;
use super::json;

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(deserialize_with = "json::text", borrow, default)]
    message: Cow<'a, str>,
    #[serde(deserialize_with = "json::text", borrow, default)]
    time: Cow<'a, str>,
    #[serde(deserialize_with = "json::text", borrow, default)]
    method: Cow<'a, str>,
    #[serde(deserialize_with = "json::text", borrow, default)]
    path: Cow<'a, str>,
    #[serde(rename = "clientIP", deserialize_with = "json::text", borrow, default)]
    address: Cow<'a, str>,
    #[serde(deserialize_with = "json::text", borrow, default)]
    username: Cow<'a, str>,
    #[serde(rename = "statusCode", deserialize_with = "json::status", default)]
    status: Option<u16>,
    #[serde(rename = "bodySize", deserialize_with = "json::bytes", default)]
    size: Option<u64>,
    #[serde(deserialize_with = "json::text", borrow, default)]
    latency: Cow<'a, str>,
    #[serde(borrow, default)]
    headers: Headers<'a>,
}

#[derive(Default, Deserialize)]
struct Headers<'a> {
    #[serde(rename = "User-Agent", borrow, default)]
    agent: Vec<Cow<'a, str>>,
    #[serde(rename = "Content-Length", borrow, default)]
    length: Vec<Cow<'a, str>>,
}

pub(super) fn read(line: &str) -> Line<'_> {
    let Ok(mut fields) = serde_json::from_str::<Fields<'_>>(line) else {
        return Line::Unreadable("no JSON, or not its fields");
    };
    if fields.message != "HTTP API" {
        return Line::Other;
    }
    if fields.method.is_empty() {
        return Line::Unreadable("no method");
    }
    let time = moment::of_json(&fields.time);
    let took = moment::go_duration(&fields.latency);
    let length = fields.headers.length.first();
    Line::Request(Entry {
        time,
        is_end: true,
        address: fields.address,
        user: fields.username,
        sent: length.and_then(|it| it.parse().ok()),
        agent: fields.headers.agent.pop().unwrap_or_default(),
        method: fields.method,
        uri: fields.path,
        status: fields.status,
        received: fields.size,
        duration: took.filter(|it| it.subsec_nanos() > 0),
        ..Entry::default()
    })
}
