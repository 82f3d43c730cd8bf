//! What one iteration of a journey asks of a registry, by the habits of its client.

use std::num::NonZeroUsize;

use super::{Action, Cache, Journey, PollMethod, Pull, Push};
use crate::oci::Operation;
use crate::profile::{
    Checks, DeleteBy, Habits, ManifestCheck, PullAgain, PullHabits, PushHabits, PushMethod, Resolve,
};
use crate::units::ByteSize;

/// The requests of one image, and the bytes of its layers that they move.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Asked {
    counts: Vec<(Operation, u64)>, // in the order in which they come
    pub(super) down: u64,
    pub(super) up: u64,
    pub(super) largest: u64, // bytes of layers that one request moves at most
}

impl Asked {
    /// Of an image whose layers have these sizes, the bottom one first.
    ///
    /// A push is counted as if the registry had none of the blobs that it is not said to have, and gave all that are
    /// to be mounted; a list as if it held what seeding puts there, `images` of them, and in pages as long as they
    /// are asked for.
    pub(super) fn of(journey: &Journey, sizes: &[u64], images: usize) -> Self {
        let habits = &journey.habits;
        let mut asked = Self::default();
        if let Action::Delete(_) = journey.action {
            asked.add(Operation::ManifestPut, 1);
        }
        asked.add(Operation::Ping, habits.ping.into());
        match &journey.action {
            Action::Pull(pull) => asked.pull(&habits.pull, pull, sizes),
            Action::Push(push) => asked.push(&habits.push, push, sizes),
            Action::Poll(poll) => match poll.method {
                PollMethod::Head => asked.add(Operation::ManifestHead, 1),
                PollMethod::Get => asked.add(Operation::ManifestGet, 1),
            },
            Action::ListTags(list) => {
                let tags = list.tags.map_or(1, NonZeroUsize::get);
                asked.add(Operation::TagsList, pages(habits, tags));
            }
            Action::Catalog(_) => asked.add(Operation::Catalog, pages(habits, images)),
            Action::Referrers(_) => asked.add(Operation::Referrers, 1),
            Action::Delete(_) => {
                if habits.delete == DeleteBy::Resolved {
                    asked.add(resolving(habits.pull.resolve), 1);
                }
                asked.add(Operation::ManifestDelete, 1);
            }
        }
        asked
    }

    /// By operation, in the order in which they come first.
    pub(super) fn counts(&self) -> &[(Operation, u64)] {
        &self.counts
    }

    fn add(&mut self, operation: Operation, count: u64) {
        if count == 0 {
            return;
        }
        match self.counts.iter_mut().find(|(it, _)| *it == operation) {
            Some((_, so_far)) => *so_far += count,
            None => self.counts.push((operation, count)),
        }
    }

    fn pull(&mut self, habits: &PullHabits, pull: &Pull, sizes: &[u64]) {
        let warm = pull.cache == Cache::Warm;
        if let Resolve::Head(_) = habits.resolve {
            self.add(Operation::ManifestHead, 1);
            if warm && habits.again == PullAgain::Everything {
                return;
            }
        }
        self.add(Operation::ManifestGet, 1);
        let again = habits.again;
        let here = match again {
            PullAgain::Nothing => 0,
            _ => pull.cache.layers(sizes.len()),
        };
        let fetched = &sizes[here..];
        let config = !warm || matches!(again, PullAgain::Nothing | PullAgain::Layers);
        let requests = |size: &u64| {
            habits
                .part_size
                .map_or(1, |part| size.div_ceil(part.get()).max(1))
        };
        let layers: u64 = fetched.iter().map(requests).sum();
        self.add(Operation::BlobGet, layers + u64::from(config));
        self.down = fetched.iter().sum();
        let part = habits.part_size.map_or(u64::MAX, ByteSize::get);
        self.largest = fetched.iter().max().map_or(0, |size| part.min(*size));
    }

    fn push(&mut self, habits: &PushHabits, push: &Push, sizes: &[u64]) {
        let warm = push.cache == Cache::Warm;
        match habits.manifest_check {
            ManifestCheck::First | ManifestCheck::FirstByDigest => {
                self.add(Operation::ManifestHead, 1);
                if warm {
                    let tags = habits.manifest_check == ManifestCheck::FirstByDigest;
                    self.add(Operation::ManifestPut, tags.into());
                    return;
                }
            }
            ManifestCheck::Never | ManifestCheck::BeforePut => {}
        }
        let mounts = push.mount_from.is_some();
        if mounts && habits.mount.ping {
            self.add(Operation::Ping, 1);
        }
        let there = push.cache.layers(sizes.len());
        for (layer, size) in sizes.iter().enumerate() {
            let blob = Blob {
                size: *size,
                there: layer < there,
                known: mounts || layer < there,
                checks: habits.layer_checks,
                method: habits.method,
                mounted: mounts,
            };
            if self.blob(habits, &blob) {
                self.up += *size;
                let part = match blob.method {
                    PushMethod::Chunks { size } => size.get(),
                    _ => u64::MAX,
                };
                self.largest = self.largest.max(part.min(*size));
            }
        }
        let config = Blob {
            size: 1,
            there: warm,
            known: mounts,
            checks: habits.config_checks,
            method: habits.config_method,
            mounted: mounts && habits.mount.config,
        };
        self.blob(habits, &config);
        if habits.manifest_check == ManifestCheck::BeforePut {
            self.add(Operation::ManifestHead, 1);
            if warm {
                return;
            }
        }
        self.add(Operation::ManifestPut, 1);
    }

    /// Are its bytes sent?
    fn blob(&mut self, habits: &PushHabits, blob: &Blob) -> bool {
        let asks = match blob.checks {
            Checks::Never => false,
            Checks::Known => blob.known,
            Checks::Once | Checks::Twice => true,
        };
        self.add(Operation::BlobHead, asks.into());
        if asks && blob.there {
            return false;
        }
        if blob.mounted {
            self.add(Operation::BlobHead, habits.mount.check_source.into());
            self.add(Operation::UploadMount, 1);
            self.add(Operation::BlobHead, habits.mount.check_mounted.into());
            return false;
        }
        self.add(Operation::BlobHead, (blob.checks == Checks::Twice).into());
        if blob.method == PushMethod::Post {
            self.add(Operation::UploadPost, 1);
        } else {
            self.add(Operation::UploadStart, 1);
            let patches = match blob.method {
                PushMethod::Patch | PushMethod::PatchChunked => 1,
                PushMethod::Chunks { size } => blob.size.div_ceil(size.get().max(1)),
                PushMethod::Post | PushMethod::Put => 0,
            };
            self.add(Operation::UploadPatch, patches);
            self.add(Operation::UploadPut, 1);
        }
        self.add(Operation::BlobHead, habits.commit_check.into());
        true
    }
}

/// The pages of a list of so many entries.
fn pages(habits: &Habits, entries: usize) -> u64 {
    let entries = u64::try_from(entries).unwrap_or(u64::MAX);
    let page = habits.wire.page_size.map_or(u64::MAX, u64::from);
    entries.div_ceil(page.max(1)).max(1)
}

/// The request by which a tag becomes a digest.
const fn resolving(resolve: Resolve) -> Operation {
    match resolve {
        Resolve::Head(_) => Operation::ManifestHead,
        Resolve::Get => Operation::ManifestGet,
    }
}

/// One blob of a push.
struct Blob {
    size: u64, // of a config any that fits into one chunk
    there: bool,
    known: bool,
    checks: Checks,
    method: PushMethod,
    mounted: bool,
}
