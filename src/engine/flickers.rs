//! Tags that flicker: a reader saw one image, then another, and then the first one again, though each is written once.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::registers::Register;
use crate::oci::Digest;

/// The most images of a tag that are remembered: a tag that goes further back is not seen to.
const REMEMBERED: usize = 8;

/// The most flickers of one worker that are told.
const TOLD: usize = 10;

/// A tag that led to an image again after it had led to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flicker {
    /// The tag, by its number.
    pub(super) register: Register,
    /// The image that it led to again.
    pub(super) old: Digest,
    /// The one that it had led to meanwhile.
    pub(super) new: Digest,
    /// The read that found the old one again ended.
    pub(super) at: Instant,
}

/// The first read that saw an image.
#[derive(Debug, Clone, Copy)]
struct Seen {
    digest: Digest,
    began: Instant,
    ended: Instant,
}

/// What readers of one worker have seen of tags, each image once.
#[derive(Debug, Default)]
pub(super) struct Sightings {
    /// By who reads: a client of a journey. Others may choose another image of the same index.
    of: BTreeMap<(usize, Register), Vec<Seen>>,
    flickers: Flickers,
}

/// Flickers, by tag: how many, and the first ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Flickers {
    pub(super) counts: BTreeMap<Register, u64>,
    pub(super) told: Vec<Flicker>,
}

impl Flickers {
    /// Adds those of another worker, or of another load.
    pub(super) fn merge(&mut self, other: Self) {
        for (register, count) in other.counts {
            *self.counts.entry(register).or_default() += count;
        }
        self.told.extend(other.told);
    }
}

impl Sightings {
    /// Notes that a read saw an image. Two reads of which one ended before the other began saw the tag in that order; of others
    /// nothing follows.
    pub(super) fn saw(
        &mut self,
        (reader, register): (usize, Register),
        digest: Digest,
        (began, ended): (Instant, Instant),
    ) {
        let of_tag = self.of.entry((reader, register)).or_default();
        let old = of_tag.iter().position(|it| it.digest == digest);
        if let Some(old) = old {
            let first = of_tag[old];
            let between = |it: &&Seen| first.ended < it.began && it.ended < began;
            if let Some(new) = of_tag.iter().find(between) {
                *self.flickers.counts.entry(register).or_default() += 1;
                if self.flickers.told.len() < TOLD {
                    self.flickers.told.push(Flicker {
                        register,
                        old: digest,
                        new: new.digest,
                        at: ended,
                    });
                }
            }
            return;
        }
        if of_tag.len() == REMEMBERED {
            of_tag.remove(0);
        }
        of_tag.push(Seen {
            digest,
            began,
            ended,
        });
    }

    pub(super) fn into_flickers(self) -> Flickers {
        self.flickers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn flickers(reads: &[(&str, u64, u64)]) -> u64 {
        let base = Instant::now();
        let at = |ms| base + Duration::from_millis(ms);
        let mut sightings = Sightings::default();
        for (image, began, ended) in reads {
            let digest = Digest::sha256(image.as_bytes());
            sightings.saw((0, 3), digest, (at(*began), at(*ended)));
        }
        let found = sightings.into_flickers();
        assert_eq!(found.told.len() as u64, found.counts.values().sum::<u64>());
        found.counts.values().sum()
    }

    #[test]
    fn a_tag_that_goes_back_flickers_and_one_that_goes_on_does_not() {
        assert_eq!(
            flickers(&[("a", 0, 1), ("a", 2, 3), ("b", 4, 5), ("c", 6, 7)]),
            0
        );
        assert_eq!(
            flickers(&[("a", 0, 1), ("b", 2, 3), ("a", 4, 5), ("a", 6, 7)]),
            2
        );
        // The reads of the new image and of the old one again overlap: the old one may have been read first.
        assert_eq!(flickers(&[("a", 0, 1), ("b", 2, 5), ("a", 4, 6)]), 0);
        // So may the first read of the old one and that of the new one.
        assert_eq!(flickers(&[("a", 0, 3), ("b", 2, 5), ("a", 6, 7)]), 0);
    }
}
