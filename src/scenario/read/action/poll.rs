//! `poll`: asks what a tag points at.

use super::super::chosen::Chosen;
use super::kind::Kind;
use super::requests::Requests;
use crate::keys::codec::words;
use crate::keys::define::keys;
use crate::keys::table::Table;
use crate::oci::Operation;
use crate::profile::{Habits, Resolve};
use crate::scenario::selection::Selection;
use crate::units::words;

keys! {
    /// How a tag is asked for.
    #[derive(Debug, Clone)]
    pub struct Poll {
        /// The images whose tags are asked for.
        pub images: Selection;
        /// The request: `HEAD`, which falls back to `GET` where the client does so, or `GET`.
        pub method: PollMethod = PollMethod::Get => words("method", PollMethod::WORDS), "head",
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

impl Kind for Poll {
    const WORD: &'static str = "poll";
    const MEANING: &'static str = "asks what tags point at";
    const TEXT: &'static str = "Asks what a tag points at.";
    const VERB: &'static str = "poll";

    fn usual(habits: &Habits) -> Self {
        Self {
            method: match habits.pull.resolve {
                Resolve::Head(_) => PollMethod::Head,
                Resolve::Get => PollMethod::Get,
            },
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

    fn operations(&self, _habits: &Habits) -> Vec<Operation> {
        match self.method {
            PollMethod::Head => vec![Operation::ManifestHead, Operation::ManifestGet],
            PollMethod::Get => vec![Operation::ManifestGet],
        }
    }

    fn requests(&self, _habits: &Habits, _sizes: &[u64], _images: usize, requests: &mut Requests) {
        requests.add(
            match self.method {
                PollMethod::Head => Operation::ManifestHead,
                PollMethod::Get => Operation::ManifestGet,
            },
            1,
        );
    }
}
