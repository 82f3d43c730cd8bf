//! Clean-up: deletes what the run has put into the registry, as far as the plan wants and the registry allows it.

use std::cell::{Cell, RefCell};

use futures_util::stream::{self, StreamExt as _};
use http::StatusCode;

use super::classify;
use super::iteration_id::IterationId;
use super::leftovers::{self, Leftovers};
use super::prepare::SetupClient;
use crate::measure::{FailureClass, Period};
use crate::oci::Reference;
use crate::plan::CleanUp;
use crate::registry;

/// Failed deletions in a row after which no more are tried.
const MOST_REFUSALS: u32 = 5;

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
    /// Deletes what the run has put into the registry, and nothing that was there before.
    /// `stored` are the iterations that have stored something, with the places of their loads in the plan.
    pub(super) async fn clean_up(
        &mut self,
        stored: impl Iterator<Item = (usize, IterationId)>,
    ) -> Left {
        let policy = self.shared.plan.prepare.clean_up;
        self.recording.enter(Period::CleanUp);
        let mut left = Left::default();
        if policy == CleanUp::None {
            return left;
        }
        let mut settled = self.inventory.settled();
        let by_users = leftovers::stored(&self.shared, stored).map(move |mut leftovers| {
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
        let all = self.inventory.added().into_iter().chain(by_users);
        let parallel = self.shared.plan.prepare.parallel.get();
        let deleting = stream::iter(all)
            .take_while(|_| std::future::ready(left.goes_on()))
            .for_each_concurrent(parallel, |leftovers| self.remove(leftovers, policy, &left));
        let mut stop = self.stop.clone();
        let cut = tokio::select! {
            () = deleting => false,
            () = stop.wait_aborted() => true,
        };
        left.cut = cut;
        self.note_retries("clean-up");
        left
    }

    /// Deletes from one repository: the manifests first, then, if all is to go, the blobs.
    async fn remove(&self, leftovers: Leftovers, policy: CleanUp, left: &Left) {
        let repository = &leftovers.repository;
        for digest in leftovers.manifests {
            if left.goes_on() {
                let reference = Reference::Digest(digest);
                let delete = async || self.client.manifest_delete(repository, &reference).await;
                left.count(self.retries.run(delete).await);
            }
        }
        let blobs = match policy {
            CleanUp::All => leftovers.blobs,
            CleanUp::Manifests | CleanUp::None => Vec::new(),
        };
        for digest in blobs {
            if left.goes_on() {
                let delete = async || self.client.blob_delete(repository, &digest).await;
                left.count(self.retries.run(delete).await);
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
