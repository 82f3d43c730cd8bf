//! What a run shows over HTTP while it goes on: a text that Prometheus scrapes, and a page that follows.
//!
//! This room knows addresses and texts, and nothing of what the texts say. It never stands in the way of a run: a text is
//! handed over without waiting for a reader, the server has one thread and a runtime of its own, and when the
//! [`Exposition`] is dropped, a reader that is left is cut off.
//!
//! The decision that shaped it: one request for each connection, a few connections, a few seconds for each. A scraper asks
//! four times a minute; connections that are kept would only be something to hold open. Readers of the page's events stay:
//! a few, each of whom gets the latest state when it takes one, so that none is waited or kept for. Refused: a file for a
//! textfile collector, which is rarely near a load generator; `WebSocket`, since nothing comes back.

mod events;
mod serve;
mod service;

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::sleep;

pub use service::Service;

use events::Event;
use serve::Shared;

/// Connections at once that are over soon; more are closed as they come.
const CONNECTIONS: usize = 8;
/// Readers of events at once; more get 503.
const READERS: usize = 8;
/// How long the last event waits for readers.
const FAREWELL: Duration = Duration::from_secs(1);

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct ListenError {
    /// The address.
    pub address: SocketAddr,
    /// Why.
    pub source: io::Error,
}

/// A server of a text at `/metrics` and of a page that follows. Dropped, it listens no more.
pub struct Exposition {
    addresses: Vec<SocketAddr>,
    metrics: watch::Sender<Bytes>,
    event: watch::Sender<Event>,
    readers: Arc<Semaphore>,
    runtime: Handle,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Exposition {
    /// Listens, and responds from a thread of its own: with an empty text until one is [`set`](Self::set), with `page`, and
    /// with what the page is to [`show`](Self::show).
    ///
    /// # Errors
    /// When an address cannot be listened on, or there is no thread to be had.
    pub fn start(services: &[Service], page: String) -> Result<Self, ListenError> {
        let mut listeners = Vec::with_capacity(services.len());
        let mut addresses = Vec::with_capacity(services.len());
        for service in services {
            let failed = |source| ListenError {
                address: service.address,
                source,
            };
            let listener = TcpListener::bind(service.address).map_err(failed)?;
            listener.set_nonblocking(true).map_err(failed)?;
            addresses.push(listener.local_addr().map_err(failed)?);
            listeners.push((listener, *service));
        }
        let (metrics, reader) = watch::channel(Bytes::new());
        let (event, follower) = watch::channel(Event::none());
        let readers = Arc::new(Semaphore::new(READERS));
        let shared = Shared {
            metrics: reader,
            page: page.into(),
            event: follower,
            readers: Arc::clone(&readers),
        };
        let (stop, stopped) = oneshot::channel();
        let (thread, runtime) =
            thread(listeners, shared, stopped).map_err(|source| ListenError {
                address: addresses.first().copied().unwrap_or(NOWHERE),
                source,
            })?;
        Ok(Self {
            addresses,
            metrics,
            event,
            readers,
            runtime,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Returns where it listens, in the order of the services; the ports are the real ones also where any was asked for.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Sets the text at `/metrics` from now on, without waiting.
    pub fn set(&self, text: String) {
        self.metrics.send_replace(Bytes::from(text));
    }

    /// Returns how many readers follow the page.
    pub fn readers(&self) -> usize {
        READERS.saturating_sub(self.readers.available_permits())
    }

    /// Shows this content on the page from now on, without waiting.
    pub fn show(&self, content: &str) {
        self.event
            .send_modify(|it| *it = it.next("update", content, false));
    }

    /// Shows the last content of the page, gives its readers a second to take it, and listens no more.
    pub fn end(self, content: &str) {
        self.event
            .send_modify(|it| *it = it.next("end", content, true));
        let readers = Arc::clone(&self.readers);
        let (gone, all_gone) = mpsc::sync_channel(1);
        self.runtime.spawn(async move {
            // A reader gives its permit back when its connection has ended.
            let all = u32::try_from(READERS).unwrap_or(u32::MAX);
            if readers.acquire_many(all).await.is_ok() {
                let _ = gone.send(());
            }
        });
        let _ = all_gone.recv_timeout(FAREWELL);
    }
}

const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Starts the thread that serves.
fn thread(
    listeners: Vec<(TcpListener, Service)>,
    shared: Shared,
    stopped: oneshot::Receiver<Infallible>,
) -> io::Result<(JoinHandle<()>, Handle)> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let serve = move || {
        runtime.block_on(async {
            let places = Arc::new(Semaphore::new(CONNECTIONS));
            for (listener, service) in listeners {
                tokio::spawn(accept(
                    listener,
                    service,
                    shared.clone(),
                    Arc::clone(&places),
                ));
            }
            // The sender is dropped, and nothing ever sent.
            let _ = stopped.await;
        });
        // Connections are tasks of the runtime, and end with it.
    };
    let thread = std::thread::Builder::new().name("exposition".into());
    Ok((thread.spawn(serve)?, handle))
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
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

/// Accepts until it is dropped.
async fn accept(listener: TcpListener, service: Service, shared: Shared, places: Arc<Semaphore>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: the load's need comes first.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        tokio::spawn(serve::serve(stream, service, shared.clone(), place));
    }
}
