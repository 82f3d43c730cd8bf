//! Clean-up: deletes what the run has put into the registry, as far as the plan wants and the registry allows it.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use http::StatusCode;
use tokio::time::sleep;

use super::begun::{StoredBy, Which};
use super::classify;
use super::leftovers::{self, Leftovers};
use super::prepare::SetupClient;
use crate::measure::{FailureClass, Period};
use crate::oci::Reference;
use crate::plan::CleanUp;
use crate::registry;

/// Failed deletions in a row after which no more are tried.
const MOST_REFUSALS: u32 = 5;

/// From one look to the next at what may have been stored after it was deleted: a request that was cut off may be under way in the
/// registry or in a proxy, and nobody hears of its end.
const LATER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];

/// What clean-up left undone.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Manifests and blobs deleted.
    deleted: Cell<u64>,
    /// Why no more deletions were tried: the registry's words, or that it does not respond.
    stopped: RefCell<Option<String>>,
    /// Deletions that failed in another way.
    failed: Cell<u64>,
    /// Those of them since one succeeded.
    in_a_row: Cell<u32>,
    /// Whether clean-up was stopped.
    pub(super) cut: bool,
}

impl SetupClient {
    /// Deletes what the run has put into the registry, and nothing that was there before. What was cut off is deleted once more
    /// after a while, in case that it was stored later.
    pub(super) async fn clean_up(&mut self, stored: StoredBy<'_>) -> Left {
        let policy = self.shared.plan.prepare.clean_up;
        self.recording.enter(Period::CleanUp);
        let mut left = Left::default();
        if policy == CleanUp::None {
            return left;
        }
        let mut stop = self.stop.clone();
        let deleting = async {
            self.delete(stored, Which::All, &left).await;
            let mut unknown = stored.iter(Which::Unknown);
            if unknown.next().is_none() && self.inventory.missed().is_empty() {
                return;
            }
            for pause in LATER {
                if left.goes_on() {
                    sleep(pause).await;
                    self.delete(stored, Which::Unknown, &left).await;
                }
            }
        };
        let cut = tokio::select! {
            () = deleting => false,
            () = stop.wait_aborted() => true,
        };
        left.cut = cut;
        self.note_retries("clean-up");
        left
    }

    /// Deletes all, or only what may have been stored since that was done.
    async fn delete(&self, stored: StoredBy<'_>, which: Which, left: &Left) {
        let policy = self.shared.plan.prepare.clean_up;
        let (seeds, mut settled) = match which {
            Which::All => (self.inventory.added(), self.inventory.settled()),
            // What was seeded may have been pushed again.
            Which::Unknown => (self.inventory.missed(), self.inventory.before()),
        };
        let by_users = leftovers::stored(&self.shared, stored.iter(which));
        let by_users = by_users.map(move |mut leftovers| {
            let Leftovers {
                repository,
                manifests,
                blobs,
            } = &mut leftovers;
            for list in [manifests, blobs] {
                list.retain(|digest| settled.add(repository, *digest));
            }
            leftovers
        });
        let parallel = self.shared.plan.prepare.parallel.get();
        stream::iter(seeds.into_iter().chain(by_users))
            .take_while(|_| std::future::ready(left.goes_on()))
            .for_each_concurrent(parallel, |leftovers| self.remove(leftovers, policy, left))
            .await;
    }

    /// Deletes from one repository: the manifests first, then, if all is to go, the blobs.
    async fn remove(&self, leftovers: Leftovers, policy: CleanUp, left: &Left) {
        let repository = &leftovers.repository;
        for digest in leftovers.manifests {
            if left.goes_on() {
                let reference = Reference::Digest(digest);
                let delete = async || self.client.manifest_delete(repository, &reference).await;
                let deleted = self.retries.run(delete).await;
                if matches!(deleted, Ok(false)) {
                    self.inventory.not_found(repository, digest);
                }
                left.count(deleted);
            }
        }
        let blobs = match policy {
            CleanUp::All => leftovers.blobs,
            CleanUp::Manifests | CleanUp::None => Vec::new(),
        };
        for digest in blobs {
            if left.goes_on() {
                let delete = async || self.client.blob_delete(repository, &digest).await;
                let deleted = self.retries.run(delete).await;
                if matches!(deleted, Ok(false)) {
                    self.inventory.not_found(repository, digest);
                }
                left.count(deleted);
            }
        }
    }
}

impl Left {
    /// Returns how many manifests and blobs were deleted.
    pub(super) const fn deleted(&self) -> u64 {
        self.deleted.get()
    }

    /// Returns what a reader has to know of it.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.cut {
            notes.push("clean-up was cut short: what the run pushed is still there".to_owned());
        }
        if let Some(stopped) = self.stopped.take() {
            notes.push(format!("clean-up stopped: {stopped}"));
        }
        match self.failed.get() {
            0 => {}
            failed => notes.push(format!("clean-up: {failed} deletions failed")),
        }
        notes
    }

    fn goes_on(&self) -> bool {
        self.stopped.borrow().is_none()
    }

    fn count(&self, result: Result<bool, registry::Error>) {
        let error = match result {
            Ok(deleted) => {
                self.deleted.set(self.deleted.get() + u64::from(deleted));
                return self.in_a_row.set(0);
            }
            Err(error) => error,
        };
        self.failed.set(self.failed.get() + 1);
        self.in_a_row.set(self.in_a_row.get() + 1);
        // It would not let us delete the others either, or let us wait as long for each.
        if never_again(&error) {
            self.stopped.replace(Some(error.to_string()));
        } else if self.in_a_row.get() >= MOST_REFUSALS {
            let text = format!("{MOST_REFUSALS} deletions failed in a row, the last: {error}");
            self.stopped.replace(Some(text));
        }
    }
}

fn never_again(error: &registry::Error) -> bool {
    matches!(
        error.status(),
        Some(StatusCode::METHOD_NOT_ALLOWED | StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED)
    ) || classify::exchange(error.kind()) == FailureClass::Timeout
}
