//! One blob of a pull: skipped if the client skips it, fetched whole or in parts.

use std::io;

use futures_util::stream::{self, StreamExt as _};
use tokio::sync::Semaphore;

use super::error::Error;
use super::store::{BlobSlot, Discard, Store};
use crate::content::StoreError;
use crate::oci::{MediaType, RepositoryName};
use crate::profile::PullAgain;
use crate::registry::{Client, Manners, Part, Restart, Wanted};

/// The context that all fetches of one pull share.
pub(super) struct Fetch<'a> {
    pub(super) client: &'a Client,
    pub(super) repository: &'a RepositoryName,
    pub(super) store: &'a dyn Store,
    pub(super) limit: &'a Semaphore, // of requests for parts, over all layers
}

/// A blob of an image, and its type if the manifest states it.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) wanted: Wanted,
    pub(super) media_type: Option<MediaType>,
}

impl Fetch<'_> {
    /// Returns the bytes that arrived, or `None` if the config is here already and is not fetched again.
    pub(super) async fn config(&self, piece: &Piece) -> Result<Option<u64>, Error> {
        let again = matches!(
            self.client.habits().pull.again,
            PullAgain::Nothing | PullAgain::Layers
        );
        self.piece(piece, again).await
    }

    /// Returns the bytes that arrived, or `None` if the layer is here already and is not fetched again.
    pub(super) async fn layer(&self, piece: &Piece) -> Result<Option<u64>, Error> {
        let again = self.client.habits().pull.again == PullAgain::Nothing;
        if let Some(manners) = self
            .client
            .read_manners(piece.wanted.size.unwrap_or_default())
        {
            return self.deliberately(piece, again, manners).await;
        }
        self.piece(piece, again).await
    }

    /// Fetches a layer as a client that misbehaves; as for [`Fetch::layer`].
    async fn deliberately(
        &self,
        piece: &Piece,
        again: bool,
        manners: Manners,
    ) -> Result<Option<u64>, Error> {
        let mut slot: Box<dyn BlobSlot> = match self.store.slot(&piece.wanted)? {
            Some(slot) => slot,
            None if again => Box::new(Discard),
            None => return Ok(None),
        };
        let place = (self.repository, piece.media_type.as_ref());
        let fetched = self
            .client
            .blob_get_deliberately(place, piece.wanted, manners, &mut *slot);
        // Boxed, so that pulls of clients that behave are as small as they were.
        let fetched = Box::pin(fetched).await?;
        slot.commit()?;
        Ok(Some(fetched.bytes))
    }

    async fn piece(&self, piece: &Piece, again: bool) -> Result<Option<u64>, Error> {
        let mut slot: Box<dyn BlobSlot> = match self.store.slot(&piece.wanted)? {
            Some(slot) => slot,
            None if again => Box::new(Discard),
            None => return Ok(None),
        };
        let was_begun = slot.resume().is_some_and(|(offset, _)| offset > 0);
        let bytes = self.bytes(piece, &mut *slot).await?;
        match slot.commit() {
            // Either part may be the wrong one. If the registry's is, the whole will show it.
            Err(error) if was_begun && is_other_content(&error) => {
                let Some(mut slot) = self.store.slot(&piece.wanted)? else {
                    return Ok(Some(bytes));
                };
                slot.restart(Restart::OtherContent)?;
                let whole = self.bytes(piece, &mut *slot).await?;
                slot.commit()?;
                Ok(Some(bytes + whole))
            }
            committed => {
                committed?;
                Ok(Some(bytes))
            }
        }
    }

    /// Fetches what is missing of a blob, and returns the bytes that arrived.
    async fn bytes(&self, piece: &Piece, slot: &mut dyn BlobSlot) -> Result<u64, Error> {
        let part_size = self.client.habits().pull.part_size;
        if let (Some(part_size), Some(size)) = (part_size, piece.wanted.size)
            && size > 0
        {
            let part_size = part_size.get().max(1);
            return self.parts(piece, (part_size, size), slot).await;
        }
        self.whole(piece, slot).await
    }

    async fn whole(&self, piece: &Piece, slot: &mut dyn BlobSlot) -> Result<u64, Error> {
        let media_type = piece.media_type.as_ref();
        let whole = self
            .client
            .blob_get_as(self.repository, piece.wanted, media_type, slot);
        Ok(whole.await?.bytes)
    }

    /// Fetches a blob in parts, in parallel, and joins them in order. At most as many parts as may be in flight wait
    /// in memory.
    async fn parts(
        &self,
        piece: &Piece,
        (part_size, size): (u64, u64),
        slot: &mut dyn BlobSlot,
    ) -> Result<u64, Error> {
        // All parts are requested, whatever is here of the blob.
        if slot.resume().is_some_and(|(offset, _)| offset > 0) {
            slot.restart(Restart::Parts)?;
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
            let frames = match part? {
                Part::Ranged(frames) => frames,
                Part::None(why) => {
                    // The whole is requested instead, and counts as a part in flight.
                    drop(parts);
                    let _permit = self.limit.acquire().await;
                    slot.restart(why)?;
                    return self.whole(piece, slot).await;
                }
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

/// Returns `true` if the bytes are another blob than the wanted one.
fn is_other_content(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|it| it.downcast_ref());
    matches!(inner, Some(StoreError::DigestMismatch(_)))
}
