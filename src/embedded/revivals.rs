//! What comes back after it was deleted, when faults want that.

use std::rc::Rc;

use tokio::time::Instant;

use crate::oci::{Digest, Reference, RepositoryName, Tag};

use super::blob::Reservation;
use super::store::{Store, StoredManifest};

/// Something deleted that is to come back.
#[derive(Debug)]
struct Revival {
    at: Instant,
    name: RepositoryName,
    manifest: Option<Rc<StoredManifest>>,
    tags: Vec<(Tag, Digest, Reservation)>,
}

/// What was deleted and is to come back.
#[derive(Debug, Default)]
pub(super) struct Revivals(Vec<Revival>);

impl Revivals {
    /// Notes what is about to be deleted, to come back then. Tags that there is no room for stay away.
    pub(super) fn add(
        &mut self,
        store: &Store,
        (name, reference): (&RepositoryName, &Reference),
        at: Instant,
        reserve: impl Fn() -> Option<Reservation>,
    ) {
        let Some(repository) = store.repository(name) else {
            return;
        };
        let (manifest, tags) = match reference {
            Reference::Tag(tag) => {
                let led = repository.leads_to(tag);
                (None, led.map(|it| (tag, *it)).into_iter().collect())
            }
            Reference::Digest(digest) => {
                let tags = repository.tags_of(digest).map(|tag| (tag, *digest));
                (
                    repository.manifest(digest).cloned(),
                    tags.collect::<Vec<_>>(),
                )
            }
        };
        let tags = tags.into_iter();
        let tags = tags.filter_map(|(tag, digest)| Some((tag.clone(), digest, reserve()?)));
        let revival = Revival {
            at,
            name: name.clone(),
            manifest,
            tags: tags.collect(),
        };
        self.0.push(revival);
    }

    /// Brings back what is due.
    pub(super) fn come(&mut self, store: &mut Store) {
        if self.0.is_empty() {
            return;
        }
        let now = Instant::now();
        let (due, later) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|it| it.at <= now);
        self.0 = later;
        let due: Vec<Revival> = due;
        for it in due {
            if let Some(manifest) = it.manifest {
                store.put_manifest(&it.name, manifest);
            }
            for (tag, digest, reservation) in it.tags {
                store.tag(&it.name, tag, digest, reservation);
            }
        }
    }
}
