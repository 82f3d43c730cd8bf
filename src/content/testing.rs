//! Archives and layouts for the tests of this room, made with the `tar` crate and by hand.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;

use super::{Image, OpenOptions};
use crate::oci::{Descriptor, Digest, MediaType};

/// A tar archive in the making.
pub(super) struct Tar(tar::Builder<Vec<u8>>);

impl Tar {
    pub(super) fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    pub(super) fn file(self, name: &str, bytes: &[u8]) -> Self {
        self.file_with_mode(name, bytes, 0o644)
    }

    pub(super) fn file_with_mode(mut self, name: &str, bytes: &[u8], mode: u32) -> Self {
        let mut header = header(tar::EntryType::Regular, mode);
        header.set_size(bytes.len() as u64);
        self.append(header, name, "", bytes);
        self
    }

    pub(super) fn directory(mut self, name: &str, mode: u32) -> Self {
        self.append(header(tar::EntryType::Directory, mode), name, "", b"");
        self
    }

    pub(super) fn link(mut self, kind: tar::EntryType, name: &str, target: &str) -> Self {
        self.append(header(kind, 0o777), name, target, b"");
        self
    }

    pub(super) fn symlink(self, name: &str, target: &str) -> Self {
        self.link(tar::EntryType::Symlink, name, target)
    }

    pub(super) fn hard_link(self, name: &str, target: &str) -> Self {
        self.link(tar::EntryType::Link, name, target)
    }

    pub(super) fn entry(mut self, kind: tar::EntryType, name: &str) -> Self {
        self.append(header(kind, 0o644), name, "", b"");
        self
    }

    /// An entry whose header says whatever it is made to say.
    pub(super) fn raw(mut self, header: &tar::Header, bytes: &[u8]) -> Self {
        self.0.append(header, bytes).unwrap();
        self
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }

    /// Names go into the header as they are: the crate would refuse those that hostile archives have.
    fn append(&mut self, mut header: tar::Header, name: &str, target: &str, bytes: &[u8]) {
        let old = header.as_old_mut();
        old.name[..name.len()].copy_from_slice(name.as_bytes());
        old.linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        self.0.append(&header, bytes).unwrap();
    }
}

pub(super) fn header(kind: tar::EntryType, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_000_000_000);
    header.set_size(0);
    header
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A config that names these uncompressed layers.
pub(super) fn config(layers: &[&[u8]]) -> Vec<u8> {
    let diff_ids: Vec<_> = layers
        .iter()
        .map(|layer| format!("\"{}\"", Digest::sha256(layer)))
        .collect();
    format!(
        r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":[{}]}}}}"#,
        diff_ids.join(",")
    )
    .into_bytes()
}

/// The files of an image, to be a directory or an archive.
#[derive(Default, Clone)]
pub(super) struct Files(pub(super) Vec<(String, Vec<u8>)>);

impl Files {
    pub(super) fn add(&mut self, name: &str, bytes: &[u8]) {
        self.0.push((name.to_owned(), bytes.to_vec()));
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(other, _)| other != name);
        self
    }

    /// Replaces the bytes of a file.
    pub(super) fn with(self, name: &str, bytes: &[u8]) -> Self {
        let mut files = self.without(name);
        files.add(name, bytes);
        files
    }

    pub(super) fn tar(&self) -> Vec<u8> {
        self.0
            .iter()
            .fold(Tar::new(), |tar, (name, bytes)| tar.file(name, bytes))
            .finish()
    }

    pub(super) fn write(&self, root: &Path) {
        for (name, bytes) in &self.0 {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    /// Adds a blob of an OCI layout.
    pub(super) fn blob(&mut self, media_type: MediaType, bytes: &[u8]) -> Descriptor {
        let digest = Digest::sha256(bytes);
        let name = blob_name(&digest);
        if !self.0.iter().any(|(other, _)| *other == name) {
            self.add(&name, bytes);
        }
        Descriptor::new(media_type, digest, bytes.len() as u64)
    }

    /// Adds an image of these gzip layers to an OCI layout.
    pub(super) fn image(&mut self, layers: &[&[u8]]) -> Descriptor {
        let config = self.blob(MediaType::OciConfig, &config(layers));
        let layers: Vec<_> = layers
            .iter()
            .map(|layer| self.blob(MediaType::OciLayerGzip, &gzip(layer)))
            .collect();
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "config": config,
            "layers": layers,
        });
        self.blob(MediaType::OciManifest, manifest.to_string().as_bytes())
    }

    /// Makes it an OCI layout of these manifests.
    pub(super) fn layout(&mut self, manifests: &[Descriptor]) {
        self.add("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
        let index = serde_json::json!({"schemaVersion": 2, "manifests": manifests});
        self.add("index.json", index.to_string().as_bytes());
    }
}

pub(super) fn blob_name(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.to_hex())
}

pub(super) fn named(mut descriptor: Descriptor, name: &str) -> Descriptor {
    let key = "org.opencontainers.image.ref.name";
    descriptor.annotations.insert(key.into(), name.into());
    descriptor
}

/// A directory that goes away with the test.
pub(super) struct Place(tempfile::TempDir);

impl Place {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn archive(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(super) fn directory(&self, name: &str, files: &Files) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).unwrap();
        files.write(&path);
        path
    }
}

pub(super) fn options(reference: Option<&str>) -> OpenOptions {
    OpenOptions {
        reference: reference.map(Into::into),
        ..OpenOptions::default()
    }
}

/// All bytes of an image, hashed anew, are what its descriptors say.
pub(super) fn assert_true(image: &Image) {
    for blob in image.blobs() {
        let bytes: Vec<u8> = blob.all().flat_map(Result::unwrap).collect();
        assert_eq!(bytes.len() as u64, blob.descriptor().size);
        assert_eq!(Digest::sha256(&bytes), blob.descriptor().digest);
    }
    assert_eq!(
        Digest::sha256(image.manifest().raw()),
        image.descriptor().digest
    );
    image.children().iter().for_each(assert_true);
}
