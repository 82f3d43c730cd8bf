//! One text over HTTP: what Prometheus scrapes while a run goes on.
//!
//! This room knows an address and a text, and nothing of what the text says. It never stands in the way of a run: the
//! text is handed over without waiting for a reader, the server has a thread and a runtime of its own, and when the
//! [`Exposition`] is dropped, a reader that is left is cut off.
//!
//! The decision that shaped it: one request for each connection, a few connections, a few seconds for each. A scraper asks
//! four times a minute; connections that are kept would only be something to hold open. Refused: a file for a textfile
//! collector, which nobody near a load generator runs.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::{sleep, timeout};

/// The text format of Prometheus.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
/// Connections at once; more are closed as they come.
const CONNECTIONS: usize = 8;
/// How long a connection may last, from its first byte to its last.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most bytes of a request's head.
const HEAD: usize = 16 * 1024;

/// A server of one text at `/metrics`. Dropped, it listens no more.
pub struct Exposition {
    address: SocketAddr,
    text: watch::Sender<Bytes>,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Exposition {
    /// Listens, and responds from a thread of its own with an empty text until one is [`set`](Self::set).
    ///
    /// # Errors
    /// When the address cannot be listened on, or there is no thread to be had.
    pub fn start(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (text, reader) = watch::channel(Bytes::new());
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, reader) => {}
                    // The sender is dropped, and nothing ever sent.
                    _ = stopped => {}
                }
            });
            // Connections are tasks of the runtime, and end with it.
        };
        let thread = std::thread::Builder::new().name("metrics".into());
        Ok(Self {
            address,
            text,
            stop: Some(stop),
            thread: Some(thread.spawn(serve)?),
        })
    }

    /// Returns where it listens; the port is the real one also where any was asked for.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the text from now on, without waiting.
    pub fn set(&self, text: String) {
        self.text.send_replace(Bytes::from(text));
    }
}

impl Drop for Exposition {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been told by the thread itself.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exposition")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Accepts until it is dropped.
async fn accept(listener: TcpListener, text: watch::Receiver<Bytes>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: the load's need comes first.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let text = text.clone();
        tokio::spawn(async move {
            serve(stream, text).await;
            drop(place);
        });
    }
}

/// Serves one request. A failure has no reader.
async fn serve(stream: TcpStream, text: watch::Receiver<Bytes>) {
    let answer = service_fn(|request: Request<Incoming>| {
        let response = answer(&request, &text);
        async { Ok::<_, Infallible>(response) }
    });
    let mut http = http1::Builder::new();
    http.keep_alive(false).max_buf_size(HEAD);
    let connection = http.serve_connection(TokioIo::new(stream), answer);
    let _ = timeout(PATIENCE, connection).await;
}

fn answer(request: &Request<Incoming>, text: &watch::Receiver<Bytes>) -> Response<Full<Bytes>> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let status = match (request.uri().path(), is_read) {
        ("/metrics", true) => StatusCode::OK,
        ("/metrics", false) => StatusCode::METHOD_NOT_ALLOWED,
        _ => StatusCode::NOT_FOUND,
    };
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    match status {
        StatusCode::OK => {
            *response.body_mut() = Full::new(text.borrow().clone());
            response.headers_mut().insert(CONTENT_TYPE, TEXT);
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            let allowed = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(ALLOW, allowed);
        }
        _ => {}
    }
    response
}
