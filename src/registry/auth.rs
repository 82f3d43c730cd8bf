//! Challenges and the answers to them: Basic, and the Bearer token flow.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use crate::oci::RepositoryName;
use crate::units::Credentials;

/// The value of an `Authorization` header, marked so that nobody prints it.
pub(super) fn basic(credentials: &Credentials) -> HeaderValue {
    let pair = format!("{}:{}", credentials.username, credentials.password.expose());
    sensitive(&format!("Basic {}", STANDARD.encode(pair)))
        .expect("base64 is made of visible characters")
}

fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What a request wants to do, and where: what a token must allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scope<'a> {
    pub(super) repository: Option<&'a RepositoryName>, // `None`: the registry as a whole
    pub(super) mounts_from: Option<&'a RepositoryName>,
    pub(super) actions: Actions,
}

/// What may be done in a repository, each including the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Actions {
    Pull,
    PullPush,
    PullPushDelete,
}

impl Actions {
    const fn text(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::PullPush => "pull,push",
            Self::PullPushDelete => "pull,push,delete",
        }
    }
}

impl<'a> Scope<'a> {
    /// Something to be done in one repository.
    pub(super) const fn of(repository: &'a RepositoryName, actions: Actions) -> Self {
        Self {
            repository: Some(repository),
            mounts_from: None,
            actions,
        }
    }

    /// The scopes to ask a token service for, in the form it expects.
    fn texts(&self) -> Vec<String> {
        let own = self
            .repository
            .map(|name| format!("repository:{name}:{}", self.actions.text()));
        let other = self
            .mounts_from
            .map(|name| format!("repository:{name}:pull"));
        own.into_iter().chain(other).collect()
    }
}

/// The challenge of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    Bearer(Rc<Service>),
}

/// A token service, as a challenge names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) realm: Url,
    service: Option<String>,
}

/// A challenge, and the scope that it asks for by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenged {
    pub(super) challenge: Challenge,
    pub(super) scope: Option<String>,
}

/// Reads `WWW-Authenticate`: Bearer if it is on offer, else Basic.
///
/// # Spec
/// RFC 9110, 11.6.1; Docker Registry v2 authentication, "Token Authentication Specification".
pub(super) fn challenged(asked: &Url, headers: &HeaderMap) -> Option<Challenged> {
    let challenges: Vec<_> = headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter_map(|text| http_auth::parse_challenges(text).ok())
        .flatten()
        .map(|challenge| {
            let parameter = |name: &str| {
                let found = challenge.params.iter();
                let mut found = found.filter(|(key, _)| key.eq_ignore_ascii_case(name));
                found.next().map(|(_, value)| value.to_unescaped())
            };
            if challenge.scheme.eq_ignore_ascii_case("basic") {
                return Some(Challenged {
                    challenge: Challenge::Basic,
                    scope: None,
                });
            }
            let bearer = challenge.scheme.eq_ignore_ascii_case("bearer");
            let realm = asked.join(&parameter("realm").filter(|_| bearer)?).ok()?;
            Some(Challenged {
                challenge: Challenge::Bearer(Rc::new(Service {
                    realm,
                    service: parameter("service"),
                })),
                scope: parameter("scope"),
            })
        })
        .collect();
    let mut known = challenges.into_iter().flatten();
    let first = known.next()?;
    if first.challenge == Challenge::Basic {
        Some(
            known
                .find(|it| it.challenge != Challenge::Basic)
                .unwrap_or(first),
        )
    } else {
        Some(first)
    }
}

impl Service {
    /// The URL that gives a token.
    pub(super) fn token_url(
        &self,
        scope: &Scope<'_>,
        asked_for: Option<&str>,
        user: Option<&str>,
    ) -> Url {
        let mut url = self.realm.clone();
        {
            let mut query = url.query_pairs_mut();
            if let Some(service) = &self.service {
                query.append_pair("service", service);
            }
            let own = scope.texts();
            for text in &own {
                query.append_pair("scope", text);
            }
            // What the registry asks for and we did not think of.
            if let Some(text) = asked_for.filter(|text| own.is_empty() && !text.is_empty()) {
                query.append_pair("scope", text);
            }
            if let Some(user) = user {
                query.append_pair("account", user);
            }
        }
        url
    }
}

/// A token service's answer.
#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
}

/// Something that may be put into an `Authorization` header until it expires.
struct Token {
    key: TokenKey,
    header: HeaderValue,
    expires: Instant,
}

#[derive(Clone, PartialEq, Eq)]
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

    fn covers(&self, scope: &Scope<'_>) -> bool {
        self.repository.as_ref() == scope.repository
            && (scope.mounts_from.is_none() || self.mounts_from.as_ref() == scope.mounts_from)
            && self.actions >= scope.actions
    }
}

/// How long a token is good for when its service does not say.
///
/// # Spec
/// Docker Registry v2 authentication, `expires_in`.
const DEFAULT_LIFETIME: Duration = Duration::from_mins(1);

/// The most tokens kept; the oldest goes first.
const MAX_TOKENS: usize = 256;

/// What a client has learnt of the registry's way to authenticate, and the tokens it holds.
pub(super) struct Wallet {
    pub(super) credentials: Option<Credentials>,
    challenge: RefCell<Option<Challenge>>,
    tokens: RefCell<Vec<Token>>,
    /// Held while a token is fetched, so that many waiters cost one request.
    pub(super) fetching: tokio::sync::Mutex<()>,
}

impl Wallet {
    pub(super) fn new(credentials: Option<Credentials>) -> Self {
        Self {
            credentials,
            challenge: RefCell::default(),
            tokens: RefCell::default(),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    /// What to send without being asked: Basic once the registry has asked for it, or a token that is still good.
    pub(super) fn header(&self, scope: &Scope<'_>) -> Option<HeaderValue> {
        match &*self.challenge.borrow() {
            None => None,
            Some(Challenge::Basic) => self.credentials.as_ref().map(basic),
            Some(Challenge::Bearer(_)) => {
                let now = Instant::now();
                let tokens = self.tokens.borrow();
                let good = tokens.iter().rev();
                let mut good = good.filter(|token| token.expires > now && token.key.covers(scope));
                good.next().map(|token| token.header.clone())
            }
        }
    }

    /// The token service, once the registry has named one.
    pub(super) fn service(&self) -> Option<Rc<Service>> {
        match &*self.challenge.borrow() {
            Some(Challenge::Bearer(service)) => Some(Rc::clone(service)),
            _ => None,
        }
    }

    pub(super) fn learn(&self, challenge: Challenge) {
        *self.challenge.borrow_mut() = Some(challenge);
    }

    /// Forgets everything that was learnt.
    pub(super) fn clear(&self) {
        *self.challenge.borrow_mut() = None;
        self.tokens.borrow_mut().clear();
    }

    /// Throws away a token that was refused, and no other: somebody may have fetched a better one meanwhile.
    pub(super) fn forget(&self, refused: &HeaderValue) {
        self.tokens
            .borrow_mut()
            .retain(|token| token.header != *refused);
    }

    /// Keeps the token of an answer and gives the header it makes. A tenth of its life is left unused, so that it does not expire on its way.
    ///
    /// # Errors
    /// What is wrong with the answer.
    pub(super) fn keep(&self, scope: &Scope<'_>, raw: &[u8]) -> Result<HeaderValue, &'static str> {
        let answer: TokenAnswer = serde_json::from_slice(raw)
            .map_err(|_| "the token service's answer is not the JSON it should be")?;
        let token = answer
            .token
            .or(answer.access_token)
            .filter(|token| !token.is_empty())
            .ok_or("the token service's answer holds no token")?;
        let header = sensitive(&format!("Bearer {token}"))
            .ok_or("the token holds characters that no header may hold")?;
        // A token that is dead on arrival would be fetched again before it is used once.
        let seconds = answer.expires_in.filter(|seconds| *seconds > 0);
        let life = seconds.map_or(DEFAULT_LIFETIME, |seconds| {
            Duration::from_secs(seconds.min(86_400 * 365))
        });
        let mut tokens = self.tokens.borrow_mut();
        let now = Instant::now();
        tokens.retain(|token| token.expires > now);
        if tokens.len() >= MAX_TOKENS {
            tokens.remove(0);
        }
        tokens.push(Token {
            key: TokenKey::of(scope),
            header: header.clone(),
            expires: now + life - life / 10,
        });
        Ok(header)
    }
}

impl fmt::Debug for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wallet")
            .field("challenge", &self.challenge.borrow())
            .field("tokens", &self.tokens.borrow().len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Secret;

    fn read(values: &[&'static str]) -> Option<Challenged> {
        let headers = values
            .iter()
            .map(|value| (WWW_AUTHENTICATE, HeaderValue::from_static(value)))
            .collect();
        challenged(&"http://h/v2/".parse().unwrap(), &headers)
    }

    #[test]
    fn commas_inside_quotes_belong_to_the_scope() {
        let challenged = read(&[
            r#"Bearer realm="http://a/token",service="reg",scope="repository:a/b:pull,push",error="invalid_token""#,
        ])
        .unwrap();
        assert_eq!(
            challenged.scope.as_deref(),
            Some("repository:a/b:pull,push")
        );
        let Challenge::Bearer(service) = challenged.challenge else {
            panic!();
        };
        let name: RepositoryName = "a/b".parse().unwrap();
        let scope = Scope {
            repository: Some(&name),
            mounts_from: None,
            actions: Actions::PullPush,
        };
        assert_eq!(
            service.token_url(&scope, None, Some("bob")).as_str(),
            "http://a/token?service=reg&scope=repository%3Aa%2Fb%3Apull%2Cpush&account=bob"
        );
    }

    #[test]
    fn bearer_is_preferred_to_basic() {
        assert_eq!(
            read(&[r#"Basic realm="x""#]).unwrap().challenge,
            Challenge::Basic
        );
        for values in [
            &[r#"Basic realm="x""#, r#"Bearer realm="http://a/t""#][..],
            &[r#"Basic realm="x", Bearer realm="http://a/t""#][..],
        ] {
            assert!(matches!(
                read(values).unwrap().challenge,
                Challenge::Bearer(_)
            ));
        }
        assert_eq!(read(&["Negotiate"]), None);
        assert_eq!(read(&["Bearer service=\"no realm\""]), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_used_until_shortly_before_its_end() {
        let wallet = Wallet::new(None);
        let name: RepositoryName = "a".parse().unwrap();
        let scope = |actions| Scope {
            repository: Some(&name),
            mounts_from: None,
            actions,
        };
        wallet.learn(read(&[r#"Bearer realm="http://a/t""#]).unwrap().challenge);
        wallet
            .keep(
                &scope(Actions::PullPush),
                br#"{"access_token":"t","expires_in":100}"#,
            )
            .unwrap();
        assert!(wallet.header(&scope(Actions::Pull)).is_some());
        assert!(wallet.header(&scope(Actions::PullPushDelete)).is_none());
        tokio::time::advance(Duration::from_secs(89)).await;
        assert!(wallet.header(&scope(Actions::PullPush)).is_some());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(wallet.header(&scope(Actions::PullPush)).is_none());
    }

    #[test]
    fn nothing_secret_is_printed() {
        let credentials = Credentials {
            username: "bob".into(),
            password: Secret::new("hunter2"),
        };
        assert!(!format!("{credentials:?} {:?}", basic(&credentials)).contains("hunter2"));
        assert!(!format!("{:?}", basic(&credentials)).contains("Ym9i"));
    }
}
