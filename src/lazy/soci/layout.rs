//! Where the bytes of a synthetic layer for SOCI are: a function of its size and that of spans.
//!
//! A layer is a tar of files of one size in one member of gzip, whose blocks are stored uncompressed. Spans begin where the tool
//! begins them: at the first end of a block behind which the last span has more content than it should.

use std::ops::Range;

use super::SociLayers;
use crate::lazy::stored::{
    GZIP_BLOCK, GZIP_BLOCK_HEADER, GZIP_HEADER, GZIP_TRAILER, Piece, gzip_block, gzip_header,
    gzip_trailer,
};

const TAR_BLOCK: u64 = 512;
/// The end of a tar: two empty blocks.
const TAR_END: u64 = 2 * TAR_BLOCK;
/// The most files of a layer: of larger layers the files are larger.
const MAX_FILES: u64 = 4096;
const MAX_FILE: u64 = 4 << 20;
const USUAL_FILE: u64 = 64 * 1024;

/// Where the bytes of a synthetic layer for SOCI are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SociLayout {
    size: u64,
    tar: u64,
    blocks: u64,      // of gzip, all full but the last two
    file: u64,        // bytes of each file but the last, whole blocks of a tar
    files: u64,       // at least 1
    last: u64,        // bytes of the last file, whole blocks of a tar
    span_blocks: u64, // blocks of gzip in a span, but the last
    spans: u64,
}

impl SociLayout {
    /// The smallest layer, in bytes.
    pub const LEAST: u64 = 16 * 1024;
    /// The largest layer, in bytes.
    pub const MOST: u64 = MAX_FILES * MAX_FILE;

    /// Returns the layout of a layer of that size, which is from [`LEAST`](Self::LEAST) to [`MOST`](Self::MOST).
    pub fn of(layers: SociLayers, size: u64) -> Self {
        let size = size.clamp(Self::LEAST, Self::MOST);
        let packed = size - GZIP_HEADER - GZIP_TRAILER;
        // Where a block would be left without its header, there is one more, which is empty.
        let blocks = packed.div_ceil(GZIP_BLOCK_HEADER + GZIP_BLOCK);
        let tar = packed - blocks * GZIP_BLOCK_HEADER;
        let share = (size / MAX_FILES).next_multiple_of(TAR_BLOCK);
        let file = share.clamp(USUAL_FILE, MAX_FILE);
        let stride = TAR_BLOCK + file;
        let whole = (tar - TAR_END) / TAR_BLOCK * TAR_BLOCK;
        let (before, rest) = (whole / stride, whole % stride);
        // A header alone is no file: it is left to the zeros at the end.
        let (files, last) = if rest > TAR_BLOCK {
            (before + 1, rest - TAR_BLOCK)
        } else {
            (before, file)
        };
        let span_blocks = layers.span_size / GZIP_BLOCK + 1;
        let mut layout = Self {
            size,
            tar,
            blocks,
            file,
            files,
            last,
            span_blocks,
            spans: 1 + (blocks - 1) / span_blocks,
        };
        let start = layout.out(layout.spans - 1);
        // The block before an empty one may be too short by some bytes.
        if layout.spans > 1 && start - layout.out(layout.spans - 2) <= layers.span_size {
            layout.spans -= 1;
        }
        layout
    }

    /// The bytes of the layer.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The bytes of the tar, with the zeros at its end.
    pub const fn tar(&self) -> u64 {
        self.tar
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

    /// Where the content of a file begins in that of all.
    pub const fn content_at(&self, file: u64) -> u64 {
        file * self.file
    }

    /// The file whose header or content is at a place of the tar, and how far that is behind its header; `None` for the end.
    pub const fn file_at(&self, at: u64) -> Option<(u64, u64)> {
        if at >= self.files_end() {
            return None;
        }
        let stride = TAR_BLOCK + self.file;
        Some((at / stride, at % stride))
    }

    /// Where the content of a file is in the tar.
    pub const fn payload_at(&self, file: u64) -> u64 {
        file * (TAR_BLOCK + self.file) + TAR_BLOCK
    }

    /// Where the last file ends in the tar: from there on are zeros.
    pub const fn files_end(&self) -> u64 {
        self.payload_at(self.files - 1) + self.last
    }

    /// Where a reader of the tar stops.
    pub const fn tar_end(&self) -> u64 {
        self.files_end() + TAR_END
    }

    const fn block_at(&self, block: u64) -> u64 {
        GZIP_HEADER + block * GZIP_BLOCK_HEADER + self.plain_at(block)
    }

    const fn plain_at(&self, block: u64) -> u64 {
        let full = block * GZIP_BLOCK;
        if full < self.tar { full } else { self.tar }
    }

    /// Where a byte of the tar is in the layer.
    pub const fn packed_at(&self, at: u64) -> u64 {
        GZIP_HEADER + at + GZIP_BLOCK_HEADER * (at / GZIP_BLOCK + 1)
    }

    /// How many spans there are.
    pub const fn spans(&self) -> u64 {
        self.spans
    }

    /// Where a span begins in the tar.
    pub const fn out(&self, span: u64) -> u64 {
        self.plain_at(span * self.span_blocks)
    }

    /// Where a span is in the layer.
    pub const fn span(&self, span: u64) -> Range<u64> {
        let end = if span + 1 < self.spans {
            self.block_at((span + 1) * self.span_blocks)
        } else {
            self.size
        };
        self.block_at(span * self.span_blocks)..end
    }

    /// The bytes before the first span.
    pub const fn header(&self) -> u64 {
        GZIP_HEADER
    }

    /// Returns what is at a place of the layer, up to the next border; content is a part of the tar, whose CRC-32 is stated.
    ///
    /// `at` is below the size.
    pub fn piece(&self, at: u64, crc: u32) -> Piece {
        let rest = |bytes: &[u8], at: u64| {
            let at = usize::try_from(at).unwrap_or(bytes.len());
            Piece::Wrapping(bytes[at..].to_vec())
        };
        let Some(within) = at.checked_sub(GZIP_HEADER) else {
            return rest(&gzip_header(0), at);
        };
        if let Some(within) = at.checked_sub(self.size - GZIP_TRAILER) {
            return rest(&gzip_trailer(crc, self.tar), within);
        }
        let last = self.blocks - 1;
        let block = match within / (GZIP_BLOCK_HEADER + GZIP_BLOCK) {
            _ if at >= self.block_at(last) => last,
            block => block,
        };
        let (start, end) = (self.plain_at(block), self.plain_at(block + 1));
        let within = at - self.block_at(block);
        match within.checked_sub(GZIP_BLOCK_HEADER) {
            Some(within) => Piece::Content(start + within..end),
            None => rest(&gzip_block(end - start, block == last), within),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: u64, span_size: u64) -> SociLayout {
        let least = 0;
        SociLayout::of(SociLayers { span_size, least }, size)
    }

    #[test]
    fn any_size_is_filled_with_blocks_and_files() {
        let around = |size: u64| size - 8..size + 8;
        let full = 18 + 3 * 65_540;
        for size in around(full)
            .chain(around(full + 65_540))
            .chain((16_384..200_000).step_by(509))
            .chain([300 << 20, (1 << 30) + 1, SociLayout::MOST])
        {
            let layout = layout(size, 100_000);
            assert_eq!(layout.size(), size);
            assert_eq!(
                layout.block_at(layout.blocks),
                size - GZIP_TRAILER,
                "{size}"
            );
            assert!(layout.tar_end() <= layout.tar(), "{size}");
            assert!(layout.tar() - layout.tar_end() < 2 * TAR_BLOCK, "{size}");
            assert!(layout.files() <= MAX_FILES + 1 && layout.last > 0, "{size}");
            assert!(layout.last.is_multiple_of(TAR_BLOCK));
        }
    }

    /// As the tool counts: a span ends where more content than its size is in it, but never behind the last block.
    #[test]
    fn spans_end_at_the_ends_of_blocks() {
        let full = 18 + 9 * 65_540;
        for size in (full - 70_000..full + 8)
            .step_by(997)
            .chain(full - 8..full + 8)
        {
            for span_size in [0, 65_534, 65_535, 100_000, 131_070, 4 << 20] {
                let layout = layout(size, span_size);
                let (mut expected, mut last) = (vec![GZIP_HEADER], 0);
                for block in 1..layout.blocks {
                    let out = layout.plain_at(block);
                    if out - last > span_size {
                        expected.push(layout.block_at(block));
                        last = out;
                    }
                }
                let starts: Vec<_> = (0..layout.spans())
                    .map(|it| layout.span(it).start)
                    .collect();
                assert_eq!(starts, expected, "{size} {span_size}");
                assert_eq!(layout.span(layout.spans() - 1).end, size);
            }
        }
    }
}
