//! `poll`: asks what a tag points at.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::super::chosen::Chosen;
use super::kind::{Definition, Kind};
use super::requests::Requests;
use crate::keys::codec::words;
use crate::keys::key::{self, Key, key};
use crate::keys::plain::Fields;
use crate::keys::table::Table;
use crate::oci::Operation;
use crate::profile::{Habits, Resolve};
use crate::scenario::selection::Selection;
use crate::units::words;

const WORD: &str = "poll";

/// How a tag is asked for.
#[derive(Debug, Clone)]
pub struct Poll {
    /// The images whose tags are asked for.
    pub images: Selection,
    /// The request.
    pub method: PollMethod,
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

impl Default for Poll {
    fn default() -> Self {
        Self {
            images: Selection::default(),
            method: PollMethod::Get,
        }
    }
}

static KEYS: LazyLock<Vec<Key<Poll>>> = LazyLock::new(|| {
    let method = key!(
        "method",
        words("method", PollMethod::WORDS),
        |it: Poll| it.method,
        r#""head""#,
        "The request: `HEAD`, which falls back to `GET` where the client does so, or `GET`.",
    );
    vec![
        method
            .defaults_to("as the client resolves a tag")
            .only(&[WORD]),
    ]
});

pub(super) static DEFINITION: Definition = Definition {
    word: WORD,
    meaning: "asks what tags point at",
    text: "Asks what a tag points at.",
    verb: "poll",
    images_are_optional: false,
    reads_images: true,
    stores: false,
    look,
    described: || key::describe(&KEYS, &Poll::default()),
};

fn look(table: &mut Table<'_>, seen: &mut BTreeSet<&'static str>) {
    key::look(table, &KEYS, seen, &mut Poll::default());
}

pub(super) fn read(table: &mut Table<'_>, chosen: Chosen<'_>, habits: &Habits) -> Option<Poll> {
    let mut poll = Poll {
        method: match habits.pull.resolve {
            Resolve::Head(_) => PollMethod::Head,
            Resolve::Get => PollMethod::Get,
        },
        ..Poll::default()
    };
    let is_good = key::read(table, &*KEYS, &mut poll);
    poll.images = chosen.selection??;
    is_good.then_some(poll)
}

impl Kind for Poll {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
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

    fn show(&self) -> Fields {
        key::show(&*KEYS, self)
    }
}
