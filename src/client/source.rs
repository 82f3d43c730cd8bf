//! The source of a copy: its blobs are fetched while they are sent on.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::mpsc;

use super::error::Error;
use crate::content::Blob;
use crate::oci::{Descriptor, RepositoryName, Verify};
use crate::profile::CopyHabits;
use crate::registry::{Client, Download, Wanted};

/// The frames that have arrived and are not sent yet.
const AHEAD: usize = 2;

/// Where the blobs of a copy come from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) client: &'a Client,
    pub(super) repository: &'a RepositoryName,
    pub(super) habits: CopyHabits,
}

impl<'a> Source<'a> {
    /// Asks for a blob.
    pub(super) async fn open(&self, blob: &Blob) -> Result<Download<'a>, Error> {
        let Descriptor {
            media_type,
            digest,
            size,
            ..
        } = blob.descriptor();
        let wanted = Wanted {
            digest: *digest,
            size: Some(*size),
            verify: Verify::Digest,
        };
        let opened = self
            .client
            .blob_open(self.repository, wanted, Some(media_type));
        Ok(opened.await?)
    }

    /// Gives the bytes of a blob to each body that asks for them, until there can be none any more. The first of them gets what is
    /// open already.
    pub(super) async fn feed(
        &self,
        blob: &Blob,
        mut opened: Option<Download<'a>>,
        mut bodies: mpsc::Receiver<Feed>,
    ) -> Result<(), Error> {
        while let Some(body) = bodies.recv().await {
            let mut download = match opened.take() {
                Some(download) => download,
                None => self.open(blob).await?,
            };
            // A body that is dropped wants no more.
            while let Some(frame) = download.frame().await? {
                if body.send(frame).await.is_err() {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Reads a blob that is not sent on after all.
pub(super) async fn read_out(opened: Option<Download<'_>>) -> Result<(), Error> {
    if let Some(mut download) = opened {
        while download.frame().await?.is_some() {}
    }
    Ok(())
}

/// The way of the bytes into a body.
pub(super) type Feed = mpsc::Sender<Bytes>;

/// Returns the way on which bodies ask for the bytes of one blob.
pub(super) fn asking() -> (mpsc::Sender<Feed>, mpsc::Receiver<Feed>) {
    mpsc::channel(1)
}

/// The bytes of a blob that arrives meanwhile. They are asked for when the first is wanted: not each body that is made is sent.
pub(super) enum Fed {
    Unasked(mpsc::Sender<Feed>),
    Asked(mpsc::Receiver<Bytes>),
}

impl Stream for Fed {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Self::Unasked(asking) = &*self {
            let (way, frames) = mpsc::channel(AHEAD);
            if asking.try_send(way).is_err() {
                let text = "the source of the copy is gone";
                return Poll::Ready(Some(Err(io::Error::other(text))));
            }
            *self = Self::Asked(frames);
        }
        match &mut *self {
            Self::Asked(frames) => frames.poll_recv(context).map(|frame| frame.map(Ok)),
            Self::Unasked(_) => Poll::Ready(None),
        }
    }
}
