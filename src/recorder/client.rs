//! A client's connection: greeted, served until it ends, and ended in order when the recorder ends.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use rustls::server::Acceptor;
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::LazyConfigAcceptor;

use super::behind::{Behind, MAX_FIELDS, MAX_HEAD, Tasks};
use super::exchange::{self, Site};
use super::settings::Stop;
use super::socket::Socket;
use crate::exchange::HttpVersion;
use crate::transport::BareDialer;

/// How long a client may take for the TLS handshake and for the head of its first request.
const FIRST: Duration = Duration::from_secs(30);
/// How long a connection may have no request, and how long the head of a later request may take.
const IDLE: Duration = Duration::from_mins(10);
/// Between two pings of a connection in HTTP/2, and the time for the response to one.
const PING: Duration = Duration::from_mins(1);

/// TLS with clients, by the version of HTTP that is chosen.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) http1: Arc<ServerConfig>,
    pub(super) either: Arc<ServerConfig>,
}

/// What the connections of clients need.
pub(super) struct Door {
    pub(super) site: Rc<Site>,
    pub(super) dialer: Rc<BareDialer>,
    pub(super) tls: Option<Tls>,
    /// For connections. Clients without one wait to be accepted.
    pub(super) places: Arc<Semaphore>,
    pub(super) stop: watch::Receiver<Stop>,
}

impl Door {
    /// Serves a client until it leaves or the recorder ends.
    pub(super) async fn serve(self: Rc<Self>, stream: TcpStream, client: SocketAddr) {
        // Without it, small responses wait for acknowledgements. A socket that refuses is dead anyway.
        let _ = stream.set_nodelay(true);
        let greeted = match &self.tls {
            None => Ok((
                Socket::plain(stream),
                Behind::http1(Rc::clone(&self.dialer)),
            )),
            Some(tls) => match timeout(FIRST, self.greet(tls, stream)).await {
                Ok(greeted) => greeted,
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            },
        };
        let Ok((socket, behind)) = greeted else {
            self.site.journal.count(|it| it.failed_handshakes += 1);
            return;
        };
        let first = Rc::new(Notify::new());
        let (site, behind, begun) = (Rc::clone(&self.site), Rc::new(behind), Rc::clone(&first));
        let is_http2 = behind.is_http2();
        let service = service_fn(move |request| {
            begun.notify_one();
            let (site, behind) = (Rc::clone(&site), Rc::clone(&behind));
            async move { exchange::pass(&site, &behind, client, request).await }
        });
        let io = TokioIo::new(socket);
        // An error here is a client that left, or a target that broke off; both are rows.
        if is_http2 {
            let served = http2::Builder::new(Tasks)
                .timer(TokioTimer::new())
                .keep_alive_interval(PING)
                .keep_alive_timeout(PING)
                .auto_date_header(false)
                .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
                .serve_connection(io, service);
            self.to_its_end(&first, served, http2::Connection::graceful_shutdown)
                .await;
        } else {
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(IDLE)
                .preserve_header_case(true)
                .auto_date_header(false)
                .max_buf_size(MAX_HEAD)
                .max_headers(MAX_FIELDS)
                .serve_connection(io, service);
            self.to_its_end(&first, served, http1::Connection::graceful_shutdown)
                .await;
        }
    }

    /// Performs the TLS handshake. Where the client takes HTTP/2, the target chooses: a connection to it is opened first.
    async fn greet(&self, tls: &Tls, stream: TcpStream) -> io::Result<(Socket, Behind)> {
        let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let takes_http2 = {
            let hello = start.client_hello();
            let mut offered = hello.alpn().into_iter().flatten();
            offered.any(|it| it == b"h2")
        };
        let mut behind = None;
        if takes_http2 && self.dialer.origin().is_secure() {
            // A target that is down is told to each request.
            if let Ok(opened) = self.dialer.open(HttpVersion::Auto).await
                && opened.is_http2()
            {
                behind = Behind::http2(Rc::clone(&self.dialer), opened).await.ok();
            }
        }
        let config = if behind.is_some() {
            &tls.either
        } else {
            &tls.http1
        };
        let stream = start.into_stream(Arc::clone(config)).await?;
        let behind = behind.unwrap_or_else(|| Behind::http1(Rc::clone(&self.dialer)));
        Ok((Socket::tls(stream), behind))
    }

    /// Serves a connection until it ends. When the recorder ends, requests under way are finished.
    async fn to_its_end<C: Future>(&self, first: &Notify, served: C, shut_down: fn(Pin<&mut C>)) {
        let mut served = pin!(served);
        let mut stop = self.stop.clone();
        // The sender outlives this.
        let mut stopped = pin!(stop.wait_for(|it| *it != Stop::No));
        tokio::select! {
            biased;
            _ = served.as_mut() => return,
            _ = stopped.as_mut() => return,
            () = sleep(FIRST) => return,
            () = first.notified() => {}
        }
        tokio::select! {
            biased;
            _ = served.as_mut() => return,
            _ = stopped => {}
        }
        shut_down(served.as_mut());
        let _ = served.await;
    }
}
