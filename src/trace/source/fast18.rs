//! The published traces of IBM's registry ("Improving Docker Registry Design Based on Production Workload Analysis",
//! FAST'18): arrays of JSON. The time is that of the arrival.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

use super::super::entry::{Entry, Line};
use super::super::moment;
use super::json;

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(deserialize_with = "json::text", borrow)]
    timestamp: Cow<'a, str>,
    #[serde(
        rename = "http.request.method",
        deserialize_with = "json::text",
        borrow
    )]
    method: Cow<'a, str>,
    #[serde(rename = "http.request.uri", deserialize_with = "json::text", borrow)]
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
        rename = "http.response.status",
        deserialize_with = "json::status",
        default
    )]
    status: Option<u16>,
    #[serde(
        rename = "http.response.written",
        deserialize_with = "json::number",
        default
    )]
    written: Option<f64>,
    /// In seconds.
    #[serde(
        rename = "http.request.duration",
        deserialize_with = "json::number",
        default
    )]
    duration: Option<f64>,
}

pub(super) fn read(record: &str) -> Line<'_> {
    let Ok(fields) = serde_json::from_str::<Fields<'_>>(record) else {
        return Line::Unreadable("no JSON, or not its fields");
    };
    let time = moment::rfc3339(&fields.timestamp);
    if time.is_none() {
        return Line::Unreadable("no time");
    }
    // The body of the response, or of the request where that is what was moved: the trace does not tell which.
    let moved = fields.written.and_then(whole);
    let sends = matches!(&*fields.method, "PUT" | "PATCH");
    Line::Request(Entry {
        time,
        is_end: false,
        address: fields.address,
        user: Cow::Borrowed(""),
        agent: fields.agent,
        uri: fields.uri,
        status: fields.status,
        sent: moved.filter(|it| sends && *it > 0),
        received: moved.filter(|_| !sends),
        duration: fields
            .duration
            .and_then(|it| Duration::try_from_secs_f64(it).ok()),
        method: fields.method,
        ..Entry::default()
    })
}

/// A number of bytes; what is negative or no number is unknown.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be a whole number that fits"
)]
fn whole(number: f64) -> Option<u64> {
    let fits = (0.0..9e15).contains(&number) && number.fract() == 0.0;
    fits.then_some(number as u64)
}
