//! What every executor says of itself, and what all of them have in common.

use std::collections::BTreeSet;
use std::time::Duration;

use super::length::Length;
use super::pool::{self, VuPool};
use super::quota::Quota;
use super::stage::StageSpan;
use crate::keys::form::Described;
use crate::keys::key::{self, Keyed};
use crate::keys::table::{Table, Variant};
use crate::schedule::{Curve, Users};

/// An executor: a table of keys with a word that chooses it.
pub(super) trait Kind: Keyed {
    /// Its name in scenarios.
    const WORD: &'static str;
    /// What it is, in words that follow its name in a message.
    const MEANING: &'static str;
    /// What it does, in a sentence of the reference.
    const TEXT: &'static str;
    /// Whether its rate or its users are the same all the time.
    const IS_CONSTANT: bool = false;

    /// Reports what is wrong between its keys, each of which is right; `None` after a problem.
    fn rules(&self, _table: &mut Table<'_>) -> Option<()> {
        Some(())
    }

    fn vus(&self) -> u32;

    fn length(&self) -> Length;

    /// The users whose keys are among its own.
    fn own_pool(&self) -> Option<&VuPool> {
        None
    }

    fn pool(&self) -> Option<VuPool> {
        self.own_pool().copied()
    }

    fn quota(&self) -> Quota;

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

    /// The same, measured for that long; `None` where the load changes over time or is a number of iterations.
    fn lasting(&self, _duration: Duration) -> Option<Self> {
        None
    }
}

/// An executor of type `E`, before one is made.
pub(crate) struct Definition<E> {
    /// Its name in scenarios.
    pub(crate) word: &'static str,
    pub(super) text: &'static str,
    pub(super) read: fn(&mut Table<'_>) -> Option<E>,
    /// Reads those of its keys that were not seen yet, none of which is missed.
    pub(super) look: fn(&mut Table<'_>, &mut BTreeSet<&'static str>),
    /// Its own keys.
    pub(super) described: fn() -> Vec<Described>,
    pub(super) variant: fn() -> Variant,
}

impl<E> Definition<E> {
    pub(super) const fn of<K: Kind>(read: fn(&mut Table<'_>) -> Option<E>) -> Self {
        Self {
            word: K::WORD,
            text: K::TEXT,
            read,
            look: key::look::<K>,
            described: K::described,
            variant: || K::variant(K::WORD, K::MEANING),
        }
    }
}

/// Reads the keys of an executor.
pub(super) fn read<K: Kind>(table: &mut Table<'_>) -> Option<K> {
    let (it, mut is_good) = K::read(table);
    is_good &= it
        .own_pool()
        .is_none_or(|it| pool::is_consistent(table, it));
    is_good.then(|| it.rules(table))??;
    Some(it)
}
