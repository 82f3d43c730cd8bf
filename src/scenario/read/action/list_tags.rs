//! `list-tags`: reads the tags of a repository, every page.

use std::num::NonZeroUsize;

use super::super::chosen::Chosen;
use super::kind::Kind;
use super::needs::Needs;
use super::requests::{Requests, pages};
use crate::keys::codec::number_of;
use crate::keys::define::keys;
use crate::keys::table::Table;
use crate::oci::Operation;
use crate::profile::Habits;
use crate::scenario::selection::Selection;

keys! {
    /// Whose tags are listed.
    #[derive(Debug, Clone)]
    pub struct ListTags {
        /// The images whose repositories are asked for their tags.
        pub images: Selection;
        /// Tags that are given to each image before the load.
        ///
        /// `None`: existing images have those that they have.
        pub tags: Option<NonZeroUsize> => number_of(100_000).optional(), 500,
            defaults_to("`1`; existing images have the tags that they have");
    }
}

impl Kind for ListTags {
    const WORD: &'static str = "list-tags";
    const MEANING: &'static str = "reads the tags of repositories";
    const TEXT: &'static str = "Reads the tags of a repository, every page.";
    const VERB: &'static str = "list";

    fn take(&mut self, table: &mut Table<'_>, chosen: Chosen<'_>) -> Option<()> {
        self.tags = chosen.seeded(table, "tags", self.tags)?;
        self.images = chosen.selection??;
        Some(())
    }

    fn images(&self) -> Option<&Selection> {
        Some(&self.images)
    }

    fn needs(&self) -> Option<Needs<'_>> {
        Some(Needs {
            tags: self.tags.map_or(1, NonZeroUsize::get),
            ..Needs::of(&self.images)
        })
    }

    fn operations(&self, _habits: &Habits) -> Vec<Operation> {
        vec![Operation::TagsList]
    }

    fn requests(&self, habits: &Habits, _sizes: &[u64], _images: usize, requests: &mut Requests) {
        let tags = self.tags.map_or(1, NonZeroUsize::get);
        requests.add(Operation::TagsList, pages(habits, tags));
    }
}
