//! Images of random bytes like those of the recordings: so many layers, each larger than the one below, nothing in
//! them that anybody has seen before.

use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{scratch, sha256, skopeo};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Less than in the recordings: still much larger than a config, and quicker.
pub(crate) const STEP: usize = 125_000;

/// The layers of an image, bottom first: plain tars.
pub(crate) type Layers = Vec<Vec<u8>>;

/// An OCI layout that is filled image by image.
#[derive(Debug)]
pub(crate) struct Fixture {
    dir: TempDir,
    entries: Vec<Value>,
}

impl Fixture {
    /// One image, tagged `img`, with that many layers.
    pub(crate) fn new(layers: usize) -> Self {
        let mut fixture = Self::empty();
        fixture.add("img", "amd64", &random(layers, STEP));
        fixture
    }

    pub(crate) fn empty() -> Self {
        let fixture = Self {
            dir: scratch(),
            entries: Vec::new(),
        };
        fs::create_dir_all(fixture.layout().join("blobs/sha256")).expect("a directory");
        let marker = r#"{"imageLayoutVersion":"1.0.0"}"#;
        fs::write(fixture.layout().join("oci-layout"), marker).expect("a file");
        fixture
    }

    /// An index, tagged `multi`, of two images of so many layers for amd64 and arm64.
    pub(crate) fn index(layers: usize) -> Self {
        let mut fixture = Self::empty();
        let manifests = ["amd64", "arm64"].map(|architecture| {
            let mut entry = fixture.add(architecture, architecture, &random(layers, STEP));
            let fields = entry.as_object_mut().expect("a descriptor");
            fields.remove("annotations");
            let platform = json!({"os": "linux", "architecture": architecture});
            fields.insert("platform".to_owned(), platform);
            entry
        });
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        fixture.tag("multi", INDEX, &index);
        fixture
    }

    /// Three layers, of which the first and the last are the same.
    pub(crate) fn repeated() -> Self {
        let mut fixture = Self::empty();
        let mut layers = random(2, STEP);
        layers.push(layers[0].clone());
        fixture.add("img", "amd64", &layers);
        fixture
    }

    /// Adds an image; gives its descriptor.
    pub(crate) fn add(&mut self, tag: &str, architecture: &str, layers: &Layers) -> Value {
        let mut described = Vec::new();
        for layer in layers {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(layer).expect("memory takes it");
            let bytes = gzip.finish().expect("memory takes it");
            described.push(self.put("application/vnd.oci.image.layer.v1.tar+gzip", &bytes));
        }
        let diff_ids: Vec<String> = layers.iter().map(|layer| sha256(layer)).collect();
        let history = (0..layers.len()).map(|number| {
            json!({"created": "2026-01-01T00:00:00Z", "created_by": format!("layer {number}")})
        });
        let config = json!({
            "created": "2026-01-01T00:00:00Z",
            "architecture": architecture,
            "os": "linux",
            "config": {"Cmd": ["/bin/tool"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": history.collect::<Vec<_>>(),
        });
        let config = self.put(
            "application/vnd.oci.image.config.v1+json",
            config.to_string().as_bytes(),
        );
        // Without a media type inside, as umoci writes it.
        let manifest = json!({"schemaVersion": 2, "config": config, "layers": described});
        self.tag(tag, MANIFEST, &manifest)
    }

    fn tag(&mut self, tag: &str, kind: &str, manifest: &Value) -> Value {
        let mut entry = self.put(kind, manifest.to_string().as_bytes());
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        self.entries.push(entry.clone());
        let index = json!({"schemaVersion": 2, "manifests": self.entries});
        fs::write(self.layout().join("index.json"), index.to_string()).expect("a file");
        entry
    }

    fn put(&self, kind: &str, bytes: &[u8]) -> Value {
        let digest = sha256(bytes);
        let file = self.layout().join("blobs").join(digest.replace(':', "/"));
        fs::write(file, bytes).expect("a blob");
        json!({"mediaType": kind, "digest": digest, "size": bytes.len()})
    }

    /// A directory for what a test makes of it.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn layout(&self) -> PathBuf {
        self.dir.path().join("oci")
    }

    /// How skopeo names an image of it.
    pub(crate) fn source(&self, tag: &str) -> String {
        format!("oci:{}:{tag}", self.layout().display())
    }

    /// The digest of a tagged manifest.
    pub(crate) fn digest(&self, tag: &str) -> String {
        let named = |it: &&Value| it["annotations"]["org.opencontainers.image.ref.name"] == tag;
        let entry = self.entries.iter().find(named).expect("a tag");
        entry["digest"].as_str().expect("a digest").to_owned()
    }

    /// A tar of `docker save`, in which the image has this name.
    pub(crate) fn docker_archive(&self, tag: &str, name: &str) -> PathBuf {
        self.archive("docker-archive", tag, name)
    }

    /// The layout as a tar, in which the image has this name.
    pub(crate) fn oci_archive(&self, tag: &str, name: &str) -> PathBuf {
        self.archive("oci-archive", tag, name)
    }

    fn archive(&self, kind: &str, tag: &str, name: &str) -> PathBuf {
        let file = self.path().join(format!("{kind}-{tag}.tar"));
        if file.exists() {
            return file;
        }
        let target = format!("{kind}:{}:{name}", file.display());
        skopeo(["copy", "--all", &self.source(tag), &target])
            .run()
            .ok();
        file
    }
}

/// That many tars with one file of random bytes, the first of `step` bytes, each `step` larger than the one before.
pub(crate) fn random(layers: usize, step: usize) -> Layers {
    // A hasher of the standard library has a key that nobody else has.
    let seed = RandomState::new().build_hasher().finish();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let layer = |number: usize| {
        let mut bytes = vec![0; number * step];
        random.fill_bytes(&mut bytes);
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_mtime(1_600_000_000);
        header.set_size(bytes.len() as u64);
        let mut tar = tar::Builder::new(Vec::new());
        tar.append_data(&mut header, format!("file{number}"), bytes.as_slice())
            .expect("memory takes it");
        tar.into_inner().expect("memory takes it")
    };
    (1..=layers).map(layer).collect()
}
