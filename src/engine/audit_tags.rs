//! The check of a tag that pushes share: it leads to the last image that was acknowledged, as far as there is a last one.
//!
//! A tag is a register. Its value must be that of a write which no acknowledged write followed: which began after it had ended.
//! Writes that failed or were sent again may be carried out at any time, so theirs is right as well.

use super::audit_checks::{Answer, Asked, Checks, Known};
use super::promises::{Promised, There};
use super::registers::Register;
use super::tag_writes::OfTag;
use crate::measure::{AuditCheck, AuditClass};
use crate::oci::Digest;

/// What a tag leads to.
enum Led {
    /// To the last write, or to one of those that may be.
    ToLast(Box<There>),
    /// To something that may be there as well.
    ToAnother,
    Broken(Answer),
}

impl Checks<'_> {
    /// Checks a tag, and the image that it leads to if that was acknowledged last.
    pub(super) async fn shared_tag(
        &self,
        (register, of_tag): (Register, &OfTag),
        fetches: impl FnMut() -> bool,
    ) -> Known {
        let name = self.promises.shared().registers.name(register);
        let led = match self.found(name).await {
            Ok(Ok(digest)) => Ok(self.leads_to((register, of_tag), digest).await),
            Ok(Err(broken)) => Ok(Led::Broken(broken)),
            Err(error) => Err(error),
        };
        let (answer, there) = match led {
            Ok(Led::ToLast(there)) => (Ok(Answer::Kept), Some(there)),
            Ok(Led::ToAnother) => (Ok(Answer::Kept), None),
            Ok(Led::Broken(answer)) => (Ok(answer), None),
            Err(error) => (Err(error), None),
        };
        let last = of_tag.last();
        let expected = last.first().and_then(|it| self.promises.written(it));
        let expected = expected.map(|it| it.image.descriptor().digest.to_string());
        let expected = match (expected.unwrap_or_default(), last.len()) {
            (digest, 0 | 1) => digest,
            (digest, many) => format!("{digest} or {} others written at once", many - 1),
        };
        let began = last.iter().map(|it| it.began).min();
        let asked = Asked {
            check: AuditCheck::Tag,
            name,
            expected: &expected,
            written: began.zip(last.iter().map(|it| it.ended).max()),
        };
        let is_known = self.count(asked, answer).is_some();
        match there {
            Some(there) => self.there(&there, fetches).await,
            None => Known {
                tags_kept: false,
                is_whole: is_known,
            },
        }
    }

    /// Judges what a tag leads to. What was written under it is drawn again until it is found.
    async fn leads_to(&self, (register, of_tag): (Register, &OfTag), seen: Digest) -> Led {
        let promises = self.promises;
        for write in of_tag.last() {
            let there = promises.written(write);
            let is_seen = |it: &There| it.image.descriptor().digest == seen;
            if let Some(there) = there.filter(is_seen) {
                return Led::ToLast(Box::new(there));
            }
        }
        let registers = &promises.shared().registers;
        let stale =
            |what: &str| Led::Broken(Answer::Broken(AuditClass::Stale, format!("{seen}, {what}")));
        if promises.others(registers.name(register)).contains(&seen) {
            return if registers.is_repeated(register) {
                Led::ToAnother
            } else {
                stale("which was there before the load")
            };
        }
        for (load, id, is_acknowledged) in promises.all_under(register) {
            // A draw hashes an image: whoever waits for the end of the audit must not wait for all of them.
            tokio::task::yield_now().await;
            let drawn = promises.of_iteration(load, id, None);
            let is_seen = |it: &Promised| match it {
                Promised::There(there) => there.image.descriptor().digest == seen,
                _ => false,
            };
            if drawn.iter().any(is_seen) {
                return if is_acknowledged {
                    stale("which was followed by another")
                } else {
                    Led::ToAnother
                };
            }
        }
        if promises.shared().shard.count() > 1 {
            return Led::Broken(Answer::Unknown("another shard may have written it"));
        }
        Led::Broken(Answer::Broken(AuditClass::Wrong, seen.to_string()))
    }
}
