//! A client of one registry: sends a call, answers challenges, follows redirects, and judges the status.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue, LOCATION};
use http::{Method, StatusCode};
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

use super::answer::Answer;
use super::attempt::{Attempt, End, Observer};
use super::auth::Scope;
use super::call::Call;
use super::decoding::Decoder;
use super::error::{Error, Kind};
use super::headers::Headers;
use super::location::{Base, location};
use super::retry::{Refused, Tried};
use super::seen::Seen;
use super::verified::VerifiedCopies;
use super::wallet::Wallet;
use crate::oci::{Operation, RepositoryName};
use crate::profile::Habits;
use crate::transport::{self, Address, Body, OriginError, Outgoing, Pool};
use crate::units::Credentials;

/// Redirects followed for one request before it is given up.
const MAX_HOPS: usize = 5;

/// What a client needs to know of its registry.
pub struct Settings {
    /// Where the registry is.
    pub base: Base,
    /// Headers of every request to the registry; not sent to token services and redirect targets elsewhere.
    pub headers: HeaderMap,
    /// What to answer a challenge with.
    pub credentials: Option<Credentials>,
    /// The longest that one exchange may take, from waiting for a connection to the end of the body.
    pub timeout: Duration,
    habits: Habits,
    wire: Headers, // of those habits
    seen: Seen,    // by any client with these settings
}

impl Settings {
    /// What a client needs to know that emulates one with these habits: nobody's credentials, and no headers of its own.
    ///
    /// `timeout` is the longest that one exchange may take.
    pub fn new(base: Base, habits: Habits, timeout: Duration) -> Self {
        Self {
            base,
            headers: HeaderMap::new(),
            credentials: None,
            timeout,
            wire: Headers::of(&habits.wire),
            habits,
            seen: Seen::default(),
        }
    }

    /// The client that is emulated.
    pub const fn habits(&self) -> &Habits {
        &self.habits
    }

    pub(super) const fn seen(&self) -> &Seen {
        &self.seen
    }
}

impl fmt::Debug for Settings {
    /// Of the headers only the names: any of them may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("base", &self.base)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("credentials", &self.credentials)
            .field("timeout", &self.timeout)
            .field("habits", &self.habits)
            .finish_non_exhaustive()
    }
}

/// A client of one registry, as one user has it: its connections, its tokens, and the upload sessions it gave up.
pub struct Client {
    inner: Rc<Inner>,
    pushed: Option<Rc<RepositoryName>>, // the repository that is pushed to
    awaited: Option<Awaited>,           // who waits, where that is another task
    copies: Option<Rc<VerifiedCopies>>, // those that it shares with others
}

struct Inner {
    settings: Rc<Settings>,
    pool: Rc<Pool>,
    observer: Rc<dyn Observer>,
    wallet: Rc<Wallet>,
    is_wallet_shared: bool,
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
type Awaited = watch::Receiver<()>;

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
        let wallet = Wallet::new(settings.credentials.clone(), settings.habits.token);
        Self::with(settings, pool, observer, (Rc::new(wallet), false))
    }

    /// The same with tokens that other clients fetch and use, too.
    pub fn sharing(
        settings: Rc<Settings>,
        pool: Rc<Pool>,
        observer: Rc<dyn Observer>,
        wallet: Rc<Wallet>,
    ) -> Self {
        Self::with(settings, pool, observer, (wallet, true))
    }

    fn with(
        settings: Rc<Settings>,
        pool: Rc<Pool>,
        observer: Rc<dyn Observer>,
        (wallet, is_wallet_shared): (Rc<Wallet>, bool),
    ) -> Self {
        let inner = Inner {
            settings,
            pool,
            observer,
            wallet,
            is_wallet_shared,
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

    pub(super) fn wallet(&self) -> &Wallet {
        &self.inner.wallet
    }

    /// The client that is emulated.
    pub fn habits(&self) -> &Habits {
        &self.inner.settings.habits
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
        if !self.inner.is_wallet_shared {
            self.inner.wallet.clear();
        }
    }

    /// Asks whether this is a registry that will speak to us; gives the headers of its answer.
    ///
    /// # Spec
    /// distribution-spec, "Determining Support", end-1.
    ///
    /// # Errors
    /// When there is no answer, or it is not 200 once the challenge has been answered.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn ping(&self) -> Result<HeaderMap, Error> {
        let call = Call::get(Operation::Ping, self.endpoint(&[]));
        let answer = self.send(&call).await?;
        let headers = answer.headers().clone();
        answer.finish().await?;
        Ok(headers)
    }

    /// Pings as real clients do before they pull or push: without credentials, and a challenge that can be answered is
    /// taken as the lesson it is. The ping is not sent again; the request that follows carries what was asked for.
    ///
    /// # Spec
    /// distribution-spec, "Determining Support", end-1.
    ///
    /// # Errors
    /// When there is no answer, or it is neither 200 nor such a challenge.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn greet(&self) -> Result<HeaderMap, Error> {
        let call = Call {
            bare: true,
            ..Call::get(Operation::Ping, self.endpoint(&[]))
        };
        let answer = self.send(&call).await?;
        let headers = answer.headers().clone();
        if answer.status() != StatusCode::UNAUTHORIZED {
            answer.finish().await?;
            return Ok(headers);
        }
        match self.answerable(&answer, None) {
            Some(challenged) => {
                answer.set_aside().await;
                self.wallet().learn(challenged, None, None);
                Ok(headers)
            }
            None => Err(answer.refuse().await),
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

    /// Is there something for [`Client::cancel_abandoned`] to do or to wait for?
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
        let answer = self.send(call).await?;
        let deleted = answer.status() != StatusCode::NOT_FOUND;
        answer.finish().await?;
        Ok(deleted)
    }

    /// Sends a call until the registry has said yes or no, again where the client's habit is to try again.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Answer<'_>, Error> {
        let retry = &self.habits().retry;
        let mut tried = Tried::default();
        loop {
            match self.send_once(call).await {
                Ok(answer) => return Ok(answer),
                Err(refused) => match tried.again(retry, call, &refused) {
                    Some(pause) if self.is_awaited_for(pause).await => {}
                    _ => return Err(refused.error),
                },
            }
        }
    }

    /// Lets so much time pass; `false` as soon as nobody waits any more for what comes after it.
    async fn is_awaited_for(&self, pause: Duration) -> bool {
        let Some(mut awaited) = self.awaited.clone() else {
            sleep(pause).await;
            return true;
        };
        // Nothing is ever sent: only the end of who waits ends this.
        timeout(pause, awaited.changed()).await.is_err()
    }

    /// Sends a call, answers a challenge and follows redirects, and does not try again.
    pub(super) async fn send_once(&self, call: &Call<'_>) -> Result<Answer<'_>, Refused> {
        let mut address = call.address.clone();
        let mut operation = call.operation;
        let mut hops = 0;
        let mut challenged_before = false;
        let mut came_from: Option<Address> = None;
        loop {
            let at_home = address.origin() == self.inner.settings.base.origin();
            let shown = if at_home && !call.bare {
                self.authorization(&call.scope).await?
            } else {
                None
            };
            let headers = self.dressed(
                call,
                (at_home, shown.as_ref()),
                &address,
                came_from.as_ref(),
            );
            let leg = self.outgoing(&call.method, &address, headers, (call.body)());
            let answer = self.leg(operation, leg).await?;
            let status = answer.status();
            if status == StatusCode::UNAUTHORIZED
                && at_home
                && !challenged_before
                && !call.bare
                && let Some(challenge) = self.answerable(&answer, shown.as_ref())
            {
                challenged_before = true;
                Box::pin(answer.set_aside()).await;
                self.answer_challenge(challenge, &call.scope, shown.as_ref());
                continue;
            }
            if call.operation.accepted().contains(&status.as_u16())
                || call.also.contains(&status.as_u16())
                || (call.bare && at_home && status == StatusCode::UNAUTHORIZED)
            {
                return Ok(answer);
            }
            let safe = matches!(call.method, Method::GET | Method::HEAD);
            if safe && status.is_redirection() && answer.headers().contains_key(LOCATION) {
                hops += 1;
                if hops > MAX_HOPS {
                    let error = answer.fail(Kind::Protocol("redirected more than five times"));
                    return Err(error.into());
                }
                let Some(target) = location(&address, answer.headers()) else {
                    let error = answer.fail(Kind::Protocol(
                        "the redirect leads to no address that can be asked",
                    ));
                    return Err(error.into());
                };
                Box::pin(answer.set_aside()).await;
                came_from = Some(std::mem::replace(&mut address, target));
                operation = Operation::Redirected;
                continue;
            }
            // Boxed, because it is rare: every request would be as large as the refusal that it seldom meets.
            return Err(Box::pin(Refused::by(answer)).await);
        }
    }

    /// The headers of one leg of a call. Those of the settings and what is shown are for the registry alone.
    fn dressed(
        &self,
        call: &Call<'_>,
        (at_home, shown): (bool, Option<&HeaderValue>),
        address: &Address,
        came_from: Option<&Address>,
    ) -> HeaderMap {
        let settings = &self.inner.settings;
        let mut headers = if at_home {
            settings.wire.at_home(call, &settings.headers)
        } else {
            let mut headers = call.headers.clone();
            settings.wire.dress(call, &mut headers);
            headers
        };
        if let Some(value) = shown {
            headers.insert(AUTHORIZATION, value.clone());
        }
        if let Some(from) = came_from {
            self.inner.settings.wire.refer(from, address, &mut headers);
        }
        headers
    }

    /// One leg of a call, begun now.
    pub(super) fn outgoing(
        &self,
        method: &Method,
        address: &Address,
        mut headers: HeaderMap,
        body: Body,
    ) -> Box<Outgoing> {
        self.inner.settings.wire.introduce(&mut headers);
        if body.length() == Some(0)
            && !matches!(*method, Method::GET | Method::HEAD | Method::DELETE)
        {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let started = Instant::now();
        Box::new(Outgoing {
            method: method.clone(),
            address: address.clone(),
            headers,
            body,
            started,
            deadline: started + self.inner.settings.timeout,
        })
    }

    /// Counts an exchange that failed before it began: what it was to ask does not fit into a request.
    pub(super) fn cannot_ask(
        &self,
        operation: Operation,
        address: &Address,
        error: OriginError,
    ) -> Error {
        let kind = Kind::Transport(transport::Error::Origin(error));
        let attempt = Attempt::start(
            &*self.inner.observer,
            operation,
            Instant::now(),
            Body::empty().sent(),
        );
        attempt.end(transport::Ended::default(), End::Failed(&kind));
        Error::new(operation, address.path(), kind)
    }

    /// Sends one leg and waits for the head of its answer.
    pub(super) async fn leg(
        &self,
        operation: Operation,
        leg: Box<Outgoing>,
    ) -> Result<Answer<'_>, Error> {
        let mut attempt = Attempt::start(
            &*self.inner.observer,
            operation,
            leg.started,
            leg.body.sent(),
        );
        let (address, is_head) = (leg.address.clone(), leg.method == Method::HEAD);
        match leg.send(&self.inner.pool).await {
            Ok(incoming) => {
                attempt.saw_status(incoming.status());
                let decoder = Decoder::of(incoming.headers());
                let mut answer = Answer {
                    address,
                    incoming,
                    attempt,
                    decoder: None,
                };
                // An answer to HEAD tells of an encoding, and has no body to undo it on.
                match decoder {
                    Ok(decoder) => answer.decoder = decoder.map(Box::new),
                    Err(_) if is_head => {}
                    Err(what) => return Err(answer.fail(Kind::Protocol(what))),
                }
                Ok(answer)
            }
            Err(failed) => {
                let kind = Kind::Transport(failed.error);
                attempt.end(failed.ended, End::Failed(&kind));
                Err(Error::new(operation, address.path(), kind))
            }
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.inner.settings.base)
            .field("wallet", &self.inner.wallet)
            .finish_non_exhaustive()
    }
}
