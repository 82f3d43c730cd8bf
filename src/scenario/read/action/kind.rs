//! What every action says of itself.

use std::collections::BTreeSet;
use std::fmt;

use super::needs::Needs;
use super::requests::Requests;
use crate::keys::form::Described;
use crate::keys::plain::Fields;
use crate::keys::table::Table;
use crate::oci::Operation;
use crate::profile::Habits;
use crate::scenario::selection::Selection;

/// An action, before one is made.
pub(crate) struct Definition {
    /// Its name in scenarios.
    pub(crate) word: &'static str,
    /// What it is, in words that follow its name in a message.
    pub(super) meaning: &'static str,
    /// What a virtual user does with it, in a sentence of the reference.
    pub(super) text: &'static str,
    /// The verb in "there is nothing to ...".
    pub(super) verb: &'static str,
    /// Whether a journey needs no image set.
    pub(crate) images_are_optional: bool,
    /// Whether it fails where its images are not in the registry.
    pub(super) reads_images: bool,
    /// Whether it stores content that clean-up deletes.
    pub(super) stores: bool,
    /// Reads those of its own keys that were not seen yet, none of which is missed.
    pub(super) look: fn(&mut Table<'_>, &mut BTreeSet<&'static str>),
    /// Its own keys.
    pub(super) described: fn() -> Vec<Described>,
}

/// An action with its values.
pub(super) trait Kind: fmt::Debug {
    fn definition(&self) -> &'static Definition;

    fn images(&self) -> Option<&Selection>;

    /// What must be in the registry before the load begins.
    fn needs(&self) -> Option<Needs<'_>> {
        self.images().map(Needs::of)
    }

    /// The operations that a journey may send, but for pings, tokens and redirects.
    fn operations(&self, habits: &Habits) -> Vec<Operation>;

    /// Adds the requests of one iteration, but for pings, with an image whose layers have these sizes, one of so many images.
    fn requests(&self, habits: &Habits, sizes: &[u64], images: usize, requests: &mut Requests);

    /// The most requests of one user in flight at once.
    fn in_flight(&self, _habits: &Habits) -> usize {
        1
    }

    /// Its own keys, as they would be written.
    fn show(&self) -> Fields;
}
