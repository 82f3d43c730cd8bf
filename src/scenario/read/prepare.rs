//! The `[prepare]` table.

use std::num::NonZeroUsize;

use crate::keys::codec::{flag, number_of, words};
use crate::keys::define::keys;
use crate::keys::section::Section;
use crate::units::words;

keys! {
    /// What is done before and after the measured window. Nothing is deleted on a registry unless its user says so.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Prepare {
        /// Push the images that journeys need before the load begins.
        pub seed: bool = true => flag(), false;
        /// What is deleted at the end, of what this run stored: nothing, manifests, or manifests and blobs.
        pub clean_up: CleanUp = CleanUp::None => words("clean-up", CleanUp::WORDS), "all";
        /// Images pushed at once before the load.
        pub parallel: NonZeroUsize = NonZeroUsize::new(4).expect("4 is not 0") => number_of(64), 8;
    }
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

pub(super) fn section() -> Section {
    Section::of::<Prepare>(
        "prepare",
        "`[prepare]`",
        "What happens outside the measured window.",
    )
}
