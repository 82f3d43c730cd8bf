//! `referrers`: reads what refers to an image, every page.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::LazyLock;

use super::super::chosen::Chosen;
use super::kind::{Definition, Kind};
use super::needs::{ARTIFACT_TYPE, Needs};
use super::requests::{Requests, resolving_head};
use crate::keys::codec::{number_of, text as text_codec};
use crate::keys::key::{self, Key, key};
use crate::keys::plain::Fields;
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::Item;
use crate::keys::value::text;
use crate::oci::Operation;
use crate::profile::Habits;
use crate::scenario::selection::Selection;

const WORD: &str = "referrers";

/// Whose referrers are listed.
#[derive(Debug, Clone, Default)]
pub struct Referrers {
    /// The images that are referred to.
    pub images: Selection,
    /// The only type of artifact that is asked for.
    pub artifact_type: Option<String>,
    /// How many artifacts seeding attaches to each image, 1 to 10,000. `None`: existing images have those that they
    /// have.
    pub referrers: Option<NonZeroUsize>,
}

static KEYS: LazyLock<Vec<Key<Referrers>>> = LazyLock::new(|| {
    let keys = vec![
        key!(
            "referrers",
            number_of(10_000).optional(),
            |it: Referrers| it.referrers,
            "20",
            "Artifacts that are attached to each image before the load.",
        )
        .defaults_to("`1`; existing images have the referrers that they have"),
        key!(
            "artifact_type",
            text_codec("media type", artifact_type).optional(),
            |it: Referrers| it.artifact_type,
            r#""application/spdx+json""#,
            "The only type of artifact that is asked for.",
        ),
    ];
    keys.into_iter().map(|key| key.only(&[WORD])).collect()
});

pub(super) static DEFINITION: Definition = Definition {
    word: WORD,
    meaning: "reads what refers to images",
    text: "Reads what refers to an image, every page.",
    verb: "refer to",
    images_are_optional: false,
    reads_images: true,
    stores: false,
    look,
    described: || key::describe(&KEYS, &Referrers::default()),
};

fn look(table: &mut Table<'_>, seen: &mut BTreeSet<&'static str>) {
    key::look(table, &KEYS, seen, &mut Referrers::default());
}

pub(super) fn read(table: &mut Table<'_>, chosen: Chosen<'_>, _: &Habits) -> Option<Referrers> {
    let mut list = Referrers::default();
    let is_good = key::read(table, &*KEYS, &mut list);
    list.referrers = chosen.seeded(table, "referrers", list.referrers)?;
    list.images = chosen.selection??;
    is_good.then_some(list)
}

/// A type of artifact, which is a media type.
///
/// # Spec
/// RFC 6838, 4.2.
fn artifact_type(item: &Item, sink: &Sink) -> Option<String> {
    let text = text(item, sink)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c);
    let part = |part: &str| (1..=127).contains(&part.len()) && part.chars().all(fits);
    let parts = text.value.split_once('/');
    if parts.is_some_and(|(kind, name)| part(kind) && part(name)) {
        return Some(text.value);
    }
    let problem = Problem::new("this is not a media type", item.spot.clone());
    sink.report(problem.label("write TYPE/NAME, such as application/spdx+json"));
    None
}

impl Kind for Referrers {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn images(&self) -> Option<&Selection> {
        Some(&self.images)
    }

    fn needs(&self) -> Option<Needs<'_>> {
        let artifact_type = self.artifact_type.as_deref().unwrap_or(ARTIFACT_TYPE);
        Some(Needs {
            artifacts: self.referrers.map(|count| (count.get(), artifact_type)),
            ..Needs::of(&self.images)
        })
    }

    fn operations(&self, habits: &Habits) -> Vec<Operation> {
        // The index under the fallback tag, too.
        let gets = [Operation::ManifestGet, Operation::Referrers];
        resolving_head(habits).into_iter().chain(gets).collect()
    }

    fn requests(&self, _habits: &Habits, _sizes: &[u64], _images: usize, requests: &mut Requests) {
        requests.add(Operation::Referrers, 1);
    }

    fn show(&self) -> Fields {
        key::show(&*KEYS, self)
    }
}
