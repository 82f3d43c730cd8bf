//! The token endpoint: credentials in, a token for named scopes out.
//!
//! A token carries what it grants and until when, under a seal. So none is stored, and no number of clients can
//! fill the registry's memory with tokens.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};

use crate::oci::ErrorCode;
use crate::units::Secret;

use super::answer::Ask;
use super::auth::{SERVICE, credentials, unauthorized};
use super::inbound::Inbound;
use super::query::Query;
use super::refusal::{Ending, Refusal};
use super::reply::Reply;
use super::settings::{Auth, Quirk};
use super::site::Site;

/// The largest form that is read.
const FORM_LIMIT: u64 = 64 * 1024;

/// Actions on one resource, `repository:lab/img:pull,push` in a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Access {
    kind: String,
    name: String,
    actions: Vec<String>,
}

impl Access {
    pub(super) fn new(kind: &str, name: &str, actions: &[&str]) -> Self {
        Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            actions: actions.iter().map(|&action| action.to_owned()).collect(),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        // A name may hold colons (a host with a port), so the parts are taken from both ends.
        let (kind, rest) = text.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        Some(Self::new(
            kind,
            name,
            &actions.split(',').collect::<Vec<_>>(),
        ))
    }

    /// Does it allow everything that `need` asks?
    pub(super) fn covers(&self, need: &Self) -> bool {
        self.kind == need.kind
            && self.name == need.name
            && need
                .actions
                .iter()
                .all(|action| self.actions.iter().any(|it| it == action || it == "*"))
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.kind, self.name, self.actions.join(","))
    }
}

/// What a request for a token brings.
struct Wish {
    login: Login,
    scopes: Vec<Access>,
    oauth: bool,
    /// Is an identity token wanted as well?
    offline: bool,
}

/// Who asks for a token.
enum Login {
    Nobody,
    User(String, Secret),
    Identity(Secret),
    /// Something that cannot be read.
    Unknown,
}

/// Answers a request for a token: `GET` with Basic credentials, or `POST` with a form.
pub(super) async fn issue(ask: &Ask<'_>, inbound: &mut Inbound) -> Result<Reply, Ending> {
    let Auth::Bearer {
        user,
        password,
        token_lifetime,
        anonymous_pull,
    } = &ask.site.settings.auth
    else {
        let message = "this registry does not use tokens";
        return Err(Refusal::missing(ErrorCode::Unsupported, message).into());
    };
    let wish = if ask.head.method == Method::POST {
        if ask.site.has(Quirk::NoTokenPost) {
            let message = "this token endpoint answers GET only";
            return Err(Refusal::missing(ErrorCode::Unsupported, message).into());
        }
        posted(inbound).await?
    } else {
        asked(ask)
    };
    let is_user = match &wish.login {
        Login::User(sent, word) => sent == user && word == password,
        Login::Identity(token) => is_identity(ask.site, token.expose(), user),
        Login::Nobody | Login::Unknown => false,
    };
    let scopes = match &wish.login {
        _ if is_user => wish.scopes,
        Login::Nobody if *anonymous_pull => wish.scopes.into_iter().filter_map(pull_only).collect(),
        _ => {
            return Err(unauthorized("name and password are missing or wrong")
                .with(WWW_AUTHENTICATE, format!("Basic realm=\"{SERVICE}\""))
                .into());
        }
    };
    let token = seal(ask.site, &scopes, *token_lifetime);
    let mut body = serde_json::json!({ "access_token": token });
    if !ask.site.has(Quirk::NoTokenExpiry) {
        body["expires_in"] = token_lifetime.as_secs().into();
    }
    if !wish.oauth {
        body["token"] = token.into();
    }
    if wish.offline && is_user {
        body["refresh_token"] = identity(ask.site, user).into();
    }
    Ok(Reply::new(StatusCode::OK)
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .bytes(body.to_string()))
}

/// What a `GET` asks for.
fn asked(ask: &Ask<'_>) -> Wish {
    let header = ask.header(&AUTHORIZATION);
    let login = match credentials(header) {
        Some((user, password)) => Login::User(user, password),
        None if ask.head.headers.contains_key(AUTHORIZATION) => Login::Unknown,
        None => Login::Nobody,
    };
    Wish {
        login,
        scopes: scopes(ask.query),
        oauth: false,
        offline: ask.query.get("offline_token").as_deref() == Some("true"),
    }
}

/// What a form asks for.
async fn posted(inbound: &mut Inbound) -> Result<Wish, Ending> {
    let refuse = |message: &'static str| Refusal::bad(ErrorCode::Unsupported, message);
    let form = inbound
        .collect(FORM_LIMIT)
        .await?
        .ok_or_else(|| refuse("the form is too large"))?;
    let form = std::str::from_utf8(&form).map_err(|_| refuse("the form is not text"))?;
    let form = Query::new(Some(form));
    let login = match form.get("grant_type").as_deref() {
        Some("password") => match form.get("username").zip(form.get("password")) {
            Some((user, password)) => Login::User(user.into_owned(), Secret::new(password)),
            None => Login::Nobody,
        },
        Some("refresh_token") => match form.get("refresh_token") {
            Some(token) => Login::Identity(Secret::new(token)),
            None => Login::Unknown,
        },
        _ => return Err(refuse("grant_type is `password` or `refresh_token`").into()),
    };
    Ok(Wish {
        login,
        scopes: scopes(form),
        oauth: true,
        offline: form.get("access_type").as_deref() == Some("offline"),
    })
}

/// An identity token: good as long as this registry runs.
fn identity(site: &Site, user: &str) -> String {
    let text = format!("identity {user}");
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(&text),
        site.keys.seal(&text)
    )
}

fn is_identity(site: &Site, token: &str, user: &str) -> bool {
    token == identity(site, user)
}

/// Every scope asked for: the key may repeat, and its value may hold several.
fn scopes(query: Query<'_>) -> Vec<Access> {
    query
        .all("scope")
        .flat_map(|value| {
            value
                .split(' ')
                .filter_map(Access::parse)
                .collect::<Vec<_>>()
        })
        .collect()
}

fn pull_only(mut access: Access) -> Option<Access> {
    access.actions.retain(|action| action == "pull");
    (access.kind == "repository" && !access.actions.is_empty()).then_some(access)
}

fn seal(site: &Site, scopes: &[Access], lifetime: Duration) -> String {
    let expires = site.began.elapsed().saturating_add(lifetime).as_millis();
    let scopes: Vec<_> = scopes.iter().map(ToString::to_string).collect();
    // The drawn number makes every token another one, as clients expect.
    let text = format!("{expires} {:x} {}", site.keys.draw(), scopes.join(" "));
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(&text),
        site.keys.seal(&text)
    )
}

/// What a token grants; `None`: it is not ours, or has expired.
pub(super) fn granted(site: &Site, token: &str) -> Option<Vec<Access>> {
    let (text, seal) = token.split_once('.')?;
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    if site.keys.seal(&text) != seal {
        return None;
    }
    let mut words = text.split(' ');
    let expires: u128 = words.next()?.parse().ok()?;
    let scopes = words.skip(1).filter_map(Access::parse).collect();
    (site.began.elapsed().as_millis() < expires).then_some(scopes)
}

#[cfg(test)]
mod tests {
    use super::super::settings::Settings;
    use super::*;

    #[test]
    fn scopes_are_read_whole_and_in_parts() {
        let query = "scope=repository:a/b:pull,push&service=x&scope=repository%3Ac%3Apull+registry:catalog:*";
        let read: Vec<_> = scopes(Query::new(Some(query)))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            read,
            [
                "repository:a/b:pull,push",
                "repository:c:pull",
                "registry:catalog:*"
            ]
        );
    }

    #[test]
    fn a_scope_covers_what_it_names_and_no_more() {
        let both = Access::parse("repository:a:pull,push").unwrap();
        assert!(both.covers(&Access::new("repository", "a", &["push", "pull"])));
        assert!(!both.covers(&Access::new("repository", "a", &["delete"])));
        assert!(!both.covers(&Access::new("repository", "ab", &["pull"])));
        assert!(Access::parse("repository:a:*").unwrap().covers(&both));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_good_until_it_expires_and_cannot_be_forged() {
        let site = Site::new(Settings::default(), ([127, 0, 0, 1], 1).into(), None);
        let scope = Access::new("repository", "a", &["pull"]);
        let token = seal(&site, std::slice::from_ref(&scope), Duration::from_mins(1));
        assert_eq!(granted(&site, &token), Some(vec![scope]));
        let other = Site::new(Settings::default(), ([127, 0, 0, 1], 1).into(), None);
        assert_eq!(granted(&other, &token), None);
        assert_eq!(granted(&site, "x.y"), None);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(granted(&site, &token), None);
    }
}
