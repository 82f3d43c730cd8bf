//! A client's socket, in the clear or within TLS, watched.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use tokio_rustls::server::TlsStream;

use super::connection_state::ConnectionState;
use super::pace::Cut;

/// How long a client may go on sending a body that is not read, after it got its response.
const LINGER: Duration = Duration::from_secs(5);

/// Bytes to and from a client.
pub(super) enum Socket {
    /// In the clear.
    Plain(TcpStream),
    /// Within TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

trait Io: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Io for T {}

impl Socket {
    fn io(&mut self) -> Pin<&mut dyn Io> {
        match self {
            Self::Plain(stream) => Pin::new(stream),
            Self::Tls(stream) => Pin::new(&mut **stream),
        }
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

/// The socket, watched.
pub(super) struct Wire {
    socket: Socket,
    begun: Vec<u8>, // read already, and not yet handed on
    connection: Rc<ConnectionState>,
    lingering: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    /// `begun` are the bytes that were read already.
    pub(super) const fn new(
        socket: Socket,
        begun: Vec<u8>,
        connection: Rc<ConnectionState>,
    ) -> Self {
        Self {
            socket,
            begun,
            connection,
            lingering: None,
        }
    }

    /// Writes, and notes when that began: over loopback the peer may have read the bytes before the call returns.
    fn write(
        &mut self,
        write: impl FnOnce(Pin<&mut dyn Io>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let began = Instant::now();
        let written = write(self.socket.io());
        if let Poll::Ready(Ok(1..)) = written
            && let Some(record) = &*self.connection.record.borrow()
        {
            record.wrote(began);
        }
        written
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.connection.cut.get() == Some(Cut::Reset) {
            // If it fails, the peer sees a FIN instead; there is no one to tell.
            let _ = self.socket.tcp().set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.begun.is_empty() {
            let length = self.begun.len().min(buffer.remaining());
            buffer.put_slice(&self.begun[..length]);
            self.begun.drain(..length);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = self.socket.io().poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.connection.activity.heard();
        }
        read
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
        match &self.socket {
            Socket::Plain(stream) => stream.is_write_vectored(),
            Socket::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes the socket only when its own buffer is empty.
        ready!(self.socket.io().poll_flush(cx))?;
        self.connection.saw_flush();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(self.socket.io().poll_shutdown(cx))?;
            if !self.connection.linger.get() {
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
            let read = ready!(wire.socket.io().poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
