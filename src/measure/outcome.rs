//! How an exchange or an iteration ended.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exchange::Misbehaviour;

/// The one end of an exchange or an iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It did what it is for.
    Ok,
    /// It came to an end, and not the one wanted.
    Failed(FailureClass),
    /// regstorm gave it up, because the run ended first.
    Cancelled,
    /// Its client misbehaves on purpose, and so it ended.
    Misbehaved(Misbehaviour),
}

/// Why something failed, coarse enough to count by.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// The name of the host gave no address.
    Dns,
    /// No connection came about, or the proxy refused it.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// It took longer than the scenario allows.
    Timeout,
    /// The peer closed or reset a connection in use.
    Reset,
    /// An HTTP/2 peer closed the connection in good order (GOAWAY) or refused the stream, said that it did nothing for the
    /// request, and the client could not send it again.
    Unprocessed,
    /// A status that is not among the good ones of the operation.
    Status,
    /// 429: the registry asked for fewer requests.
    Throttled,
    /// 503: the registry, or what stands before it, can take no request now.
    Unavailable,
    /// The bytes do not have the digest they were asked for by.
    DigestMismatch,
    /// More or fewer bytes than announced.
    SizeMismatch,
    /// The digest in the header is not that of the content.
    DigestHeader,
    /// A success without a body, where there should be one.
    EmptyBody,
    /// What came was not the protocol.
    Protocol,
    /// regstorm's own limit, such as no free port or file descriptor; never the target's fault.
    HarnessLimit,
}

impl FailureClass {
    /// Every class, in the order of reports.
    pub const ALL: [Self; 15] = [
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Reset,
        Self::Unprocessed,
        Self::Status,
        Self::Throttled,
        Self::Unavailable,
        Self::DigestMismatch,
        Self::SizeMismatch,
        Self::DigestHeader,
        Self::EmptyBody,
        Self::Protocol,
        Self::HarnessLimit,
    ];

    /// Returns `true` if the registry sent other content than it should: not slow, not overloaded, wrong.
    pub const fn is_of_integrity(self) -> bool {
        matches!(
            self,
            Self::DigestMismatch | Self::SizeMismatch | Self::DigestHeader | Self::EmptyBody
        )
    }

    /// Returns the name in reports and thresholds.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Unprocessed => "unprocessed",
            Self::Status => "status",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::DigestMismatch => "digest-mismatch",
            Self::SizeMismatch => "size-mismatch",
            Self::DigestHeader => "digest-header",
            Self::EmptyBody => "empty-body",
            Self::Protocol => "protocol",
            Self::HarnessLimit => "harness-limit",
        }
    }

    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

/// Why an iteration that was due never began.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DropReason {
    /// No virtual user was free, and the load does not let arrivals wait.
    NoVu,
    /// As many arrivals as may wait for a free virtual user did so already.
    QueueFull,
    /// It still waited for a virtual user when the load was cut.
    Cut,
    /// The user was still busy with an earlier cycle of its pacing when the whole of this one had passed.
    Overrun,
    /// It was for a shard of the run of which nothing is known.
    LostShard,
}

impl DropReason {
    /// Every reason, in the order of reports.
    pub const ALL: [Self; 5] = [
        Self::NoVu,
        Self::QueueFull,
        Self::Cut,
        Self::Overrun,
        Self::LostShard,
    ];

    /// Returns the name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoVu => "no-vu",
            Self::QueueFull => "queue-full",
            Self::Cut => "cut",
            Self::Overrun => "overrun",
            Self::LostShard => "lost-shard",
        }
    }

    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

/// What the users of a load were doing when an iteration was due and found none of them free.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DropCause {
    /// At least half of them waited for the target: for a response, or for the pause before a retry to pass.
    Target,
    /// They were thinking, as the scenario wants it.
    ThinkTime,
    /// The generator was late, or busy with its own work: responses may have lain unread.
    Generator,
}

impl DropCause {
    /// Every cause, in the order of reports.
    pub const ALL: [Self; 3] = [Self::Target, Self::ThinkTime, Self::Generator];

    /// Returns the name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::ThinkTime => "think-time",
            Self::Generator => "generator",
        }
    }

    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

/// A start that did not take place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DroppedStart {
    /// By which rule it was dropped.
    pub reason: DropReason,
    /// What kept the users busy.
    pub cause: DropCause,
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for DropCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_is_the_place_in_all() {
        for (index, class) in FailureClass::ALL.into_iter().enumerate() {
            assert_eq!(class.index(), index, "{class}");
            assert_eq!(serde_json::to_value(class).unwrap(), class.name());
        }
        for (index, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(reason.index(), index, "{reason}");
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.name());
        }
        for (index, cause) in DropCause::ALL.into_iter().enumerate() {
            assert_eq!(cause.index(), index, "{cause}");
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.name());
        }
    }
}
