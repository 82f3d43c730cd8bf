//! What every executor says of itself.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use super::length::Length;
use super::pool::VuPool;
use super::stage::StageSpan;
use crate::keys::form::Described;
use crate::keys::plain::Fields;
use crate::keys::table::Table;
use crate::schedule::{Curve, Users};

/// An executor, before one is made.
pub(crate) struct Definition {
    /// Its name in scenarios.
    pub(crate) word: &'static str,
    /// What it is, in words that follow its name in a message.
    pub(super) meaning: &'static str,
    /// What it does, in a sentence of the reference.
    pub(super) text: &'static str,
    /// Whether its rate or its users are the same all the time.
    pub(super) is_constant: bool,
    /// Reads those of its keys that were not seen yet, none of which is missed.
    pub(super) look: fn(&mut Table<'_>, &mut BTreeSet<&'static str>),
    /// Its own keys.
    pub(super) described: fn() -> Vec<Described>,
}

/// An executor with its values.
pub(super) trait Kind: fmt::Debug {
    fn definition(&self) -> &'static Definition;

    fn vus(&self) -> u32;

    fn length(&self) -> Length;

    fn show(&self) -> Fields;

    fn pool(&self) -> Option<VuPool> {
        None
    }

    fn iterations(&self) -> Option<u64> {
        None
    }

    fn curve(&self, _warmup: Duration) -> Option<Curve> {
        None
    }

    fn peak_rate(&self) -> Option<f64> {
        None
    }

    fn users(&self) -> Option<Users> {
        None
    }

    fn stages(&self) -> Vec<StageSpan<'_>> {
        Vec::new()
    }
}
