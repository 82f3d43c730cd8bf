//! `referrers`: reads what refers to an image, every page.

use std::num::NonZeroUsize;

use super::super::chosen::Chosen;
use super::kind::Kind;
use super::needs::{ARTIFACT_TYPE, Needs};
use super::requests::{Requests, resolving_head};
use crate::keys::codec::{number_of, text as text_codec};
use crate::keys::define::keys;
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::Item;
use crate::keys::value::text;
use crate::oci::Operation;
use crate::profile::Habits;
use crate::scenario::selection::Selection;

keys! {
    /// Whose referrers are listed.
    #[derive(Debug, Clone)]
    pub struct Referrers {
        /// The images that are referred to.
        pub images: Selection;
        /// Artifacts that are attached to each image before the load.
        ///
        /// `None`: existing images have those that they have.
        pub referrers: Option<NonZeroUsize> => number_of(10_000).optional(), 20,
            defaults_to("`1`; existing images have the referrers that they have");
        /// The only type of artifact that is asked for.
        pub artifact_type: Option<String> =>
            text_codec("media type", artifact_type).optional(), "application/spdx+json";
    }
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
    const WORD: &'static str = "referrers";
    const MEANING: &'static str = "reads what refers to images";
    const TEXT: &'static str = "Reads what refers to an image, every page.";
    const VERB: &'static str = "refer to";

    fn take(&mut self, table: &mut Table<'_>, chosen: Chosen<'_>) -> Option<()> {
        self.referrers = chosen.seeded(table, "referrers", self.referrers)?;
        self.images = chosen.selection??;
        Some(())
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
}
