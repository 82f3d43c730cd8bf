//! Reading an OCI layout directory without the help of the library under test.

use std::fmt;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::client::sha256;

/// An OCI layout directory.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    dir: PathBuf,
}

impl Layout {
    #[track_caller]
    pub(crate) fn open(dir: &Path) -> Self {
        let marker = fs::read(dir.join("oci-layout")).expect("an oci-layout file");
        let marker: Value = serde_json::from_slice(&marker).expect("JSON");
        assert_eq!(marker["imageLayoutVersion"], "1.0.0");
        Self {
            dir: dir.to_owned(),
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The digest that a name stands for.
    #[track_caller]
    pub(crate) fn digest(&self, name: &str) -> String {
        let text = fs::read(self.dir.join("index.json")).expect("an index.json");
        let index: Value = serde_json::from_slice(&text).expect("JSON");
        let manifests = index["manifests"].as_array().expect("manifests");
        let named = manifests
            .iter()
            .find(|it| it["annotations"]["org.opencontainers.image.ref.name"] == name)
            .unwrap_or_else(|| panic!("no `{name}` in {index}"));
        named["digest"].as_str().expect("a digest").to_owned()
    }

    /// A blob, which must have its digest.
    #[track_caller]
    pub(crate) fn blob(&self, digest: &str) -> Vec<u8> {
        let file = self.dir.join("blobs").join(digest.replace(':', "/"));
        let bytes = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert_eq!(sha256(&bytes), digest, "{}", file.display());
        bytes
    }

    /// The names of all files under `blobs`, as digests.
    pub(crate) fn digests(&self) -> Vec<String> {
        let mut digests = Vec::new();
        for algorithm in fs::read_dir(self.dir.join("blobs")).expect("blobs") {
            let algorithm = algorithm.expect("an entry");
            for blob in fs::read_dir(algorithm.path()).expect("blobs of an algorithm") {
                let name = blob.expect("an entry").file_name();
                let algorithm = algorithm.file_name();
                digests.push(format!("{}:{}", algorithm.display(), name.display()));
            }
        }
        digests.sort();
        digests
    }

    /// The image of that name, with all its blobs.
    #[track_caller]
    pub(crate) fn image(&self, name: &str) -> Stored {
        self.image_at(&self.digest(name))
    }

    #[track_caller]
    pub(crate) fn image_at(&self, digest: &str) -> Stored {
        let manifest = self.blob(digest);
        let parsed: Value = serde_json::from_slice(&manifest).expect("a JSON manifest");
        let blob = |descriptor: &Value| {
            let bytes = self.blob(descriptor["digest"].as_str().expect("a digest"));
            assert_eq!(descriptor["size"], bytes.len(), "a size in {parsed}");
            bytes
        };
        let layers = parsed["layers"].as_array().expect("layers");
        Stored {
            config: blob(&parsed["config"]),
            layers: layers.iter().map(blob).collect(),
            manifest,
        }
    }
}

/// An image with the bytes of all its parts.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) manifest: Vec<u8>,
    pub(crate) config: Vec<u8>,
    /// As they are stored, bottom first.
    pub(crate) layers: Vec<Vec<u8>>,
}

impl Stored {
    pub(crate) fn digest(&self) -> String {
        sha256(&self.manifest)
    }

    pub(crate) fn config_digest(&self) -> String {
        sha256(&self.config)
    }

    pub(crate) fn layer_digests(&self) -> Vec<String> {
        self.layers.iter().map(|layer| sha256(layer)).collect()
    }

    /// What the config says of the layers before compression.
    pub(crate) fn diff_ids(&self) -> Vec<String> {
        let config: Value = serde_json::from_slice(&self.config).expect("a JSON config");
        let ids = config["rootfs"]["diff_ids"].as_array().expect("diff ids");
        ids.iter()
            .map(|id| id.as_str().expect("a digest").to_owned())
            .collect()
    }

    /// The digest of each layer after decompression: what the diff ids must be.
    pub(crate) fn plain_digests(&self) -> Vec<String> {
        let plain = |layer: &Vec<u8>| {
            if !layer.starts_with(&[0x1f, 0x8b]) {
                return sha256(layer);
            }
            let mut tar = Vec::new();
            let mut decoder = flate2::read::GzDecoder::new(layer.as_slice());
            decoder.read_to_end(&mut tar).expect("a gzip layer");
            sha256(&tar)
        };
        self.layers.iter().map(plain).collect()
    }
}

// Digests say which part differs; bytes would fill the screen.
impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("manifest", &self.digest())
            .field("config", &self.config_digest())
            .field("layers", &self.layer_digests())
            .finish()
    }
}
