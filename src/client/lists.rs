//! Lists, read to their end as a client does: page by page, as long as the registry names a next one.

use std::future::Future;

use super::error::Error;
use super::resolve::digest_of;
use crate::oci::{Entry, ImageName, Reference, RepositoryName};
use crate::registry::{self, Client, Page, Paging};

/// The most pages of one list; a longer one counts as endless.
pub const MAX_PAGES: usize = 10_000;

/// Reads the tags of a repository, and returns their number.
///
/// # Errors
/// Returns [`Error`] at the first page that fails, and for an endless list.
///
/// # Cancel safety
/// Exchanges under way count as cancelled.
pub async fn list_tags(client: &Client, repository: &RepositoryName) -> Result<usize, Error> {
    greet(client).await?;
    count(client, |paging| client.tags(repository, paging)).await
}

/// Reads the repositories of the registry, and returns their number.
///
/// # Errors
/// As [`list_tags`].
///
/// # Cancel safety
/// Exchanges under way count as cancelled.
pub async fn catalog(client: &Client) -> Result<usize, Error> {
    greet(client).await?;
    count(client, |paging| client.catalog(paging)).await
}

/// Reads the referrers of an image, of all types or of one, and returns their number. A tag is resolved first, as for
/// a pull. If the registry has no such list, the index under the fallback tag is read instead.
///
/// # Spec
/// distribution-spec, "Listing Referrers" and "Unavailable Referrers API".
///
/// # Errors
/// As [`list_tags`]. It is no error if the registry has neither the list nor the tag.
///
/// # Cancel safety
/// Exchanges under way count as cancelled.
pub async fn referrers(
    client: &Client,
    name: &ImageName,
    artifact_type: Option<&str>,
) -> Result<usize, Error> {
    greet(client).await?;
    let repository = &name.repository;
    let digest = match name.reference {
        Reference::Digest(digest) => digest,
        Reference::Tag(_) => digest_of(client, name, client.habits().pull.resolve).await?,
    };
    // A registry need not filter, and an index under a tag cannot.
    let wanted = |found: &&Entry| artifact_type.is_none() || found.artifact_type() == artifact_type;
    let mut count = 0;
    let mut paging = Paging::First(None);
    for _ in 0..MAX_PAGES {
        let page = client
            .referrers(repository, &digest, artifact_type, paging)
            .await?;
        let Some(page) = page else {
            let found = client.referrers_by_tag(repository, &digest).await?;
            return Ok(found.iter().filter(wanted).count());
        };
        count += page.entries.iter().filter(wanted).count();
        match page.next {
            Some(next) => paging = next,
            None => return Ok(count),
        }
    }
    Err(Error::Pages(MAX_PAGES))
}

async fn greet(client: &Client) -> Result<(), Error> {
    if client.habits().ping {
        client.greet().await?;
    }
    Ok(())
}

/// Reads all pages and counts their entries.
async fn count<F>(client: &Client, read: impl Fn(Paging) -> F) -> Result<usize, Error>
where
    F: Future<Output = Result<Page<String>, registry::Error>>,
{
    let mut count = 0;
    let mut paging = Paging::First(client.habits().wire.page_size);
    for _ in 0..MAX_PAGES {
        let page = read(paging).await?;
        count += page.entries.len();
        match page.next {
            Some(next) => paging = next,
            None => return Ok(count),
        }
    }
    Err(Error::Pages(MAX_PAGES))
}
