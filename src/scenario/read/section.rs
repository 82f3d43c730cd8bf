//! A table of a scenario, as the reference and the schema tell of it.

use super::form::Described;

/// A table of a scenario.
pub(super) struct Section {
    /// Its name in links and in the schema.
    pub(super) name: &'static str,
    /// As it is written.
    pub(super) heading: &'static str,
    /// What it is for, in Markdown.
    pub(super) text: &'static str,
    pub(super) keys: Vec<Described>,
    /// The key whose value chooses a form of the table, and its words with their meaning.
    pub(super) forms: Option<(&'static str, Vec<(&'static str, &'static str)>)>,
}
