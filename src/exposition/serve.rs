//! One connection: a request for the metrics, for the page, or for its events.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use super::events::{Event, Events};
use super::service::Service;

/// The text format of Prometheus.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
/// How long a connection may last, from its first byte to its last, unless it has events.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a reader of events may leave one that is there.
const STUCK: Duration = Duration::from_secs(10);
/// The most bytes of a request's head.
const HEAD: usize = 16 * 1024;

/// What there is to read, on every address.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) metrics: watch::Receiver<Bytes>,
    pub(super) page: Bytes,
    pub(super) event: watch::Receiver<Event>,
    /// A permit for each reader of events.
    pub(super) readers: Arc<Semaphore>,
}

/// What is known of one connection.
struct Connection {
    /// Its place among those that are over soon.
    place: Mutex<Option<OwnedSemaphorePermit>>,
    /// Its place among the readers of events, until it ends.
    reader: Mutex<Option<OwnedSemaphorePermit>>,
    /// The number of the event that it has taken last.
    taken: Arc<AtomicU64>,
}

/// Serves one request. A failure has no reader.
pub(super) async fn serve(
    stream: TcpStream,
    service: Service,
    shared: Shared,
    place: OwnedSemaphorePermit,
) {
    let state = Connection {
        place: Mutex::new(Some(place)),
        reader: Mutex::default(),
        taken: Arc::default(),
    };
    let respond = service_fn(|request: Request<Incoming>| {
        let response = respond(&request, service, &shared, &state);
        async { Ok::<_, Infallible>(response) }
    });
    let mut http = http1::Builder::new();
    http.keep_alive(false).max_buf_size(HEAD);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), respond));
    if timeout(PATIENCE, connection.as_mut()).await.is_ok() {
        return;
    }
    while has(&state.reader) {
        let there = shared.event.borrow().number;
        let ended = timeout(STUCK, connection.as_mut()).await.is_ok();
        if ended || state.taken.load(Ordering::Relaxed) < there {
            return;
        }
    }
}

fn has(permit: &Mutex<Option<OwnedSemaphorePermit>>) -> bool {
    permit
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .is_some()
}

fn put(permit: Option<OwnedSemaphorePermit>, into: &Mutex<Option<OwnedSemaphorePermit>>) {
    *into.lock().unwrap_or_else(PoisonError::into_inner) = permit;
}

fn respond(
    request: &Request<Incoming>,
    service: Service,
    shared: &Shared,
    state: &Connection,
) -> Response<Content> {
    let whole = |bytes: &Bytes| Content::Whole(Full::new(bytes.clone()));
    let (content, content_type) = match request.uri().path() {
        "/metrics" if service.metrics => (whole(&shared.metrics.borrow()), TEXT),
        "/" if service.page => (whole(&shared.page), HTML),
        "/events" if service.page => (Content::none(), EVENTS),
        _ => return status(StatusCode::NOT_FOUND),
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = status(StatusCode::METHOD_NOT_ALLOWED);
        let allowed = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, allowed);
        return response;
    }
    let is_followed = content_type == EVENTS && request.method() == Method::GET;
    let content = if is_followed {
        let Ok(reader) = Arc::clone(&shared.readers).try_acquire_owned() else {
            return status(StatusCode::SERVICE_UNAVAILABLE);
        };
        put(Some(reader), &state.reader);
        put(None, &state.place);
        let taken = Arc::clone(&state.taken);
        Content::Events(Events::new(shared.event.clone(), taken))
    } else {
        content
    };
    let mut response = Response::new(content);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn status(status: StatusCode) -> Response<Content> {
    let mut response = Response::new(Content::none());
    *response.status_mut() = status;
    response
}

/// The body of a response.
enum Content {
    Whole(Full<Bytes>),
    Events(Events),
}

impl Content {
    fn none() -> Self {
        Self::Whole(Full::default())
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(it) => Pin::new(it).poll_frame(context),
            Self::Events(it) => Pin::new(it).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(it) => it.is_end_stream(),
            Self::Events(_) => false,
        }
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Self::Whole(it) => it.size_hint(),
            Self::Events(it) => it.size_hint(),
        }
    }
}
