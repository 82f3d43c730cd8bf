//! What every action says of itself, and what all of them have in common.

use std::collections::BTreeSet;

use super::super::chosen::Chosen;
use super::needs::Needs;
use super::requests::Requests;
use crate::keys::form::Described;
use crate::keys::key::{self, Keyed};
use crate::keys::table::{Table, Variant};
use crate::oci::{Operation, Verify};
use crate::profile::Habits;
use crate::scenario::client::JourneyClient;
use crate::scenario::selection::Selection;

/// An action: a table of keys with a word that chooses it.
pub(super) trait Kind: Keyed {
    /// Its name in scenarios.
    const WORD: &'static str;
    /// What it is, in words that follow its name in a message.
    const MEANING: &'static str;
    /// What a virtual user does with it, in a sentence of the reference.
    const TEXT: &'static str;
    /// The verb in "there is nothing to ...".
    const VERB: &'static str;
    /// Whether a journey needs no image set.
    const IMAGES_ARE_OPTIONAL: bool = false;
    /// Whether it fails where its images are not in the registry.
    const READS_IMAGES: bool = true;
    /// Whether it stores content that clean-up deletes.
    const STORES: bool = false;
    /// Whether its requests depend on the layers of its image.
    const MOVES_LAYERS: bool = false;

    /// What it is without any of its keys, with clients of these habits.
    fn usual(_clients: &[JourneyClient]) -> Self {
        Self::default()
    }

    /// Reports a client that has no such command. Returns `false` after a problem.
    fn fits(_table: &mut Table<'_>, _clients: &[JourneyClient]) -> bool {
        true
    }

    /// Takes the images of its journey, and reports what is wrong between them and its keys; `None` after a problem.
    fn take(&mut self, table: &mut Table<'_>, chosen: Chosen<'_>) -> Option<()>;

    fn images(&self) -> Option<&Selection>;

    /// What must be in the registry before the load begins.
    fn needs(&self) -> Option<Needs<'_>> {
        self.images().map(Needs::of)
    }

    /// The operations that a journey may send, but for pings, tokens and redirects.
    fn operations(&self, habits: &Habits) -> Vec<Operation>;

    /// Adds the requests of one iteration, but for pings, with an image whose layers have these sizes, one of so many images.
    fn requests(&self, habits: &Habits, sizes: &[u64], images: usize, requests: &mut Requests);

    /// Whether each iteration stores something of its own, or at a place of its own.
    fn stores_apart(&self) -> bool {
        Self::STORES
    }

    /// Whether its iterations give their new content the same tag, one for each image.
    fn shares_tags(&self) -> bool {
        false
    }

    /// What is checked of each blob that it fetches.
    fn verify(&self) -> Verify {
        Verify::None
    }

    /// The most requests of one user in flight at once.
    fn in_flight(&self, _habits: &Habits) -> usize {
        1
    }
}

/// An action of type `A`, before one is made.
pub(crate) struct Definition<A> {
    /// Its name in scenarios.
    pub(crate) word: &'static str,
    pub(super) text: &'static str,
    /// Whether a journey needs no image set.
    pub(crate) images_are_optional: bool,
    /// Reads its own keys, and takes the images of its journey.
    pub(crate) read: fn(&mut Table<'_>, Chosen<'_>, &[JourneyClient]) -> Option<A>,
    /// Reads those of its own keys that were not seen yet, none of which is missed.
    pub(super) look: fn(&mut Table<'_>, &mut BTreeSet<&'static str>),
    /// Its own keys, which belong to no other action.
    pub(super) described: fn() -> Vec<Described>,
    pub(super) variant: fn() -> Variant,
}

impl<A> Definition<A> {
    pub(super) const fn of<K: Kind>(
        read: fn(&mut Table<'_>, Chosen<'_>, &[JourneyClient]) -> Option<A>,
    ) -> Self {
        Self {
            word: K::WORD,
            text: K::TEXT,
            images_are_optional: K::IMAGES_ARE_OPTIONAL,
            read,
            look: key::look::<K>,
            described: || K::described_for(K::WORD).collect(),
            variant: || K::variant(K::WORD, K::MEANING),
        }
    }
}

/// Reads the own keys of an action, all of them even if one is wrong.
pub(super) fn read<K: Kind>(
    table: &mut Table<'_>,
    chosen: Chosen<'_>,
    clients: &[JourneyClient],
) -> Option<K> {
    let mut it = K::usual(clients);
    let is_good = key::read(table, K::keys(), &mut it) & K::fits(table, clients);
    it.take(table, chosen)?;
    is_good.then_some(it)
}
