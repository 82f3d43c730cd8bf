//! A client of one registry: sends a call, answers challenges, follows redirects, and judges the status.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue, LOCATION, USER_AGENT};
use http::{Method, StatusCode};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use url::Url;

use super::answer::Answer;
use super::attempt::{Attempt, End, Observer};
use super::auth::{Challenge, Challenged, Scope, Service, Wallet, basic, challenged};
use super::call::Call;
use super::error::{Error, Kind};
use super::location::{Base, location};
use crate::oci::{Operation, RepositoryName};
use crate::transport::{Body, Origin, Outgoing, Pool};
use crate::units::Credentials;

/// Redirects followed for one request before it is given up.
const MAX_HOPS: usize = 5;

/// What a client needs to know of its registry.
#[derive(Clone)]
pub struct Settings {
    /// Where the registry is.
    pub base: Base,
    /// Headers of every request to the registry; not sent to token services and redirect targets elsewhere.
    pub headers: HeaderMap,
    /// What to answer a challenge with.
    pub credentials: Option<Credentials>,
    /// The longest that one exchange may take, from waiting for a connection to the end of the body.
    pub timeout: Duration,
}

impl fmt::Debug for Settings {
    /// Of the headers only the names: any of them may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("base", &self.base)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("credentials", &self.credentials)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// A client of one registry, as one user has it: its connections, its tokens, and the upload sessions it gave up.
pub struct Client(Rc<Inner>);

struct Inner {
    settings: Rc<Settings>,
    pool: Rc<Pool>,
    observer: Rc<dyn Observer>,
    wallet: Wallet,
    abandoned: RefCell<Vec<Abandoned>>, // a few for each upload under way, at most
    opening: Cell<usize>,               // sessions asked for and not yet answered
    opened: Notify,                     // one of them was answered
}

/// An upload session that was given up.
#[derive(Clone)]
pub(super) struct Abandoned {
    pub(super) location: Url,
    pub(super) repository: Rc<RepositoryName>,
}

/// A session that is being opened; counted while it exists.
struct Opening(Client);

impl Opening {
    fn new(client: &Client) -> Self {
        client.0.opening.set(client.0.opening.get() + 1);
        Self(client.again())
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        let client = &self.0.0;
        client.opening.set(client.opening.get() - 1);
        client.opened.notify_waiters();
    }
}

/// One leg of a call.
struct Leg<'a> {
    operation: Operation,
    method: &'a Method,
    url: &'a Url,
    headers: HeaderMap,
    body: Body,
}

impl Client {
    /// A client that speaks over `pool` and tells `observer` of every exchange.
    pub fn new(settings: Rc<Settings>, pool: Rc<Pool>, observer: Rc<dyn Observer>) -> Self {
        Self(Rc::new(Inner {
            wallet: Wallet::new(settings.credentials.clone()),
            settings,
            pool,
            observer,
            abandoned: RefCell::default(),
            opening: Cell::default(),
            opened: Notify::new(),
        }))
    }

    /// The registry's base URL.
    pub fn base(&self) -> &Base {
        &self.0.settings.base
    }

    /// The connections of this client.
    pub fn pool(&self) -> &Rc<Pool> {
        &self.0.pool
    }

    /// Forgets connections, tokens and what was learnt of the registry, as a node that goes cold does.
    pub fn forget(&self) {
        self.0.pool.clear();
        self.0.wallet.clear();
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
        let call = Call {
            scope: Scope {
                repository: None,
                mounts_from: None,
                actions: super::auth::Actions::Pull,
            },
            ..Call::get(Operation::Ping, self.endpoint(format_args!("")))
        };
        let answer = self.send(&call).await?;
        let headers = answer.headers().clone();
        answer.finish().await?;
        Ok(headers)
    }

    /// The address of an endpoint under `/v2/`.
    pub(super) fn endpoint(&self, rest: fmt::Arguments<'_>) -> Url {
        self.0.settings.base.endpoint(rest)
    }

    /// Remembers an upload session that somebody has to cancel.
    pub(super) fn abandon(&self, session: Abandoned) {
        self.0.abandoned.borrow_mut().push(session);
    }

    /// How many upload sessions were given up and not yet cancelled.
    pub fn count_abandoned(&self) -> usize {
        self.0.abandoned.borrow().len()
    }

    /// An upload session to be cancelled.
    pub(super) fn take_abandoned(&self) -> Option<Abandoned> {
        self.0.abandoned.borrow_mut().pop()
    }

    /// Runs `open`, which asks for an upload session, to its end even if nobody waits for it any more: the session
    /// that it opens would hold space on the registry, and nobody would know its address.
    pub(super) async fn open<T, F>(&self, open: impl FnOnce(Self) -> F) -> Result<T, Error>
    where
        T: 'static,
        F: Future<Output = Result<T, Error>> + 'static,
    {
        let (teller, told) = oneshot::channel();
        let opening = Opening::new(self);
        let open = open(self.again());
        tokio::task::spawn_local(async move {
            // A session that nobody takes is dropped, and so given up.
            drop(teller.send(open.await));
            drop(opening);
        });
        told.await.expect("the task tells before it ends")
    }

    /// The same client once more.
    pub(super) fn again(&self) -> Self {
        Self(Rc::clone(&self.0))
    }

    /// Waits until no session is being opened.
    pub(super) async fn wait_opened(&self) {
        while self.0.opening.get() > 0 {
            self.0.opened.notified().await;
        }
    }

    /// Sends a call that deletes; `false` when there was nothing to delete.
    pub(super) async fn delete(&self, call: &Call<'_>) -> Result<bool, Error> {
        let answer = self.send(call).await?;
        let deleted = answer.status() != StatusCode::NOT_FOUND;
        answer.finish().await?;
        Ok(deleted)
    }

    /// Sends a call until the registry has said yes or no.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Answer<'_>, Error> {
        let mut url = call.url.clone();
        let mut operation = call.operation;
        let mut hops = 0;
        let mut challenged_before = false;
        loop {
            let at_home =
                Origin::of(&url).is_ok_and(|origin| origin == *self.0.settings.base.origin());
            let mut headers = call.headers.clone();
            let mut shown = None;
            if at_home {
                headers.extend(self.0.settings.headers.clone());
                shown = self.authorization(&call.scope).await?;
                if let Some(value) = &shown {
                    headers.insert(AUTHORIZATION, value.clone());
                }
            }
            let leg = Leg {
                operation,
                method: &call.method,
                url: &url,
                headers,
                body: (call.body)(),
            };
            let answer = self.leg(leg).await?;
            let status = answer.status();
            if status == StatusCode::UNAUTHORIZED
                && at_home
                && !challenged_before
                && let Some(challenge) = self.answerable(&answer, shown.as_ref())
            {
                challenged_before = true;
                answer.set_aside().await;
                if let Some(refused) = &shown {
                    self.0.wallet.forget(refused);
                }
                self.answer_challenge(challenge, &call.scope).await?;
                continue;
            }
            if call.operation.accepted().contains(&status.as_u16())
                || call.also.contains(&status.as_u16())
            {
                return Ok(answer);
            }
            let safe = matches!(call.method, Method::GET | Method::HEAD);
            if safe && status.is_redirection() && answer.headers().contains_key(LOCATION) {
                hops += 1;
                if hops > MAX_HOPS {
                    return Err(answer.fail(Kind::Protocol("redirected more than five times")));
                }
                let Some(target) = location(&url, answer.headers()) else {
                    return Err(answer.fail(Kind::Protocol("the redirect leads to no URL")));
                };
                answer.set_aside().await;
                url = target;
                operation = Operation::Redirected;
                continue;
            }
            return Err(answer.refuse().await);
        }
    }

    /// Sends one leg and waits for the head of its answer.
    async fn leg(&self, leg: Leg<'_>) -> Result<Answer<'_>, Error> {
        let mut attempt = Attempt::start(&*self.0.observer, leg.operation, leg.body.sent());
        let mut headers = leg.headers;
        if !headers.contains_key(USER_AGENT) {
            const AGENT: &str = concat!("regstorm/", env!("CARGO_PKG_VERSION"));
            headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        }
        if leg.body.length() == Some(0)
            && !matches!(*leg.method, Method::GET | Method::HEAD | Method::DELETE)
        {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let outgoing = Outgoing {
            method: leg.method.clone(),
            url: leg.url.clone(),
            headers,
            body: leg.body,
            deadline: Instant::now() + self.0.settings.timeout,
        };
        match outgoing.send(&self.0.pool).await {
            Ok(incoming) => {
                attempt.saw_status(incoming.status());
                Ok(Answer {
                    url: leg.url.clone(),
                    incoming,
                    attempt,
                })
            }
            Err(failed) => {
                let kind = Kind::Transport(failed.error);
                attempt.end(failed.ended, End::Failed(&kind));
                Err(Error::new(leg.operation, leg.url.path(), kind))
            }
        }
    }

    /// What the challenge asks for, if there is a way to answer it that was not just `shown` and refused.
    fn answerable(&self, answer: &Answer<'_>, shown: Option<&HeaderValue>) -> Option<Challenged> {
        let challenged = challenged(&answer.url, answer.headers())?;
        let credentials = self.0.settings.credentials.as_ref();
        match challenged.challenge {
            Challenge::Basic if credentials.is_none_or(|it| shown == Some(&basic(it))) => None,
            _ => Some(challenged),
        }
    }

    async fn answer_challenge(
        &self,
        challenged: Challenged,
        scope: &Scope<'_>,
    ) -> Result<(), Error> {
        self.0.wallet.learn(challenged.challenge.clone());
        if let Challenge::Bearer(service) = challenged.challenge {
            self.token(&service, scope, challenged.scope.as_deref())
                .await?;
        }
        Ok(())
    }

    /// The `Authorization` of a request: what we have, or a token fetched for it.
    async fn authorization(&self, scope: &Scope<'_>) -> Result<Option<HeaderValue>, Error> {
        if let Some(header) = self.0.wallet.header(scope) {
            return Ok(Some(header));
        }
        match self.0.wallet.service() {
            Some(service) => self.token(&service, scope, None).await.map(Some),
            None => Ok(None),
        }
    }

    /// Fetches a token, unless somebody else has fetched it in the meantime.
    ///
    /// The credentials go to the address that the registry's own challenge names: that is the protocol.
    async fn token(
        &self,
        service: &Rc<Service>,
        scope: &Scope<'_>,
        asked_for: Option<&str>,
    ) -> Result<HeaderValue, Error> {
        let _one_at_a_time = self.0.wallet.fetching.lock().await;
        if let Some(header) = self.0.wallet.header(scope) {
            return Ok(header);
        }
        let credentials = self.0.wallet.credentials.as_ref();
        let user = credentials.map(|it| it.username.as_str());
        let url = service.token_url(scope, asked_for, user);
        let mut headers = HeaderMap::new();
        if let Some(credentials) = credentials {
            headers.insert(AUTHORIZATION, basic(credentials));
        }
        let leg = Leg {
            operation: Operation::Token,
            method: &Method::GET,
            url: &url,
            headers,
            body: Body::empty(),
        };
        let answer = self.leg(leg).await?;
        if answer.status() != StatusCode::OK {
            return Err(answer.refuse().await);
        }
        let (answer, raw) = answer.collect(1 << 20).await?;
        match self.0.wallet.keep(scope, &raw) {
            Ok(header) => {
                answer.succeed();
                Ok(header)
            }
            Err(what) => Err(answer.fail(Kind::Protocol(what))),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.0.settings.base)
            .field("wallet", &self.0.wallet)
            .finish_non_exhaustive()
    }
}
