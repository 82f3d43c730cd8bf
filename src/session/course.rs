//! Until when a comparison makes pairs: looks at numbers of them, or a time.

use std::time::Duration;

use super::pair_clock::{PairClock, micros};
use crate::compare::{Budget, Ending, Judged, Look, Looks, MIN_PAIRS, Next};
use crate::result::{BudgetEnd, TimeBudget};

/// Until when pairs are made.
#[derive(Debug, Clone)]
pub enum Until {
    /// Until one of these looks decides, or the last one was had.
    Looks(Looks),
    /// Until it is decided, or there is no time for another pair. Slices may be made longer than they were cut.
    Budget(Duration),
}

/// How far a comparison has come.
#[derive(Debug)]
pub(super) enum Course {
    Looks(Looks),
    Budget(Timed),
}

#[derive(Debug)]
pub(super) struct Timed {
    budget: Duration,
    rule: Budget,
    /// Why it ended, and how long it took.
    ended: Option<(BudgetEnd, Duration)>,
}

impl Course {
    pub(super) fn new(until: Until) -> Self {
        match until {
            Until::Looks(looks) => Self::Looks(looks),
            Until::Budget(budget) => Self::Budget(Timed {
                budget,
                rule: Budget::new(),
                ended: None,
            }),
        }
    }

    /// Looks at that many pairs, if it is the time to, and returns `true` if there are to be no more.
    pub(super) fn is_over(
        &mut self,
        made: usize,
        clock: &PairClock,
        judged: impl Fn(&Look) -> Option<Judged>,
    ) -> bool {
        match self {
            Self::Looks(looks) => {
                looks.pairs().contains(&made)
                    && judged(&looks.look(made))
                        .is_some_and(|it| looks.next(made, &it.decided) == Next::Stop)
            }
            Self::Budget(timed) => {
                if timed.ended.is_none()
                    && let Some(end) = timed.end_at(made, clock, judged)
                {
                    timed.ended = Some((end, clock.elapsed()));
                }
                timed.ended.is_some()
            }
        }
    }

    /// It is at its end for this reason, if it has not come to one.
    pub(super) fn end(&mut self, end: BudgetEnd, clock: &PairClock) {
        if let Self::Budget(timed) = self {
            timed.ended.get_or_insert((end, clock.elapsed()));
        }
    }

    /// Returns how that many pairs are looked at. Between two looks nothing is decided.
    pub(super) fn look(&self, made: usize) -> Look {
        match self {
            Self::Looks(looks) => looks.look(made),
            Self::Budget(timed) => timed.rule.last_look(),
        }
    }

    /// At how many pairs was or will be looked.
    pub(super) fn looks(&self) -> &[usize] {
        match self {
            Self::Looks(looks) => looks.pairs(),
            Self::Budget(timed) => timed.rule.looks(),
        }
    }

    /// Returns how many pairs there will be at the most.
    pub(super) fn planned(&self, clock: &PairClock) -> usize {
        let planned = match self {
            Self::Looks(looks) => looks.pairs().last().copied(),
            Self::Budget(timed) => clock.pair().map(|pair| fit(timed.budget, pair)),
        };
        planned.unwrap_or(0).max(MIN_PAIRS)
    }

    /// Returns how much of the time is left; `None` without one.
    pub(super) fn left(&self, clock: &PairClock) -> Option<Duration> {
        match self {
            Self::Looks(_) => None,
            Self::Budget(timed) => Some(timed.budget.saturating_sub(clock.elapsed())),
        }
    }

    /// Returns what became of the time; `None` without one.
    pub(super) fn budget(&self, clock: &PairClock) -> Option<TimeBudget> {
        let Self::Budget(timed) = self else {
            return None;
        };
        let (ended, took) = timed.ended.unwrap_or((BudgetEnd::Broken, clock.elapsed()));
        Some(TimeBudget {
            budget_us: micros(timed.budget),
            took_us: micros(took),
            pair_us: clock.pair().map(micros),
            ended,
        })
    }
}

impl Timed {
    fn end_at(
        &mut self,
        made: usize,
        clock: &PairClock,
        judged: impl Fn(&Look) -> Option<Judged>,
    ) -> Option<BudgetEnd> {
        let pair = clock.pair()?;
        let more = fit(self.budget.saturating_sub(clock.elapsed()), pair);
        if made + more < MIN_PAIRS {
            return Some(BudgetEnd::TooShort);
        }
        if let Some(look) = self.rule.look(made, more)
            && let Some(judged) = judged(&look)
            && let Some(ending) = Ending::of(&look, &judged.decided, &judged.outlooks)
        {
            return Some(match ending {
                Ending::Decided => BudgetEnd::Decided,
                Ending::Spent => BudgetEnd::Spent,
                Ending::Futile => BudgetEnd::Futile,
            });
        }
        (more == 0).then_some(BudgetEnd::Spent)
    }
}

/// Returns how often one time goes into another.
fn fit(whole: Duration, part: Duration) -> usize {
    usize::try_from(whole.as_nanos() / part.as_nanos().max(1)).unwrap_or(usize::MAX)
}
