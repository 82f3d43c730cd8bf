//! What ends in a way of its own because a client misbehaves on purpose.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an exchange or an iteration ended because its client misbehaves on purpose. None of these is a failure of the registry.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Misbehaviour {
    /// The client broke a transfer off.
    Aborted,
    /// The client left an upload session open.
    LeftOpen,
    /// The registry refused a chunk that was sent twice or out of order (416), as the specification wants it.
    OutOfOrder,
    /// The registry ended a transfer that was slow or stalled: it closed the connection, or responded with 408.
    CutOff,
}

impl Misbehaviour {
    /// Every kind, in the order of reports.
    pub const ALL: [Self; 4] = [
        Self::Aborted,
        Self::LeftOpen,
        Self::OutOfOrder,
        Self::CutOff,
    ];

    /// Returns the name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aborted => "aborted",
            Self::LeftOpen => "left-open",
            Self::OutOfOrder => "out-of-order",
            Self::CutOff => "cut-off",
        }
    }
}

impl fmt::Display for Misbehaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_written_by_its_name() {
        for (index, kind) in Misbehaviour::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index, "{kind}");
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
