//! A table of a scenario, as the reference and the schema tell of it.

use super::form::Described;

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
