//! One blob of a pull: left out where the client leaves it out, fetched whole or in parts.

use futures_util::stream::{self, StreamExt as _};
use tokio::sync::Semaphore;

use super::error::Error;
use super::pull::{BlobSlot, Discard, Piece, Store};
use crate::oci::RepositoryName;
use crate::profile::PullAgain;
use crate::registry::{Client, Part};

/// What all the fetches of one pull have in common.
pub(super) struct Fetch<'a> {
    pub(super) client: &'a Client,
    pub(super) repository: &'a RepositoryName,
    pub(super) store: &'a dyn Store,
    pub(super) limit: &'a Semaphore, // of requests for parts, over all layers
}

impl Fetch<'_> {
    /// The bytes that came, or `None` when the config was here already and is not fetched again.
    pub(super) async fn config(&self, piece: &Piece) -> Result<Option<u64>, Error> {
        let again = matches!(
            self.client.habits().pull.again,
            PullAgain::Nothing | PullAgain::Layers
        );
        self.piece(piece, again).await
    }

    /// The bytes that came, or `None` when the layer was here already and is not fetched again.
    pub(super) async fn layer(&self, piece: &Piece) -> Result<Option<u64>, Error> {
        let again = self.client.habits().pull.again == PullAgain::Nothing;
        self.piece(piece, again).await
    }

    async fn piece(&self, piece: &Piece, again: bool) -> Result<Option<u64>, Error> {
        let mut slot: Box<dyn BlobSlot> = match self.store.slot(&piece.wanted)? {
            Some(slot) => slot,
            None if again => Box::new(Discard),
            None => return Ok(None),
        };
        let part_size = self.client.habits().pull.part_size;
        let bytes = match (part_size, piece.wanted.size) {
            (Some(part_size), Some(size)) if size > 0 => {
                self.parts(piece, (part_size.get().max(1), size), &mut *slot)
                    .await?
            }
            _ => {
                self.client
                    .blob_get_as(
                        self.repository,
                        piece.wanted,
                        piece.media_type.as_ref(),
                        &mut *slot,
                    )
                    .await?
                    .bytes
            }
        };
        slot.commit()?;
        Ok(Some(bytes))
    }

    /// Fetches a blob in parts that are asked for side by side and put together in order. At most as many parts as may be
    /// in flight wait in memory.
    async fn parts(
        &self,
        piece: &Piece,
        (part_size, size): (u64, u64),
        slot: &mut dyn BlobSlot,
    ) -> Result<u64, Error> {
        // Parts are asked for anew, whatever is here of the blob.
        if slot.resume().is_some_and(|(offset, _)| offset > 0) {
            slot.restart()?;
        }
        let starts = (0..size.div_ceil(part_size)).map(|part| part * part_size);
        let fetch = |start: u64| async move {
            let _permit = self.limit.acquire().await;
            let range = start..size.min(start + part_size);
            let media_type = piece.media_type.as_ref();
            self.client
                .blob_get_part(self.repository, piece.wanted, media_type, range)
                .await
        };
        let mut parts = stream::iter(starts)
            .map(fetch)
            .buffered(self.client.habits().pull.parallel.get());
        let mut check = self.client.check(piece.wanted);
        let mut bytes = 0;
        while let Some(part) = parts.next().await {
            let Part::Ranged(frames) = part? else {
                // A registry that gives no parts is asked for the whole, which is in flight as a part is.
                drop(parts);
                let _permit = self.limit.acquire().await;
                let media_type = piece.media_type.as_ref();
                let whole =
                    self.client
                        .blob_get_as(self.repository, piece.wanted, media_type, slot);
                return Ok(whole.await?.bytes);
            };
            for frame in frames {
                bytes += frame.len() as u64;
                check.update(&frame).map_err(Error::Parts)?;
                slot.write(&frame)?;
            }
        }
        check.finish().map_err(Error::Parts)?;
        Ok(bytes)
    }
}
