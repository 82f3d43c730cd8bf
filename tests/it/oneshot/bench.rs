//! Images made by hand, the program, and a registry to aim it at.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use regstorm::embedded::{Registry, RequestRecord, Running, Settings};
use regstorm::oci::{Digest, Operation};
use serde_json::{Value, json};
use tokio::time::Instant;

/// A place on disk and a registry.
pub(super) struct Bench {
    place: tempfile::TempDir,
    pub(super) registry: Running,
}

/// What the program said, and its exit code.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    #[track_caller]
    pub(super) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// The error says all of this.
    #[track_caller]
    pub(super) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.err.contains(word), "no `{word}` in {self:#?}");
        }
        self
    }
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(super) fn with(settings: Settings) -> Self {
        let settings = Settings {
            record_requests: Some(1000),
            ..settings
        };
        Self {
            place: tempfile::tempdir().unwrap(),
            registry: Registry::start(settings).unwrap(),
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_regstorm"));
        command
            .args(arguments)
            .current_dir(self.place.path())
            .env_remove("REGSTORM_PASSWORD")
            .stdin(Stdio::null());
        command
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().unwrap().into()
    }

    /// `pull URL ...`
    pub(super) fn pull(&self, arguments: &[&str]) -> Said {
        let url = self.registry.url();
        self.run(&[&["pull", &url], arguments].concat())
    }

    /// `push SOURCE URL ...`
    pub(super) fn push(&self, source: &str, arguments: &[&str]) -> Said {
        let url = self.registry.url();
        self.run(&[&["push", source, &url], arguments].concat())
    }

    /// Starts the program and leaves it running.
    pub(super) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The requests of one operation.
    pub(super) fn requests(&self, operation: Operation) -> Vec<RequestRecord> {
        let mut requests = self.registry.requests();
        requests.retain(|it| it.operation == Some(operation));
        requests
    }

    /// How many requests of each kind came since there were `before` of them, as `operation status`.
    pub(super) fn since(&self, before: usize) -> Vec<String> {
        let mut kinds: Vec<String> = self.registry.requests()[before..]
            .iter()
            .map(|it| {
                let operation = it.operation.map_or("none".to_owned(), |it| it.to_string());
                format!("{operation} {}", it.status.map_or(0, |it| it.as_u16()))
            })
            .collect();
        kinds.sort();
        kinds
    }
}

/// Waits until something is so. It fails rather than hang.
#[track_caller]
pub(super) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(
            began.elapsed() < Duration::from_mins(5),
            "not so after five minutes: {what}"
        );
        std::thread::yield_now();
    }
}

/// Sends the signal of Ctrl-C.
pub(super) fn interrupt(child: &Child) {
    // The shell has it built in; a program of that name is not everywhere.
    let sent = Command::new("sh")
        .args(["-c", "kill -INT \"$0\"", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

/// One entry of a layer.
pub(super) enum Entry<'a> {
    File(&'a str, &'a [u8]),
    Link(&'a str, &'a str),
}

/// A tar of these entries; names go in as they are, however hostile.
pub(super) fn tar_of(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        let (name, target, bytes): (_, _, &[u8]) = match entry {
            Entry::File(name, bytes) => (name, "", bytes),
            Entry::Link(name, target) => (name, *target, b""),
        };
        header.set_entry_type(match entry {
            Entry::File(..) => tar::EntryType::Regular,
            Entry::Link(..) => tar::EntryType::Symlink,
        });
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_000_000_000);
        header.set_size(bytes.len() as u64);
        let old = header.as_old_mut();
        old.name[..name.len()].copy_from_slice(name.as_bytes());
        old.linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        builder.append(&header, bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes)
        .read_to_end(&mut plain)
        .unwrap();
    plain
}

/// Bytes that do not compress, the same for the same seed.
pub(super) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

/// The uncompressed layers that most tests use, the bottom one first. The second hides a file of the first.
pub(super) fn two_layers() -> [Vec<u8>; 2] {
    let big = noise(7, 200_000);
    [
        tar_of(&[
            Entry::File("etc/name", b"lower"),
            Entry::File("etc/gone", b"gone"),
            Entry::File("big", &big),
        ]),
        tar_of(&[
            Entry::File("etc/name", b"upper"),
            Entry::File("etc/.wh.gone", b""),
        ]),
    ]
}

pub(super) fn config_of(layers: &[Vec<u8>], architecture: &str) -> Vec<u8> {
    let diff_ids: Vec<String> = layers
        .iter()
        .map(|layer| Digest::sha256(layer).to_string())
        .collect();
    json!({
        "architecture": architecture,
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    })
    .to_string()
    .into_bytes()
}

/// Files by name, to be written as a directory or a tar.
#[derive(Default)]
pub(super) struct Files(Vec<(String, Vec<u8>)>);

impl Files {
    fn add(&mut self, name: impl Into<String>, bytes: &[u8]) {
        let name = name.into();
        if !self.0.iter().any(|(other, _)| *other == name) {
            self.0.push((name, bytes.to_vec()));
        }
    }

    fn blob(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::sha256(bytes);
        self.add(format!("blobs/sha256/{}", digest.to_hex()), bytes);
        json!({"mediaType": media_type, "digest": digest.to_string(), "size": bytes.len()})
    }

    fn image(&mut self, layers: &[Vec<u8>], architecture: &str) -> Value {
        const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
        const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
        const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
        let config = self.blob(CONFIG, &config_of(layers, architecture));
        let layers: Vec<Value> = layers
            .iter()
            .map(|layer| self.blob(LAYER, &gzip(layer)))
            .collect();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers
        });
        let mut descriptor = self.blob(MANIFEST, manifest.to_string().as_bytes());
        descriptor["platform"] = json!({"os": "linux", "architecture": architecture});
        descriptor
    }

    fn index(mut self, descriptor: &Value) -> Self {
        let mut descriptor = descriptor.clone();
        descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": "1.0"});
        let index = json!({"schemaVersion": 2, "manifests": [descriptor]});
        self.add("index.json", index.to_string().as_bytes());
        self.add("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
        self
    }

    pub(super) fn replace(&mut self, name_ends: &str, bytes: &[u8]) {
        let found = self
            .0
            .iter_mut()
            .find(|(name, _)| name.ends_with(name_ends));
        found.unwrap().1 = bytes.to_vec();
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|(other, _)| other != name);
    }

    pub(super) fn directory(&self, root: &Path) {
        for (name, bytes) in &self.0 {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    pub(super) fn tar(&self, path: &Path) {
        let entries: Vec<_> = self
            .0
            .iter()
            .map(|(name, bytes)| Entry::File(name, bytes))
            .collect();
        fs::write(path, tar_of(&entries)).unwrap();
    }
}

/// An OCI layout of one image, and the digest of its manifest.
pub(super) fn layout(layers: &[Vec<u8>]) -> (Files, String) {
    let mut files = Files::default();
    let image = files.image(layers, "amd64");
    let digest = image["digest"].as_str().unwrap().to_owned();
    (files.index(&image), digest)
}

/// An OCI layout of an index with an image for each of these processors, and the digests: index, images.
pub(super) fn platforms(architectures: &[&str]) -> (Files, String, Vec<String>) {
    const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    let mut files = Files::default();
    let images: Vec<Value> = architectures
        .iter()
        .map(|it| files.image(&[tar_of(&[Entry::File("for", it.as_bytes())])], it))
        .collect();
    let digest = |it: &Value| it["digest"].as_str().unwrap().to_owned();
    let digests = images.iter().map(digest).collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": images});
    let index = files.blob(INDEX, index.to_string().as_bytes());
    let of_index = digest(&index);
    (files.index(&index), of_index, digests)
}

/// What `docker save` wrote up to Docker 24: a directory for each layer, in no order that means anything.
pub(super) fn docker_save(layers: &[Vec<u8>], tag: &str) -> Files {
    let mut files = Files::default();
    let config = config_of(layers, "amd64");
    let config_name = format!("{}.json", Digest::sha256(&config).to_hex());
    let mut names = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        // The top layer sorts first.
        let id = format!("{:064x}", 0xff - index);
        files.add(format!("{id}/VERSION"), b"1.0");
        files.add(format!("{id}/layer.tar"), layer);
        names.push(format!("{id}/layer.tar"));
    }
    files.add(&config_name, &config);
    let manifest = json!([{"Config": config_name, "RepoTags": [tag], "Layers": names}]);
    files.add("manifest.json", manifest.to_string().as_bytes());
    files
}

/// What `docker save` writes since Docker 25 with its own store: blobs, plain layers, both lists.
pub(super) fn docker_save_25(layers: &[Vec<u8>], tag: &str) -> Files {
    let mut files = Files::default();
    let config = config_of(layers, "amd64");
    let config = files.blob("application/vnd.oci.image.config.v1+json", &config);
    let layers: Vec<Value> = layers
        .iter()
        .map(|layer| files.blob("application/vnd.oci.image.layer.v1.tar", layer))
        .collect();
    let path = |it: &Value| {
        it["digest"]
            .as_str()
            .unwrap()
            .replace("sha256:", "blobs/sha256/")
    };
    let names: Vec<String> = layers.iter().map(path).collect();
    let saved = json!([{"Config": path(&config), "RepoTags": [tag], "Layers": names}]);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config, "layers": layers
    });
    let manifest = files.blob(
        "application/vnd.oci.image.manifest.v1+json",
        manifest.to_string().as_bytes(),
    );
    files.add("manifest.json", saved.to_string().as_bytes());
    files.index(&manifest)
}

/// All files below a directory and their bytes, sorted by name.
pub(super) fn contents(root: &Path) -> Vec<(String, Vec<u8>)> {
    fn walk(root: &Path, path: &Path, found: &mut Vec<(String, Vec<u8>)>) {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.symlink_metadata().unwrap().is_dir() {
                walk(root, &path, found);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                found.push((name.to_owned(), fs::read(&path).unwrap_or_default()));
            }
        }
    }
    let mut found = Vec::new();
    walk(root, root, &mut found);
    found.sort();
    found
}

/// The names in a directory, sorted.
pub(super) fn names(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
