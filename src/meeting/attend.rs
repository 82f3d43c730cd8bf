//! The connection of a host to one guest.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, split};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::book::{Book, Phase, State};
use super::frame::{self, MOST};
use super::message::{FromGuest, FromHost, Refusal, Snapshot};
use crate::transport::Duplex;

/// How often a guest is asked what time it is there, and so heard of.
const ASK_EVERY: Duration = Duration::from_millis(250);

/// How often in the beginning, until its clock is known well.
const ASK_OFTEN: Duration = Duration::from_millis(10);

/// So many of these.
const OFTEN: u32 = 50;

/// The most questions that are not answered yet.
const UNANSWERED: usize = 100;

/// Speaks with a guest that is welcome, until one of both is gone.
pub(super) async fn attend(
    stream: Box<dyn Duplex>,
    book: &Book,
    (index, connection): (u32, u64),
    phase: watch::Receiver<Phase>,
) {
    let (from, to) = split(stream);
    let (asked, questions) = mpsc::channel(UNANSWERED);
    let (received, receipts) = mpsc::channel(1);
    let place = (index, connection);
    let why = tokio::select! {
        why = hear(from, book, place, (questions, received)) => why,
        why = speak(to, book, place, (phase, asked, receipts)) => why,
    };
    book.leaves(place, why);
}

/// Hears a guest to its end, and returns why that has come.
async fn hear(
    mut from: impl AsyncRead + Unpin,
    book: &Book,
    place: (u32, u64),
    (mut questions, received): (mpsc::Receiver<Instant>, mpsc::Sender<()>),
) -> String {
    loop {
        let message = match frame::read(&mut from, MOST).await {
            Ok(message) => message,
            Err(error) => return error.to_string(),
        };
        match message {
            FromGuest::Pong(theirs) => {
                let now = Instant::now();
                // Answers come in the order of the questions.
                if let Ok(asked) = questions.try_recv() {
                    book.with(place, |peer| peer.clock.heard(asked, now, theirs));
                }
            }
            FromGuest::Ready => book.with(place, |peer| peer.state = State::Ready),
            FromGuest::Live(snapshot) => book.with(place, |peer| {
                let Snapshot { live, observed } = *snapshot;
                peer.last.live = live;
                if !observed.is_empty() {
                    peer.last.observed = observed;
                }
            }),
            FromGuest::Ended(report) => {
                // The receipt comes first: once the last guest has ended the host leaves, and says that instead.
                let _ = received.try_send(());
                book.with(place, |peer| peer.state = State::Ended(report));
            }
            FromGuest::Failed(why) => return format!("it says: {why}"),
        }
    }
}

/// Tells a guest how far the host has come, and asks it for the time.
async fn speak(
    mut to: impl AsyncWrite + Unpin,
    book: &Book,
    place: (u32, u64),
    (mut phase, asked, mut receipts): (
        watch::Receiver<Phase>,
        mpsc::Sender<Instant>,
        mpsc::Receiver<()>,
    ),
) -> String {
    let mut often = interval(ASK_OFTEN);
    let mut seldom = interval(ASK_EVERY);
    often.set_missed_tick_behavior(MissedTickBehavior::Delay);
    seldom.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut questions = 0_u32;
    phase.mark_changed();
    loop {
        let message = tokio::select! {
            biased;
            Some(()) = receipts.recv() => FromHost::Received,
            changed = phase.changed() => {
                if changed.is_err() {
                    return "the host has left".to_owned();
                }
                let phase = phase.borrow_and_update().clone();
                match phase {
                    Phase::Gathering => continue,
                    Phase::Prepared => FromHost::Prepared,
                    Phase::Started(at) => match book.start(place, at) {
                        Some(theirs) => FromHost::Start(theirs),
                        None => return "its clock is not known".to_owned(),
                    },
                    Phase::Draining => FromHost::Drain,
                    Phase::Aborting => FromHost::Abort,
                    Phase::Over(why) => FromHost::Over(why),
                }
            }
            _ = often.tick(), if questions < OFTEN => FromHost::Ping,
            _ = seldom.tick() => FromHost::Ping,
        };
        // Two processes would send the load of one shard twice.
        let message = if book.counts(place.0, place.1) {
            message
        } else {
            FromHost::Over(Refusal::Replaced.to_string())
        };
        let is_question = matches!(message, FromHost::Ping);
        if is_question {
            questions = questions.saturating_add(1);
            if asked.try_send(Instant::now()).is_err() {
                // It does not answer; whether it is lost, its silence says.
                continue;
            }
        }
        let is_last = matches!(message, FromHost::Over(_) | FromHost::Received);
        if let Err(error) = frame::write(&mut to, &message).await {
            return error.to_string();
        }
        if is_last {
            return "it was told that there is nothing more to do".to_owned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine;

    /// A guest whose report is there is done, also where the host leaves at that moment.
    #[tokio::test]
    async fn a_guest_that_has_ended_hears_that_before_it_hears_the_end_of_the_host() {
        // Often enough that it is not by chance.
        for _ in 0..64 {
            let (_stopper, stop) = engine::stop();
            let book = Book::of(1..2, stop);
            book.enters((1, 1), "here").unwrap();
            let (ours, mut theirs) = tokio::io::duplex(1 << 16);
            let (asked, _questions) = mpsc::channel(UNANSWERED);
            let (received, receipts) = mpsc::channel(1);
            received.try_send(()).unwrap();
            book.phase
                .send_replace(Phase::Over("the first shard has ended".to_owned()));
            let phase = book.phase.subscribe();
            speak(ours, &book, (1, 1), (phase, asked, receipts)).await;
            let first: FromHost = frame::read(&mut theirs, MOST).await.unwrap();
            assert!(matches!(first, FromHost::Received), "{first:?}");
        }
    }
}
