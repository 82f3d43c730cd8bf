//! A table of a scenario, as the reference and the schema tell of it.

use super::form::Described;
use super::key::Keyed;

/// A table of a scenario.
pub(crate) struct Section {
    /// Its name in links and in the schema.
    pub(crate) name: &'static str,
    /// Where its keys stand, in Markdown.
    pub(crate) heading: &'static str,
    /// What it is for, in Markdown.
    pub(crate) text: String,
    pub(crate) keys: Vec<Described>,
    /// The key whose value chooses a form of the table: the words of `Described::only` are its.
    pub(crate) decider: Option<&'static str>,
}

impl Section {
    /// A table with these keys and no others.
    pub(crate) fn of<T: Keyed>(name: &'static str, heading: &'static str, text: &str) -> Self {
        Self {
            name,
            heading,
            text: text.to_owned(),
            keys: T::described(),
            decider: None,
        }
    }
}
