//! `copy`: copies an image to another repository of the registry.

use super::super::chosen::Chosen;
use super::cache::Cache;
use super::kind::Kind;
use super::push::{Push, pushed, repository};
use super::requests::{Requests, resolving, resolving_head};
use crate::keys::codec::flag;
use crate::keys::define::keys;
use crate::keys::problem::Problem;
use crate::keys::table::Table;
use crate::oci::{Operation, RepositoryName};
use crate::profile::Habits;
use crate::scenario::client::JourneyClient;
use crate::scenario::selection::Selection;

keys! {
    /// How an image is copied.
    #[derive(Debug, Clone)]
    pub struct CopyImage {
        /// The images, where they are copied from.
        pub images: Selection;
        /// What the names of the repositories that images are copied to start with.
        pub to: RepositoryName = default_target() => repository(), "lab/mirror", needed;
        /// Copy into a repository of its own in each iteration.
        pub fresh_repository: bool = true => flag(), false;
    }
}

fn default_target() -> RepositoryName {
    let name = "regstorm/copies".parse();
    name.expect("two words of letters and a slash")
}

impl CopyImage {
    /// The push that is its second half. What one iteration leaves in a repository, the next one finds there.
    pub(crate) fn as_push(&self, mounts: bool) -> Push {
        Push {
            images: self.images.clone(),
            cache: if self.fresh_repository {
                Cache::Cold
            } else {
                Cache::Warm
            },
            mount_from: mounts.then(|| self.images.repository.clone()),
            fresh_repository: self.fresh_repository,
            unique: false,
            same_tag: false,
        }
    }
}

impl Kind for CopyImage {
    const WORD: &'static str = "copy";
    const MEANING: &'static str = "copies images to another repository";
    const TEXT: &'static str = "Copies an image to another repository of the registry.";
    const VERB: &'static str = "copy";
    const STORES: bool = true;
    const MOVES_LAYERS: bool = true;

    fn fits(table: &mut Table<'_>, clients: &[JourneyClient]) -> bool {
        let mut clients = clients.iter();
        let Some(other) = clients.find(|it| !it.profile.copies) else {
            return true;
        };
        let entry = table.entry("client");
        let spot = entry.map_or_else(|| table.spot().clone(), |it| it.item.spot.clone());
        let message = format!("`{}` has no command that copies", other.profile.name);
        let label = "use crane, oras, podman (which is skopeo) or plain; or a pull and a push";
        table
            .sink()
            .report(Problem::new(message, spot).label(label));
        false
    }

    fn take(&mut self, table: &mut Table<'_>, chosen: Chosen<'_>) -> Option<()> {
        chosen.not_existing(
            table,
            "clean-up could not tell what is copied of existing images",
        )?;
        self.images = chosen.selection??;
        Some(())
    }

    fn images(&self) -> Option<&Selection> {
        Some(&self.images)
    }

    fn operations(&self, habits: &Habits) -> Vec<Operation> {
        let reads = [Operation::ManifestGet, Operation::BlobGet];
        let reads = resolving_head(habits).into_iter().chain(reads);
        let push = pushed(habits, &self.as_push(habits.copy.mounts));
        reads.chain(push).collect()
    }

    fn requests(&self, habits: &Habits, sizes: &[u64], images: usize, requests: &mut Requests) {
        let mounts = habits.copy.mounts;
        if resolving(habits.pull.resolve) == Operation::ManifestHead {
            requests.add(Operation::ManifestHead, 1);
        }
        requests.add(Operation::ManifestGet, 1);
        requests.add(Operation::Ping, habits.ping.into());
        self.as_push(mounts)
            .requests(habits, sizes, images, requests);
        let layers = u64::try_from(sizes.len()).unwrap_or(u64::MAX);
        if self.fresh_repository && !mounts {
            requests.add(Operation::BlobGet, layers);
            requests.down = sizes.iter().sum();
        }
        if self.fresh_repository && !(mounts && habits.push.mount.config) {
            requests.add(Operation::BlobGet, 1);
        }
        if habits.copy.reads_back {
            requests.add(Operation::ManifestGet, 1);
        }
    }

    fn stores_apart(&self) -> bool {
        self.fresh_repository
    }

    fn in_flight(&self, habits: &Habits) -> usize {
        let sent_on = !habits.copy.mounts || !habits.push.mount.config;
        habits.copy.parallel.get() * if sent_on { 2 } else { 1 }
    }
}
