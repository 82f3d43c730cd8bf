//! The bytes of one synthetic blob: a walk over a shared buffer, and a tail of its own.

use bytes::Bytes;
use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::content::frame::{FRAME, FRAME_SIZE, frame_length};
use crate::oci::{Algorithm, Digest};

/// The number of frames with different parts of the pool; after these the walk is shifted.
const FRAMES_PER_LAP: u64 = 16;
const LAP: u64 = FRAMES_PER_LAP * FRAME;
/// The length of the unique end of a blob: a SHA-512.
pub(super) const TAIL: u64 = 64;

/// The shared buffer: a lap of random bytes, and its first frame again, so that no slice wraps around.
#[derive(Debug, Clone)]
pub(super) struct Pool(Bytes);

impl Pool {
    pub(super) fn new(seed: u64) -> Self {
        let lap = frame_length(LAP);
        let mut bytes = vec![0; lap + FRAME_SIZE];
        Xoshiro256PlusPlus::seed_from_u64(seed).fill_bytes(&mut bytes[..lap]);
        bytes.copy_within(..FRAME_SIZE, lap);
        Self(bytes.into())
    }
}

/// The blob of a set.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlobId {
    /// `u64::MAX` for a layer that all images share.
    pub(super) image: u64,
    /// Counted from 0, the bottom one first.
    pub(super) layer: u64,
}

/// The bytes of one blob. Cheap to clone.
#[derive(Debug, Clone)]
pub(in crate::content) struct Stream {
    pool: Pool,
    start: u64, // < LAP: where in the pool the first frame is
    step: u64,  // <= LAP / 2: how far each lap is moved on
    body: u64,  // bytes before the tail
    tail: [u8; 64],
}

impl Stream {
    /// Makes the walk of a blob of that size, which is at least [`TAIL`].
    pub(super) fn new(pool: &Pool, seed: u64, id: BlobId, size: u64) -> Self {
        let place = words(&digest(
            Algorithm::Sha256,
            b"walk",
            &[seed, id.image, id.layer],
        ));
        Self {
            pool: pool.clone(),
            start: place.0 % LAP,
            // At most half a lap forward, so content repeats after half a lap at the earliest.
            step: 1 + place.1 % (LAP / 2),
            body: size - TAIL,
            tail: tail(&[seed, id.image, id.layer]),
        }
    }

    /// Returns the same body with a tail for this salt.
    pub(super) fn salted(&self, seed: u64, id: BlobId, salt: [u64; 3]) -> Self {
        let [run, vu, iteration] = salt;
        Self {
            tail: tail(&[seed, id.image, id.layer, run, vu, iteration]),
            ..self.clone()
        }
    }

    /// The number of bytes.
    pub(in crate::content) const fn size(&self) -> u64 {
        self.body + TAIL
    }

    /// The number of bytes before the tail.
    pub(super) const fn body(&self) -> u64 {
        self.body
    }

    pub(super) const fn tail(&self) -> &[u8; 64] {
        &self.tail
    }

    /// Returns the bytes from `position`, at most to the next border of a frame, the tail, or `end`.
    ///
    /// `position` is below `end`, and `end` at most the size.
    pub(in crate::content) fn frame(&self, position: u64, end: u64) -> Bytes {
        if position >= self.body {
            let tail = frame_length(position - self.body)..frame_length(end - self.body);
            return Bytes::copy_from_slice(&self.tail[tail]);
        }
        let (index, within) = (position / FRAME, position % FRAME);
        let length = (FRAME - within).min(end.min(self.body) - position);
        let moved = (index / FRAMES_PER_LAP) * self.step;
        let offset = frame_length((self.start + index * FRAME + moved) % LAP + within);
        self.pool.0.slice(offset..offset + frame_length(length))
    }
}

fn tail(words: &[u64]) -> [u8; 64] {
    digest(Algorithm::Sha512, b"tail", words)
        .as_bytes()
        .try_into()
        .expect("a SHA-512 has 64 bytes")
}

/// Takes two words of a hash.
fn words(digest: &Digest) -> (u64, u64) {
    let bytes = digest.as_bytes();
    let word = |at: usize| {
        u64::from_le_bytes(
            bytes[at..at + 8]
                .try_into()
                .expect("a slice of eight bytes is eight bytes"),
        )
    };
    (word(0), word(8))
}

/// Hashes numbers for one purpose.
pub(super) fn digest(algorithm: Algorithm, purpose: &[u8], words: &[u64]) -> Digest {
    let mut hasher = algorithm.hasher();
    hasher.update(purpose);
    for word in words {
        hasher.update(&word.to_le_bytes());
    }
    hasher.finish()
}

/// Makes a generator for one purpose.
pub(super) fn generator(purpose: &[u8], numbers: &[u64]) -> Xoshiro256PlusPlus {
    let (seed, _) = words(&digest(Algorithm::Sha256, purpose, numbers));
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn whole(stream: &Stream) -> Vec<u8> {
        let mut all = Vec::new();
        while (all.len() as u64) < stream.size() {
            all.extend_from_slice(&stream.frame(all.len() as u64, stream.size()));
        }
        all
    }

    #[test]
    fn nothing_repeats_at_a_short_distance() {
        // Every 16-byte word that stands at a multiple of 16, and where it was seen last. Laps are moved by any number
        // of bytes, so a repeat shows at every alignment of the later copy.
        let id = BlobId { image: 3, layer: 5 };
        let bytes = whole(&Stream::new(&Pool::new(7), 7, id, 13 << 20));
        let mut seen: BTreeMap<&[u8], usize> = BTreeMap::new();
        let mut shortest = usize::MAX;
        for at in 0..bytes.len() - 16 {
            let word = &bytes[at..at + 16];
            if let Some(before) = seen.get(word) {
                shortest = shortest.min(at - before);
            }
            if at % 4096 == 0 {
                seen.insert(word, at);
            }
        }
        assert!((2 << 20..usize::MAX).contains(&shortest), "{shortest}");
    }

    #[test]
    fn it_does_not_compress() {
        let id = BlobId { image: 0, layer: 0 };
        let bytes = whole(&Stream::new(&Pool::new(1), 1, id, 6 << 20));
        let packed = zstd::encode_all(&bytes[..], 1).unwrap();
        // zstd at this level looks back 512 KiB.
        assert!(packed.len() * 100 > bytes.len() * 99, "{}", packed.len());
    }
}
