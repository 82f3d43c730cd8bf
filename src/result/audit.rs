//! What the audit of a run found, as a part of its document.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::{AuditCheck, AuditClass, AuditTally, Sum};
use crate::units;

/// The most examples of each class, also of several audits together.
pub const AUDIT_EXAMPLES: usize = 10;

/// What was there when the writes that the registry acknowledged were read back after the load.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct AuditSection {
    /// Why it ended before all of its sample was read back; null if it did not.
    pub cut: Option<String>,
    /// Images that were written: those seeded, those that iterations have stored, and the last ones of tags that are given
    /// to one image after another.
    pub writes: ReadBackSection,
    /// Deletions.
    pub deletes: ReadBackSection,
    /// What was acknowledged and was not there.
    pub lost: u64,
    /// Where there was an older value.
    pub stale: u64,
    /// Where there was something else.
    pub wrong: u64,
    /// What was deleted and was there.
    pub revived: u64,
    /// Checks of which nothing is known, because the question failed.
    pub unknown: u64,
    /// All checks, by kind.
    pub checks: AuditTally,
    /// Promises that were not kept: the first ten of each class.
    pub examples: Vec<AuditExample>,
    /// The first question that failed, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_example: Option<String>,
}

/// How many promises there were, and how many of them were read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ReadBackSection {
    /// Acknowledged by the registry, each once.
    pub acknowledged: u64,
    /// Read back, and everything is known of them.
    pub audited: u64,
    /// Not in the sample.
    pub left_out: u64,
    /// In the sample, and not reached, or a question about them failed.
    pub cut: u64,
}

/// A promise that was not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditExample {
    /// In which way.
    pub class: AuditClass,
    /// What was asked for.
    pub check: AuditCheck,
    /// Its name: `repository:tag`, or `repository@digest`.
    pub name: String,
    /// What should have been there.
    pub expected: String,
    /// What was there.
    pub seen: String,
    /// It was written between these times, RFC 3339, in UTC; null: before the load.
    pub written: Option<[String; 2]>,
}

impl AuditSection {
    /// Returns how many checks found a promise that was not kept.
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

    /// Returns what was found: `3 lost, 1 stale`; `None` if every promise was kept.
    pub fn words(&self) -> Option<String> {
        let classes = AuditClass::ALL.into_iter();
        let classes = classes.filter(|class| self.of(*class) > 0);
        let classes: Vec<String> = classes
            .map(|class| format!("{} {class}", units::count(self.of(class))))
            .collect();
        (!classes.is_empty()).then(|| classes.join(", "))
    }

    /// Returns `true` if everything that was acknowledged was read back, and nothing was broken or is unknown.
    pub const fn is_clean(&self) -> bool {
        self.found() == 0 && self.unknown == 0 && self.cut.is_none()
    }

    /// Sets the sums of all checks.
    #[must_use]
    pub fn summed(mut self) -> Self {
        let all = self.checks.all();
        self.lost = all.lost;
        self.stale = all.stale;
        self.wrong = all.wrong;
        self.revived = all.revived;
        self.unknown = all.unknown;
        self
    }

    /// Returns the sums that must agree.
    pub fn sums(&self) -> Vec<Sum> {
        let sum = |name: &str, it: &ReadBackSection| Sum {
            name: format!("audit: acknowledged {name} = read back + left out + not reached"),
            left: it.acknowledged,
            right: it.audited + it.left_out + it.cut,
        };
        vec![sum("writes", &self.writes), sum("deletions", &self.deletes)]
    }

    /// Adds what another part of the run has read back.
    pub fn merge(&mut self, other: Self) {
        self.cut = self.cut.take().or(other.cut);
        self.writes.merge(other.writes);
        self.deletes.merge(other.deletes);
        self.checks.merge(&other.checks);
        for example in other.examples {
            let of_class = self.examples.iter();
            let of_class = of_class.filter(|it| it.class == example.class);
            if of_class.count() < AUDIT_EXAMPLES {
                self.examples.push(example);
            }
        }
        self.unknown_example = self.unknown_example.take().or(other.unknown_example);
        *self = std::mem::take(self).summed();
    }
}

impl ReadBackSection {
    const fn merge(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.audited += other.audited;
        self.left_out += other.left_out;
        self.cut += other.cut;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audits_of_two_shards_add_up_and_keep_ten_examples() {
        let part = || {
            let example = AuditExample {
                class: AuditClass::Lost,
                check: AuditCheck::Blob,
                name: "a@sha256:0".to_owned(),
                expected: "3 bytes".to_owned(),
                seen: "404".to_owned(),
                written: None,
            };
            let mut checks = AuditTally::default();
            (0..7).for_each(|_| checks.found(AuditCheck::Blob, AuditClass::Lost));
            checks.kept(AuditCheck::Blob);
            AuditSection {
                writes: ReadBackSection {
                    acknowledged: 9,
                    audited: 4,
                    left_out: 3,
                    cut: 2,
                },
                checks,
                examples: vec![example; 7],
                ..AuditSection::default()
            }
            .summed()
        };
        let mut both = part();
        both.merge(part());
        assert_eq!((both.lost, both.found(), both.unknown), (14, 14, 0));
        assert_eq!(both.examples.len(), 10);
        assert_eq!(both.writes.acknowledged, 18);
        assert!(both.sums().iter().all(|it| it.left == it.right));
        assert!(!both.is_clean());
    }
}
