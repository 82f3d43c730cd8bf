//! The body of a request: nothing, a few bytes, or a stream of frames that is never held in memory whole.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use hyper::body::{Frame, SizeHint};
use tokio::time::Instant;

use super::totals::Totals;

/// The body of a request.
pub struct Body {
    content: Content,
    sent: Sent,
    totals: Option<Rc<Totals>>,
}

/// The progress of a body, readable while hyper owns the body. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sent(Option<Rc<Way>>); // `None`: there is nothing to send

#[derive(Debug, Default)]
struct Way {
    bytes: Cell<u64>,
    complete: Cell<bool>,
    completed: Cell<Option<Instant>>,
    broken: RefCell<Option<io::Error>>,
    again: RefCell<Option<Rc<Way>>>, // of the body that took its place
    slow: Cell<bool>,                // on purpose
}

impl Sent {
    /// Bytes that were handed to connections, those of an earlier attempt included.
    pub fn bytes(&self) -> u64 {
        let mut bytes = 0;
        let mut way = self.0.clone();
        while let Some(this) = way.take() {
            bytes += this.bytes.get();
            way.clone_from(&this.again.borrow());
        }
        bytes
    }

    /// Follows `body` from now on, which is sent in place of the earlier one.
    pub(super) fn goes_on_with(&self, body: &Body) {
        if let (Some(last), Some(next)) = (self.last(), &body.sent.0) {
            last.again.replace(Some(Rc::clone(next)));
        }
    }

    /// The progress of the body that was sent last.
    fn last(&self) -> Option<Rc<Way>> {
        let mut last = Rc::clone(self.0.as_ref()?);
        while let Some(next) = { last.again.borrow().clone() } {
            last = next;
        }
        Some(last)
    }

    /// Returns `true` if its client is slow on purpose.
    pub fn is_slow(&self) -> bool {
        self.0.as_ref().is_some_and(|way| way.slow.get())
    }

    /// Returns `true` once all of it was handed to the connection.
    pub(super) fn is_complete(&self) -> bool {
        self.last().is_none_or(|way| way.complete.get())
    }

    /// When the last byte was handed to the connection; `None` for a body without content, too.
    pub(super) fn completed(&self) -> Option<Instant> {
        self.last()?.completed.get()
    }

    /// When a byte was handed to the connection last, as far as that is known: now, if some were since `seen` was set.
    pub(super) fn moved(&self, seen: &mut u64) -> Option<Instant> {
        let bytes = self.bytes();
        let some = bytes > std::mem::replace(seen, bytes);
        let at = || some.then(Instant::now);
        if self.is_complete() {
            self.completed()
        } else {
            at()
        }
    }

    /// Takes the error of reading the content, if that ended the exchange.
    pub(super) fn take_broken(&self) -> Option<io::Error> {
        self.last()?.broken.take()
    }
}

impl Way {
    /// Notes that a frame was taken; the last one if the body has `ended`.
    fn went_on(&self, ended: bool) {
        self.complete.set(ended);
        if ended && self.completed.get().is_none() {
            self.completed.set(Some(Instant::now()));
        }
    }
}

enum Content {
    Whole(Bytes),
    Stream {
        frames: Box<dyn Iterator<Item = io::Result<Bytes>>>,
        remaining: Option<u64>, // bytes; `None` is sent with chunked transfer encoding
    },
    Awaited {
        frames: Pin<Box<dyn Stream<Item = io::Result<Bytes>>>>,
        remaining: Option<u64>, // as above
    },
}

impl Body {
    /// Makes an empty body. Methods that usually carry one still declare `Content-Length: 0`.
    pub fn empty() -> Self {
        Self::whole(Bytes::new())
    }

    /// Makes a body of bytes in memory.
    pub fn whole(bytes: Bytes) -> Self {
        Self::new(Content::Whole(bytes))
    }

    /// Makes a body of frames that add up to `length` bytes, sent with `Content-Length`.
    pub fn sized(frames: impl Iterator<Item = io::Result<Bytes>> + 'static, length: u64) -> Self {
        Self::new(Content::Stream {
            frames: Box::new(frames),
            remaining: Some(length),
        })
    }

    /// Makes a body of frames of unknown length, sent with chunked transfer encoding.
    pub fn chunked(frames: impl Iterator<Item = io::Result<Bytes>> + 'static) -> Self {
        Self::new(Content::Stream {
            frames: Box::new(frames),
            remaining: None,
        })
    }

    /// Makes a body of frames that are waited for. `length`: the bytes that they add up to, sent with `Content-Length`; `None` is
    /// sent with chunked transfer encoding.
    pub fn awaited(
        frames: impl Stream<Item = io::Result<Bytes>> + 'static,
        length: Option<u64>,
    ) -> Self {
        Self::new(Content::Awaited {
            frames: Box::pin(frames),
            remaining: length,
        })
    }

    fn new(content: Content) -> Self {
        let mut body = Self {
            content,
            sent: Sent(None),
            totals: None,
        };
        if body.length() != Some(0) {
            body.sent = Sent(Some(Rc::default()));
        }
        body
    }

    /// Returns the same body of a client that is slow on purpose.
    #[must_use]
    pub fn slow(self) -> Self {
        if let Some(way) = &self.sent.0 {
            way.slow.set(true);
        }
        self
    }

    /// The progress, which outlives the body.
    pub fn sent(&self) -> Sent {
        self.sent.clone()
    }

    /// The declared length; `None` with chunked transfer encoding.
    pub const fn length(&self) -> Option<u64> {
        match &self.content {
            Content::Whole(bytes) => Some(bytes.len() as u64),
            Content::Stream { remaining, .. } | Content::Awaited { remaining, .. } => *remaining,
        }
    }

    /// Counts in the totals of a pool as well, from now on.
    pub(super) fn count_into(&mut self, totals: &Rc<Totals>) {
        self.totals = Some(Rc::clone(totals));
    }

    fn next(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let Poll::Ready(next) = self.next_frame(context) else {
            return Poll::Pending;
        };
        let ended = next.is_none() || self.length() == Some(0);
        if let Some(way) = &self.sent.0 {
            way.went_on(ended);
        }
        Poll::Ready(next)
    }

    fn next_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let (next, remaining) = match &mut self.content {
            Content::Whole(bytes) if bytes.is_empty() => return Poll::Ready(None),
            Content::Whole(bytes) => {
                let whole = std::mem::take(bytes);
                self.count(&whole);
                return Poll::Ready(Some(Ok(whole)));
            }
            Content::Stream {
                remaining: Some(0), ..
            }
            | Content::Awaited {
                remaining: Some(0), ..
            } => return Poll::Ready(None),
            Content::Stream { frames, remaining } => (frames.next(), remaining),
            Content::Awaited { frames, remaining } => {
                let Poll::Ready(next) = frames.as_mut().poll_next(context) else {
                    return Poll::Pending;
                };
                (next, remaining)
            }
        };
        let frame = match (next, remaining) {
            (Some(Ok(frame)), None) => frame,
            (Some(Ok(frame)), Some(remaining)) => {
                *remaining = match remaining.checked_sub(frame.len() as u64) {
                    Some(rest) => rest,
                    None => return Poll::Ready(Some(Err(length_differs()))),
                };
                frame
            }
            (None, None) => return Poll::Ready(None),
            (None, Some(_)) => return Poll::Ready(Some(Err(length_differs()))),
            (Some(Err(error)), _) => return Poll::Ready(Some(Err(error))),
        };
        self.count(&frame);
        Poll::Ready(Some(Ok(frame)))
    }

    /// Counts a frame that is handed over.
    fn count(&self, frame: &Bytes) {
        let length = frame.len() as u64;
        if let Some(way) = &self.sent.0 {
            way.bytes.set(way.bytes.get() + length);
        }
        if let Some(totals) = &self.totals {
            totals.add_sent(length);
        }
    }
}

fn length_differs() -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the content is not as long as it was announced; did the file change?",
    )
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let body = self.get_mut();
        let Poll::Ready(next) = body.next(context) else {
            return Poll::Pending;
        };
        Poll::Ready(next.map(|frame| {
            frame.map(Frame::data).map_err(|error| {
                let told = io::Error::new(error.kind(), "content");
                if let Some(way) = &body.sent.0 {
                    way.broken.replace(Some(error));
                }
                told
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.length() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.length()
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("length", &self.length())
            .field("sent", &self.sent.bytes())
            .finish_non_exhaustive()
    }
}
