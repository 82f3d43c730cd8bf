//! `catalog`: reads the repositories of the registry, every page.

use super::super::chosen::Chosen;
use super::kind::Kind;
use super::requests::{Requests, pages};
use crate::keys::define::keys;
use crate::keys::table::Table;
use crate::oci::Operation;
use crate::profile::Habits;
use crate::scenario::selection::Selection;

keys! {
    /// What is in a catalogue.
    #[derive(Debug, Clone)]
    pub struct Catalog {
        /// The images that are put there first, each into a repository of its own. `None`: the registry is as it is.
        pub images: Option<Selection>;
    }
}

impl Kind for Catalog {
    const WORD: &'static str = "catalog";
    const MEANING: &'static str = "reads the repositories of the registry";
    const TEXT: &'static str = "Reads the repositories of the registry, every page.";
    const VERB: &'static str = "list";
    const IMAGES_ARE_OPTIONAL: bool = true;
    const READS_IMAGES: bool = false;

    fn take(&mut self, table: &mut Table<'_>, chosen: Chosen<'_>) -> Option<()> {
        chosen.not_existing(table, "existing images need not be put there")?;
        self.images = chosen.selection?;
        Some(())
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
}
