//! The virtual users of an open executor.

use crate::keys::codec::{Editor, whole, words};
use crate::keys::define::keys;
use crate::keys::problem::Problem;
use crate::keys::table::Table;
use crate::schedule::Spacing;

/// How many arrivals may wait for a user, if the scenario does not say.
const QUEUE: u32 = 100_000;

keys! {
    /// The virtual users of an open executor, and what happens when none is free.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct VuPool {
        /// Users of the load, all there from the beginning: at least the rate times the time of an iteration.
        pub max_vus: u32 = 1 => whole(1..=1_000_000), 100, needed_with(": at least the rate times the time of an iteration");
        /// How arrivals lie in time: at equal distances, or at random with the same mean (Poisson).
        pub arrival: Spacing = Spacing::Uniform => words("arrival", SPACINGS), "poisson";
        /// What becomes of an iteration that is due when no user is free: it is dropped and counted, or it waits.
        pub on_no_vu: OnNoVu = OnNoVu::Drop => on_no_vu(), "queue";
        /// The most iterations that wait at once. Needs `on_no_vu = "queue"`.
        max_queue = on_no_vu => max_queue(), 1000;
    }
}

/// What becomes of an iteration that is due when no user is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnNoVu {
    /// It is dropped, and counted as that.
    Drop,
    /// It waits for one; its response time counts from when it was due.
    Queue {
        /// As many may wait at once, 1 to 10,000,000; more are dropped.
        limit: u32,
    },
}

const ON_NO_VU: &[(&str, OnNoVu)] = &[("drop", OnNoVu::Drop), ("queue", WAITS)];
const WAITS: OnNoVu = OnNoVu::Queue { limit: QUEUE };

pub(super) const SPACINGS: &[(&str, Spacing)] =
    &[("uniform", Spacing::Uniform), ("poisson", Spacing::Poisson)];

pub(super) fn on_no_vu() -> Editor<OnNoVu> {
    words("way", ON_NO_VU).part(
        |it, way| *it = way,
        |it| match it {
            OnNoVu::Drop => Some(OnNoVu::Drop),
            OnNoVu::Queue { .. } => Some(WAITS), // its limit has a key of its own
        },
    )
}

pub(super) fn max_queue() -> Editor<OnNoVu> {
    let put = |it: &mut OnNoVu, most| {
        if let OnNoVu::Queue { limit } = it {
            *limit = most;
        }
    };
    whole(1..=10_000_000).part(put, |it| match *it {
        OnNoVu::Drop => None,
        OnNoVu::Queue { limit } => Some(limit),
    })
}

/// `max_queue` needs a queue. Returns `false` after a problem.
pub(super) fn is_consistent(table: &mut Table<'_>, pool: &VuPool) -> bool {
    let limit = table.entry("max_queue");
    let (OnNoVu::Drop, Some(entry)) = (pool.on_no_vu, limit) else {
        return true;
    };
    let problem = Problem::new("`max_queue` without a queue", entry.key_spot.clone());
    table
        .sink()
        .report(problem.label("set `on_no_vu = \"queue\"`, or remove it"));
    false
}
