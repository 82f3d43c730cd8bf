//! What happens outside the measured window.

use std::num::NonZeroUsize;

use crate::units::words;

/// What is done before and after the measured window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prepare {
    /// Whether the images that pull journeys need are pushed first.
    pub seed: bool,
    /// What is deleted at the end, of what this run pushed.
    pub clean_up: CleanUp,
    /// Images pushed at once while seeding, 1 to 64.
    pub parallel: NonZeroUsize,
}

/// What is deleted at the end. Never anything that the run did not push itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CleanUp {
    /// Nothing.
    None,
    /// The manifests.
    Manifests,
    /// The manifests and the blobs.
    All,
}

words! { CleanUp {
    "none" => Self::None,
    "manifests" => Self::Manifests,
    "all" => Self::All,
}}

impl Default for Prepare {
    /// Images are pushed, and nothing is deleted on a registry unless its user says so.
    fn default() -> Self {
        Self {
            seed: true,
            clean_up: CleanUp::None,
            parallel: NonZeroUsize::new(4).expect("4 is not 0"),
        }
    }
}
