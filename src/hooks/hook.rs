//! A hook: what runs beside a load, and when.

use std::time::Duration;

/// A command that runs beside a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Its name; no other hook of the scenario has it.
    pub name: String,
    /// The program and its arguments. Not empty.
    pub command: Vec<String>,
    /// When it runs.
    pub times: Times,
    /// How long a run may take before it is ended.
    pub timeout: Duration,
}

/// When a hook runs, counted from the opening of the measured window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Times {
    /// At these times, ascending, each once. Not empty.
    At(Vec<Duration>),
    /// Every so often.
    Every {
        /// From one run to the next; above zero.
        every: Duration,
        /// The first run.
        from: Duration,
        /// No run begins at this time or later; without it, runs begin until the load ends.
        until: Option<Duration>,
    },
}

impl Times {
    /// Returns the time of a run by its number, from 0; `None` if there is no such run.
    pub fn nth(&self, number: u32) -> Option<Duration> {
        match self {
            Self::At(times) => times.get(usize::try_from(number).ok()?).copied(),
            Self::Every { every, from, until } => {
                let at = from.checked_add(every.checked_mul(number)?)?;
                until.is_none_or(|until| at < until).then_some(at)
            }
        }
    }

    /// Returns how many runs there are from that one on, where their number is set.
    pub fn left_from(&self, number: u32) -> u64 {
        match self {
            Self::At(times) => (times.len() as u64).saturating_sub(number.into()),
            Self::Every { .. } => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_at_their_times_and_end_before_the_end() {
        let second = Duration::from_secs;
        let at = Times::At(vec![second(3), second(9)]);
        assert_eq!(
            [0, 1, 2].map(|it| at.nth(it)),
            [Some(second(3)), Some(second(9)), None]
        );
        assert_eq!([0, 1, 2, 3].map(|it| at.left_from(it)), [2, 1, 0, 0]);
        let every = Times::Every {
            every: second(10),
            from: second(5),
            until: Some(second(25)),
        };
        assert_eq!(
            [0, 1, 2].map(|it| every.nth(it)),
            [Some(second(5)), Some(second(15)), None]
        );
    }
}
