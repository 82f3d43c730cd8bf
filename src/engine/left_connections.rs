//! Connections that a user opens and leaves on purpose: each is a task, and ends in exactly one count.

use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::context::Context;
use crate::measure::{LeftConnectionEnd, Period, TrackId};
use crate::registry::Client;
use crate::transport::{Error, LeftConnection};

/// The connections that one user has left. Dropping this closes them.
#[derive(Debug, Default)]
pub(super) struct LeftConnections(JoinSet<()>);

impl LeftConnections {
    /// Leaves one more, if the client's habits and the draw of this iteration say so, and the user has room for it.
    pub(super) fn leave(
        &mut self,
        context: &Rc<Context>,
        client: &Client,
        (track, period): (TrackId, Period),
    ) {
        let Some(habit) = client.habits().misbehave.leave_connections else {
            return;
        };
        // Drawn also where there is no room: what else this iteration does must not depend on the registry.
        let is_drawn = client.draws(habit.share);
        while self.0.try_join_next().is_some() {}
        if !is_drawn || self.0.len() >= habit.count.get() {
            return;
        }
        let counted = Counted::begin(context, (track, period));
        let opening = client.leave_connection(habit.after);
        self.0.spawn_local(left(opening, habit.time, counted));
    }

    /// Closes them all.
    pub(super) async fn close(&mut self) {
        self.0.shutdown().await;
    }
}

/// One connection, from the attempt to open it to its end.
async fn left(
    opening: impl Future<Output = Result<LeftConnection, Error>>,
    time: Option<Duration>,
    mut counted: Counted,
) {
    let mut connection = match opening.await {
        Ok(connection) => connection,
        Err(error) => {
            let note = format!("a connection that was to be left could not be opened: {error}");
            counted.context.note(note);
            counted.end = LeftConnectionEnd::Failed;
            return;
        }
    };
    counted.end = LeftConnectionEnd::Kept;
    let since = Instant::now();
    let closed = timeout(time.unwrap_or(Duration::MAX), connection.closed()).await;
    if closed.is_ok() {
        counted.end = LeftConnectionEnd::Closed(since.elapsed());
    }
}

/// Counts the end of a connection when it is dropped, also with its task.
struct Counted {
    context: Rc<Context>,
    place: (TrackId, Period),
    end: LeftConnectionEnd, // as it would be now
}

impl Counted {
    fn begin(context: &Rc<Context>, (track, period): (TrackId, Period)) -> Self {
        let mut recorder = context.recorder.borrow_mut();
        recorder.leaves_connection(track, period);
        Self {
            context: Rc::clone(context),
            place: (track, period),
            end: LeftConnectionEnd::Cancelled,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let (track, period) = self.place;
        let mut recorder = self.context.recorder.borrow_mut();
        recorder.left_connection(track, period, self.end);
    }
}
