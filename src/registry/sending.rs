//! Sending a call: challenges are answered, redirects followed, the status is judged; each leg is an exchange of its
//! own.

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use tokio::time::{Instant, sleep, timeout};

use super::attempt::{Attempt, Begun, Observer, Pause};
use super::call::Call;
use super::client::Client;
use super::decoding::{Decoder, Undoing};
use super::deliberate_body::provoked;
use super::error::{Error, Kind};
use super::redirect::{Carries, Course, Hop, course};
use super::response::Response;
use super::retry::{Refused, Tried};
use super::success::{is_specified, is_taken};
use crate::exchange::RangeRequest;
use crate::oci::Operation;
use crate::transport::{self, Address, Body, Origin, OriginError, Outgoing, RequestParts};

/// A pause before a retry. Its end is reported to the observer, whatever ends it.
struct Pausing<'c> {
    observer: &'c dyn Observer,
    began: Instant,
    ended: Option<Instant>, // unless it is when this is dropped
    begun: Begun,
    again: bool,
}

impl<'c> Pausing<'c> {
    fn begin(observer: &'c dyn Observer) -> Self {
        let began = Instant::now();
        Self {
            observer,
            began,
            ended: None,
            begun: observer.pauses(began),
            again: false,
        }
    }
}

impl Drop for Pausing<'_> {
    fn drop(&mut self) {
        self.observer.resumes(&Pause {
            began: self.began,
            ended: self.ended.unwrap_or_else(Instant::now),
            again: self.again,
            begun: self.begun,
        });
    }
}

impl Client {
    /// Sends a call, and retries it as the client's habits say.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Response<'_>, Error> {
        let retry = &self.habits().retry;
        let mut tried = Tried::default();
        loop {
            match self.send_once(call).await {
                Ok(response) => return Ok(response),
                Err(refused) => match tried.again(retry, call, &refused) {
                    Some(pause) if self.is_awaited_for(pause).await => {}
                    _ => return Err(refused.error),
                },
            }
        }
    }

    /// Waits. Returns `false` as soon as no task waits for the outcome any more.
    async fn is_awaited_for(&self, pause: Duration) -> bool {
        let mut pausing = Pausing::begin(&*self.inner.observer);
        if pause.is_zero() {
            // A timer would take until the next millisecond.
            pausing.ended = Some(pausing.began);
            let awaited = self.awaited.as_ref();
            pausing.again = awaited.is_none_or(|it| it.has_changed().is_ok());
            return pausing.again;
        }
        match self.awaited.clone() {
            None => {
                sleep(pause).await;
                pausing.again = true;
            }
            // Nothing is ever sent over this channel: it only closes.
            Some(mut awaited) => pausing.again = timeout(pause, awaited.changed()).await.is_err(),
        }
        pausing.again
    }

    /// Sends a call, answers a challenge and follows redirects, without retries.
    pub(super) async fn send_once(&self, call: &Call<'_>) -> Result<Response<'_>, Refused> {
        let mut hop: Option<Box<Hop>> = None;
        let mut challenged_before = false;
        loop {
            let address = hop.as_ref().map_or(&call.address, |hop| &hop.address);
            let at_home = self.is_home(address.origin());
            let shown = if at_home && !call.bare {
                self.authorization(&call.scope).await?
            } else {
                None
            };
            let headers =
                self.headers_for(call, (at_home, shown.as_ref()), address, hop.as_deref());
            let (method, operation) = match &hop {
                Some(hop) => (&hop.method, Operation::Redirected),
                None => (&call.method, call.operation),
            };
            let body = match &hop {
                Some(hop) if !hop.has_body => Body::empty(),
                _ => (call.body)(),
            };
            let carries = self.carries(call.operation, &body);
            let leg = self.outgoing(method, address, headers, body);
            let again = || (carries == Carries::Again).then(|| (call.body)());
            let undoing = || self.inner.settings.wire.undoing_of(call);
            let asked = (operation, call.ranges);
            let mut response = self.leg(asked, leg, (&again, undoing)).await?;
            response.turned = hop.as_ref().and_then(|hop| hop.turned);
            let status = response.status();
            if status == StatusCode::UNAUTHORIZED
                && at_home
                && !challenged_before
                && !call.bare
                && let Some(challenge) = self.supported_challenge(&response, shown.as_ref())
            {
                challenged_before = true;
                Box::pin(response.set_aside()).await;
                self.use_challenge(challenge, &call.scope, shown.as_ref());
                continue;
            }
            if is_specified(call, status)
                || (call.bare && at_home && status == StatusCode::UNAUTHORIZED)
            {
                return Ok(response);
            }
            let most = self.habits().wire.max_redirects;
            match course(&response, (method, carries), hop.as_deref(), most) {
                Err(broken) => return Err(response.fail(Kind::Redirect(broken)).into()),
                Ok(Course::Leads(next)) => {
                    Box::pin(response.set_aside()).await;
                    hop = Some(next);
                }
                Ok(Course::Stays) if is_taken(&self.habits().accepted, call, status) => {
                    return Ok(response);
                }
                // Boxed, because it is rare: otherwise every request would be as large as a refusal.
                Ok(Course::Stays) => {
                    response.is_gone = carries == Carries::Once && status.is_redirection();
                    let mut refused = Box::pin(Refused::by(response)).await;
                    refused.error = refused.error.showing(shown.is_some());
                    return Err(refused);
                }
            }
        }
    }

    /// Returns `true` if the origin may receive what is meant for the registry: it is the registry's own origin or, where the
    /// settings allow it, the same host without TLS.
    pub(super) fn is_home(&self, origin: &Origin) -> bool {
        let settings = &self.inner.settings;
        let base = settings.base.origin();
        origin == base || (settings.cleartext && base.is_secure_form_of(origin))
    }

    /// Returns whether the body of a request can be sent again.
    fn carries(&self, operation: Operation, body: &Body) -> Carries {
        let is_blob = matches!(
            operation,
            Operation::UploadPost | Operation::UploadPatch | Operation::UploadPut
        );
        if body.length() == Some(0) {
            Carries::Nothing
        } else if is_blob && !self.habits().wire.replays_blobs {
            Carries::Once
        } else {
            Carries::Again
        }
    }

    /// The headers of one leg. Those of the settings and the authorization are for the registry alone.
    fn headers_for(
        &self,
        call: &Call<'_>,
        (at_home, shown): (bool, Option<&HeaderValue>),
        address: &Address,
        hop: Option<&Hop>,
    ) -> HeaderMap {
        let settings = &self.inner.settings;
        let mut headers = if at_home {
            settings.wire.at_home(call, &settings.headers)
        } else {
            let mut headers = call.headers.clone();
            settings.wire.add_to(call, &mut headers);
            headers
        };
        if let Some(value) = shown {
            headers.insert(AUTHORIZATION, value.clone());
        }
        if let Some(hop) = hop {
            settings.wire.refer(&hop.from, address, &mut headers);
            if hop.turned.is_some() {
                headers.remove(CONTENT_TYPE);
            }
        }
        // Prepared headers name the registry itself.
        if at_home && address.origin() != settings.base.origin() {
            headers.insert(HOST, address.origin().host_header().clone());
        }
        headers
    }

    /// Makes one leg of a call, which starts now.
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
        Outgoing::new(RequestParts {
            method: method.clone(),
            address: address.clone(),
            headers,
            body,
            started,
            silence: self.inner.settings.timeout,
        })
    }

    /// Counts an exchange that failed before it started: its URL is invalid in a request.
    pub(super) fn cannot_ask(
        &self,
        operation: Operation,
        address: &Address,
        error: OriginError,
    ) -> Error {
        let kind = Kind::Transport(transport::Error::Origin(error));
        self.does_not_ask(operation, address, kind)
    }

    /// Counts an exchange that failed before it started.
    pub(super) fn does_not_ask(
        &self,
        operation: Operation,
        address: &Address,
        kind: Kind,
    ) -> Error {
        let attempt = Attempt::start(
            &*self.inner.observer,
            operation,
            Instant::now(),
            Body::empty().sent(),
        );
        attempt.fail(transport::Ended::default(), &kind, address, None);
        self.failed(operation, address, kind)
    }

    /// Makes the error of a failed exchange. If it went to another host than the registry's, the error names who sent
    /// it there.
    pub(super) fn failed(&self, operation: Operation, address: &Address, kind: Kind) -> Error {
        let base = &self.inner.settings.base;
        if address.origin() == base.origin() {
            return Error::new(operation, address.path(), kind);
        }
        let mut there = address.url();
        there.set_query(None);
        let mut detour = match operation {
            Operation::Token => format!("the registry at {base} names its token service there"),
            Operation::Redirected => format!("a redirect on the way from {base} led there"),
            _ => format!("the registry at {base} sent us there"),
        };
        let is_withheld = matches!(&kind, Kind::Status { status, .. }
            if matches!(*status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN))
            && operation != Operation::Token
            && self.tokens().credentials().is_some()
            && !self.is_home(address.origin());
        if is_withheld {
            detour.push_str(
                if base.origin().is_secure() && !address.origin().is_secure() {
                    ", and credentials never go from https to http"
                } else {
                    ", and credentials never go to another host"
                },
            );
        }
        Error::new(operation, there.as_str(), kind).elsewhere(detour)
    }

    /// Sends one leg and waits for the head of its response.
    pub(super) async fn leg(
        &self,
        (operation, ranges): (Operation, Option<RangeRequest>),
        mut leg: Outgoing,
        (again, undoing): (&dyn Fn() -> Option<Body>, impl FnOnce() -> Undoing),
    ) -> Result<Response<'_>, Error> {
        let is_head = leg.method() == Method::HEAD;
        let observer = &*self.inner.observer;
        // Traces are the registry's: no other host gets to see them.
        let trace = self
            .is_home(leg.address().origin())
            .then(|| observer.trace());
        let trace = trace.flatten();
        if let Some(trace) = trace {
            leg.start_trace(trace);
        }
        let mut attempt = Attempt::start(observer, operation, leg.started(), leg.sent().clone());
        attempt.starts_trace(trace);
        attempt.asks_for(ranges);
        match leg.send(&self.inner.pool, again).await {
            Ok(incoming) => {
                attempt.saw_status(incoming.status());
                let decoder = Decoder::of(incoming.headers(), undoing);
                let mut response = Response {
                    client: self,
                    incoming,
                    attempt,
                    decoder: None,
                    turned: None,
                    is_gone: false,
                };
                // A response to HEAD may name an encoding, and has no body to decode.
                match decoder {
                    Ok(decoder) => response.decoder = decoder.map(Box::new),
                    Err(_) if is_head => {}
                    Err(error) => return Err(response.fail(Kind::Encoding(error))),
                }
                Ok(response)
            }
            Err(failed) => {
                let kind = match provoked(&failed.error, attempt.is_slow()) {
                    Some(how) => Kind::Misbehaved(how),
                    None => Kind::Transport(failed.error),
                };
                attempt.fail(failed.ended, &kind, &failed.address, None);
                Err(self.failed(operation, &failed.address, kind))
            }
        }
    }
}
