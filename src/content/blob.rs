//! One blob: its descriptor, and its bytes in frames, from any offset and as often as needed.

use std::fmt;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};

use super::error::ContentError;
use super::frame::{FRAME, frame_length};
use super::region::Region;
use super::synthetic::{LazyStream, SociStream, Stream};
use crate::oci::{Descriptor, Digest, Hasher};

/// Content that can be sent: its descriptor and its bytes. Cheap to clone.
#[derive(Clone)]
pub struct Blob(Arc<Inner>);

struct Inner {
    descriptor: Descriptor, // `size` is the number of bytes that `source` has
    source: Source,
    unpacked: Option<Digest>, // of a layer that was compressed here
}

#[derive(Clone)]
enum Source {
    Memory(Bytes),
    File(Region),
    Synthetic(Stream),
    Lazy(LazyStream),
    Soci(SociStream),
}

impl Blob {
    pub(super) fn from_memory(descriptor: Descriptor, bytes: Bytes) -> Self {
        debug_assert_eq!(descriptor.size, bytes.len() as u64);
        Self::new(descriptor, Source::Memory(bytes))
    }

    pub(super) fn from_file(descriptor: Descriptor, region: Region) -> Self {
        debug_assert_eq!(descriptor.size, region.size());
        Self::new(descriptor, Source::File(region))
    }

    pub(super) fn from_stream(descriptor: Descriptor, stream: Stream) -> Self {
        debug_assert_eq!(descriptor.size, stream.size());
        Self::new(descriptor, Source::Synthetic(stream))
    }

    pub(super) fn from_lazy(descriptor: Descriptor, stream: LazyStream) -> Self {
        debug_assert_eq!(descriptor.size, stream.size());
        Self::new(descriptor, Source::Lazy(stream))
    }

    pub(super) fn from_soci(descriptor: Descriptor, stream: SociStream) -> Self {
        debug_assert_eq!(descriptor.size, stream.size());
        Self::new(descriptor, Source::Soci(stream))
    }

    /// The same bytes under another descriptor of the same digest and size.
    pub(super) fn described_as(&self, descriptor: Descriptor) -> Self {
        debug_assert_eq!(self.0.descriptor.digest, descriptor.digest);
        Self(Arc::new(Inner {
            descriptor,
            source: self.0.source.clone(),
            unpacked: self.0.unpacked,
        }))
    }

    fn new(descriptor: Descriptor, source: Source) -> Self {
        Self(Arc::new(Inner {
            descriptor,
            source,
            unpacked: None,
        }))
    }

    /// Returns the same blob, which was compressed here from content with that digest.
    pub(super) fn packed_from(&self, unpacked: Digest) -> Self {
        Self(Arc::new(Inner {
            descriptor: self.0.descriptor.clone(),
            source: self.0.source.clone(),
            unpacked: Some(unpacked),
        }))
    }

    /// The digest of the uncompressed content, if the blob was compressed on this side. A client that compresses on
    /// the way knows only this digest.
    pub fn unpacked(&self) -> Option<&Digest> {
        self.0.unpacked.as_ref()
    }

    /// The descriptor.
    pub fn descriptor(&self) -> &Descriptor {
        &self.0.descriptor
    }

    /// The size in bytes.
    pub fn size(&self) -> u64 {
        self.0.descriptor.size
    }

    /// Returns the bytes of a range, in order, in frames of at most [`FRAME_SIZE`](super::FRAME_SIZE). Each call starts anew.
    ///
    /// Frames of a file are read on demand. The read blocks briefly: a file that is pushed many times is in the page
    /// cache.
    ///
    /// # Errors
    /// Returns [`ContentError::Range`] if the blob does not have these bytes.
    pub fn frames(&self, range: Range<u64>) -> Result<Frames, ContentError> {
        if range.start > range.end || range.end > self.size() {
            return Err(ContentError::Range {
                start: range.start,
                end: range.end,
                size: self.size(),
            });
        }
        Ok(self.span(range))
    }

    /// Returns all bytes, in frames.
    pub fn all(&self) -> Frames {
        self.span(0..self.size())
    }

    /// Returns a reader of all bytes.
    pub fn reader(&self) -> BlobReader {
        BlobReader {
            frames: self.all(),
            rest: Bytes::new(),
        }
    }

    /// Feeds all bytes to a hasher.
    pub(super) fn hash_into(&self, hasher: &mut Hasher) -> io::Result<()> {
        self.all()
            .try_for_each(|frame| frame.map(|bytes| hasher.update(&bytes)))
    }

    fn span(&self, range: Range<u64>) -> Frames {
        Frames {
            blob: self.clone(),
            position: range.start,
            end: range.end,
            spare: None,
        }
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Descriptor {
            media_type,
            digest,
            size,
            ..
        } = self.descriptor();
        write!(f, "Blob({digest}, {size} bytes, {media_type})")
    }
}

/// The bytes of a blob, frame by frame. After an error there are no more.
#[derive(Debug)]
pub struct Frames {
    blob: Blob,
    position: u64,
    end: u64,             // >= position
    spare: Option<Bytes>, // the last frame read from a file; its memory is used again once the consumer let go of it
}

impl Frames {
    /// The number of remaining bytes.
    pub const fn remaining(&self) -> u64 {
        self.end - self.position
    }

    fn read(&mut self, region: &Region) -> io::Result<Bytes> {
        let length = frame_length(FRAME.min(self.remaining()));
        let mut buffer = self
            .spare
            .take()
            .and_then(|spare| spare.try_into_mut().ok())
            .filter(|buffer| buffer.len() >= length)
            .unwrap_or_else(|| BytesMut::zeroed(length));
        buffer.truncate(length);
        region.read_exact_at(&mut buffer, self.position)?;
        let frame = buffer.freeze();
        if self.remaining() > FRAME {
            self.spare = Some(frame.clone());
        }
        Ok(frame)
    }
}

impl Iterator for Frames {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.position == self.end {
            return None;
        }
        let inner = Arc::clone(&self.blob.0);
        let frame = match &inner.source {
            Source::Memory(bytes) => {
                let start = usize::try_from(self.position).expect("the bytes are in memory");
                let length = frame_length(FRAME.min(self.remaining()));
                Ok(bytes.slice(start..start + length))
            }
            Source::Synthetic(stream) => Ok(stream.frame(self.position, self.end)),
            Source::Lazy(stream) => Ok(stream.frame(self.position, self.end)),
            Source::Soci(stream) => Ok(stream.frame(self.position, self.end)),
            Source::File(region) => self.read(region),
        };
        match &frame {
            Ok(bytes) => self.position += bytes.len() as u64,
            Err(_) => self.end = self.position,
        }
        Some(frame)
    }
}

impl std::iter::FusedIterator for Frames {}

/// A reader of a blob's bytes.
#[derive(Debug)]
pub struct BlobReader {
    frames: Frames,
    rest: Bytes,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            match self.frames.next() {
                Some(frame) => self.rest = frame?,
                None => return Ok(0),
            }
        }
        let length = self.rest.len().min(buffer.len());
        self.rest.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;
    use crate::content::FRAME_SIZE;
    use crate::oci::{Digest, MediaType};

    fn pattern(size: usize) -> Vec<u8> {
        (0..size)
            .map(|i| u8::try_from(i * 7 % 251).unwrap())
            .collect()
    }

    fn file_blob(bytes: &[u8], offset: usize) -> (Blob, File) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![0xaa; offset]).unwrap();
        file.write_all(bytes).unwrap();
        file.write_all(b"more").unwrap();
        let size = bytes.len() as u64;
        let shared = Arc::new(file.try_clone().unwrap());
        let region = Region::new(shared, offset as u64, size, "layer.tar".into());
        let descriptor = Descriptor::new(MediaType::OciLayer, Digest::sha256(bytes), size);
        (Blob::from_file(descriptor, region), file)
    }

    fn memory_blob(bytes: &[u8]) -> Blob {
        let size = bytes.len() as u64;
        let descriptor = Descriptor::new(MediaType::OciLayer, Digest::sha256(bytes), size);
        Blob::from_memory(descriptor, Bytes::copy_from_slice(bytes))
    }

    fn concat(frames: Frames) -> Vec<u8> {
        let mut all = Vec::new();
        for frame in frames {
            let frame = frame.unwrap();
            assert!((1..=FRAME_SIZE).contains(&frame.len()));
            all.extend_from_slice(&frame);
        }
        all
    }

    #[test]
    fn frames_that_are_held_are_not_overwritten() {
        let bytes = pattern(3 * FRAME_SIZE + 5);
        let (blob, _file) = file_blob(&bytes, 0);
        let held: Vec<_> = blob.all().map(Result::unwrap).collect();
        assert_eq!(held.len(), 4);
        assert_eq!(held.concat(), bytes);
    }

    #[test]
    fn memory_of_a_frame_is_used_again_when_it_was_let_go() {
        let (blob, _file) = file_blob(&pattern(8 * FRAME_SIZE), 0);
        let mut places = std::collections::BTreeSet::new();
        // Memory that was given back is taken by these, so the allocator cannot hand it out again.
        let mut takers = Vec::new();
        for frame in blob.all() {
            places.insert(frame.unwrap().as_ptr());
            takers.push(Vec::<u8>::with_capacity(FRAME_SIZE));
        }
        // The last frame keeps no spare, and takes what the one before it left.
        assert!(places.len() <= 2, "{} buffers", places.len());
    }

    #[test]
    fn a_file_cut_short_is_one_error_and_then_the_end() {
        let (blob, file) = file_blob(&pattern(2 * FRAME_SIZE), 0);
        let mut frames = blob.all();
        assert!(frames.next().unwrap().is_ok());
        file.set_len(FRAME + 10).unwrap();
        let error = frames.next().unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(error.to_string().contains("layer.tar"), "{error}");
        assert!(frames.next().is_none());
    }

    #[test]
    fn a_range_outside_is_refused() {
        let blob = memory_blob(b"abc");
        assert!(blob.frames(0..4).is_err());
        #[expect(clippy::reversed_empty_ranges, reason = "a caller may compute one")]
        let reversed = 2..1;
        assert!(blob.frames(reversed).is_err());
        assert_eq!(blob.frames(3..3).unwrap().count(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn frames_are_the_slice_of_the_whole(size in 0_usize..600_000, a: u32, b: u32, offset in 0_usize..1000) {
            let (a, b) = (a as usize % (size + 1), b as usize % (size + 1));
            let (start, end) = (a.min(b), a.max(b));
            let bytes = pattern(size);
            for blob in [memory_blob(&bytes), file_blob(&bytes, offset).0] {
                let frames = blob.frames(start as u64..end as u64).unwrap();
                prop_assert_eq!(frames.remaining(), (end - start) as u64);
                prop_assert_eq!(&concat(frames)[..], &bytes[start..end]);
            }
        }

        #[test]
        fn the_reader_gives_the_same_bytes(size in 0_usize..600_000) {
            let bytes = pattern(size);
            let mut read = Vec::new();
            file_blob(&bytes, 3).0.reader().read_to_end(&mut read).unwrap();
            prop_assert_eq!(read, bytes);
        }
    }
}
