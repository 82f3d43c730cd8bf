//! The log of docker-registry in JSON: who asked for what, and when that arrived, to the nanosecond.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::access_log::{AccessLine, PROBE};

/// One request that the registry answered.
#[derive(Debug, Clone)]
pub(crate) struct LoggedRequest {
    pub(crate) agent: String,
    pub(crate) line: AccessLine,
    /// When its handler began, and later by no more than the registry took from the end of the request to its line.
    pub(crate) arrived: SystemTime,
}

/// The requests of a log, in the order in which they ended; those of the tests' own probes are left out.
pub(crate) fn read(log: &str) -> Vec<LoggedRequest> {
    let lines = log.lines().filter(|it| it.starts_with('{'));
    let lines = lines.filter_map(|it| serde_json::from_str(it).ok());
    let requests = lines.filter_map(|line: Value| parse(&line));
    requests.filter(|it| it.agent != PROBE).collect()
}

fn parse(line: &Value) -> Option<LoggedRequest> {
    let text = |key: &str| line[key].as_str();
    // Of one that failed there are lines in between, which have no duration.
    let took = duration(text("http.response.duration")?)?;
    let ended = humantime::parse_rfc3339(text("time")?).ok()?;
    let status = line["http.response.status"].as_u64()?;
    Some(LoggedRequest {
        agent: text("http.request.useragent")?.to_owned(),
        line: AccessLine {
            method: text("http.request.method")?.to_owned(),
            path: text("http.request.uri")?.to_owned(),
            status: u16::try_from(status).ok()?,
            bytes: line["http.response.written"].as_u64()?,
        },
        arrived: ended.checked_sub(took)?,
    })
}

/// A duration as Go prints one that is shorter than a minute: `2.066113ms`.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|it: char| !it.is_ascii_digit() && it != '.')?;
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "ns" => 1e-9,
        "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

#[test]
fn a_line_says_who_asked_and_when() {
    let log = "not JSON\n\
        {\"level\":\"info\",\"msg\":\"listening\",\"time\":\"2026-11-30T23:30:54.487125947Z\"}\n\
        {\"http.request.method\":\"GET\",\"http.request.uri\":\"/v2/a/tags/list\",\"http.request.useragent\":\"x/1\",\
        \"http.response.duration\":\"2.5ms\",\"http.response.status\":404,\"http.response.written\":109,\
        \"time\":\"1970-01-01T00:00:01.5Z\"}\n";
    let requests = read(log);
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    assert_eq!(request.agent, "x/1");
    assert_eq!(request.line.operation(), "tags-list");
    let arrived = SystemTime::UNIX_EPOCH + Duration::from_micros(1_497_500);
    assert_eq!(request.arrived, arrived);
    for (text, nanos) in [
        ("17ns", 17),
        ("48.512567µs", 48_513),
        ("1.25s", 1_250_000_000),
    ] {
        let read = duration(text).expect("a duration");
        assert_eq!(read, Duration::from_nanos(nanos), "{text}");
    }
    assert_eq!(duration("1m2s"), None);
}
