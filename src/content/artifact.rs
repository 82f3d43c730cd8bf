//! Small manifests that a run needs in addition to its images: artifacts that refer to one, and variants of one to
//! delete.

use std::collections::BTreeMap;

use super::blob::Blob;
use super::image::Image;
use crate::lazy::soci;
use crate::oci::{Content, Descriptor, Digest, ImageManifest, Manifest, MediaType};

/// The annotation that tells variants of an image from each other.
const VARIANT: &str = "regstorm.variant";
/// The annotation that fills a manifest up to its size.
const FILLER: &str = "regstorm.filler";
/// The type of a config that is no document.
const CONFIG: &str = "application/vnd.regstorm.replay.config.v1";
/// The largest manifest that is filled up. The specification asks registries to accept 4 MiB.
const LARGEST: u64 = 1 << 20;

impl Image {
    /// Makes an artifact that refers to `subject`: the empty config, and a layer of a few bytes of its own. Two of
    /// the same subject, type and number are equal.
    ///
    /// # Spec
    /// image-spec, "Guidelines for Artifact Usage".
    pub fn artifact(subject: &Descriptor, artifact_type: &str, number: usize) -> Self {
        let blob = |media_type, bytes: Vec<u8>| {
            let size = bytes.len() as u64;
            let descriptor = Descriptor::new(media_type, Digest::sha256(&bytes), size);
            Blob::from_memory(descriptor, bytes.into())
        };
        let config = blob(MediaType::OciEmpty, b"{}".to_vec());
        let text = format!("{artifact_type} {number} of {}\n", subject.digest);
        let layer = blob("text/plain".into(), text.into_bytes());
        let manifest = ImageManifest {
            schema_version: 2,
            media_type: Some(MediaType::OciManifest),
            artifact_type: Some(artifact_type.to_owned()),
            config: config.descriptor().clone().into(),
            layers: vec![layer.descriptor().clone().into()],
            subject: Some(subject.clone().into()),
            annotations: BTreeMap::new(),
        };
        let manifest = Manifest::from_image(&manifest, MediaType::OciManifest);
        Self::single(manifest, vec![layer], config)
    }

    /// Makes a SOCI index of the image `subject`: the tables of its layers, and the empty config, whose type is that of the index.
    ///
    /// # Spec
    /// soci-snapshotter, "SOCI Index Manifest v1".
    pub(super) fn soci_index(subject: &Descriptor, tables: Vec<Blob>) -> Self {
        let bytes = b"{}".to_vec();
        let size = bytes.len() as u64;
        let config = Descriptor::new(soci::INDEX_V1.into(), Digest::sha256(&bytes), size);
        let maker = (soci::BUILD_TOOL.to_owned(), soci::MAKER.to_owned());
        let manifest = ImageManifest {
            schema_version: 2,
            media_type: Some(MediaType::OciManifest),
            artifact_type: None,
            config: config.clone().into(),
            layers: tables
                .iter()
                .map(|table| table.descriptor().clone().into())
                .collect(),
            subject: Some(subject.clone().into()),
            annotations: BTreeMap::from([maker]),
        };
        let manifest = Manifest::from_image(&manifest, MediaType::OciManifest);
        Self::single(manifest, tables, Blob::from_memory(config, bytes.into()))
    }

    /// Makes an image of blobs: the smallest is its config, of a type of its own, since it is no document. The note makes
    /// its digest differ from that of other images of the same blobs. With `size` the manifest has as many bytes, if it
    /// needs no more, and at most 1 MiB.
    ///
    /// # Panics
    /// Panics without blobs.
    pub fn of_blobs(mut layers: Vec<Blob>, note: &str, size: u64) -> Self {
        let smallest = layers.iter().enumerate();
        let smallest = smallest.min_by_key(|(_, blob)| blob.size());
        let (place, _) = smallest.expect("an image has a config");
        let config = layers.remove(place);
        let Descriptor {
            digest,
            size: length,
            ..
        } = *config.descriptor();
        let config = config.described_as(Descriptor::new(CONFIG.into(), digest, length));
        let manifest = |filler: usize| {
            let mut annotations = BTreeMap::from([(VARIANT.to_owned(), note.to_owned())]);
            if filler > 0 {
                annotations.insert(FILLER.to_owned(), "0".repeat(filler));
            }
            let manifest = ImageManifest {
                schema_version: 2,
                media_type: Some(MediaType::OciManifest),
                artifact_type: None,
                config: config.descriptor().clone().into(),
                layers: layers
                    .iter()
                    .map(|layer| layer.descriptor().clone().into())
                    .collect(),
                subject: None,
                annotations,
            };
            Manifest::from_image(&manifest, MediaType::OciManifest)
        };
        let bare = manifest(0);
        // A filler of one is longer than none by its key, too.
        let with_one = manifest(1).raw().len();
        let wanted = usize::try_from(size.min(LARGEST)).unwrap_or(usize::MAX);
        let made = match wanted.checked_sub(with_one) {
            Some(more) => manifest(more + 1),
            None => bare,
        };
        Self::single(made, layers, config)
    }

    /// Makes a manifest with the same config and layers, or images, and a different digest for each `variant`. `None`
    /// for schema 1, which has no annotations.
    pub fn variant(&self, variant: &str) -> Option<Manifest> {
        let media_type = self.manifest().media_type().clone();
        let note = || (VARIANT.to_owned(), variant.to_owned());
        match self.manifest().content() {
            Content::Image(image) => {
                let mut image = image.clone();
                image.annotations.extend([note()]);
                Some(Manifest::from_image(&image, media_type))
            }
            Content::Index(index) => {
                let mut index = index.clone();
                index.annotations.extend([note()]);
                Some(Manifest::from_index(&index, media_type))
            }
            Content::Schema1(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{Format, LayerCount, SizeSpec, SyntheticSet, SyntheticSpec};
    use crate::oci::Algorithm;
    use crate::units::ByteSize;

    fn image(format: Format) -> Image {
        let spec = SyntheticSpec {
            format,
            layers: LayerCount::Fixed(2),
            layer_size: SizeSpec::Fixed(ByteSize::from_kib(1)),
            ..SyntheticSpec::default()
        };
        SyntheticSet::new(spec, 1).unwrap().image(0)
    }

    #[test]
    fn artifacts_refer_to_their_subject_and_differ() {
        let image = image(Format::Oci);
        let subject = image.descriptor();
        let artifact = Image::artifact(subject, "a/b", 0);
        let read = Manifest::parse(artifact.manifest().raw().clone(), None).unwrap();
        let Content::Image(manifest) = read.content() else {
            panic!("an artifact is an image manifest");
        };
        assert_eq!(manifest.subject.as_ref().unwrap().descriptor(), Ok(subject));
        assert_eq!(manifest.artifact_type.as_deref(), Some("a/b"));
        assert_eq!(manifest.config.media_type(), Some(&MediaType::OciEmpty));
        assert_eq!(manifest.config.digest(), Ok(&Digest::sha256(b"{}")));
        assert_eq!(artifact.blobs().count(), 2);
        let digest = |image: &Image| image.descriptor().digest;
        assert_eq!(
            digest(&artifact),
            digest(&Image::artifact(subject, "a/b", 0))
        );
        for other in [
            Image::artifact(subject, "a/b", 1),
            Image::artifact(subject, "a/c", 0),
        ] {
            assert_ne!(digest(&artifact), digest(&other));
        }
    }

    #[test]
    fn variants_have_the_blobs_of_the_image_and_a_digest_of_their_own() {
        for format in [Format::Oci, Format::Docker] {
            let image = image(format);
            let variants = ["a", "b"].map(|it| image.variant(it).unwrap());
            let digests = variants
                .each_ref()
                .map(|it| it.digest(Algorithm::Sha256))
                .into_iter()
                .chain([image.descriptor().digest]);
            let digests: std::collections::BTreeSet<_> = digests.collect();
            assert_eq!(digests.len(), 3);
            for variant in variants {
                assert_eq!(variant.media_type(), image.manifest().media_type());
                let read = Manifest::parse(variant.raw().clone(), None).unwrap();
                let Content::Image(manifest) = read.content() else {
                    panic!("a variant is an image manifest");
                };
                let named = manifest.layers.iter().map(|it| *it.digest().unwrap());
                let sent = image.layers().iter().map(|it| it.descriptor().digest);
                assert!(named.eq(sent));
                let config = image.config().unwrap().descriptor().digest;
                assert_eq!(manifest.config.digest(), Ok(&config));
            }
        }
    }
}
