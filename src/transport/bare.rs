//! Connections to one origin for a caller that speaks HTTP over them by itself.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::dialer::{Dialer, Route};
use super::error::Error;
use super::origin::Origin;
use super::tls::{Sessions, chose_http2};
use super::wire::{Probe, Socket, Wire};
use crate::exchange::{HttpVersion, Timings};

/// Opens connections to the target of a [`Route`], without a proxy.
#[derive(Debug)]
pub struct BareDialer {
    dialer: Dialer,
    origin: Origin,
    silence: Duration,
    http1: Rc<Sessions>,
    http2: Rc<Sessions>,
    either: Rc<Sessions>,
}

/// A connection that no request was sent over, plain or within TLS.
#[derive(Debug)]
pub struct BareConnection {
    wire: Wire,
    is_http2: bool,
}

impl BareDialer {
    /// With the longest time that opening a connection may take.
    pub fn new(origin: Origin, mut route: Route, silence: Duration) -> Self {
        route.target = Some(origin.clone());
        route.proxy = None;
        let dialer = Dialer::new(Arc::new(route), 0);
        Self {
            origin,
            silence,
            http1: dialer.sessions(HttpVersion::Http1),
            http2: dialer.sessions(HttpVersion::Http2),
            either: dialer.sessions(HttpVersion::Auto),
            dialer,
        }
    }

    /// The origin.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Opens a connection. Without TLS its protocol is HTTP/1.1 whatever `http` is.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn open(&self, http: HttpVersion) -> Result<BareConnection, Error> {
        let deadline = Instant::now() + self.silence;
        let mut timings = Timings::default();
        let stream = self
            .dialer
            .tcp(&self.origin, deadline, &mut timings)
            .await?;
        let probe = Rc::new(Probe::new(&Rc::default()));
        let socket = Socket::new(stream, Rc::clone(&probe));
        if !self.origin.is_secure() {
            let wire = Wire::plain(socket, probe);
            return Ok(BareConnection {
                wire,
                is_http2: false,
            });
        }
        let sessions = match http {
            HttpVersion::Http1 => &self.http1,
            HttpVersion::Http2 => &self.http2,
            HttpVersion::Auto => &self.either,
        };
        let socket = socket.reading_ahead();
        let shaking = self.dialer.tls(sessions, &self.origin, socket, deadline);
        let (stream, _) = shaking.await?;
        let is_http2 = chose_http2(&stream);
        if !is_http2 && http == HttpVersion::Http2 {
            return Err(Error::NotHttp2("it did not choose it".to_owned()));
        }
        let wire = Wire::tls(stream, probe);
        Ok(BareConnection { wire, is_http2 })
    }
}

impl BareConnection {
    /// Returns `true` if the peer chose HTTP/2.
    pub const fn is_http2(&self) -> bool {
        self.is_http2
    }
}

impl AsyncRead for BareConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_read(cx, buffer)
    }
}

impl AsyncWrite for BareConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}
