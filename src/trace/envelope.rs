//! What stands around a line: what docker, Kubernetes, syslog and compose write in front of the lines of a container.

use std::borrow::Cow;

use serde::Deserialize;

use super::moment;
use super::time::Timestamp;

/// What stands around the lines of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Envelope {
    /// Nothing.
    None,
    /// `{"log":"...\n","stream":"stderr","time":"..."}`, docker's json-file.
    Docker,
    /// `2026-11-30T19:25:41.66Z stdout F ...` of Kubernetes, and `2026-11-30T19:25:41.66Z ...` of `logs --timestamps`.
    Timed,
    /// `Nov 30 19:25:41 host name[1]: ...`, with a time of RFC 3339 as well.
    Syslog,
    /// `registry-1  | ...` of compose, `nginx stdout | ...` of Quay.
    Bar,
}

/// The most bytes of a name before a bar.
const LONGEST_NAME: usize = 80;

#[derive(Deserialize)]
struct Docker<'a> {
    #[serde(borrow)]
    log: Cow<'a, str>,
    #[serde(borrow, default)]
    time: Cow<'a, str>,
}

impl Envelope {
    pub(super) const ALL: [Self; 5] = [
        Self::None,
        Self::Docker,
        Self::Timed,
        Self::Syslog,
        Self::Bar,
    ];

    /// Returns what is within, and the time of the envelope; `None` if it is another one. `written` is when the file was
    /// written last.
    pub(super) fn open(
        self,
        line: &str,
        written: Option<Timestamp>,
    ) -> Option<(Cow<'_, str>, Option<Timestamp>)> {
        match self {
            Self::None => Some((Cow::Borrowed(line), None)),
            Self::Docker => {
                let docker: Docker<'_> = serde_json::from_str(line).ok()?;
                let inner = match docker.log {
                    Cow::Borrowed(text) => Cow::Borrowed(text.trim_end()),
                    Cow::Owned(text) => Cow::Owned(text.trim_end().to_owned()),
                };
                Some((inner, moment::rfc3339(&docker.time)))
            }
            Self::Timed => {
                let (time, rest) = line.split_once(' ')?;
                let time = moment::rfc3339(time)?;
                let streams = ["stdout F ", "stderr F ", "stdout P ", "stderr P "];
                let inner = streams.iter().find_map(|it| rest.strip_prefix(it));
                Some((Cow::Borrowed(inner.unwrap_or(rest)), Some(time)))
            }
            Self::Syslog => {
                let line = match line.strip_prefix('<') {
                    Some(rest) => rest.split_once('>')?.1,
                    None => line,
                };
                let (time, rest) = syslog_time(line, written)?;
                // The host, and the name of the program.
                let (_, rest) = rest.split_once(' ')?;
                let (_, inner) = rest.split_once(": ")?;
                Some((Cow::Borrowed(inner), time))
            }
            Self::Bar => {
                let (name, inner) = line.split_once("| ")?;
                let is_name = name.len() <= LONGEST_NAME && !name.contains('"');
                is_name.then_some((Cow::Borrowed(inner), None))
            }
        }
    }
}

/// The time in front of a line, and what follows it. A time without a year is within the year before the file was written.
fn syslog_time(line: &str, written: Option<Timestamp>) -> Option<(Option<Timestamp>, &str)> {
    let (first, rest) = line.split_once(' ')?;
    if let Some(time) = moment::rfc3339(first) {
        return Some((Some(time), rest));
    }
    moment::syslog(line, 2024)?; // a leap year: is it a time at all?
    let rest = line.get(16..)?;
    let Some(written) = written else {
        return Some((None, rest));
    };
    let year = moment::year(written);
    let day = 86_400_000_000_000;
    let is_past = |it: &Timestamp| it.nanos() <= written.nanos().saturating_add(day);
    let this = moment::syslog(line, year).filter(is_past);
    Some((this.or_else(|| moment::syslog(line, year - 1)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_out_of_what_is_around_them() {
        let written = moment::rfc3339("2026-01-02T00:00:00Z");
        let time = moment::rfc3339("2025-12-31T23:59:58Z");
        for (envelope, line, wanted) in [
            (Envelope::None, "a: b", None),
            (
                Envelope::Docker,
                r#"{"log":"a: b\n","stream":"stdout","time":"2025-12-31T23:59:58Z"}"#,
                time,
            ),
            (Envelope::Timed, "2025-12-31T23:59:58Z stdout F a: b", time),
            (Envelope::Timed, "2025-12-31T23:59:58Z a: b", time),
            (
                Envelope::Syslog,
                "Dec 31 23:59:58 172.18.0.1 proxy[1234]: a: b",
                time,
            ),
            (
                Envelope::Syslog,
                "<134>2025-12-31T23:59:58+00:00 host proxy[1]: a: b",
                time,
            ),
            (Envelope::Bar, "registry-1  | a: b", None),
        ] {
            assert_eq!(
                envelope.open(line, written),
                Some((Cow::Borrowed("a: b"), wanted)),
                "{line}"
            );
        }
        assert_eq!(
            Envelope::Syslog.open("Dec 31 23:59:58 h p: a", None),
            Some((Cow::Borrowed("a"), None))
        );
        assert_eq!(Envelope::Bar.open("\"GET | x\"", None), None);
    }
}
