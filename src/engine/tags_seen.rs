//! What loads have written and read under tags that pushes share.

use super::finished::TagFlickers;
use super::flickers::Flickers;
use super::registers::Register;
use super::shared::Shared;
use super::tag_writes::TagWrites;

/// What loads have written and read under tags that pushes share.
#[derive(Debug, Clone, Default)]
pub(super) struct TagsSeen {
    pub(super) writes: TagWrites,
    pub(super) flickers: Flickers,
}

impl TagsSeen {
    /// Returns the flickers, judged. They are taken out.
    pub(super) fn take_flickers(&mut self, shared: &Shared) -> TagFlickers {
        let Flickers { counts, told } = std::mem::take(&mut self.flickers);
        // What may be written again at any time may be read again.
        let is_judged = |register: Register| {
            let unknown = self.writes.get(register).map_or(0, |it| it.unknown);
            let registers = &shared.registers;
            unknown == 0 && !registers.is_repeated(register) && shared.shard.count() == 1
        };
        let (mut found, mut not_judged) = (0, 0);
        for (register, count) in counts {
            let of = if is_judged(register) {
                &mut found
            } else {
                &mut not_judged
            };
            *of += count;
        }
        let told = told.into_iter().filter(|it| is_judged(it.register));
        let name = |register| shared.registers.name(register).clone();
        TagFlickers {
            found,
            not_judged,
            examples: told
                .map(|it| (name(it.register), it.old, it.new, it.at))
                .collect(),
        }
    }

    /// Adds what another worker, or another load, has seen.
    pub(super) fn merge(&mut self, other: Self) {
        self.writes.merge(other.writes);
        self.flickers.merge(other.flickers);
    }
}
