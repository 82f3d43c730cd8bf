//! The actions of journeys: a file for each, with its keys, what it needs in the registry, and what it requests.

mod cache;
mod catalog;
mod delete;
mod kind;
mod list_tags;
mod needs;
mod poll;
mod pull;
mod push;
mod referrers;
mod requests;

use std::collections::BTreeSet;
use std::sync::LazyLock;

pub use self::cache::Cache;
pub use self::catalog::Catalog;
pub use self::delete::Delete;
pub(super) use self::kind::Definition;
use self::kind::Kind;
pub use self::list_tags::ListTags;
pub use self::needs::{ARTIFACT_TYPE, Needs, SeedPlace};
pub use self::poll::{Poll, PollMethod};
pub use self::pull::Pull;
pub use self::push::Push;
pub use self::referrers::Referrers;
pub(crate) use self::requests::Requests;
use super::chosen::Chosen;
use crate::keys::form::{Described, Form};
use crate::keys::plain::Fields;
use crate::keys::table::{Sink, Table, Variant};
use crate::keys::tree::Item;
use crate::keys::value::choice;
use crate::oci::Operation;
use crate::profile::Habits;
use crate::scenario::selection::Selection;

/// What a journey does.
#[derive(Debug, Clone)]
pub enum Action {
    /// Takes an image from the registry.
    Pull(Pull),
    /// Gives an image to the registry.
    Push(Push),
    /// Asks what a tag points at.
    Poll(Poll),
    /// Reads the tags of a repository, every page.
    ListTags(ListTags),
    /// Reads the repositories of the registry, every page.
    Catalog(Catalog),
    /// Reads what refers to an image, every page.
    Referrers(Referrers),
    /// Deletes a manifest, which it has stored itself.
    Delete(Delete),
}

type Read = fn(&mut Table<'_>, Chosen<'_>, &Habits) -> Option<Action>;

/// Every action and how it is read, in the order of the reference.
static ALL: [(&Definition, Read); 7] = [
    (&pull::DEFINITION, |table, chosen, habits| {
        pull::read(table, chosen, habits).map(Action::Pull)
    }),
    (&push::DEFINITION, |table, chosen, habits| {
        push::read(table, chosen, habits).map(Action::Push)
    }),
    (&poll::DEFINITION, |table, chosen, habits| {
        poll::read(table, chosen, habits).map(Action::Poll)
    }),
    (&list_tags::DEFINITION, |table, chosen, habits| {
        list_tags::read(table, chosen, habits).map(Action::ListTags)
    }),
    (&catalog::DEFINITION, |table, chosen, habits| {
        catalog::read(table, chosen, habits).map(Action::Catalog)
    }),
    (&referrers::DEFINITION, |table, chosen, habits| {
        referrers::read(table, chosen, habits).map(Action::Referrers)
    }),
    (&delete::DEFINITION, |table, chosen, habits| {
        delete::read(table, chosen, habits).map(Action::Delete)
    }),
];

impl Action {
    fn kind(&self) -> &dyn Kind {
        match self {
            Self::Pull(it) => it,
            Self::Push(it) => it,
            Self::Poll(it) => it,
            Self::ListTags(it) => it,
            Self::Catalog(it) => it,
            Self::Referrers(it) => it,
            Self::Delete(it) => it,
        }
    }

    /// The word in scenarios and plans.
    pub fn word(&self) -> &'static str {
        self.kind().definition().word
    }

    /// The images it has to do with.
    pub fn images(&self) -> Option<&Selection> {
        self.kind().images()
    }

    /// What must be in the registry before the load begins: what it asks for, what it is said to have pushed before,
    /// what it mounts from. `None`: nothing need be there.
    pub fn needs(&self) -> Option<Needs<'_>> {
        self.kind().needs()
    }

    /// Returns `true` if it stores content that clean-up deletes.
    pub fn stores(&self) -> bool {
        self.kind().definition().stores
    }

    /// The images without which it can only fail.
    pub(super) fn reads(&self) -> Option<&Selection> {
        self.images()
            .filter(|_| self.kind().definition().reads_images)
    }

    /// The verb in "there is nothing to ...".
    pub(super) fn verb(&self) -> &'static str {
        self.kind().definition().verb
    }

    /// The operations that it may send, but for pings, tokens and redirects.
    pub(crate) fn operations(&self, habits: &Habits) -> Vec<Operation> {
        self.kind().operations(habits)
    }

    /// The most requests of one user in flight at once.
    pub(crate) fn in_flight(&self, habits: &Habits) -> usize {
        self.kind().in_flight(habits)
    }

    /// The requests of one iteration with an image whose layers have these sizes, the bottom one first.
    ///
    /// A push is counted as if the registry had none of the blobs that it is not said to have, and gave all that are
    /// to be mounted; a list as if it held what seeding puts there, `images` of them, and in pages as long as they
    /// are asked for.
    pub(crate) fn requests(&self, habits: &Habits, sizes: &[u64], images: usize) -> Requests {
        let mut requests = Requests::default();
        requests.add(Operation::Ping, habits.ping.into());
        self.kind().requests(habits, sizes, images, &mut requests);
        requests
    }

    /// Its own keys, as they would be written.
    pub(crate) fn show(&self) -> Fields {
        self.kind().show()
    }
}

/// Reads the word of an action.
pub(super) fn definition(item: &Item, sink: &Sink) -> Option<&'static Definition> {
    static WORDS: LazyLock<Vec<(&'static str, usize)>> = LazyLock::new(|| {
        let words = ALL.iter().enumerate();
        words.map(|(index, (it, _))| (it.word, index)).collect()
    });
    choice("action", &WORDS)(item, sink).map(|index| ALL[index].0)
}

/// Reads what belongs to one action alone, before the habits of its client.
pub(super) fn read(
    table: &mut Table<'_>,
    definition: &Definition,
    chosen: Chosen<'_>,
    habits: &Habits,
) -> Option<Action> {
    let (_, read) = ALL.iter().find(|(it, _)| it.word == definition.word)?;
    read(table, chosen, habits)
}

/// Reads the own keys of every action, where nobody knows which one is meant: one mistake does not hide the others.
/// `method` is a key of two of them, and is left alone.
pub(super) fn undecided(table: &mut Table<'_>) {
    let mut seen = BTreeSet::from(["method"]);
    for (definition, _) in ALL {
        (definition.look)(table, &mut seen);
    }
}

/// The actions with the keys that belong to some of them; `shared` are those of habits.
pub(super) fn variants(shared: &[&Described]) -> Vec<Variant> {
    ALL.iter()
        .map(|(it, _)| {
            let shared = shared.iter().filter(|key| key.only.contains(&it.word));
            let own = (it.described)();
            let own = own.iter().map(|key| key.name);
            Variant {
                name: it.word,
                keys: own.chain(shared.map(|key| key.name)).collect(),
                meaning: it.meaning,
            }
        })
        .collect()
}

/// The form of the key `action`.
pub(super) fn form() -> Form {
    Form::Words(ALL.iter().map(|(it, _)| it.word).collect())
}

/// What each action does, as a list in Markdown.
pub(super) fn list() -> String {
    let lines = ALL
        .iter()
        .map(|(it, _)| format!("- `{}`: {}\n", it.word, it.text));
    lines.collect()
}

/// The own keys of all actions.
pub(super) fn described() -> Vec<Described> {
    ALL.iter().flat_map(|(it, _)| (it.described)()).collect()
}
