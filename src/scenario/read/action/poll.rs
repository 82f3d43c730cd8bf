//! `poll`: asks what a tag points at.

use super::super::chosen::Chosen;
use super::kind::Kind;
use super::requests::Requests;
use crate::keys::codec::words;
use crate::keys::define::keys;
use crate::keys::table::Table;
use crate::oci::Operation;
use crate::profile::{Habits, Resolve};
use crate::scenario::client::JourneyClient;
use crate::scenario::selection::Selection;
use crate::units::words;

keys! {
    /// How a tag is asked for.
    #[derive(Debug, Clone)]
    pub struct Poll {
        /// The images whose tags are asked for.
        pub images: Selection;
        /// The request: `HEAD`, which falls back to `GET` where the client does so, or `GET`.
        ///
        /// `None`: each of several clients as it resolves a tag, in different ways.
        pub method: Option<PollMethod> => words("method", PollMethod::WORDS).optional(), "head",
            defaults_to("as the client resolves a tag");
    }
}

/// The request that asks what a tag points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollMethod {
    /// `HEAD`: the digest and nothing else. Where the client falls back to `GET`, so does the poll.
    Head,
    /// `GET`: the whole manifest.
    Get,
}

words! { PollMethod {
    "head" => Self::Head,
    "get" => Self::Get,
}}

impl PollMethod {
    /// How a client with these habits resolves a tag.
    const fn of(habits: &Habits) -> Self {
        match habits.pull.resolve {
            Resolve::Head(_) => Self::Head,
            Resolve::Get => Self::Get,
        }
    }
}

impl Poll {
    /// Returns the request of a client with these habits.
    pub fn method(&self, habits: &Habits) -> PollMethod {
        self.method.unwrap_or_else(|| PollMethod::of(habits))
    }
}

impl Kind for Poll {
    const WORD: &'static str = "poll";
    const MEANING: &'static str = "asks what tags point at";
    const TEXT: &'static str = "Asks what a tag points at.";
    const VERB: &'static str = "poll";

    fn usual(clients: &[JourneyClient]) -> Self {
        let mut methods = clients.iter().map(|client| PollMethod::of(&client.habits));
        let first = methods.next();
        Self {
            method: first.filter(|first| methods.all(|it| it == *first)),
            ..Self::default()
        }
    }

    fn take(&mut self, _: &mut Table<'_>, chosen: Chosen<'_>) -> Option<()> {
        self.images = chosen.selection??;
        Some(())
    }

    fn images(&self) -> Option<&Selection> {
        Some(&self.images)
    }

    fn operations(&self, habits: &Habits) -> Vec<Operation> {
        match self.method(habits) {
            PollMethod::Head => vec![Operation::ManifestHead, Operation::ManifestGet],
            PollMethod::Get => vec![Operation::ManifestGet],
        }
    }

    fn requests(&self, habits: &Habits, _sizes: &[u64], _images: usize, requests: &mut Requests) {
        requests.add(
            match self.method(habits) {
                PollMethod::Head => Operation::ManifestHead,
                PollMethod::Get => Operation::ManifestGet,
            },
            1,
        );
    }
}
