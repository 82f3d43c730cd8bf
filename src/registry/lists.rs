//! Lists, page by page: tags, repositories and referrers.

use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use super::auth::{Actions, Scope};
use super::call::Call;
use super::client::Client;
use super::error::{Error, Kind};
use super::link::Walk;
use super::response::Response;
use crate::oci::{
    Content, Digest, Entry, ErrorBody, ErrorCode, ImageIndex, Operation, Reference, RepositoryName,
    Tag,
};
use crate::transport::Address;

/// The longest page. Some registries have no pages: this is two million tags of sixty characters.
pub const MAX_LIST: u64 = 128 << 20;

/// The page of a list to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paging {
    /// The first one, with at most so many entries; `None` leaves the number to the registry.
    First(Option<u32>),
    /// The one after the last page.
    Next(Walk),
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries, in the registry's order.
    pub entries: Vec<T>,
    /// The next page, if the registry names one.
    pub next: Option<Paging>,
}

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Repositories {
    #[serde(default)]
    repositories: Option<Vec<String>>,
}

impl Client {
    /// Lists the tags of a repository.
    ///
    /// # Spec
    /// distribution-spec, "Listing Tags", end-8.
    ///
    /// # Errors
    /// Fails if there is no response, if it is not 200, or if it is not a list of tags.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn tags(
        &self,
        repository: &RepositoryName,
        paging: Paging,
    ) -> Result<Page<String>, Error> {
        let first = self.endpoint(&[repository.as_str(), "/tags/list"]);
        let scope = Scope::of(repository, Actions::Pull);
        let (tags, next) = self
            .list::<Tags>(Operation::TagsList, (&first, paging), scope)
            .await?;
        Ok(Page {
            entries: tags.tags.unwrap_or_default(),
            next,
        })
    }

    /// Lists the tags of a repository as [`Client::tags`] does; `None` if the registry has no such lists, which it says by a 404 that is not
    /// `NAME_UNKNOWN`.
    ///
    /// # Errors
    /// As [`Client::tags`].
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn find_tags(
        &self,
        repository: &RepositoryName,
        paging: Paging,
    ) -> Result<Option<Page<String>>, Error> {
        let first = self.endpoint(&[repository.as_str(), "/tags/list"]);
        let (call, walk) = page_call(Operation::TagsList, (&first, paging));
        let call = Call {
            scope: Scope::of(repository, Actions::Pull),
            also: &[404],
            ..call
        };
        let response = self.send(&call).await?;
        if response.status() == StatusCode::NOT_FOUND {
            let is_unknown = |body: &ErrorBody| body.code == Some(ErrorCode::NameUnknown);
            response.refuse_if(is_unknown).await?;
            return Ok(None);
        }
        let (tags, next) = read_page::<Tags>(response, &call.address, walk).await?;
        Ok(Some(Page {
            entries: tags.tags.unwrap_or_default(),
            next,
        }))
    }

    /// Lists the repositories of the registry.
    ///
    /// # Spec
    /// Docker Registry HTTP API V2, "Listing Repositories". Not part of the OCI specification.
    ///
    /// # Errors
    /// Fails if there is no response, if it is not 200, or if it is not a list of repositories.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn catalog(&self, paging: Paging) -> Result<Page<String>, Error> {
        let first = self.endpoint(&["_catalog"]);
        let call = Call::get(Operation::Catalog, first.clone());
        let (list, next) = self
            .list::<Repositories>(Operation::Catalog, (&first, paging), call.scope)
            .await?;
        Ok(Page {
            entries: list.repositories.unwrap_or_default(),
            next,
        })
    }

    /// Lists the manifests whose subject is `digest`, of all types or of one artifact type. `None`: the registry has
    /// no such list; use [`Client::referrers_by_tag`].
    ///
    /// # Spec
    /// distribution-spec, "Listing Referrers", end-12; a registry that has the list never responds with 404.
    ///
    /// # Errors
    /// Fails if there is no response, if it is neither 200 nor 404, or if it is not an index.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn referrers(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        artifact_type: Option<&str>,
        paging: Paging,
    ) -> Result<Option<Page<Entry>>, Error> {
        let (address, walk) = match paging {
            Paging::First(_) => {
                let first =
                    self.endpoint(&[repository.as_str(), "/referrers/", &digest.to_string()]);
                let first = match artifact_type {
                    None => first,
                    Some(artifact_type) => with_pair(&first, "artifactType", artifact_type),
                };
                (first, None)
            }
            Paging::Next(walk) => (walk.next.clone(), Some(walk)),
        };
        let call = Call {
            scope: Scope::of(repository, Actions::Pull),
            also: &[404],
            ..Call::get(Operation::Referrers, address)
        };
        let response = self.send(&call).await?;
        if response.status() == StatusCode::NOT_FOUND {
            response.finish().await?;
            return Ok(None);
        }
        let (index, next) = read_page::<ImageIndex>(response, &call.address, walk).await?;
        Ok(Some(Page {
            entries: index.manifests,
            next,
        }))
    }

    /// Lists the manifests whose subject is `digest`, from the index that clients keep under a tag if the registry
    /// has no list of referrers. Empty: there is no such tag, or no index under it.
    ///
    /// # Spec
    /// distribution-spec, "Unavailable Referrers API" and "Referrers Tag Schema".
    ///
    /// # Errors
    /// Fails if there is no response, if it is neither 200 nor 404, or if it is not a manifest.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn referrers_by_tag(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Vec<Entry>, Error> {
        let reference = Reference::Tag(referrers_tag(digest));
        let Some(manifest) = self.manifest_find(repository, &reference).await? else {
            return Ok(Vec::new());
        };
        match manifest.content() {
            Content::Index(index) => Ok(index.manifests.clone()),
            Content::Image(_) | Content::Schema1(_) => Ok(Vec::new()),
        }
    }

    async fn list<T: DeserializeOwned>(
        &self,
        operation: Operation,
        (first, paging): (&Address, Paging),
        scope: Scope<'_>,
    ) -> Result<(T, Option<Paging>), Error> {
        let (call, walk) = page_call(operation, (first, paging));
        let call = Call { scope, ..call };
        read_page(self.send(&call).await?, &call.address, walk).await
    }
}

/// Makes the request for a page, and what is known of those before.
fn page_call(
    operation: Operation,
    (first, paging): (&Address, Paging),
) -> (Call<'static>, Option<Walk>) {
    let (address, walk) = match paging {
        Paging::Next(walk) => (walk.next.clone(), Some(walk)),
        Paging::First(None) => (first.clone(), None),
        Paging::First(Some(size)) => (with_pair(first, "n", &size.to_string()), None),
    };
    (Call::get(operation, address), walk)
}

/// Reads one page, and finds the next one.
async fn read_page<T: DeserializeOwned>(
    mut response: Response<'_>,
    asked: &Address,
    walk: Option<Walk>,
) -> Result<(T, Option<Paging>), Error> {
    let next = match Walk::behind(walk, (asked, response.address()), response.headers()) {
        Ok(next) => next,
        Err(error) => return Err(response.fail(Kind::Link(error))),
    };
    let raw = match response.collect(MAX_LIST).await {
        Ok(raw) => raw,
        Err(kind) => return Err(response.fail(kind)),
    };
    if raw.is_empty() {
        return Err(response.fail(Kind::Empty));
    }
    match serde_json::from_slice(&raw) {
        Ok(list) => {
            response.succeed();
            Ok((list, next.map(Paging::Next)))
        }
        Err(_) => Err(response.fail(Kind::Protocol("the response is not the requested list"))),
    }
}

/// Returns the tag under which clients keep the referrers of a manifest if the registry does not.
///
/// # Spec
/// distribution-spec, "Referrers Tag Schema": algorithm and hash, joined by a hyphen.
///
/// # Panics
/// Never: apart from its colon, a digest has only characters of tags.
pub fn referrers_tag(digest: &Digest) -> Tag {
    let text = digest.to_string().replacen(':', "-", 1);
    let end = text.len().min(128);
    text[..end]
        .parse()
        .expect("an algorithm, a hyphen and hex digits, cut to the length of a tag")
}

fn with_pair(address: &Address, name: &str, value: &str) -> Address {
    let mut pair = form_urlencoded::Serializer::new(String::new());
    pair.append_pair(name, value);
    address
        .with_query(&pair.finish())
        .expect("what is encoded for a query fits into one")
}
