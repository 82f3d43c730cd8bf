//! What went wrong with a source, each kind once.

use std::borrow::Cow;
use std::time::Duration;

use super::reading::micros;
use super::record::Problem;

/// The most kinds that are kept.
const MOST: usize = 20;

/// Problems by their text.
#[derive(Debug, Default)]
pub(super) struct Problems {
    known: Vec<(Cow<'static, str>, u64, Duration)>,
    /// Those of further kinds.
    others: u64,
}

impl Problems {
    pub(super) const fn new() -> Self {
        Self {
            known: Vec::new(),
            others: 0,
        }
    }

    /// Adds one, which occurred that long after the window opened. Returns `true` if it is the first of its kind.
    pub(super) fn add(&mut self, text: Cow<'static, str>, at: Duration) -> bool {
        let mut known = self.known.iter_mut();
        if let Some((_, count, _)) = known.find(|(it, ..)| *it == text) {
            *count += 1;
            return false;
        }
        let has_room = self.known.len() < MOST;
        if has_room {
            self.known.push((text, 1, at));
        } else {
            self.others += 1;
        }
        has_room
    }

    pub(super) fn list(&self) -> Vec<Problem> {
        let known = self.known.iter().map(|(text, count, first)| Problem {
            text: text.clone().into_owned(),
            count: *count,
            first_us: micros(*first),
        });
        let mut problems: Vec<Problem> = known.collect();
        if self.others > 0 {
            problems.push(Problem {
                text: "problems of further kinds".to_owned(),
                count: self.others,
                first_us: 0,
            });
        }
        problems
    }
}
