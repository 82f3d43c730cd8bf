//! A table of a scenario, as the reference and the schema tell of it.

use super::form::Described;

/// A table of a scenario.
pub(super) struct Section {
    /// Its name in links and in the schema.
    pub(super) name: &'static str,
    /// Where its keys stand, in Markdown.
    pub(super) heading: &'static str,
    /// What it is for, in Markdown.
    pub(super) text: String,
    pub(super) keys: Vec<Described>,
    /// The key whose value chooses a form of the table: the words of `Described::only` are its.
    pub(super) decider: Option<&'static str>,
}
