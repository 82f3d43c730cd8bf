//! Blobs of given sizes, each by its number: the content of a replay.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::{fmt, thread};

use super::stream::{BlobId, Pool, Stream, TAIL};
use crate::content::blob::Blob;
use crate::oci::{Algorithm, Descriptor, MediaType};

/// The image index of these blobs; no such image exists.
const SIZED: u64 = u64::MAX - 1;

/// Blobs of given sizes, made from a seed. Cheap to clone; threads may share it.
///
/// A blob is hashed once, when it is first used. [`prepare`](Self::prepare) does it ahead, outside of any measurement.
#[derive(Clone)]
pub struct SizedBlobs(Arc<Inner>);

struct Inner {
    seed: u64,
    pool: Pool,
    sizes: Vec<u64>,
    made: Vec<OnceLock<Blob>>,
}

impl SizedBlobs {
    /// Makes blobs of these sizes, of which none has less than 64 bytes: no two are equal.
    pub fn new(seed: u64, sizes: &[u64]) -> Self {
        Self(Arc::new(Inner {
            seed,
            pool: Pool::new(seed),
            sizes: sizes.iter().map(|size| (*size).max(TAIL)).collect(),
            made: sizes.iter().map(|_| OnceLock::new()).collect(),
        }))
    }

    /// Hashes every blob, on that many threads.
    pub fn prepare(&self, threads: usize) {
        let next = AtomicUsize::new(0);
        let count = self.0.sizes.len();
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    break;
                }
                self.blob(number);
            }
        };
        thread::scope(|scope| {
            for _ in 1..threads.min(count) {
                scope.spawn(work);
            }
            work();
        });
    }

    /// Returns a blob, as a layer. Hashes it at the first call.
    ///
    /// # Panics
    /// Panics if there is no blob of that number.
    pub fn blob(&self, number: usize) -> Blob {
        let inner = &*self.0;
        let made = inner.made[number].get_or_init(|| {
            let id = BlobId {
                image: SIZED,
                layer: number as u64,
            };
            let stream = Stream::new(&inner.pool, inner.seed, id, inner.sizes[number]);
            let mut hasher = Algorithm::Sha256.hasher();
            let mut position = 0;
            while position < stream.size() {
                let frame = stream.frame(position, stream.size());
                hasher.update(&frame);
                position += frame.len() as u64;
            }
            let digest = hasher.finish();
            let descriptor = Descriptor::new(MediaType::OciLayerGzip, digest, stream.size());
            Blob::from_stream(descriptor, stream)
        });
        made.clone()
    }
}

impl fmt::Debug for SizedBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SizedBlobs")
            .field("seed", &self.0.seed)
            .field("count", &self.0.sizes.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::Read as _;

    use super::*;
    use crate::oci::Digest;

    #[test]
    fn blobs_have_their_sizes_and_digests_and_differ() {
        let sizes = [64, 64, 65, 1 << 20, 3_000_001];
        let blobs = SizedBlobs::new(7, &sizes);
        blobs.prepare(2);
        let mut digests = BTreeSet::new();
        for (number, size) in sizes.iter().enumerate() {
            let blob = blobs.blob(number);
            let mut bytes = Vec::new();
            blob.reader().read_to_end(&mut bytes).unwrap();
            assert_eq!((bytes.len() as u64, blob.size()), (*size, *size));
            assert_eq!(blob.descriptor().digest, Digest::sha256(&bytes));
            digests.insert(blob.descriptor().digest);
        }
        assert_eq!(digests.len(), sizes.len());
        assert_eq!(SizedBlobs::new(7, &[1]).blob(0).size(), 64);
        let other = SizedBlobs::new(8, &sizes).blob(0);
        assert!(!digests.contains(&other.descriptor().digest));
    }
}
