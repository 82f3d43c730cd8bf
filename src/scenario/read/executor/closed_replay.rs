//! `closed-replay`: users that share the sessions of a trace, each with the next one when it is done.

use std::time::Duration;

use super::kind::Kind;
use super::length::{Length, MAX_DURATION};
use super::quota::Quota;
use super::replay_schedule::{Unfit, length_at, speed};
use crate::keys::codec::{DAY, MS, time, whole};
use crate::keys::define::keys;
use crate::trace::replay::Sessions;

keys! {
    /// Users share the sessions of a trace: whichever is free begins the next.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ClosedReplay {
        /// Virtual users, at most as many as there are sessions.
        pub vus: u32 => whole(1..=1_000_000), 10, needed;
        /// What the recorded think times between the requests of a session are divided by.
        pub speed: f64 = 1.0 => speed(), 30;
        /// No session begins after that.
        pub max_duration: Duration = MAX_DURATION => time(100 * MS..=7 * DAY), "1h";
        /// The number of sessions; 0 until the trace of the journey is known.
        pub sessions: u64;
        /// How long their recording is at that speed.
        pub recorded_length: Duration;
    }
}

impl ClosedReplay {
    /// Returns the executor for these sessions, or why it does not fit them.
    pub(super) fn of_sessions(mut self, sessions: &Sessions) -> Result<Self, Unfit> {
        self.sessions = sessions.sessions().len() as u64;
        self.recorded_length = length_at(self.speed, sessions);
        if u64::from(self.vus) > self.sessions {
            return Err(Unfit {
                message: format!(
                    "some users would have nothing to do: the slice has {} sessions",
                    self.sessions
                ),
                label: "lower `vus`, or change the slice of the journey",
            });
        }
        Ok(self)
    }
}

impl Kind for ClosedReplay {
    const WORD: &'static str = "closed-replay";
    const MEANING: &'static str = "shares sessions between users";
    const TEXT: &'static str = "Users share the sessions of the journey's trace, in the order of their starts: whichever is free begins the next. Between the requests of a session it thinks as long as was recorded. The journey has `action = \"replay\"`.";

    fn vus(&self) -> u32 {
        self.vus
    }

    fn length(&self) -> Length {
        Length::AtMost(self.max_duration)
    }

    fn quota(&self) -> Quota {
        Quota::Together(self.sessions)
    }
}
