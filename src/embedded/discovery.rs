//! Lists: tags, repositories, and the manifests that refer to one.

use http::header::{CONTENT_TYPE, HeaderName, LINK};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use url::form_urlencoded;

use crate::oci::{Entry, ErrorCode, ImageIndex, MediaType, RepositoryName, Tag};

use super::refusal::Refusal;
use super::request::{ParsedRequest, digest_in_path};
use super::response::Response;
use super::settings::Quirk;

const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The part of a sorted list that a client asked for.
#[derive(Debug, PartialEq, Eq)]
struct Page<'t> {
    names: Vec<&'t str>,
    /// `true` if the list goes on.
    more: bool,
}

impl<'t> Page<'t> {
    /// Returns the first `n` names behind `last`. `n` of zero is an empty page that does not go on.
    fn cut(names: impl Iterator<Item = &'t str>, last: Option<&str>, n: usize) -> Self {
        let mut behind = names.skip_while(|name| last.is_some_and(|last| *name <= last));
        let names: Vec<_> = behind.by_ref().take(n).collect();
        let more = n > 0 && behind.next().is_some();
        Self { names, more }
    }
}

fn page_size(request: &ParsedRequest<'_>) -> Result<usize, Refusal> {
    let most = request.site.settings.page_size.max(1);
    match request.query.get("n") {
        None => Ok(most),
        Some(text) => text.parse().map(|n: usize| n.min(most)).map_err(|_| {
            Refusal::bad(
                ErrorCode::Other("PAGINATION_NUMBER_INVALID".into()),
                "`n` must be a whole number, not negative",
            )
        }),
    }
}

/// Returns the response with a page; `path` is the list's, behind the base path.
fn paged(
    request: &ParsedRequest<'_>,
    path: &str,
    page: &Page<'_>,
    n: usize,
    body: &impl Serialize,
) -> Response {
    let mut response = Response::new(StatusCode::OK)
        .header(CONTENT_TYPE, JSON)
        .bytes(json(body));
    if let Some(last) = page.names.last().filter(|_| page.more) {
        let base = request.site.location_base(request.head);
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("n", &n.to_string())
            .append_pair("last", last)
            .finish();
        response = response.header(LINK, format!("<{base}{path}?{query}>; rel=\"next\""));
    }
    response
}

fn json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("lists of names and descriptors can be said in JSON")
}

/// # Spec
/// end-8a and end-8b, "Listing Tags".
pub(super) fn tags(
    request: &ParsedRequest<'_>,
    name: &RepositoryName,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct List<'t> {
        name: &'t str,
        tags: &'t [&'t str],
    }
    let n = page_size(request)?;
    let last = request.query.get("last");
    let store = request.site.store.borrow();
    let repository = store.repository(name).ok_or_else(|| {
        Refusal::missing(
            ErrorCode::NameUnknown,
            format!("there is no repository {name}"),
        )
    })?;
    let page = Page::cut(repository.tags().map(Tag::as_str), last.as_deref(), n);
    let body = List {
        name: name.as_str(),
        tags: &page.names,
    };
    Ok(paged(
        request,
        &format!("/v2/{name}/tags/list"),
        &page,
        n,
        &body,
    ))
}

/// Returns the repositories; not in the specification, but every registry has it.
pub(super) fn catalog(request: &ParsedRequest<'_>) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct List<'t> {
        repositories: &'t [&'t str],
    }
    let n = page_size(request)?;
    let last = request.query.get("last");
    let store = request.site.store.borrow();
    let names = store.repository_names().map(RepositoryName::as_str);
    let page = Page::cut(names, last.as_deref(), n);
    Ok(paged(
        request,
        "/v2/_catalog",
        &page,
        n,
        &List {
            repositories: &page.names,
        },
    ))
}

/// # Spec
/// end-12a and end-12b, "Listing Referrers".
pub(super) fn referrers(
    request: &ParsedRequest<'_>,
    name: &RepositoryName,
    digest: &str,
) -> Result<Response, Refusal> {
    if request.site.has(Quirk::NoReferrers) {
        return Err(Refusal::missing(
            ErrorCode::Unsupported,
            "there is no such endpoint",
        ));
    }
    let digest = digest_in_path(digest)?;
    // A media type has no blank: one that arrives was a plus sign that the client did not escape.
    let filter = request
        .query
        .get("artifactType")
        .map(|text| text.replace(' ', "+"));
    let store = request.site.store.borrow();
    let manifests: Vec<Entry> = store
        .repository(name)
        .into_iter()
        .flat_map(|repository| repository.referrers(&digest))
        .map(|manifest| &manifest.descriptor)
        .filter(|found| filter.is_none() || found.artifact_type == filter)
        .cloned()
        .map(Entry::from)
        .collect();
    let index = ImageIndex {
        schema_version: 2,
        media_type: Some(MediaType::OciIndex),
        artifact_type: None,
        manifests,
        subject: None,
        annotations: std::collections::BTreeMap::new(),
    };
    let mut response = Response::new(StatusCode::OK)
        .header(CONTENT_TYPE, MediaType::OciIndex.as_str())
        .bytes(json(&index));
    if filter.is_some() {
        response = response.header(FILTERS_APPLIED, HeaderValue::from_static("artifactType"));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gap_or_repeat() {
        let all = ["a", "b", "c", "d", "e"];
        let cut = |last, n| Page::cut(all.into_iter(), last, n);
        assert_eq!(
            cut(None, 2),
            Page {
                names: vec!["a", "b"],
                more: true
            }
        );
        assert_eq!(
            cut(Some("b"), 2),
            Page {
                names: vec!["c", "d"],
                more: true
            }
        );
        assert_eq!(
            cut(Some("d"), 2),
            Page {
                names: vec!["e"],
                more: false
            }
        );
        assert_eq!(
            cut(Some("bb"), 9),
            Page {
                names: vec!["c", "d", "e"],
                more: false
            }
        );
        assert_eq!(
            cut(None, 5),
            Page {
                names: all.to_vec(),
                more: false
            }
        );
        assert_eq!(
            cut(None, 0),
            Page {
                names: vec![],
                more: false
            }
        );
        assert_eq!(
            cut(Some("z"), 2),
            Page {
                names: vec![],
                more: false
            }
        );
    }
}
