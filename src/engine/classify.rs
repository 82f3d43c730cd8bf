//! The one place where an error becomes a class that is counted.

use http::StatusCode;

use crate::lazy::TableError;
use crate::measure::{BY_EXCHANGE, FailureClass, Outcome};
use crate::oci::ErrorCode;
use crate::registry::Kind;
use crate::{client, transport};

/// Returns the class of a failed exchange.
pub(super) fn exchange(kind: &Kind) -> FailureClass {
    match kind.root() {
        Kind::Transport(error) => transport(error),
        Kind::Status { status, .. } if *status == StatusCode::TOO_MANY_REQUESTS => {
            FailureClass::Throttled
        }
        Kind::Status { status, .. } if *status == StatusCode::SERVICE_UNAVAILABLE => {
            FailureClass::Unavailable
        }
        Kind::Status { .. } => FailureClass::Status,
        Kind::Digest { .. } | Kind::UnlikeVerified { .. } => FailureClass::DigestMismatch,
        Kind::DigestHeader { .. } => FailureClass::DigestHeader,
        Kind::Empty | Kind::Size { found: 0, .. } => FailureClass::EmptyBody,
        Kind::Size { .. } => FailureClass::SizeMismatch,
        Kind::Sink(_) => FailureClass::HarnessLimit,
        _ => FailureClass::Protocol,
    }
}

fn transport(error: &transport::Error) -> FailureClass {
    match error {
        transport::Error::Dns { .. } => FailureClass::Dns,
        transport::Error::Proxy { problem, .. } if problem.is_unresolved() => FailureClass::Dns,
        transport::Error::Connect { .. } | transport::Error::Proxy { .. } => FailureClass::Connect,
        transport::Error::Tls { .. } => FailureClass::Tls,
        transport::Error::Timeout(_) => FailureClass::Timeout,
        transport::Error::Reset { .. } => FailureClass::Reset,
        transport::Error::Unprocessed(_) => FailureClass::Unprocessed,
        transport::Error::Content(_) | transport::Error::Harness(_) => FailureClass::HarnessLimit,
        transport::Error::Origin(_)
        | transport::Error::NotHttp(_)
        | transport::Error::Malformed(..)
        | transport::Error::LongHead
        | transport::Error::NotHttp2(_) => FailureClass::Protocol,
    }
}

/// Returns how an iteration ended that did not do what it is for.
pub(super) fn outcome(error: &client::Error) -> Outcome {
    let how = match error {
        client::Error::Registry(error) => error.misbehaviour(),
        client::Error::Misbehaved(how) => Some(*how),
        _ => None,
    };
    how.map_or_else(|| Outcome::Failed(iteration(error)), Outcome::Misbehaved)
}

/// Returns the class of a failed iteration: that of the exchange that ended it.
pub(super) fn iteration(error: &client::Error) -> FailureClass {
    match error {
        client::Error::Registry(error) => exchange(error.kind()),
        client::Error::Parts(kind) => exchange(kind),
        client::Error::Content(_) | client::Error::Store(_) | client::Error::Nothing(_) => {
            FailureClass::HarnessLimit
        }
        client::Error::ManifestSize { .. } => FailureClass::SizeMismatch,
        client::Error::Changed { .. }
        | client::Error::Lazy {
            source: TableError::Digest { .. },
            ..
        } => FailureClass::DigestMismatch,
        client::Error::NotFound(_) => FailureClass::Status,
        client::Error::Platform { .. }
        | client::Error::Unusable(_)
        | client::Error::Lazy { .. }
        | client::Error::SociIndex { .. }
        | client::Error::Depth(_)
        | client::Error::Misbehaved(_)
        | client::Error::Pages(_) => FailureClass::Protocol,
    }
}

/// Returns in a word what ended a failed iteration.
pub(super) const fn cause(error: &client::Error) -> &'static str {
    match error {
        client::Error::Registry(_) => BY_EXCHANGE,
        client::Error::Parts(_) => "parts-of-a-blob",
        client::Error::Content(_) => "content",
        client::Error::Store(_) => "store",
        client::Error::Nothing(_) => "nothing-to-send",
        client::Error::ManifestSize { .. } => "manifest-size",
        client::Error::Changed { .. } => "source-changed",
        client::Error::NotFound(_) => "not-found",
        client::Error::Platform { .. } => "platform",
        client::Error::Depth(_) => "index-depth",
        client::Error::Unusable(_) => "unusable-entry",
        client::Error::Pages(_) => "pages",
        client::Error::Lazy { .. } => "lazy-layer",
        client::Error::SociIndex { .. } => "soci-index",
        client::Error::Misbehaved(_) => "misbehaved",
    }
}

/// Returns the registry's own code, if it gave one.
pub(super) fn code(kind: &Kind) -> Option<&ErrorCode> {
    match kind.root() {
        Kind::Status { body, .. } => body.code.as_ref(),
        _ => None,
    }
}
