//! The `[images.NAME]` tables.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use super::size;
use crate::content::{Compression, Format, SizeSpec, SyntheticSpec};
use crate::keys::codec::{Codec, form_of, text as text_codec, whole, words};
use crate::keys::form::Form;
use crate::keys::key::{self, Key, key};
use crate::keys::plain::{Fields, Plain};
use crate::keys::problem::Problem;
use crate::keys::section::Section;
use crate::keys::table::{Sink, Table, Variant, shorten};
use crate::keys::tree::{Entry, Item, Value};
use crate::keys::value::{self, choice, parsed, text};
use crate::oci::ImageName;
use crate::scenario::images::{Archive, ImageSet, ImageSource};

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
const MOST_IMAGES: u32 = 100_000;
const MOST_LAYERS: u32 = 128;

static SYNTHETIC_KEYS: LazyLock<Vec<Key<SyntheticSpec>>> = LazyLock::new(|| {
    let keys = vec![
        key!(
            "count",
            number(1..=MOST_IMAGES),
            |it: SyntheticSpec| it.count,
            "20",
            "Images of the set.",
        )
        .needed(),
        key!(
            "layers",
            number(1..=MOST_LAYERS),
            |it: SyntheticSpec| it.layers,
            "8",
            "Layers of each image.",
        )
        .needed(),
        key!(
            "layer_size",
            size::layer_size(),
            |it: SyntheticSpec| it.layer_size,
            r#""4MiB""#,
            "Size of a layer: one for all, one for each, or a distribution: between `min` and `max` (log-uniform), log-normal by \
             `median` and `sigma`, or that of layers stored in or requested from public registries.",
        )
        .needed(),
        key!(
            "shared_base_layers",
            number(0..=MOST_LAYERS),
            |it: SyntheticSpec| it.shared_base_layers,
            "2",
            "How many layers, from the bottom, all images of the set have in common.",
        ),
        key!(
            "format",
            words("format", FORMATS),
            |it: SyntheticSpec| it.format,
            r#""docker""#,
            "Kind of manifest.",
        ),
    ];
    keys.into_iter().map(|key| key.only(&[SYNTHETIC])).collect()
});

static ARCHIVE_KEYS: LazyLock<Vec<Key<Archive>>> = LazyLock::new(|| {
    let keys = vec![
        Key::custom(
            (
                "path",
                r#""image.tar""#,
                "A docker-save archive or an OCI layout, packed or as a directory.",
            ),
            Form::Text("path, relative to the scenario's directory"),
            |item, sink, it: &mut Archive| match archive_path(item, sink) {
                Some((path, as_written)) => {
                    (it.path, it.as_written) = (path, as_written);
                    true
                }
                None => false,
            },
            |it| Some(it.as_written.as_str().into()),
        )
        .needed(),
        key!(
            "compression",
            words("compression", COMPRESSIONS),
            |it: Archive| it.compression,
            r#""keep""#,
            "What becomes of layers that are not compressed: they are compressed once, as `docker push` does it, or kept.",
        ),
        key!(
            "reference",
            text_codec("text, at most 512 characters", value::words(512)).optional(),
            |it: Archive| it.reference,
            r#""lab/app:1""#,
            "Which image of the archive. Absent: all of them.",
        ),
    ];
    keys.into_iter().map(|key| key.only(&[ARCHIVE])).collect()
});

static EXISTING_KEYS: LazyLock<Vec<Key<Vec<ImageName>>>> = LazyLock::new(|| {
    let show = |references: &Vec<ImageName>| {
        let references = references.iter().map(|it| it.to_string().into());
        Some(Plain::List(references.collect()))
    };
    let form = Form::Text("image, such as `\"lab/app:1\"`").list(MOST_REFERENCES);
    let key = key!(
        "references",
        Codec::new(form, references, show),
        |it: Vec<ImageName>| *it,
        r#"["lab/img:1"]"#,
        "Images that the registry has. They are never pushed or deleted.",
    );
    vec![key.needed().only(&[EXISTING])]
});

/// As many references as a set has images.
const MOST_REFERENCES: usize = 100_000;

static VARIANTS: LazyLock<[Variant; 3]> = LazyLock::new(|| {
    let variant = |name, keys, meaning| Variant {
        name,
        keys,
        meaning,
    };
    [
        variant(
            SYNTHETIC,
            key::names(&SYNTHETIC_KEYS),
            "makes images from the seed",
        ),
        variant(
            ARCHIVE,
            key::names(&ARCHIVE_KEYS),
            "takes images from a file",
        ),
        variant(
            EXISTING,
            key::names(&EXISTING_KEYS),
            "names images that the registry has",
        ),
    ]
});

pub(super) fn read(entry: &Entry, sink: &Sink) -> Option<ImageSet> {
    let mut table = Table::open(&entry.item, sink)?;
    let kind = table.need("source", "source = \"synthetic\"", choice("source", KINDS));
    let Some(kind) = kind else {
        // One mistake does not hide the others.
        let mut seen = BTreeSet::new();
        key::look(
            &mut table,
            &SYNTHETIC_KEYS,
            &mut seen,
            &mut SyntheticSpec::default(),
        );
        key::look(
            &mut table,
            &ARCHIVE_KEYS,
            &mut seen,
            &mut Archive::default(),
        );
        key::look(&mut table, &EXISTING_KEYS, &mut seen, &mut Vec::new());
        table.undecided(&*VARIANTS);
        table.finish();
        return None;
    };
    let (word, source) = match kind {
        Kind::Synthetic => (SYNTHETIC, synthetic(&mut table).map(ImageSource::Synthetic)),
        Kind::Archive => {
            let mut archive = Archive::default();
            let is_good = key::read(&mut table, &*ARCHIVE_KEYS, &mut archive);
            (ARCHIVE, is_good.then_some(ImageSource::Archive(archive)))
        }
        Kind::Existing => {
            let mut named = Vec::new();
            let is_good = key::read(&mut table, &*EXISTING_KEYS, &mut named);
            (EXISTING, is_good.then_some(ImageSource::Existing(named)))
        }
    };
    table.variant("source", word, &*VARIANTS);
    table.finish();
    Some(ImageSet {
        name: entry.key.clone(),
        source: source?,
    })
}

/// A set of images as it would be written.
pub(super) fn show(source: &ImageSource) -> Fields {
    let (word, keys) = match source {
        ImageSource::Synthetic(it) => (SYNTHETIC, key::show(&*SYNTHETIC_KEYS, it)),
        ImageSource::Archive(it) => (ARCHIVE, key::show(&*ARCHIVE_KEYS, it)),
        ImageSource::Existing(it) => (EXISTING, key::show(&*EXISTING_KEYS, it)),
    };
    Fields::default().put("source", word).and(keys)
}

pub(super) fn section() -> Section {
    let source = crate::keys::form::Described::own(
        ("source", r#""synthetic""#),
        form_of(KINDS),
        "Where the images come from: they are made from the seed, read from an archive, or in the registry already.",
    );
    let mut keys = vec![source.needed()];
    keys.extend(key::describe(&SYNTHETIC_KEYS, &SyntheticSpec::default()));
    keys.extend(key::describe(&ARCHIVE_KEYS, &Archive::default()));
    keys.extend(key::describe(&EXISTING_KEYS, &Vec::new()));
    Section {
        name: "images",
        heading: "`[images.NAME]`",
        text: "A set of images that journeys push and pull.".to_owned(),
        keys,
        decider: Some("source"),
    }
}

fn synthetic(table: &mut Table<'_>) -> Option<SyntheticSpec> {
    let mut spec = SyntheticSpec::default();
    if !key::read(table, &*SYNTHETIC_KEYS, &mut spec) {
        return None;
    }
    let layers_spot = table.entry("layers").map(|entry| entry.item.spot.clone());
    let of_layers = |problem: Problem| match &layers_spot {
        Some(spot) => problem.also(spot.clone(), format!("each image has {}", spec.layers)),
        None => problem,
    };
    if spec.shared_base_layers > spec.layers
        && let Some(entry) = table.entry("shared_base_layers")
    {
        let spot = entry.item.spot.clone();
        let problem = Problem::new("more layers are shared than there are", spot);
        let label = format!("at most {}", spec.layers);
        table.sink().report(of_layers(problem.label(label)));
        return None;
    }
    if let SizeSpec::PerLayer(sizes) = &spec.layer_size
        && sizes.len() != spec.layers
        && let Some(entry) = table.entry("layer_size")
    {
        let spot = entry.item.spot.clone();
        let problem = Problem::new("not one size for each layer", spot)
            .label(format!("these are {}", sizes.len()));
        table.sink().report(of_layers(problem));
        return None;
    }
    Some(spec)
}

/// A number of things; there is no machine on which `usize` is smaller.
fn number(range: std::ops::RangeInclusive<u32>) -> Codec<usize> {
    whole(range).map(
        |number| usize::try_from(number).unwrap_or(usize::MAX),
        |number: &usize| u32::try_from(*number).unwrap_or(u32::MAX),
    )
}

/// The file or directory of an archive, and its path as it was written.
fn archive_path(item: &Item, sink: &Sink) -> Option<(PathBuf, String)> {
    let text = text(item, sink)?;
    let path = sink.base_dir().join(&text.value);
    if !text.value.is_empty() && path.exists() {
        return Some((path, text.value));
    }
    let shown = shorten(&text.as_written);
    let problem = Problem::new(format!("there is no `{shown}`"), item.spot.clone());
    sink.report(problem.label("relative paths start at the directory of the scenario"));
    None
}

fn references(item: &Item, sink: &Sink) -> Option<Vec<ImageName>> {
    let Value::Array(items) = &item.value else {
        sink.expected(item, "an array of references");
        return None;
    };
    if items.is_empty() {
        let problem = Problem::new("no image is named", item.spot.clone());
        sink.report(problem.label("write [\"lab/img:1\"]"));
        return None;
    }
    let read: Vec<Option<ImageName>> = items.iter().map(|item| parsed(item, sink)).collect();
    read.into_iter().collect()
}
