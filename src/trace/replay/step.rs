//! One request of a replay: what is sent, and what was recorded of it.

use std::num::NonZeroU16;
use std::time::Duration;

use super::super::request::Request;
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

// A replay of two million requests holds as many of these.
const _: () = assert!(
    size_of::<Step>() <= 56,
    "a step takes more memory than the guide says"
);

/// What was recorded of a request. A replay holds millions of them, so what is unknown has a number that nothing else has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// The endpoint.
    pub operation: Operation,
    /// The status; `None` if the log does not tell.
    pub status: Option<NonZeroU16>,
    received: u64,
    took_us: u32,
}

impl Recorded {
    pub(super) fn of(operation: Operation, request: &Request) -> Self {
        let took_us = request.duration.map(|it| u32::try_from(it.as_micros()));
        Self {
            operation,
            status: request.status,
            received: request.received.unwrap_or(u64::MAX),
            took_us: took_us.map_or(u32::MAX, |it| it.unwrap_or(u32::MAX).min(u32::MAX - 1)),
        }
    }

    /// Bytes of the response's body; `None` if the log does not tell.
    pub fn received(&self) -> Option<u64> {
        (self.received < u64::MAX).then_some(self.received)
    }

    /// How long the registry took, in whole microseconds, at most 71 minutes; `None` if the log does not tell.
    pub fn took(&self) -> Option<Duration> {
        (self.took_us < u32::MAX).then(|| Duration::from_micros(self.took_us.into()))
    }
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
        /// The upload that was opened instead of taking it.
        upload: Option<u32>,
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

impl Step {
    /// Returns how long its client thought, in nanoseconds, after the request before it had ended; if the trace does not tell
    /// when that was, since that began.
    pub fn think_ns(&self, before: &Self) -> u64 {
        let took = before.recorded.took().unwrap_or_default().as_nanos();
        let took = u64::try_from(took).unwrap_or(u64::MAX);
        self.at_ns.saturating_sub(before.at_ns.saturating_add(took))
    }
}

impl Act {
    /// Returns `true` if it stores a manifest or a blob.
    pub const fn stores(&self) -> bool {
        matches!(
            self,
            Self::ManifestPut { .. }
                | Self::Mount { .. }
                | Self::Post { upload: None, .. }
                | Self::Close { .. }
        )
    }

    /// Returns `true` if it needs the right to push.
    pub const fn writes(&self) -> bool {
        self.stores()
            || matches!(
                self,
                Self::Open { .. }
                    | Self::Post { .. }
                    | Self::MountFails { .. }
                    | Self::Patch { .. }
            )
    }
}
