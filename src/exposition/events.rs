//! Server-sent events: the latest state of a page, as often as its reader takes one.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::watch;

/// What readers of a page see now.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// Counted from 0.
    pub(super) number: u64,
    /// As it goes over the wire.
    bytes: Bytes,
    /// Whether none follows.
    is_last: bool,
}

impl Event {
    /// Returns the event before the first, which says nothing.
    pub(super) fn none() -> Self {
        Self {
            number: 0,
            bytes: Bytes::from_static(b": nothing yet\n\n"),
            is_last: false,
        }
    }

    /// Returns the event after this one.
    ///
    /// # Spec
    /// HTML, 9.2.5: a field of a name for each line; an empty line ends the event.
    pub(super) fn next(&self, name: &str, data: &str, is_last: bool) -> Self {
        let mut text = format!("event: {name}\n");
        for line in data.split(['\n', '\r']) {
            text.push_str("data: ");
            text.push_str(line);
            text.push('\n');
        }
        text.push('\n');
        Self {
            number: self.number + 1,
            bytes: text.into(),
            is_last,
        }
    }
}

/// The events of one reader. One that is slow misses some, and none are kept for it.
pub(super) struct Events {
    next: Next,
    taken: Arc<AtomicU64>,
    ended: bool,
}

type Next = Pin<Box<dyn Future<Output = Option<(Event, watch::Receiver<Event>)>> + Send>>;

impl Events {
    /// Returns the events from the latest on. The number of the one that was taken last is told.
    pub(super) fn new(mut source: watch::Receiver<Event>, taken: Arc<AtomicU64>) -> Self {
        source.mark_changed();
        Self {
            next: Box::pin(next(source)),
            taken,
            ended: false,
        }
    }
}

/// Waits for an event that was not seen; `None` if there will be none.
async fn next(mut source: watch::Receiver<Event>) -> Option<(Event, watch::Receiver<Event>)> {
    source.changed().await.ok()?;
    let event = source.borrow_and_update().clone();
    Some((event, source))
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        let Some((event, source)) = ready!(this.next.as_mut().poll(context)) else {
            this.ended = true;
            return Poll::Ready(None);
        };
        this.ended = event.is_last;
        this.taken.store(event.number, Ordering::Relaxed);
        this.next = Box::pin(next(source));
        Poll::Ready(Some(Ok(Frame::data(event.bytes))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_field() {
        let event = Event::none().next("update", "<pre>a\nb\r</pre>", false);
        let text = String::from_utf8(event.bytes.to_vec()).unwrap();
        assert_eq!(
            text,
            "event: update\ndata: <pre>a\ndata: b\ndata: </pre>\n\n"
        );
        assert_eq!(event.number, 1);
    }
}
