//! The bytes of one layer for SOCI: a walk over the shared buffer as the files of a tar, in one member of gzip.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::lazy_stream::header;
use super::stream::Stream;
use crate::content::frame::{FRAME, FRAME_SIZE, frame_length};
use crate::lazy::file_name;
use crate::lazy::soci::SociLayout;
use crate::lazy::stored::Piece;

/// Zeros, of which the end of a tar is.
const ZEROS: [u8; 1024] = [0; 1024];
const TAR_BLOCK: u64 = 512;

/// The bytes of one layer. Cheap to clone.
#[derive(Debug, Clone)]
pub(in crate::content) struct SociStream {
    pub(super) layout: SociLayout,
    pub(super) content: Stream,
    pub(super) crc: u32, // of the tar
}

impl SociStream {
    /// The number of bytes.
    pub(in crate::content) const fn size(&self) -> u64 {
        self.layout.size()
    }

    /// Returns the bytes from `position`, at most a frame or to `end`: those of different parts are joined.
    ///
    /// `position` is below `end`, and `end` at most the size.
    pub(in crate::content) fn frame(&self, position: u64, end: u64) -> Bytes {
        let length = frame_length(FRAME.min(end - position));
        joined(position, length, |at| {
            match self.layout.piece(at, self.crc) {
                Piece::Wrapping(bytes) => bytes.into(),
                Piece::Content(part) => tar_piece(&self.layout, &self.content, part),
            }
        })
    }
}

/// The bytes of a tar, from the start of a part up to the next border; not none.
fn tar_piece(layout: &SociLayout, content: &Stream, part: Range<u64>) -> Bytes {
    let Some((file, within)) = layout.file_at(part.start) else {
        let zeros = (part.end - part.start).min(ZEROS.len() as u64);
        let zeros = usize::try_from(zeros).unwrap_or_default();
        return Bytes::from_static(&ZEROS).slice(..zeros);
    };
    let bytes = if let Some(within) = within.checked_sub(TAR_BLOCK) {
        let start = layout.content_at(file);
        content.frame(start + within, start + layout.file_size(file))
    } else {
        let header = header(&file_name(file), layout.file_size(file));
        let from = usize::try_from(within).unwrap_or(header.len());
        Bytes::copy_from_slice(&header[from..])
    };
    let room = usize::try_from(part.end - part.start).unwrap_or(usize::MAX);
    bytes.slice(..bytes.len().min(room))
}

/// Joins pieces to so many bytes, unless the first has them all.
fn joined(position: u64, length: usize, piece: impl Fn(u64) -> Bytes) -> Bytes {
    let first = piece(position);
    if first.len() >= length {
        return first.slice(..length);
    }
    let mut frame = BytesMut::with_capacity(length.min(FRAME_SIZE));
    frame.extend_from_slice(&first);
    while frame.len() < length {
        let next = piece(position + frame.len() as u64);
        let room = length - frame.len();
        frame.extend_from_slice(&next[..room.min(next.len())]);
    }
    frame.freeze()
}

/// Gives the bytes of a part of a layer, in order.
pub(super) fn each(stream: &SociStream, part: Range<u64>, mut take: impl FnMut(&[u8])) {
    let mut at = part.start;
    while at < part.end {
        let frame = stream.frame(at, part.end);
        take(&frame);
        at += frame.len() as u64;
    }
}

/// Gives the bytes of a part of its tar, in order.
pub(super) fn each_of_tar(
    layout: &SociLayout,
    content: &Stream,
    part: Range<u64>,
    mut take: impl FnMut(&[u8]),
) {
    let mut at = part.start;
    while at < part.end {
        let piece = tar_piece(layout, content, at..part.end);
        take(&piece);
        at += piece.len() as u64;
    }
}
