//! The sessions of a slice of a trace, in memory.

use std::time::Duration;

use super::blobs::Untold;
use super::fresh::Fresh;
use super::left_out::LeftOut;
use super::manifests::ManifestShape;
use super::needs::Needs;
use super::step::{Act, Step};
use super::uploads::Upload;

/// The sessions of a slice of a trace, and the content that they are about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sessions {
    pub(super) steps: Box<[Step]>, // by session, in the order of their starts
    pub(super) index: Box<[Session]>, // in the order of their starts
    pub(super) repositories: u32,
    pub(super) blobs: Vec<u64>,
    pub(super) manifests: Vec<ManifestShape>,
    pub(super) uploads: Vec<Upload>,
    pub(super) needs: Needs,
    pub(super) fresh: Fresh,
    pub(super) left_out: LeftOut,
    pub(super) untold: Untold,
    pub(super) cut_off: u64,
    pub(super) checksum: u128,
}

/// A session: requests of one client to one repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// When its first request was received, since the slice began, in nanoseconds.
    pub at_ns: u64,
    /// When its last request was received.
    pub last_ns: u64,
    /// Its first request.
    pub(super) first: u32,
    /// How many it has; not zero.
    pub(super) count: u32,
}

impl Sessions {
    /// The sessions, in the order of their first requests. Not empty, once they were read.
    pub fn sessions(&self) -> &[Session] {
        &self.index
    }

    /// The requests of a session, in the order of their starts. Not empty.
    pub fn steps(&self, session: &Session) -> &[Step] {
        let first = session.first as usize;
        &self.steps[first..first + session.count as usize]
    }

    /// All requests, session by session.
    pub fn all_steps(&self) -> &[Step] {
        &self.steps
    }

    /// How many repositories there are; they are numbered from 0.
    pub const fn repositories(&self) -> u32 {
        self.repositories
    }

    /// The bytes of each blob, by its number.
    pub fn blobs(&self) -> &[u64] {
        &self.blobs
    }

    /// The manifests, by number.
    pub fn manifests(&self) -> &[ManifestShape] {
        &self.manifests
    }

    /// Returns the blob of the upload that a request closes.
    pub fn closed(&self, step: &Step) -> Option<u32> {
        match step.act {
            Act::Close { upload, .. } => Some(self.uploads[upload as usize].blob),
            _ => None,
        }
    }

    /// The uploads, by number.
    pub fn uploads(&self) -> &[Upload] {
        &self.uploads
    }

    /// What must be in the registry before the first request.
    pub const fn needs(&self) -> &Needs {
        &self.needs
    }

    /// What is not there before the first request, because the replay stores it before it reads it.
    pub const fn fresh(&self) -> &Fresh {
        &self.fresh
    }

    /// Requests of the slice that are not sent.
    pub const fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// Blobs whose size the trace does not tell.
    pub const fn untold(&self) -> Untold {
        self.untold
    }

    /// Responses with a blob that were shorter than the blob. They are requested whole: a log does not tell whether the client
    /// left or the registry broke off.
    pub const fn cut_off(&self) -> u64 {
        self.cut_off
    }

    /// The 128-bit XXH3 of the requests that were read: two replays of equal ones are alike.
    pub const fn checksum(&self) -> u128 {
        self.checksum
    }

    /// From the beginning of the slice to the start of its last request.
    pub fn span(&self) -> Duration {
        let last = self.index.iter().map(|it| it.last_ns).max();
        Duration::from_nanos(last.unwrap_or_default())
    }

    /// The most sessions at once, as they were recorded: from the start of the first request of each to the end of its last.
    pub fn most_at_once(&self) -> usize {
        let mut ends: Vec<u64> = Vec::with_capacity(self.index.len());
        for session in &self.index {
            let steps = self.steps(session).iter();
            let ended = steps.map(|step| {
                let took = step.recorded.took().unwrap_or_default().as_nanos();
                step.at_ns
                    .saturating_add(u64::try_from(took).unwrap_or(u64::MAX))
            });
            ends.push(ended.max().unwrap_or(session.last_ns));
        }
        ends.sort_unstable();
        let (mut most, mut over) = (0, 0);
        for (begun, session) in self.index.iter().enumerate() {
            while ends[over] < session.at_ns {
                over += 1;
            }
            most = most.max(begun + 1 - over);
        }
        most
    }

    /// The bytes of the blobs that must be there before, once for each repository.
    pub fn seeded_bytes(&self) -> u64 {
        let mut there: Vec<(u32, u32)> = Vec::new();
        for it in &self.needs.manifests {
            let blobs = self.manifests[it.manifest as usize].blobs.iter();
            there.extend(blobs.map(|blob| (it.repository, *blob)));
        }
        let alone = self.needs.blobs.iter();
        there.extend(alone.map(|it| (it.repository, it.blob)));
        there.sort_unstable();
        there.dedup();
        let sizes = there.iter().map(|(_, blob)| self.blobs[*blob as usize]);
        sizes.sum()
    }
}
