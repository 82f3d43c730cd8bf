//! The `Authorization` of requests: challenges are answered, tokens fetched and kept.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};

use super::auth::Scope;
use super::challenge::{Challenge, Challenged, Service, challenged};
use super::client::Client;
use super::error::{Error, Kind, Withheld};
use super::manifests::header;
use super::redirect::{Carries, Course, Hop, course};
use super::response::Response;
use super::token::{self, Token, Wish};
use crate::oci::Operation;
use crate::profile::TokenForm;
use crate::transport::{Address, Body};
use crate::units::Credentials;

/// The longest response of a token service, in bytes.
const MAX_RESPONSE: u64 = 1 << 20;

/// Statuses that mean that a service does not support `POST`: GCR sends 404, Artifactory 401, ACR 400.
const SPEAKS_NO_POST: [StatusCode; 4] = [
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
];

/// A request for a token.
struct Inquiry {
    method: Method,
    address: Address,
    headers: HeaderMap,
    form: Bytes,
}

/// A URL without its query, which may hold a key.
fn shown(address: &Address) -> String {
    let mut url = address.url();
    url.set_query(None);
    url.into()
}

impl Client {
    /// Returns the challenge of a response, if the client can answer it with something else than what was `shown`.
    pub(super) fn supported_challenge(
        &self,
        response: &Response<'_>,
        shown: Option<&HeaderValue>,
    ) -> Option<Challenged> {
        let challenged = challenged(response.address(), response.headers())?;
        let basic = self.tokens().basic();
        let useless =
            challenged.challenge == Challenge::Basic && (basic.is_none() || basic == shown);
        (!useless).then_some(challenged)
    }

    /// Learns from a challenge. A refused authorization is dropped; the next leg fetches what it needs.
    pub(super) fn use_challenge(
        &self,
        challenged: Challenged,
        scope: &Scope<'_>,
        refused: Option<&HeaderValue>,
    ) {
        let scope = self.widened(scope);
        self.tokens().learn(challenged, Some(&scope), refused);
    }

    /// Returns the `Authorization` of a request: a known one, or a token fetched for it.
    pub(super) async fn authorization(
        &self,
        scope: &Scope<'_>,
    ) -> Result<Option<HeaderValue>, Error> {
        let scope = self.widened(scope);
        if let Some(header) = self.tokens().header(&scope) {
            return Ok(Some(header));
        }
        match self.tokens().service() {
            // Boxed, because it is rare: otherwise every request would be as large as a token fetch.
            Some(service) => Box::pin(self.token(&service, &scope)).await.map(Some),
            None => Ok(None),
        }
    }

    /// Returns a token for that scope. One of the clients that want it at the same time fetches it.
    async fn token(&self, service: &Service, scope: &Scope<'_>) -> Result<HeaderValue, Error> {
        let tokens = self.tokens();
        let slot = tokens.slot(scope);
        let fetch = async || {
            let wish = Wish {
                service,
                scopes: tokens.scopes(scope, &slot),
                habits: tokens.habits(),
                credentials: tokens.credentials(),
            };
            self.fetch(&wish).await
        };
        if tokens.is_used_once(scope) {
            return fetch().await.map(|token| token.header);
        }
        slot.token(fetch).await
    }

    /// Fetches a token, in the form that the client uses.
    ///
    /// The credentials go to the URL in the registry's own challenge, as the protocol has it, but never from https to
    /// http.
    async fn fetch(&self, wish: &Wish<'_>) -> Result<Token, Error> {
        let (base, realm) = (&self.settings().base, &wish.service.realm);
        let exposed = base.origin().is_secure() && !realm.origin().is_secure();
        if exposed && wish.credentials.is_some() && !self.settings().cleartext {
            let kind = Kind::Withheld(Withheld::Cleartext {
                from: base.to_string(),
                to: shown(realm),
            });
            return Err(self.does_not_ask(Operation::Token, realm, kind));
        }
        match (wish.credentials, wish.habits.form) {
            // There is no other way to send an identity token.
            (Some(Credentials::IdentityToken(_)), _) => {
                self.take(wish, self.post(wish).await?).await
            }
            (Some(_), TokenForm::PostFirst) => {
                let response = self.post(wish).await?;
                if !SPEAKS_NO_POST.contains(&response.status()) {
                    return self.take(wish, response).await;
                }
                response.set_aside().await;
                self.take(wish, self.get(wish).await?).await
            }
            _ => self.take(wish, self.get(wish).await?).await,
        }
    }

    async fn get(&self, wish: &Wish<'_>) -> Result<Response<'_>, Error> {
        let mut headers = HeaderMap::new();
        if let Some(basic) = self.tokens().basic() {
            headers.insert(AUTHORIZATION, basic.clone());
        }
        let address = match wish.address() {
            Ok(address) => address,
            Err(error) => {
                return Err(self.cannot_ask(Operation::Token, &wish.service.realm, error));
            }
        };
        self.ask(&Inquiry {
            method: Method::GET,
            address,
            headers,
            form: Bytes::new(),
        })
        .await
    }

    async fn post(&self, wish: &Wish<'_>) -> Result<Response<'_>, Error> {
        const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
        self.ask(&Inquiry {
            method: Method::POST,
            address: wish.service.realm.clone(),
            headers: header(CONTENT_TYPE, FORM),
            form: wish.form(),
        })
        .await
    }

    /// Sends a request to a token service, and follows redirects. The credentials follow to the same host only, and
    /// never from https to http; without them a `GET` follows to another host, as in Go's client.
    async fn ask(&self, inquiry: &Inquiry) -> Result<Response<'_>, Error> {
        let most = self.habits().wire.max_redirects;
        let mut hop: Option<Box<Hop>> = None;
        let mut is_trusted = true;
        loop {
            let mut headers = inquiry.headers.clone();
            self.settings().wire.for_token(&mut headers);
            let (address, method, operation) = match &hop {
                None => (&inquiry.address, &inquiry.method, Operation::Token),
                Some(hop) => (&hop.address, &hop.method, Operation::Redirected),
            };
            if !is_trusted {
                headers.remove(AUTHORIZATION);
            }
            let mut form = inquiry.form.clone();
            if let Some(hop) = &hop {
                self.settings().wire.refer(&hop.from, address, &mut headers);
                if !hop.has_body {
                    headers.remove(CONTENT_TYPE);
                    form.clear();
                }
            }
            let carries = if form.is_empty() {
                Carries::Nothing
            } else {
                Carries::Again
            };
            let is_shown = headers.contains_key(AUTHORIZATION);
            let again = || (!form.is_empty()).then(|| Body::whole(form.clone()));
            let leg = self.outgoing(method, address, headers, Body::whole(form.clone()));
            let undoing = || self.settings().wire.undoing();
            let mut response = self.leg((operation, None), leg, (&again, undoing)).await?;
            response.turned = hop.as_ref().and_then(|hop| hop.turned);
            let next = match course(&response, (method, carries), hop.as_deref(), most) {
                Err(broken) => return Err(response.fail(Kind::Redirect(broken))),
                Ok(Course::Stays) => return Ok(response),
                Ok(Course::Leads(next)) => next,
            };
            let (from, to) = (next.from.origin(), next.address.origin());
            let is_exposed = from.is_secure() && !to.is_secure();
            let follows = if is_exposed {
                self.settings().cleartext && from.is_secure_form_of(to)
            } else {
                from == to || to.is_secure_form_of(from)
            };
            if !follows && (next.has_body || (is_exposed && is_shown)) {
                let (from, to) = (shown(&next.from), shown(&next.address));
                return Err(response.fail(Kind::Withheld(if is_exposed {
                    Withheld::Cleartext { from, to }
                } else {
                    Withheld::OtherHost { from, to }
                })));
            }
            is_trusted &= follows;
            response.set_aside().await;
            hop = Some(next);
        }
    }

    /// Reads the token in a response.
    async fn take(&self, wish: &Wish<'_>, mut response: Response<'_>) -> Result<Token, Error> {
        let status = response.status();
        if status != StatusCode::OK && !self.habits().accepted.token.contains(status.as_u16()) {
            let showed = wish.credentials.is_some();
            return Err(response.refuse().await.showing(showed));
        }
        let raw = match response.collect(MAX_RESPONSE).await {
            Ok(raw) => raw,
            Err(kind) => return Err(response.fail(kind)),
        };
        match token::read(&raw, wish.habits) {
            Ok(token) => {
                response.succeed();
                Ok(token)
            }
            Err(what) => Err(response.fail(Kind::Protocol(what))),
        }
    }
}
