//! The audit: reads back what the registry has acknowledged, on connections of its own, after the load.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use tokio::time::{Instant, sleep, timeout};

use super::audit_checks::{AuditFinding, Checks};
use super::audit_lists::Lists;
use super::prepare::SetupClient;
use super::promises::{Promise, Promised, Promises};
use super::shared::Shared;
use crate::embedded::Storage;
use crate::measure::{AuditTally, Period, Record};
use crate::plan::Place;

/// The purpose of the draws of what is read back.
const AUDIT: u64 = 0x6175_6469;

/// What an audit has found.
#[derive(Debug)]
pub struct Audited {
    /// How long it took, with the pause before it.
    pub time: Duration,
    /// Images that were written.
    pub writes: ReadBack,
    /// Deletions.
    pub deletes: ReadBack,
    /// The checks.
    pub tally: AuditTally,
    /// Promises that were not kept, the first of each class.
    pub findings: Vec<AuditFinding>,
    /// The first question that failed, and why.
    pub unknown: Option<String>,
    /// Why it ended before it was done.
    pub cut: Option<&'static str>,
    /// What no count tells.
    pub notes: Vec<String>,
}

/// How many promises there were, and how many of them were read back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadBack {
    /// Acknowledged, each once.
    pub acknowledged: u64,
    /// Read back, and everything is known of them.
    pub audited: u64,
    /// Not in the sample.
    pub left_out: u64,
    /// In the sample, and not reached, or a question about them failed.
    pub cut: u64,
}

impl ReadBack {
    /// What was acknowledged was read back, left out or cut.
    const fn settle(&mut self, chosen: u64) {
        self.left_out = self.acknowledged.saturating_sub(chosen);
        self.cut = chosen.saturating_sub(self.audited);
    }
}

/// A sample of so many, of a number that is known, in their order: each has the same chance.
struct Draws {
    random: Xoshiro256PlusPlus,
    wanted: u64,
    left: u64,
}

impl Draws {
    fn new(seed: u64, wanted: u64, of: u64) -> Self {
        Self {
            random: Xoshiro256PlusPlus::seed_from_u64(seed ^ AUDIT),
            wanted,
            left: of,
        }
    }

    /// Returns the seed of the next one's own draws; `None` if it is not in the sample.
    fn next(&mut self) -> Option<u64> {
        let place = self.random.random_range(0..self.left.max(1));
        let own = self.random.next_u64();
        self.left = self.left.saturating_sub(1);
        if place < self.wanted {
            self.wanted -= 1;
            return Some(own);
        }
        None
    }
}

/// Reads back what the plan wants of these promises. Returns the exchanges as well.
pub(super) async fn audit(
    client: &mut SetupClient,
    shared: &Shared,
    promises: &Promises<'_>,
) -> (Audited, Record) {
    let began = Instant::now();
    client.recording.enter(Period::Audit);
    let wanted = &shared.plan.audit;
    let [mut writes, mut deletes] = [ReadBack::default(); 2];
    for promise in promises.iter() {
        let of = if promises.is_deletion(promise) {
            &mut deletes
        } else {
            &mut writes
        };
        of.acknowledged += 1;
    }
    let all = writes.acknowledged + deletes.acknowledged;
    // A registry that throws content away has promised its digest and its length.
    let is_sink =
        matches!(&shared.plan.target.place, Place::Embedded(it) if it.storage == Storage::Sink);
    let fetched = if is_sink { 0.0 } else { wanted.blobs };
    let checks = Checks::new(client, promises);
    let lists = Lists::default();
    let mut draws = Draws::new(shared.plan.seed, wanted.sample.of(all), all);
    let mut chosen = [0_u64; 2];
    let mut stop = client.stop.clone();
    let reading = async {
        let sample = promises.iter().filter_map(|promise| {
            let own = draws.next()?;
            let deletes = promises.is_deletion(promise);
            chosen[usize::from(deletes)] += 1;
            Some((promise, own))
        });
        stream::iter(sample)
            .take_while(|_| std::future::ready(checks.goes_on()))
            .for_each_concurrent(shared.plan.prepare.parallel.get(), |(promise, own)| {
                read_back(&checks, &lists, (promises, promise), (fetched, own))
            })
            .await;
        lists.check(&checks).await;
    };
    let within = async {
        sleep(wanted.wait).await;
        timeout(wanted.limit, reading).await.is_ok()
    };
    let cut = tokio::select! {
        done = within => (!done).then_some("its time was up"),
        () = stop.wait_aborted() => Some("it was stopped"),
    };
    let result = checks.into_result();
    let cut = cut.or_else(|| {
        result
            .stopped
            .then_some("too many questions in a row failed")
    });
    let sampled = wanted.sample.of(all);
    (writes.audited, deletes.audited) = result.done;
    // What the sample would have had of each kind is known of what was drawn; the rest was not reached.
    let [mut of_writes, of_deletes] = chosen;
    of_writes += sampled.saturating_sub(of_writes + of_deletes);
    writes.settle(of_writes);
    deletes.settle(of_deletes);
    client.note_retries("audit");
    let audited = Audited {
        time: began.elapsed(),
        writes,
        deletes,
        tally: result.tally,
        findings: result.findings,
        unknown: result.unknown,
        cut,
        notes: std::mem::take(&mut client.notes),
    };
    (audited, client.take_record())
}

async fn read_back(
    checks: &Checks<'_>,
    lists: &Lists,
    (promises, promise): (&Promises<'_>, Promise),
    (blobs, own): (f64, u64),
) {
    if !checks.goes_on() {
        return;
    }
    let mut random = Xoshiro256PlusPlus::seed_from_u64(own);
    let (mut is_deletion, mut is_whole) = (false, true);
    for promised in promises.draw(promise) {
        match promised {
            Promised::There(there) => {
                let fetches = || random.random_bool(blobs.clamp(0.0, 1.0));
                let known = checks.there(&there, fetches).await;
                lists.expect(&there, known.tags_kept);
                is_whole &= known.is_whole;
            }
            Promised::Tag(register, of_tag) => {
                let fetches = || random.random_bool(blobs.clamp(0.0, 1.0));
                let known = checks.shared_tag((register, &of_tag), fetches).await;
                is_whole &= known.is_whole;
            }
            Promised::Gone(gone) => {
                is_deletion = true;
                is_whole &= checks.gone(&gone).await;
            }
        }
    }
    if is_whole && checks.goes_on() {
        checks.done(is_deletion);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_its_number_and_follows_the_seed() {
        let drawn = |seed, wanted, of| {
            let mut draws = Draws::new(seed, wanted, of);
            (0..of)
                .filter(|_| draws.next().is_some())
                .collect::<Vec<u64>>()
        };
        for (wanted, of) in [(0, 10), (1, 1), (3, 10), (10, 10), (100, 1000)] {
            assert_eq!(drawn(1, wanted, of).len() as u64, wanted);
        }
        assert_eq!(drawn(7, 50, 1000), drawn(7, 50, 1000));
        assert_ne!(drawn(7, 50, 1000), drawn(8, 50, 1000));
        // Each has the same chance: of 1,000 seeds with half of four, each is in some 500; five deviations are 79.
        let mut hits = [0_u32; 4];
        for seed in 0..1000 {
            for place in drawn(seed, 2, 4) {
                hits[usize::try_from(place).unwrap()] += 1;
            }
        }
        assert!(hits.iter().all(|it| (421..=579).contains(it)), "{hits:?}");
    }
}
