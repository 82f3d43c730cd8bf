//! Waiting for an instant more precisely than the event loop's own timer does.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd, RawFd};

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

/// Wakes one task at one instant after the other.
///
/// tokio's timer counts whole milliseconds and rounds up, so it wakes 1 to 2 ms late: at 10,000 starts a second, twenty
/// starts. This is a timer of the kernel on the worker's own event loop. A thread of its own was refused: handing a
/// wake-up to another thread costs what it would save. Spinning was refused: it takes a core from the target.
#[derive(Debug)]
pub struct Pacer(Clock);

#[derive(Debug)]
enum Clock {
    Kernel(AsyncFd<Timer>),
    /// A paused clock, which each wait moves.
    #[cfg(test)]
    Paused,
}

#[derive(Debug)]
struct Timer(TimerFd);

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Pacer {
    /// Creates a pacer for the event loop that this is called on.
    ///
    /// # Errors
    /// When the system has no file descriptor left for it.
    ///
    /// # Panics
    /// Outside an event loop.
    pub fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = Timer(TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?);
        #[expect(
            deprecated,
            reason = "what replaces it is unsafe, for types that may change their descriptor: this one owns its own"
        )]
        let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
        Ok(Self(Clock::Kernel(timer)))
    }

    #[cfg(test)]
    pub(super) const fn paused() -> Self {
        Self(Clock::Paused)
    }

    /// Waits until then; not at all if it is past. Never wakes early. Gives the time at which it woke.
    ///
    /// # Errors
    /// When the system refuses the timer, which it does for no instant that a run can have.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn wait_until(&mut self, instant: Instant) -> io::Result<Instant> {
        loop {
            let now = Instant::now();
            if now >= instant {
                return Ok(now);
            }
            match &self.0 {
                Clock::Kernel(timer) => {
                    // Less than a nanosecond would disarm it; `now < instant`, so it is at least one.
                    let left = TimeSpec::from_duration(instant.duration_since(now));
                    let once = Expiration::OneShot(left);
                    timer.get_ref().0.set(once, TimerSetTimeFlags::empty())?;
                    // Setting the timer takes back an expiry that was not read, and the event loop is notified of each
                    // new one, so that reading it would be a wasted system call. This is a loop because a
                    // notification may be of an expiry before.
                    timer.readable().await?.clear_ready();
                }
                #[cfg(test)]
                Clock::Paused => tokio::time::advance(instant.duration_since(now)).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn never_wakes_early_and_takes_instants_that_are_past() {
        let mut pacer = Pacer::new().unwrap();
        let start = Instant::now();
        for micros in [0, 50, 1_000, 900, 3_000] {
            let due = start + Duration::from_micros(micros);
            let woke = pacer.wait_until(due).await.unwrap();
            assert!(woke >= due);
            assert!(woke <= Instant::now());
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn can_be_given_up_and_used_again() {
        let mut pacer = Pacer::new().unwrap();
        let far = Instant::now() + Duration::from_hours(1);
        let early = tokio::time::timeout(Duration::from_millis(5), pacer.wait_until(far)).await;
        assert!(early.is_err());
        let near = Instant::now() + Duration::from_millis(1);
        assert!(pacer.wait_until(near).await.unwrap() >= near);
    }
}
