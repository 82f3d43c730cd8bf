//! Lists: tags, repositories, and the manifests that refer to one; page by page.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::auth::{Actions, Scope};
use super::call::Call;
use super::client::Client;
use super::error::{Error, Kind};
use super::location::next_page;
use super::manifests::MAX_MANIFEST;
use crate::oci::{Descriptor, Digest, ImageIndex, Operation, RepositoryName};

/// Where to go on reading a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paging {
    /// From the start, with at most so many entries a page; `None` leaves that to the registry.
    First(Option<u32>),
    /// From where the last page ended.
    Next(Url),
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries, in the registry's order.
    pub entries: Vec<T>,
    /// The page that follows, if the registry says that one does.
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
    /// The tags of a repository.
    ///
    /// # Spec
    /// distribution-spec, "Listing Tags", end-8.
    ///
    /// # Errors
    /// When there is no answer, it is not 200, or it is not a list of tags.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn tags(
        &self,
        repository: &RepositoryName,
        paging: Paging,
    ) -> Result<Page<String>, Error> {
        let first = self.endpoint(format_args!("{repository}/tags/list"));
        let scope = Scope::of(repository, Actions::Pull);
        let (tags, next) = self
            .list::<Tags>(Operation::TagsList, page_url(first, paging), scope)
            .await?;
        Ok(Page {
            entries: tags.tags.unwrap_or_default(),
            next,
        })
    }

    /// The repositories of the registry.
    ///
    /// # Spec
    /// Docker Registry HTTP API V2, "Listing Repositories". Not part of the OCI specification.
    ///
    /// # Errors
    /// When there is no answer, it is not 200, or it is not a list of repositories.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn catalog(&self, paging: Paging) -> Result<Page<String>, Error> {
        let first = self.endpoint(format_args!("_catalog"));
        let call = Call::get(Operation::Catalog, first.clone());
        let (list, next) = self
            .list::<Repositories>(Operation::Catalog, page_url(first, paging), call.scope)
            .await?;
        Ok(Page {
            entries: list.repositories.unwrap_or_default(),
            next,
        })
    }

    /// The manifests whose subject is `digest`, perhaps only those of one type of artifact.
    ///
    /// # Spec
    /// distribution-spec, "Listing Referrers", end-12.
    ///
    /// # Errors
    /// When there is no answer, it is not 200, or it is not an index.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn referrers(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        artifact_type: Option<&str>,
        paging: Paging,
    ) -> Result<Page<Descriptor>, Error> {
        let mut first = self.endpoint(format_args!("{repository}/referrers/{digest}"));
        if let Some(artifact_type) = artifact_type {
            first
                .query_pairs_mut()
                .append_pair("artifactType", artifact_type);
        }
        let url = match paging {
            Paging::First(_) => first,
            Paging::Next(url) => url,
        };
        let scope = Scope::of(repository, Actions::Pull);
        let (index, next) = self
            .list::<ImageIndex>(Operation::Referrers, url, scope)
            .await?;
        Ok(Page {
            entries: index.manifests,
            next,
        })
    }

    async fn list<T: DeserializeOwned>(
        &self,
        operation: Operation,
        url: Url,
        scope: Scope<'_>,
    ) -> Result<(T, Option<Paging>), Error> {
        let call = Call {
            scope,
            ..Call::get(operation, url)
        };
        let answer = self.send(&call).await?;
        let next = next_page(&answer.url, answer.headers());
        // A page that leads to itself would be read for ever.
        if next.as_ref() == Some(&answer.url) {
            return Err(answer.fail(Kind::Protocol("the next page is the page itself")));
        }
        let (answer, raw) = answer.collect(MAX_MANIFEST).await?;
        match serde_json::from_slice(&raw) {
            Ok(list) => {
                answer.succeed();
                Ok((list, next.map(Paging::Next)))
            }
            Err(_) => Err(answer.fail(Kind::Protocol(
                "the answer is not the list that was asked for",
            ))),
        }
    }
}

fn page_url(mut first: Url, paging: Paging) -> Url {
    match paging {
        Paging::Next(url) => url,
        Paging::First(None) => first,
        Paging::First(Some(size)) => {
            first.query_pairs_mut().append_pair("n", &size.to_string());
            first
        }
    }
}
