//! A layer of zstd:chunked, as podman fetches what it does not have of it.

use std::ops::Range;

use tokio::sync::Semaphore;

use super::chunks::{Chunks, Kept};
use super::error::Error;
use super::lazy_layer::LazyLayer;
use crate::exchange::RangePurpose;
use crate::lazy::zstd_chunked::{
    MANIFEST_DIGEST, MANIFEST_PLACE, TAR_SPLIT_PLACE, merged, parse, place, ranges,
};
use crate::lazy::{Chunk, ChunkFormat, Table, drawn, verify};
use crate::registry::{FoundBlob, Ranged, Ranges};

/// The registry does not send these ranges.
const BAD_RANGES: &[u16] = &[400];

/// Fetches both tables of a layer, then the chunks that are missing; all of it if the registry sends no two ranges at once.
pub(super) async fn fetch(layer: LazyLayer<'_>, limit: &Semaphore) -> Result<(), Error> {
    let found = FoundBlob::at_registry(layer.repository, layer.descriptor.digest);
    let Some(table) = tables(&layer, &found).await? else {
        return layer.whole(limit).await;
    };
    let lengths: Vec<u64> = table.chunks.iter().map(Chunk::length).collect();
    let missing = drawn(layer.place, &lengths, layer.options.read);
    let missing: Vec<&Chunk> = missing.into_iter().map(|it| &table.chunks[it]).collect();
    let spans: Vec<_> = missing.iter().map(|it| it.span.clone()).collect();
    let kept = Kept::new();
    let checked = if layer.verifies() {
        missing
    } else {
        Vec::new()
    };
    let mut check = Chunks::new(ChunkFormat::ZstdChunked, checked, &kept);
    let mut asked = ranges(&spans);
    while !asked.is_empty() {
        let forgives = if asked.len() > 1 { BAD_RANGES } else { &[] };
        let request = Ranges {
            forgives,
            ..Ranges::of(&asked, RangePurpose::Content)
        };
        let take = &mut |at: u64, bytes: &[u8]| check.take(at, bytes);
        match layer.client.blob_ranges(&found, &request, take).await? {
            Ranged::Refused(_) => asked = merged(&asked, asked.len() / 2),
            Ranged::Ranges | Ranged::Whole => break,
        }
    }
    check.finish().map_err(|error| layer.failed(error))
}

/// Fetches both tables; `None` if the registry refuses.
async fn tables(layer: &LazyLayer<'_>, found: &FoundBlob<'_>) -> Result<Option<Table>, Error> {
    let failed = |error| layer.failed(error);
    let size = layer.descriptor.size;
    let annotations = &layer.descriptor.annotations;
    let digest = layer.stated(MANIFEST_DIGEST)?;
    let placed = |key| {
        let text = annotations.get(key).map_or("", String::as_str);
        place(key, text, size).map_err(failed)
    };
    let manifest = placed(MANIFEST_PLACE)?;
    let mut asked = vec![manifest.clone()];
    // Layers of old versions of podman have none.
    if annotations.contains_key(TAR_SPLIT_PLACE) {
        asked.push(placed(TAR_SPLIT_PLACE)?);
    }
    asked.sort_by_key(|it| it.start);
    let mut collected: Vec<(Range<u64>, Vec<u8>)> =
        asked.iter().map(|it| (it.clone(), Vec::new())).collect();
    let request = Ranges {
        forgives: BAD_RANGES,
        ..Ranges::of(&asked, RangePurpose::Toc)
    };
    let take = &mut |at: u64, bytes: &[u8]| {
        for (range, kept) in &mut collected {
            let next = range.start + kept.len() as u64;
            let to = range.end.min(at + bytes.len() as u64);
            if at <= next && next < to {
                let place = |it: u64| usize::try_from(it - at).unwrap_or(usize::MAX);
                kept.extend_from_slice(&bytes[place(next)..place(to)]);
            }
        }
    };
    if let Ranged::Refused(_) = layer.client.blob_ranges(found, &request, take).await? {
        return Ok(None);
    }
    let of = |wanted: &dyn Fn(&Range<u64>) -> bool| {
        let found = collected.iter().find(|(range, _)| wanted(range));
        found.map_or(&[][..], |(_, bytes)| bytes)
    };
    let table = parse(of(&|it| *it == manifest), digest, size).map_err(failed)?;
    if let (Some(expected), true) = (table.tar_split, layer.verifies()) {
        verify("tar-split", of(&|it| *it != manifest), expected).map_err(failed)?;
    }
    Ok(Some(table))
}
