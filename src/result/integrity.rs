//! What the registry sent that was not what it should be: a verdict of its own, apart from errors.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OperationSection;
use crate::measure::FailureClass;
use crate::units;

/// The most examples of flickers, also of several runs together.
pub const FLICKER_EXAMPLES: usize = 10;

/// What the registry sent in the measured window that was not what it should be. Each of it is among the failures as well,
/// but for flickers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct IntegritySection {
    /// Responses whose bytes do not have the digest that they were requested by, or the one in their header.
    pub wrong_digest: u64,
    /// Responses with more or fewer bytes than announced.
    pub wrong_length: u64,
    /// Responses whose header has another digest than the content.
    pub wrong_header: u64,
    /// Successes without a body, where there should be one.
    pub empty_body: u64,
    /// Reads of a tag that led to an image again after it had led to another, though each is pushed once.
    pub flickers: u64,
    /// Such reads that are not judged, because a push of the tag failed or was sent again: it may come at any time.
    #[serde(default)]
    pub flickers_not_judged: u64,
    /// The first flickers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<FlickerExample>,
}

/// A tag that led to an image again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlickerExample {
    /// `repository:tag`
    pub name: String,
    /// The digest that it led to again.
    pub old: String,
    /// One that it had led to meanwhile.
    pub new: String,
    /// When the old one was read again, RFC 3339, in UTC.
    pub time: String,
}

impl IntegritySection {
    /// Returns what these operations have counted.
    pub(super) fn of<'a>(operations: impl IntoIterator<Item = &'a OperationSection>) -> Self {
        let mut section = Self::default();
        for operation in operations {
            let of = |class| operation.counts.failure_classes.of(class);
            section.wrong_digest += of(FailureClass::DigestMismatch);
            section.wrong_length += of(FailureClass::SizeMismatch);
            section.wrong_header += of(FailureClass::DigestHeader);
            section.empty_body += of(FailureClass::EmptyBody);
        }
        section
    }

    /// Returns how much was wrong.
    pub const fn found(&self) -> u64 {
        self.wrong_digest + self.wrong_length + self.wrong_header + self.empty_body + self.flickers
    }

    /// Returns what was found: `2 wrong digest, 1 empty body`; `None` if nothing was.
    pub fn words(&self) -> Option<String> {
        let rows = self.rows().into_iter().filter(|(_, count)| *count > 0);
        let rows: Vec<String> = rows
            .map(|(name, count)| format!("{} {name}", units::count(count)))
            .collect();
        (!rows.is_empty()).then(|| rows.join(", "))
    }

    /// Returns what was found, each with its name in reports.
    pub const fn rows(&self) -> [(&'static str, u64); 5] {
        [
            ("wrong digest", self.wrong_digest),
            ("wrong length", self.wrong_length),
            ("wrong digest header", self.wrong_header),
            ("empty body", self.empty_body),
            ("flickering tag", self.flickers),
        ]
    }

    /// Adds what another part of the run has seen.
    pub(super) fn merge(&mut self, other: Self) {
        self.wrong_digest += other.wrong_digest;
        self.wrong_length += other.wrong_length;
        self.wrong_header += other.wrong_header;
        self.empty_body += other.empty_body;
        self.flickers += other.flickers;
        self.flickers_not_judged += other.flickers_not_judged;
        self.examples.extend(other.examples);
        self.examples.truncate(FLICKER_EXAMPLES);
    }
}
