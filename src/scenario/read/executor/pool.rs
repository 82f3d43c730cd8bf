//! The virtual users of an open executor.

use crate::keys::codec::{form_of, whole, word_of, words};
use crate::keys::form::Form;
use crate::keys::key::{Key, key};
use crate::keys::problem::Problem;
use crate::keys::table::Table;
use crate::keys::value;
use crate::schedule::Spacing;

/// The most users of a load.
pub(super) const MOST_VUS: u32 = 1_000_000;
const MOST_QUEUE: u32 = 10_000_000;

/// How many arrivals may wait for a user, if the scenario does not say.
const QUEUE: u32 = 100_000;

/// The virtual users of an open executor, and what happens when none is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VuPool {
    /// All of them, there from the beginning; 1 to 1,000,000.
    pub max_vus: u32,
    /// What becomes of an iteration that is due when none is free.
    pub on_no_vu: OnNoVu,
    /// How arrivals lie in time.
    pub arrival: Spacing,
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

impl Default for VuPool {
    fn default() -> Self {
        Self {
            max_vus: 1,
            on_no_vu: OnNoVu::Drop,
            arrival: Spacing::Uniform,
        }
    }
}

fn keys() -> Vec<Key<VuPool>> {
    vec![
        key!(
            "max_vus",
            whole(1..=MOST_VUS),
            |it: VuPool| it.max_vus,
            "100",
            "Users of the load, all there from the beginning: at least the rate times the time of an iteration.",
        )
        .needed_with(": at least the rate times the time of an iteration"),
        key!(
            "arrival",
            words("arrival", SPACINGS),
            |it: VuPool| it.arrival,
            r#""poisson""#,
            "How arrivals lie in time: at equal distances, or at random with the same mean (Poisson).",
        ),
        Key::custom(
            (
                "on_no_vu",
                r#""queue""#,
                "What becomes of an iteration that is due when no user is free: it is dropped and counted, or it waits.",
            ),
            form_of(ON_NO_VU),
            |item, sink, it: &mut VuPool| {
                let read = value::choice("way", ON_NO_VU)(item, sink);
                it.on_no_vu = read.unwrap_or(it.on_no_vu);
                read.is_some()
            },
            |it| match it.on_no_vu {
                OnNoVu::Drop => word_of(ON_NO_VU, &OnNoVu::Drop),
                OnNoVu::Queue { .. } => word_of(ON_NO_VU, &WAITS),
            },
        ),
        Key::custom(
            (
                "max_queue",
                "1000",
                "The most iterations that wait at once. Needs `on_no_vu = \"queue\"`.",
            ),
            Form::Whole {
                least: 1,
                most: MOST_QUEUE.into(),
            },
            |item, sink, it: &mut VuPool| {
                let read = value::whole(1..=MOST_QUEUE)(item, sink);
                if let (Some(read), OnNoVu::Queue { limit }) = (read, &mut it.on_no_vu) {
                    *limit = read;
                }
                read.is_some()
            },
            |it| match it.on_no_vu {
                OnNoVu::Drop => None,
                OnNoVu::Queue { limit } => Some(limit.into()),
            },
        ),
    ]
}

/// The keys of the pool of an executor.
pub(super) fn keys_of<T: 'static>(
    get: fn(&T) -> &VuPool,
    edit: fn(&mut T) -> &mut VuPool,
) -> impl Iterator<Item = Key<T>> {
    keys().into_iter().map(move |key| key.within(get, edit))
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
