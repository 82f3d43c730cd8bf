//! Accepts clients, also when the process has no descriptor left for them.

use std::fs::File;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use super::connection::serve;
use super::connection_state::ConnectionState;
use super::site::Site;

/// What is waited before an accept that failed is tried again.
const PAUSE: Duration = Duration::from_millis(10);

/// Accepts the clients of one listening socket.
pub(super) struct Acceptor {
    pub(super) site: Rc<Site>,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) at_storage_host: bool,
}

impl Acceptor {
    /// Accepts until it is dropped.
    pub(super) async fn accept(self, listener: TcpListener) {
        // One descriptor is kept, so that a client can be accepted when there is none: it is served in place of an idle
        // one, or refused with 503.
        let mut spare = None;
        loop {
            if spare.is_none() {
                spare = File::open("/dev/null").ok();
            }
            match listener.accept().await {
                Ok((stream, _)) => self.admit(stream),
                Err(error) if is_short_of_descriptors(&error) && spare.is_some() => {
                    drop(spare.take());
                    // That error may come before a client has connected.
                    if let Some(Ok((stream, _))) = listener.accept().now_or_never() {
                        if self.site.open_connections.make_room() {
                            self.admit(stream);
                            // The other one leaves meanwhile.
                            tokio::task::yield_now().await;
                        } else {
                            self.site.tally.turned_away.add(1);
                            if self.tls.is_none() {
                                turn_away(&stream);
                            }
                        }
                    }
                }
                // No descriptor was given back yet, or a client left before it was accepted.
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    fn admit(&self, stream: TcpStream) {
        let site = &self.site;
        // Without it, small responses wait for acknowledgements. A socket that refuses is dead anyway.
        let _ = stream.set_nodelay(true);
        let connection = ConnectionState::new(site.tally.connections.get(), self.at_storage_host);
        site.tally.connections.add(1);
        site.open_connections
            .add(connection.id, &connection.activity);
        tokio::task::spawn_local(serve(Rc::clone(site), connection, stream, self.tls.clone()));
    }
}

/// Responds that there is no room.
fn turn_away(stream: &TcpStream) {
    const NO_ROOM: &[u8] =
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\
        Connection: close\r\n\r\n";
    let _ = stream.try_write(NO_ROOM);
}

/// Linux: EMFILE, ENFILE.
fn is_short_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(24 | 23))
}
