//! Where the bytes of a synthetic layer are: a function of its format and its size.
//!
//! A layer is a tar of files of one size, each in a member of gzip or a frame of zstd of its own, then the table of
//! contents, then the footer. Content and tables are stored uncompressed, and numbers in the tables are padded, so
//! that no length depends on a digest. That is why `check` can say what a lazy pull asks for, and why a layer is sent
//! from any byte on without memory for it.

use std::ops::Range;

use super::format::{ChunkFormat, ChunkedLayers};
use super::stored::{SKIPPABLE_HEADER, Wrapping};
use super::{estargz, zstd_chunked};

/// What files and headers of a tar are aligned to.
const TAR_BLOCK: u64 = 512;
/// The end of a tar: two empty blocks.
const TAR_END: u64 = 2 * TAR_BLOCK;
/// The most files of a layer: of larger layers the files are larger.
const MAX_FILES: u64 = 4096;
/// The largest file: as much as one chunk of eStargz holds.
const MAX_FILE: u64 = 4 << 20;

/// Where the bytes of a synthetic layer are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    format: ChunkFormat,
    size: u64,
    file: u64,       // bytes of each file but the last, whole blocks of a tar
    files: u64,      // at least 1
    last: u64,       // bytes of the last file, whole blocks of a tar
    prefetched: u64, // files before the landmark, fewer than all
}

impl Layout {
    /// The smallest layer, in bytes: one file, and all that the format adds.
    pub const LEAST: u64 = 16 * 1024;
    /// The largest layer, in bytes: 4096 files of the largest size.
    pub const MOST: u64 = MAX_FILES * MAX_FILE;

    /// Returns the layout of a layer of that size, which is from [`LEAST`](Self::LEAST) to [`MOST`](Self::MOST).
    pub fn of(layers: ChunkedLayers, size: u64) -> Self {
        let size = size.clamp(Self::LEAST, Self::MOST);
        let share = (size / MAX_FILES).next_multiple_of(TAR_BLOCK);
        let file = share.clamp(layers.format.usual_file(), MAX_FILE);
        let with = |blocks: u64| Self::with(layers, size, file, blocks);
        // The most content that fits; what is left is padding.
        let (mut fits, mut too_much) = (1, size / TAR_BLOCK);
        while too_much - fits > 1 {
            let middle = fits.midpoint(too_much);
            if with(middle).least_size() <= size {
                fits = middle;
            } else {
                too_much = middle;
            }
        }
        let mut layout = with(fits);
        while layout.format == ChunkFormat::ZstdChunked
            && (1..SKIPPABLE_HEADER).contains(&layout.padding())
        {
            // A frame that is skipped has a header.
            fits -= 1;
            layout = with(fits);
        }
        layout
    }

    fn with(layers: ChunkedLayers, size: u64, file: u64, blocks: u64) -> Self {
        let content = blocks * TAR_BLOCK;
        let files = content.div_ceil(file);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a number of files is not below 0 and not above it"
        )]
        let prefetched = match layers.format {
            ChunkFormat::Estargz => (layers.prefetch * files as f64).round() as u64,
            ChunkFormat::ZstdChunked => 0,
        };
        Self {
            format: layers.format,
            size,
            file,
            files,
            last: content - (files - 1) * file,
            prefetched: prefetched.min(files - 1),
        }
    }

    /// The bytes that are needed without padding.
    fn least_size(&self) -> u64 {
        self.content_end() + self.metadata()
    }

    /// The bytes that the layer has more than it needs.
    pub fn padding(&self) -> u64 {
        self.size - self.least_size()
    }

    /// The format.
    pub const fn format(&self) -> ChunkFormat {
        self.format
    }

    /// The bytes of the layer.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// How many files there are.
    pub const fn files(&self) -> u64 {
        self.files
    }

    /// The bytes of a file.
    pub const fn file_size(&self, file: u64) -> u64 {
        if file + 1 < self.files {
            self.file
        } else {
            self.last
        }
    }

    /// The bytes of all files.
    pub const fn content(&self) -> u64 {
        (self.files - 1) * self.file + self.last
    }

    /// What of the content of all files is in one.
    pub const fn content_of(&self, file: u64) -> Range<u64> {
        let start = file * self.file;
        start..start + self.file_size(file)
    }

    /// How each file is wrapped.
    pub const fn wrapping(&self) -> Wrapping {
        match self.format {
            ChunkFormat::Estargz => Wrapping::Gzip,
            ChunkFormat::ZstdChunked => Wrapping::Zstd,
        }
    }

    /// The name of the landmark, and the file that it stands before.
    pub const fn landmark(&self) -> (&'static str, u64) {
        match self.prefetched {
            0 => (estargz::NO_PREFETCH, 0),
            before => (estargz::PREFETCH, before),
        }
    }

    const fn has_landmark(&self) -> bool {
        matches!(self.format, ChunkFormat::Estargz)
    }

    /// The bytes of the landmark with its header, each in a member of its own.
    const fn landmark_length(&self) -> u64 {
        if self.has_landmark() {
            let wrapping = self.wrapping();
            wrapping.length(TAR_BLOCK) + wrapping.length(1)
        } else {
            0
        }
    }

    /// Where the header of the landmark is.
    pub const fn landmark_header_at(&self) -> u64 {
        self.prefetched * self.stride()
    }

    /// Where the content of the landmark is.
    pub const fn landmark_at(&self) -> u64 {
        self.landmark_header_at() + self.wrapping().length(TAR_BLOCK)
    }

    /// The bytes of a file but the last with its header.
    const fn stride(&self) -> u64 {
        let wrapping = self.wrapping();
        wrapping.length(TAR_BLOCK) + wrapping.length(self.file)
    }

    /// The zeros before the header of a file, which fill up the block of what is before it.
    pub const fn zeros_before(&self, file: u64) -> u64 {
        if self.has_landmark() && file == self.prefetched {
            TAR_BLOCK - estargz::LANDMARK.len() as u64
        } else {
            0
        }
    }

    /// Where the header of a file is.
    pub const fn header_at(&self, file: u64) -> u64 {
        let mut at = file * self.stride();
        if self.has_landmark() && file >= self.prefetched {
            at += self.landmark_length();
            if file > self.prefetched {
                at += self.zeros_before(self.prefetched);
            }
        }
        at
    }

    /// Where the content of a file is.
    pub const fn payload_at(&self, file: u64) -> u64 {
        let header = TAR_BLOCK + self.zeros_before(file);
        self.header_at(file) + self.wrapping().length(header)
    }

    /// Where the content of a file ends.
    pub const fn payload_end(&self, file: u64) -> u64 {
        self.payload_at(file) + self.wrapping().length(self.file_size(file))
    }

    /// Where the content of the last file ends: from there on are metadata.
    pub const fn content_end(&self) -> u64 {
        self.payload_end(self.files - 1)
    }

    /// The bytes behind the content, without padding.
    fn metadata(&self) -> u64 {
        let wrapping = self.wrapping();
        match self.format {
            ChunkFormat::Estargz => {
                let json = estargz::toc_length(self.files, self.landmark().0);
                let tar = TAR_BLOCK + json.next_multiple_of(TAR_BLOCK) + TAR_END;
                wrapping.length(tar) + estargz::FOOTER
            }
            ChunkFormat::ZstdChunked => {
                let json = wrapping.length(zstd_chunked::manifest_length(self.files));
                let tar = wrapping.length(zstd_chunked::tar_split_length(self.files));
                let frames = json + tar + zstd_chunked::FOOTER;
                wrapping.length(TAR_END) + frames + 3 * SKIPPABLE_HEADER
            }
        }
    }

    /// Where both tables of zstd:chunked are.
    pub(super) fn tables(&self) -> [Range<u64>; 2] {
        let places = self.places();
        [places.manifest, places.tar_split].map(|(place, length, _)| place..place + length)
    }

    /// The places of both tables of zstd:chunked.
    pub fn places(&self) -> zstd_chunked::Places {
        let wrapping = self.wrapping();
        let [manifest, tar_split] = [
            zstd_chunked::manifest_length(self.files),
            zstd_chunked::tar_split_length(self.files),
        ];
        let end = self.content_end() + wrapping.length(TAR_END) + self.padding();
        let first = end + SKIPPABLE_HEADER;
        let second = first + wrapping.length(manifest) + SKIPPABLE_HEADER;
        zstd_chunked::Places {
            manifest: (first, wrapping.length(manifest), manifest),
            tar_split: (second, wrapping.length(tar_split), tar_split),
        }
    }

    /// The file whose header or content is at a place before [`content_end`](Self::content_end); `None` for the landmark.
    pub fn file_at(&self, at: u64) -> Option<u64> {
        let is_in = |file: u64| {
            (file < self.files && self.header_at(file) <= at && at < self.payload_end(file))
                .then_some(file)
        };
        // The landmark moves what is behind it by less than a file.
        let near = at / self.stride();
        is_in(near).or_else(|| is_in(near.checked_sub(1)?))
    }

    /// Where the chunks are in the layer, and where the table of contents is, as a client reads them.
    pub fn chunks(&self) -> (Vec<Range<u64>>, u64) {
        let metadata = self.content_end();
        let end = |file: u64| match self.format {
            ChunkFormat::ZstdChunked => self.payload_end(file),
            ChunkFormat::Estargz if file + 1 == self.files => self.size,
            ChunkFormat::Estargz if file + 1 == self.prefetched => self.landmark_at(),
            ChunkFormat::Estargz => self.payload_at(file + 1),
        };
        let chunks = (0..self.files).map(|file| self.payload_at(file)..end(file));
        (chunks.collect(), metadata)
    }
}
