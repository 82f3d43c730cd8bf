//! The `[images.NAME]` tables.

use std::path::PathBuf;
use std::sync::LazyLock;

use super::size::layer_size;
use super::table::{Sink, Table, Variant, shorten};
use super::value::{choice, parsed, text, whole, words};
use crate::content::{Compression, Format, SizeSpec, SyntheticSpec};
use crate::oci::ImageName;
use crate::scenario::images::{ImageSet, ImageSource};
use crate::scenario::problem::Problem;
use crate::scenario::tree::{Entry, Item, Value};

/// Where images come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Synthetic,
    Archive,
    Existing,
}

const KINDS: [(&str, Kind); 3] = [
    ("synthetic", Kind::Synthetic),
    ("archive", Kind::Archive),
    ("existing", Kind::Existing),
];

static VARIANTS: LazyLock<[Variant; 3]> = LazyLock::new(|| {
    [
        Variant {
            name: "synthetic",
            keys: vec![
                "count",
                "layers",
                "layer_size",
                "shared_base_layers",
                "format",
            ],
            meaning: "makes images from the seed",
        },
        Variant {
            name: "archive",
            keys: vec!["path", "compression", "reference"],
            meaning: "takes images from a file",
        },
        Variant {
            name: "existing",
            keys: vec!["references"],
            meaning: "names images that the registry has",
        },
    ]
});

pub(super) fn read(entry: &Entry, sink: &Sink) -> Option<ImageSet> {
    let mut table = Table::open(&entry.item, sink)?;
    let kind = table.need("source", "source = \"synthetic\"", choice("source", &KINDS));
    let Some(kind) = kind else {
        undecided(&mut table);
        table.undecided(&*VARIANTS);
        table.finish();
        return None;
    };
    let name = KINDS
        .iter()
        .find(|(_, it)| *it == kind)
        .map_or("", |it| it.0);
    let source = match kind {
        Kind::Synthetic => synthetic(&mut table).map(ImageSource::Synthetic),
        Kind::Archive => archive(&mut table),
        Kind::Existing => table
            .need("references", "references = [\"lab/img:1\"]", references)
            .map(ImageSource::Existing),
    };
    table.variant("source", name, &*VARIANTS);
    table.finish();
    Some(ImageSet {
        name: entry.key.clone(),
        source: source?,
    })
}

const FORMATS: [(&str, Format); 2] = [("oci", Format::Oci), ("docker", Format::Docker)];
const MOST_IMAGES: u32 = 100_000;
const MOST_LAYERS: u32 = 128;

/// Reports what is wrong with the keys of any source: one mistake does not hide the others.
fn undecided(table: &mut Table<'_>) {
    let _ = table.may("count", whole(1..=MOST_IMAGES));
    let _ = table.may("layers", whole(1..=MOST_LAYERS));
    let _ = table.may("layer_size", layer_size);
    let _ = table.may("shared_base_layers", whole(0..=MOST_LAYERS));
    let _ = table.may("format", choice("format", &FORMATS));
    let _ = table.may("path", archive_path);
    let _ = table.may("compression", choice("compression", &COMPRESSIONS));
    let _ = table.may("reference", words(512));
    let _ = table.may("references", references);
}

fn synthetic(table: &mut Table<'_>) -> Option<SyntheticSpec> {
    let count = table.need("count", "count = 20", whole(1..=MOST_IMAGES));
    let layers = table.need("layers", "layers = 8", whole(1..=MOST_LAYERS));
    let layer_size = table.need("layer_size", "layer_size = \"4MiB\"", layer_size);
    let shared = table.or("shared_base_layers", 0, whole(0..=MOST_LAYERS));
    let format = table.or("format", Format::Oci, choice("format", &FORMATS));
    let (layers, layer_size, shared) = (layers?, layer_size?, shared?);
    let layers_spot = table.entry("layers").map(|entry| entry.item.spot.clone());
    let of_layers = |problem: Problem| match &layers_spot {
        Some(spot) => problem.also(spot.clone(), format!("each image has {layers}")),
        None => problem,
    };
    if shared > layers
        && let Some(entry) = table.entry("shared_base_layers")
    {
        let spot = entry.item.spot.clone();
        let problem = Problem::new("more layers are shared than there are", spot);
        let label = format!("at most {layers}");
        table.sink().report(of_layers(problem.label(label)));
        return None;
    }
    if let SizeSpec::PerLayer(sizes) = &layer_size
        && sizes.len() != number(layers)
        && let Some(entry) = table.entry("layer_size")
    {
        let spot = entry.item.spot.clone();
        let problem = Problem::new("not one size for each layer", spot)
            .label(format!("these are {}", sizes.len()));
        table.sink().report(of_layers(problem));
        return None;
    }
    Some(SyntheticSpec {
        count: number(count?),
        layers: number(layers),
        layer_size,
        shared_base_layers: number(shared),
        format: format?,
        ..SyntheticSpec::default()
    })
}

/// A number of things; there is no machine on which `usize` is smaller.
fn number(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

const COMPRESSIONS: [(&str, Compression); 2] =
    [("gzip", Compression::Gzip), ("keep", Compression::Keep)];

fn archive(table: &mut Table<'_>) -> Option<ImageSource> {
    let path = table.need("path", "path = \"image.tar\"", archive_path);
    let compression = table.or(
        "compression",
        Compression::Gzip,
        choice("compression", &COMPRESSIONS),
    );
    let reference = table.may("reference", words(512));
    let (path, as_written) = path?;
    Some(ImageSource::Archive {
        path,
        as_written,
        compression: compression?,
        reference: reference?,
    })
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
