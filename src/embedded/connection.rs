//! A client's connection: accepted, served by hyper, and ended the way the exchange on it asked for.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::HandshakeKind;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::answer;
use super::pace::Cut;
use super::record::OpenRecord;
use super::site::Site;
use super::wire::{Socket, Wire};

/// What a connection and the exchange on it tell each other. Each stream of HTTP/2 has a line of its own, on which a cut
/// ends the stream.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: u64,
    pub(super) at_storage_host: bool,
    /// How the connection is to be ended, once a fault wants it.
    pub(super) cut: Cell<Option<Cut>>,
    /// The client may still be sending: closing at once would reset it before it has read the answer.
    pub(super) linger: Cell<bool>,
    pub(super) record: RefCell<Option<Rc<OpenRecord>>>,
    is_stream: bool,
    flushed: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
}

impl Line {
    fn new(id: u64, at_storage_host: bool, is_stream: bool) -> Rc<Self> {
        Rc::new(Self {
            id,
            is_stream,
            at_storage_host,
            cut: Cell::new(None),
            linger: Cell::new(false),
            record: RefCell::new(None),
            flushed: Cell::new(true),
            waiting: RefCell::new(None),
        })
    }

    /// From now on, waits for a flush. A stream of HTTP/2 does not: the connection flushes for all of them.
    pub(super) fn expect_flush(&self) {
        self.flushed.set(self.is_stream);
    }

    /// Everything that was handed over is in the socket.
    pub(super) fn saw_flush(&self) {
        self.flushed.set(true);
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    /// Ready when everything handed over before [`Line::expect_flush`] is in the socket.
    pub(super) fn poll_flushed(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.flushed.get() {
            return Poll::Ready(());
        }
        self.waiting.replace(Some(cx.waker().clone()));
        Poll::Pending
    }
}

/// How long a client may take for the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// What HTTP/2 begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// Accepts until it is dropped.
pub(super) async fn accept(
    site: Rc<Site>,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    at_storage_host: bool,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: let some connection end first.
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        // Without it, small answers wait for acknowledgements. A socket that refuses is dead anyway.
        let _ = stream.set_nodelay(true);
        let line = Line::new(site.tally.connections.get(), at_storage_host, false);
        site.tally.connections.add(1);
        tokio::task::spawn_local(serve(Rc::clone(&site), line, stream, tls.clone()));
    }
}

async fn serve(site: Rc<Site>, line: Rc<Line>, stream: TcpStream, tls: Option<TlsAcceptor>) {
    let open = Open {
        site: Rc::clone(&site),
        line: Rc::clone(&line),
    };
    let (socket, http2) = match tls {
        None => {
            let http2 = begins_with_preface(&stream).await;
            (Socket::Plain(stream), http2)
        }
        Some(tls) => match timeout(HANDSHAKE, tls.accept(stream)).await {
            // The client does not trust us, or speaks something else: there is nobody to tell.
            Err(_) | Ok(Err(_)) => return,
            Ok(Ok(stream)) => {
                let session = stream.get_ref().1;
                match session.handshake_kind() {
                    Some(HandshakeKind::Resumed) => site.tally.resumed_handshakes.add(1),
                    _ => site.tally.full_handshakes.add(1),
                }
                let http2 = session.alpn_protocol() == Some(b"h2");
                (Socket::Tls(Box::new(stream)), http2)
            }
        },
    };
    let wire = TokioIo::new(Wire::new(socket, Rc::clone(&line)));
    // An error here is a client that left, or a cut we asked for; both are counted where they happen.
    if http2 {
        site.tally.http2_connections.add(1);
        let streams = site.settings.max_streams;
        let service = service_fn(move |request| {
            let line = Line::new(line.id, line.at_storage_host, true);
            answer::serve(Rc::clone(&site), line, request)
        });
        let _ = http2::Builder::new(Tasks)
            .max_concurrent_streams(streams)
            .serve_connection(wire, service)
            .await;
    } else {
        let service =
            service_fn(move |request| answer::serve(Rc::clone(&site), Rc::clone(&line), request));
        let _ = http1::Builder::new().serve_connection(wire, service).await;
    }
    drop(open);
}

/// Does the client speak HTTP/2 without having been asked? Waits for its first bytes, as whoever reads them would.
async fn begins_with_preface(stream: &TcpStream) -> bool {
    let mut first = [0; PREFACE.len()];
    loop {
        match stream.peek(&mut first).await {
            Ok(length @ 1..) if PREFACE.starts_with(&first[..length]) => {
                if length == PREFACE.len() {
                    return true;
                }
                // The rest is on its way, and what is there would make `peek` return at once.
                sleep(Duration::from_millis(1)).await;
            }
            _ => return false,
        }
    }
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
    line: Rc<Line>,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(record) = &*self.line.record.borrow() {
            record.closed();
        }
        self.site.tally.closed_connections.add(1);
    }
}
