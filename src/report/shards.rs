//! The shards of a merged report in the order in which a reader wants them: the worst first.

use std::cmp::Reverse;
use std::time::Duration;

use crate::health::Verdict;
use crate::result::{Document, ShardSection};
use crate::units::{self, Quantile};

/// Shards that a table shows before the rest is folded.
pub(super) const FIRST: usize = 8;

/// How a shard has done, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    Valid,
    Suspect,
    Invalid,
    Lost,
}

impl Standing {
    pub(super) fn of(shard: &ShardSection) -> Self {
        match shard.health {
            _ if shard.lost => Self::Lost,
            Verdict::Valid => Self::Valid,
            Verdict::Suspect => Self::Suspect,
            Verdict::Invalid => Self::Invalid,
        }
    }

    /// The worse it is, the louder.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Suspect => "SUSPECT",
            Self::Invalid => "INVALID",
            Self::Lost => "LOST",
        }
    }
}

/// Returns the shards: lost ones first, then by the health of the generator, what failed, and how slow they were.
pub(super) fn worst_first(document: &Document) -> Vec<&ShardSection> {
    let mut shards: Vec<&ShardSection> = document.shards.iter().collect();
    shards.sort_by_key(|it| {
        let failed = u128::from(it.failed) * 1_000_000 / u128::from((it.failed + it.ok).max(1));
        let slow = it.response_time.quantile(Quantile::P50);
        (Reverse((Standing::of(it), failed, slow)), it.index)
    });
    shards
}

/// Returns how many there are, how many are not as they should be, and how well it is known that they began together; nothing
/// of a run that is not merged.
pub(super) fn line(document: &Document) -> Option<String> {
    let shards = &document.shards;
    if shards.is_empty() {
        return None;
    }
    let mut parts = vec![units::count(shards.len() as u64)];
    for standing in [Standing::Lost, Standing::Invalid, Standing::Suspect] {
        let many = shards.iter().filter(|it| Standing::of(it) == standing);
        let many = many.count() as u64;
        if many > 0 {
            let word = standing.word().to_lowercase();
            parts.push(format!("{} {word}", units::count(many)));
        }
    }
    let clocks = shards.iter().filter_map(|it| it.clock);
    if let Some(worst) = clocks.map(|it| it.error_us).max() {
        let error = units::duration(Duration::from_micros(worst));
        parts.push(format!("begun together, to {error} by their clocks"));
    }
    Some(parts.join(" · "))
}

/// Returns what is wrong with the generator of a shard, the weightiest only.
pub(super) fn reason(shard: &ShardSection) -> String {
    let reason = shard.reasons.first();
    let words = reason.map(|it| format!("{} {}", it.signal, it.observed));
    words.unwrap_or_default()
}

/// Returns the machine, and the labels by which a user calls it.
pub(super) fn host(shard: &ShardSection) -> String {
    shard.host.clone().unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::health::{Level, Reason, Signal};
    use crate::report::testing;
    use crate::result::ClockError;

    /// Returns a run of so many shards, of which 1 is lost, 2 fails and 3 is slow, and the generator of 4 was the limit.
    pub(in crate::report) fn merged(count: u32) -> Document {
        let mut document = testing::document();
        let shard = |index| ShardSection {
            index,
            count,
            run: "0".to_owned(),
            lost: index == 1,
            host: Some(format!("node-{index}")),
            labels: std::collections::BTreeMap::new(),
            window_opened: document.window_opened.clone(),
            window_us: document.window_us,
            health: if index == 4 {
                Verdict::Invalid
            } else {
                Verdict::Valid
            },
            reasons: if index == 4 {
                vec![Reason {
                    level: Level::Invalid,
                    signal: Signal::WorkerCpu,
                    subject: None,
                    observed: "99.8%".into(),
                    bound: "at most 90%".into(),
                    advice: "use more workers".into(),
                }]
            } else {
                Vec::new()
            },
            started: if index == 1 { 0 } else { 250 },
            ok: match index {
                1 => 0,
                2 => 240,
                _ => 250,
            },
            failed: if index == 2 { 10 } else { 0 },
            response_time: match index {
                1 => crate::measure::LatencyHistogram::new(),
                3 => testing::millis(901, 1_150),
                _ => testing::millis(1, 250),
            },
            clock: (index > 1).then(|| ClockError {
                round_trip_us: 60,
                error_us: 30 + u64::from(index),
                drift_us: 0,
            }),
        };
        document.shards = (0..count).map(shard).collect();
        document
    }

    #[test]
    fn the_worst_is_first() {
        let document = merged(6);
        let order: Vec<u32> = worst_first(&document).iter().map(|it| it.index).collect();
        assert_eq!(order, [1, 4, 2, 3, 0, 5]);
        assert_eq!(
            line(&document).unwrap(),
            "6 · 1 lost · 1 invalid · begun together, to 35 µs by their clocks"
        );
        assert_eq!(reason(&document.shards[4]), "worker-cpu 99.8%");
        assert_eq!(line(&testing::document()), None);
    }
}
