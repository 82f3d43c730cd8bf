//! How a client finds the image for a platform in an index.

use crate::units::words;

/// How a client finds the image for a platform in an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexChoice {
    /// Which entries fit, and which one of them is taken.
    pub matching: Matching,
    /// Whether the client normalises the platform that its user writes (`x86_64` to `amd64`).
    pub normalizes: bool,
    /// What an entry without a platform is taken for.
    pub without_platform: WithoutPlatform,
    /// Whether entries are passed over whose type is no kind of manifest.
    pub passes_unknown_types: bool,
    /// What of the chosen entry must be right.
    pub relies_on: EntryUse,
}

/// Which entries of an index fit a platform, and which one of them is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matching {
    /// Whatever runs there, with names normalised; the closest one: containerd's `platforms.Only`.
    Closest,
    /// Names as they are written; the variant that is asked for, then older ones, then none: containers/image.
    Variants,
    /// Names as they are written, the variant where one is asked for; the first entry that fits.
    First,
}

/// What an entry without a platform is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutPlatform {
    /// For no image that could be asked for.
    Nothing,
    /// For an image that fits when no other entry does.
    LastResort,
    /// The same, and so is one whose platform says nothing (`{}`).
    LastResortOrEmpty,
    /// The same as `LastResort` in an OCI index; in a Docker list for nothing.
    LastResortInOci,
    /// For an image for `linux/amd64`.
    LinuxAmd64,
}

/// What of an index's entry a client relies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryUse {
    /// The digest: type and size may be missing or wrong.
    Digest,
    /// Digest, type and size, and the manifest must have that size.
    Descriptor,
}

impl IndexChoice {
    /// containerd, BuildKit, and who follows the library of both.
    pub(super) const CONTAINERD: Self = Self {
        matching: Matching::Closest,
        normalizes: true,
        without_platform: WithoutPlatform::LastResort,
        passes_unknown_types: false,
        relies_on: EntryUse::Descriptor,
    };

    /// dockerd with its graph-driver store, since version 23.
    pub(super) const DOCKER: Self = Self {
        without_platform: WithoutPlatform::LastResortOrEmpty,
        passes_unknown_types: true,
        relies_on: EntryUse::Digest,
        ..Self::CONTAINERD
    };

    /// skopeo, which takes the names of a platform as they are written.
    pub(super) const SKOPEO: Self = Self {
        matching: Matching::Variants,
        normalizes: false,
        without_platform: WithoutPlatform::LastResortInOci,
        passes_unknown_types: false,
        relies_on: EntryUse::Digest,
    };

    /// podman and buildah, which normalise them.
    pub(super) const PODMAN: Self = Self {
        normalizes: true,
        ..Self::SKOPEO
    };

    /// crane.
    pub(super) const CRANE: Self = Self {
        matching: Matching::First,
        normalizes: false,
        without_platform: WithoutPlatform::LinuxAmd64,
        passes_unknown_types: false,
        relies_on: EntryUse::Digest,
    };

    /// oras.
    pub(super) const ORAS: Self = Self {
        without_platform: WithoutPlatform::Nothing,
        relies_on: EntryUse::Descriptor,
        ..Self::CRANE
    };

    /// No client: the closest image, and what is unknown is passed over, as the specification asks.
    pub(super) const PLAIN: Self = Self {
        passes_unknown_types: true,
        ..Self::CONTAINERD
    };
}

words! { Matching {
    "closest" => Self::Closest,
    "variants" => Self::Variants,
    "first" => Self::First,
}}

words! { WithoutPlatform {
    "nothing" => Self::Nothing,
    "last-resort" => Self::LastResort,
    "last-resort-or-empty" => Self::LastResortOrEmpty,
    "last-resort-in-oci" => Self::LastResortInOci,
    "linux-amd64" => Self::LinuxAmd64,
}}

words! { EntryUse {
    "digest" => Self::Digest,
    "descriptor" => Self::Descriptor,
}}
