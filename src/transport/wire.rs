//! The bytes between hyper and the peer, plain or within TLS, and when they really left and arrived.

use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::os::fd::{AsRawFd as _, RawFd};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

use super::first_bytes::FirstBytes;
use super::read_ahead::ReadAhead;
use super::replay::Replay;
use super::tls_problem::TlsProblem;
use super::totals::Totals;
use super::turn_waker::WakeState;

/// What happened on a connection since the last [`Probe::reset`].
#[derive(Debug, Default)]
pub(super) struct Probe {
    last_write: Cell<Option<Instant>>,
    first_read: Cell<Option<Instant>>,
    reads: Cell<u32>,
    waits: Cell<bool>,                    // the last read found nothing
    wake_state: OnceCell<Arc<WakeState>>, // notes when bytes arrive after that
    read: Cell<u64>,                      // bytes, in the clear
    unwanted: Cell<u64>,                  // the bytes after `read` up to here need not be copied
    socket: Cell<Option<RawFd>>,          // while it is open
    problem: RefCell<Option<TlsProblem>>,
    first_bytes: Cell<FirstBytes>, // of all that came over the connection, before TLS
    totals: Rc<Totals>,            // of the pool
}

/// The state of a socket that no task reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peek {
    /// No byte has arrived.
    Quiet,
    /// A byte has arrived.
    Bytes,
    /// The connection is closed or was reset.
    Closed,
}

impl Probe {
    /// Makes a probe that counts bytes in these totals.
    pub(super) fn new(totals: &Rc<Totals>) -> Self {
        Self {
            totals: Rc::clone(totals),
            ..Self::default()
        }
    }

    /// Forgets all stamps, at the start of an exchange.
    pub(super) fn reset(&self) {
        self.last_write.set(None);
        self.first_read.set(None);
        self.reads.set(0);
        self.read.set(0);
        self.unwanted.set(0);
    }

    /// Discards the rest of a body of `length` bytes, of which `taken` were handed on.
    ///
    /// The end of the body is known only if head and beginning came in one read, as from any server that does not
    /// write its head in pieces: then `taken` is all of the body so far, and only its rest comes next. Otherwise
    /// everything is read as usual.
    pub(super) fn discard_body(&self, taken: u64, length: u64) {
        if self.reads.get() == 1
            && let Some(head) = self.read.get().checked_sub(taken)
        {
            self.unwanted.set(head + length);
        }
    }

    /// The number of the next bytes that are discarded.
    fn unwanted(&self) -> usize {
        let unwanted = self.unwanted.get().saturating_sub(self.read.get());
        usize::try_from(unwanted).unwrap_or(usize::MAX)
    }

    /// Sets the state of the waker that is woken when bytes arrive.
    pub(super) fn wakes(&self, wake_state: Arc<WakeState>) {
        let _ = self.wake_state.set(wake_state); // the same for the whole of a connection
    }

    /// Returns `true` if the last read found nothing and, as far as the event loop knows, nothing has arrived since. Another
    /// read would find nothing either, and need not register to be woken.
    pub(super) fn is_idle(&self) -> bool {
        self.waits.get()
            && self
                .wake_state
                .get()
                .is_some_and(|wake_state| wake_state.is_quiet())
    }

    fn saw_read(&self, bytes: usize) {
        if bytes > 0 {
            self.totals.add_moved(bytes);
            self.reads.set(self.reads.get().saturating_add(1));
            self.read.set(self.read.get() + bytes as u64);
            if self.first_read.get().is_none() {
                self.first_read.set(Some(Instant::now()));
            }
        }
    }

    fn saw_beginning(&self, bytes: &[u8]) {
        if self.reads.get() == 0 && self.first_bytes.get().is_empty() {
            self.first_bytes.set(FirstBytes::of(bytes));
        }
    }

    /// The first bytes of the peer.
    pub(super) fn first_bytes(&self) -> FirstBytes {
        self.first_bytes.get()
    }

    /// Notes that the head of the response is replayed: a single read no longer tells where its body ends.
    fn reads_again(&self) {
        self.reads.set(2);
        self.waits.set(false);
    }

    /// What went wrong with TLS since the handshake. A server of TLS 1.3 refuses a client certificate only then, and
    /// HTTP/2 keeps only the text of an error.
    pub(super) fn problem(&self) -> Option<TlsProblem> {
        self.problem.borrow().clone()
    }

    /// Looks at the socket without reading from it.
    pub(super) fn peek(&self) -> Peek {
        let Some(socket) = self.socket.get() else {
            return Peek::Closed;
        };
        match recv(
            socket,
            &mut [0],
            MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT,
        ) {
            Ok(1..) => Peek::Bytes,
            Err(Errno::EAGAIN) => Peek::Quiet,
            Ok(0) | Err(_) => Peek::Closed,
        }
    }

    /// When the system took the last byte of the request so far.
    pub(super) fn last_write(&self) -> Option<Instant> {
        self.last_write.get()
    }

    /// When the first byte of the response, in the clear, was handed over.
    pub(super) fn first_read(&self) -> Option<Instant> {
        self.first_read.get()
    }

    /// Checks the result of a write. A peer that no longer reads may have sent its response before: the write then
    /// waits for ever, and the read finds the response or the end of the connection.
    fn saw_write(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &result {
            Poll::Ready(Ok(bytes @ 1..)) => {
                self.totals.add_moved(*bytes);
                self.last_write.set(Some(Instant::now()));
            }
            Poll::Ready(Err(error)) if is_gone(error) => return Poll::Pending,
            _ => {}
        }
        result
    }
}

/// Returns `true` if the peer closed or reset the connection. The socket is then readable, so the reader is woken.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
}

/// The most bytes that are dropped in one system call. The zeros in their place are written each time, and stay in
/// the processor's cache.
const DROP_AT_ONCE: usize = 128 << 10;

/// A TCP stream whose writes a [`Probe`] observes.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    probe: Rc<Probe>,
    ahead: Option<ReadAhead>,
}

impl Socket {
    /// Its probe.
    pub(super) fn probe(&self) -> Rc<Probe> {
        Rc::clone(&self.probe)
    }

    pub(super) fn new(stream: TcpStream, probe: Rc<Probe>) -> Self {
        probe.socket.set(Some(stream.as_raw_fd()));
        Self {
            stream,
            probe,
            ahead: None,
        }
    }

    /// Takes up to `most` bytes from the system without copying them: the buffer is filled with zeros.
    ///
    /// # Spec
    /// tcp(7): with `MSG_TRUNC` received bytes are discarded, and not passed back.
    fn poll_drop(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        most: usize,
    ) -> Poll<io::Result<()>> {
        let most = most.min(buffer.remaining()).min(DROP_AT_ONCE);
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            let room = buffer.initialize_unfilled_to(most);
            let flags = MsgFlags::MSG_TRUNC | MsgFlags::MSG_DONTWAIT;
            let drop = || recv(self.stream.as_raw_fd(), room, flags).map_err(io::Error::from);
            match self.stream.try_io(Interest::READABLE, drop) {
                Ok(count) => {
                    buffer.advance(count.min(most));
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Reads more than requested. rustls requests 4 KiB at a time, which would be several system calls for each
    /// record.
    pub(super) fn reading_ahead(mut self) -> Self {
        self.ahead = Some(ReadAhead::default());
        self
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.probe.socket.set(None); // another file may have the descriptor at once
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self {
            stream,
            probe,
            ahead,
        } = self.get_mut();
        let read = |buffer: &mut ReadBuf<'_>| {
            let before = buffer.filled().len();
            ready!(Pin::new(stream).poll_read(cx, buffer))?;
            probe.saw_beginning(&buffer.filled()[before..]);
            Poll::Ready(Ok(()))
        };
        match ahead {
            None => read(buffer),
            Some(ahead) => ahead.serve(buffer, read),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.probe.saw_write(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // Most requests are one slice, the head, and the system call for one slice is cheaper.
        let result = match slices {
            [only] => Pin::new(&mut self.stream).poll_write(cx, only),
            _ => Pin::new(&mut self.stream).poll_write_vectored(cx, slices),
        };
        self.probe.saw_write(result)
    }

    /// Without this hyper would copy every body into one buffer before writing it.
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Does nothing: the caller drops the connection next, which closes it with one system call less.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What hyper reads from and writes to. Writes are stamped below TLS, when the system takes the last encrypted byte;
/// reads above it, when the first byte of the response can be read.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    probe: Rc<Probe>,
    replay: Option<Box<Replay>>, // while a head is handed over once more
}

#[derive(Debug)]
enum Stream {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

impl Wire {
    pub(super) const fn plain(socket: Socket, probe: Rc<Probe>) -> Self {
        Self {
            stream: Stream::Plain(socket),
            probe,
            replay: None,
        }
    }

    pub(super) fn tls(stream: TlsStream<Socket>, probe: Rc<Probe>) -> Self {
        Self {
            stream: Stream::Tls(Box::new(stream)),
            probe,
            replay: None,
        }
    }

    /// Hands over these bytes before any others, to a reader that writes a request first: they are the response to an
    /// earlier request.
    pub(super) fn hand_over_again(&mut self, bytes: Bytes) {
        self.probe.reads_again();
        self.replay = Some(Box::new(Replay::new(bytes)));
    }
}

/// The same call on either kind of stream.
macro_rules! either {
    ($wire:expr, $stream:ident => $call:expr) => {
        match &mut $wire.stream {
            Stream::Plain(socket) => {
                let $stream = Pin::new(socket);
                $call
            }
            Stream::Tls(tls) => {
                let $stream = Pin::new(&mut **tls);
                $call
            }
        }
    };
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(replay) = &mut self.replay {
            let read = replay.poll_read(cx, buffer);
            if replay.is_done() {
                self.replay = None;
            }
            return read;
        }
        if self.probe.is_idle() {
            return Poll::Pending;
        }
        if let Some(wake_state) = self.probe.wake_state.get() {
            wake_state.clear();
        }
        let before = buffer.filled().len();
        let unwanted = self.probe.unwanted();
        let result = match &self.stream {
            Stream::Plain(socket) if unwanted > 0 => socket.poll_drop(cx, buffer, unwanted),
            _ => either!(self, stream => stream.poll_read(cx, buffer)),
        };
        self.probe.waits.set(result.is_pending());
        self.probe.saw_read(buffer.filled().len() - before);
        if let Poll::Ready(Err(error)) = &result {
            let problem = TlsProblem::find(error);
            self.probe.problem.replace(problem);
        }
        result
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(replay) = &mut self.replay {
            return Poll::Ready(Ok(replay.swallow(bytes.len())));
        }
        either!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(replay) = &mut self.replay {
            let length = slices.iter().map(|slice| slice.len()).sum();
            return Poll::Ready(Ok(replay.swallow(length)));
        }
        either!(self, stream => stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(socket) => socket.is_write_vectored(),
            Stream::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(cx))
    }
}
