//! The SOCI index of an image, as the SOCI snapshotter finds and fetches it, with the tables in it.

use std::collections::BTreeMap;
use std::io;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::error::Error;
use super::lists::MAX_PAGES;
use crate::lazy::soci::{INDEX_DIGEST, INDEX_V1, INDEX_V2, LAYER_DIGEST, TABLE, Ztoc, parse};
use crate::lazy::{MOUNTS, Table, TableError};
use crate::oci::{
    Content, Descriptor, Digest, Entry, ImageManifest, Manifest, Reference, RepositoryName, Verify,
};
use crate::registry::{BlobSink, Client, Paging, Restart, Wanted};

/// The tables of an image, each by the digest of its layer.
pub(super) type Tables = BTreeMap<Digest, Ztoc>;

/// An image whose index is looked for.
#[derive(Clone, Copy)]
pub(super) struct Image<'a> {
    pub(super) client: &'a Client,
    pub(super) repository: &'a RepositoryName,
    /// Of its manifest.
    pub(super) digest: &'a Digest,
    pub(super) manifest: &'a ImageManifest,
}

impl Image<'_> {
    /// Fetches the tables of an image; `None` if it has no index.
    pub(super) async fn tables(&self) -> Result<Option<Tables>, Error> {
        let Some((digest, index)) = self.index().await? else {
            return Ok(None);
        };
        let wrong = |problem: String| Error::SociIndex {
            digest: digest.to_string(),
            problem,
        };
        let Content::Image(manifest) = index.content() else {
            return Err(wrong("is no image manifest".to_owned()));
        };
        let kind = manifest
            .config
            .media_type()
            .map(|it| it.as_str().to_owned());
        if !matches!(kind.as_deref(), Some(INDEX_V1 | INDEX_V2)) {
            let kind = kind
                .unwrap_or_default()
                .chars()
                .take(100)
                .collect::<String>();
            return Err(wrong(format!("has a config of another type: `{kind}`")));
        }
        let mut sizes = BTreeMap::new();
        for layer in self.manifest.distributed_layers() {
            let layer = layer?;
            sizes.insert(layer.digest, layer.size);
        }
        let entries = (0..manifest.layers.len()).map(|place| manifest.layer(place));
        let entries: Vec<&Descriptor> = entries.collect::<Result<_, _>>()?;
        // All at once, whatever they are of.
        let fetched = stream::iter(entries).map(|entry| self.table(entry, &sizes));
        let fetched = fetched.buffer_unordered(MOUNTS);
        let found: Vec<Option<(Digest, Ztoc)>> = fetched.try_collect().await?;
        Ok(Some(found.into_iter().flatten().collect()))
    }

    /// Finds the index: named by the image, or in the list of what refers to it.
    async fn index(&self) -> Result<Option<(Digest, Manifest)>, Error> {
        let (client, repository) = (self.client, self.repository);
        let get = async |digest| {
            let reference = Reference::Digest(digest);
            client.manifest_get(repository, &reference).await
        };
        // It does not ask containerd for the manifest that that has.
        let again = get(*self.digest).await?;
        let named = match again.content() {
            Content::Image(image) => image.annotations.get(INDEX_DIGEST).cloned(),
            Content::Index(_) | Content::Schema1(_) => None,
        };
        if let Some(text) = named.filter(|it| !it.is_empty()) {
            let digest: Digest = text.parse().map_err(|_| Error::SociIndex {
                digest: format!("`{}`", text.chars().take(100).collect::<String>()),
                problem: "is named by no digest".to_owned(),
            })?;
            // Its size is not said with its name.
            let reference = Reference::Digest(digest);
            if client
                .manifest_head(repository, &reference)
                .await?
                .is_none()
            {
                return Err(Error::SociIndex {
                    digest: digest.to_string(),
                    problem: "is named by it, but the registry does not have it".to_owned(),
                });
            }
            return Ok(Some((digest, get(digest).await?)));
        }
        let found = self.first_referrer().await?;
        let Some(digest) = found else {
            return Ok(None);
        };
        Ok(Some((digest, get(digest).await?)))
    }

    /// Returns the first index of the old kind that refers to the image, of all that the registry lists.
    async fn first_referrer(&self) -> Result<Option<Digest>, Error> {
        // A registry need not filter, and an index under a tag cannot.
        let first = |entries: &[Entry]| {
            let mut of_type = entries
                .iter()
                .filter(|it| it.artifact_type() == Some(INDEX_V1));
            let digest = of_type.next().map(|it| it.digest().copied());
            digest.transpose().map_err(|_| Error::SociIndex {
                digest: format!("of {}", self.digest),
                problem: "has no digest in the list of referrers".to_owned(),
            })
        };
        let mut paging = Paging::First(None);
        let mut found = None;
        for _ in 0..MAX_PAGES {
            let (client, repository) = (self.client, self.repository);
            let page = client.referrers(repository, self.digest, Some(INDEX_V1), paging);
            let Some(page) = page.await? else {
                let tagged = client.referrers_by_tag(repository, self.digest).await?;
                return first(&tagged);
            };
            if found.is_none() {
                found = first(&page.entries)?;
            }
            match page.next {
                Some(next) => paging = next,
                None => return Ok(found),
            }
        }
        Err(Error::Pages(MAX_PAGES))
    }

    /// Fetches what an index lists, and reads it if it is the table of a layer.
    async fn table(
        &self,
        entry: &Descriptor,
        sizes: &BTreeMap<Digest, u64>,
    ) -> Result<Option<(Digest, Ztoc)>, Error> {
        let of = entry.annotations.get(LAYER_DIGEST);
        let layer: Option<Digest> = of.and_then(|it| it.parse().ok());
        let failed = |source| Error::Lazy {
            layer: of.map_or_else(
                || "of no digest".to_owned(),
                |it| it.chars().take(150).collect(),
            ),
            source,
        };
        if entry.size > Table::MOST {
            return Err(failed(TableError::TooLong));
        }
        let mut kept = Kept(Vec::new());
        let wanted = Wanted {
            digest: entry.digest,
            size: Some(entry.size),
            // What is read is verified before.
            verify: Verify::Digest,
        };
        self.client
            .blob_get(self.repository, wanted, &mut kept)
            .await?;
        let layer = layer.filter(|_| entry.media_type.as_str() == TABLE);
        let Some((layer, size)) = layer.and_then(|it| Some((it, *sizes.get(&it)?))) else {
            return Ok(None);
        };
        let table = parse(&kept.0, size).map_err(failed)?;
        Ok(Some((layer, table)))
    }
}

/// A small blob in memory.
struct Kept(Vec<u8>);

impl BlobSink for Kept {
    fn restart(&mut self, _: Restart) -> io::Result<()> {
        self.0.clear();
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}
