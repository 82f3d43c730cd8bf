//! When a replay has stored what it stores first: a read that came before is not the target's failure.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use crate::trace::replay::{Sessions, Step};

/// When each thing of [`Sessions::fresh`] was stored, on any worker of this process.
#[derive(Debug)]
pub(super) struct StoreTimes {
    base: Instant,
    /// Nanoseconds since then, and one more; 0: it is not stored.
    at: Box<[AtomicU64]>,
}

impl StoreTimes {
    pub(super) fn of(sessions: &Sessions) -> Self {
        Self {
            base: Instant::now(),
            at: (0..sessions.fresh().count())
                .map(|_| AtomicU64::new(0))
                .collect(),
        }
    }

    /// A request that stores something has succeeded.
    pub(super) fn stored(&self, sessions: &Sessions, step: &Step) {
        if !step.act.stores() {
            return;
        }
        let now = self.nanos(Instant::now());
        for place in sessions.fresh().stored_by(step, sessions.closed(step)) {
            // Relaxed: no other memory is read because of it. The first time counts.
            let (relaxed, slot) = (Ordering::Relaxed, &self.at[place]);
            let _ = slot.compare_exchange(0, now, relaxed, relaxed);
        }
    }

    /// Returns `true` if a request was sent at a time when the replay was still to store what it reads.
    pub(super) fn came_too_early(&self, sessions: &Sessions, step: &Step, sent: Instant) -> bool {
        let place = sessions.fresh().read_by(step);
        let stored = place.map(|it| self.at[it].load(Ordering::Relaxed));
        stored.is_some_and(|stored| stored == 0 || stored > self.nanos(sent))
    }

    fn nanos(&self, at: Instant) -> u64 {
        let nanos = at.saturating_duration_since(self.base).as_nanos();
        u64::try_from(nanos).unwrap_or(u64::MAX - 1) + 1
    }
}
