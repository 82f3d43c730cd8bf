//! The word of an action.

/// What a journey does, before it is known with which images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Pull,
    Push,
    Poll,
    ListTags,
    Catalog,
    Referrers,
    Delete,
}

pub(super) const VERBS: [(&str, Verb); 7] = [
    ("pull", Verb::Pull),
    ("push", Verb::Push),
    ("poll", Verb::Poll),
    ("list-tags", Verb::ListTags),
    ("catalog", Verb::Catalog),
    ("referrers", Verb::Referrers),
    ("delete", Verb::Delete),
];

impl Verb {
    /// The word of this action.
    pub(super) fn name(self) -> &'static str {
        let found = VERBS.iter().find(|(_, verb)| *verb == self);
        found.map_or("", |(name, _)| name)
    }
}
