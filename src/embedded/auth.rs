//! Authorization: lets a request pass, or says which credentials it lacks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};

use crate::oci::{ErrorCode, Operation, RepositoryName};
use crate::units::Secret;

use super::refusal::Refusal;
use super::request::ParsedRequest;
use super::settings::Auth;
use super::token::{self, Access};

/// The name under which tokens are asked for.
pub(super) const SERVICE: &str = "regstorm";

/// Lets a request pass, or says what it lacks.
pub(super) fn authorize(
    request: &ParsedRequest<'_>,
    operation: Operation,
    name: Option<&RepositoryName>,
) -> Result<(), Refusal> {
    match &request.site.settings.auth {
        Auth::Open => Ok(()),
        Auth::Basic { user, password } => match credentials(request.header(&AUTHORIZATION)) {
            Some((sent_user, sent_password))
                if sent_user == *user && sent_password == *password =>
            {
                Ok(())
            }
            _ => Err(unauthorized("name and password are missing or wrong")
                .with(WWW_AUTHENTICATE, format!("Basic realm=\"{SERVICE}\""))),
        },
        Auth::Bearer { .. } => bearer(request, &needs(request, operation, name)),
    }
}

/// Returns what an operation must be allowed, in the grammar of scopes.
fn needs(
    request: &ParsedRequest<'_>,
    operation: Operation,
    name: Option<&RepositoryName>,
) -> Vec<Access> {
    let Some(name) = name else {
        return match operation {
            Operation::Catalog => vec![Access::new("registry", "catalog", &["*"])],
            _ => Vec::new(),
        };
    };
    let actions: &[&str] = match operation {
        Operation::ManifestDelete | Operation::BlobDelete => &["delete"],
        Operation::ManifestPut
        | Operation::UploadStart
        | Operation::UploadPost
        | Operation::UploadMount
        | Operation::UploadPatch
        | Operation::UploadPut
        | Operation::UploadStatus
        | Operation::UploadCancel => &["pull", "push"],
        _ => &["pull"],
    };
    let mut needs = vec![Access::new("repository", name.as_str(), actions)];
    if operation == Operation::UploadMount
        && let Some(from) = request.query.get("from")
        && from.parse::<RepositoryName>().is_ok()
    {
        needs.push(Access::new("repository", &from, &["pull"]));
    }
    needs
}

fn bearer(request: &ParsedRequest<'_>, needs: &[Access]) -> Result<(), Refusal> {
    let scopes: Vec<_> = needs.iter().map(ToString::to_string).collect();
    let mut challenge = format!(
        "Bearer realm=\"{}/token\",service=\"{SERVICE}\"",
        request.site.url_for(request.head)
    );
    if !scopes.is_empty() {
        challenge.push_str(",scope=\"");
        challenge.push_str(&scopes.join(" "));
        challenge.push('"');
    }
    let sent = request
        .header(&AUTHORIZATION)
        .and_then(|value| parameter(value, "Bearer"));
    let (message, error) = match sent.map(|token| token::granted(request.site, token)) {
        None => ("a token is missing", ""),
        Some(None) => (
            "the token is not one of ours, or has expired",
            ",error=\"invalid_token\"",
        ),
        Some(Some(granted)) => {
            if needs
                .iter()
                .all(|need| granted.iter().any(|it| it.covers(need)))
            {
                return Ok(());
            }
            (
                "the token does not allow this",
                ",error=\"insufficient_scope\"",
            )
        }
    };
    challenge.push_str(error);
    Err(unauthorized(message).with(WWW_AUTHENTICATE, challenge))
}

pub(super) fn unauthorized(message: &'static str) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, message)
}

/// Name and password out of an `Authorization: Basic` value.
pub(super) fn credentials(value: Option<&str>) -> Option<(String, Secret)> {
    let bytes = STANDARD.decode(parameter(value?, "Basic")?).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), Secret::new(password)))
}

/// Returns what stands behind a scheme, whose case does not matter.
fn parameter<'v>(value: &'v str, scheme: &str) -> Option<&'v str> {
    let (found, rest) = value.split_once(' ')?;
    found.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn credentials_are_read_as_rfc_7617_writes_them() {
        // The RFC's own example.
        let (user, password) = credentials(Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")).unwrap();
        assert_eq!(
            (user.as_str(), password.expose()),
            ("Aladdin", "open sesame")
        );
        assert!(credentials(Some("basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")).is_some());
        for bad in [
            "Basic",
            "Basic ",
            "Basic !",
            "Bearer QWxh",
            "Basic QWxhZGRpbg==",
        ] {
            assert!(credentials(Some(bad)).is_none(), "{bad}");
        }
        assert!(credentials(None).is_none());
    }

    proptest! {
        #[test]
        fn any_value_is_read_or_refused_without_panic(value in ".*") {
            let _ = credentials(Some(&value));
        }
    }
}
