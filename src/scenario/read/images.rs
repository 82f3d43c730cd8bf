//! The `[images.NAME]` tables.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::file::{NamedFile, archive};
use super::layers::{layers, number};
use super::references::references;
use super::size;
use crate::content::{Compression, Format, LayerCount, SizeSpec, SyntheticSpec};
use crate::keys::codec::{form_of, fraction, size as size_codec, text as text_codec, words};
use crate::keys::define::keys;
use crate::keys::form::Described;
use crate::keys::key::{self, Keyed};
use crate::keys::plain::Fields;
use crate::keys::problem::Problem;
use crate::keys::section::Section;
use crate::keys::table::{Sink, Table, Variant};
use crate::keys::tree::Entry;
use crate::keys::value::{self, choice};
use crate::lazy::{LazyFormat, LazyLayers};
use crate::oci::{ImageGlob, ImageSelector};
use crate::units::ByteSize;

/// A named set of images.
#[derive(Debug, Clone)]
pub struct ImageSet {
    /// The name, unique in the scenario, fit to be a part of a repository name.
    pub name: String,
    /// Where the images come from.
    pub source: ImageSource,
}

/// Where the images of a set come from.
#[derive(Debug, Clone)]
pub enum ImageSource {
    /// Made from the seed.
    Synthetic(SyntheticSpec),
    /// A docker-save archive or an OCI layout, packed or as a directory.
    Archive(Archive),
    /// Images that the registry has already, by name or by globs, which are looked up before the load. Not empty. They are never
    /// pushed or deleted.
    Existing(Vec<ImageSelector>),
}

impl ImageSource {
    /// The globs among the references of existing images.
    pub fn globs(&self) -> impl Iterator<Item = &ImageGlob> {
        let references = match self {
            Self::Existing(references) => references.as_slice(),
            Self::Synthetic(_) | Self::Archive(_) => &[],
        };
        references.iter().filter_map(|it| match it {
            ImageSelector::Glob(glob) => Some(glob),
            ImageSelector::Name(_) => None,
        })
    }
}

/// Where images come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Synthetic,
    Archive,
    Existing,
}

const KINDS: &[(&str, Kind)] = &[
    (SYNTHETIC, Kind::Synthetic),
    (ARCHIVE, Kind::Archive),
    (EXISTING, Kind::Existing),
];
const SYNTHETIC: &str = "synthetic";
const ARCHIVE: &str = "archive";
const EXISTING: &str = "existing";

const FORMATS: &[(&str, Format)] = &[("oci", Format::Oci), ("docker", Format::Docker)];
const COMPRESSIONS: &[(&str, Compression)] =
    &[("gzip", Compression::Gzip), ("keep", Compression::Keep)];

/// Each span has a checkpoint of 32 KiB.
const LEAST_SPAN: ByteSize = ByteSize::from_kib(64);
const MOST_SPAN: ByteSize = ByteSize::from_mib(1024);
const MOST_LEAST: ByteSize = ByteSize::from_mib(16 * 1024);

keys! { impl SyntheticSpec {
    /// Images of the set.
    count = count => number(1..=100_000), 20, needed;
    /// Layers of an image: one number for all, one for each, or a distribution: between `min` and `max` (log-uniform),
    /// log-normal by `median` and `sigma`, or that of images stored in public registries.
    layers = layers => layers(), 8, needed;
    /// Size of a layer: one for all, one for each, or a distribution: between `min` and `max` (log-uniform), log-normal by
    /// `median` and `sigma`, or that of layers stored in or requested from public registries.
    layer_size = layer_size => size::layer_size(), "4MiB", needed;
    /// How many layers, from the bottom, all images of the set have in common. No image has fewer.
    shared_base_layers = shared_base_layers => number(0..=128), 2;
    /// Kind of manifest.
    format = format => words("format", FORMATS), "docker";
    /// Make layers that clients can read in parts: eStargz (gzip) for the stargz snapshotter of containerd, zstd:chunked for
    /// podman, or gzip with a SOCI index beside the image for the SOCI snapshotter of containerd. They are tars that unpack, of
    /// 16 KiB at least. Without it layers are opaque.
    lazy_format = lazy_format => words("lazy format", LazyFormat::WORDS).optional(), "estargz";
    /// The share of each layer that is marked to be fetched when it is mounted, as an image has it that was optimized.
    /// Needs `lazy_format = "estargz"`.
    prefetch = prefetch => fraction(0.0..=1.0).optional(), 0.05, defaults_to("`0`");
    /// Content of a span, which the SOCI snapshotter fetches as a whole; a span ends at the next end of a block of 64 KiB.
    /// Needs `lazy_format = "soci"`.
    span_size = span_size => size_codec(LEAST_SPAN..=MOST_SPAN).optional(), "4MiB", defaults_to("`4MiB`");
    /// The smallest layer that has a table in the SOCI index; smaller ones are pulled. Needs `lazy_format = "soci"`.
    min_layer_size = min_layer_size => size_codec(ByteSize::from_bytes(0)..=MOST_LEAST).optional(), "1MiB", defaults_to("`10MiB`");
}}

keys! {
    /// A docker-save archive or an OCI layout, packed or as a directory.
    #[derive(Debug, Clone)]
    pub struct Archive {
        /// A docker-save archive or an OCI layout, packed or as a directory.
        ///
        /// Found to exist.
        pub file as path: NamedFile => archive(), "image.tar", needed;
        /// What becomes of layers that are not compressed: they are compressed once, as `docker push` does it, or kept.
        pub compression: Compression => words("compression", COMPRESSIONS), "keep";
        /// Which image of the archive. Absent: all of them.
        pub reference: Option<String> =>
            text_codec("text, at most 512 characters", value::words(512)).optional(), "lab/app:1";
    }
}

keys! {
    struct Existing {
        /// Images that the registry has. They are never pushed or deleted. A glob names all that match when the run begins: `*`
        /// stands for any characters but `/`, `**` for any, `?` for one. Without a tag it names every tag. A text in place of
        /// the array is a file with one a line; what follows `#` is a comment.
        references: Vec<ImageSelector> => references(), ["lab/img:1", "team/*"], needed;
    }
}

static SOURCE: LazyLock<Described> = LazyLock::new(|| {
    let meaning = "Where the images come from: they are made from the seed, read from an archive, or in the registry already.";
    Described::own(("source", r#""synthetic""#), form_of(KINDS), meaning).needed()
});

static VARIANTS: LazyLock<[Variant; 3]> = LazyLock::new(|| {
    [
        SyntheticSpec::variant(SYNTHETIC, "makes images from the seed"),
        Archive::variant(ARCHIVE, "takes images from a file"),
        Existing::variant(EXISTING, "names images that the registry has"),
    ]
});

pub(super) fn read(entry: &Entry, sink: &Sink) -> Option<ImageSet> {
    let mut table = Table::open(&entry.item, sink)?;
    let kind = table.need(&SOURCE, choice("source", KINDS));
    let Some(kind) = kind else {
        // One mistake does not hide the others.
        let mut seen = BTreeSet::new();
        key::look::<SyntheticSpec>(&mut table, &mut seen);
        key::look::<Archive>(&mut table, &mut seen);
        key::look::<Existing>(&mut table, &mut seen);
        table.undecided(&*VARIANTS);
        table.finish();
        return None;
    };
    let (word, source) = match kind {
        Kind::Synthetic => (SYNTHETIC, synthetic(&mut table).map(ImageSource::Synthetic)),
        Kind::Archive => {
            let (archive, is_good) = Archive::read(&mut table);
            (ARCHIVE, is_good.then_some(ImageSource::Archive(archive)))
        }
        Kind::Existing => {
            let (Existing { references }, is_good) = Existing::read(&mut table);
            let source = ImageSource::Existing(references);
            (EXISTING, is_good.then_some(source))
        }
    };
    table.variant(SOURCE.name, word, &*VARIANTS);
    table.finish();
    Some(ImageSet {
        name: entry.key.clone(),
        source: source?,
    })
}

/// A set of images as it would be written.
pub(super) fn show(source: &ImageSource) -> Fields {
    let (word, keys) = match source {
        ImageSource::Synthetic(it) => (SYNTHETIC, it.show()),
        ImageSource::Archive(it) => (ARCHIVE, it.show()),
        ImageSource::Existing(references) => {
            let references = references.clone();
            (EXISTING, Existing { references }.show())
        }
    };
    Fields::default().put(SOURCE.name, word).and(keys)
}

pub(super) fn section() -> Section {
    let mut keys = vec![SOURCE.clone()];
    keys.extend(SyntheticSpec::described_for(SYNTHETIC));
    keys.extend(Archive::described_for(ARCHIVE));
    keys.extend(Existing::described_for(EXISTING));
    Section {
        name: "images",
        heading: "`[images.NAME]`",
        text: "A set of images that journeys push and pull.".to_owned(),
        keys,
        decider: Some(SOURCE.name),
    }
}

fn synthetic(table: &mut Table<'_>) -> Option<SyntheticSpec> {
    let (spec, is_good) = SyntheticSpec::read(table);
    if !is_good {
        return None;
    }
    let mut spot = |key| table.entry(key).map(|entry| entry.item.spot.clone());
    let [layers, shared, size] = ["layers", "shared_base_layers", "layer_size"].map(&mut spot);
    let count = spot("count");
    let of_layers = |problem: Problem| match &layers {
        Some(spot) => problem.also(spot.clone(), of_images(&spec.layers)),
        None => problem,
    };
    let fewest = spec.layers.most_shared();
    let problem = if spec.shared_base_layers > fewest {
        let problem = Problem::new("more layers are shared than there are", shared?);
        of_layers(problem.label(format!("at most {fewest}")))
    } else if let LayerCount::PerImage(counts) = &spec.layers
        && counts.len() != spec.count
    {
        let problem = Problem::new("not one number of layers for each image", layers?);
        let problem = problem.label(format!("these are {}", counts.len()));
        problem.also(count?, format!("the set has {} images", spec.count))
    } else if let SizeSpec::PerLayer(sizes) = &spec.layer_size
        && spec.layers.fixed() != Some(sizes.len())
    {
        let problem = Problem::new("not one size for each layer", size?);
        of_layers(problem.label(format!("these are {}", sizes.len())))
    } else if let Some((key, message, label)) = misses_format(&spec) {
        let spot = table.entry(key)?.item.spot.clone();
        Problem::new(message, spot).label(label)
    } else {
        return Some(spec);
    };
    table.sink().report(problem);
    None
}

/// What does not go with the format of the layers: a key, what is wrong with it, and what to do.
fn misses_format(spec: &SyntheticSpec) -> Option<(&'static str, &'static str, &'static str)> {
    let is_of = |format| spec.lazy_format == Some(format);
    if spec.lazy_format.is_some() && spec.format == Format::Docker {
        return Some((
            "format",
            "layers that clients read in parts need annotations",
            "Docker's manifests have none: write \"oci\", or remove `lazy_format`",
        ));
    }
    if spec.prefetch.is_some() && !is_of(LazyFormat::Estargz) {
        return Some((
            "prefetch",
            "only eStargz marks what is to be fetched",
            "add `lazy_format = \"estargz\"`, or remove `prefetch`",
        ));
    }
    if spec.span_size.is_some() && !is_of(LazyFormat::Soci) {
        return Some((
            "span_size",
            "only SOCI cuts layers into spans",
            "add `lazy_format = \"soci\"`, or remove `span_size`",
        ));
    }
    if spec.min_layer_size.is_some() && !is_of(LazyFormat::Soci) {
        return Some((
            "min_layer_size",
            "only SOCI leaves out small layers",
            "add `lazy_format = \"soci\"`, or remove `min_layer_size`",
        ));
    }
    let Some(LazyLayers::Soci(layers)) = spec.lazy() else {
        return None;
    };
    let largest = spec.largest_layer()?;
    (!layers.has_table(largest.get())).then_some((
        "layer_size",
        "no layer is large enough to have a table in the SOCI index",
        "make them as large as `min_layer_size`, which is 10MiB unless it is set",
    ))
}

/// What is said of the layers of images.
fn of_images(layers: &LayerCount) -> String {
    match layers.fixed() {
        Some(layers) => format!("each image has {layers}"),
        None => "images have different numbers of them".to_owned(),
    }
}
