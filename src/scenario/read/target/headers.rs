//! `headers` of `[target]`.

use http::{HeaderName, HeaderValue};

use crate::keys::codec::Codec;
use crate::keys::form::Form;
use crate::keys::plain::{Fields, Plain, REDACTED};
use crate::keys::problem::Problem;
use crate::keys::table::Sink;
use crate::keys::tree::{Entry, Item, Value};
use crate::keys::value::text;
use crate::units::Secret;

type Headers = Vec<(String, Secret)>;

/// Headers that every request to the target carries. Their values are never shown.
pub(in crate::scenario) fn headers() -> Codec<Headers> {
    let form = Form::Map {
        key: "names of headers",
        of: Box::new(Form::Text("text")),
    };
    Codec::new(form, read, |headers: &Headers| {
        let names = headers.iter();
        let redacted = names.fold(Fields::default(), |fields, (name, _)| {
            fields.put(name, REDACTED)
        });
        Some(Plain::from(redacted))
    })
}

fn read(item: &Item, sink: &Sink) -> Option<Vec<(String, Secret)>> {
    let Value::Table(entries) = &item.value else {
        sink.expected(item, "a table");
        return None;
    };
    let read: Vec<Option<(String, Secret)>> =
        entries.iter().map(|entry| header(entry, sink)).collect();
    let mut headers: Vec<(String, Secret)> = Vec::with_capacity(read.len());
    for (entry, header) in entries.iter().zip(read) {
        let header = header?;
        if headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(&header.0))
        {
            let problem = Problem::new("this header is there already", entry.key_spot.clone());
            sink.report(problem.label("upper and lower case are the same"));
            return None;
        }
        headers.push(header);
    }
    Some(headers)
}

fn header(entry: &Entry, sink: &Sink) -> Option<(String, Secret)> {
    /// What regstorm must say itself for a request to be what the plan says.
    const OURS: [&str; 11] = [
        "accept",
        "authorization",
        "connection",
        "content-length",
        "content-range",
        "content-type",
        "expect",
        "host",
        "range",
        "te",
        "transfer-encoding",
    ];
    let value = text(&entry.item, sink)?.value;
    let Ok(name) = HeaderName::try_from(&entry.key) else {
        let problem = Problem::new("this is not the name of a header", entry.key_spot.clone());
        sink.report(problem.label("letters, digits and `-`"));
        return None;
    };
    if OURS.contains(&name.as_str()) {
        let problem = Problem::new(
            format!("regstorm sets `{name}` itself"),
            entry.key_spot.clone(),
        );
        sink.report(match name.as_str() {
            "authorization" => problem.label("use [target.auth]: username and password"),
            _ => problem.label("remove it"),
        });
        return None;
    }
    if HeaderValue::try_from(&value).is_err() {
        let problem = Problem::new(
            "this cannot be the value of a header",
            entry.item.spot.clone(),
        );
        sink.report(problem.label("no line breaks or other control characters"));
        return None;
    }
    Some((entry.key.clone(), Secret::new(value)))
}
