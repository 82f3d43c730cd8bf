//! A client of one registry: its connections, its tokens, and its abandoned upload sessions.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::rc::Rc;

use http::StatusCode;
use http::header::HeaderMap;
use tokio::sync::{Notify, oneshot, watch};

use super::attempt::Observer;
use super::auth::Scope;
use super::call::Call;
use super::error::Error;
use super::location::Base;
use super::pace::Pace;
use super::settings::Settings;
use super::token_cache::TokenCache;
use super::verified::VerifiedCopies;
use crate::oci::{Operation, RepositoryName};
use crate::profile::Habits;
use crate::transport::{Address, Pool};

/// A client of one registry, as one user has it: its connections, its tokens, and its abandoned upload sessions.
pub struct Client {
    pub(super) inner: Rc<Inner>,
    pushed: Option<Rc<RepositoryName>>, // the repository that is pushed to
    pub(super) awaited: Option<Awaited>, // the waiting task, if it is another one
    copies: Option<Rc<VerifiedCopies>>, // those shared with other clients
}

pub(super) struct Inner {
    pub(super) settings: Rc<Settings>,
    pub(super) pool: Rc<Pool>,
    pub(super) observer: Rc<dyn Observer>,
    tokens: Rc<TokenCache>,
    is_cache_shared: bool,
    abandoned: RefCell<Vec<Abandoned>>, // at most a few for each upload under way
    opening: Cell<usize>,               // sessions without a response yet
    opened: Notify,                     // one of them has its response
    left: RefCell<Vec<Abandoned>>,      // open on purpose; bounded
    pub(super) draws: Cell<u64>,        // of what misbehaves
    pub(super) reading: Pace,
    pub(super) writing: Pace,
}

/// The most upload sessions of a client that are left open on purpose and looked at later.
const MOST_LEFT: usize = 1024;

/// An abandoned upload session.
#[derive(Clone)]
pub(super) struct Abandoned {
    pub(super) location: Address,
    pub(super) repository: Rc<RepositoryName>,
}

/// Closed when no task waits any more: its sender is dropped.
pub(super) type Awaited = watch::Receiver<()>;

/// A session that is being opened; counted while it exists.
struct Opening(Client);

impl Opening {
    fn new(client: &Client) -> Self {
        client.inner.opening.set(client.inner.opening.get() + 1);
        Self(client.again())
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        let client = &self.0.inner;
        client.opening.set(client.opening.get() - 1);
        client.opened.notify_waiters();
    }
}

impl Client {
    /// Makes a client that sends over `pool` and reports every exchange to `observer`.
    pub fn new(settings: Rc<Settings>, pool: Rc<Pool>, observer: Rc<dyn Observer>) -> Self {
        let tokens = TokenCache::new(
            settings.credentials.clone(),
            settings.habits().token.clone(),
        );
        Self::with(settings, pool, observer, (Rc::new(tokens), false))
    }

    /// Makes a client that shares its tokens with others.
    pub fn sharing(
        settings: Rc<Settings>,
        pool: Rc<Pool>,
        observer: Rc<dyn Observer>,
        tokens: Rc<TokenCache>,
    ) -> Self {
        Self::with(settings, pool, observer, (tokens, true))
    }

    fn with(
        settings: Rc<Settings>,
        pool: Rc<Pool>,
        observer: Rc<dyn Observer>,
        (tokens, is_cache_shared): (Rc<TokenCache>, bool),
    ) -> Self {
        let inner = Inner {
            settings,
            pool,
            observer,
            tokens,
            is_cache_shared,
            abandoned: RefCell::default(),
            opening: Cell::default(),
            opened: Notify::new(),
            left: RefCell::default(),
            draws: Cell::default(),
            reading: Pace::default(),
            writing: Pace::default(),
        };
        Self {
            inner: Rc::new(inner),
            pushed: None,
            awaited: None,
            copies: None,
        }
    }

    /// Returns the same client, which shares the checksums of verified blobs with others.
    #[must_use]
    pub fn sharing_copies(self, copies: Rc<VerifiedCopies>) -> Self {
        Self {
            copies: Some(copies),
            ..self
        }
    }

    pub(super) fn copies(&self) -> Option<&VerifiedCopies> {
        self.copies.as_deref()
    }

    /// Returns the same client within a push to that repository: its tokens allow pushing from the first request on,
    /// as those of real clients do.
    #[must_use]
    pub fn for_push(&self, repository: &RepositoryName) -> Self {
        Self {
            pushed: Some(Rc::new(repository.clone())),
            ..self.again()
        }
    }

    /// The scope of the token for a request, in view of the operation that the request is a part of.
    pub(super) fn widened<'a>(&'a self, scope: &Scope<'a>) -> Scope<'a> {
        match &self.pushed {
            Some(pushed) => scope.within_push(pushed),
            None => *scope,
        }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(super) fn tokens(&self) -> &TokenCache {
        &self.inner.tokens
    }

    /// The habits of the emulated client.
    pub fn habits(&self) -> &Habits {
        self.inner.settings.habits()
    }

    /// The registry's base URL.
    pub fn base(&self) -> &Base {
        &self.settings().base
    }

    /// The connections of this client.
    pub fn pool(&self) -> &Rc<Pool> {
        &self.inner.pool
    }

    /// Forgets connections, tokens and what was learnt of the registry, as on a node that starts cold. Tokens shared
    /// with other clients stay.
    pub fn forget(&self) {
        self.inner.pool.clear();
        self.forget_tokens();
    }

    /// Forgets tokens and what was learnt of the registry, as a client does that starts another operation.
    pub fn forget_tokens(&self) {
        if !self.inner.is_cache_shared {
            self.inner.tokens.clear();
        }
    }

    /// Checks that this is a registry that accepts the client. Returns the headers of its response.
    ///
    /// # Spec
    /// distribution-spec, "Determining Support", end-1.
    ///
    /// # Errors
    /// Fails if there is no response, or if it is not 200 after the challenge was answered.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn ping(&self) -> Result<HeaderMap, Error> {
        let call = Call::get(Operation::Ping, self.endpoint(&[]));
        let response = self.send(&call).await?;
        let headers = response.headers().clone();
        response.finish().await?;
        Ok(headers)
    }

    /// Pings as real clients do before they pull or push: without credentials. A supported challenge is remembered;
    /// the ping is not sent again, and the next request carries the authorization.
    ///
    /// # Spec
    /// distribution-spec, "Determining Support", end-1.
    ///
    /// # Errors
    /// Fails if there is no response, or if it is neither 200 nor such a challenge.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn greet(&self) -> Result<HeaderMap, Error> {
        let call = Call {
            bare: true,
            ..Call::get(Operation::Ping, self.endpoint(&[]))
        };
        let response = self.send(&call).await?;
        let headers = response.headers().clone();
        if response.status() != StatusCode::UNAUTHORIZED {
            response.finish().await?;
            return Ok(headers);
        }
        match self.supported_challenge(&response, None) {
            Some(challenged) => {
                response.set_aside().await;
                self.tokens().learn(challenged, None, None);
                Ok(headers)
            }
            None => Err(response.refuse().await),
        }
    }

    /// The URL of an endpoint under `/v2/`.
    pub(super) fn endpoint(&self, rest: &[&str]) -> Address {
        self.inner.settings.base.endpoint(rest)
    }

    /// Remembers an abandoned upload session.
    pub(super) fn abandon(&self, session: Abandoned) {
        self.inner.abandoned.borrow_mut().push(session);
    }

    /// The number of abandoned upload sessions that are not cancelled yet.
    pub fn count_abandoned(&self) -> usize {
        self.inner.abandoned.borrow().len()
    }

    /// Returns `true` if [`Client::cancel_abandoned`] has sessions to cancel or to wait for.
    pub fn has_abandoned(&self) -> bool {
        self.inner.opening.get() > 0 || self.count_abandoned() > 0
    }

    /// Takes an abandoned upload session, to cancel it.
    pub(super) fn take_abandoned(&self) -> Option<Abandoned> {
        self.inner.abandoned.borrow_mut().pop()
    }

    /// Leaves the abandoned upload sessions open, as a client that is gone.
    pub fn leave_abandoned(&self) {
        let mut left = self.inner.left.borrow_mut();
        let room = MOST_LEFT - left.len();
        left.extend(self.inner.abandoned.take().into_iter().take(room));
    }

    /// Leaves one upload session open: it is looked at after the load.
    pub(super) fn leave(&self, session: Abandoned) {
        let mut left = self.inner.left.borrow_mut();
        if left.len() < MOST_LEFT {
            left.push(session);
        }
    }

    /// Returns `true` if there are upload sessions that were left open.
    pub fn has_left(&self) -> bool {
        !self.inner.left.borrow().is_empty()
    }

    /// Takes an upload session that was left open.
    pub(super) fn take_left(&self) -> Option<Abandoned> {
        self.inner.left.borrow_mut().pop()
    }

    /// Runs `open`, which opens an upload session, to its end even if its caller is dropped. Otherwise the session
    /// would hold space on the registry, and its URL would be lost. Without a caller a refused request is not
    /// retried.
    pub(super) async fn open<T, F>(&self, open: impl FnOnce(Self) -> F) -> Result<T, Error>
    where
        T: 'static,
        F: Future<Output = Result<T, Error>> + 'static,
    {
        let (teller, told) = oneshot::channel();
        let opening = Opening::new(self);
        let (waits, awaited) = watch::channel(());
        let open = open(Self {
            awaited: Some(awaited),
            ..self.again()
        });
        tokio::task::spawn_local(async move {
            // A session that no caller takes is dropped, and so abandoned.
            drop(teller.send(open.await));
            drop(opening);
        });
        let opened = told.await.expect("the task tells before it ends");
        drop(waits);
        opened
    }

    /// Returns a second handle of the same client.
    pub(super) fn again(&self) -> Self {
        Self {
            inner: Rc::clone(&self.inner),
            pushed: self.pushed.clone(),
            awaited: None,
            copies: self.copies.clone(),
        }
    }

    /// Waits until no session is being opened.
    pub(super) async fn wait_opened(&self) {
        while self.inner.opening.get() > 0 {
            self.inner.opened.notified().await;
        }
    }

    /// Sends a call that deletes. Returns `false` if there was nothing to delete.
    pub(super) async fn delete(&self, call: &Call<'_>) -> Result<bool, Error> {
        let response = self.send(call).await?;
        let deleted = response.status() != StatusCode::NOT_FOUND;
        response.finish().await?;
        Ok(deleted)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.inner.settings.base)
            .field("tokens", &self.inner.tokens)
            .finish_non_exhaustive()
    }
}
