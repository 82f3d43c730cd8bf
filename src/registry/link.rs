//! `Link`: the next page of a list.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use http::HeaderMap;
use http::header::LINK;

use crate::transport::Address;
use crate::units::foreign_words;

/// The longest header, in bytes; the rest is ignored.
const MOST: usize = 64 << 10;

/// A list that is being read, page by page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    pub(super) next: Address,
    seen: BTreeSet<u64>, // hashes of the addresses of the pages so far
}

/// Why the next page of a list cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The header is invalid.
    #[error("cannot read `Link: {0}`: no one can tell whether another page follows")]
    Malformed(String),
    /// The URL of the next page is invalid.
    #[error("the next page of `Link: {0}` is at no address that can be asked")]
    NoAddress(String),
    /// The next page was read before.
    #[error("the list leads back to a page that was read before (`Link: {0}`)")]
    Loop(String),
}

/// A link of the header: its target, and its relations.
struct Link {
    target: String,
    relations: String,
}

impl Walk {
    /// Returns the walk after the page that was requested at `asked` and came from `answered`; `None` if it was the last page.
    ///
    /// # Spec
    /// distribution-spec, "Listing Tags"; RFC 8288, 3.
    ///
    /// # Errors
    /// Fails if there is a `Link` that is invalid, or that leads to a page of this walk.
    pub(super) fn behind(
        walked: Option<Self>,
        (asked, answered): (&Address, &Address),
        headers: &HeaderMap,
    ) -> Result<Option<Self>, LinkError> {
        let values = headers.get_all(LINK).iter();
        let texts: Vec<_> = values
            .map(|it| String::from_utf8_lossy(it.as_bytes()))
            .collect();
        let text = texts.join(", ");
        let Some(links) = links(&text) else {
            return Err(LinkError::Malformed(shown(&text)));
        };
        let Some(link) = links.iter().find(|link| link.leads_on()) else {
            return Ok(None);
        };
        let Some(next) = answered.join(&link.target) else {
            return Err(LinkError::NoAddress(shown(&text)));
        };
        let mut seen = walked.map_or_else(BTreeSet::new, |walk| walk.seen);
        seen.extend([hash(asked), hash(answered)]);
        if seen.contains(&hash(&next)) {
            return Err(LinkError::Loop(shown(&text)));
        }
        Ok(Some(Self { next, seen }))
    }
}

impl Link {
    fn leads_on(&self) -> bool {
        let mut relations = self.relations.split_ascii_whitespace();
        relations.any(|it| it.eq_ignore_ascii_case("next"))
    }
}

fn hash(address: &Address) -> u64 {
    let mut hasher = DefaultHasher::new();
    address.url().as_str().hash(&mut hasher);
    hasher.finish()
}

/// Returns the header without queries, which may hold secrets.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    let mut is_query = false;
    for character in text.chars().take(1000) {
        match character {
            '?' if !is_query => {
                is_query = true;
                shown.push_str("?..");
            }
            '>' | ';' | ',' | ' ' => is_query = false,
            _ => {}
        }
        if !is_query {
            shown.push(character);
        }
    }
    foreign_words(&shown, 120)
}

/// Returns all links of the header; `None` if it is invalid.
///
/// # Spec
/// RFC 8288, 3 and appendix B.2. Elements of the list may be empty; of several `rel` the first one counts.
fn links(text: &str) -> Option<Vec<Link>> {
    let mut links = Vec::new();
    let mut rest = text.get(..MOST).unwrap_or(text);
    loop {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        if rest.is_empty() {
            return Some(links);
        }
        let (target, parameters) = rest.strip_prefix('<')?.split_once('>')?;
        let mut relations = None;
        rest = parameters;
        loop {
            rest = blank(rest);
            if rest.is_empty() || rest.starts_with(',') {
                break;
            }
            rest = blank(rest.strip_prefix(';')?);
            let end = rest.find([' ', '\t', '=', ';', ',']).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            let value;
            (value, rest) = value_of(blank(after))?;
            if name.eq_ignore_ascii_case("rel") && relations.is_none() {
                relations = Some(value);
            }
        }
        links.push(Link {
            target: target.trim().to_owned(),
            relations: relations.unwrap_or_default(),
        });
    }
}

fn blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

/// Splits off the value of a parameter, which it need not have.
///
/// # Spec
/// RFC 9110, 5.6.4 for a quoted one.
fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(text) = text.strip_prefix('=') else {
        return Some((String::new(), text));
    };
    let text = blank(text);
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',']).unwrap_or(text.len());
        return Some((text[..end].trim_end().to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    loop {
        match characters.next()? {
            (place, '"') => return Some((value, &quoted[place + 1..])),
            (_, '\\') => value.push(characters.next()?.1),
            (_, character) => value.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn address(text: &str) -> Address {
        Address::of(&text.parse().unwrap()).unwrap()
    }

    fn behind(values: &[&str]) -> Result<Option<String>, LinkError> {
        let asked = address("http://h/x/v2/a/tags/list?n=2");
        let headers = values
            .iter()
            .map(|value| (LINK, HeaderValue::from_bytes(value.as_bytes()).unwrap()))
            .collect();
        let walk = Walk::behind(None, (&asked, &asked), &headers)?;
        Ok(walk.map(|walk| walk.next.url().to_string()))
    }

    /// By the grammar of RFC 8288, 3, and its examples in 3.5.
    #[test]
    fn the_next_page_is_found_among_all_links() {
        let next = "http://h/x/v2/a/tags/list?n=2&last=b";
        for values in [
            &[r#"</x/v2/a/tags/list?n=2&last=b>; rel="next""#][..],
            &[r"<list?n=2&last=b>; rel=next"],
            &[r#"<http://h/x/v2/a/tags/list?n=2&last=b>;REL="NEXT""#],
            &[r#"< list?n=2&last=b > ; rel = "next""#],
            &[r#"<list?n=2&last=b>; title="a, b; c \" rel=prev"; rel=next; type=x"#],
            &[r#"<list?n=2&last=a>; rel="prev", <list?n=2&last=b>; rel="next""#],
            &[r"<list?n=2&last=a>; rel=prev,<list?n=2&last=b>;rel=next,<list?n=9>;rel=last"],
            &[
                r#"<list?n=2&last=a>; rel="first prev""#,
                r#"<list?n=2&last=b>; rel="last  next""#,
            ],
            &[
                r#"<list?n=2&last=b>; rel="http://x/ext, next" ; rel=prev, <list?n=2&last=b>; rel=next"#,
            ],
            &[r"<list?n=2&last=b>; rel=next;"],
            &[r"<list?n=2&last=b>; crossorigin; rel=next"],
            &[r"<list?n=2&last=b>; rel=next,"],
            &[r",, <list?n=2&last=b>; rel=next"],
        ] {
            let values_shown = values.join(" | ");
            // A parameter without a semicolon behind its name is a parameter; one with nothing behind the semicolon, too.
            assert_eq!(
                behind(values).unwrap().as_deref(),
                Some(next),
                "{values_shown}"
            );
        }
        for values in [
            &[][..],
            &[""],
            &[r#"<list?n=2&last=a>; rel="prev""#],
            &[r"<list?n=2&last=a>; rel=prev; rel=next"],
            &[r"<list?n=2&last=a>"],
            &[r#"<list?n=2&last=a>; rel="nextish""#],
        ] {
            assert_eq!(behind(values), Ok(None), "{values:?}");
        }
    }

    #[test]
    fn a_link_that_cannot_be_read_is_no_end() {
        for value in [
            r#"/x/v2/a/tags/list?n=2&last=b; rel="next""#,
            "nonsense",
            "<list?n=2",
            r#"<list?last=b>; rel="next"#,
            r#"<list?last=b> rel="next""#,
            r#"<list?last=a>; rel="prev" <list?last=b>; rel="next""#,
        ] {
            let error = behind(&[value]).unwrap_err();
            assert!(matches!(error, LinkError::Malformed(_)), "{value}: {error}");
            assert!(!error.to_string().contains("last="), "{error}");
        }
        for value in ["<ftp://h/x>; rel=next", "<http://[>; rel=next"] {
            let error = behind(&[value]).unwrap_err();
            assert!(matches!(error, LinkError::NoAddress(_)), "{value}: {error}");
        }
    }

    #[test]
    fn a_page_of_the_walk_is_not_walked_to_again() {
        let pages = [
            "http://h/v2/_catalog",
            "http://h/v2/_catalog?p=2",
            "http://h/v2/_catalog?p=3",
        ];
        let pages = pages.map(address);
        let to = |page: &Address| {
            let value = format!("<{}>; rel=next", page.url());
            HeaderMap::from_iter([(LINK, HeaderValue::from_str(&value).unwrap())])
        };
        let step = |walk: Option<Walk>, at: &Address, page: &Address| {
            Walk::behind(walk, (at, at), &to(page))
        };
        let walk = step(None, &pages[0], &pages[1]).unwrap();
        let walk = step(walk, &pages[1], &pages[2]).unwrap();
        for page in &pages {
            let error = step(walk.clone(), &pages[2], page).unwrap_err();
            assert!(matches!(error, LinkError::Loop(_)), "{error}");
        }
        let on = address("http://h/v2/_catalog?p=4");
        assert_eq!(step(walk, &pages[2], &on).unwrap().unwrap().next, on);
    }
}
