//! What stands around a line: what docker, Kubernetes, syslog, compose and shippers of logs write around the lines of a
//! program.

use std::borrow::Cow;

use serde::Deserialize;

use super::moment;
use super::nested;
use super::source::json;
use super::time::Timestamp;

/// What stands around the lines of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Envelope {
    /// Nothing.
    None,
    /// An object of JSON with the line as one of its texts: docker's json-file, and what shippers and journald make of it.
    Object,
    /// An object of JSON with the line as another object within it, or with its names taken apart.
    Nested,
    /// `2026-11-30T19:25:41.66Z stdout F ...` of Kubernetes, `2026-11-30T19:25:41.66Z ...` of `logs --timestamps`, and time, tag
    /// and line with a tab between them of Fluentd.
    Timed,
    /// `Nov 30 19:25:41 host name[1]: ...`, with a time of RFC 3339 as well, and that of RFC 5424.
    Syslog,
    /// `registry-1  | ...` of compose, `nginx stdout | ...` of Quay.
    Bar,
    /// `[pod/registry-0/registry] ...` of `kubectl logs --prefix`.
    Bracket,
}

/// What stands around a line, from the outside.
pub(super) type Envelopes = [Envelope; 2];

/// The most bytes of a name before a bar or in brackets.
const LONGEST_NAME: usize = 300;

/// The texts and times of shippers: docker's json-file, Fluentd and Filebeat, Loki, Google Cloud, journald.
#[derive(Deserialize)]
struct Object<'a> {
    #[serde(deserialize_with = "json::text", borrow, default)]
    log: Cow<'a, str>,
    #[serde(deserialize_with = "json::text", borrow, default)]
    message: Cow<'a, str>,
    #[serde(deserialize_with = "json::text", borrow, default)]
    line: Cow<'a, str>,
    #[serde(
        rename = "textPayload",
        deserialize_with = "json::text",
        borrow,
        default
    )]
    payload: Cow<'a, str>,
    #[serde(rename = "MESSAGE", deserialize_with = "json::text", borrow, default)]
    of_journal: Cow<'a, str>,
    #[serde(deserialize_with = "json::text", borrow, default)]
    time: Cow<'a, str>,
    #[serde(deserialize_with = "json::text", borrow, default)]
    timestamp: Cow<'a, str>,
    #[serde(
        rename = "@timestamp",
        deserialize_with = "json::text",
        borrow,
        default
    )]
    at: Cow<'a, str>,
    /// In microseconds since 1970.
    #[serde(
        rename = "__REALTIME_TIMESTAMP",
        deserialize_with = "json::text",
        borrow,
        default
    )]
    micros: Cow<'a, str>,
}

impl<'a> Object<'a> {
    /// The line, and its time.
    fn open(self) -> Option<(Cow<'a, str>, Option<Timestamp>)> {
        let texts = [
            self.log,
            self.message,
            self.line,
            self.payload,
            self.of_journal,
        ];
        let text = texts.into_iter().find(|it| !it.is_empty())?;
        let text = match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim_end()),
            Cow::Owned(text) => Cow::Owned(text.trim_end().to_owned()),
        };
        let times = [self.time, self.timestamp, self.at];
        let time = times.iter().find_map(|it| moment::of_json(it));
        let micros = || self.micros.parse::<u64>().ok()?.checked_mul(1_000);
        Some((text, time.or_else(|| micros().map(Timestamp::from_nanos))))
    }
}

impl Envelope {
    pub(super) const ALL: [Self; 7] = [
        Self::None,
        Self::Object,
        Self::Nested,
        Self::Timed,
        Self::Syslog,
        Self::Bar,
        Self::Bracket,
    ];

    /// Returns what is within, and the time of the envelope; `None` if it is another one. `written` is when the file was
    /// written last.
    fn open(
        self,
        line: &str,
        written: Option<Timestamp>,
    ) -> Option<(Cow<'_, str>, Option<Timestamp>)> {
        match self {
            Self::None => Some((Cow::Borrowed(line), None)),
            Self::Object => {
                let is_one = line.starts_with('{');
                let object = is_one.then(|| serde_json::from_str::<Object<'_>>(line));
                object?.ok()?.open()
            }
            Self::Nested => {
                let (inner, time) = nested::open(line)?;
                Some((Cow::Owned(inner), time))
            }
            Self::Timed => {
                let (time, rest) = line.split_once([' ', '\t'])?;
                let is_tagged = line.as_bytes()[time.len()] == b'\t';
                let time = moment::rfc3339(time)?;
                if is_tagged {
                    let (_tag, inner) = rest.split_once('\t')?;
                    return Some((Cow::Borrowed(inner), Some(time)));
                }
                let streams = ["stdout F ", "stderr F ", "stdout P ", "stderr P "];
                let inner = streams.iter().find_map(|it| rest.strip_prefix(it));
                Some((Cow::Borrowed(inner.unwrap_or(rest)), Some(time)))
            }
            Self::Syslog => {
                let line = match line.strip_prefix('<') {
                    Some(rest) => rest.split_once('>')?.1,
                    None => line,
                };
                if let Some(rest) = line.strip_prefix("1 ") {
                    return rfc5424(rest);
                }
                let (time, rest) = syslog_time(line, written)?;
                // The host, and the name of the program.
                let (_, rest) = rest.split_once(' ')?;
                let (_, inner) = rest.split_once(": ")?;
                Some((Cow::Borrowed(inner), time))
            }
            Self::Bar => {
                let (name, inner) = line.split_once("| ")?;
                let is_name = name.len() <= LONGEST_NAME && !name.contains(['"', '{']);
                is_name.then_some((Cow::Borrowed(inner), None))
            }
            Self::Bracket => {
                let (name, inner) = line.strip_prefix('[')?.split_once("] ")?;
                let is_name = name.len() <= LONGEST_NAME && !name.contains(['"', '{']);
                is_name.then_some((Cow::Borrowed(inner), None))
            }
        }
    }
}

/// Returns what is within both envelopes, and the time of the inner one that has one; `None` if there are others.
pub(super) fn open(
    [outer, inner]: Envelopes,
    line: &str,
    written: Option<Timestamp>,
) -> Option<(Cow<'_, str>, Option<Timestamp>)> {
    let (text, time) = outer.open(line, written)?;
    if inner == Envelope::None {
        return Some((text, time));
    }
    let (text, own) = match text {
        Cow::Borrowed(text) => inner.open(text, written)?,
        Cow::Owned(text) => {
            let (text, own) = inner.open(&text, written)?;
            (Cow::Owned(text.into_owned()), own)
        }
    };
    Some((text, own.or(time)))
}

/// What follows `<134>1 ` in RFC 5424: time, host, program, process, kind, data and text.
fn rfc5424(rest: &str) -> Option<(Cow<'_, str>, Option<Timestamp>)> {
    let mut fields = rest.splitn(6, ' ');
    let time = moment::rfc3339(fields.next()?);
    let [_host, _program, _process, _kind] = [(); 4].map(|()| fields.next());
    let rest = fields.next()?;
    let inner = match rest.strip_prefix("- ") {
        Some(inner) => inner,
        None if rest.starts_with('[') => rest.split_once("] ")?.1,
        None => return None,
    };
    let inner = inner.strip_prefix('\u{feff}').unwrap_or(inner);
    Some((Cow::Borrowed(inner), time))
}

/// The time in front of a line, and what follows it. A time without a year is within the year before the file was written.
fn syslog_time(line: &str, written: Option<Timestamp>) -> Option<(Option<Timestamp>, &str)> {
    let (first, rest) = line.split_once(' ')?;
    if let Some(time) = moment::rfc3339(first) {
        return Some((Some(time), rest));
    }
    let (_, rest) = moment::syslog(line, 2024)?; // a leap year: is it a time at all?
    let rest = rest.strip_prefix(' ')?;
    let Some(written) = written else {
        return Some((None, rest));
    };
    let of_year = |year| moment::syslog(line, year).map(|(time, _)| time);
    let year = moment::year(written);
    let day = 86_400_000_000_000;
    let is_past = |it: &Timestamp| it.nanos() <= written.nanos().saturating_add(day);
    let this = of_year(year).filter(is_past);
    Some((this.or_else(|| of_year(year - 1)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_out_of_what_is_around_them() {
        use Envelope::{Bar, Bracket, None as Nothing, Object, Syslog, Timed};
        let written = moment::rfc3339("2026-01-02T00:00:00Z");
        let at = moment::rfc3339("2025-12-31T23:59:58Z");
        let lines = [
            ([Nothing, Nothing], "a: b", None),
            (
                [Object, Nothing],
                r#"{"log":"a: b\n","stream":"stdout","time":"2025-12-31T23:59:58Z"}"#,
                at,
            ),
            (
                [Object, Nothing],
                r#"{"@timestamp":"2025-12-31T23:59:58.000Z","agent":{"type":"filebeat"},"message":"a: b"}"#,
                at,
            ),
            (
                [Object, Nothing],
                r#"{"MESSAGE":"a: b","__REALTIME_TIMESTAMP":"1767225598000000","_PID":"7"}"#,
                at,
            ),
            (
                [Object, Nothing],
                r#"{"textPayload":"a: b","timestamp":"2025-12-31T23:59:58Z","severity":"INFO"}"#,
                at,
            ),
            ([Timed, Nothing], "2025-12-31T23:59:58Z stdout F a: b", at),
            ([Timed, Nothing], "2025-12-31T23:59:58Z a: b", at),
            ([Timed, Nothing], "2025-12-31T23:59:58Z\tregistry\ta: b", at),
            (
                [Syslog, Nothing],
                "Dec 31 23:59:58 172.18.0.1 proxy[1234]: a: b",
                at,
            ),
            (
                [Syslog, Nothing],
                "Dec 31 23:59:58.000000 2001:db8::1 registry/0a1b[7]: a: b",
                at,
            ),
            (
                [Syslog, Nothing],
                "<134>2025-12-31T23:59:58+00:00 host proxy[1]: a: b",
                at,
            ),
            (
                [Syslog, Nothing],
                "<134>1 2025-12-31T23:59:58Z host proxy 1 - - \u{feff}a: b",
                at,
            ),
            (
                [Syslog, Nothing],
                r#"<134>1 2025-12-31T23:59:58Z host proxy 1 id [x@1 a="b"] a: b"#,
                at,
            ),
            ([Bar, Nothing], "registry-1  | a: b", None),
            ([Bracket, Nothing], "[pod/registry-0/registry] a: b", None),
            // Of `compose logs --timestamps`, `service logs --timestamps`, `kubectl logs --prefix --timestamps`, and of a
            // shipper that has taken what docker wrote.
            ([Bar, Timed], "registry-1  | 2025-12-31T23:59:58Z a: b", at),
            ([Timed, Bar], "2025-12-31T23:59:58Z r.1.x@n    | a: b", at),
            ([Bracket, Timed], "[pod/r/r] 2025-12-31T23:59:58Z a: b", at),
            (
                [Object, Syslog],
                r#"{"log":"Dec 31 23:59:58 h p[1]: a: b","time":"2026-01-01T00:00:00Z"}"#,
                at,
            ),
        ];
        for (envelopes, line, wanted) in lines {
            assert_eq!(
                open(envelopes, line, written),
                Some((Cow::Borrowed("a: b"), wanted)),
                "{line}"
            );
        }
    }

    #[test]
    fn what_has_no_year_or_no_line_has_none() {
        use Envelope::{Bar, Bracket, None as Nothing, Object, Syslog};
        let untold = open([Syslog, Nothing], "Dec 31 23:59:58 h p: a", None);
        assert_eq!(untold, Some((Cow::Borrowed("a"), None)));
        for (envelope, line) in [
            (Bar, "\"GET | x\""),
            (Bracket, "[\"a\"] b"),
            (Object, "{\"log\":\"\"}"),
            (Syslog, "<134>1 2025-12-31T23:59:58Z host"),
        ] {
            assert_eq!(open([envelope, Nothing], line, None), None, "{line}");
        }
    }
}
