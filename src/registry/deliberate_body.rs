//! The body of an upload that is broken off, stalls or creeps on purpose.

use std::fmt;
use std::io;

use bytes::Bytes;
use futures_util::stream;
use tokio::task::yield_now;
use tokio::time::sleep;

use super::client::Client;
use super::manners::Manners;
use super::pace::Pace;
use crate::exchange::Misbehaviour;
use crate::transport::{self, Body};

/// The error of a body that its client breaks off.
#[derive(Debug)]
struct BrokenOff;

impl fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client broke the upload off, on purpose")
    }
}

impl std::error::Error for BrokenOff {}

/// Returns what a failed exchange is, if its client provoked the failure.
pub(super) fn provoked(error: &transport::Error, is_slow: bool) -> Option<Misbehaviour> {
    match error {
        transport::Error::Content(error)
            if error
                .get_ref()
                .is_some_and(<dyn std::error::Error + Send + Sync>::is::<BrokenOff>) =>
        {
            Some(Misbehaviour::Aborted)
        }
        transport::Error::Reset { .. } if is_slow => Some(Misbehaviour::CutOff),
        _ => None,
    }
}

impl Client {
    /// Makes a body of frames that is sent in that way. `length`: the bytes that they add up to, which are declared; without it
    /// they are sent with chunked transfer encoding.
    pub fn body_with_manners(
        &self,
        frames: impl Iterator<Item = io::Result<Bytes>> + 'static,
        length: Option<u64>,
        manners: Manners,
    ) -> Body {
        let sending = Sending {
            frames,
            part: Bytes::new(),
            passed: 0,
            manners,
            pace: self.inner.writing.clone(),
        };
        let frames = stream::unfold(sending, |mut sending| async move {
            let next = sending.next().await?;
            Some((next, sending))
        });
        let body = Body::awaited(frames, length);
        if manners.is_slow() { body.slow() } else { body }
    }
}

/// A body that is being sent by a client that misbehaves.
struct Sending<I> {
    frames: I,
    part: Bytes, // of a frame, not sent yet
    passed: u64,
    manners: Manners,
    pace: Pace,
}

impl<I: Iterator<Item = io::Result<Bytes>>> Sending<I> {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.manners.abort_at.is_some_and(|at| at <= self.passed) {
            // What was handed over is written before the connection is closed.
            yield_now().await;
            return Some(Err(io::Error::other(BrokenOff)));
        }
        while self.part.is_empty() {
            match self.frames.next()? {
                Ok(part) => self.part = part,
                Err(error) => return Some(Err(error)),
            }
        }
        let passed = self.passed;
        if let Some((_, time)) = self.manners.stall.take_if(|(at, _)| *at <= passed) {
            sleep(time).await;
        }
        let piece = self
            .part
            .split_to(self.manners.most(passed, self.part.len()));
        let length = piece.len() as u64;
        if let Some(rate) = self.manners.rate {
            self.pace.pass(length, rate).await;
        }
        self.passed += length;
        Some(Ok(piece))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    const PLAIN: Manners = Manners {
        abort_at: None,
        resume: false,
        stall: None,
        rate: None,
    };

    async fn sent(manners: Manners) -> (Vec<usize>, bool) {
        let frames = [vec![1; 10], vec![2; 10]].map(|it| Ok(Bytes::from(it)));
        let mut sending = Sending {
            frames: frames.into_iter(),
            part: Bytes::new(),
            passed: 0,
            manners,
            pace: Pace::default(),
        };
        let mut pieces = Vec::new();
        loop {
            match sending.next().await {
                None => return (pieces, false),
                Some(Ok(piece)) => pieces.push(piece.len()),
                Some(Err(_)) => return (pieces, true),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_ends_pauses_and_creeps_where_it_is_to() {
        let began = Instant::now();
        assert_eq!(sent(PLAIN).await, (vec![10, 10], false));
        let abort = |at| Manners {
            abort_at: Some(at),
            ..PLAIN
        };
        assert_eq!(sent(abort(0)).await, (vec![], true));
        assert_eq!(sent(abort(15)).await, (vec![10, 5], true));
        assert_eq!(began.elapsed(), Duration::ZERO);
        let stalled = Manners {
            stall: Some((4, Duration::from_secs(3))),
            ..PLAIN
        };
        assert_eq!(sent(stalled).await, (vec![4, 6, 10], false));
        assert_eq!(began.elapsed(), Duration::from_secs(3));
        // Forty bytes a second are five an eighth.
        let slow = Manners {
            rate: Some(40),
            ..PLAIN
        };
        assert_eq!(sent(slow).await, (vec![5, 5, 5, 5], false));
        assert_eq!(began.elapsed(), Duration::from_millis(3_500));
    }
}
