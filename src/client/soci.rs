//! The layers of an image as the SOCI snapshotter mounts and reads them: those that have a table, span by span.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::slice;
use std::time::Duration;

use futures_util::future::{join, try_join};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::error::Error;
use super::lazy_layer::{LazyLayer, LazyOptions};
use super::soci_index::{Image, Tables};
use crate::exchange::RangePurpose;
use crate::lazy::estargz::Reader;
use crate::lazy::soci::{Span, Ztoc};
use crate::lazy::stored::GZIP_MAGIC;
use crate::lazy::{MOUNTS, TableError, drawn};
use crate::oci::{Digest, ImageManifest, RepositoryName};
use crate::registry::{Client, FoundBlob, Ranged, Ranges};

/// After one of these the snapshotter asks once more: in the same way, or where the registry says now that the blob is.
const BAD_REQUEST: u16 = 400;
const REFUSED: [u16; 2] = [401, 403];
/// The whole blob in place of a range.
const WHOLE: u16 = 200;

/// Fetches what is read of an image, whose manifest has that digest.
pub(super) async fn layers(
    (client, repository, digest): (&Client, &RepositoryName, &Digest),
    manifest: &ImageManifest,
    (options, limit): (&LazyOptions, &Semaphore),
) -> Result<(), Error> {
    let image = Image {
        client,
        repository,
        digest,
        manifest,
    };
    let tables = image.tables().await?;
    let mut layers = Vec::new();
    let mut seen = BTreeSet::new();
    for (place, descriptor) in manifest.distributed_layers().enumerate() {
        let descriptor = descriptor?;
        if seen.insert(descriptor.digest) {
            layers.push(LazyLayer {
                client,
                repository,
                descriptor,
                place,
                options,
            });
        }
    }
    let Some(tables) = tables else {
        // It leaves the image to containerd.
        let parallel = client.habits().pull.parallel.get();
        let pulled =
            stream::iter(layers).map(|it: LazyLayer<'_>| async move { it.whole(limit).await });
        let pulled = pulled.buffer_unordered(parallel);
        return pulled.try_for_each(async |()| Ok(())).await;
    };
    read(layers, tables, (options, limit)).await
}

/// Mounts the layers that have a table, pulls the others one after the other, and reads.
async fn read(
    layers: Vec<LazyLayer<'_>>,
    mut tables: Tables,
    (options, limit): (&LazyOptions, &Semaphore),
) -> Result<(), Error> {
    let (mut mounts, mut whole) = (Vec::new(), Vec::new());
    for layer in layers {
        match tables.remove(&layer.descriptor.digest) {
            Some(table) => mounts.push((layer, table)),
            None => whole.push(layer),
        }
    }
    let pulled = async {
        for layer in &whole {
            layer.whole(limit).await?;
        }
        Ok::<_, Error>(())
    };
    let mounts = stream::iter(mounts).map(|(layer, table)| Mounted::new(layer, table));
    let mounts = mounts.buffered(MOUNTS).try_collect::<Vec<_>>();
    let (mut mounts, ()) = try_join(mounts, pulled).await?;
    for mounted in &mut mounts {
        mounted.read().await?;
    }
    if options.background {
        fetch_rest(mounts, options.period).await?;
    }
    Ok(())
}

/// Fetches all spans that are not here, one of each layer in turn, and no more than one in each period. A span that is here takes
/// its turn.
async fn fetch_rest(mut mounts: Vec<Mounted<'_>>, period: Duration) -> Result<(), Error> {
    let mut turns: VecDeque<(usize, usize)> = (0..mounts.len()).map(|it| (it, 0)).collect();
    while let Some((place, span)) = turns.pop_front() {
        let mounted = &mut mounts[place];
        if span + 1 < mounted.table.spans.len() {
            turns.push_back((place, span + 1));
        }
        let fetched = mounted.fetch(span, RangePurpose::Background);
        if turns.is_empty() {
            return fetched.await;
        }
        join(fetched, sleep(period)).await.0?;
    }
    Ok(())
}

/// A layer that is mounted.
struct Mounted<'a> {
    layer: LazyLayer<'a>,
    found: FoundBlob<'a>,
    table: Ztoc,
    here: Vec<bool>, // by span
}

impl<'a> Mounted<'a> {
    /// Finds a layer, and reads its header.
    async fn new(layer: LazyLayer<'a>, table: Ztoc) -> Result<Self, Error> {
        let mut mounted = Self {
            layer,
            found: locate(&layer).await?,
            here: vec![false; table.spans.len()],
            table,
        };
        let header = 0..mounted.table.header();
        if header.is_empty() {
            return Ok(mounted);
        }
        let mut start = Vec::new();
        let mut take = |_: u64, bytes: &[u8]| {
            let room = GZIP_MAGIC.len() - start.len();
            start.extend_from_slice(&bytes[..room.min(bytes.len())]);
        };
        mounted.get(&header, RangePurpose::Toc, &mut take).await?;
        if layer.verifies() && start != GZIP_MAGIC {
            return Err(layer.failed(TableError::NotGzip));
        }
        Ok(mounted)
    }

    /// Reads as much of it as a container does that starts.
    async fn read(&mut self) -> Result<(), Error> {
        let length = |span: &Span| span.range.end - span.range.start;
        let lengths: Vec<u64> = self.table.spans.iter().map(length).collect();
        for span in drawn(self.layer.place, &lengths, self.layer.options.read) {
            self.fetch(span, RangePurpose::Content).await?;
        }
        Ok(())
    }

    /// Fetches a span that is not here yet.
    async fn fetch(&mut self, number: usize, purpose: RangePurpose) -> Result<(), Error> {
        if std::mem::replace(&mut self.here[number], true) {
            return Ok(());
        }
        let Span { range, digest } = self.table.spans[number].clone();
        let mut hasher = digest.algorithm().hasher();
        let verifies = self.layer.verifies();
        let mut take = |_: u64, bytes: &[u8]| {
            if verifies {
                hasher.update(bytes);
            }
        };
        self.get(&range, purpose, &mut take).await?;
        let found = hasher.finish();
        if verifies && found != digest {
            return Err(self.layer.failed(TableError::Digest {
                what: "content of a span",
                expected: Box::new(digest),
                found: Box::new(found),
            }));
        }
        Ok(())
    }

    /// Asks for one range.
    async fn get(
        &mut self,
        range: &Range<u64>,
        purpose: RangePurpose,
        take: &mut dyn FnMut(u64, &[u8]),
    ) -> Result<(), Error> {
        let client = self.layer.client;
        let mut once_more: &[u16] = &[BAD_REQUEST, REFUSED[0], REFUSED[1]];
        loop {
            let mut forgives = once_more.to_vec();
            if range.start > 0 {
                forgives.push(WHOLE);
            }
            let asked = Ranges {
                identity: true,
                forgives: &forgives,
                ..Ranges::of(slice::from_ref(range), purpose)
            };
            match client.blob_ranges(&self.found, &asked, take).await? {
                // The first bytes of the whole are those that were asked for, where that is not refused above.
                Ranged::Ranges | Ranged::Whole => return Ok(()),
                Ranged::Refused(status) if status.as_u16() == WHOLE => {
                    return Err(self.layer.failed(TableError::Whole));
                }
                Ranged::Refused(status) if REFUSED.contains(&status.as_u16()) => {
                    self.found = locate(&self.layer).await?;
                }
                Ranged::Refused(_) => {}
            }
            once_more = &[];
        }
    }
}

/// Finds where a layer is, by its first bytes, which storage is asked for, too, if the registry redirects.
async fn locate<'a>(layer: &LazyLayer<'a>) -> Result<FoundBlob<'a>, Error> {
    let (client, digest) = (layer.client, layer.descriptor.digest);
    let located = client.blob_locate(layer.repository, digest, Reader::LOCATE, false);
    let found = located.await?;
    if found.is_elsewhere() {
        let first = [Reader::LOCATE];
        let asked = Ranges::of(&first, RangePurpose::Locate);
        client.blob_ranges(&found, &asked, &mut |_, _| {}).await?;
    }
    Ok(found)
}
