//! Whether and when a failed request is retried, as the emulated client does it.

use std::time::Duration;

use http::header::{DATE, RETRY_AFTER};
use http::{Method, StatusCode};

use super::call::Call;
use super::error::{Error, Kind};
use super::response::Response;
use crate::oci::Operation;
use crate::profile::{Retry, RetryAfter, RetryScope};
use crate::transport;

/// The longest pause, whatever the registry asks for.
const LONGEST: Duration = Duration::from_mins(1);

/// A failed call, and when the registry expects it again.
pub(super) struct Refused {
    pub(super) error: Error,
}

impl Refused {
    /// Ends an exchange with the registry's refusal.
    pub(super) async fn by(response: Response<'_>) -> Self {
        let after = response.header(RETRY_AFTER);
        let retry_after = after.and_then(|text| pause_of(text, response.header(DATE)));
        Self {
            error: response.refuse().await.until(retry_after),
        }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { error }
    }
}

/// The attempts of a call, and how the last one failed.
#[derive(Default)]
pub(super) struct Tried {
    failed: u32,
    last: Option<StatusCode>,
}

impl Tried {
    /// Returns the pause before the call is sent again; `None`: it is not.
    pub(super) fn again(
        &mut self,
        retry: &Retry,
        call: &Call<'_>,
        refused: &Refused,
    ) -> Option<Duration> {
        self.failed += 1;
        let status = refused.error.status();
        let before = std::mem::replace(&mut self.last, status);
        let in_scope = match retry.scope {
            RetryScope::Nothing => false,
            RetryScope::WithoutBody => (call.body)().length() == Some(0),
            RetryScope::BlobGets => {
                call.operation == Operation::BlobGet && call.method == Method::GET
            }
        };
        if !in_scope || self.failed >= retry.attempts {
            return None;
        }
        let wanted = match status {
            Some(status) if retry.statuses.contains(&status.as_u16()) => true,
            Some(status) => retry.once.contains(&status.as_u16()) && before != Some(status),
            None => retry.broken && is_broken(refused.error.kind()),
        };
        if !wanted {
            return None;
        }
        let asked = match retry.retry_after {
            RetryAfter::Throttled if status == Some(StatusCode::TOO_MANY_REQUESTS) => {
                refused.error.retry_after()
            }
            _ => None,
        };
        Some(asked.unwrap_or_else(|| retry.backoff.pause(self.failed)))
    }
}

/// Returns `true` if the connection failed, not the registry or this side.
const fn is_broken(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Transport(
            transport::Error::Connect { .. }
                | transport::Error::Proxy { .. }
                | transport::Error::Reset { .. }
                | transport::Error::Timeout(_)
        )
    )
}

/// Parses seconds or a date. A date is relative to the date of the response, by the registry's own clock.
///
/// # Spec
/// RFC 9110, 10.2.3.
fn pause_of(text: &str, answered: Option<&str>) -> Option<Duration> {
    let text = text.trim();
    let pause = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let answered = httpdate::parse_http_date(answered?).ok()?;
        let then = httpdate::parse_http_date(text).ok()?;
        then.duration_since(answered).unwrap_or_default()
    };
    Some(pause.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_come_back_is_seconds_or_a_date() {
        assert_eq!(pause_of(" 7 ", None), Some(Duration::from_secs(7)));
        assert_eq!(pause_of("86400", None), Some(LONGEST));
        let answered = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for (then, wanted) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(Duration::ZERO)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(Duration::ZERO)),
            (
                "Sun, 06 Nov 1994 08:49:49 GMT",
                Some(Duration::from_secs(12)),
            ),
            ("soon", None),
        ] {
            assert_eq!(pause_of(then, answered), wanted, "{then}");
        }
        assert_eq!(pause_of("Sun, 06 Nov 1994 08:49:37 GMT", None), None);
    }
}
