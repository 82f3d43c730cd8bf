//! Scripted misbehaviour: what goes wrong, for which operations, and how often.

use std::time::Duration;

use http::StatusCode;
use rand::RngExt as _;
use rand::SeedableRng as _;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::oci::{ErrorCode, Operation};
use crate::units::{ByteSize, Ratio};

use super::lengths::Lengths;
use super::pace::{Cut, Pace, Silence};

/// One thing that goes wrong. Several may hit the same request: delays and processor time add up, the slowest rate holds, and of the
/// others the first in the list acts.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The operation that it hits; `None`: every one, those outside the specification too.
    pub operation: Option<Operation>,
    /// What goes wrong.
    pub kind: FaultKind,
    /// Which of the requests inside the window.
    pub when: When,
    /// The window begins behind this many matching requests.
    pub after: u64,
    /// The window holds this many matching requests. `None`: it stays open.
    pub count: Option<u64>,
}

/// What goes wrong. A body is the request's for operations that send one, else the response's.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultKind {
    /// The finished response is held back for so long.
    Delay(Duration),
    /// The same, for a length that is drawn for each request.
    DrawnDelay(Lengths),
    /// The body moves at no more than so many bytes a second.
    Rate(ByteSize),
    /// The request is refused before anything is done.
    Status {
        /// The status.
        status: StatusCode,
        /// The code in the error body; without one, `UNKNOWN`.
        code: Option<ErrorCode>,
        /// Sent as `Retry-After`, in whole seconds.
        retry_after: Option<Duration>,
    },
    /// The connection is reset (RST).
    Reset(Point),
    /// The connection is closed in order (FIN): behind a part of the body, the response is truncated.
    Close(Point),
    /// Nothing moves.
    Stall(Point, Stall),
    /// From the arrival of such a request on nothing moves for any client, as if the registry's process were stopped
    /// for so long: see [`Running::freeze`](super::Running::freeze). In a window of one request it happens once.
    Freeze(Duration),
    /// So much processor time is used for the request by another thread, beside the response.
    Burn(Duration),
    /// One byte of the response's body is wrong: the one at this offset, counted from the first byte sent.
    Corrupt(u64),
    /// The response is 200 with nothing in it, and nothing is done.
    Empty,
    /// `Docker-Content-Digest` names other content, if the response has it.
    Mislabel,
    /// What is stored is acknowledged, and not there for any client.
    Lose,
    /// For so long after a manifest was stored under a tag, the tag leads to the one that it led to before, if it did: for all
    /// requests, if it hits the one that stored it, or for the request that it hits.
    Stale(Duration),
    /// What was deleted is there again after so long.
    Revive(Duration),
}

/// Where in an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Before the response's head.
    BeforeHead,
    /// When so many bytes of the body have passed.
    AfterBody(ByteSize),
}

/// For how long nothing moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stall {
    /// For so long; then it goes on.
    For(Duration),
    /// For a length that is drawn for each request; then it goes on.
    Drawn(Lengths),
    /// Until the client gives up.
    Forever,
}

/// Which requests of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// All of them.
    Always,
    /// Every n-th: with 3, the third, the sixth, and so on. 0 counts as 1.
    Every(u64),
    /// Each with this probability, drawn from the seed.
    Probability(Ratio, u64),
}

impl Fault {
    /// Returns a fault that hits every request of one operation.
    pub const fn on(operation: Operation, kind: FaultKind) -> Self {
        Self {
            operation: Some(operation),
            kind,
            when: When::Always,
            after: 0,
            count: None,
        }
    }

    /// Returns a fault that hits every request.
    pub const fn everywhere(kind: FaultKind) -> Self {
        Self {
            operation: None,
            kind,
            when: When::Always,
            after: 0,
            count: None,
        }
    }

    /// Returns the same, for some requests only.
    #[must_use]
    pub const fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// Returns the same, for `count` matching requests behind the first `after`.
    #[must_use]
    pub const fn window(mut self, after: u64, count: Option<u64>) -> Self {
        self.after = after;
        self.count = count;
        self
    }
}

/// The faults of a registry, and how far each has come.
#[derive(Debug, Default)]
pub(super) struct FaultPlan(Vec<Armed>);

#[derive(Debug)]
struct Armed {
    fault: Fault,
    seen: u64,
    chance: Xoshiro256PlusPlus,
    lengths: Xoshiro256PlusPlus,
}

/// What hits one request.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub(super) delay: Duration,
    pub(super) refuse: Option<Refuse>,
    pub(super) cut_before_head: Option<Cut>,
    pub(super) stall_before_head: Option<Silence>,
    pub(super) freeze: Option<Duration>,
    pub(super) burn: Duration,
    pub(super) pace: Option<Box<Pace>>,
    pub(super) corrupt: Option<u64>,
    pub(super) is_empty: bool,
    pub(super) is_mislabelled: bool,
    pub(super) lapse: Lapse,
}

/// How a registry breaks what it promises in the response to one request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lapse {
    pub(super) loses: bool,
    pub(super) stale: Option<Duration>,
    pub(super) revives: Option<Duration>,
}

/// The refusal that a fault scripts.
#[derive(Debug)]
pub(super) struct Refuse {
    pub(super) status: StatusCode,
    pub(super) code: Option<ErrorCode>,
    pub(super) retry_after: Option<Duration>,
}

impl FaultPlan {
    pub(super) fn new(faults: Vec<Fault>) -> Self {
        let arm = |fault: Fault| {
            let seed = match fault.when {
                When::Probability(_, seed) => seed,
                When::Always | When::Every(_) => 0,
            };
            let mut lengths = Xoshiro256PlusPlus::seed_from_u64(fault.kind.seed());
            // Far from what chance draws, also under the same seed: whether it strikes must not say for how long.
            lengths.jump();
            Armed {
                fault,
                seen: 0,
                chance: Xoshiro256PlusPlus::seed_from_u64(seed),
                lengths,
            }
        };
        Self(faults.into_iter().map(arm).collect())
    }

    /// Counts one request and says what hits it.
    pub(super) fn next(&mut self, operation: Option<Operation>) -> Effects {
        let mut effects = Effects::default();
        for armed in &mut self.0 {
            let matches = armed.fault.operation.is_none() || armed.fault.operation == operation;
            if matches && armed.strikes() {
                effects.add(&armed.fault.kind, &mut armed.lengths);
            }
        }
        effects
    }
}

impl Armed {
    fn strikes(&mut self) -> bool {
        let place = self.seen;
        self.seen += 1;
        let Some(place) = place.checked_sub(self.fault.after) else {
            return false;
        };
        if self.fault.count.is_some_and(|count| place >= count) {
            return false;
        }
        match self.fault.when {
            When::Always => true,
            When::Every(n) => (place + 1).is_multiple_of(n.max(1)),
            When::Probability(share, _) => self.chance.random_bool(share.get()),
        }
    }
}

impl FaultKind {
    /// Returns the seed of the lengths that are drawn, if any are.
    const fn seed(&self) -> u64 {
        match self {
            Self::DrawnDelay(lengths) | Self::Stall(_, Stall::Drawn(lengths)) => lengths.seed(),
            _ => 0,
        }
    }
}

impl Stall {
    fn draw(self, random: &mut Xoshiro256PlusPlus) -> Silence {
        match self {
            Self::For(length) => Silence::For(length),
            Self::Drawn(lengths) => Silence::For(lengths.draw(random)),
            Self::Forever => Silence::Forever,
        }
    }
}

impl Effects {
    fn add(&mut self, kind: &FaultKind, random: &mut Xoshiro256PlusPlus) {
        match kind {
            FaultKind::Delay(delay) => self.delay = self.delay.saturating_add(*delay),
            FaultKind::DrawnDelay(lengths) => {
                self.delay = self.delay.saturating_add(lengths.draw(random));
            }
            FaultKind::Rate(rate) => self.pace().slow_to(rate.get()),
            FaultKind::Status {
                status,
                code,
                retry_after,
            } => {
                self.refuse.get_or_insert_with(|| Refuse {
                    status: *status,
                    code: code.clone(),
                    retry_after: *retry_after,
                });
            }
            FaultKind::Reset(point) => self.cut(*point, Cut::Reset),
            FaultKind::Close(point) => self.cut(*point, Cut::Close),
            // Drawn also where another fault acts first, so that each takes its lengths in its own order.
            FaultKind::Stall(point, stall) => self.stall(*point, stall.draw(random)),
            FaultKind::Freeze(length) => self.freeze = self.freeze.max(Some(*length)),
            FaultKind::Burn(time) => self.burn = self.burn.saturating_add(*time),
            FaultKind::Corrupt(offset) => {
                self.corrupt.get_or_insert(*offset);
            }
            FaultKind::Empty => self.is_empty = true,
            FaultKind::Mislabel => self.is_mislabelled = true,
            FaultKind::Lose => self.lapse.loses = true,
            FaultKind::Stale(time) => self.lapse.stale = self.lapse.stale.max(Some(*time)),
            FaultKind::Revive(time) => self.lapse.revives = self.lapse.revives.or(Some(*time)),
        }
    }

    fn stall(&mut self, point: Point, silence: Silence) {
        match point {
            Point::BeforeHead => {
                self.stall_before_head.get_or_insert(silence);
            }
            Point::AfterBody(bytes) => self.pace().stall_at(bytes.get(), silence),
        }
    }

    fn cut(&mut self, point: Point, cut: Cut) {
        match point {
            Point::BeforeHead => {
                self.cut_before_head.get_or_insert(cut);
            }
            Point::AfterBody(bytes) => self.pace().cut_at(bytes.get(), cut),
        }
    }

    fn pace(&mut self) -> &mut Pace {
        self.pace.get_or_insert_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(fault: Fault, requests: usize) -> Vec<bool> {
        let mut plan = FaultPlan::new(vec![fault]);
        (0..requests)
            .map(|_| plan.next(Some(Operation::BlobGet)).delay > Duration::ZERO)
            .collect()
    }

    const DELAY: FaultKind = FaultKind::Delay(Duration::from_millis(5));

    #[test]
    fn windows_and_turns_are_counted_in_matching_requests() {
        let every = Fault::on(Operation::BlobGet, DELAY)
            .when(When::Every(2))
            .window(1, Some(4));
        // Request 0 is before the window; 1..=4 are in it, and of these the second and the fourth.
        assert_eq!(
            struck(every, 7),
            [false, false, true, false, true, false, false]
        );
        let mut plan = FaultPlan::new(vec![Fault::on(Operation::BlobGet, DELAY).window(1, None)]);
        assert_eq!(plan.next(Some(Operation::Ping)).delay, Duration::ZERO);
        assert_eq!(plan.next(Some(Operation::BlobGet)).delay, Duration::ZERO);
        assert_eq!(plan.next(None).delay, Duration::ZERO);
        assert_ne!(plan.next(Some(Operation::BlobGet)).delay, Duration::ZERO);
    }

    #[test]
    fn chance_follows_the_seed() {
        let half = |seed| {
            let share = Ratio::try_new(0.5).unwrap();
            Fault::everywhere(DELAY).when(When::Probability(share, seed))
        };
        let first = struck(half(1), 1000);
        assert_eq!(first, struck(half(1), 1000));
        assert_ne!(first, struck(half(2), 1000));
        let hits = first.iter().filter(|hit| **hit).count();
        // 1000 fair coins: five standard deviations are 79.
        assert!((421..=579).contains(&hits), "{hits}");
    }

    #[test]
    fn delays_add_up_and_the_first_refusal_acts() {
        let status = |status| FaultKind::Status {
            status,
            code: None,
            retry_after: None,
        };
        let mut plan = FaultPlan::new(vec![
            Fault::everywhere(DELAY),
            Fault::everywhere(status(StatusCode::BAD_GATEWAY)),
            Fault::everywhere(DELAY),
            Fault::everywhere(status(StatusCode::NOT_FOUND)),
        ]);
        let effects = plan.next(None);
        assert_eq!(effects.delay, Duration::from_millis(10));
        assert_eq!(effects.refuse.unwrap().status, StatusCode::BAD_GATEWAY);
    }

    #[test]
    fn lengths_are_drawn_for_each_request_and_follow_the_seed() {
        let (low, high) = (Duration::from_millis(10), Duration::from_millis(20));
        let drawn = |seed, when| {
            let lengths = Lengths::uniform(low, high).unwrap().seeded(seed);
            let fault = Fault::everywhere(FaultKind::DrawnDelay(lengths)).when(when);
            let mut plan = FaultPlan::new(vec![fault]);
            (0..100).map(|_| plan.next(None).delay).collect::<Vec<_>>()
        };
        let first = drawn(1, When::Always);
        assert!(first.iter().all(|delay| (low..=high).contains(delay)));
        assert!(first.iter().any(|delay| *delay != first[0]));
        assert_eq!(first, drawn(1, When::Always));
        assert_ne!(first, drawn(2, When::Always));
    }

    #[test]
    fn a_freeze_comes_in_its_window() {
        let second = Duration::from_secs(1);
        let fault = Fault::everywhere(FaultKind::Freeze(second)).window(2, Some(1));
        let mut plan = FaultPlan::new(vec![fault]);
        let freezes: Vec<_> = (0..4).map(|_| plan.next(None).freeze).collect();
        assert_eq!(freezes, [None, None, Some(second), None]);
    }
}
