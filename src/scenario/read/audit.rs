//! The `[audit]` table.

use std::num::NonZeroU64;
use std::time::Duration;

use crate::keys::codec::{Codec, DAY, HOUR, SECOND, count, fraction, time, words_or};
use crate::keys::define::keys;
use crate::keys::form::Form;
use crate::keys::key::Keyed;
use crate::keys::section::Section;
use crate::keys::table::Sink;
use crate::keys::tree::{Item, Value};

keys! {
    /// What is read back after the load, of what the registry has acknowledged.
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct Audit {
        /// Which acknowledged writes are read back: none, 100 of them if journeys of the run store something, all, so many, or a
        /// share.
        pub sample: Sample = Sample::Small => sample(), "all";
        /// Share of their blobs that is fetched and hashed. The others are looked up by `HEAD`.
        pub blobs: f64 = 0.1 => fraction(0.0..=1.0), 1.0;
        /// Pause before it, for registries that are consistent after a while.
        pub wait: Duration = Duration::ZERO => time(Duration::ZERO..=HOUR), "10s";
        /// The longest time that it takes, without the pause. What is left then counts as not read.
        pub limit: Duration = Duration::from_mins(1) => time(SECOND..=DAY), "10m";
    }
}

/// Which acknowledged writes are read back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sample {
    /// None.
    None,
    /// 100, if journeys of the run store something.
    Small,
    /// All.
    All,
    /// So many.
    Count(NonZeroU64),
    /// This share; above 0 and below 1.
    Share(f64),
}

/// The number of writes of [`Sample::Small`].
pub(crate) const SMALL: u64 = 100;

impl Sample {
    /// Returns how many of so many writes are read back.
    pub fn of(self, all: u64) -> u64 {
        match self {
            Self::None => 0,
            Self::Small => all.min(SMALL),
            Self::All => all,
            Self::Count(count) => all.min(count.get()),
            Self::Share(share) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    clippy::cast_precision_loss,
                    reason = "a share of a number of writes is not below 0 and not above it"
                )]
                let count = (share * all as f64).ceil() as u64;
                count.min(all)
            }
        }
    }
}

const WORDS: &[(&str, Sample)] = &[
    ("none", Sample::None),
    ("small", Sample::Small),
    ("all", Sample::All),
];

keys! {
    struct Part {
        /// The share of the acknowledged writes that is read back.
        share: f64 => fraction(0.0..=1.0), 0.25, needed;
    }
}

fn sample() -> Codec<Sample> {
    let part = Part::inline().case(
        |it| match it.share {
            ..=0.0 => Sample::None,
            1.0.. => Sample::All,
            share => Sample::Share(share),
        },
        |sample: &Sample| match *sample {
            Sample::Share(share) => Some(Part { share }),
            _ => None,
        },
    );
    let number = count(1..=u64::MAX).case(
        |it| NonZeroU64::new(it).map_or(Sample::None, Sample::Count),
        |sample: &Sample| match *sample {
            Sample::Count(count) => Some(count.get()),
            _ => None,
        },
    );
    let words = words_or("sample", WORDS, &["500", "{ share = 0.25 }"]);
    Codec::new(
        Form::any([words.form, number.form]),
        move |item: &Item, sink: &Sink| match item.value {
            Value::Integer(_) => (number.read)(item, sink),
            _ => (words.read)(item, sink),
        },
        move |it: &Sample| (words.show)(it).or_else(|| (number.show)(it)),
    )
    .or_table(part)
}

pub(super) fn section() -> Section {
    Section::of::<Audit>(
        "audit",
        "`[audit]`",
        "What is read back after the load, to see whether the registry kept what it acknowledged.",
    )
}
