//! A client's connection: greeted, served by hyper, and ended the way the exchange on it asked for.

use std::pin::{Pin, pin};
use std::rc::Rc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::HandshakeKind;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::connection_state::ConnectionState;
use super::service;
use super::site::Site;
use super::timeouts::{Activity, Over};
use super::wire::{Socket, Wire};

/// How long a client may take for the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// What HTTP/2 begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// How long a connection has to end in good order, once it had its time.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves a client until it leaves, is cut, or has had its time.
pub(super) async fn serve(
    site: Rc<Site>,
    connection: Rc<ConnectionState>,
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
) {
    let open = Open {
        site: Rc::clone(&site),
        connection: Rc::clone(&connection),
    };
    let greeted = tokio::select! {
        biased;
        greeted = greet(&site, stream, tls) => greeted,
        _ = connection.activity.over() => None,
    };
    let Some((socket, begun, http2)) = greeted else {
        return;
    };
    let wire = TokioIo::new(Wire::new(socket, begun, Rc::clone(&connection)));
    let activity = Rc::clone(&connection.activity);
    // An error here is a client that left, or a cut we asked for; both are counted where they happen.
    if http2 {
        site.tally.http2_connections.add(1);
        activity.is_multiplexed();
        let streams = site.settings.max_streams;
        let service = service_fn(move |request| {
            service::serve(Rc::clone(&site), connection.stream(), request)
        });
        let served = http2::Builder::new(Tasks)
            .max_concurrent_streams(streams)
            .serve_connection(wire, service);
        to_its_end(&activity, served, http2::Connection::graceful_shutdown).await;
    } else {
        let service = service_fn(move |request| {
            service::serve(Rc::clone(&site), Rc::clone(&connection), request)
        });
        let served = http1::Builder::new().serve_connection(wire, service);
        to_its_end(&activity, served, http1::Connection::graceful_shutdown).await;
    }
    drop(open);
}

/// Serves a connection until it ends or has had its time. An idle one ends in good order (GOAWAY over HTTP/2).
async fn to_its_end<C: Future>(activity: &Activity, served: C, shut_down: fn(Pin<&mut C>)) {
    let mut served = pin!(served);
    let over = tokio::select! {
        biased;
        _ = served.as_mut() => return,
        over = activity.over() => over,
    };
    if over == Over::Idle {
        shut_down(served.as_mut());
        let _ = timeout(FAREWELL, served).await;
    }
}

/// Returns the socket of a client once it is known what it speaks, the bytes that were read to find out, and whether that is
/// HTTP/2. `None`: the handshake failed.
async fn greet(
    site: &Site,
    mut stream: TcpStream,
    tls: Option<TlsAcceptor>,
) -> Option<(Socket, Vec<u8>, bool)> {
    let Some(tls) = tls else {
        let begun = beginning(&mut stream).await;
        let http2 = begun.starts_with(PREFACE);
        return Some((Socket::Plain(stream), begun, http2));
    };
    let stream = timeout(HANDSHAKE, tls.accept(stream)).await.ok()?.ok()?;
    let session = stream.get_ref().1;
    match session.handshake_kind() {
        Some(HandshakeKind::Resumed) => site.tally.resumed_handshakes.add(1),
        _ => site.tally.full_handshakes.add(1),
    }
    let http2 = session.alpn_protocol() == Some(b"h2");
    Some((Socket::Tls(Box::new(stream)), Vec::new(), http2))
}

/// Reads until it is known whether the client speaks HTTP/2 without having been asked, or sends no more.
async fn beginning(stream: &mut TcpStream) -> Vec<u8> {
    let mut begun = Vec::with_capacity(PREFACE.len());
    while begun.len() < PREFACE.len() && PREFACE.starts_with(&begun) {
        let mut rest = [0; PREFACE.len()];
        let room = PREFACE.len() - begun.len();
        match stream.read(&mut rest[..room]).await {
            Ok(length @ 1..) => begun.extend_from_slice(&rest[..length]),
            // hyper reads the same, and ends the connection.
            Ok(0) | Err(_) => break,
        }
    }
    begun
}

/// Runs the streams of an HTTP/2 connection on the registry's one thread.
#[derive(Clone)]
struct Tasks;

impl<F: Future + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(async move { drop(task.await) });
    }
}

/// Counts a connection as open while it lives, even if its task is dropped.
struct Open {
    site: Rc<Site>,
    connection: Rc<ConnectionState>,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(record) = &*self.connection.record.borrow() {
            record.closed();
        }
        self.site.open_connections.remove(self.connection.id);
        self.site.tally.closed_connections.add(1);
    }
}
