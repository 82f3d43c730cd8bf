//! Bodies on their way, counted.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::journal::End;
use super::row::Row;

/// How long the target may take to ask for a body that the client holds back until then.
///
/// # Spec
/// RFC 9110, 10.1.1: a client does not wait for ever, so neither does a proxy.
const CONTINUE: Duration = Duration::from_secs(1);

/// The body of a request, on its way to the target.
pub(super) struct Going {
    inner: Incoming,
    row: Rc<Row>,
    gate: Option<Pin<Box<dyn Future<Output = ()>>>>, // until the client may send it
}

impl Going {
    pub(super) fn new(inner: Incoming, row: Rc<Row>) -> Self {
        Self {
            inner,
            row,
            gate: None,
        }
    }

    /// Holds the body back until the target asks for it: hyper tells the client to go on when the body is read.
    pub(super) fn wait_for(&mut self, go: Arc<Notify>) {
        let row = Rc::clone(&self.row);
        self.gate = Some(Box::pin(async move {
            tokio::select! {
                () = go.notified() => {}
                () = sleep(CONTINUE) => {
                    if row.has_response() {
                        // The target does not want it.
                        std::future::pending::<()>().await;
                    }
                }
            }
        }));
    }
}

impl Body for Going {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let it = self.get_mut();
        if let Some(gate) = &mut it.gate {
            ready!(gate.as_mut().poll(cx));
            it.gate = None;
        }
        Poll::Ready(match ready!(Pin::new(&mut it.inner).poll_frame(cx)) {
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                it.row.sent.set(it.row.sent.get() + length);
                Some(Ok(frame))
            }
            Some(Err(error)) => {
                it.row.lost.borrow_mut().get_or_insert(error);
                Some(Err(io::Error::other("the client left")))
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Where the body of a response is from.
pub(super) enum Source {
    /// From the target.
    Target(Incoming),
    /// From the recorder.
    Own(Full<Bytes>),
}

/// The body of a response, on its way to the client.
pub(super) struct Returning {
    source: Source,
    row: Rc<Row>,
    has_ended: bool,
}

impl Returning {
    pub(super) fn new(source: Source, row: Rc<Row>) -> Self {
        Self {
            source,
            row,
            has_ended: false,
        }
    }
}

impl Body for Returning {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let it = self.get_mut();
        let next = match &mut it.source {
            Source::Target(body) => ready!(Pin::new(body).poll_frame(cx)),
            Source::Own(body) => {
                let next = ready!(Pin::new(body).poll_frame(cx));
                next.map(|it| it.map_err(|never: Infallible| match never {}))
            }
        };
        match &next {
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                it.row.received.set(it.row.received.get() + length);
            }
            Some(Err(_)) => {
                it.has_ended = true;
                it.row.ends(End::Broken);
            }
            None => {
                it.has_ended = true;
                it.row.ends(it.end());
            }
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Target(body) => body.is_end_stream(),
            Source::Own(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Target(body) => body.size_hint(),
            Source::Own(body) => body.size_hint(),
        }
    }
}

impl Returning {
    const fn end(&self) -> End {
        match self.source {
            Source::Target(_) => End::Whole,
            Source::Own(_) => End::Unreached,
        }
    }
}

impl Drop for Returning {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        // With a known length, nothing is read after the last byte. To HEAD there is no body.
        if self.is_end_stream() || self.row.method == http::Method::HEAD {
            self.row.ends(self.end());
        } else {
            self.row.ended.set(Some(tokio::time::Instant::now()));
        }
    }
}
