//! What images are made of.
//!
//! This room holds the specification of content: how many images, how many layers, how large. It does not decide
//! which images a journey takes, and it sends nothing.

mod spec;

pub use spec::{Compression, Format, SizeSpec, SyntheticSpec};
