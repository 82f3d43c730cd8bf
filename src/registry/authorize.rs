//! How a client comes by the `Authorization` of a request: challenges answered, tokens fetched and kept.

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};

use super::answer::Answer;
use super::auth::Scope;
use super::challenge::{Challenge, Challenged, Service, challenged};
use super::client::Client;
use super::error::{Error, Kind};
use super::token::{self, Token, Wish};
use crate::oci::Operation;
use crate::profile::TokenForm;
use crate::transport::Body;
use crate::units::Credentials;

/// The longest answer of a token service that is read, in bytes.
const MAX_ANSWER: u64 = 1 << 20;

/// After these statuses a service is taken not to speak `POST`: GCR says 404, Artifactory 401, ACR 400.
const SPEAKS_NO_POST: [StatusCode; 4] = [
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
];

impl Client {
    /// What the challenge asks for, if there is a way to answer it that was not just `shown` and refused.
    pub(super) fn answerable(
        &self,
        answer: &Answer<'_>,
        shown: Option<&HeaderValue>,
    ) -> Option<Challenged> {
        let challenged = challenged(answer.address(), answer.headers())?;
        let basic = self.wallet().basic();
        let useless =
            challenged.challenge == Challenge::Basic && (basic.is_none() || basic == shown);
        (!useless).then_some(challenged)
    }

    /// Learns from a challenge. What was shown and refused is not shown again; the next leg fetches what it needs.
    pub(super) fn answer_challenge(
        &self,
        challenged: Challenged,
        scope: &Scope<'_>,
        refused: Option<&HeaderValue>,
    ) {
        let scope = self.widened(scope);
        self.wallet().learn(challenged, Some(&scope), refused);
    }

    /// The `Authorization` of a request: what we have, or a token fetched for it.
    pub(super) async fn authorization(
        &self,
        scope: &Scope<'_>,
    ) -> Result<Option<HeaderValue>, Error> {
        let scope = self.widened(scope);
        if let Some(header) = self.wallet().header(&scope) {
            return Ok(Some(header));
        }
        match self.wallet().service() {
            // Boxed, because it is rare: every request would be as large as the fetch that it seldom needs.
            Some(service) => Box::pin(self.token(&service, &scope)).await.map(Some),
            None => Ok(None),
        }
    }

    /// A token for that scope, fetched by us or by somebody else at the same time.
    async fn token(&self, service: &Service, scope: &Scope<'_>) -> Result<HeaderValue, Error> {
        let wallet = self.wallet();
        let slot = wallet.slot(scope);
        let fetch = async || {
            let wish = Wish {
                service,
                scopes: wallet.scopes(scope, &slot),
                habits: wallet.habits(),
                credentials: wallet.credentials(),
            };
            self.fetch(&wish).await
        };
        if wallet.is_used_once(scope) {
            return fetch().await.map(|token| token.header);
        }
        slot.token(fetch).await
    }

    /// Fetches a token, in the form that the client uses.
    ///
    /// The credentials go to the address that the registry's own challenge names: that is the protocol.
    async fn fetch(&self, wish: &Wish<'_>) -> Result<Token, Error> {
        match (wish.credentials, wish.habits.form) {
            // There is no other way to show an identity token.
            (Some(Credentials::IdentityToken(_)), _) => {
                self.take(wish, self.post(wish).await?).await
            }
            (Some(_), TokenForm::PostFirst) => {
                let answer = self.post(wish).await?;
                if !SPEAKS_NO_POST.contains(&answer.status()) {
                    return self.take(wish, answer).await;
                }
                answer.set_aside().await;
                self.take(wish, self.get(wish).await?).await
            }
            _ => self.take(wish, self.get(wish).await?).await,
        }
    }

    async fn get(&self, wish: &Wish<'_>) -> Result<Answer<'_>, Error> {
        let mut headers = HeaderMap::new();
        if let Some(basic) = self.wallet().basic() {
            headers.insert(AUTHORIZATION, basic.clone());
        }
        let address = match wish.address() {
            Ok(address) => address,
            Err(error) => {
                return Err(self.cannot_ask(Operation::Token, &wish.service.realm, error));
            }
        };
        self.settings().wire.for_token(&mut headers);
        let leg = self.outgoing(&Method::GET, &address, headers, Body::empty());
        let undoing = || self.settings().wire.undoing();
        self.leg(Operation::Token, leg, undoing).await
    }

    async fn post(&self, wish: &Wish<'_>) -> Result<Answer<'_>, Error> {
        const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
        self.settings().wire.for_token(&mut headers);
        let body = Body::whole(wish.form());
        let leg = self.outgoing(&Method::POST, &wish.service.realm, headers, body);
        let undoing = || self.settings().wire.undoing();
        self.leg(Operation::Token, leg, undoing).await
    }

    /// The token in an answer.
    async fn take(&self, wish: &Wish<'_>, mut answer: Answer<'_>) -> Result<Token, Error> {
        if answer.status() != StatusCode::OK {
            return Err(answer.refuse().await);
        }
        let raw = match answer.collect(MAX_ANSWER).await {
            Ok(raw) => raw,
            Err(kind) => return Err(answer.fail(kind)),
        };
        match token::read(&raw, wish.habits) {
            Ok(token) => {
                answer.succeed();
                Ok(token)
            }
            Err(what) => Err(answer.fail(Kind::Protocol(what))),
        }
    }
}
