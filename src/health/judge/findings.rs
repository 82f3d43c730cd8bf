//! Where reasons are gathered.

use std::cmp::Reverse;

use super::super::{Health, Level, NotJudged, Reason, Signal, Signals, TargetHost, Why};
use super::advice;
use super::bounds::Bounds;

/// The reasons so far, and what could not be judged.
#[derive(Debug, Default)]
pub(super) struct Findings {
    reasons: Vec<Reason>,
    not_judged: Vec<NotJudged>,
}

impl Findings {
    /// Holds a number against its bounds, or notes why there is none.
    pub(super) fn hold(
        &mut self,
        signal: Signal,
        subject: Option<&str>,
        value: Result<f64, Why>,
        bounds: Bounds,
    ) {
        match value {
            Err(why) => self.not_judged(signal, subject, why),
            Ok(value) => {
                if let Some((level, bound)) = bounds.exceeded_by(value) {
                    let observed = bounds.unit.show(value);
                    self.found(level, (signal, subject), observed, bounds.show(bound));
                }
            }
        }
    }

    /// Notes a reason.
    pub(super) fn found(
        &mut self,
        level: Level,
        (signal, subject): (Signal, Option<&str>),
        observed: String,
        bound: String,
    ) {
        self.reasons.push(Reason {
            level,
            signal,
            subject: subject.map(str::to_owned),
            observed,
            bound,
            advice: String::new(), // of all reasons together, when they are known
        });
    }

    /// Notes that nothing can be said.
    pub(super) fn not_judged(&mut self, signal: Signal, subject: Option<&str>, why: Why) {
        self.not_judged.push(NotJudged {
            signal,
            subject: subject.map(str::to_owned),
            why,
        });
    }

    pub(super) fn into_health(mut self, signals: &Signals, target_host: TargetHost) -> Health {
        advice::give(&mut self.reasons, signals);
        // Stable: within a level and a signal, the order of the plan and of the workers.
        self.reasons
            .sort_by_key(|reason| (Reverse(reason.level), reason.signal));
        Health {
            reasons: self.reasons,
            not_judged: self.not_judged,
            target_host,
        }
    }
}
