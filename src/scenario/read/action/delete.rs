//! `delete`: deletes a manifest, which it has stored itself.

use std::collections::BTreeSet;

use super::super::chosen::Chosen;
use super::kind::{Definition, Kind};
use super::requests::{Requests, resolving, resolving_head};
use crate::keys::plain::Fields;
use crate::keys::table::Table;
use crate::oci::Operation;
use crate::profile::{DeleteBy, Habits};
use crate::scenario::selection::Selection;

const WORD: &str = "delete";

/// What is deleted: in each iteration a manifest of its own, with the config and the layers of an image of the set.
#[derive(Debug, Clone, Default)]
pub struct Delete {
    /// The images whose blobs the manifests name.
    pub images: Selection,
}

pub(super) static DEFINITION: Definition = Definition {
    word: WORD,
    meaning: "deletes manifests that it has stored itself",
    text: "Deletes a manifest, which it has stored itself.",
    verb: "delete",
    images_are_optional: false,
    reads_images: true,
    stores: true,
    look,
    described: || Vec::new(),
};

fn look(_table: &mut Table<'_>, _seen: &mut BTreeSet<&'static str>) {}

pub(super) fn read(table: &mut Table<'_>, chosen: Chosen<'_>, _: &Habits) -> Option<Delete> {
    chosen.not_existing(table, "existing images cannot be deleted")?;
    let images = chosen.selection??;
    Some(Delete { images })
}

impl Kind for Delete {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
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

    fn show(&self) -> Fields {
        Fields::default()
    }
}
