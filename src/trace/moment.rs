//! Times and durations as logs write them.

use std::time::Duration;

use super::time::Timestamp;

/// Seconds of a day.
const DAY: u64 = 86_400;
/// Nanoseconds of a second.
const NANOS: u64 = 1_000_000_000;

/// Reads `2026-11-30T19:25:41.661748287Z`, with a space for the `T` and with an offset as well. Without an offset it is UTC.
pub(super) fn rfc3339(text: &str) -> Option<Timestamp> {
    let (front, rest) = text.as_bytes().split_first_chunk::<19>()?;
    let is_one = [front[4], front[7], front[13], front[16]] == *b"--::";
    if !is_one || !matches!(front[10], b'T' | b' ' | b't') {
        return None;
    }
    // Places in a front of a known length: nothing has to be checked but the digits.
    let digit = |at: usize| digit(front[at]);
    let two = |at: usize| Some(digit(at)? * 10 + digit(at + 1)?);
    let date = (two(0)? * 100 + two(2)?, two(5)?, two(8)?);
    let time = (two(11)?, two(14)?, two(17)?);
    let (nanos, rest) = after_seconds(rest);
    at(date, time, nanos, offset(rest)?)
}

/// Reads `30/Nov/2026:19:25:41 +0000`, with a fraction of the second as well.
pub(super) fn common(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let month = month(bytes.get(3..6)?)?;
    let date = (digits(bytes, 7, 4)?, month, digits(bytes, 0, 2)?);
    let time = (
        digits(bytes, 12, 2)?,
        digits(bytes, 15, 2)?,
        digits(bytes, 18, 2)?,
    );
    let (nanos, rest) = after_seconds(bytes.get(20..)?);
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    at(date, time, nanos, offset(rest)?)
}

/// Reads `Nov 30 19:25:41` of that year, in UTC, with a fraction of the second as well, and returns what follows.
pub(super) fn syslog(text: &str, year: u64) -> Option<(Timestamp, &str)> {
    let bytes = text.as_bytes();
    let month = month(bytes.get(0..3)?)?;
    let day = match bytes.get(4)? {
        b' ' => digits(bytes, 5, 1)?,
        _ => digits(bytes, 4, 2)?,
    };
    let time = (
        digits(bytes, 7, 2)?,
        digits(bytes, 10, 2)?,
        digits(bytes, 13, 2)?,
    );
    let rest = text.get(15..)?;
    let (nanos, behind) = after_seconds(rest.as_bytes());
    let behind = rest.get(rest.len() - behind.len()..)?;
    Some((at((year, month, day), time, nanos, 0)?, behind))
}

/// Reads seconds since 1970, with or without a fraction.
pub(super) fn epoch(text: &str) -> Option<Timestamp> {
    let nanos = u64::try_from(seconds(text)?.as_nanos()).ok()?;
    Some(Timestamp::from_nanos(nanos))
}

/// Reads a time as records of JSON have it: as [`rfc3339`], or as seconds, milliseconds, microseconds or nanoseconds since 1970,
/// of which only one is a time of this age.
pub(super) fn of_json(text: &str) -> Option<Timestamp> {
    if let Some(time) = rfc3339(text) {
        return Some(time);
    }
    if text.contains('.') {
        return epoch(text);
    }
    let number: u64 = text.parse().ok()?;
    let scale = match number {
        0..100_000_000 => return None,
        100_000_000..100_000_000_000 => NANOS,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    };
    Some(Timestamp::from_nanos(number.checked_mul(scale)?))
}

/// Reads seconds with or without a fraction: `0.123`.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let whole: u64 = whole.parse().ok()?;
    let (nanos, rest) = fraction(part.as_bytes());
    let is_number = rest.is_empty() && whole < u64::MAX / NANOS;
    is_number.then(|| Duration::from_secs(whole) + Duration::from_nanos(nanos))
}

/// Reads a duration as Go writes it: `1m2.5s`, `71.358ms`, `58.451µs`, `12ns`.
pub(super) fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut all = Duration::ZERO;
    while !rest.is_empty() {
        let is_of_number = |it: &u8| it.is_ascii_digit() || *it == b'.';
        let end = rest.bytes().position(|it| !is_of_number(&it))?;
        let (number, behind) = rest.split_at(end);
        let end = behind.bytes().position(|it| is_of_number(&it));
        let (unit, behind) = behind.split_at(end.unwrap_or(behind.len()));
        let unit = match unit {
            "ns" => 1,
            "µs" | "μs" | "us" => 1_000,
            "ms" => 1_000_000,
            "s" => NANOS,
            "m" => 60 * NANOS,
            "h" => 3_600 * NANOS,
            _ => return None,
        };
        all = all.checked_add(scaled(number, unit)?)?;
        rest = behind;
    }
    (!text.is_empty()).then_some(all)
}

/// A decimal number of units of so many nanoseconds.
fn scaled(number: &str, unit: u64) -> Option<Duration> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().ok()?;
    let (part, rest) = fraction(part.as_bytes());
    let whole = whole.checked_mul(unit)?;
    let part = u128::from(part) * u128::from(unit) / u128::from(NANOS);
    let nanos = whole.checked_add(u64::try_from(part).ok()?)?;
    rest.is_empty().then(|| Duration::from_nanos(nanos))
}

/// The fraction of a second, if there is one, in billionths, and what follows it.
fn after_seconds(rest: &[u8]) -> (u64, &[u8]) {
    match rest.split_first() {
        Some((b'.' | b',', rest)) => fraction(rest),
        _ => (0, rest),
    }
}

/// The digits behind a point as billionths, and what follows them.
fn fraction(bytes: &[u8]) -> (u64, &[u8]) {
    let (mut nanos, mut length, mut scale) = (0, 0, NANOS);
    while let Some(digit) = bytes.get(length).copied().and_then(digit) {
        // What is below a billionth is cut.
        scale /= 10;
        nanos += digit * scale;
        length += 1;
    }
    (nanos, &bytes[length..])
}

fn digits(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + length)?;
    bytes
        .iter()
        .try_fold(0, |number, it| Some(number * 10 + digit(*it)?))
}

#[inline]
fn digit(byte: u8) -> Option<u64> {
    byte.is_ascii_digit().then(|| u64::from(byte - b'0'))
}

/// The offset from UTC in seconds: `Z`, `+01:00`, `-0800`; nothing is UTC.
fn offset(bytes: &[u8]) -> Option<i64> {
    let (sign, rest) = match bytes.split_first() {
        None | Some((b'Z' | b'z', [])) => return Some(0),
        Some((b'+', rest)) => (1, rest),
        Some((b'-', rest)) => (-1, rest),
        _ => return None,
    };
    let hours = digits(rest, 0, 2)?;
    let minutes = match rest.len() {
        2 => 0,
        4 => digits(rest, 2, 2)?,
        5 if rest[2] == b':' => digits(rest, 3, 2)?,
        _ => return None,
    };
    let seconds = i64::try_from(hours * 3_600 + minutes * 60).ok()?;
    (hours < 24 && minutes < 60).then_some(sign * seconds)
}

fn month(name: &[u8]) -> Option<u64> {
    const NAMES: [&[u8; 3]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let place = NAMES.iter().position(|it| it.as_slice() == name)?;
    u64::try_from(place + 1).ok()
}

/// The moment of a date and a time of day; `None` if there is none from 1970 to 2553.
fn at(
    (year, month, day): (u64, u64, u64),
    (hour, minute, second): (u64, u64, u64),
    nanos: u64,
    offset: i64,
) -> Option<Timestamp> {
    const LENGTHS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = *LENGTHS.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    let length = length + u64::from(is_leap && month == 2);
    // A leap second is the one before it.
    let second = if second == 60 { 59 } else { second };
    let is_one = (1970..2554).contains(&year)
        && (1..=length).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !is_one {
        return None;
    }
    let before = year - 1;
    let leaps = before / 4 - before / 100 + before / 400;
    let days_of_years = (year - 1970) * 365 + leaps - 477; // leap years before 1970
    let days_of_months: u64 = LENGTHS.iter().take(usize::try_from(month - 1).ok()?).sum();
    let days = days_of_years + days_of_months + u64::from(is_leap && month > 2) + day - 1;
    let seconds = days * DAY + hour * 3_600 + minute * 60 + second;
    let seconds = seconds.checked_add_signed(-offset)?;
    Some(Timestamp::from_nanos(
        seconds.checked_mul(NANOS)?.checked_add(nanos)?,
    ))
}

/// The year of a moment.
pub(super) fn year(time: Timestamp) -> u64 {
    let text = time.to_string();
    text.get(..4).and_then(|it| it.parse().ok()).unwrap_or(1970)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Another program's calendar.
        #[test]
        fn moments_are_read_as_others_write_them(nanos in 0..18_400_000_000_000_000_000_u64) {
            let time = Timestamp::from_nanos(nanos);
            prop_assert_eq!(rfc3339(&time.to_string()), Some(time));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9T:. ZNovµms/é]{0,32}") {
            let _ = (rfc3339(&text), common(&text), syslog(&text, 2026), epoch(&text));
            let _ = (go_duration(&text), seconds(&text));
        }
    }

    #[test]
    fn every_form_is_the_same_moment() {
        let wanted = rfc3339("2024-02-29T23:59:58Z");
        assert!(wanted.is_some());
        for same in [
            "2024-03-01T00:59:58+01:00",
            "2024-02-29 15:59:58-0800",
            "2024-02-29T23:59:58.000",
        ] {
            assert_eq!(rfc3339(same), wanted, "{same}");
        }
        assert_eq!(common("29/Feb/2024:23:59:58 +0000"), wanted);
        assert_eq!(common("01/Mar/2024:00:59:58 +0100"), wanted);
        assert_eq!(common("01/Mar/2024:05:29:58 +0530"), wanted);
        assert_eq!(
            common("29/Feb/2024:23:59:58.250 +0000"),
            rfc3339("2024-02-29T23:59:58.250Z")
        );
        let host = |time: &str| rfc3339(time).map(|it| (it, " host"));
        for (text, time) in [
            ("Feb 29 23:59:58 host", "2024-02-29T23:59:58Z"),
            ("Mar  1 00:59:58 host", "2024-03-01T00:59:58Z"),
            ("Mar  1 00:59:58.012345 host", "2024-03-01T00:59:58.012345Z"),
        ] {
            assert_eq!(syslog(text, 2024), host(time), "{text}");
        }
        for same in [
            "1709251198",
            "1709251198.0",
            "1709251198000",
            "1709251198000000",
            "1709251198000000000",
            "2024-02-29T23:59:58Z",
        ] {
            assert_eq!(of_json(same), wanted, "{same}");
        }
        assert_eq!((of_json("7"), of_json("")), (None, None));
        assert_eq!(epoch("1709251198"), wanted);
        assert_eq!(wanted.map(year), Some(2024));
        for bad in [
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01",
            "1969-12-31T23:59:59Z",
            "2024-01-01T24:00:00Z",
        ] {
            assert_eq!(rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, nanos) in [
            ("587.562µs", 587_562),
            ("12.20755ms", 12_207_550),
            ("1m2.5s", 62_500_000_000),
            ("1h0m0.1s", 3_600_100_000_000),
            ("0s", 0),
            ("17ns", 17),
        ] {
            assert_eq!(
                go_duration(text),
                Some(Duration::from_nanos(nanos)),
                "{text}"
            );
        }
        for bad in ["", "1", "ms", "1x", "-1s", "1..2s", "99999999999999h"] {
            assert_eq!(go_duration(bad), None, "{bad}");
        }
        assert_eq!(seconds("0.123"), Some(Duration::from_millis(123)));
        assert_eq!(seconds("-"), None);
    }
}
