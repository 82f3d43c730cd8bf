//! The images that journeys push and pull.

use std::path::PathBuf;

use crate::content::{Compression, SyntheticSpec};
use crate::oci::ImageName;

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
    /// Images that the registry has already. Not empty. They are never pushed or deleted.
    Existing(Vec<ImageName>),
}

/// A docker-save archive or an OCI layout, packed or as a directory.
#[derive(Debug, Clone, Default)]
pub struct Archive {
    /// The file or directory, found to exist.
    pub path: PathBuf,
    /// The path as the scenario has it, relative to the scenario's directory.
    pub as_written: String,
    /// What becomes of its layers before they are sent.
    pub compression: Compression,
    /// Which of its images; all of them when absent.
    pub reference: Option<String>,
}
