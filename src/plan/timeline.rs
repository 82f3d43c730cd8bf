//! When the loads of a plan begin and end, as far as a clock tells.

use std::time::Duration;

use super::{Begin, Length, Load, Plan};
use crate::schedule::Span;

impl Plan {
    /// How long the load runs before it is measured: the longest warm-up of the loads that begin with the run.
    pub fn warm_up(&self) -> Duration {
        let loads = self.loads.iter();
        let first = loads.filter(|load| load.begin == Begin::WITH_THE_RUN);
        first.map(|load| load.warmup).max().unwrap_or_default()
    }

    /// The longest that the measured window can be.
    pub fn window(&self) -> Duration {
        let ends = (0..self.loads.len()).map(|load| self.ends_by(load));
        ends.max().unwrap_or_default()
    }

    /// The shortest that the measured window can be: a load that counts its iterations may be done at once.
    pub fn shortest_window(&self) -> Duration {
        let loads = self.loads.iter();
        let set = loads.filter_map(|it| match it.executor.length() {
            Length::Set(length) => Some(length),
            Length::AtMost(_) => None,
        });
        set.max().unwrap_or_default()
    }

    /// Whether the loads begin or end at different times: then a rate over the window says less of each.
    pub fn is_uneven(&self) -> bool {
        let whole = self.window();
        let uneven = |load: &Load| {
            load.begin != Begin::WITH_THE_RUN || load.executor.length() != Length::Set(whole)
        };
        self.loads.len() > 1 && self.loads.iter().any(uneven)
    }

    /// The span of a stage, since the measured window opens: from its first begin to its last end over all loads that
    /// have a stage of that name; [`Duration::MAX`] where iterations decide when it ends. `None` where they decide when it
    /// begins, and for a name that no stage has.
    pub fn stage_span(&self, name: &str) -> Option<Span> {
        let mut whole: Option<Span> = None;
        for (index, load) in self.loads.iter().enumerate() {
            for stage in load.stages() {
                if stage.name != name {
                    continue;
                }
                let begin = self.measured_from(index)?;
                let from = begin + stage.span.from;
                let until = match load.executor.length() {
                    Length::Set(_) => begin + stage.span.until,
                    // The window ends with the last iteration.
                    Length::AtMost(_) => Duration::MAX,
                };
                whole = Some(whole.map_or(Span { from, until }, |span| Span {
                    from: span.from.min(from),
                    until: span.until.max(until),
                }));
            }
        }
        whole
    }

    /// When a load's first measured iteration may be due, since the window opens; `None` when it waits for a load whose
    /// end no clock tells.
    fn measured_from(&self, load: usize) -> Option<Duration> {
        let it = &self.loads[load];
        let after = match it.begin.after {
            None => Duration::ZERO,
            Some(after) => match self.loads[after].executor.length() {
                Length::Set(_) => {
                    self.measured_from(after)? + self.loads[after].executor.length().longest()
                }
                Length::AtMost(_) => return None,
            },
        };
        Some(after + it.begin.delay + it.own_warm_up())
    }

    /// When a load ends at the latest, since the window opens.
    fn ends_by(&self, load: usize) -> Duration {
        let it = &self.loads[load];
        let after = it.begin.after.map_or(Duration::ZERO, |at| self.ends_by(at));
        after + it.begin.delay + it.own_warm_up() + it.executor.length().longest()
    }
}

impl Load {
    /// Whether it runs before the measured window opens. What begins with the run and can warm up does; what counts its
    /// iterations or follows a line begins with the window, so that all of it is measured.
    pub fn warms_up_before(&self) -> bool {
        self.begin == Begin::WITH_THE_RUN && self.executor.is_constant()
    }

    /// The warm-up that is inside the measured window.
    pub fn own_warm_up(&self) -> Duration {
        if self.warms_up_before() {
            Duration::ZERO
        } else {
            self.warmup
        }
    }
}
