//! A client of one registry: its connections, its tokens, and the upload sessions it gave up.

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
use super::settings::Settings;
use super::token_cache::TokenCache;
use super::verified::VerifiedCopies;
use crate::oci::{Operation, RepositoryName};
use crate::profile::Habits;
use crate::transport::{Address, Pool};

/// A client of one registry, as one user has it: its connections, its tokens, and the upload sessions it gave up.
pub struct Client {
    pub(super) inner: Rc<Inner>,
    pushed: Option<Rc<RepositoryName>>, // the repository that is pushed to
    pub(super) awaited: Option<Awaited>, // who waits, where that is another task
    copies: Option<Rc<VerifiedCopies>>, // those that it shares with others
}

pub(super) struct Inner {
    pub(super) settings: Rc<Settings>,
    pub(super) pool: Rc<Pool>,
    pub(super) observer: Rc<dyn Observer>,
    tokens: Rc<TokenCache>,
    is_cache_shared: bool,
    abandoned: RefCell<Vec<Abandoned>>, // a few for each upload under way, at most
    opening: Cell<usize>,               // sessions asked for and not yet answered
    opened: Notify,                     // one of them was answered
}

/// An upload session that was given up.
#[derive(Clone)]
pub(super) struct Abandoned {
    pub(super) location: Address,
    pub(super) repository: Rc<RepositoryName>,
}

/// Told when nobody waits any more: its sender is gone.
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
    /// A client that speaks over `pool` and tells `observer` of every exchange.
    pub fn new(settings: Rc<Settings>, pool: Rc<Pool>, observer: Rc<dyn Observer>) -> Self {
        let tokens = TokenCache::new(
            settings.credentials.clone(),
            settings.habits().token.clone(),
        );
        Self::with(settings, pool, observer, (Rc::new(tokens), false))
    }

    /// The same with tokens that other clients fetch and use, too.
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
        };
        Self {
            inner: Rc::new(inner),
            pushed: None,
            awaited: None,
            copies: None,
        }
    }

    /// The same client, which remembers the copies of blobs that it has verified, and knows those of others.
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

    /// The same client in the middle of a push to that repository: its tokens allow pushing from the first request on,
    /// as those of real clients do.
    #[must_use]
    pub fn for_push(&self, repository: &RepositoryName) -> Self {
        Self {
            pushed: Some(Rc::new(repository.clone())),
            ..self.again()
        }
    }

    /// What a token for a request must allow, in view of what the request is a part of.
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

    /// The client that is emulated.
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

    /// Forgets connections, tokens and what was learnt of the registry, as a node that goes cold does. What it shares with
    /// other clients is not its own to forget.
    pub fn forget(&self) {
        self.inner.pool.clear();
        self.forget_tokens();
    }

    /// Forgets tokens and what was learnt of the registry, as a client that begins another operation does.
    pub fn forget_tokens(&self) {
        if !self.inner.is_cache_shared {
            self.inner.tokens.clear();
        }
    }

    /// Asks whether this is a registry that will speak to us; gives the headers of its response.
    ///
    /// # Spec
    /// distribution-spec, "Determining Support", end-1.
    ///
    /// # Errors
    /// When there is no response, or it is not 200 once the challenge has been answered.
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

    /// Pings as real clients do before they pull or push: without credentials, and a challenge that can be answered is
    /// taken as the lesson it is. The ping is not sent again; the request that follows carries what was asked for.
    ///
    /// # Spec
    /// distribution-spec, "Determining Support", end-1.
    ///
    /// # Errors
    /// When there is no response, or it is neither 200 nor such a challenge.
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

    /// The address of an endpoint under `/v2/`.
    pub(super) fn endpoint(&self, rest: &[&str]) -> Address {
        self.inner.settings.base.endpoint(rest)
    }

    /// Remembers an upload session that somebody has to cancel.
    pub(super) fn abandon(&self, session: Abandoned) {
        self.inner.abandoned.borrow_mut().push(session);
    }

    /// How many upload sessions were given up and not yet cancelled.
    pub fn count_abandoned(&self) -> usize {
        self.inner.abandoned.borrow().len()
    }

    /// Returns `true` if [`Client::cancel_abandoned`] has sessions to cancel or to wait for.
    pub fn has_abandoned(&self) -> bool {
        self.inner.opening.get() > 0 || self.count_abandoned() > 0
    }

    /// An upload session to be cancelled.
    pub(super) fn take_abandoned(&self) -> Option<Abandoned> {
        self.inner.abandoned.borrow_mut().pop()
    }

    /// Runs `open`, which asks for an upload session, to its end even if nobody waits for it any more: the session
    /// that it opens would hold space on the registry, and nobody would know its address. A request that the registry
    /// has refused is not sent again for nobody.
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
            // A session that nobody takes is dropped, and so given up.
            drop(teller.send(open.await));
            drop(opening);
        });
        let opened = told.await.expect("the task tells before it ends");
        drop(waits);
        opened
    }

    /// The same client once more, for whoever goes on with it.
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

    /// Sends a call that deletes; `false` when there was nothing to delete.
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
