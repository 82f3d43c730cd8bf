//! The token endpoint: credentials in, a token for named scopes out.

use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};

use crate::oci::ErrorCode;
use crate::units::Secret;

use super::auth::{SERVICE, credentials, unauthorized};
use super::inbound::Inbound;
use super::query::Query;
use super::refusal::{Ending, Refusal};
use super::request::ParsedRequest;
use super::response::Response;
use super::settings::{Auth, Quirk};
use super::token::{Access, identity, is_identity, seal};

/// The largest form that is read.
const FORM_LIMIT: u64 = 64 * 1024;

/// What a request for a token brings.
struct Wish {
    login: Login,
    scopes: Vec<Access>,
    oauth: bool,
    /// `true` if an identity token is wanted as well.
    offline: bool,
}

/// The login in a request for a token.
enum Login {
    Nobody,
    User(String, Secret),
    Identity(Secret),
    /// Something that cannot be read.
    Unknown,
}

/// Serves a request for a token: `GET` with Basic credentials, or `POST` with a form.
pub(super) async fn issue(
    request: &ParsedRequest<'_>,
    inbound: &mut Inbound,
) -> Result<Response, Ending> {
    let Auth::Bearer {
        user,
        password,
        token_lifetime,
        anonymous_pull,
    } = &request.site.settings.auth
    else {
        let message = "this registry does not use tokens";
        return Err(Refusal::missing(ErrorCode::Unsupported, message).into());
    };
    let wish = if request.head.method == Method::POST {
        if request.site.has(Quirk::NoTokenPost) {
            let message = "this token endpoint has GET only";
            return Err(Refusal::missing(ErrorCode::Unsupported, message).into());
        }
        posted(inbound).await?
    } else {
        asked(request)
    };
    let is_user = match &wish.login {
        Login::User(sent, word) => sent == user && word == password,
        Login::Identity(token) => is_identity(request.site, token.expose(), user),
        Login::Nobody | Login::Unknown => false,
    };
    let scopes = match &wish.login {
        _ if is_user => wish.scopes,
        Login::Nobody if *anonymous_pull => wish
            .scopes
            .into_iter()
            .filter_map(Access::pull_only)
            .collect(),
        _ => {
            return Err(unauthorized("name and password are missing or wrong")
                .with(WWW_AUTHENTICATE, format!("Basic realm=\"{SERVICE}\""))
                .into());
        }
    };
    let token = seal(request.site, &scopes, *token_lifetime);
    let mut body = serde_json::json!({ "access_token": token });
    if !request.site.has(Quirk::NoTokenExpiry) {
        body["expires_in"] = token_lifetime.as_secs().into();
    }
    if !wish.oauth {
        body["token"] = token.into();
    }
    if wish.offline && is_user {
        body["refresh_token"] = identity(request.site, user).into();
    }
    Ok(Response::new(StatusCode::OK)
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .bytes(body.to_string()))
}

/// Reads a `GET`.
fn asked(request: &ParsedRequest<'_>) -> Wish {
    let header = request.header(&AUTHORIZATION);
    let login = match credentials(header) {
        Some((user, password)) => Login::User(user, password),
        None if request.head.headers.contains_key(AUTHORIZATION) => Login::Unknown,
        None => Login::Nobody,
    };
    Wish {
        login,
        scopes: scopes(request.query),
        oauth: false,
        offline: request.query.get("offline_token").as_deref() == Some("true"),
    }
}

/// Reads a form.
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

#[cfg(test)]
mod tests {
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
}
