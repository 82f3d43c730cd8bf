//! A set of synthetic images: shapes at once, digests when they are first needed.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::{fmt, thread};

use rand::Rng as _;

use super::config::config;
use super::lazy_layer::LazyLayer;
use super::lazy_stream::FileSum;
use super::limits::{MAX_LAYERS, MAX_METADATA, SpecError};
use super::soci_layer::SociLayer;
use super::spec::SyntheticSpec;
use super::stream::{BlobId, Pool, Stream, generator};
use crate::content::blob::Blob;
use crate::content::image::Image;
use crate::lazy::soci::{SociLayers, SociLayout};
use crate::lazy::{Layout, LazyLayers};
use crate::oci::{Algorithm, Descriptor, Digest, Hasher, ImageManifest, Manifest};
use crate::units::ByteSize;

/// The image index of a layer that all images share; no such image exists.
const SHARED: u64 = u64::MAX;

/// The salt of a variant of an image that no registry has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Salt {
    /// The run; different for each, such as a random number or its start time.
    pub run: u64,
    /// The virtual user, over all workers and shards.
    pub vu: u64,
    /// The iteration of that user.
    pub iteration: u64,
}

/// A set of images made from a seed. Cheap to clone; threads may share it.
///
/// Making the set draws the sizes and hashes nothing, so that a plan costs no time. The layers are hashed once, when
/// an image is first used. [`prepare`](Self::prepare) does it ahead, outside of any measurement.
#[derive(Clone)]
pub struct SyntheticSet(Arc<Inner>);

struct Inner {
    spec: SyntheticSpec,
    seed: u64,
    pool: Pool,
    filler: String,               // hex digits, for the largest config
    firsts: Vec<usize>, // where the own layers of each image start, and where those of the last one end
    layer_sizes: Vec<u64>, // of the shared layers, then of each image's own
    layers: Vec<OnceLock<Layer>>, // parallel to `layer_sizes`
    config_sizes: Vec<u64>, // one for each image
    images: Vec<OnceLock<Image>>,
}

struct Layer {
    id: BlobId,
    made: Made,
    finished: Finished,
    table: Option<Blob>, // for SOCI
}

/// What the variants of a layer have in common.
enum Made {
    /// Bytes that do not unpack, and their hash without the tail.
    Opaque(Stream, Box<Hasher>),
    Lazy(Box<LazyLayer>),
    Soci(Box<SociLayer>),
}

/// A layer as it is pushed.
#[derive(Clone)]
struct Finished {
    blob: Blob,
    diff_id: Digest,
}

impl SyntheticSet {
    /// Draws the shapes of the set: how many layers each image has, and how large they are. Sets of one run need different seeds, or they share layers.
    ///
    /// # Errors
    /// Returns [`SpecError`] if the specification is impossible.
    pub fn new(spec: SyntheticSpec, seed: u64) -> Result<Self, SpecError> {
        spec.check()?;
        let firsts = firsts(&spec, seed)?;
        let total = firsts[spec.count];
        let mut inner = Inner {
            pool: Pool::new(seed),
            filler: String::new(),
            firsts,
            layer_sizes: Vec::with_capacity(total),
            layers: (0..total).map(|_| OnceLock::new()).collect(),
            config_sizes: Vec::with_capacity(spec.count),
            images: (0..spec.count).map(|_| OnceLock::new()).collect(),
            spec,
            seed,
        };
        for index in 0..total {
            let id = inner.id(index);
            let layer = usize::try_from(id.layer).unwrap_or(usize::MAX);
            let mut rng = generator(b"size", &[seed, id.image, id.layer]);
            let size = inner.spec.layer_size.draw(layer, &mut rng);
            inner.layer_sizes.push(size.max(inner.spec.least_layer()));
        }
        inner.check_metadata()?;
        for image in 0..inner.spec.count {
            let mut rng = generator(b"conf", &[seed, image as u64]);
            inner
                .config_sizes
                .push(inner.spec.config_size.draw(0, &mut rng));
        }
        let largest = inner.config_sizes.iter().copied().max().unwrap_or_default();
        inner.filler = filler(seed, largest);
        Ok(Self(Arc::new(inner)))
    }

    /// The number of layers of one image. Known without hashing.
    ///
    /// # Panics
    /// Panics if `index` is not below [`len`](Self::len).
    pub fn layers(&self, index: usize) -> usize {
        self.0.spec.shared_base_layers + self.0.own(index).len()
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.0.spec.count
    }

    /// Never: a set has at least one image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The specification of the set.
    pub fn spec(&self) -> &SyntheticSpec {
        &self.0.spec
    }

    /// The bytes of all layers, shared ones once, without configs and manifests. Known without hashing.
    pub fn layer_bytes(&self) -> u64 {
        self.0.layer_sizes.iter().sum()
    }

    /// The sizes of the layers of one image, the bottom one first. Known without hashing.
    ///
    /// # Panics
    /// Panics if `index` is not below [`len`](Self::len).
    pub fn layer_sizes(&self, index: usize) -> impl Iterator<Item = u64> + '_ {
        self.0.indices(index).map(|layer| self.0.layer_sizes[layer])
    }

    /// Returns image `index`. Hashes its layers at the first call.
    ///
    /// # Panics
    /// Panics if `index` is not below [`len`](Self::len).
    pub fn image(&self, index: usize) -> Image {
        let inner = &*self.0;
        inner.images[index]
            .get_or_init(|| {
                let layers = inner
                    .indices(index)
                    .map(|layer| inner.layer(layer).finished.clone());
                inner.assemble(index, layers.collect(), &format!("{}/{index}", inner.seed))
            })
            .clone()
    }

    /// Returns the SOCI index of image `index`, with the tables of its layers; `None` if no layer has one. Hashes layers at the
    /// first call.
    ///
    /// # Panics
    /// Panics if `index` is not below [`len`](Self::len).
    pub fn soci_index(&self, index: usize) -> Option<Image> {
        let inner = &*self.0;
        let tables = inner
            .indices(index)
            .filter_map(|layer| inner.layer(layer).table.clone());
        let tables: Vec<Blob> = tables.collect();
        let subject = self.image(index);
        (!tables.is_empty()).then(|| Image::soci_index(subject.descriptor(), tables))
    }

    /// Returns image `index` as no registry has seen it: with the same shape and shared layers, but the other layers
    /// and the config are unique to this salt. Costs one hash of 64 bytes per layer, and the config; of layers that clients
    /// read in parts the last file and the metadata are hashed.
    ///
    /// # Panics
    /// Panics if `index` is not below [`len`](Self::len).
    pub fn unique_image(&self, index: usize, salt: Salt, kept: usize) -> Image {
        let inner = &*self.0;
        let layers = inner.indices(index).enumerate().map(|(place, layer)| {
            if place < kept || layer < inner.spec.shared_base_layers {
                inner.layer(layer).finished.clone()
            } else {
                inner.salted(layer, salt)
            }
        });
        let Salt { run, vu, iteration } = salt;
        let name = format!("{}/{index}/{run}/{vu}/{iteration}", inner.seed);
        inner.assemble(index, layers.collect(), &name)
    }

    /// Hashes every layer, on that many threads, and makes every image.
    pub fn prepare(&self, threads: usize) {
        let next = AtomicUsize::new(0);
        let inner = &*self.0;
        let work = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= inner.layers.len() {
                    break;
                }
                inner.layer(index);
            }
        };
        thread::scope(|scope| {
            for _ in 1..threads.min(inner.layers.len()) {
                scope.spawn(work);
            }
            work();
        });
        for index in 0..self.len() {
            self.image(index);
        }
    }
}

impl Inner {
    /// The positions of an image's own layers in `layers`.
    fn own(&self, image: usize) -> Range<usize> {
        assert!(image < self.spec.count, "the set has no image {image}");
        self.firsts[image]..self.firsts[image + 1]
    }

    /// The positions of all of an image's layers in `layers`.
    fn indices(&self, image: usize) -> impl Iterator<Item = usize> + use<> {
        (0..self.spec.shared_base_layers).chain(self.own(image))
    }

    fn id(&self, index: usize) -> BlobId {
        // An image without layers of its own starts where the next one does, which is found instead.
        match self.firsts.partition_point(|first| *first <= index) {
            0 => BlobId {
                image: SHARED,
                layer: index as u64,
            },
            behind => BlobId {
                image: (behind - 1) as u64,
                layer: (self.spec.shared_base_layers + index - self.firsts[behind - 1]) as u64,
            },
        }
    }

    /// Checks that there is memory for the metadata of layers that clients read in parts.
    fn check_metadata(&self) -> Result<(), SpecError> {
        let Some(lazy) = self.spec.lazy() else {
            return Ok(());
        };
        let of_layer = |size: &u64| match lazy {
            LazyLayers::Chunked(layers) => {
                let layout = Layout::of(layers, *size);
                let metadata = layout.size() - layout.content_end();
                metadata + layout.files() * size_of::<FileSum>() as u64
            }
            LazyLayers::Soci(layers) if layers.has_table(*size) => {
                SociLayout::of(layers, *size).table_length()
            }
            LazyLayers::Soci(_) => 0,
        };
        let bytes = self.layer_sizes.iter().map(of_layer).sum();
        let bytes = ByteSize::from_bytes(bytes);
        if bytes > MAX_METADATA {
            return Err(SpecError::TooMuchMetadata { bytes });
        }
        Ok(())
    }

    fn layer(&self, index: usize) -> &Layer {
        self.layers[index].get_or_init(|| {
            let id = self.id(index);
            let size = self.layer_sizes[index];
            let stream = |length| Stream::new(&self.pool, self.seed, id, length);
            match self.spec.lazy() {
                None => {
                    let stream = stream(size);
                    let mut body = Algorithm::Sha256.hasher();
                    let mut position = 0;
                    while position < stream.body() {
                        let frame = stream.frame(position, stream.body());
                        body.update(&frame);
                        position += frame.len() as u64;
                    }
                    let made = Made::Opaque(stream.clone(), Box::new(body));
                    self.made(id, made, &stream)
                }
                Some(LazyLayers::Chunked(layers)) => {
                    let layout = Layout::of(layers, size);
                    let stream = stream(layout.content());
                    let made = Made::Lazy(Box::new(LazyLayer::new(layout, stream.clone())));
                    self.made(id, made, &stream)
                }
                Some(LazyLayers::Soci(layers)) => {
                    let layout = SociLayout::of(layers, size);
                    of_soci(id, layers, layout, stream(layout.content()))
                }
            }
        })
    }

    fn made(&self, id: BlobId, made: Made, stream: &Stream) -> Layer {
        Layer {
            id,
            finished: self.finish(&made, stream.clone()),
            made,
            table: None,
        }
    }

    fn salted(&self, index: usize, salt: Salt) -> Finished {
        let layer = self.layer(index);
        let salt = [salt.run, salt.vu, salt.iteration];
        let stream = match &layer.made {
            Made::Opaque(stream, _) => stream,
            Made::Lazy(made) => made.content(),
            Made::Soci(made) => made.content(),
        };
        let salted = stream.salted(self.seed, layer.id, salt);
        self.finish(&layer.made, salted)
    }

    fn finish(&self, made: &Made, stream: Stream) -> Finished {
        match made {
            Made::Opaque(_, body) => {
                let mut hasher = (**body).clone();
                hasher.update(stream.tail());
                let digest = hasher.finish();
                let media_type = self.spec.format.layer();
                Finished {
                    blob: Blob::from_stream(
                        Descriptor::new(media_type, digest, stream.size()),
                        stream,
                    ),
                    diff_id: digest,
                }
            }
            Made::Lazy(made) => {
                let made = made.finish(&stream);
                Finished {
                    blob: Blob::from_lazy(made.descriptor, made.stream),
                    diff_id: made.diff_id,
                }
            }
            Made::Soci(made) => {
                let made = made.finish(&stream);
                Finished {
                    blob: Blob::from_soci(made.descriptor, made.stream),
                    diff_id: made.diff_id,
                }
            }
        }
    }

    fn assemble(&self, index: usize, layers: Vec<Finished>, name: &str) -> Image {
        let format = self.spec.format;
        let digests: Vec<Digest> = layers.iter().map(|layer| layer.diff_id).collect();
        let layers: Vec<Blob> = layers.into_iter().map(|layer| layer.blob).collect();
        let bytes = config(name, &digests, self.config_sizes[index], &self.filler);
        let descriptor =
            Descriptor::new(format.config(), Digest::sha256(&bytes), bytes.len() as u64);
        let manifest = ImageManifest {
            schema_version: 2,
            media_type: Some(format.manifest()),
            artifact_type: None,
            config: descriptor.clone().into(),
            layers: layers
                .iter()
                .map(|layer| layer.descriptor().clone().into())
                .collect(),
            subject: None,
            annotations: std::collections::BTreeMap::new(),
        };
        Image::single(
            Manifest::from_image(&manifest, format.manifest()),
            layers,
            Blob::from_memory(descriptor, bytes.into()),
        )
    }
}

/// A layer for SOCI, with its table if it is large enough for one.
fn of_soci(id: BlobId, layers: SociLayers, layout: SociLayout, content: Stream) -> Layer {
    let made = SociLayer::new(layout, content);
    let finished = made.finish(made.content());
    let table = layers
        .has_table(layout.size())
        .then(|| SociLayer::table(layers, &finished.descriptor, &finished.stream));
    Layer {
        id,
        finished: Finished {
            blob: Blob::from_soci(finished.descriptor, finished.stream),
            diff_id: finished.diff_id,
        },
        made: Made::Soci(Box::new(made)),
        table,
    }
}

/// Where the own layers of each image start, behind those that all share, and where those of the last one end.
fn firsts(spec: &SyntheticSpec, seed: u64) -> Result<Vec<usize>, SpecError> {
    let shared = spec.shared_base_layers;
    let mut firsts = Vec::with_capacity(spec.count + 1);
    let (mut next, mut layers) = (shared, 0);
    firsts.push(next);
    for image in 0..spec.count {
        let mut rng = generator(b"many", &[seed, image as u64]);
        let drawn = spec.layers.draw(image, shared, &mut rng);
        layers += drawn;
        next += drawn - shared;
        firsts.push(next);
    }
    if layers > MAX_LAYERS {
        let count = spec.count;
        return Err(SpecError::TooManyLayers { count, layers });
    }
    Ok(firsts)
}

/// Hex digits that fill a config up to its size.
fn filler(seed: u64, length: u64) -> String {
    let mut rng = generator(b"fill", &[seed]);
    let digit = |nibble: u64| char::from_digit(u32::try_from(nibble & 15).unwrap_or(0), 16);
    (0..length).filter_map(|_| digit(rng.next_u64())).collect()
}

impl fmt::Debug for SyntheticSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyntheticSet")
            .field("spec", &self.0.spec)
            .field("seed", &self.0.seed)
            .finish_non_exhaustive()
    }
}
