//! eStargz: what is at the end of a layer, and what the stargz snapshotter asks for.
//!
//! # Spec
//! The format is that of stargz-snapshotter, docs/estargz.md. What is asked for follows its sources: every read goes through a
//! cache of blocks of 50,000 bytes, so requests begin and end at their borders, and what is in the cache is not asked for
//! again. Several ranges are in one request only where a block between them is in the cache.

use std::fmt::Write as _;
use std::ops::Range;

use flate2::bufread::GzDecoder;

use super::format::file_name;
use super::spans::Spans;
use super::table::{
    self, Chunk, EntryKind, Landmark, Table, TableError, TocEntry, read_table, verify,
};
use crate::oci::Digest;

/// The annotation of a layer that states the digest of its table of contents.
pub const TOC_DIGEST: &str = "containerd.io/snapshot/stargz/toc.digest";
/// The annotation of a layer that states its uncompressed size.
pub const UNCOMPRESSED_SIZE: &str = "io.containers.estargz.uncompressed-size";
/// The file that holds the table of contents.
pub const TOC_NAME: &str = "stargz.index.json";
/// The bytes of the footer: an empty member of gzip, with the place of the table in its extra field.
pub const FOOTER: u64 = 51;
/// The file that ends what is to be fetched when the layer is mounted.
pub const PREFETCH: &str = ".prefetch.landmark";
/// The file that says that nothing is to be fetched then.
pub const NO_PREFETCH: &str = ".no.prefetch.landmark";
/// The content of either.
pub const LANDMARK: [u8; 1] = [0xf];

/// The most that is read of a chunk at once.
const WINDOW: u64 = 2 << 20;
/// The bytes of a tar header, and what content in a tar is aligned to.
const TAR_BLOCK: usize = 512;

/// Returns the footer of a layer whose table of contents is there.
pub fn footer(toc: u64) -> Vec<u8> {
    let mut footer = vec![0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255];
    footer.extend_from_slice(&[26, 0, b'S', b'G', 22, 0]);
    footer.extend_from_slice(format!("{toc:016x}STARGZ").as_bytes());
    footer.extend_from_slice(&[1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
    footer
}

/// Reads the place of the table of contents out of a footer.
///
/// # Errors
/// Fails if it is none, or if the place is not in a layer of that size.
pub fn toc_place(end: &[u8], layer: u64) -> Result<u64, TableError> {
    let hex = end.get(16..32).filter(|_| end.len() as u64 == FOOTER);
    let magic = end.get(32..38).is_some_and(|it| it == b"STARGZ");
    let text = hex
        .filter(|_| magic && end.starts_with(&[0x1f, 0x8b]))
        .and_then(|it| str::from_utf8(it).ok());
    let place = text.and_then(|it| u64::from_str_radix(it, 16).ok());
    let place = place.filter(|it| *it < layer.saturating_sub(FOOTER));
    place.ok_or(TableError::Footer)
}

/// Numbers are as wide as any may be, which JSON allows.
pub(super) fn entry(json: &mut String, name: &str, (size, offset): (u64, u64), digest: &Digest) {
    // Writing to a string does not fail.
    let _ = write!(
        json,
        "{{\"name\":\"{name}\",\"type\":\"reg\",\"size\":{size:>8},\"modtime\":\"2000-01-01T00:00:00Z\",\"mode\":420,\
         \"offset\":{offset:>13},\"digest\":\"{digest}\",\"chunkDigest\":\"{digest}\"}}"
    );
}

/// Returns the bytes of a table of contents with so many files and that landmark.
pub(super) fn toc_length(files: u64, landmark: &str) -> u64 {
    let one = |name: &str| {
        let mut json = String::new();
        entry(&mut json, name, (0, 0), &Digest::Sha256([0; 32]));
        json.len() as u64
    };
    let brackets = "{\"version\":1,\"entries\":[]}".len() as u64;
    brackets + files * (one(&file_name(0)) + 1) + one(landmark)
}

/// Reads a table of contents: a compressed archive of one file, with that digest.
///
/// # Errors
/// Fails if it is none.
pub fn parse(member: &[u8], expected: Digest, layer: u64) -> Result<Table, TableError> {
    let archive = read_table(GzDecoder::new(member))?;
    let broken = |what: &str| TableError::Unpack(what.to_owned());
    let (header, rest) = archive
        .split_at_checked(TAR_BLOCK)
        .ok_or_else(|| broken("the archive ends in its header"))?;
    if !header.starts_with(TOC_NAME.as_bytes()) {
        return Err(broken("the archive does not begin with stargz.index.json"));
    }
    let size = str::from_utf8(&header[124..136]).ok();
    let size = size.map(|it| it.trim_matches(['\0', ' ']));
    let size = size.and_then(|it| usize::from_str_radix(it, 8).ok());
    let json = size.and_then(|size| rest.get(..size));
    let json = json.ok_or_else(|| broken("the archive ends in its file"))?;
    verify("table of contents", json, expected)?;
    table(&table::toc(json)?.entries, layer)
}

fn table(entries: &[TocEntry<'_>], layer: u64) -> Result<Table, TableError> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut landmark = Landmark::Absent;
    let (mut end, mut file) = (layer, None);
    // From the last one on: a chunk ends where the next one begins, and the last where the layer ends.
    let mut ends = Vec::with_capacity(entries.len());
    for entry in entries.iter().rev() {
        ends.push(end);
        if entry.offset != 0 && entry.inner_offset == 0 {
            end = entry.offset;
        }
    }
    for (entry, end) in entries.iter().zip(ends.into_iter().rev()) {
        let size = match (entry.kind, file) {
            (EntryKind::Other, _) => continue,
            (EntryKind::Reg, _) if entry.size == 0 => continue,
            (EntryKind::Reg, _) if entry.chunk_size == 0 => entry.size,
            (EntryKind::Chunk, Some(file)) if entry.chunk_size == 0 => {
                u64::saturating_sub(file, entry.chunk_offset)
            }
            _ => entry.chunk_size,
        };
        if entry.kind == EntryKind::Reg {
            file = Some(entry.size);
        }
        match entry.name.trim_start_matches("./") {
            NO_PREFETCH => landmark = Landmark::NoPrefetch,
            PREFETCH => landmark = Landmark::Prefetch(entry.offset),
            _ => {
                let chunk = Chunk::single(entry, entry.offset..end, size, layer)?;
                match chunks.last_mut() {
                    Some(last) if last.span.start == entry.offset => {
                        last.span.end = end;
                        last.payloads.extend(chunk.payloads);
                    }
                    _ => chunks.push(chunk),
                }
            }
        }
    }
    chunks.sort_by_key(|it| it.span.start);
    Ok(Table {
        chunks,
        landmark,
        tar_split: None,
    })
}

/// What the snapshotter has of a layer, and what it asks for next.
#[derive(Debug, Clone)]
pub struct Reader {
    layer: u64,
    here: Spans,
}

impl Reader {
    /// The first request for a layer, by which the snapshotter finds where it is.
    pub const LOCATE: Range<u64> = 0..2;
    /// What requests are aligned to, unless the snapshotter is configured otherwise: bytes.
    pub const BLOCK: u64 = 50_000;

    /// Starts with nothing of a layer of that size.
    pub fn new(layer: u64) -> Self {
        let here = Spans::default();
        Self { layer, here }
    }

    /// Returns what is to be asked for, so that the range is here; from then on it is.
    pub fn need(&mut self, range: Range<u64>) -> Vec<Range<u64>> {
        let start = range.start / Self::BLOCK * Self::BLOCK;
        let end = self
            .layer
            .min(range.end.div_ceil(Self::BLOCK) * Self::BLOCK);
        let missing = self.here.missing(start..end);
        self.here.add(start..end);
        missing
    }

    /// Where the first and the last block of a range begin, in which other chunks may end or begin.
    pub const fn borders(range: &Range<u64>) -> [u64; 2] {
        [range.start, (range.end - 1) / Self::BLOCK * Self::BLOCK]
    }

    /// Notes that all of the layer is here.
    pub fn has_all(&mut self) {
        self.here.add(0..self.layer);
    }

    /// What the footer is read by.
    pub const fn footer(&self) -> Range<u64> {
        self.layer.saturating_sub(FOOTER)..self.layer
    }

    /// What is fetched when the layer is mounted; without a landmark the first block, which is how the snapshotter fetches
    /// nothing.
    pub const fn prefetch(landmark: Landmark) -> Option<Range<u64>> {
        match landmark {
            Landmark::NoPrefetch => None,
            Landmark::Prefetch(to) => Some(0..if to == 0 { 1 } else { to }),
            Landmark::Absent => Some(0..1),
        }
    }

    /// The windows in which a chunk is read.
    pub fn windows(span: &Range<u64>) -> impl Iterator<Item = Range<u64>> + use<> {
        let (start, end) = (span.start, span.end);
        let windows = (end - start).div_ceil(WINDOW);
        (0..windows).map(move |it| start + it * WINDOW..end.min(start + (it + 1) * WINDOW))
    }
}
