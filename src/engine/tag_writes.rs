//! The writes of tags that pushes share: of each tag those that may still be the last.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::iteration_id::IterationId;
use super::registers::Register;

/// A write that the registry acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TagWrite {
    pub(super) load: usize,
    pub(super) id: IterationId,
    /// The request that stored the manifest began.
    pub(super) began: Instant,
    /// It was acknowledged.
    pub(super) ended: Instant,
}

/// The writes of one tag.
///
/// Of acknowledged writes those are kept that no other one followed: that began after they had ended. They all were under way
/// at one moment, the begin of the last that began, so there are no more of them than users.
#[derive(Debug, Clone, Default)]
pub(super) struct OfTag {
    pub(super) acknowledged: u64,
    /// Writes that may have been carried out at any time, and may be yet: failed, cancelled, or sent again.
    pub(super) unknown: u64,
    last_begin: Option<Instant>,
    last: Vec<TagWrite>,
}

impl OfTag {
    fn acknowledge(&mut self, write: TagWrite) {
        self.acknowledged += 1;
        self.last.push(write);
        self.prune(Some(write.began));
    }

    fn merge(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.unknown += other.unknown;
        self.last.extend(other.last);
        self.prune(other.last_begin);
    }

    fn prune(&mut self, began: Option<Instant>) {
        self.last_begin = self.last_begin.max(began);
        if let Some(last_begin) = self.last_begin {
            self.last.retain(|it| it.ended >= last_begin);
        }
    }

    /// Returns the acknowledged writes that the tag may lead to, if no other one was carried out.
    pub(super) fn last(&self) -> &[TagWrite] {
        &self.last
    }
}

/// The writes of all tags that pushes share.
#[derive(Debug, Clone, Default)]
pub(super) struct TagWrites(BTreeMap<Register, OfTag>);

impl TagWrites {
    /// Notes a write that was acknowledged.
    pub(super) fn acknowledge(&mut self, register: Register, write: TagWrite) {
        self.0.entry(register).or_default().acknowledge(write);
    }

    /// Notes a write that may have been carried out.
    pub(super) fn unknown(&mut self, register: Register) {
        self.0.entry(register).or_default().unknown += 1;
    }

    /// Adds those of another worker, or of another load.
    pub(super) fn merge(&mut self, other: Self) {
        for (register, of_tag) in other.0 {
            self.0.entry(register).or_default().merge(of_tag);
        }
    }

    pub(super) fn get(&self, register: Register) -> Option<&OfTag> {
        self.0.get(&register)
    }

    /// Returns the tags that something was written under.
    pub(super) fn written(&self) -> impl Iterator<Item = (Register, &OfTag)> {
        let all = self.0.iter();
        all.filter(|(_, it)| it.acknowledged > 0)
            .map(|(register, it)| (*register, it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn write(base: Instant, number: u64, began: u64, ended: u64) -> TagWrite {
        TagWrite {
            load: 0,
            id: IterationId::of_user(0, 0, number),
            began: base + Duration::from_millis(began),
            ended: base + Duration::from_millis(ended),
        }
    }

    fn numbers(of_tag: &OfTag) -> Vec<u64> {
        let mut numbers: Vec<u64> = of_tag.last().iter().map(|it| it.id.number()).collect();
        numbers.sort_unstable();
        numbers
    }

    #[test]
    fn what_was_followed_by_another_write_is_not_the_last() {
        let base = Instant::now();
        let mut of_tag = OfTag::default();
        of_tag.acknowledge(write(base, 0, 0, 10));
        // At the same time, and until after the next.
        of_tag.acknowledge(write(base, 1, 5, 40));
        assert_eq!(numbers(&of_tag), [0, 1]);
        of_tag.acknowledge(write(base, 2, 11, 20));
        assert_eq!(numbers(&of_tag), [1, 2]);
        // Told late, and followed already.
        of_tag.acknowledge(write(base, 3, 1, 9));
        assert_eq!(numbers(&of_tag), [1, 2]);
        of_tag.acknowledge(write(base, 4, 41, 42));
        assert_eq!((numbers(&of_tag), of_tag.acknowledged), (vec![4], 5));
    }

    #[test]
    fn workers_together_keep_what_one_of_them_would() {
        let base = Instant::now();
        let writes: Vec<TagWrite> = (0..200)
            .map(|number| {
                let began = (number * 7919) % 997;
                write(base, number, began, began + 1 + (number * 31) % 60)
            })
            .collect();
        let mut alone = TagWrites::default();
        let mut workers = vec![TagWrites::default(); 3];
        for (place, it) in writes.iter().enumerate() {
            alone.acknowledge(1, *it);
            workers[place % 3].acknowledge(1, *it);
        }
        let mut together = workers.remove(0);
        for it in workers {
            together.merge(it);
        }
        // By the definition: no acknowledged write began after it had ended.
        let is_last = |it: &&TagWrite| writes.iter().all(|other| other.began <= it.ended);
        let mut last: Vec<u64> = writes
            .iter()
            .filter(is_last)
            .map(|it| it.id.number())
            .collect();
        last.sort_unstable();
        assert_eq!(numbers(alone.get(1).unwrap()), last);
        assert_eq!(numbers(together.get(1).unwrap()), last);
    }
}
