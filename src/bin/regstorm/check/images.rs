//! What the images of a plan are like: how many layers they have, and how large these are.

use std::fmt::Display;
use std::ops::RangeInclusive;

use regstorm::plan::{Plan, Shape};
use regstorm::units;

use super::{number, table, to_f64};

/// A table of the synthetic sets, and an empty line; nothing if there is none.
pub(super) fn show(plan: &Plan) -> String {
    let shapes = plan.shapes();
    if shapes.is_empty() {
        return String::new();
    }
    let head = [
        "images",
        "count",
        "layers of an image",
        "bytes of a layer",
        "all layers",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(shapes.iter().map(row));
    format!("{}\n", table(&rows))
}

fn row(shape: &Shape) -> Vec<String> {
    let mut layers = range(&shape.layers, ToString::to_string);
    if shape.layers.start() < shape.layers.end() {
        let count = |number: usize| to_f64(number as u64);
        let mean = number(count(shape.all_layers) / count(shape.images));
        layers = format!("{layers}, {mean} on average");
    }
    vec![
        shape.set.clone(),
        units::count(shape.images as u64),
        layers,
        range(&shape.layer_bytes, |bytes| units::bytes(*bytes)),
        units::bytes(shape.bytes),
    ]
}

/// Both ends, or the one that both are.
fn range<T: PartialEq, S: Display>(range: &RangeInclusive<T>, show: impl Fn(&T) -> S) -> String {
    let (start, end) = (range.start(), range.end());
    if start == end {
        show(start).to_string()
    } else {
        format!("{} to {}", show(start), show(end))
    }
}
