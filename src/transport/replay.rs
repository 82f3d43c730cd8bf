//! Response bytes that hyper reads a second time, for a request that is not written again.

use std::io;
use std::task::{Context, Poll, Waker};

use bytes::{Buf as _, Bytes};
use tokio::io::ReadBuf;

/// Bytes that hyper reads a second time. It treats bytes that arrive before it has written a request as noise, so nothing is
/// handed over until it has written one; what it writes is dropped.
#[derive(Debug)]
pub(super) struct Replay {
    bytes: Bytes,
    is_written: bool,
    reader: Option<Waker>, // waits until it is
}

impl Replay {
    pub(super) const fn new(bytes: Bytes) -> Self {
        Self {
            bytes,
            is_written: false,
            reader: None,
        }
    }

    /// Returns `true` once all bytes were read; the next ones come from the peer.
    pub(super) const fn is_done(&self) -> bool {
        self.is_written && self.bytes.is_empty()
    }

    /// Drops what is written, which is the head of a request in one piece.
    pub(super) fn swallow(&mut self, length: usize) -> usize {
        self.is_written = true;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        length
    }

    pub(super) fn poll_read(
        &mut self,
        cx: &Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.is_written {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let length = self.bytes.len().min(buffer.remaining());
        buffer.put_slice(&self.bytes[..length]);
        self.bytes.advance(length);
        Poll::Ready(Ok(()))
    }
}
