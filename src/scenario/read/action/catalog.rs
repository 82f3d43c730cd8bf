//! `catalog`: reads the repositories of the registry, every page.

use std::collections::BTreeSet;

use super::super::chosen::Chosen;
use super::kind::{Definition, Kind};
use super::requests::{Requests, pages};
use crate::keys::plain::Fields;
use crate::keys::table::Table;
use crate::oci::Operation;
use crate::profile::Habits;
use crate::scenario::selection::Selection;

const WORD: &str = "catalog";

/// What is in a catalogue.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// The images that are put there first, each into a repository of its own. `None`: the registry is as it is.
    pub images: Option<Selection>,
}

pub(super) static DEFINITION: Definition = Definition {
    word: WORD,
    meaning: "reads the repositories of the registry",
    text: "Reads the repositories of the registry, every page.",
    verb: "list",
    images_are_optional: true,
    reads_images: false,
    stores: false,
    look,
    described: || Vec::new(),
};

fn look(_table: &mut Table<'_>, _seen: &mut BTreeSet<&'static str>) {}

pub(super) fn read(table: &mut Table<'_>, chosen: Chosen<'_>, _: &Habits) -> Option<Catalog> {
    chosen.not_existing(table, "existing images need not be put there")?;
    Some(Catalog {
        images: chosen.selection?,
    })
}

impl Kind for Catalog {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn images(&self) -> Option<&Selection> {
        self.images.as_ref()
    }

    fn operations(&self, _habits: &Habits) -> Vec<Operation> {
        vec![Operation::Catalog]
    }

    fn requests(&self, habits: &Habits, _sizes: &[u64], images: usize, requests: &mut Requests) {
        requests.add(Operation::Catalog, pages(habits, images));
    }

    fn show(&self) -> Fields {
        Fields::default()
    }
}
