//! When users live whose number goes up and down.

use std::time::Duration;

use super::Span;
use super::curve::{nanos, narrow};

/// A number of users that goes from one value to the next in straight lines.
///
/// As in k6: while the line climbs, user number `k`, counted from one, starts when the line reaches `k`; while it falls,
/// that user stops when the line reaches `k - 1`. Users who are there from the beginning start with the load, and all
/// stop with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Users {
    start: u32,
    stages: Vec<UserStage>,
}

/// A straight line from the number of users before to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserStage {
    /// How long; zero for a jump.
    pub duration: Duration,
    /// How many users there are at its end.
    pub target: u32,
}

impl Users {
    /// That many users at the beginning, and what follows.
    pub const fn new(start: u32, stages: Vec<UserStage>) -> Self {
        Self { start, stages }
    }

    /// Returns how many there are at the beginning.
    pub const fn start(&self) -> u32 {
        self.start
    }

    /// Returns the lines that follow, in order.
    pub fn lines(&self) -> &[UserStage] {
        &self.stages
    }

    /// Returns the most users that live at once.
    pub fn peak(&self) -> u32 {
        let targets = self.stages.iter().map(|it| it.target);
        targets.fold(self.start, u32::max)
    }

    /// Returns how long the load is.
    pub fn length(&self) -> Duration {
        self.stages().last().map_or(Duration::ZERO, |it| it.until)
    }

    /// Returns when each stage begins and ends.
    pub fn stages(&self) -> Vec<Span> {
        Span::chain(self.stages.iter().map(|it| it.duration))
    }

    /// Returns when a user lives, counted from zero: spans that are not empty and do not touch, in order.
    ///
    /// Rounded down to a nanosecond. There is nothing for users from [`peak`](Self::peak) on.
    pub fn spans(&self, user: u32) -> impl Iterator<Item = Span> + use<> {
        let mut spans: Vec<Span> = Vec::new();
        let mut close = |from: Duration, until: Duration| match spans.last_mut() {
            _ if from == until => {}
            // Away and back in the same instant is not away.
            Some(last) if last.until == from => last.until = until,
            _ => spans.push(Span { from, until }),
        };
        let mut since = (user < self.start).then_some(Duration::ZERO);
        let mut before = self.start;
        for (stage, span) in self.stages.iter().zip(self.stages()) {
            let after = stage.target;
            // How many other users start or stop before this one does.
            let crossing = |steps: u32, of: u32| {
                let share = u128::from(nanos(stage.duration)) * u128::from(steps) / u128::from(of);
                span.from + Duration::from_nanos(narrow(share))
            };
            match since {
                None if user < after => {
                    since = Some(crossing(user + 1 - before, after - before));
                }
                Some(from) if user >= after => {
                    close(from, crossing(before - user, before - after));
                    since = None;
                }
                _ => {}
            }
            before = after;
        }
        if let Some(from) = since {
            close(from, self.length());
        }
        spans.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn users(start: u32, stages: &[(u64, u32)]) -> Users {
        let stage = |&(seconds, target)| UserStage {
            duration: Duration::from_secs(seconds),
            target,
        };
        Users::new(start, stages.iter().map(stage).collect())
    }

    /// In milliseconds.
    fn spans(users: &Users, user: u32) -> Vec<(u128, u128)> {
        let spans = users.spans(user);
        spans
            .map(|it| (it.from.as_millis(), it.until.as_millis()))
            .collect()
    }

    fn alive(users: &Users, at: Duration) -> usize {
        let lives = |user| users.spans(user).any(|span| span.contains(at));
        (0..users.peak()).filter(|user| lives(*user)).count()
    }

    /// The chart in k6's own description of `ramping-vus`: 0 to 10 in ten seconds and back.
    #[test]
    fn climbs_and_falls_as_in_k6() {
        let ten = users(0, &[(10, 10), (10, 0)]);
        let seen: Vec<usize> = (0..20).map(|second| alive(&ten, second * SECOND)).collect();
        let chart = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1];
        assert_eq!(seen, chart);
        assert_eq!(spans(&ten, 0), [(1_000, 20_000)]);
        assert_eq!(spans(&ten, 9), [(10_000, 11_000)]);
        assert_eq!(spans(&ten, 10), []);
        assert_eq!((ten.peak(), ten.length()), (10, 20 * SECOND));
    }

    /// 4 users, up to 6, down to 1, up to 5, down to 1, up to 4, hold, down to 1: the ups and downs in k6's source.
    #[test]
    fn users_come_back() {
        let example = users(4, &[(2, 6), (5, 1), (4, 5), (4, 1), (3, 4), (3, 4), (3, 1)]);
        // User 4, the fifth: at 1 s the line is 5; it falls to 4 two seconds after 2 s; it is 5 at 11 s, 4 at 12 s.
        assert_eq!(spans(&example, 4), [(1_000, 4_000), (11_000, 12_000)]);
        // The fourth lives from the beginning, until the line is 3 at 5 s, from 10 s until 13 s, and from 18 s until
        // the line is 3 again, a third of the way from 4 to 1 in the stage that begins at 21 s.
        assert_eq!(
            spans(&example, 3),
            [(0, 5_000), (10_000, 13_000), (18_000, 22_000)]
        );
        assert_eq!(spans(&example, 0), [(0, 24_000)]);
    }

    #[test]
    fn jumps_and_holds() {
        let jump = users(1, &[(1, 1), (0, 3), (2, 3), (0, 0), (1, 0)]);
        assert_eq!(spans(&jump, 0), [(0, 3_000)]);
        assert_eq!(spans(&jump, 2), [(1_000, 3_000)]);
        // Down and up in the same instant.
        let blink = users(2, &[(1, 2), (0, 0), (0, 2), (1, 2)]);
        assert_eq!(spans(&blink, 1), [(0, 2_000)]);
        // A user who would live for no time at all does not.
        let flash = users(0, &[(1, 0), (0, 5), (0, 0), (1, 0)]);
        assert_eq!((spans(&flash, 0), flash.peak()), (vec![], 5));
        assert_eq!(spans(&users(3, &[]), 0), []);
    }

    #[test]
    fn an_instant_between_is_rounded_down() {
        let three = users(0, &[(1, 3)]);
        let first = three.spans(0).next().unwrap();
        assert_eq!(first.from, Duration::from_nanos(333_333_333));
        let second = three.spans(1).next().unwrap();
        assert_eq!(second.from, Duration::from_nanos(666_666_666));
        // The third would start when all is over.
        assert_eq!(three.spans(2).count(), 0);
    }
}
