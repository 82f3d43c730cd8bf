//! Numbers for people: three significant digits and a unit.

use std::time::Duration;

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time: write a number and a unit, such as 250ms, 30s or 5m")]
pub struct DurationError(String);

/// Parses `250ms`, `30s`, `1h 30m`.
///
/// # Errors
/// Fails if a number or its unit is missing or unknown.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    humantime::parse_duration(text.trim())
        .map_err(|_| DurationError(text.chars().take(60).collect()))
}

/// Formats a duration: `0 µs`, `41 µs`, `9.8 ms`, `1.04 s`, `2:05 min`.
pub fn duration(value: Duration) -> String {
    let micros = value.as_secs_f64() * 1e6;
    if micros < 999.5 {
        format!("{micros:.0} µs")
    } else if micros < 999.5e3 {
        format!("{} ms", three_digits(micros / 1e3))
    } else if value < Duration::from_millis(99_950) {
        format!("{} s", three_digits(micros / 1e6))
    } else {
        let seconds = value.as_secs_f64().round();
        format!(
            "{:.0}:{:02.0} min",
            (seconds / 60.0).floor(),
            seconds % 60.0
        )
    }
}

/// Formats a number of things: `1 exchange`, `2 exchanges`.
pub fn number_of(things: u64, noun: &str) -> String {
    let plural = if things == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(things))
}

/// Formats bytes in decimal units, as networks are rated: `512 B`, `33.6 MB`, `1.41 GB`.
#[expect(
    clippy::cast_precision_loss,
    reason = "three digits are shown of a number with at least fifteen exact ones"
)]
pub fn bytes(value: u64) -> String {
    scaled(value as f64, "B")
}

/// Formats a rate: `379/s`; `1.41 GB/s` if `unit` is `B`.
pub fn per_second(value: f64, unit: &str) -> String {
    if unit.is_empty() {
        format!("{}/s", three_digits(value))
    } else {
        format!("{}/s", scaled(value, unit))
    }
}

/// Formats a number of bytes that need not be whole, as [`bytes()`] does.
pub fn amount(value: f64) -> String {
    scaled(value, "B")
}

/// Formats a number with three significant digits, however small it is: `0`, `0.00214`, `0.43`, `12.1`, `54,000`.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 999.5 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is not below 0, and what is beyond the range is cut"
        )]
        let whole = count(size.round() as u64);
        return format!("{}{whole}", if value < 0.0 { "-" } else { "" });
    }
    let mut digits = 2;
    while digits < 12 && size > 0.0 && size * 10_f64.powi(digits) < 99.95 {
        digits += 1;
    }
    let shown = match size {
        _ if size >= 99.95 => 0,
        _ if size >= 9.995 => 1,
        _ => digits,
    };
    let text = format!("{value:.*}", usize::try_from(shown).unwrap_or(2));
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Formats seconds as [`duration`] does, and less than a millisecond with as many digits: `2.14 ms`, `4.31 µs`.
pub fn seconds(value: f64) -> String {
    if value < 999.5e-6 {
        return format!("{} µs", number(value * 1e6));
    }
    duration(Duration::try_from_secs_f64(value).unwrap_or(Duration::MAX))
}

/// Formats a share in percent, with three significant digits however small it is: `0%`, `0.011%`, `96.4%`. Only all is 100%:
/// what is less has the digits that say so, as `99.96%`.
pub fn share(value: f64) -> String {
    let percent = value * 100.0;
    let says_too_little = |digits: i32| {
        let unit = 10_f64.powi(digits);
        let is_small = percent > 0.0 && percent * unit < 99.95;
        let is_nearly_all = percent < 100.0 && (100.0 - percent) * unit <= 0.5;
        is_small || is_nearly_all
    };
    let mut digits = 1;
    while digits < 12 && says_too_little(digits) {
        digits += 1;
    }
    let text = format!("{percent:.*}", usize::try_from(digits).unwrap_or(1));
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}%")
}

/// Returns a factor with at most four decimals, and no zeros at its end: `2`, `0.0625`.
pub fn factor(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Formats a count with separated thousands: `54,000`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn scaled(value: f64, unit: &str) -> String {
    let mut value = value;
    for prefix in ["", "k", "M", "G", "T"] {
        if value < 999.5 {
            return format!("{} {prefix}{unit}", three_digits(value));
        }
        value /= 1000.0;
    }
    format!("{value:.0} P{unit}")
}

/// Formats three significant digits, whole numbers without a point.
fn three_digits(value: f64) -> String {
    let whole = value.fract().abs() < f64::EPSILON;
    if whole || value >= 99.95 {
        format!("{value:.0}")
    } else if value >= 9.995 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits() {
        let micros = |n| duration(Duration::from_micros(n));
        let shown = [0, 41, 999, 1_000, 9_812, 99_960, 999_400, 999_600].map(micros);
        let wanted = [
            "0 µs", "41 µs", "999 µs", "1 ms", "9.81 ms", "100 ms", "999 ms", "1.00 s",
        ];
        assert_eq!(shown, wanted);
        assert_eq!(micros(1_044_000), "1.04 s");
        assert_eq!(duration(Duration::from_secs(125)), "2:05 min");
    }

    #[test]
    fn numbers_have_three_digits_however_small() {
        let shown = [
            0.0, 0.002_141, 0.43, 1.0, 12.14, 99.96, 540.2, 54_000.4, -3.0,
        ]
        .map(number);
        let wanted = [
            "0", "0.00214", "0.43", "1", "12.1", "100", "540", "54,000", "-3",
        ];
        assert_eq!(shown, wanted);
        let shown = [0.0, 4.311e-6, 0.002_141, 1.5, 125.0].map(seconds);
        assert_eq!(shown, ["0 µs", "4.31 µs", "2.14 ms", "1.50 s", "2:05 min"]);
        assert_eq!(amount(1_414_213.5), "1.41 MB");
    }

    #[test]
    fn sizes_and_counts_are_grouped() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(33_600_000), "33.6 MB");
        assert_eq!(bytes(1_414_213_562), "1.41 GB");
        assert_eq!(per_second(1_410_000_000.0, "B"), "1.41 GB/s");
        assert_eq!(per_second(42.13, ""), "42.1/s");
        let shares = [0.0, 0.000_11, 0.000_123_46, 0.01, 0.964_3, 0.5, 1.0].map(share);
        assert_eq!(
            shares,
            ["0%", "0.011%", "0.0123%", "1%", "96.4%", "50%", "100%"]
        );
        // The levels of early looks, and 19,999 of 20,000.
        let nearly_all = [0.999_4, 0.999_6, 1.0 - 1e-9, 0.999_95, 1.25].map(share);
        assert_eq!(
            nearly_all,
            ["99.9%", "99.96%", "99.9999999%", "99.995%", "125%"]
        );
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(54_000), "54,000");
        assert_eq!(count(1_234_567), "1,234,567");
    }
}
