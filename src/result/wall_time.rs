//! Times of reports on the wall clock.

use std::time::UNIX_EPOCH;

/// Returns a time as reports write it, in microseconds since 1970; 0 for none.
pub(super) fn micros_of(time: &str) -> u64 {
    let parsed = humantime::parse_rfc3339(time).ok();
    let since = parsed.and_then(|it| it.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |it| u64::try_from(it.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_it_is_written() {
        assert_eq!(micros_of("1970-01-01T00:00:01.500000Z"), 1_500_000);
        assert_eq!(micros_of("1970-01-01T00:01:00.000Z"), 60_000_000);
        assert_eq!(micros_of("yesterday"), 0);
    }
}
