//! What an audit counts: of what the registry acknowledged, what was there when it was read back.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A promise that the registry did not keep.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum AuditClass {
    /// It was acknowledged and is not there.
    Lost,
    /// There is an older value in place of the one acknowledged last.
    Stale,
    /// There is something else: other bytes, another digest or another length.
    Wrong,
    /// Its deletion was acknowledged, and it is there again.
    Revived,
}

impl AuditClass {
    /// Every class, in the order of reports.
    pub const ALL: [Self; 4] = [Self::Lost, Self::Stale, Self::Wrong, Self::Revived];

    /// Returns the name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Stale => "stale",
            Self::Wrong => "wrong",
            Self::Revived => "revived",
        }
    }
}

impl fmt::Display for AuditClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How something was read back.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum AuditCheck {
    /// A manifest by its tag.
    Tag,
    /// A manifest by its digest.
    Manifest,
    /// A blob by `HEAD`: that it is there, and its length.
    Blob,
    /// A blob by `GET`: its bytes.
    BlobContent,
    /// A tag in the list of its repository.
    TagList,
    /// A manifest in the list of those that refer to its subject.
    Referrers,
    /// Something deleted, by its name and by its digest.
    Deleted,
}

impl AuditCheck {
    /// Returns the name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Manifest => "manifest",
            Self::Blob => "blob",
            Self::BlobContent => "blob-content",
            Self::TagList => "tag-list",
            Self::Referrers => "referrers",
            Self::Deleted => "deleted",
        }
    }
}

impl fmt::Display for AuditCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What came of the checks of one kind; each ended in exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct AuditCounts {
    /// It was as it was acknowledged.
    pub kept: u64,
    /// It was not there.
    pub lost: u64,
    /// There was an older value.
    pub stale: u64,
    /// There was something else.
    pub wrong: u64,
    /// It was deleted, and there.
    pub revived: u64,
    /// The question failed: nothing is known.
    pub unknown: u64,
}

impl AuditCounts {
    /// Returns the number of checks.
    pub const fn made(&self) -> u64 {
        self.kept + self.found() + self.unknown
    }

    /// Returns how many found a promise that was not kept.
    pub const fn found(&self) -> u64 {
        self.lost + self.stale + self.wrong + self.revived
    }

    /// Returns how many found one of that class.
    pub const fn of(&self, class: AuditClass) -> u64 {
        match class {
            AuditClass::Lost => self.lost,
            AuditClass::Stale => self.stale,
            AuditClass::Wrong => self.wrong,
            AuditClass::Revived => self.revived,
        }
    }

    const fn of_mut(&mut self, class: AuditClass) -> &mut u64 {
        match class {
            AuditClass::Lost => &mut self.lost,
            AuditClass::Stale => &mut self.stale,
            AuditClass::Wrong => &mut self.wrong,
            AuditClass::Revived => &mut self.revived,
        }
    }

    /// Adds those of another audit.
    pub const fn merge(&mut self, other: &Self) {
        self.kept += other.kept;
        self.lost += other.lost;
        self.stale += other.stale;
        self.wrong += other.wrong;
        self.revived += other.revived;
        self.unknown += other.unknown;
    }
}

/// The checks of an audit, by kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AuditTally(BTreeMap<AuditCheck, AuditCounts>);

impl AuditTally {
    /// Counts a check that found what was acknowledged.
    pub fn kept(&mut self, check: AuditCheck) {
        self.0.entry(check).or_default().kept += 1;
    }

    /// Counts a check that found a promise that was not kept.
    pub fn found(&mut self, check: AuditCheck, class: AuditClass) {
        *self.0.entry(check).or_default().of_mut(class) += 1;
    }

    /// Counts a check that failed.
    pub fn unknown(&mut self, check: AuditCheck) {
        self.0.entry(check).or_default().unknown += 1;
    }

    /// Returns the counts of each kind of which there is one.
    pub fn rows(&self) -> impl Iterator<Item = (AuditCheck, &AuditCounts)> {
        self.0.iter().map(|(check, counts)| (*check, counts))
    }

    /// Returns the sums of all kinds.
    pub fn all(&self) -> AuditCounts {
        let mut all = AuditCounts::default();
        self.0.values().for_each(|counts| all.merge(counts));
        all
    }

    /// Adds the counts of another audit.
    pub fn merge(&mut self, other: &Self) {
        for (check, counts) in &other.0 {
            self.0.entry(*check).or_default().merge(counts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_is_counted_once_and_sums_add_up() {
        let mut tally = AuditTally::default();
        tally.kept(AuditCheck::Blob);
        tally.found(AuditCheck::Blob, AuditClass::Lost);
        for class in AuditClass::ALL {
            tally.found(AuditCheck::Tag, class);
            assert_eq!(serde_json::to_value(class).unwrap(), class.name());
        }
        tally.unknown(AuditCheck::TagList);
        let mut twice = tally.clone();
        twice.merge(&tally);
        let all = twice.all();
        assert_eq!((all.made(), all.found(), all.unknown), (14, 10, 2));
        assert_eq!((all.kept, all.lost, all.stale), (2, 4, 2));
        assert_eq!((all.wrong, all.of(AuditClass::Revived)), (2, 2));
        let json = serde_json::to_value(&tally).unwrap();
        assert_eq!(json["blob"]["lost"], 1);
        assert_eq!(json["tag-list"]["unknown"], 1);
    }
}
