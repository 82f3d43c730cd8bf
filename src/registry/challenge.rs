//! Challenges: what a registry says that it wants to see.

use std::rc::Rc;

use http::header::{HeaderMap, WWW_AUTHENTICATE};

use crate::transport::Address;

/// The most scopes of a challenge that are looked at, and the longest; a registry cannot make us ask for ever more.
const MAX_SCOPES: usize = 16;
const MAX_SCOPE: usize = 1024; // bytes

/// The challenge of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    Bearer(Rc<Service>),
}

/// A token service, as a challenge names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) realm: Address,
    pub(super) name: Option<String>,
}

/// A challenge, and the scopes that it asks for by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenged {
    pub(super) challenge: Challenge,
    pub(super) scopes: Vec<String>,
}

/// Reads `WWW-Authenticate`: Bearer if it is on offer, else Basic.
///
/// # Spec
/// RFC 9110, 11.6.1; Docker Registry v2 authentication, "Token Authentication Specification".
pub(super) fn challenged(asked: &Address, headers: &HeaderMap) -> Option<Challenged> {
    let mut basic = None;
    let values = headers.get_all(WWW_AUTHENTICATE).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let parsed = texts.filter_map(|text| http_auth::parse_challenges(text).ok());
    for challenge in parsed.flatten() {
        let parameter = |name: &str| {
            let mut found = challenge.params.iter();
            let found = found.find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped())
        };
        if challenge.scheme.eq_ignore_ascii_case("basic") {
            basic = Some(Challenged {
                challenge: Challenge::Basic,
                scopes: Vec::new(),
            });
        } else if challenge.scheme.eq_ignore_ascii_case("bearer")
            && let Some(realm) = parameter("realm").and_then(|realm| asked.join(&realm))
        {
            return Some(Challenged {
                challenge: Challenge::Bearer(Rc::new(Service {
                    realm,
                    name: parameter("service"),
                })),
                scopes: scopes(&parameter("scope").unwrap_or_default()),
            });
        }
    }
    basic
}

/// One parameter may hold several scopes.
///
/// # Spec
/// RFC 6749, 3.3.
fn scopes(text: &str) -> Vec<String> {
    text.split(' ')
        .filter(|scope| !scope.is_empty() && scope.len() <= MAX_SCOPE)
        .take(MAX_SCOPES)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(values: &[&'static str]) -> Option<Challenged> {
        let headers = values
            .iter()
            .map(|value| (WWW_AUTHENTICATE, HeaderValue::from_static(value)))
            .collect();
        let asked = Address::of(&"http://h/v2/".parse().unwrap()).unwrap();
        challenged(&asked, &headers)
    }

    #[test]
    fn commas_inside_quotes_belong_to_the_scope() {
        let challenged = read(&[
            r#"Bearer realm="http://a/token",service="reg",scope="repository:a/b:pull,push repository:c:pull",error="invalid_token""#,
        ])
        .unwrap();
        assert_eq!(
            challenged.scopes,
            ["repository:a/b:pull,push", "repository:c:pull"]
        );
        let Challenge::Bearer(service) = challenged.challenge else {
            panic!();
        };
        assert_eq!(service.realm.url().as_str(), "http://a/token");
        assert_eq!(service.name.as_deref(), Some("reg"));
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
            &[r#"Bearer realm="http://a/t", Basic realm="x""#][..],
        ] {
            assert!(matches!(
                read(values).unwrap().challenge,
                Challenge::Bearer(_)
            ));
        }
        assert_eq!(read(&["Negotiate"]), None);
        assert_eq!(read(&["Bearer service=\"no realm\""]), None);
        assert_eq!(
            read(&["Bearer service=\"no realm\", Basic realm=\"x\""])
                .unwrap()
                .challenge,
            Challenge::Basic
        );
    }

    #[test]
    fn a_challenge_cannot_ask_for_ever_more() {
        let many: Vec<String> = (0..1000)
            .map(|it| format!("repository:a{it}:pull"))
            .collect();
        let many = many.join(" ");
        assert_eq!(scopes(&many).len(), MAX_SCOPES);
        assert_eq!(scopes(&"x".repeat(MAX_SCOPE + 1)), Vec::<String>::new());
    }
}
