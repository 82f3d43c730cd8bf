//! A layer of eStargz, as the stargz snapshotter mounts and reads it.

use std::ops::Range;
use std::slice;

use super::chunks::{Chunks, Kept};
use super::error::Error;
use super::lazy_layer::LazyLayer;
use crate::exchange::RangePurpose;
use crate::lazy::estargz::{FOOTER, Reader, TOC_DIGEST, parse, toc_place};
use crate::lazy::{Chunk, ChunkFormat, Landmark, Table, TableError, drawn};
use crate::oci::{Descriptor, Verify};
use crate::registry::{FoundBlob, Ranged, Ranges};

/// The address of the blob is no longer good: it is looked for again.
const EXPIRED: u16 = 403;
/// Several ranges at once are refused: from then on one is asked for that covers them.
const BAD_RANGES: u16 = 400;

/// A layer that is mounted.
pub(super) struct Mounted<'a> {
    requests: Requests<'a>,
    table: Table,
    checked: Vec<bool>, // by chunk
    kept: Kept,
    tail: u64, // where the table of contents begins: what was kept before it is kept to the end
}

/// The requests for one layer.
struct Requests<'a> {
    layer: LazyLayer<'a>,
    found: FoundBlob<'a>,
    reader: Reader,
    one_range: bool, // at once
    is_whole: bool,  // all of it has come in place of a range
}

impl<'a> Mounted<'a> {
    /// Finds a layer, reads its table of contents, and fetches what it marks to be fetched.
    pub(super) async fn new(layer: LazyLayer<'a>) -> Result<Self, Error> {
        let size = layer.descriptor.size;
        let toc_digest = layer.stated(TOC_DIGEST)?;
        let failed = |error| layer.failed(error);
        let mut mounted = Self {
            requests: Requests::open(layer).await?,
            table: Table::default(),
            checked: Vec::new(),
            kept: Kept::new(),
            tail: size,
        };
        let requests = &mut mounted.requests;
        let footer = requests.reader.footer();
        let end = requests.collect(footer, RangePurpose::Footer).await?;
        if requests.is_whole {
            return Ok(mounted);
        }
        let at = end
            .len()
            .saturating_sub(usize::try_from(FOOTER).unwrap_or_default());
        let toc = toc_place(&end[at..], size).map_err(failed)?;
        let before = requests.collect(toc..size - FOOTER, RangePurpose::Toc);
        let mut end = [before.await?, end].concat();
        if requests.is_whole {
            return Ok(mounted);
        }
        let length = usize::try_from(size - toc).unwrap_or(usize::MAX);
        let at = end.len().checked_sub(length);
        let at = at.ok_or_else(|| failed(TableError::Footer))?;
        mounted.table = parse(&end[at..], toc_digest, size).map_err(failed)?;
        mounted.checked = vec![false; mounted.table.chunks.len()];
        if layer.verifies() {
            end.truncate(at);
            mounted.tail = toc - end.len() as u64;
            mounted.kept.insert(mounted.tail, end);
        }
        mounted.prefetch().await?;
        Ok(mounted)
    }

    async fn prefetch(&mut self) -> Result<(), Error> {
        let landmark = self.table.landmark;
        let Some(range) = Reader::prefetch(landmark) else {
            return Ok(());
        };
        let end = match landmark {
            Landmark::Prefetch(end) => end,
            Landmark::Absent | Landmark::NoPrefetch => 0,
        };
        let marked = self.table.chunks.iter();
        let marked = marked.take_while(|it| it.span.end <= end).count();
        self.fetch(&[range], 0..marked, RangePurpose::Prefetch)
            .await
    }

    /// Reads as much of it as a container does that starts.
    pub(super) async fn read(&mut self) -> Result<(), Error> {
        let layer = self.requests.layer;
        let lengths: Vec<u64> = self.table.chunks.iter().map(Chunk::length).collect();
        for chunk in drawn(layer.place, &lengths, layer.options.read) {
            self.read_chunk(chunk, RangePurpose::Content).await?;
        }
        Ok(())
    }

    /// Fetches all that is not here yet.
    pub(super) async fn fetch_rest(mut self) -> Result<(), Error> {
        for chunk in 0..self.table.chunks.len() {
            self.read_chunk(chunk, RangePurpose::Background).await?;
        }
        Ok(())
    }

    async fn read_chunk(&mut self, chunk: usize, purpose: RangePurpose) -> Result<(), Error> {
        let windows: Vec<_> = Reader::windows(&self.table.chunks[chunk].span).collect();
        self.fetch(&windows, chunk..chunk + 1, purpose).await
    }

    /// Fetches what is missing of windows, each by a request, and verifies chunks, whose bytes are here by then.
    async fn fetch(
        &mut self,
        windows: &[Range<u64>],
        chunks: Range<usize>,
        purpose: RangePurpose,
    ) -> Result<(), Error> {
        let layer = self.requests.layer;
        let mut unchecked = Vec::new();
        if layer.verifies() {
            let places = chunks.filter(|it| !std::mem::replace(&mut self.checked[*it], true));
            unchecked.extend(places.map(|it| &self.table.chunks[it]));
        }
        let mut check = Chunks::new(ChunkFormat::Estargz, unchecked, &self.kept);
        let mut borders = Kept::new();
        for window in windows {
            let ranges = self.requests.reader.need(window.clone());
            for border in ranges.iter().flat_map(Reader::borders) {
                borders.insert(border, Vec::new());
            }
            let mut take = |at: u64, bytes: &[u8]| {
                check.take(at, bytes);
                if layer.verifies() {
                    keep(&mut borders, at, bytes);
                }
            };
            self.requests.send(&ranges, purpose, &mut take).await?;
        }
        let result = check.finish();
        if !layer.options.background {
            // Chunks are read in ascending order, and none before these again.
            let tail = self.tail;
            self.kept.retain(|at, _| *at >= tail || borders.is_empty());
        }
        self.kept.append(&mut borders);
        // All of a blob that came in place of a range has the right digest.
        if self.requests.is_whole {
            return Ok(());
        }
        result.map_err(|error| layer.failed(error))
    }
}

/// Keeps what belongs to blocks that are to be kept.
fn keep(borders: &mut Kept, at: u64, bytes: &[u8]) {
    let end = at + bytes.len() as u64;
    for (start, kept) in borders.range_mut(..end) {
        let (start, next) = (*start, *start + kept.len() as u64);
        if next < start + Reader::BLOCK && at <= next && next < end {
            let to = end.min(start + Reader::BLOCK);
            let place = |it: u64| usize::try_from(it - at).unwrap_or(usize::MAX);
            kept.extend_from_slice(&bytes[place(next)..place(to)]);
        }
    }
}

impl<'a> Requests<'a> {
    /// Finds a layer and asks for its size.
    async fn open(layer: LazyLayer<'a>) -> Result<Self, Error> {
        let Descriptor { digest, size, .. } = *layer.descriptor;
        let client = layer.client;
        let located = client.blob_locate(layer.repository, digest, Reader::LOCATE, true);
        let found = located.await?;
        match client.blob_size(&found).await? {
            Some(found) if found != size => {
                let expected = size;
                return Err(layer.failed(TableError::Size { expected, found }));
            }
            Some(_) => {}
            // Storage that does not allow `HEAD` is asked in another way.
            None => {
                let asked = Ranges {
                    verify: Verify::None,
                    ..Ranges::of(&[Reader::LOCATE], RangePurpose::Locate)
                };
                client.blob_ranges(&found, &asked, &mut |_, _| {}).await?;
            }
        }
        Ok(Self {
            layer,
            found,
            reader: Reader::new(size),
            one_range: false,
            is_whole: false,
        })
    }

    /// Fetches what is missing of a range, and returns that. There is one gap at most.
    async fn collect(
        &mut self,
        range: Range<u64>,
        purpose: RangePurpose,
    ) -> Result<Vec<u8>, Error> {
        let ranges = self.reader.need(range);
        let (start, end) = match (ranges.first(), ranges.last()) {
            (Some(first), Some(last)) => (first.start, last.end),
            _ => return Ok(Vec::new()),
        };
        if end - start > Table::MOST {
            return Err(self.layer.failed(TableError::TooLong));
        }
        let mut collected = Vec::new();
        let mut take = |at: u64, bytes: &[u8]| {
            let next = start + collected.len() as u64;
            let to = end.min(at + bytes.len() as u64);
            if at <= next && next < to {
                let place = |it: u64| usize::try_from(it - at).unwrap_or(usize::MAX);
                collected.extend_from_slice(&bytes[place(next)..place(to)]);
            }
        };
        self.send(&ranges, purpose, &mut take).await?;
        Ok(collected)
    }

    /// Asks for ranges, in one request.
    async fn send(
        &mut self,
        ranges: &[Range<u64>],
        purpose: RangePurpose,
        take: &mut dyn FnMut(u64, &[u8]),
    ) -> Result<(), Error> {
        let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else {
            return Ok(());
        };
        let covering = first.start..last.end;
        // After one of these refusals the client tries once more.
        let mut forgives: &[u16] = &[EXPIRED, BAD_RANGES];
        loop {
            let several = !self.one_range && ranges.len() > 1;
            let ranges = if several {
                ranges
            } else {
                slice::from_ref(&covering)
            };
            let asked = Ranges {
                identity: true,
                reads_whole: true,
                verify: self.layer.options.pull.verify,
                forgives: if several {
                    forgives
                } else {
                    &forgives[..forgives.len().min(1)]
                },
                ..Ranges::of(ranges, purpose)
            };
            let client = self.layer.client;
            match client.blob_ranges(&self.found, &asked, take).await? {
                Ranged::Ranges => return Ok(()),
                Ranged::Whole => {
                    self.is_whole = true;
                    self.reader.has_all();
                    return Ok(());
                }
                Ranged::Refused(status) if status.as_u16() == EXPIRED => {
                    let (repository, digest) =
                        (self.layer.repository, self.layer.descriptor.digest);
                    let located = client.blob_locate(repository, digest, Reader::LOCATE, true);
                    self.found = located.await?;
                }
                Ranged::Refused(_) => self.one_range = true,
            }
            forgives = &[];
        }
    }
}
