//! `head-tags`: reads the first page of the tags of a repository.

use super::super::chosen::Chosen;
use super::kind::Kind;
use super::requests::Requests;
use crate::keys::define::keys;
use crate::keys::table::Table;
use crate::oci::Operation;
use crate::profile::Habits;
use crate::scenario::selection::Selection;

keys! {
    /// Whose first tags are read.
    #[derive(Debug, Clone)]
    pub struct HeadTags {
        /// The images whose repositories are asked for their tags.
        pub images: Selection;
    }
}

impl Kind for HeadTags {
    const WORD: &'static str = "head-tags";
    const MEANING: &'static str = "reads the first tags of repositories";
    const TEXT: &'static str = "Reads the first page of the tags of a repository.";
    const VERB: &'static str = "list";

    fn take(&mut self, _: &mut Table<'_>, chosen: Chosen<'_>) -> Option<()> {
        self.images = chosen.selection??;
        Some(())
    }

    fn images(&self) -> Option<&Selection> {
        Some(&self.images)
    }

    fn operations(&self, _habits: &Habits) -> Vec<Operation> {
        vec![Operation::TagsList]
    }

    fn requests(&self, _habits: &Habits, _sizes: &[u64], _images: usize, requests: &mut Requests) {
        requests.add(Operation::TagsList, 1);
    }
}
