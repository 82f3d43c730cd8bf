//! The registry's thread: started, queried, changed and stopped from outside.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::mpsc as response;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use crate::oci::{Algorithm, Digest, ImageName, MediaType, Reference, RepositoryName};

use super::blob::{ENTRY, Spool};
use super::certificate::certify;
use super::fault::{Fault, FaultPlan};
use super::freeze::Freeze;
use super::listener::Acceptor;
use super::record::RequestRecord;
use super::settings::{Quirk, Settings};
use super::site::Site;
use super::tally::Counts;
use super::timeouts::Limits;
use super::{manifests, storage_host, sweep};
use crate::units::is_clock_set;

/// Connections that may wait to be accepted; a thousand clients may start in the same millisecond.
const BACKLOG: u32 = 4096;

/// Why the registry does not run, or did not take what it was given.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// The thread or its runtime cannot be made.
    #[error("cannot start the registry's thread: {0}")]
    Thread(#[source] io::Error),
    /// There is no certificate to be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(String),
    /// The wall clock is before 1970.
    #[error("no server can date its responses before 1970: set the clock of this machine")]
    Clock,
    /// The path in front of `/v2/` is none.
    #[error("`{0}` is not a base path: write it as /a/path, without a slash at its end")]
    BasePath(String),
    /// The registry's thread has ended.
    #[error("the registry has stopped")]
    Stopped,
    /// The content does not fit under [`Settings::max_bytes`], or its type cannot stand in a header.
    #[error("the registry does not take the content: no room for it, or not a media type")]
    Content,
}

/// A registry that is not running yet.
#[derive(Debug)]
pub struct Registry;

/// A registry that runs. Dropped, it stops.
pub struct Running {
    began: Instant,
    address: SocketAddr,
    storage_address: Option<SocketAddr>,
    scheme: &'static str,
    base_path: String,
    ca: Option<String>,
    thread_id: Option<u32>,
    // The lock is held from a query to its result, so the channel never holds more than one.
    questions: Mutex<Option<mpsc::Sender<Question>>>,
    thread: Option<JoinHandle<()>>,
}

type Question = Box<dyn FnOnce(&Rc<Site>) + Send>;

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}

impl Registry {
    /// Starts a registry on a thread of its own. When this returns, it listens.
    ///
    /// # Errors
    /// When the address cannot be listened on, the base path is none, the clock is not set, or the thread cannot be made.
    pub fn start(settings: Settings) -> Result<Running, EmbeddedError> {
        if !is_clock_set() {
            // hyper counts from 1970 for every response, whether it shows the date or not.
            return Err(EmbeddedError::Clock);
        }
        let base_path = settings.base_path.clone();
        let well_formed = base_path.is_empty()
            || base_path.starts_with('/')
                && !base_path.ends_with('/')
                && base_path
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && !b"?#\"<>%".contains(&b));
        if !well_formed {
            return Err(EmbeddedError::BasePath(base_path));
        }
        let (send_started, started) = response::sync_channel(1);
        let (ask, questions) = mpsc::channel(1);
        let thread = std::thread::Builder::new()
            .name("embedded-registry".into())
            .spawn(move || run(settings, questions, &send_started))
            .map_err(EmbeddedError::Thread)?;
        let born = started.recv().unwrap_or(Err(EmbeddedError::Stopped))?;
        Ok(Running {
            began: born.began,
            address: born.address,
            storage_address: born.storage_address,
            scheme: born.scheme,
            base_path,
            ca: born.ca,
            thread_id: born.thread_id,
            questions: Mutex::new(Some(ask)),
            thread: Some(thread),
        })
    }
}

/// What is known of a registry that listens.
struct Born {
    began: Instant,
    address: SocketAddr,
    storage_address: Option<SocketAddr>,
    scheme: &'static str,
    ca: Option<String>,
    thread_id: Option<u32>,
}

type Started = Result<Born, EmbeddedError>;

/// The whole life of the thread.
fn run(
    settings: Settings,
    questions: mpsc::Receiver<Question>,
    started: &response::SyncSender<Started>,
) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default());
    let (has_tls, ip) = (settings.tls, settings.listen.ip());
    let certified = |site: &Site| {
        let storage = site.storage_address.map(|it| it.ip());
        let spelt = storage.and_then(|storage| storage_host::spelling(ip, storage));
        let made = certify("regstorm embedded registry", ip, spelt.as_slice());
        made.map_err(EmbeddedError::Certificate)
    };
    let outcome = match runtime {
        Err(source) => Err(EmbeddedError::Thread(source)),
        Ok(runtime) => listen(&runtime, settings).and_then(|listening| {
            let certified = has_tls.then(|| certified(&listening.0)).transpose()?;
            Ok((runtime, listening, certified))
        }),
    };
    // If the result has no receiver, the registry is not needed either.
    match outcome {
        Err(error) => drop(started.send(Err(error))),
        Ok((runtime, (site, listener, storage), certified)) => {
            let (ca, server) = certified.map(|it| (it.ca, it.server)).unzip();
            let born = Born {
                scheme: site.scheme(),
                ca,
                thread_id: thread_id(),
                began: site.began,
                address: site.address,
                storage_address: site.storage_address,
            };
            if started.send(Ok(born)).is_ok() {
                let listeners = Listeners {
                    listener,
                    storage,
                    tls: server.map(TlsAcceptor::from),
                };
                serve(&runtime, &site, listeners, questions);
            }
        }
    }
}

/// Returns the number of the calling thread, by which the system tells what it uses.
fn thread_id() -> Option<u32> {
    let link = std::fs::read_link("/proc/thread-self").ok()?;
    let (_, id) = link.to_str()?.split_once("/task/")?;
    id.parse().ok()
}

type Listening = (Rc<Site>, TcpListener, Option<TcpListener>);

fn listen(runtime: &LocalRuntime, settings: Settings) -> Result<Listening, EmbeddedError> {
    let bind = |address: SocketAddr| {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        Ok::<_, io::Error>((listener, address))
    };
    let bind = |address| bind(address).map_err(|source| EmbeddedError::Listen { address, source });
    let _entered = runtime.enter();
    let (listener, address) = bind(settings.listen)?;
    let storage = if settings.quirks.contains(&Quirk::RedirectBlobs) {
        let at = |ip| bind(SocketAddr::new(ip, 0));
        let own = settings.listen.ip();
        // Not every system has more than one loopback address.
        Some(at(storage_host::address_beside(own)).or_else(|_| at(own))?)
    } else {
        None
    };
    let (storage, storage_address) = storage.unzip();
    Ok((
        Rc::new(Site::new(settings, address, storage_address)),
        listener,
        storage,
    ))
}

/// The sockets that clients connect to.
struct Listeners {
    listener: TcpListener,
    storage: Option<TcpListener>,
    tls: Option<TlsAcceptor>,
}

fn serve(
    runtime: &LocalRuntime,
    site: &Rc<Site>,
    listeners: Listeners,
    mut questions: mpsc::Receiver<Question>,
) {
    let site = Rc::clone(site);
    runtime.block_on(async move {
        let accept = |listener, at_storage_host| {
            let acceptor = Acceptor {
                site: Rc::clone(&site),
                tls: listeners.tls.clone(),
                at_storage_host,
            };
            tokio::task::spawn_local(acceptor.accept(listener));
        };
        accept(listeners.listener, false);
        if let Some(storage) = listeners.storage {
            accept(storage, true);
        }
        let limits = Limits {
            head: site.settings.head_timeout,
            idle: site.settings.idle_timeout,
        };
        tokio::task::spawn_local(sweep::connections(Rc::clone(&site), limits));
        let idle = site.settings.upload_idle;
        tokio::task::spawn_local(sweep::uploads(Rc::clone(&site), idle));
        while let Some(question) = questions.recv().await {
            question(&site);
        }
    });
}

impl Running {
    /// When it started: what every time in its logs counts from, and an instant of the clock of this process.
    pub const fn began(&self) -> Instant {
        self.began
    }

    /// Returns the address it listens on.
    pub const fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Returns the number of its thread, by which the system tells what it uses; `None` where the system does not number threads.
    pub const fn thread_id(&self) -> Option<u32> {
        self.thread_id
    }

    /// Returns the certificate, in PEM, that a client of TLS has to trust; `None` without TLS.
    pub fn ca(&self) -> Option<&str> {
        self.ca.as_deref()
    }

    /// Returns the address of the storage host, if blobs are redirected.
    pub const fn storage_addr(&self) -> Option<SocketAddr> {
        self.storage_address
    }

    /// Returns the URL to give to a client, with the base path and without a slash at the end.
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.address, self.base_path)
    }

    /// Returns what it has done so far. All zero once it has stopped.
    pub fn counts(&self) -> Counts {
        self.ask(|site| site.counts()).unwrap_or_default()
    }

    /// Returns how often each blob was fetched that was: `GET` of all or of a range, as many times as its content was found. Empty
    /// unless [`Settings::count_fetches`] is set.
    pub fn fetches(&self) -> Vec<(Digest, u64)> {
        let counted = self.ask(|site| {
            let fetches = site.fetches.as_ref().map(|it| it.borrow().clone());
            fetches.into_iter().flatten().collect()
        });
        counted.unwrap_or_default()
    }

    /// Returns the last requests, oldest first; empty unless [`Settings::record_requests`] is set.
    pub fn requests(&self) -> Vec<RequestRecord> {
        let log = self.ask(|site| site.log.as_ref().map(|log| log.borrow().snapshot()));
        log.ok().flatten().unwrap_or_default()
    }

    /// Lets nothing move for so long from now on, as if the process were stopped: connections are accepted and heads
    /// are read, as a kernel would, but no response begins and no body goes on. Then all that has queued up goes
    /// on at once. What was to last, a delay for one, lasts meanwhile. Gives the freeze as it stands in
    /// [`Running::freezes`]; one that lasts already is prolonged, and never cut short.
    ///
    /// # Errors
    /// When the registry has stopped.
    pub fn freeze(&self, length: Duration) -> Result<Freeze, EmbeddedError> {
        self.ask(move |site| site.freezer.freeze(length, Instant::now()))
    }

    /// Returns the last 1,024 freezes, oldest first, whether a call or a fault caused them.
    pub fn freezes(&self) -> Vec<Freeze> {
        self.ask(|site| site.freezer.log()).unwrap_or_default()
    }

    /// Takes these faults in place of all others, and counts anew.
    ///
    /// # Errors
    /// When the registry has stopped.
    pub fn set_faults(&self, faults: Vec<Fault>) -> Result<(), EmbeddedError> {
        self.ask(move |site| drop(site.faults.replace(FaultPlan::new(faults))))
    }

    /// Stores a blob without a request.
    ///
    /// # Errors
    /// When there is no room, or the registry has stopped.
    pub fn put_blob(
        &self,
        repository: &RepositoryName,
        content: Bytes,
    ) -> Result<Digest, EmbeddedError> {
        let repository = repository.clone();
        let digest = Digest::sha256(&content);
        self.ask(move |site| {
            let mut spool = Spool::new(Algorithm::Sha256, site.is_sink(), &site.budget).ok()?;
            spool.push(content).ok()?;
            let blob = spool.finish(digest).ok()?;
            let link = site.budget.reserve(ENTRY).ok()?;
            site.store.borrow_mut().add_blob(&repository, blob, link);
            Some(digest)
        })?
        .ok_or(EmbeddedError::Content)
    }

    /// Stores any bytes as a manifest of any type, under a tag or its digest, without a request and without a check:
    /// what old registries still hold, such as schema 1. Returns its digest.
    ///
    /// # Errors
    /// When there is no room, a digest does not fit the bytes, or the registry has stopped.
    pub fn put_manifest(
        &self,
        name: &ImageName,
        media_type: &MediaType,
        raw: Bytes,
    ) -> Result<Digest, EmbeddedError> {
        let (name, media_type) = (name.clone(), media_type.clone());
        self.ask(move |site| {
            let stored = manifests::any(site, &name.reference, raw, media_type).ok()?;
            let digest = stored.descriptor.digest;
            let tags = match name.reference {
                Reference::Tag(tag) => vec![tag],
                Reference::Digest(_) => Vec::new(),
            };
            manifests::keep(site, &name.repository, stored, &tags).ok()?;
            Some(digest)
        })?
        .ok_or(EmbeddedError::Content)
    }

    /// Stops it: every connection is dropped, and the thread is waited for.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let questions = self
            .questions
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        drop(questions.take());
        if let Some(thread) = self.thread.take() {
            // A panic of that thread was printed when it happened; there is nothing to add here.
            let _ = thread.join();
        }
    }

    /// Runs a query on the registry's thread.
    ///
    /// It waits on a plain channel, so it may be called from async code: the registry has a thread of its own.
    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Rc<Site>) -> T + Send + 'static,
    ) -> Result<T, EmbeddedError> {
        let questions = self
            .questions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (answer, answered) = response::sync_channel(1);
        let question: Question = Box::new(move |site| drop(answer.send(question(site))));
        questions
            .as_ref()
            .and_then(|questions| questions.try_send(question).ok())
            .ok_or(EmbeddedError::Stopped)?;
        answered.recv().map_err(|_| EmbeddedError::Stopped)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
