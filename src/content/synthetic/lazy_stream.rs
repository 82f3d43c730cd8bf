//! The bytes of one layer that clients read in parts: a walk over the shared buffer, wrapped as files of a tar, and
//! the metadata behind them.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::stream::Stream;
use crate::content::frame::{FRAME, FRAME_SIZE, frame_length};
use crate::lazy::stored::{Piece, Wrapping};
use crate::lazy::{Layout, estargz, file_name};
use crate::oci::Digest;

/// The time of every file: the begin of the year 2000.
const TIME: u64 = 946_684_800;

/// What is known of the content of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileSum {
    pub(super) digest: Digest,
    /// CRC-32 of a file in gzip.
    pub(super) crc: u32,
    /// CRC-64 of a file in zstd.
    pub(super) crc64: u64,
}

/// The bytes of one layer. Cheap to clone.
#[derive(Debug, Clone)]
pub(in crate::content) struct LazyStream {
    pub(super) layout: Layout,
    pub(super) content: Stream,
    pub(super) sums: Arc<[FileSum]>, // of all files but the last
    pub(super) last: FileSum,
    pub(super) metadata: Bytes, // behind the content
}

impl LazyStream {
    /// The number of bytes.
    pub(in crate::content) const fn size(&self) -> u64 {
        self.layout.size()
    }

    pub(super) fn sum(&self, file: u64) -> &FileSum {
        let place = usize::try_from(file).unwrap_or(usize::MAX);
        self.sums.get(place).unwrap_or(&self.last)
    }

    /// Returns the bytes from `position`, at most a frame or to `end`: those that are wrapped lie apart, and are joined.
    ///
    /// `position` is below `end`, and `end` at most the size.
    pub(in crate::content) fn frame(&self, position: u64, end: u64) -> Bytes {
        let length = frame_length(FRAME.min(end - position));
        let first = self.piece(position);
        if first.len() >= length {
            return first.slice(..length);
        }
        let mut frame = BytesMut::with_capacity(length.min(FRAME_SIZE));
        frame.extend_from_slice(&first);
        while frame.len() < length {
            let piece = self.piece(position + frame.len() as u64);
            let room = length - frame.len();
            frame.extend_from_slice(&piece[..room.min(piece.len())]);
        }
        frame.freeze()
    }

    /// The bytes at a place, up to the next border; not none.
    fn piece(&self, at: u64) -> Bytes {
        let layout = &self.layout;
        let behind = |bytes: &[u8], start: u64| {
            let from = usize::try_from(at - start).unwrap_or(bytes.len());
            Bytes::copy_from_slice(&bytes[from..])
        };
        if let Some(within) = at.checked_sub(layout.content_end()) {
            let from = usize::try_from(within).unwrap_or(usize::MAX);
            return self.metadata.slice(from..);
        }
        let wrapping = layout.wrapping();
        let Some(file) = layout.file_at(at) else {
            let [header, content] = landmark(layout).map(|it| wrapping.wrap(&it));
            return behind(&[header, content].concat(), layout.landmark_header_at());
        };
        let Some(within) = at.checked_sub(layout.payload_at(file)) else {
            let header = wrapping.wrap(&file_header(layout, file));
            return behind(&header, layout.header_at(file));
        };
        match wrapping.piece(layout.file_size(file), self.sum(file).crc, within) {
            Piece::Wrapping(bytes) => bytes.into(),
            Piece::Content(part) => {
                let start = layout.content_of(file).start;
                self.content.frame(start + part.start, start + part.end)
            }
        }
    }
}

/// What a tar has before the content of a file: zeros that end the content before it, and its header.
pub(super) fn file_header(layout: &Layout, file: u64) -> Vec<u8> {
    let zeros = usize::try_from(layout.zeros_before(file)).unwrap_or_default();
    let mut bytes = vec![0; zeros];
    bytes.extend_from_slice(&header(&file_name(file), layout.file_size(file)));
    bytes
}

/// Header and content of the landmark.
pub(super) fn landmark(layout: &Layout) -> [Vec<u8>; 2] {
    let content = estargz::LANDMARK;
    [
        header(layout.landmark().0, content.len() as u64).to_vec(),
        content.to_vec(),
    ]
}

/// Returns whether a layer of that wrapping has a landmark.
pub(super) const fn has_landmark(layout: &Layout) -> bool {
    matches!(layout.wrapping(), Wrapping::Gzip)
}

/// The header of a regular file in a tar.
pub(super) fn header(name: &str, size: u64) -> [u8; 512] {
    let mut header = tar::Header::new_ustar();
    header
        .set_path(name)
        .expect("the name of a file here is short and below no directory");
    header.set_size(size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(TIME);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    *header.as_bytes()
}
