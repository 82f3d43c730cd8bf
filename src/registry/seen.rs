//! Manifests that were read before: the same bytes are not parsed and hashed again.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;

use crate::oci::{Manifest, MediaType};

/// The most manifests, ...
const MOST: usize = 4096;
/// ... and the most bytes of all of them.
const MOST_BYTES: usize = 16 << 20;

/// The manifests that the users of one worker have read from one registry, by path.
///
/// A response is still read whole and compared byte by byte; if it equals one that was parsed and checked, it is that
/// manifest. When the cache is full, further ones are parsed each time.
#[derive(Default)]
pub(super) struct Seen {
    manifests: RefCell<HashMap<Box<str>, Known>>,
    bytes: Cell<usize>,
}

struct Known {
    manifest: Manifest,
    content_type: Option<MediaType>, // in the header of the response
}

impl Seen {
    /// Returns the manifest with these bytes and this type, if it was the last one at that path.
    pub(super) fn find(
        &self,
        path: &str,
        raw: &[u8],
        content_type: Option<&MediaType>,
    ) -> Option<Manifest> {
        let manifests = self.manifests.borrow();
        let known = manifests.get(path)?;
        (known.manifest.raw() == raw && known.content_type.as_ref() == content_type)
            .then(|| known.manifest.clone())
    }

    /// Remembers a verified manifest.
    pub(super) fn keep(&self, path: &str, manifest: &Manifest, content_type: Option<MediaType>) {
        let mut manifests = self.manifests.borrow_mut();
        let before = manifests.remove(path);
        let before = before.map_or(0, |it| it.manifest.raw().len());
        let bytes = self.bytes.get() - before;
        let with_this = bytes + manifest.raw().len();
        if manifests.len() >= MOST || with_this > MOST_BYTES {
            self.bytes.set(bytes);
            return;
        }
        self.bytes.set(with_this);
        let known = Known {
            manifest: manifest.clone(),
            content_type,
        };
        manifests.insert(path.into(), known);
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen")
            .field("manifests", &self.manifests.borrow().len())
            .field("bytes", &self.bytes.get())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const TYPE: MediaType = MediaType::OciManifest;

    fn manifest(layers: usize) -> Manifest {
        let layer = format!(
            r#"{{"mediaType":"x","digest":"sha256:{}","size":1}}"#,
            "0".repeat(64)
        );
        let layers = vec![layer.as_str(); layers].join(",");
        let text = format!(r#"{{"schemaVersion":2,"config":{layer},"layers":[{layers}]}}"#);
        Manifest::parse(Bytes::from(text), Some(&TYPE)).unwrap()
    }

    #[test]
    fn only_the_same_bytes_under_the_same_type_are_the_same_manifest() {
        let (seen, one, other) = (Seen::default(), manifest(1), manifest(2));
        seen.keep("/a", &one, Some(TYPE));
        assert!(seen.find("/a", one.raw(), Some(&TYPE)).is_some());
        assert!(seen.find("/a", other.raw(), Some(&TYPE)).is_none());
        assert!(seen.find("/a", one.raw(), None).is_none());
        assert!(seen.find("/b", one.raw(), Some(&TYPE)).is_none());
        // A tag that has moved on.
        seen.keep("/a", &other, Some(TYPE));
        assert!(seen.find("/a", one.raw(), Some(&TYPE)).is_none());
        assert!(seen.find("/a", other.raw(), Some(&TYPE)).is_some());
        assert_eq!(seen.bytes.get(), other.raw().len());
    }

    #[test]
    fn it_does_not_grow_without_bound() {
        let (seen, large) = (Seen::default(), manifest(10_000));
        for path in 0..100 {
            seen.keep(&format!("/{path}"), &large, None);
        }
        let kept = seen.manifests.borrow().len();
        assert_eq!(kept, MOST_BYTES / large.raw().len());
        let (seen, small) = (Seen::default(), manifest(0));
        for path in 0..2 * MOST {
            seen.keep(&format!("/{path}"), &small, None);
        }
        assert_eq!(seen.manifests.borrow().len(), MOST);
    }
}
