//! The actions of journeys: a file for each, with its keys, what it needs in the registry, and what it requests.

mod cache;
mod catalog;
mod copy;
mod delete;
mod kind;
mod lazy_pull;
mod list_tags;
mod needs;
mod poll;
mod pull;
mod push;
mod referrers;
mod replay;
mod requests;

use std::collections::BTreeSet;
use std::sync::LazyLock;

pub use self::cache::Cache;
pub use self::catalog::Catalog;
pub use self::copy::CopyImage;
pub use self::delete::Delete;
use self::kind::{Definition, Kind};
pub use self::lazy_pull::LazyPull;
pub use self::list_tags::ListTags;
pub use self::needs::{ARTIFACT_TYPE, Needs, SeedPlace};
pub use self::poll::{Poll, PollMethod};
pub use self::pull::Pull;
pub use self::push::Push;
pub use self::referrers::Referrers;
pub use self::replay::Replay;
pub(crate) use self::requests::Requests;
use crate::keys::form::{Described, Form};
use crate::keys::key::Keyed;
use crate::keys::plain::Fields;
use crate::keys::table::{Sink, Table, Variant};
use crate::keys::tree::Item;
use crate::keys::value::choice;
use crate::oci::{Operation, Verify};
use crate::profile::Habits;
use crate::scenario::selection::Selection;

/// Defines [`Action`] by its kinds: each is a type that is a [`Kind`].
macro_rules! actions {
    ($($(#[$doc:meta])* $kind:ident,)*) => {
        /// What a journey does.
        #[derive(Debug, Clone)]
        pub enum Action {
            $($(#[$doc])* $kind($kind),)*
        }

        /// Every action, in the order of the reference.
        static ALL: &[Definition<Action>] = &[
            $(Definition::of::<$kind>(|table, chosen, clients| {
                kind::read(table, chosen, clients).map(Action::$kind)
            }),)*
        ];

        impl Action {
            /// The word in scenarios and plans.
            pub fn word(&self) -> &'static str {
                match self { $(Self::$kind(_) => $kind::WORD,)* }
            }

            /// The images it has to do with.
            pub fn images(&self) -> Option<&Selection> {
                match self { $(Self::$kind(it) => it.images(),)* }
            }

            /// What must be in the registry before the load begins: what it asks for, what it is said to have pushed before,
            /// what it mounts from. `None`: nothing need be there.
            pub fn needs(&self) -> Option<Needs<'_>> {
                match self { $(Self::$kind(it) => it.needs(),)* }
            }

            /// Returns `true` if it stores content that clean-up deletes.
            pub fn stores(&self) -> bool {
                match self { $(Self::$kind(_) => $kind::STORES,)* }
            }

            /// Returns `true` if each iteration stores something of its own, or at a place of its own.
            pub fn stores_apart(&self) -> bool {
                match self { $(Self::$kind(it) => it.stores_apart(),)* }
            }

            /// Returns `true` if its iterations give their new content the same tag, one for each image.
            pub fn shares_tags(&self) -> bool {
                match self { $(Self::$kind(it) => it.shares_tags(),)* }
            }

            /// What is checked of each blob that it fetches.
            pub fn verify(&self) -> Verify {
                match self { $(Self::$kind(it) => it.verify(),)* }
            }

            /// Returns `true` if its requests depend on the layers of its image.
            pub fn moves_layers(&self) -> bool {
                match self { $(Self::$kind(_) => $kind::MOVES_LAYERS,)* }
            }

            /// Every action's word, and what a virtual user does with it.
            pub fn words() -> impl Iterator<Item = (&'static str, &'static str)> {
                ALL.iter().map(|it| (it.word, it.text))
            }

            /// The images without which it can only fail.
            pub(super) fn reads(&self) -> Option<&Selection> {
                let reads = match self { $(Self::$kind(_) => $kind::READS_IMAGES,)* };
                self.images().filter(|_| reads)
            }

            /// The verb in "there is nothing to ...".
            pub(super) fn verb(&self) -> &'static str {
                match self { $(Self::$kind(_) => $kind::VERB,)* }
            }

            /// The operations that it may send, but for pings, tokens and redirects.
            pub(crate) fn operations(&self, habits: &Habits) -> Vec<Operation> {
                match self { $(Self::$kind(it) => it.operations(habits),)* }
            }

            /// The most requests of one user in flight at once.
            pub(crate) fn in_flight(&self, habits: &Habits) -> usize {
                match self { $(Self::$kind(it) => it.in_flight(habits),)* }
            }

            /// The requests of one iteration with an image whose layers have these sizes, the bottom one first.
            ///
            /// A push is counted as if the registry had none of the blobs that it is not said to have, and gave all that are
            /// to be mounted; a list as if it held what seeding puts there, `images` of them, and in pages as long as they
            /// are asked for.
            pub(crate) fn requests(&self, habits: &Habits, sizes: &[u64], images: usize) -> Requests {
                let mut requests = Requests::default();
                requests.add(Operation::Ping, habits.ping.into());
                match self { $(Self::$kind(it) => it.requests(habits, sizes, images, &mut requests),)* }
                requests
            }

            /// Its own keys, as they would be written.
            pub(crate) fn show(&self) -> Fields {
                match self { $(Self::$kind(it) => it.show(),)* }
            }
        }
    };
}

actions! {
    /// Takes an image from the registry.
    Pull,
    /// Mounts the layers of an image without pulling them, and reads parts of them.
    LazyPull,
    /// Gives an image to the registry.
    Push,
    /// Copies an image to another repository of the registry.
    CopyImage,
    /// Asks what a tag points at.
    Poll,
    /// Reads the tags of a repository, every page.
    ListTags,
    /// Reads the repositories of the registry, every page.
    Catalog,
    /// Reads what refers to an image, every page.
    Referrers,
    /// Deletes a manifest, which it has stored itself.
    Delete,
    /// Sends the requests of a trace again, a session in each iteration.
    Replay,
}

/// The action that a word names.
pub(super) fn definition(item: &Item, sink: &Sink) -> Option<&'static Definition<Action>> {
    static WORDS: LazyLock<Vec<(&'static str, &Definition<Action>)>> =
        LazyLock::new(|| ALL.iter().map(|it| (it.word, it)).collect());
    choice("action", &WORDS)(item, sink)
}

/// Reads the own keys of every action, where nobody knows which one is meant: one mistake does not hide the others.
/// `method` is a key of two of them, and is left alone.
pub(super) fn undecided(table: &mut Table<'_>) {
    let mut seen = BTreeSet::from(["method"]);
    for definition in ALL {
        (definition.look)(table, &mut seen);
    }
}

/// The actions with the keys that belong to some of them; `shared` are those of habits.
pub(super) fn variants(shared: &[Described]) -> Vec<Variant> {
    let of = |it: &Definition<Action>| {
        let mut variant = (it.variant)();
        let shared = shared.iter().filter(|key| key.only.contains(&it.word));
        variant.keys.extend(shared.map(|key| key.name));
        variant
    };
    ALL.iter().map(of).collect()
}

/// The form of the key `action`.
pub(super) fn form() -> Form {
    Form::Words(ALL.iter().map(|it| it.word).collect())
}

/// What each action does, as a list in Markdown.
pub(super) fn list() -> String {
    let lines = ALL
        .iter()
        .map(|it| format!("- `{}`: {}\n", it.word, it.text));
    lines.collect()
}

/// The own keys of all actions.
pub(super) fn described() -> Vec<Described> {
    ALL.iter().flat_map(|it| (it.described)()).collect()
}
