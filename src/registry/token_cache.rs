//! The token cache: how the registry authenticates its clients, and the tokens of a client.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::HeaderValue;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::auth::{Actions, Scope, covered};
use super::challenge::{Challenge, Challenged, Service};
use super::error::Error;
use super::headers::sensitive;
use super::token::Token;
use crate::oci::RepositoryName;
use crate::profile::{ChallengeScope, TokenHabits};
use crate::units::Credentials;

/// The most tokens; the oldest is dropped first.
const MAX_SLOTS: usize = 256;

/// The most scopes of one token in addition to those that the client adds by itself.
const MAX_EXTRA: usize = 16;

fn basic(credentials: &Credentials) -> Option<HeaderValue> {
    let Credentials::Password { username, password } = credentials else {
        return None; // an identity token is for token services only
    };
    let pair = format!("{username}:{}", password.expose());
    sensitive(&format!("Basic {}", STANDARD.encode(pair)))
}

/// How the registry authenticates its clients, as learnt from its challenges, and the tokens. Clients with the same
/// credentials and habits may share one cache: then they use each other's tokens.
pub struct TokenCache {
    credentials: Option<Credentials>,
    basic: Option<HeaderValue>,
    habits: TokenHabits,
    challenge: RefCell<Option<Challenge>>,
    /// The scopes of the first challenge, if the client's habit is to request them always.
    challenge_scopes: RefCell<Vec<String>>,
    slots: RefCell<Vec<Rc<Slot>>>,
}

impl TokenCache {
    /// Makes an empty cache for these credentials, used as `habits` say.
    pub fn new(credentials: Option<Credentials>, habits: TokenHabits) -> Self {
        Self {
            basic: credentials.as_ref().and_then(basic),
            credentials,
            habits,
            challenge: RefCell::default(),
            challenge_scopes: RefCell::default(),
            slots: RefCell::default(),
        }
    }

    pub(super) const fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The header for Basic, if the credentials are name and password.
    pub(super) const fn basic(&self) -> Option<&HeaderValue> {
        self.basic.as_ref()
    }

    pub(super) const fn habits(&self) -> &TokenHabits {
        &self.habits
    }

    /// The header to send unasked: Basic once the registry has requested it, or a token that is still valid.
    pub(super) fn header(&self, scope: &Scope<'_>) -> Option<HeaderValue> {
        match &*self.challenge.borrow() {
            None => None,
            Some(Challenge::Basic) => self.basic.clone(),
            Some(Challenge::Bearer(_)) if self.is_used_once(scope) => None,
            Some(Challenge::Bearer(_)) => {
                let now = Instant::now();
                let slots = self.slots.borrow();
                let mut fitting = slots.iter().rev().filter(|slot| slot.key.covers(scope));
                fitting.find_map(|slot| slot.good(now))
            }
        }
    }

    /// Returns `true` if the token for this scope is fetched for one request only.
    pub(super) const fn is_used_once(&self, scope: &Scope<'_>) -> bool {
        self.habits.token_per_mount && scope.mounts_from.is_some()
    }

    /// The token service, once the registry has named one.
    pub(super) fn service(&self) -> Option<Rc<Service>> {
        match &*self.challenge.borrow() {
            Some(Challenge::Bearer(service)) => Some(Rc::clone(service)),
            _ => None,
        }
    }

    /// The slot of the token for that scope.
    pub(super) fn slot(&self, scope: &Scope<'_>) -> Rc<Slot> {
        let mut slots = self.slots.borrow_mut();
        if let Some(slot) = slots.iter().find(|slot| slot.key.is(scope)) {
            return Rc::clone(slot);
        }
        if slots.len() >= MAX_SLOTS {
            let now = Instant::now();
            let useless = slots.iter().position(|slot| slot.good(now).is_none());
            // A fetch under way goes on; its token is not kept.
            slots.remove(useless.unwrap_or(0));
        }
        let slot = Rc::new(Slot::new(TokenKey::of(scope)));
        slots.push(Rc::clone(&slot));
        slot
    }

    /// The scopes to request for a token, as far as they are known.
    pub(super) fn scopes(&self, scope: &Scope<'_>, slot: &Slot) -> Vec<String> {
        let mut scopes = scope.texts(self.habits.scope_order);
        scopes.extend(slot.extra.borrow().iter().cloned());
        if self.habits.challenge_scope == ChallengeScope::Always {
            scopes.extend(self.challenge_scopes.borrow().iter().cloned());
            scopes.sort_unstable();
            scopes.dedup();
        }
        scopes
    }

    /// Learns from a challenge. The `refused` authorization is dropped. Other tokens stay: another client may have
    /// fetched a better one meanwhile. `scope` is that of the request, if it should have had a token.
    pub(super) fn learn(
        &self,
        challenged: Challenged,
        scope: Option<&Scope<'_>>,
        refused: Option<&HeaderValue>,
    ) {
        if let Some(refused) = refused {
            for slot in &*self.slots.borrow() {
                slot.drop_if(|token| token.header == *refused);
            }
        }
        let mut challenge = self.challenge.borrow_mut();
        let is_new = refused.is_some() || challenge.as_ref() != Some(&challenged.challenge);
        *challenge = Some(challenged.challenge);
        drop(challenge);
        match self.habits.challenge_scope {
            ChallengeScope::Always if is_new => {
                self.challenge_scopes.replace(challenged.scopes);
            }
            ChallengeScope::Always => {}
            ChallengeScope::Beyond => {
                let Some(scope) = scope else { return };
                let own = scope.texts(self.habits.scope_order);
                let mut beyond = challenged.scopes;
                beyond.retain(|it| !covered(it, &own));
                if !beyond.is_empty() {
                    self.slot(scope).ask_for(beyond);
                }
            }
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        *self.challenge.borrow_mut() = None;
        self.challenge_scopes.borrow_mut().clear();
        self.slots.borrow_mut().clear();
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache")
            .field("challenge", &self.challenge.borrow())
            .field("tokens", &self.slots.borrow().len())
            .finish_non_exhaustive()
    }
}

/// The key of a token.
struct TokenKey {
    repository: Option<RepositoryName>,
    mounts_from: Option<RepositoryName>,
    actions: Actions,
}

impl TokenKey {
    fn of(scope: &Scope<'_>) -> Self {
        Self {
            repository: scope.repository.cloned(),
            mounts_from: scope.mounts_from.cloned(),
            actions: scope.actions,
        }
    }

    fn is(&self, scope: &Scope<'_>) -> bool {
        self.repository.as_ref() == scope.repository
            && self.mounts_from.as_ref() == scope.mounts_from
            && self.actions == scope.actions
    }

    fn covers(&self, scope: &Scope<'_>) -> bool {
        self.repository.as_ref() == scope.repository
            && (scope.mounts_from.is_none() || self.mounts_from.as_ref() == scope.mounts_from)
            && self.actions >= scope.actions
    }
}

/// One token: who fetches it, and the result.
pub(super) struct Slot {
    key: TokenKey,
    /// Scopes of challenges in addition to those of the key.
    extra: RefCell<Vec<String>>,
    token: RefCell<Option<Token>>,
    /// Held during a fetch. If the fetch is dropped, the next waiting client takes over.
    turn: Mutex<()>,
    /// Fetches that ended, whatever their outcome.
    ended: Cell<u64>,
    failed: RefCell<Option<Error>>, // the last failure
}

impl Slot {
    fn new(key: TokenKey) -> Self {
        Self {
            key,
            extra: RefCell::default(),
            token: RefCell::default(),
            turn: Mutex::default(),
            ended: Cell::default(),
            failed: RefCell::default(),
        }
    }

    fn good(&self, now: Instant) -> Option<HeaderValue> {
        let token = self.token.borrow();
        let token = token.as_ref().filter(|token| token.is_good(now))?;
        Some(token.header.clone())
    }

    fn drop_if(&self, wrong: impl Fn(&Token) -> bool) {
        let mut token = self.token.borrow_mut();
        if token.as_ref().is_some_and(wrong) {
            *token = None;
        }
    }

    /// Adds scopes, and drops a token that was fetched without them.
    fn ask_for(&self, scopes: Vec<String>) {
        let mut extra = self.extra.borrow_mut();
        for scope in scopes {
            if !extra.contains(&scope) && extra.len() < MAX_EXTRA {
                extra.push(scope);
                self.drop_if(|_| true);
            }
        }
    }

    /// Returns the token, by `fetch` if need be. Of all that want it at once one fetches, and all get its result. A
    /// failure is therefore one exchange, however many wait, and a service that has just refused is not requested
    /// again for each.
    ///
    /// # Cancel safety
    /// If the fetching client is dropped, another one fetches.
    pub(super) async fn token(
        &self,
        fetch: impl AsyncFnOnce() -> Result<Token, Error>,
    ) -> Result<HeaderValue, Error> {
        let ended = self.ended.get();
        let _turn = self.turn.lock().await;
        if let Some(header) = self.good(Instant::now()) {
            return Ok(header);
        }
        if self.ended.get() != ended {
            if let Some(error) = &*self.failed.borrow() {
                return Err(error.clone());
            }
            // Its lifetime may have been shorter than the wait for the lock; the registry will say so.
            if let Some(token) = &*self.token.borrow() {
                return Ok(token.header.clone());
            }
        }
        let fetched = fetch().await;
        self.ended.set(self.ended.get() + 1);
        self.failed.replace(fetched.as_ref().err().cloned());
        let token = fetched?;
        let header = token.header.clone();
        self.token.replace(Some(token));
        Ok(header)
    }
}

#[cfg(test)]
mod tests;
