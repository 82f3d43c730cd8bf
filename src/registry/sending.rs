//! Sending a call: challenges answered, redirects followed, the status judged; each leg an exchange of its own.

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue, LOCATION};
use http::{Method, StatusCode};
use tokio::time::{Instant, sleep, timeout};

use super::answer::Answer;
use super::attempt::{Attempt, Begun, Observer, Pause};
use super::call::Call;
use super::client::Client;
use super::decoding::{Decoder, Undoing};
use super::error::{Error, Kind};
use super::location::location;
use super::retry::{Refused, Tried};
use crate::oci::Operation;
use crate::transport::{self, Address, Ask, Body, OriginError, Outgoing};

/// Redirects followed for one request before it is given up.
const MAX_HOPS: usize = 5;

/// A pause before a retry. Whichever way it ends, the observer hears of it.
struct Pausing<'c> {
    observer: &'c dyn Observer,
    began: Instant,
    begun: Begun,
    again: bool,
}

impl<'c> Pausing<'c> {
    fn begin(observer: &'c dyn Observer) -> Self {
        let began = Instant::now();
        Self {
            observer,
            began,
            begun: observer.pauses(began),
            again: false,
        }
    }
}

impl Drop for Pausing<'_> {
    fn drop(&mut self) {
        self.observer.resumes(&Pause {
            began: self.began,
            ended: Instant::now(),
            again: self.again,
            begun: self.begun,
        });
    }
}

impl Client {
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
        let mut pausing = Pausing::begin(&*self.inner.observer);
        match self.awaited.clone() {
            None => {
                sleep(pause).await;
                pausing.again = true;
            }
            // Nothing is ever sent: only the end of who waits ends this.
            Some(mut awaited) => pausing.again = timeout(pause, awaited.changed()).await.is_err(),
        }
        pausing.again
    }

    /// Sends a call, answers a challenge and follows redirects, and does not try again.
    pub(super) async fn send_once(&self, call: &Call<'_>) -> Result<Answer<'_>, Refused> {
        let mut redirected: Option<Address> = None;
        let mut operation = call.operation;
        let mut hops = 0;
        let mut challenged_before = false;
        let mut came_from: Option<Address> = None;
        loop {
            let address = redirected.as_ref().unwrap_or(&call.address);
            let at_home = address.origin() == self.inner.settings.base.origin();
            let shown = if at_home && !call.bare {
                self.authorization(&call.scope).await?
            } else {
                None
            };
            let headers =
                self.dressed(call, (at_home, shown.as_ref()), address, came_from.as_ref());
            let leg = self.outgoing(&call.method, address, headers, (call.body)());
            let undoing = || self.inner.settings.wire.undoing_of(call);
            let answer = self.leg(operation, leg, undoing).await?;
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
                let Some(target) = location(address, answer.headers()) else {
                    let error = answer.fail(Kind::Protocol(
                        "the redirect leads to no address that can be asked",
                    ));
                    return Err(error.into());
                };
                Box::pin(answer.set_aside()).await;
                came_from = Some(
                    redirected
                        .replace(target)
                        .unwrap_or_else(|| call.address.clone()),
                );
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
    ) -> Outgoing {
        if body.length() == Some(0)
            && !matches!(*method, Method::GET | Method::HEAD | Method::DELETE)
        {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let started = Instant::now();
        Outgoing::new(Ask {
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
        attempt.fail(transport::Ended::default(), &kind, address, None);
        Error::new(operation, address.path(), kind)
    }

    /// Sends one leg and waits for the head of its answer.
    pub(super) async fn leg(
        &self,
        operation: Operation,
        leg: Outgoing,
        undoing: impl FnOnce() -> Undoing,
    ) -> Result<Answer<'_>, Error> {
        let is_head = leg.method() == Method::HEAD;
        let observer = &*self.inner.observer;
        let mut attempt = Attempt::start(observer, operation, leg.started(), leg.sent().clone());
        match leg.send(&self.inner.pool).await {
            Ok(incoming) => {
                attempt.saw_status(incoming.status());
                let decoder = Decoder::of(incoming.headers(), undoing);
                let mut answer = Answer {
                    incoming,
                    attempt,
                    decoder: None,
                };
                // An answer to HEAD tells of an encoding, and has no body to undo it on.
                match decoder {
                    Ok(decoder) => answer.decoder = decoder.map(Box::new),
                    Err(_) if is_head => {}
                    Err(error) => return Err(answer.fail(Kind::Encoding(error))),
                }
                Ok(answer)
            }
            Err(failed) => {
                let kind = Kind::Transport(failed.error);
                attempt.fail(failed.ended, &kind, &failed.address, None);
                Err(Error::new(operation, failed.address.path(), kind))
            }
        }
    }
}
