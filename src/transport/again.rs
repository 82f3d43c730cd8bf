//! Bytes that are handed over a second time, as the answer to a request that is not written again.

use std::io;
use std::task::{Context, Poll, Waker};

use bytes::{Buf as _, Bytes};
use tokio::io::ReadBuf;

/// Bytes that are handed over a second time. hyper takes what comes before it has written a request for noise: nothing is
/// handed over until it has, and what it writes goes nowhere.
#[derive(Debug)]
pub(super) struct Again {
    bytes: Bytes,
    is_written: bool,
    reader: Option<Waker>, // waits until it is
}

impl Again {
    pub(super) const fn new(bytes: Bytes) -> Self {
        Self {
            bytes,
            is_written: false,
            reader: None,
        }
    }

    /// Has all of it been handed over? The next bytes are the peer's.
    pub(super) const fn is_done(&self) -> bool {
        self.is_written && self.bytes.is_empty()
    }

    /// Takes what is written, which is the head of a request in one piece.
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
