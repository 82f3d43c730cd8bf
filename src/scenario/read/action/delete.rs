//! `delete`: deletes a manifest, which it has stored itself.

use super::super::chosen::Chosen;
use super::kind::Kind;
use super::requests::{Requests, resolving, resolving_head};
use crate::keys::define::keys;
use crate::keys::table::Table;
use crate::oci::Operation;
use crate::profile::{DeleteBy, Habits};
use crate::scenario::selection::Selection;

keys! {
    /// What is deleted: in each iteration a manifest of its own, with the config and the layers of an image of the set.
    #[derive(Debug, Clone)]
    pub struct Delete {
        /// The images whose blobs the manifests name.
        pub images: Selection;
    }
}

impl Kind for Delete {
    const WORD: &'static str = "delete";
    const MEANING: &'static str = "deletes manifests that it has stored itself";
    const TEXT: &'static str = "Deletes a manifest, which it has stored itself.";
    const VERB: &'static str = "delete";
    const STORES: bool = true;

    fn take(&mut self, table: &mut Table<'_>, chosen: Chosen<'_>) -> Option<()> {
        chosen.not_existing(table, "existing images cannot be deleted")?;
        self.images = chosen.selection??;
        Some(())
    }

    fn images(&self) -> Option<&Selection> {
        Some(&self.images)
    }

    fn operations(&self, habits: &Habits) -> Vec<Operation> {
        let mut operations = Vec::new();
        if habits.delete == DeleteBy::Resolved {
            operations.extend(resolving_head(habits));
            operations.push(Operation::ManifestGet);
        }
        operations.extend([Operation::ManifestPut, Operation::ManifestDelete]);
        operations
    }

    fn requests(&self, habits: &Habits, _sizes: &[u64], _images: usize, requests: &mut Requests) {
        requests.add(Operation::ManifestPut, 1);
        if habits.delete == DeleteBy::Resolved {
            requests.add(resolving(habits.pull.resolve), 1);
        }
        requests.add(Operation::ManifestDelete, 1);
    }
}
