//! A look at the socket: when bytes really left and came.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// What was seen at the socket since the last [`Probe::reset`].
#[derive(Debug, Default)]
pub(super) struct Probe {
    last_write: Cell<Option<Instant>>,
    first_read: Cell<Option<Instant>>,
}

impl Probe {
    /// Forgets what it saw, at the start of an exchange.
    pub(super) fn reset(&self) {
        self.last_write.set(None);
        self.first_read.set(None);
    }

    /// When the last byte of the request so far was taken by the system.
    pub(super) fn last_write(&self) -> Option<Instant> {
        self.last_write.get()
    }

    /// When the first byte of the answer was handed over by the system.
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

/// A TCP stream with a [`Probe`] on it.
#[derive(Debug)]
pub(super) struct Probed {
    stream: TcpStream,
    probe: Rc<Probe>,
}

impl Probed {
    pub(super) const fn new(stream: TcpStream, probe: Rc<Probe>) -> Self {
        Self { stream, probe }
    }
}

impl AsyncRead for Probed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if self.probe.first_read.get().is_none() && buffer.filled().len() > before {
            self.probe.first_read.set(Some(Instant::now()));
        }
        result
    }
}

impl AsyncWrite for Probed {
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
