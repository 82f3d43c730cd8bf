//! `list-tags`: reads the tags of a repository, every page.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::LazyLock;

use super::super::chosen::Chosen;
use super::kind::{Definition, Kind};
use super::needs::Needs;
use super::requests::{Requests, pages};
use crate::keys::codec::number_of;
use crate::keys::key::{self, Key, key};
use crate::keys::plain::Fields;
use crate::keys::table::Table;
use crate::oci::Operation;
use crate::profile::Habits;
use crate::scenario::selection::Selection;

const WORD: &str = "list-tags";

/// Whose tags are listed.
#[derive(Debug, Clone, Default)]
pub struct ListTags {
    /// The images whose repositories are asked for their tags.
    pub images: Selection,
    /// How many tags seeding gives to each image, 1 to 100,000. `None`: existing images have those that they have.
    pub tags: Option<NonZeroUsize>,
}

static KEYS: LazyLock<Vec<Key<ListTags>>> = LazyLock::new(|| {
    let tags = key!(
        "tags",
        number_of(100_000).optional(),
        |it: ListTags| it.tags,
        "500",
        "Tags that are given to each image before the load.",
    );
    vec![
        tags.defaults_to("`1`; existing images have the tags that they have")
            .only(&[WORD]),
    ]
});

pub(super) static DEFINITION: Definition = Definition {
    word: WORD,
    meaning: "reads the tags of repositories",
    text: "Reads the tags of a repository, every page.",
    verb: "list",
    images_are_optional: false,
    reads_images: true,
    stores: false,
    look,
    described: || key::describe(&KEYS, &ListTags::default()),
};

fn look(table: &mut Table<'_>, seen: &mut BTreeSet<&'static str>) {
    key::look(table, &KEYS, seen, &mut ListTags::default());
}

pub(super) fn read(table: &mut Table<'_>, chosen: Chosen<'_>, _: &Habits) -> Option<ListTags> {
    let mut list = ListTags::default();
    let is_good = key::read(table, &*KEYS, &mut list);
    list.tags = chosen.seeded(table, "tags", list.tags)?;
    list.images = chosen.selection??;
    is_good.then_some(list)
}

impl Kind for ListTags {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
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

    fn show(&self) -> Fields {
        key::show(&*KEYS, self)
    }
}
