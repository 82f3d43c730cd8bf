//! zstd:chunked: what is at the end of a layer, and what podman asks for.
//!
//! # Spec
//! The format is that of containers/storage, docs/containers-storage-zstd-chunked.md. What is asked for follows its sources:
//! table of contents and tar-split in one request of two ranges, then everything that is missing in one request, in which
//! ranges with a gap of at most 1,024 bytes are one, and of which there are at most 1,024.

use std::fmt::Write as _;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zstd::stream::read::Decoder;

use super::format::file_name;
use super::table::{Chunk, EntryKind, Landmark, Table, TableError, read_table, toc, verify};
use crate::oci::Digest;

/// The annotation of a layer that states the digest of its compressed table of contents.
pub const MANIFEST_DIGEST: &str = "io.github.containers.zstd-chunked.manifest-checksum";
/// The annotation of a layer that states where that table is: place, bytes, bytes unpacked, kind.
pub const MANIFEST_PLACE: &str = "io.github.containers.zstd-chunked.manifest-position";
/// The annotation of a layer that states where what is between the files of its tar is: place, bytes, bytes unpacked.
pub const TAR_SPLIT_PLACE: &str = "io.github.containers.zstd-chunked.tarsplit-position";
/// The bytes of the footer, which no client reads: the annotations say the same.
pub const FOOTER: u64 = 64;

/// The kind of table that there is.
const KIND: u64 = 1;
const MAGIC: &[u8; 8] = b"GNUlInUx";
/// The largest gap between two ranges that makes one of them.
const GAP: u64 = 1024;
/// The most ranges of one request.
const MOST_RANGES: usize = 1024;

/// The places of both tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// The table of contents: place, bytes, bytes unpacked.
    pub manifest: (u64, u64, u64),
    /// What is between the files of the tar: place, bytes, bytes unpacked.
    pub tar_split: (u64, u64, u64),
}

impl Places {
    /// Returns the annotations that state them.
    pub fn annotations(&self) -> [(&'static str, String); 2] {
        let (place, length, plain) = self.manifest;
        let manifest = format!("{place}:{length}:{plain}:{KIND}");
        let (place, length, plain) = self.tar_split;
        [
            (MANIFEST_PLACE, manifest),
            (TAR_SPLIT_PLACE, format!("{place}:{length}:{plain}")),
        ]
    }

    /// Returns the footer that states them.
    pub fn footer(&self) -> Vec<u8> {
        let (manifest, tar_split) = (self.manifest, self.tar_split);
        let numbers = [
            manifest.0,
            manifest.1,
            manifest.2,
            KIND,
            tar_split.0,
            tar_split.1,
            tar_split.2,
        ];
        let mut footer = numbers.map(u64::to_le_bytes).concat();
        footer.extend_from_slice(MAGIC);
        footer
    }
}

/// Reads where a table is out of an annotation.
///
/// # Errors
/// Fails if it says no place in a layer of that size.
pub fn place(key: &'static str, text: &str, layer: u64) -> Result<Range<u64>, TableError> {
    let wrong = || TableError::Annotation {
        key,
        text: text.chars().take(100).collect(),
    };
    let mut numbers = text.split(':').map(str::parse::<u64>);
    let (Some(Ok(place)), Some(Ok(length))) = (numbers.next(), numbers.next()) else {
        return Err(wrong());
    };
    let end = place.checked_add(length).filter(|end| *end <= layer);
    let end = end.filter(|_| length > 0 && length <= super::table::MAX_TABLE);
    end.map(|end| place..end).ok_or_else(wrong)
}

/// Numbers are as wide as any may be, which JSON allows.
pub(super) fn entry(
    json: &mut String,
    file: u64,
    (size, span): (u64, Range<u64>),
    digest: &Digest,
) {
    let Range { start, end } = span;
    let name = file_name(file);
    // Writing to a string does not fail.
    let _ = write!(
        json,
        "{{\"type\":\"reg\",\"name\":\"{name}\",\"mode\":420,\"size\":{size:>8},\"modtime\":\"2000-01-01T00:00:00Z\",\
         \"digest\":\"{digest}\",\"offset\":{start:>13},\"endOffset\":{end:>13}}}"
    );
}

/// Returns the bytes of a table of contents with so many files.
pub(super) fn manifest_length(files: u64) -> u64 {
    let digest = Digest::Sha256([0; 32]);
    let mut one = String::new();
    entry(&mut one, 0, (0, 0..0), &digest);
    let brackets = format!("{{\"version\":1,\"entries\":[],\"tarSplitDigest\":\"{digest}\"}}");
    brackets.len() as u64 + files * (one.len() as u64 + 1) - 1
}

/// What is between the files of a tar: lines of JSON, from which and from the files the tar can be made again.
#[derive(Debug, Default)]
pub struct TarSplit {
    text: String,
    lines: u64,
}

impl TarSplit {
    /// Adds bytes that are of no file: headers and padding.
    pub fn segment(&mut self, bytes: &[u8]) {
        let payload = STANDARD.encode(bytes);
        let line = self.lines;
        // Writing to a string does not fail.
        let _ = writeln!(
            self.text,
            "{{\"type\":2,\"payload\":\"{payload}\",\"position\":{line:>5}}}"
        );
        self.lines += 1;
    }

    /// Adds a file with the CRC-64 (ISO 3309) of its content.
    pub fn file(&mut self, name: &str, size: u64, crc: u64) {
        let payload = STANDARD.encode(crc.to_be_bytes());
        let line = self.lines;
        // Writing to a string does not fail.
        let _ = writeln!(
            self.text,
            "{{\"type\":1,\"name\":\"{name}\",\"size\":{size:>8},\"payload\":\"{payload}\",\"position\":{line:>5}}}"
        );
        self.lines += 1;
    }

    /// The lines.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

/// Returns the bytes of what is between so many files.
pub(super) fn tar_split_length(files: u64) -> u64 {
    let length = |add: &dyn Fn(&mut TarSplit)| {
        let mut lines = TarSplit::default();
        add(&mut lines);
        lines.text.len() as u64
    };
    let file = length(&|it| it.file(&file_name(0), 0, 0));
    let header = length(&|it| it.segment(&[0; 512]));
    files * (header + file) + length(&|it| it.segment(&[0; 1024]))
}

/// Reads a table of contents: a compressed document with that digest.
///
/// # Errors
/// Fails if it is none.
pub fn parse(compressed: &[u8], expected: Digest, layer: u64) -> Result<Table, TableError> {
    verify("table of contents", compressed, expected)?;
    let decoder = Decoder::with_buffer(compressed);
    let decoder = decoder.map_err(|error| TableError::Unpack(error.to_string()))?;
    let json = read_table(decoder)?;
    let toc = toc(&json)?;
    let mut chunks = Vec::new();
    let (mut entries, mut file_end) = (toc.entries.iter().peekable(), 0);
    while let Some(entry) = entries.next() {
        match entry.kind {
            EntryKind::Reg => file_end = entry.end_offset,
            EntryKind::Chunk => {}
            EntryKind::Other => continue,
        }
        let next = entries.peek().filter(|it| it.kind == EntryKind::Chunk);
        let end = next.map_or(file_end, |it| it.offset);
        let size = match entry.chunk_size {
            0 => entry.size,
            size => size,
        };
        // Holes are made, not fetched.
        if size > 0 && entry.chunk_type != "zeros" {
            chunks.push(Chunk::single(entry, entry.offset..end, size, layer)?);
        }
    }
    chunks.sort_by_key(|it| it.span.start);
    let split = toc.tar_split_digest.map(|it| it.parse());
    let split = split
        .transpose()
        .map_err(|_| TableError::NoDigest("tar-split".to_owned()))?;
    Ok(Table {
        chunks,
        landmark: Landmark::Absent,
        tar_split: split,
    })
}

/// Returns the ranges by which missing chunks are asked for, which are in ascending order.
pub fn ranges(spans: &[Range<u64>]) -> Vec<Range<u64>> {
    merged(spans, MOST_RANGES)
}

/// Returns at most so many ranges in place of those, and the same if that is none fewer: what podman asks for after a
/// refusal. Gaps that are cheap are always closed.
pub fn merged(spans: &[Range<u64>], most: usize) -> Vec<Range<u64>> {
    let gap = |place: usize| spans[place].start.saturating_sub(spans[place - 1].end);
    let mut gaps: Vec<usize> = (1..spans.len()).collect();
    gaps.sort_by_key(|place| gap(*place));
    let mut closed = vec![false; spans.len()];
    // One more than would do, as podman counts.
    let mut wanted = (spans.len() + 1).saturating_sub(most);
    for place in gaps {
        if wanted > 0 || gap(place) <= GAP {
            closed[place] = true;
            wanted = wanted.saturating_sub(1);
        }
    }
    let mut merged: Vec<Range<u64>> = Vec::new();
    for (span, is_closed) in spans.iter().zip(closed) {
        match merged.last_mut() {
            Some(last) if is_closed => last.end = last.end.max(span.end),
            _ => merged.push(span.clone()),
        }
    }
    merged
}
