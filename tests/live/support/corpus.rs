//! Images made by real tools: umoci writes them, skopeo turns them into archives.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{sha256, skopeo};
use super::image::Layout;
use super::process::Program;

/// One image in every form in which people have images, in a directory of its own.
///
/// The image has three layers: later ones replace, remove and hide what earlier ones brought, so that layers in the
/// wrong order or without their whiteouts give another tree.
#[derive(Debug)]
pub(crate) struct Corpus {
    dir: TempDir,
    name: String,
}

impl Corpus {
    /// Other seeds give other bytes, so that tests do not find each other's blobs.
    pub(crate) fn new(seed: u64) -> Self {
        let corpus = Self {
            dir: super::scratch(),
            name: format!("lab/img{seed}:1"),
        };
        umoci(["init", "--layout"], &[corpus.layout_dir().as_os_str()]);
        corpus.add_image("img", "amd64", seed);
        corpus
    }

    fn add_image(&self, tag: &str, architecture: &str, seed: u64) {
        let image = format!("{}:{tag}", self.layout_dir().display());
        umoci(["new", "--image"], &[image.as_ref()]);
        for (number, layer) in self.layer_tars(tag, seed).iter().enumerate() {
            let history = format!("--history.created_by=layer {number}");
            let args = [image.as_ref(), history.as_ref(), layer.as_os_str()];
            umoci(["raw", "add-layer", "--image"], &args);
        }
        let platform = format!("--architecture={architecture}");
        let args = [image.as_ref(), platform.as_ref()];
        umoci(
            ["config", "--os=linux", "--config.cmd=/bin/tool", "--image"],
            &args,
        );
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The name that docker archives give to the image; other seeds give other names.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn layout_dir(&self) -> PathBuf {
        self.path().join("oci")
    }

    /// The OCI layout directory that umoci wrote; its image has the tag `img`.
    pub(crate) fn layout(&self) -> Layout {
        Layout::open(&self.layout_dir())
    }

    /// How skopeo names the image in the layout.
    pub(crate) fn source(&self) -> String {
        format!("oci:{}:img", self.layout_dir().display())
    }

    /// The OCI layout as a tar.
    pub(crate) fn oci_archive(&self) -> PathBuf {
        let archive = self.path().join("oci.tar");
        let target = format!("oci-archive:{}:img", archive.display());
        skopeo(["copy", &self.source(), &target]).run().ok();
        archive
    }

    /// The tar of `docker save` up to Docker 24, as skopeo writes it.
    pub(crate) fn docker_archive(&self) -> PathBuf {
        let archive = self.path().join("docker.tar");
        let target = format!("docker-archive:{}:{}", archive.display(), self.name);
        skopeo(["copy", &self.source(), &target]).run().ok();
        archive
    }

    /// The unpacked tar of `docker save` since Docker 25: an OCI layout with a `manifest.json` beside.
    pub(crate) fn new_docker_save(&self) -> PathBuf {
        let dir = unpacked(&self.oci_archive(), &self.path().join("docker25"));
        let image = Layout::open(&dir).image("img");
        let path = |digest: &str| format!("blobs/{}", digest.replace(':', "/"));
        let layers: Vec<String> = image.layer_digests().iter().map(|it| path(it)).collect();
        let list = json!([{
            "Config": path(&image.config_digest()),
            "RepoTags": [self.name],
            "Layers": layers,
        }]);
        fs::write(dir.join("manifest.json"), list.to_string()).expect("a manifest.json");
        dir
    }

    /// Adds an image for another platform and an index of both, tagged `multi`; gives the bytes of the index.
    pub(crate) fn add_index(&self, seed: u64) -> Vec<u8> {
        self.add_image("other", "arm64", seed);
        let index_file = self.layout_dir().join("index.json");
        let text = fs::read(&index_file).expect("an index.json");
        let mut layout: Value = serde_json::from_slice(&text).expect("a JSON index");
        let entry = |tag: &str, architecture: &str| {
            let image = self.layout().image(tag);
            json!({
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": image.digest(),
                "size": image.manifest.len(),
                "platform": {"os": "linux", "architecture": architecture},
            })
        };
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [entry("img", "amd64"), entry("other", "arm64")],
        })
        .to_string()
        .into_bytes();
        let digest = sha256(&index);
        let blob = self
            .layout_dir()
            .join("blobs")
            .join(digest.replace(':', "/"));
        fs::write(blob, &index).expect("a blob");
        let manifests = layout["manifests"].as_array_mut().expect("manifests");
        manifests.push(json!({
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "digest": digest,
            "size": index.len(),
            "annotations": {"org.opencontainers.image.ref.name": "multi"},
        }));
        fs::write(index_file, layout.to_string()).expect("an index.json");
        index
    }

    fn layer_tars(&self, tag: &str, seed: u64) -> [PathBuf; 3] {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut bytes = |length: usize| {
            let mut bytes = vec![0; length];
            random.fill_bytes(&mut bytes);
            bytes
        };
        let path = |number: u32| self.path().join(format!("{tag}-layer{number}.tar"));
        let mut base = Layer::create(&path(1));
        for dir in [
            "bin",
            "etc",
            "usr",
            "usr/share",
            "var",
            "var/cache",
            "var/cache/old",
        ] {
            base.dir(dir, 0o755);
        }
        base.file("bin/tool", 0o755, &bytes(700 << 10));
        base.file("etc/hostname", 0o644, b"first\n");
        base.file(
            "usr/share/gone.txt",
            0o644,
            b"removed by the second layer\n",
        );
        base.file(
            "var/cache/old/hidden",
            0o600,
            b"hidden by the second layer\n",
        );
        base.file(
            "usr/share/lines.txt",
            0o644,
            "the same line\n".repeat(4000).as_bytes(),
        );
        let mut second = Layer::create(&path(2));
        second.file("usr/share/.wh.gone.txt", 0o600, b"");
        second.file("var/cache/old/.wh..wh..opq", 0o600, b"");
        second.file("var/cache/old/new", 0o644, b"from the second layer\n");
        second.link("bin/sh", "tool", tar::EntryType::Symlink);
        second.file("bin/other", 0o755, &bytes(50 << 10));
        second.link("bin/twin", "bin/other", tar::EntryType::Link);
        let mut third = Layer::create(&path(3));
        third.file("etc/hostname", 0o640, b"third\n");
        third.file("etc/empty", 0o644, b"");
        third.dir("opt", 0o700);
        third.file("opt/data", 0o400, &bytes(1200 << 10));
        let layers = [base, second, third];
        for layer in layers {
            layer.finish();
        }
        [path(1), path(2), path(3)]
    }
}

/// Unpacks a tar with tar.
pub(crate) fn unpacked(archive: &Path, dir: &Path) -> PathBuf {
    fs::create_dir_all(dir).expect("a directory");
    let args = [Path::new("-xf"), archive, Path::new("-C"), dir];
    Program::new("tar").args(args).run().ok();
    dir.to_owned()
}

/// Packs a directory with tar.
pub(crate) fn packed(dir: &Path, archive: &Path) -> PathBuf {
    let args = [
        Path::new("-cf"),
        archive,
        Path::new("-C"),
        dir,
        Path::new("."),
    ];
    Program::new("tar").args(args).run().ok();
    archive.to_owned()
}

fn umoci<const N: usize>(verb: [&str; N], args: &[&std::ffi::OsStr]) {
    Program::new("umoci").args(verb).args(args).run().ok();
}

/// A layer while it is written.
struct Layer(tar::Builder<File>);

impl Layer {
    fn create(path: &Path) -> Self {
        Self(tar::Builder::new(File::create(path).expect("a layer")))
    }

    fn header(kind: tar::EntryType, mode: u32, length: usize) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_mtime(1_600_000_000);
        header.set_size(length.try_into().expect("a length"));
        header
    }

    fn file(&mut self, path: &str, mode: u32, content: &[u8]) {
        let mut header = Self::header(tar::EntryType::Regular, mode, content.len());
        self.0
            .append_data(&mut header, path, content)
            .expect("a file");
    }

    fn dir(&mut self, path: &str, mode: u32) {
        let mut header = Self::header(tar::EntryType::Directory, mode, 0);
        self.0
            .append_data(&mut header, path, io::empty())
            .expect("a directory");
    }

    fn link(&mut self, path: &str, target: &str, kind: tar::EntryType) {
        let mut header = Self::header(kind, 0o777, 0);
        self.0
            .append_link(&mut header, path, target)
            .expect("a link");
    }

    fn finish(self) {
        self.0
            .into_inner()
            .and_then(|mut file| file.flush())
            .expect("a finished layer");
    }
}
