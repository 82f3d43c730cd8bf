//! The bytes between hyper and the peer, in the clear or within TLS, and a look at when they really left and came.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsRawFd as _, RawFd};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

use super::tls_problem::TlsProblem;

/// What was seen of a connection since the last [`Probe::reset`].
#[derive(Debug, Default)]
pub(super) struct Probe {
    last_write: Cell<Option<Instant>>,
    first_read: Cell<Option<Instant>>,
    socket: Cell<Option<RawFd>>, // while it is open
    problem: RefCell<Option<TlsProblem>>,
}

/// What a look at a socket finds that nobody reads from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Glimpse {
    /// Nothing has come.
    Quiet,
    /// Something has come; whoever reads it will know what.
    Bytes,
    /// The peer has closed or reset the connection, or we have.
    Closed,
}

impl Probe {
    /// Forgets what it saw, at the start of an exchange.
    pub(super) fn reset(&self) {
        self.last_write.set(None);
        self.first_read.set(None);
    }

    /// What went wrong with TLS since the handshake: a server of TLS 1.3 refuses a client's certificate only then. HTTP/2
    /// keeps nothing of an error but its text.
    pub(super) fn problem(&self) -> Option<TlsProblem> {
        self.problem.borrow().clone()
    }

    /// Looks at the socket, and takes nothing from it.
    pub(super) fn glimpse(&self) -> Glimpse {
        let Some(socket) = self.socket.get() else {
            return Glimpse::Closed;
        };
        match recv(
            socket,
            &mut [0],
            MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT,
        ) {
            Ok(1..) => Glimpse::Bytes,
            Err(Errno::EAGAIN) => Glimpse::Quiet,
            Ok(0) | Err(_) => Glimpse::Closed,
        }
    }

    /// When the last byte of the request so far was taken by the system.
    pub(super) fn last_write(&self) -> Option<Instant> {
        self.last_write.get()
    }

    /// When the first byte of the answer, in the clear, was handed over.
    pub(super) fn first_read(&self) -> Option<Instant> {
        self.first_read.get()
    }

    /// Looks at what a write came to. A peer that no longer listens may have answered before it left: the writing
    /// then waits for ever, and the reading, which goes on, finds the answer or the end of the connection.
    fn saw_write(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &result {
            Poll::Ready(Ok(1..)) => self.last_write.set(Some(Instant::now())),
            Poll::Ready(Err(error)) if is_gone(error) => return Poll::Pending,
            _ => {}
        }
        result
    }
}

/// Did the peer close or reset the connection? The socket is then readable, so that whoever reads is woken.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
}

/// A TCP stream on whose writes a [`Probe`] looks.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    probe: Rc<Probe>,
    ahead: Option<ReadAhead>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, probe: Rc<Probe>) -> Self {
        probe.socket.set(Some(stream.as_raw_fd()));
        Self {
            stream,
            probe,
            ahead: None,
        }
    }

    /// Reads more than it is asked for. rustls asks for 4 KiB at a time: several system calls for each record.
    pub(super) fn reading_ahead(mut self) -> Self {
        self.ahead = Some(ReadAhead::default());
        self
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.probe.socket.set(None); // the number may be another file's at once
    }
}

/// Bytes read before they were asked for. Grows while reads fill it, so that a thousand users who ask for manifests
/// hold little.
#[derive(Debug, Default)]
struct ReadAhead {
    bytes: Vec<u8>, // all of it is room; from..to is filled
    from: usize,
    to: usize,
}

impl ReadAhead {
    const LEAST: usize = 8 << 10;
    const MOST: usize = 64 << 10;

    fn is_empty(&self) -> bool {
        self.from == self.to
    }

    /// Room for the next read; what was there is taken to have been handed on.
    fn room(&mut self) -> &mut [u8] {
        if self.to == self.bytes.len() && self.bytes.len() < Self::MOST {
            let more = (self.bytes.len() * 2).clamp(Self::LEAST, Self::MOST);
            self.bytes.resize(more, 0);
        }
        (self.from, self.to) = (0, 0);
        &mut self.bytes
    }

    fn hand_on(&mut self, buffer: &mut ReadBuf<'_>) {
        let length = buffer.remaining().min(self.to - self.from);
        buffer.put_slice(&self.bytes[self.from..self.from + length]);
        self.from += length;
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, ahead, .. } = self.get_mut();
        let Some(ahead) = ahead else {
            return Pin::new(stream).poll_read(cx, buffer);
        };
        if ahead.is_empty() {
            let mut room = ReadBuf::new(ahead.room());
            ready!(Pin::new(stream).poll_read(cx, &mut room))?;
            ahead.to = room.filled().len();
        }
        ahead.hand_on(buffer);
        Poll::Ready(Ok(()))
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
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.probe.saw_write(result)
    }

    /// Without this hyper would copy every body into one buffer before writing it.
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What hyper reads from and writes to. Writes are stamped below TLS, when the system takes the last encrypted byte;
/// reads above it, when the first byte of the answer can be read.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    probe: Rc<Probe>,
}

#[derive(Debug)]
enum Stream {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

impl Wire {
    pub(super) const fn plain(socket: Socket, probe: Rc<Probe>) -> Self {
        let stream = Stream::Plain(socket);
        Self { stream, probe }
    }

    pub(super) fn tls(stream: TlsStream<Socket>, probe: Rc<Probe>) -> Self {
        let stream = Stream::Tls(Box::new(stream));
        Self { stream, probe }
    }
}

/// The same call on whichever stream there is.
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
        let before = buffer.filled().len();
        let result = either!(self, stream => stream.poll_read(cx, buffer));
        if self.probe.first_read.get().is_none() && buffer.filled().len() > before {
            self.probe.first_read.set(Some(Instant::now()));
        }
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
        either!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_ahead_is_handed_on_in_order_and_the_room_grows_while_reads_fill_it() {
        let mut ahead = ReadAhead::default();
        let (mut given, mut taken, mut rooms) = (0_u8, Vec::new(), Vec::new());
        for _ in 0..6 {
            let room = ahead.room();
            rooms.push(room.len());
            room.fill(given);
            ahead.to = room.len();
            given += 1;
            while !ahead.is_empty() {
                let mut small = [0; 4096];
                let mut buffer = ReadBuf::new(&mut small);
                ahead.hand_on(&mut buffer);
                taken.extend_from_slice(buffer.filled());
            }
        }
        assert_eq!(
            rooms,
            [8 << 10, 16 << 10, 32 << 10, 64 << 10, 64 << 10, 64 << 10]
        );
        assert_eq!(taken.len(), rooms.iter().sum::<usize>());
        assert!(taken.is_sorted());
    }
}
