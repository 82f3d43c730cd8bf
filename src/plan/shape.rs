//! What synthetic images are like once they are drawn from the seed.

use std::ops::RangeInclusive;

use super::{ImageSource, Plan};
use crate::content::SyntheticSet;

/// What the images of a synthetic set are like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// The name of the set.
    pub set: String,
    /// Images of the set; at least one.
    pub images: usize,
    /// The fewest and the most layers of an image.
    pub layers: RangeInclusive<usize>,
    /// Layers of all images, one that they share once for each.
    pub all_layers: usize,
    /// The bytes of the smallest and of the largest layer; 0 where no image has layers.
    pub layer_bytes: RangeInclusive<u64>,
    /// The bytes of all layers, one that they share once.
    pub bytes: u64,
}

impl Plan {
    /// What the images of the synthetic sets are like, in the order of the sets. One that is impossible is left out.
    pub fn shapes(&self) -> Vec<Shape> {
        let sets = self.images.iter().enumerate();
        let shapes = sets.filter_map(|(index, set)| {
            let ImageSource::Synthetic(spec) = &set.source else {
                return None;
            };
            let drawn = SyntheticSet::new(spec.clone(), self.image_seed(index)).ok()?;
            Some(Shape::of(&set.name, &drawn))
        });
        shapes.collect()
    }

    /// The sizes of the layers of each image of a set; `None` until they are read from an archive or a registry.
    pub(super) fn layer_sizes(&self, set: usize) -> Option<Vec<Vec<u64>>> {
        let ImageSource::Synthetic(spec) = &self.images[set].source else {
            return None;
        };
        let drawn = SyntheticSet::new(spec.clone(), self.image_seed(set)).ok()?;
        let image = |index| drawn.layer_sizes(index).collect();
        Some((0..drawn.len()).map(image).collect())
    }
}

impl Shape {
    fn of(set: &str, drawn: &SyntheticSet) -> Self {
        let images = || 0..drawn.len();
        let sizes = || images().flat_map(|image| drawn.layer_sizes(image));
        let layers = || images().map(|image| drawn.layers(image));
        Self {
            set: set.to_owned(),
            images: drawn.len(),
            layers: layers().min().unwrap_or(0)..=layers().max().unwrap_or(0),
            all_layers: layers().sum(),
            layer_bytes: sizes().min().unwrap_or(0)..=sizes().max().unwrap_or(0),
            bytes: drawn.layer_bytes(),
        }
    }
}
