//! What sessions are: pulls, pushes, checks, and how much is in them.

use std::collections::HashMap;
use std::num::NonZeroU16;
use std::time::Duration;

use serde::Serialize;

use super::request::Request;
use super::time::Timestamp;
use crate::oci::Operation;

/// The most sessions that are open at one time. When there are more, all are counted as they are.
const MOST_OPEN: usize = 1 << 19;
/// Requests between two looks at which sessions are over.
const SWEEP: u64 = 1 << 14;

/// What sessions are. Each is one of these, and each has requests in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SessionMix {
    /// Sessions in which a manifest was stored or an upload was begun.
    pub pushes: u64,
    /// Other sessions in which a blob was fetched.
    pub pulls: u64,
    /// Other sessions in which a manifest was requested: nothing had to be fetched.
    pub checks: u64,
    /// Other sessions in which tags, repositories or referrers were listed.
    pub lists: u64,
    /// All others.
    pub others: u64,
    /// Blobs that were fetched in pulls.
    pub pulled_blobs: u64,
    /// Uploads that were begun in pushes, mounts included.
    pub begun_uploads: u64,
    /// Blobs that were mounted (201).
    pub mounted_blobs: u64,
    /// Manifests that were stored.
    pub stored_manifests: u64,
}

/// What was seen of a session.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    end: Option<Timestamp>,
    blobs: u64,
    manifests: u64,
    lists: u64,
    uploads: u64,
    mounted: u64,
    stored: u64,
}

/// Follows the sessions of requests that come in the order of their starts.
#[derive(Debug)]
pub(super) struct Activity {
    gap: Duration,
    open: HashMap<u64, Seen>,
    seen: u64,
    mix: SessionMix,
}

impl Activity {
    pub(super) fn new(gap: Duration) -> Self {
        Self {
            gap,
            open: HashMap::new(),
            seen: 0,
            mix: SessionMix::default(),
        }
    }

    pub(super) fn add(&mut self, request: &Request) {
        use Operation::{
            BlobGet, Catalog, ManifestGet, ManifestHead, ManifestPut, Redirected, Referrers,
            TagsList, UploadMount, UploadPost, UploadStart,
        };
        self.seen += 1;
        if self.seen.is_multiple_of(SWEEP) || self.open.len() > MOST_OPEN {
            self.sweep(request.start);
        }
        let status = request.status.map_or(0, NonZeroU16::get);
        let seen = self.open.entry(request.session).or_default();
        match request.operation {
            Some(BlobGet | Redirected) => seen.blobs += 1,
            Some(ManifestGet | ManifestHead) => seen.manifests += 1,
            Some(ManifestPut) => seen.stored += 1,
            Some(TagsList | Referrers | Catalog) => seen.lists += 1,
            Some(UploadStart | UploadPost) => seen.uploads += 1,
            Some(UploadMount) => {
                seen.uploads += 1;
                seen.mounted += u64::from(status == 201);
            }
            _ => {}
        }
        let took = request.duration.unwrap_or_default().as_nanos();
        let took = u64::try_from(took).unwrap_or(u64::MAX);
        let end = Timestamp::from_nanos(request.start.nanos().saturating_add(took));
        seen.end = seen.end.max(Some(end));
    }

    fn sweep(&mut self, now: Timestamp) {
        let (gap, mix) = (self.gap, &mut self.mix);
        let must = self.open.len() > MOST_OPEN;
        self.open.retain(|_, seen| {
            let is_open = seen.end.is_some_and(|end| now.since(end) <= gap) && !must;
            if !is_open {
                mix.count(seen);
            }
            is_open
        });
    }

    pub(super) fn finish(mut self) -> SessionMix {
        let mix = &mut self.mix;
        self.open.retain(|_, seen| {
            mix.count(seen);
            false
        });
        self.mix
    }
}

impl SessionMix {
    fn count(&mut self, seen: &Seen) {
        if seen.stored + seen.uploads > 0 {
            self.pushes += 1;
            self.begun_uploads += seen.uploads;
            self.mounted_blobs += seen.mounted;
            self.stored_manifests += seen.stored;
        } else if seen.blobs > 0 {
            self.pulls += 1;
            self.pulled_blobs += seen.blobs;
        } else if seen.manifests > 0 {
            self.checks += 1;
        } else if seen.lists > 0 {
            self.lists += 1;
        } else {
            self.others += 1;
        }
    }
}
