//! The access log of GitLab's container registry: JSON. Its time is that of the end.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

use super::super::entry::{Entry, Line};
use super::super::moment;
use super::json;

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(deserialize_with = "json::text", borrow, default)]
    msg: Cow<'a, str>,
    #[serde(deserialize_with = "json::text", borrow, default)]
    time: Cow<'a, str>,
    #[serde(deserialize_with = "json::text", borrow, default)]
    method: Cow<'a, str>,
    #[serde(deserialize_with = "json::text", borrow, default)]
    uri: Cow<'a, str>,
    #[serde(deserialize_with = "json::text", borrow, default)]
    remote_ip: Cow<'a, str>,
    #[serde(deserialize_with = "json::text", borrow, default)]
    remote_addr: Cow<'a, str>,
    #[serde(deserialize_with = "json::text", borrow, default)]
    user_agent: Cow<'a, str>,
    #[serde(deserialize_with = "json::status", default)]
    status: Option<u16>,
    #[serde(deserialize_with = "json::bytes", default)]
    written_bytes: Option<u64>,
    #[serde(deserialize_with = "json::number", default)]
    duration_ms: Option<f64>,
}

pub(super) fn read(line: &str) -> Line<'_> {
    let Ok(fields) = serde_json::from_str::<Fields<'_>>(line) else {
        return Line::Unreadable("no JSON, or not its fields");
    };
    if fields.msg != "access" {
        return Line::Other;
    }
    if fields.method.is_empty() {
        return Line::Unreadable("no method");
    }
    let time = moment::of_json(&fields.time);
    let address = if fields.remote_ip.is_empty() {
        fields.remote_addr
    } else {
        fields.remote_ip
    };
    let seconds = fields.duration_ms.map(|it| it / 1e3);
    Line::Request(Entry {
        time,
        is_end: true,
        address,
        user: Cow::Borrowed(""),
        agent: fields.user_agent,
        method: fields.method,
        uri: fields.uri,
        status: fields.status,
        sent: None,
        received: fields.written_bytes,
        duration: seconds.and_then(|it| Duration::try_from_secs_f64(it).ok()),
        ..Entry::default()
    })
}
