//! Where guests come in: who is a shard of this run is let in, and who is not is told why.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::attend::attend;
use super::book::Book;
use super::handshake::{self, Claimed, misfit};
use super::line::{self, Failed, Line};
use super::message::{Identity, Refusal};
use super::settings::HostSettings;
use crate::transport::Duplex;

/// Connections at once of peers that have not said who they are; more are closed as they come.
const STRANGERS: usize = 64;

/// How long is waited when none can be accepted.
const PAUSE: Duration = Duration::from_millis(50);

/// How long the last words to the guests may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// What stands at the door.
#[derive(Debug)]
pub(super) struct Door {
    book: Arc<Book>,
    settings: HostSettings,
    identity: Identity,
    run: u64,
    strangers: Arc<Semaphore>,
}

impl Door {
    /// The door of a host with that identity, for a run with that number.
    pub(super) fn new(
        book: &Arc<Book>,
        settings: &HostSettings,
        (identity, run): (&Identity, u64),
    ) -> Self {
        Self {
            book: Arc::clone(book),
            settings: settings.clone(),
            identity: identity.clone(),
            run,
            strangers: Arc::new(Semaphore::new(STRANGERS)),
        }
    }
}

/// Lets in who comes, until the host leaves; who is there then is told.
pub(super) async fn receive(
    listener: TcpListener,
    door: Arc<Door>,
    mut left: oneshot::Receiver<()>,
) {
    let mut guests = JoinSet::new();
    let mut connection = 0;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, from)) = accepted else {
                    // Out of descriptors, for one: others may leave.
                    sleep(PAUSE).await;
                    continue;
                };
                let Ok(stranger) = Arc::clone(&door.strangers).try_acquire_owned() else {
                    continue;
                };
                connection += 1;
                let (door, connection) = (Arc::clone(&door), connection);
                guests.spawn(async move {
                    let _ = stream.set_nodelay(true);
                    let admitted = admit(stream, &door, connection).await;
                    drop(stranger);
                    match admitted {
                        Ok((stream, index)) => {
                            let phase = door.book.phase.subscribe();
                            attend(stream, &door.book, (index, connection), phase).await;
                        }
                        Err(failed) => turn_away(&door.book, from.ip(), failed),
                    }
                });
            }
            Some(_) = guests.join_next() => {}
            _ = &mut left => break,
        }
    }
    drop(listener);
    let farewell = async { while guests.join_next().await.is_some() {} };
    let _ = timeout(FAREWELL, farewell).await;
}

/// Returns the connection and the number of a guest that is welcome.
async fn admit(
    stream: TcpStream,
    door: &Door,
    connection: u64,
) -> Result<(Box<dyn Duplex>, u32), Failed> {
    let HostSettings { token, tls, .. } = &door.settings;
    let mut line = Line::of_guest(stream, tls.as_ref()).await?;
    let claimed: Claimed = handshake::hear(&mut line, token).await?;
    let index = claimed.identity.part.index;
    let refusal = misfit(&door.identity, &claimed.identity);
    let host = &claimed.identity.host;
    let enters = || door.book.enters((index, connection), host);
    let refusal = refusal.or_else(|| enters().err());
    if let Some(refusal) = refusal {
        handshake::refuse(&mut line, refusal.clone()).await;
        return Err(Failed::Refused(refusal));
    }
    if let Err(error) = handshake::welcome(&mut line, token, &claimed, door.run).await {
        door.book.leaves((index, connection), error.to_string());
        return Err(error.into());
    }
    if door.book.counts(index, connection) {
        Ok((line.stream, index))
    } else {
        Err(Failed::Refused(Refusal::Replaced))
    }
}

/// Notes why a guest was not taken. Of what is no shard, and of connections that end, there is nothing to say.
fn turn_away(book: &Book, from: IpAddr, failed: Failed) {
    let why = match failed {
        Failed::Io(_) => return,
        Failed::Refused(refusal) => refusal.to_string(),
        Failed::Tls(problem) => line::of_guest(&problem),
        Failed::Unwanted => {
            "it speaks TLS, and this shard has no certificate (--meet-cert, --meet-key)".to_owned()
        }
    };
    book.turn_away(from, why);
}
