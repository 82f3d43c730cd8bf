//! A response's body as it is sent: slices of what is stored, never copies, paced and spoilt by faults.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::blob::Blob;
use super::exchange::Exchange;
use super::pace::{Cut, Pace, Step};
use super::response::{Content, PartOfMany};

/// The connection ends without a response, or in the middle of one.
#[derive(Debug)]
pub(super) struct HangUp;

impl fmt::Display for HangUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is cut")
    }
}

impl std::error::Error for HangUp {}

/// The body of a response.
#[derive(Debug)]
pub(super) struct Outgoing {
    source: Source,
    left: u64,
    sent: u64,
    exchange: Rc<Exchange>,
    pace: Option<Box<Pace>>,
    corrupt: Option<u64>,
    nap: Option<Pin<Box<Sleep>>>,
    cutting: Option<Cut>,
}

#[derive(Debug)]
enum Source {
    Empty,
    Whole(Bytes),
    Pieces {
        blob: Rc<Blob>,
        piece: usize,
        offset: usize,
    },
    Parts(Box<Parts>),
}

/// Several parts of a blob, each behind its lines.
#[derive(Debug)]
struct Parts {
    blob: Rc<Blob>,
    next: std::vec::IntoIter<PartOfMany>,
    lines: Bytes,      // of the part under way, as far as they are left
    part: Box<Source>, // its content
    left: u64,         // of that
    end: Bytes,        // behind the last part
}

impl Parts {
    /// At most `most` of the next bytes that lie together.
    fn take(&mut self, most: usize) -> Bytes {
        loop {
            if !self.lines.is_empty() {
                return self.lines.split_to(most.min(self.lines.len()));
            }
            if self.left > 0 {
                let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(most);
                let bytes = self.part.take(most);
                self.left -= bytes.len() as u64;
                return bytes;
            }
            let Some(part) = self.next.next() else {
                return self.end.split_to(most.min(self.end.len()));
            };
            self.lines = part.lines;
            *self.part = Source::at(Rc::clone(&self.blob), part.first);
            self.left = part.length;
        }
    }
}

impl Outgoing {
    pub(super) fn new(
        content: Content,
        exchange: Rc<Exchange>,
        pace: Option<Box<Pace>>,
        corrupt: Option<u64>,
    ) -> Self {
        let left = content.length();
        let source = match content {
            Content::Empty => Source::Empty,
            Content::Whole(bytes) => Source::Whole(bytes),
            Content::Part { blob, first, .. } => Source::at(blob, first),
            Content::Parts { blob, parts, end } => Source::Parts(Box::new(Parts {
                blob,
                next: parts.into_iter(),
                lines: Bytes::new(),
                part: Box::new(Source::Empty),
                left: 0,
                end,
            })),
        };
        Self {
            source,
            left,
            sent: 0,
            exchange,
            pace,
            corrupt,
            nap: None,
            cutting: None,
        }
    }

    /// At most `most` of the next bytes that lie together.
    fn take(&mut self, most: u64) -> Bytes {
        let most = usize::try_from(most.min(self.left)).unwrap_or(usize::MAX);
        let mut bytes = self.source.take(most);
        let length = bytes.len() as u64;
        if let Some(offset) = self.corrupt
            && (self.sent..self.sent + length).contains(&offset)
        {
            let mut spoilt = BytesMut::from(&bytes[..]);
            // The offset lies within this slice, whose length is a `usize`.
            let place = usize::try_from(offset - self.sent).unwrap_or_default();
            spoilt[place] ^= 0xff;
            bytes = spoilt.freeze();
        }
        self.left -= length;
        self.sent += length;
        self.exchange.sent(bytes.len());
        bytes
    }
}

impl Source {
    fn at(blob: Rc<Blob>, first: u64) -> Self {
        let (mut piece, mut skip) = (0, first);
        for bytes in blob.pieces.iter().flatten() {
            let length = bytes.len() as u64;
            if skip < length {
                break;
            }
            skip -= length;
            piece += 1;
        }
        // What is left to skip lies inside one piece, whose length is a `usize`.
        let offset = usize::try_from(skip).unwrap_or_default();
        Self::Pieces {
            blob,
            piece,
            offset,
        }
    }

    fn take(&mut self, most: usize) -> Bytes {
        match self {
            Self::Empty => Bytes::new(),
            Self::Whole(bytes) => bytes.split_to(most.min(bytes.len())),
            Self::Parts(parts) => parts.take(most),
            Self::Pieces {
                blob,
                piece,
                offset,
            } => {
                let Some(bytes) = blob.pieces.as_ref().and_then(|pieces| pieces.get(*piece)) else {
                    return Bytes::new();
                };
                let end = bytes.len().min(offset.saturating_add(most));
                let slice = bytes.slice(*offset..end);
                if end == bytes.len() {
                    *piece += 1;
                    *offset = 0;
                } else {
                    *offset = end;
                }
                slice
            }
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = HangUp;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HangUp>>> {
        loop {
            if let Some(nap) = &mut self.nap {
                ready!(nap.as_mut().poll(cx));
                self.nap = None;
            }
            if let Some(cut) = self.cutting {
                // What was handed over before must reach the socket first.
                ready!(self.exchange.connection.poll_flushed(cx));
                self.exchange.connection.cut.set(Some(cut));
                return Poll::Ready(Some(Err(HangUp)));
            }
            if let Some(until) = self.exchange.site.freezer.lasts() {
                self.nap = Some(Box::pin(sleep_until(until)));
                continue;
            }
            if self.left == 0 {
                return Poll::Ready(None);
            }
            let sent = self.sent;
            let step = self
                .pace
                .as_mut()
                .map_or(Step::Move(u64::MAX), |pace| pace.step(sent, Instant::now()));
            match step {
                Step::Move(most) => {
                    let bytes = self.take(most);
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Step::Wait(until) => self.nap = Some(Box::pin(sleep_until(until))),
                // The connection is dropped with its client or with the registry.
                Step::Hang => return Poll::Pending,
                Step::Cut(cut) => {
                    self.exchange.connection.expect_flush();
                    self.cutting = Some(cut);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
