//! Which recorded statuses a replay can bring about again, and which responses have content.

use std::num::NonZeroU16;

use super::super::request::Request;

/// How a request ended, as far as a replay is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Well, or by a fault of the registry that another one need not have: 2xx, 3xx, 429, 5xx, or the log does not tell.
    Well,
    /// What was asked for was not there: 404.
    Absent,
    /// The credentials were asked for: 401.
    Challenged,
    /// The request was refused: any other status.
    Refused,
}

impl Ended {
    pub(super) fn of(status: Option<NonZeroU16>) -> Self {
        match status.map_or(200, NonZeroU16::get) {
            200..=399 | 429 | 500..=599 => Self::Well,
            404 => Self::Absent,
            401 => Self::Challenged,
            _ => Self::Refused,
        }
    }
}

/// Returns the bytes of content in a response: what a redirect or an error says has a size of its own.
pub(super) fn content(request: &Request) -> Option<u64> {
    let has_content = request
        .status
        .is_none_or(|it| matches!(it.get(), 200 | 206));
    request.received.filter(|_| has_content)
}

/// Whether a response would have had all of the content.
pub(super) fn is_whole(request: &Request) -> bool {
    request.status.is_none_or(|it| it.get() == 200)
}
