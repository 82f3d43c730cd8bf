//! One request of a replay: what is sent, and what was recorded of it.

use std::num::NonZeroU16;
use std::time::Duration;

use crate::oci::Operation;

/// One request of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// When it was received, since the slice began, in nanoseconds.
    pub at_ns: u64,
    /// The repository's number; 0 for an endpoint of none.
    pub repository: u32,
    /// What is sent.
    pub act: Act,
    /// What was recorded.
    pub recorded: Recorded,
}

/// What was recorded of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// The endpoint.
    pub operation: Operation,
    /// The status; `None` if the log does not tell.
    pub status: Option<NonZeroU16>,
    /// Bytes of the response's body; `None` if the log does not tell.
    pub received: Option<u64>,
    /// How long the registry took; `None` if the log does not tell.
    pub took: Option<Duration>,
}

/// A manifest or blob that a request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Name {
    /// A tag, by its number, which points at something.
    Tag(u32),
    /// The digest of a manifest or blob, by its number.
    Digest(u32),
    /// A tag that no repository has.
    NoTag(u64),
    /// A digest that no content has.
    NoDigest(u64),
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// The ping.
    Ping,
    /// The first page of the catalogue.
    Catalog,
    /// The first page of the tags of the repository.
    Tags,
    /// The tags of a repository that is not there.
    NoTags(u64),
    /// The manifests that refer to another.
    Referrers(Name),
    /// Whether a manifest is there.
    ManifestHead(Name),
    /// A manifest.
    ManifestGet(Name),
    /// Stores a manifest, by its number, under a tag or under its digest.
    ManifestPut {
        /// The manifest.
        manifest: u32,
        /// The tag; `None`: its digest.
        tag: Option<u32>,
    },
    /// Deletes a manifest or a tag.
    ManifestDelete(Name),
    /// Whether a blob is there.
    BlobHead(Name),
    /// A blob.
    BlobGet(Name),
    /// The first bytes of a blob, as many as were recorded.
    BlobPart {
        /// The blob.
        blob: u32,
        /// How many, before they are scaled; not zero.
        bytes: u64,
    },
    /// Deletes a blob.
    BlobDelete(Name),
    /// Opens an upload.
    Open {
        /// Its number.
        upload: u32,
    },
    /// Mounts a blob, which the other repository has.
    Mount {
        /// The blob.
        blob: u32,
        /// The other repository.
        from: u32,
    },
    /// Mounts a blob that the other repository does not have: an upload is opened instead.
    MountFails {
        /// The digest.
        digest: u64,
        /// The other repository.
        from: u32,
        /// The upload's number.
        upload: u32,
    },
    /// Sends a whole blob in one request.
    Post {
        /// The blob.
        blob: u32,
    },
    /// Sends a part of an upload.
    Patch {
        /// The upload's number.
        upload: u32,
        /// Which part.
        part: u32,
    },
    /// Closes an upload, with its last part.
    Close {
        /// The upload's number.
        upload: u32,
        /// Which part.
        part: u32,
    },
    /// Asks how much of an upload is there.
    Progress {
        /// The upload's number.
        upload: u32,
    },
    /// Cancels an upload.
    Cancel {
        /// The upload's number.
        upload: u32,
    },
}

impl Act {
    /// Returns `true` if it stores a manifest or a blob.
    pub const fn stores(&self) -> bool {
        matches!(
            self,
            Self::ManifestPut { .. } | Self::Mount { .. } | Self::Post { .. } | Self::Close { .. }
        )
    }

    /// Returns `true` if it needs the right to push.
    pub const fn writes(&self) -> bool {
        self.stores()
            || matches!(
                self,
                Self::Open { .. } | Self::MountFails { .. } | Self::Patch { .. }
            )
    }
}
