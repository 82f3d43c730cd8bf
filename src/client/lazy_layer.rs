//! A layer that is read in parts, and what of it is to be read.

use std::time::Duration;

use tokio::sync::Semaphore;

use super::error::Error;
use super::fetch::{Fetch, Piece};
use super::pull::PullOptions;
use super::store::Discard;
use crate::lazy::TableError;
use crate::oci::{Descriptor, Digest, RepositoryName};
use crate::registry::{Client, Wanted};

/// What of an image is fetched.
#[derive(Debug, Clone)]
pub struct LazyOptions {
    /// How chunks are verified, and which image of an index is taken.
    pub pull: PullOptions,
    /// The share of the content of each layer that is read, from 0 to 1.
    pub read: f64,
    /// Whether the rest of it is fetched afterwards, where the client of the format does that.
    pub background: bool,
    /// The time from one span to the next in the background.
    pub period: Duration,
    /// Whether a SOCI index is asked for; otherwise it is if the image names one.
    pub soci: bool,
}

/// A layer that is read in parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct LazyLayer<'a> {
    pub(super) client: &'a Client,
    pub(super) repository: &'a RepositoryName,
    pub(super) descriptor: &'a Descriptor,
    /// Its number in the image.
    pub(super) place: usize,
    pub(super) options: &'a LazyOptions,
}

impl LazyLayer<'_> {
    /// The digest that an annotation states.
    pub(super) fn stated(&self, key: &'static str) -> Result<Digest, Error> {
        let text = self.descriptor.annotations.get(key);
        let digest = text.and_then(|it| it.parse().ok());
        digest.ok_or_else(|| {
            self.failed(TableError::Annotation {
                key,
                text: text.map_or_else(String::new, |it| it.chars().take(100).collect()),
            })
        })
    }

    pub(super) fn failed(&self, source: TableError) -> Error {
        Error::Lazy {
            layer: self.descriptor.digest.to_string(),
            source,
        }
    }

    /// Whether chunks are compared with their digests.
    pub(super) const fn verifies(&self) -> bool {
        self.options.pull.verify.reads_content()
    }

    fn piece(&self) -> Piece {
        Piece {
            wanted: Wanted {
                digest: self.descriptor.digest,
                size: Some(self.descriptor.size),
                verify: self.options.pull.verify,
            },
            media_type: Some(self.descriptor.media_type.clone()),
        }
    }

    /// Pulls it after all.
    pub(super) async fn whole(&self, limit: &Semaphore) -> Result<(), Error> {
        let fetch = Fetch {
            client: self.client,
            repository: self.repository,
            store: &Discard,
            limit,
        };
        fetch.layer(&self.piece()).await.map(drop)
    }
}
