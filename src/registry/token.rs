//! Tokens: the request for one, and its response.

use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderValue;
use serde::Deserialize;
use tokio::time::Instant;
use url::form_urlencoded::Serializer;

use super::challenge::Service;
use super::headers::sensitive;
use crate::profile::TokenHabits;
use crate::transport::{Address, OriginError};
use crate::units::Credentials;

/// The lifetime of a token if its service states none.
///
/// # Spec
/// Docker Registry v2 authentication, `expires_in`.
const DEFAULT_LIFETIME: Duration = Duration::from_mins(1);

/// The longest lifetime, whatever the service states.
const MAX_LIFETIME: Duration = Duration::from_hours(24 * 365);

/// The most of a lifetime that is left unused. It covers the request's way to the registry, the rounding of
/// `expires_in` to seconds, and clocks that are slightly off, none of which grows with the lifetime. A tenth is
/// enough for short lifetimes; an expired token costs one 401.
const MAX_MARGIN: Duration = Duration::from_secs(5);

/// A value of `Authorization` that is valid until it expires.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) header: HeaderValue,
    /// `None`: until it is refused.
    pub(super) expires: Option<Instant>,
}

impl Token {
    pub(super) fn is_good(&self, now: Instant) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

/// A request for a token, by `GET` or `POST`.
pub(super) struct Wish<'a> {
    pub(super) service: &'a Service,
    pub(super) scopes: Vec<String>,
    pub(super) habits: &'a TokenHabits,
    pub(super) credentials: Option<&'a Credentials>,
}

impl Wish<'_> {
    /// Returns the URL of the `GET`. The parameters are sorted by name, as in Go.
    ///
    /// # Spec
    /// Docker Registry v2 authentication, "Requesting a Token".
    ///
    /// # Errors
    /// Fails if the scopes are too long for a request line.
    pub(super) fn address(&self) -> Result<Address, OriginError> {
        let mut url = self.service.realm.url();
        let account = self.credentials.and_then(Credentials::username);
        let account = account.filter(|_| self.habits.account);
        if account.is_none() && self.scopes.is_empty() && self.service.name.is_none() {
            return Ok(self.service.realm.clone());
        }
        let mut query = url.query_pairs_mut();
        if let Some(user) = account {
            query.append_pair("account", user);
        }
        for scope in &self.scopes {
            query.append_pair("scope", scope);
        }
        if let Some(service) = &self.service.name {
            query.append_pair("service", service);
        }
        drop(query);
        Address::of(&url)
    }

    /// Returns the form of the `POST`. The fields are sorted by name, as in Go.
    ///
    /// # Spec
    /// Docker Registry v2 authentication, "`OAuth2` Token Authentication"; RFC 6749, 4.3.2 and 6.
    pub(super) fn form(&self) -> Bytes {
        let mut form = Serializer::new(String::new());
        form.append_pair("client_id", &self.habits.client_id);
        match self.credentials {
            Some(Credentials::Password { password, .. }) => {
                form.append_pair("grant_type", "password");
                form.append_pair("password", password.expose());
            }
            Some(Credentials::IdentityToken(token)) => {
                form.append_pair("grant_type", "refresh_token");
                form.append_pair("refresh_token", token.expose());
            }
            None => {}
        }
        if !self.scopes.is_empty() {
            form.append_pair("scope", &self.scopes.join(" "));
        }
        if let Some(service) = &self.service.name {
            form.append_pair("service", service);
        }
        if let Some(user) = self.credentials.and_then(Credentials::username) {
            form.append_pair("username", user);
        }
        form.finish().into()
    }
}

/// The response of a token service.
#[derive(Deserialize)]
struct TokenResponse {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    /// Seconds. Some services write a fraction; a value that is no number counts as missing.
    #[serde(default)]
    expires_in: serde_json::Value,
}

/// Reads a response that has just arrived. `issued_at` is ignored: it is of another clock.
///
/// # Errors
/// Returns what is wrong with the response.
pub(super) fn read(raw: &[u8], habits: &TokenHabits) -> Result<Token, &'static str> {
    let response: TokenResponse = serde_json::from_slice(raw)
        .map_err(|_| "the token service's response is not the expected JSON")?;
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let token = some(response.token)
        .or_else(|| some(response.access_token))
        .ok_or("the token service's response has no token")?;
    let header = sensitive(&format!("Bearer {token}"))
        .ok_or("the token holds characters that no header may hold")?;
    let told = response.expires_in.as_f64();
    let told = told.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let now = Instant::now();
    let expires = life(told, habits).map(|life| now + life - (life / 10).min(MAX_MARGIN));
    Ok(Token { header, expires })
}

/// Returns how long a token is used from its arrival; `None`: until it is refused. A lifetime of zero counts as
/// missing: otherwise the token would be fetched again before each use.
fn life(told: Option<Duration>, habits: &TokenHabits) -> Option<Duration> {
    match told.filter(|life| !life.is_zero()) {
        Some(life) => Some(life.min(MAX_LIFETIME).max(habits.shortest_life)),
        None if habits.endless_by_default => None,
        None => Some(DEFAULT_LIFETIME.max(habits.shortest_life)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::units::Secret;

    fn habits(client: &str) -> TokenHabits {
        Profile::named(client).unwrap().habits().token
    }

    fn service() -> Service {
        Service {
            realm: Address::of(&"http://a/token?tenant=7".parse().unwrap()).unwrap(),
            name: Some("reg".into()),
        }
    }

    fn wish<'a>(
        service: &'a Service,
        habits: &'a TokenHabits,
        credentials: Option<&'a Credentials>,
    ) -> Wish<'a> {
        Wish {
            service,
            scopes: vec![
                "repository:a/b:pull,push".into(),
                "repository:c:pull".into(),
            ],
            habits,
            credentials,
        }
    }

    #[test]
    fn the_address_holds_each_scope_and_the_account_where_the_client_names_it() {
        let (service, bob) = (service(), Credentials::password("bob", Secret::new("x")));
        let scopes =
            "scope=repository%3Aa%2Fb%3Apull%2Cpush&scope=repository%3Ac%3Apull&service=reg";
        for (client, account) in [("docker", "account=bob&"), ("containerd", "")] {
            let habits = habits(client);
            assert_eq!(
                wish(&service, &habits, Some(&bob))
                    .address()
                    .unwrap()
                    .url()
                    .as_str(),
                format!("http://a/token?tenant=7&{account}{scopes}")
            );
        }
        let token = Credentials::IdentityToken(Secret::new("x"));
        for credentials in [None, Some(&token)] {
            let habits = habits("docker");
            assert_eq!(
                wish(&service, &habits, credentials)
                    .address()
                    .unwrap()
                    .url()
                    .as_str(),
                format!("http://a/token?tenant=7&{scopes}")
            );
        }
    }

    #[test]
    fn a_form_joins_the_scopes() {
        let (service, habits) = (service(), habits("containerd"));
        let scope = "scope=repository%3Aa%2Fb%3Apull%2Cpush+repository%3Ac%3Apull&service=reg";
        let bob = Credentials::password("bob", Secret::new("a&b="));
        assert_eq!(
            wish(&service, &habits, Some(&bob)).form(),
            format!(
                "client_id=containerd-client&grant_type=password&password=a%26b%3D&{scope}&username=bob"
            )
        );
        let token = Credentials::IdentityToken(Secret::new("idt"));
        assert_eq!(
            wish(&service, &habits, Some(&token)).form(),
            format!(
                "client_id=containerd-client&grant_type=refresh_token&refresh_token=idt&{scope}"
            )
        );
    }

    #[test]
    fn a_life_is_what_the_service_says_and_the_client_makes_of_it() {
        let seconds = |it| Some(Duration::from_secs(it));
        for (client, told, expected) in [
            ("plain", seconds(30), seconds(30)),
            ("plain", None, seconds(60)),
            ("plain", seconds(0), seconds(60)),
            ("plain", Some(Duration::MAX), Some(MAX_LIFETIME)),
            ("docker", seconds(30), seconds(60)),
            ("docker", seconds(300), seconds(300)),
            ("docker", None, seconds(60)),
            ("podman", seconds(1), seconds(60)),
            ("containerd", seconds(30), seconds(30)),
            ("containerd", None, None),
            ("containerd", seconds(0), None),
        ] {
            assert_eq!(life(told, &habits(client)), expected, "{client} {told:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_tenth_of_a_life_is_left_but_no_more_than_five_seconds() {
        let now = Instant::now();
        for (told, used_ms) in [
            ("2", 1_800),
            ("30", 27_000),
            ("60", 55_000),
            ("3600", 3_595_000),
            ("2.5", 2_250),
            ("\"soon\"", 55_000),
            ("null", 55_000),
            ("-1", 55_000),
            ("1e300", 55_000),
            ("1e15", 31_536_000_000 - 5_000),
        ] {
            let raw = format!("{{\"token\":\"t\",\"expires_in\":{told}}}");
            let token = read(raw.as_bytes(), &habits("plain")).unwrap();
            let used = Duration::from_millis(used_ms);
            assert!(
                token.is_good(now + used - Duration::from_millis(1)),
                "{told}"
            );
            assert!(!token.is_good(now + used), "{told}");
        }
        let endless = read(br#"{"access_token":"t"}"#, &habits("containerd")).unwrap();
        assert!(endless.is_good(now + Duration::from_hours(10_000)));
        assert!(endless.header.is_sensitive());
    }
}
