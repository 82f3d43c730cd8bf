//! Records of JSON within records: what shippers and stores of logs make of a line that they have read as JSON themselves.

use serde_json::{Map, Value};

use super::moment;
use super::time::Timestamp;

/// What a record is in of Fluent Bit, Elasticsearch, Google Cloud, Filebeat and others.
const AROUND: [&str; 10] = [
    "log",
    "message",
    "_source",
    "jsonPayload",
    "json",
    "log_processed",
    "parsed",
    "data",
    "event",
    "line",
];
/// The first parts of Distribution's names that some take apart at their points: `http.request.method`.
const APART: [&str; 2] = ["http", "auth"];

/// Returns the record within, as the registry has written it, and the time that is told around it. `None` if nothing is around
/// it and no name is taken apart.
pub(super) fn open(line: &str) -> Option<(String, Option<Timestamp>)> {
    if !line.starts_with('{') {
        return None;
    }
    let mut record: Map<String, Value> = serde_json::from_str(line).ok()?;
    let mut time = time_of(&record);
    let mut is_other = false;
    // Each step goes one deeper, and the reader of JSON ends at 128.
    while let Some(inner) = within(&mut record) {
        time = time_of(&inner).or(time);
        record = inner;
        is_other = true;
    }
    for name in APART {
        if let Some(Value::Object(parts)) = record.remove(name) {
            join(name, parts, &mut record);
            is_other = true;
        }
    }
    if !is_other {
        return None;
    }
    Some((Value::Object(record).to_string(), time))
}

fn within(record: &mut Map<String, Value>) -> Option<Map<String, Value>> {
    let names = AROUND.iter();
    let name = { names }.find(|name| record.get(**name).is_some_and(Value::is_object))?;
    match record.remove(*name) {
        Some(Value::Object(inner)) => Some(inner),
        _ => None,
    }
}

fn time_of(record: &Map<String, Value>) -> Option<Timestamp> {
    ["time", "timestamp", "@timestamp"]
        .iter()
        .find_map(|name| match record.get(*name)? {
            Value::String(text) => moment::of_json(text),
            Value::Number(number) => moment::of_json(&number.to_string()),
            _ => None,
        })
}

/// Puts parts of a name together again.
fn join(front: &str, parts: Map<String, Value>, record: &mut Map<String, Value>) {
    for (name, value) in parts {
        let name = format!("{front}.{name}");
        match value {
            Value::Object(parts) => join(&name, parts, record),
            value => drop(record.insert(name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_taken_out_of_what_is_around_it() {
        let at = moment::rfc3339("2026-11-30T19:25:41Z");
        for (line, wanted, time) in [
            (
                r#"{"stream":"stderr","log":{"msg":"a"}}"#,
                r#"{"msg":"a"}"#,
                None,
            ),
            (
                r#"{"timestamp":"2026-11-30T19:25:41Z","jsonPayload":{"msg":"a"}}"#,
                r#"{"msg":"a"}"#,
                at,
            ),
            (
                r#"{"_source":{"@timestamp":1796066741000,"http":{"request":{"id":1,"method":"GET"},"response":{"status":200}}}}"#,
                r#"{"@timestamp":1796066741000,"http.request.id":1,"http.request.method":"GET","http.response.status":200}"#,
                at,
            ),
            (
                r#"{"log":"{}","log_processed":{"msg":"a"},"time":"2026-11-30T19:25:41Z"}"#,
                r#"{"msg":"a"}"#,
                at,
            ),
        ] {
            assert_eq!(open(line), Some((wanted.to_owned(), time)), "{line}");
        }
        for line in [
            "",
            "{",
            "[]",
            r#"{"msg":"a"}"#,
            r#"{"log":"a"}"#,
            r#"{"http":1}"#,
        ] {
            assert_eq!(open(line), None, "{line}");
        }
    }
}
