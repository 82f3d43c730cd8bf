//! A client's connection: accepted, served by hyper, and ended the way the exchange on it asked for.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep};

use super::answer;
use super::pace::Cut;
use super::record::OpenRecord;
use super::site::Site;

/// How long a client may go on sending a body that nobody reads, after it was answered.
const LINGER: Duration = Duration::from_secs(5);

/// What a connection and the exchange on it tell each other.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: u64,
    pub(super) at_storage_host: bool,
    /// How the connection is to be ended, once a fault wants it.
    pub(super) cut: Cell<Option<Cut>>,
    /// The client may still be sending: closing at once would reset it before it has read the answer.
    pub(super) linger: Cell<bool>,
    pub(super) record: RefCell<Option<Rc<OpenRecord>>>,
    flushed: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
}

impl Line {
    /// From now on, waits for a flush.
    pub(super) fn expect_flush(&self) {
        self.flushed.set(false);
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

/// Accepts until it is dropped.
pub(super) async fn accept(site: Rc<Site>, listener: TcpListener, at_storage_host: bool) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: let some connection end first.
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        // Without it, small answers wait for acknowledgements. A socket that refuses is dead anyway.
        let _ = stream.set_nodelay(true);
        let line = Rc::new(Line {
            id: site.tally.connections.get(),
            at_storage_host,
            cut: Cell::new(None),
            linger: Cell::new(false),
            record: RefCell::new(None),
            flushed: Cell::new(true),
            waiting: RefCell::new(None),
        });
        site.tally.connections.add(1);
        tokio::task::spawn_local(serve(Rc::clone(&site), line, stream));
    }
}

async fn serve(site: Rc<Site>, line: Rc<Line>, stream: TcpStream) {
    let open = Open {
        site: Rc::clone(&site),
        line: Rc::clone(&line),
    };
    let wire = Wire {
        stream,
        line: Rc::clone(&line),
        lingering: None,
    };
    let service =
        service_fn(move |request| answer::serve(Rc::clone(&site), Rc::clone(&line), request));
    // An error here is a client that left, or a cut we asked for; both are counted where they happen.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(wire), service)
        .await;
    drop(open);
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

/// The socket, watched.
struct Wire {
    stream: TcpStream,
    line: Rc<Line>,
    lingering: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    /// Writes, and notes when that began: over loopback the peer may have read the bytes before the call returns.
    fn write(
        &mut self,
        write: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let began = Instant::now();
        let written = write(Pin::new(&mut self.stream));
        if let Poll::Ready(Ok(1..)) = written
            && let Some(record) = &*self.line.record.borrow()
        {
            record.wrote(began);
        }
        written
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.line.cut.get() == Some(Cut::Reset) {
            // If it fails, the peer sees a FIN instead; there is no one to tell.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(|stream| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(|stream| stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes the socket only when its own buffer is empty.
        self.line.flushed.set(true);
        if let Some(waker) = self.line.waiting.take() {
            waker.wake();
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            if !self.line.linger.get() {
                return Poll::Ready(Ok(()));
            }
        }
        let wire = &mut *self;
        let deadline = wire
            .lingering
            .get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut waste = [0; 16 * 1024];
        loop {
            if deadline.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut buffer = ReadBuf::new(&mut waste);
            let read = ready!(Pin::new(&mut wire.stream).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
