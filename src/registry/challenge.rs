//! Authentication challenges of a registry.

use std::borrow::Cow;
use std::rc::Rc;

use http::header::{HeaderMap, WWW_AUTHENTICATE};

use crate::transport::Address;
use crate::units::foreign_words;

/// The most scopes of a challenge, and the longest: a registry cannot make the client request ever more.
const MAX_SCOPES: usize = 16;
const MAX_SCOPE: usize = 1024; // bytes

/// The longest word of a challenge that is shown: tickets and nonces are longer.
const MAX_SHOWN: usize = 20; // bytes

/// A challenge of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    Bearer(Rc<Service>),
}

/// The token service that a challenge names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) realm: Address,
    pub(super) name: Option<String>,
}

/// A challenge, and the scopes that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenged {
    pub(super) challenge: Challenge,
    pub(super) scopes: Vec<String>,
}

/// Reads `WWW-Authenticate`: Bearer if it is offered, else Basic.
///
/// # Spec
/// RFC 9110, 11.6.1; Docker Registry v2 authentication, "Token Authentication Specification".
pub(super) fn challenged(asked: &Address, headers: &HeaderMap) -> Option<Challenged> {
    let mut basic = None;
    for text in texts(headers) {
        for offer in offers(&text) {
            if offer.scheme.eq_ignore_ascii_case("basic") {
                basic = Some(Challenged {
                    challenge: Challenge::Basic,
                    scopes: Vec::new(),
                });
            } else if offer.scheme.eq_ignore_ascii_case("bearer")
                && let Some(realm) = offer.parameter("realm").and_then(|it| asked.join(it))
            {
                return Some(Challenged {
                    challenge: Challenge::Bearer(Rc::new(Service {
                        realm,
                        name: offer.parameter("service").map(str::to_owned),
                    })),
                    scopes: scopes(offer.parameter("scope").unwrap_or_default()),
                });
            }
        }
    }
    basic
}

/// Returns an unsupported challenge, fit to be shown; `None` if there is none, or if one of them is supported.
pub(super) fn unsupported_challenge(asked: &Address, headers: &HeaderMap) -> Option<String> {
    if !headers.contains_key(WWW_AUTHENTICATE) || challenged(asked, headers).is_some() {
        return None;
    }
    let shown: Vec<String> = texts(headers).map(|text| masked(&text)).collect();
    Some(foreign_words(&shown.join(", "), 200))
}

fn texts(headers: &HeaderMap) -> impl Iterator<Item = Cow<'_, str>> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter();
    values.map(|value| String::from_utf8_lossy(value.as_bytes()))
}

/// One authentication scheme that is offered.
struct Offer<'t> {
    scheme: &'t str,
    parameters: Vec<(&'t str, Cow<'t, str>)>,
}

impl Offer<'_> {
    fn parameter(&self, name: &str) -> Option<&str> {
        let mut found = self.parameters.iter();
        let (_, value) = found.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(value)
    }
}

/// Parses a header as far as possible. An unquoted value ends at the next comma, whatever is in it, and an invalid
/// parameter is skipped: Go's clients and curl log in to registries that write so.
fn offers(text: &str) -> Vec<Offer<'_>> {
    let mut offers: Vec<Offer<'_>> = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        if rest.is_empty() {
            return offers;
        }
        let (word, after) = token(rest);
        if word.is_empty() {
            rest = behind_comma(rest);
            continue;
        }
        let after_blank = after.trim_start_matches([' ', '\t']);
        if let Some(value) = after_blank.strip_prefix('=')
            && let Some(offer) = offers.last_mut()
        {
            let (value, behind) = value_of(value.trim_start_matches([' ', '\t']));
            offer.parameters.extend(value.map(|value| (word, value)));
            rest = behind_comma(behind);
            continue;
        }
        offers.push(Offer {
            scheme: word,
            parameters: Vec::new(),
        });
        rest = after_blank;
    }
}

/// Splits off the characters of a token.
fn token(text: &str) -> (&str, &str) {
    let is_end = |it: char| !it.is_ascii_alphanumeric() && !"!#$%&'*+-.^_`|~".contains(it);
    text.split_at(text.find(is_end).unwrap_or(text.len()))
}

fn behind_comma(text: &str) -> &str {
    text.find(',').map_or("", |comma| &text[comma + 1..])
}

/// Splits off a value, quoted or not; `None` if its quotes do not end.
fn value_of(text: &str) -> (Option<Cow<'_, str>>, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, behind) = text.split_at(text.find(',').unwrap_or(text.len()));
        return (Some(value.trim_end().into()), behind);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    loop {
        match characters.next() {
            None => return (None, ""),
            Some((place, '"')) => return (Some(value.into()), &quoted[place + 1..]),
            Some((_, '\\')) => value.extend(characters.next().map(|(_, it)| it)),
            Some((_, character)) => value.push(character),
        }
    }
}

/// Returns a challenge without what may be secret: queries, users of URLs, and long words that are no URL.
fn masked(text: &str) -> String {
    let is_break = |it: char| it.is_whitespace() || ",;\"'<>".contains(it);
    let mut shown = String::new();
    for piece in text.split_inclusive(is_break) {
        let word = piece.trim_end_matches(is_break);
        let (name, behind) = token(word);
        let value = match behind.strip_prefix('=') {
            // A word that is too long for a name may be a token that ends with the padding of Base64.
            Some(value) if !name.is_empty() && name.len() <= MAX_SHOWN => {
                shown.extend([name, "="]);
                value
            }
            _ => word,
        };
        match value.split_once("://") {
            Some((scheme, rest)) => {
                let rest = rest.split(['?', '#']).next().unwrap_or_default();
                let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                let host = host.rsplit('@').next().unwrap_or_default();
                shown.extend([scheme, "://", host, path]);
            }
            None if value.len() > MAX_SHOWN => shown.push_str(".."),
            None => shown.push_str(value),
        }
        shown.push_str(&piece[word.len()..]);
    }
    shown
}

/// Splits a parameter into its scopes.
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

    /// As docker's `parseValueAndParams` and curl read them, from registries in the wild.
    #[test]
    fn challenges_that_clients_read_are_read() {
        for value in [
            "Basic realm=/",
            "Basic realm=My Registry",
            "basic realm=My Registry, charset=\"UTF-8\"",
            "BASIC",
            "Negotiate, Basic realm=x",
            "Negotiate YII=, Basic realm=\"a, b\"",
            "Basic realm=\"never closed",
            "Digest realm=\"x\", nonce=\"n=, Basic\", Basic realm=\"y\"",
            "Basic realm=\"x\",",
            ", Basic",
        ] {
            let found = read(&[value]).map(|it| it.challenge);
            assert_eq!(found, Some(Challenge::Basic), "{value}");
        }
        for (value, service, scope) in [
            (
                "Bearer realm=http://a/t,service=reg.example,scope=\"\"",
                Some("reg.example"),
                "",
            ),
            (
                "Bearer realm = \"http://a/t\" , service = \"reg\"",
                Some("reg"),
                "",
            ),
            (
                "bearer realm=\"http://a/t\",empty=\"\",service=\"re\\\"g\",",
                Some("re\"g"),
                "",
            ),
            ("Bearer realm=\"http://a/t\" scope=\"x\"", None, ""),
            (
                "Bearer, Bearer realm=\"http://a/t\",scope=\"s t\"",
                None,
                "s t",
            ),
            ("Bearer error=\"x\\y\", realm=\"http://a/t\"", None, ""),
            (
                "Basic realm=\"x\", Bearer realm=\"/t\",service=a b",
                Some("a b"),
                "",
            ),
        ] {
            let found = read(&[value]).unwrap_or_else(|| panic!("{value}"));
            let Challenge::Bearer(read) = found.challenge else {
                panic!("{value}");
            };
            assert_eq!(read.realm.path().len(), 2, "{value}");
            assert_eq!(read.name.as_deref(), service, "{value}");
            assert_eq!(found.scopes.join(" "), scope, "{value}");
        }
    }

    #[test]
    fn what_cannot_be_answered_is_shown_without_its_secrets() {
        let shown = |value: &'static str| {
            let headers =
                HeaderMap::from_iter([(WWW_AUTHENTICATE, HeaderValue::from_static(value))]);
            unsupported_challenge(
                &Address::of(&"http://h/v2/".parse().unwrap()).unwrap(),
                &headers,
            )
        };
        for (value, words) in [
            ("Negotiate", "Negotiate"),
            ("Negotiate YIIRxAYGKwYBBQUCoIIRuDCCEbSgDTAL", "Negotiate .."),
            (
                "Negotiate YIIRxAYGKwYBBQUCoIIRuDCCEbSgDTAL==",
                "Negotiate ..",
            ),
            (
                "Digest realm=\"r\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"",
                "Digest realm=\"r\", nonce=\"..\"",
            ),
            (
                "Bearer realm=\"ftp://u:hunter2@h/t?key=hunter2\"",
                "Bearer realm=\"ftp://h/t\"",
            ),
            ("Bearer service=\"reg\"", "Bearer service=\"reg\""),
            ("???", "???"),
        ] {
            assert_eq!(shown(value).as_deref(), Some(words), "{value}");
        }
        assert_eq!(shown("Basic realm=\"x\""), None);
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
