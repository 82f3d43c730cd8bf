//! The images that a journey has to do with: `images`, `pick` and `repository` of the `[journey.NAME]` tables.

use std::num::NonZeroUsize;
use std::sync::LazyLock;

use crate::keys::codec::{Codec, above_zero, words_or};
use crate::keys::define::keys;
use crate::keys::form::{Described, Form};
use crate::keys::key::Keyed;
use crate::keys::plain::Fields;
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Entry, Item, Text, Value};
use crate::keys::value::{parsed, text, unknown};
use crate::oci::RepositoryName;
use crate::scenario::{ImageSet, ImageSource, Pick, Selection};

/// The image sets that journeys name. One with a mistake has a name all the same.
pub(super) struct Sets<'a> {
    pub(super) entries: &'a [Entry],
    pub(super) images: &'a [Option<ImageSet>],
}

/// The images of a journey, as far as they could be read.
pub(super) struct Chosen<'a> {
    pub(super) set: Option<&'a ImageSet>,
    /// Where they were chosen.
    entry: Option<&'a Entry>,
    /// `Some(None)`: none were, and none need be.
    #[expect(clippy::option_option, reason = "absent and wrong are two things")]
    pub(super) selection: Option<Option<Selection>>,
}

/// Reads which images a journey has to do with, and where they are.
pub(super) fn chosen<'a>(table: &mut Table<'a>, are_optional: bool, sets: &Sets<'a>) -> Chosen<'a> {
    let named = |item: &Item, sink: &Sink| {
        let text = text(item, sink)?;
        let names = sets.entries.iter().map(|entry| entry.key.as_str());
        let found = names.clone().position(|name| name == text.value);
        if found.is_none() {
            sink.report(unknown("image set", &text, item, names));
        }
        found
    };
    let entry = table.entry(IMAGES.name);
    if are_optional && entry.is_none() {
        let alone = [PICK.name, REPOSITORY.name].map(|key| alone(table, key));
        return Chosen {
            set: None,
            entry,
            selection: alone.iter().all(Option::is_some).then_some(None),
        };
    }
    let index = table.need(&IMAGES, named);
    let set = index.and_then(|index| sets.images.get(index)?.as_ref());
    let pick = table.or(&PICK, Pick::RoundRobin, pick().read);
    let repository = repository(table, set);
    let selection = match (index, pick, repository) {
        (Some(set), Some(pick), Some(repository)) => Some(Some(Selection {
            set,
            repository,
            pick,
        })),
        _ => None,
    };
    Chosen {
        set,
        entry,
        selection,
    }
}

/// Reports a key that says something of images where there are none.
fn alone(table: &mut Table<'_>, key: &'static str) -> Option<()> {
    let Some(entry) = table.entry(key) else {
        return Some(());
    };
    let problem = Problem::new(format!("`{key}` needs images"), entry.key_spot.clone());
    let label = format!("add `images = \"NAME\"`, or remove `{key}`");
    table.sink().report(problem.label(label));
    None
}

keys! {
    struct Zipf {
        /// The exponent: the image of rank k is taken in proportion to 1/k to this power.
        zipf: f64 => above_zero(MOST_ZIPF), 0.95, needed;
    }
}

/// `pick`: which image comes next.
fn pick() -> Codec<Pick> {
    let zipf = Zipf::inline().case(
        |Zipf { zipf }| Pick::Zipf(zipf),
        |pick: &Pick| match *pick {
            Pick::Zipf(zipf) => Some(Zipf { zipf }),
            Pick::RoundRobin | Pick::Random => None,
        },
    );
    words_or("pick", PICKS, &["{ zipf = 0.95 }"]).or_table(zipf)
}

const PICKS: &[(&str, Pick)] = &[("round-robin", Pick::RoundRobin), ("random", Pick::Random)];
const MOST_ZIPF: f64 = 10.0;

static IMAGES: LazyLock<Described> = LazyLock::new(|| {
    let form = Form::Text("name of an image set");
    let meaning = "The image set. Required, but for `catalog`.";
    Described::own(("images", r#""web""#), form, meaning)
});
static PICK: LazyLock<Described> = LazyLock::new(|| {
    let meaning = "Which image an iteration takes: one after the other, each with the same chance, or by rank (Zipf).";
    let key = Described::own(("pick", "{ zipf = 0.95 }"), pick().form, meaning);
    key.defaults_to("`\"round-robin\"`")
});
static REPOSITORY: LazyLock<Described> = LazyLock::new(|| {
    let form = Form::Text(
        "repository name, at most 200 characters; `{images}` stands for the name of the image set",
    );
    let meaning = "What the names of the set's repositories start with. Absent: `regstorm/{images}`. Existing images say \
                   themselves where they are.";
    Described::own(("repository", r#""lab/{images}""#), form, meaning)
});

/// The keys that say which images a journey has to do with, for the reference.
pub(super) fn described() -> [Described; 3] {
    [&IMAGES, &PICK, &REPOSITORY].map(|key| (**key).clone())
}

/// The keys that say which images a journey has to do with, as they would be written.
pub(super) fn show(images: &Selection, sets: &[ImageSet]) -> Fields {
    let set = &sets[images.set];
    let fields = Fields::default()
        .put(IMAGES.name, set.name.as_str())
        .may(PICK.name, (pick().show)(&images.pick));
    match set.source {
        // Existing images say themselves where they are.
        ImageSource::Existing(_) => fields,
        ImageSource::Synthetic(_) | ImageSource::Archive(_) => {
            fields.put(REPOSITORY.name, images.repository.as_str())
        }
    }
}

/// What the names of the set's repositories start with; `{images}` stands for the name of the set.
fn repository(table: &mut Table<'_>, set: Option<&ImageSet>) -> Option<RepositoryName> {
    const PLACE: &str = "{images}";
    let name = set.map_or("images", |set| set.name.as_str());
    let existing = set.is_some_and(|set| matches!(set.source, ImageSource::Existing(_)));
    let default = format!("regstorm/{name}").parse().ok();
    let Some(entry) = table.entry(REPOSITORY.name) else {
        return default;
    };
    if existing {
        let problem = Problem::new(
            "existing images have their repositories",
            entry.key_spot.clone(),
        );
        table
            .sink()
            .report(problem.label("remove it: their references say where they are"));
        return None;
    }
    let text = text(&entry.item, table.sink())?;
    let place = |text: &str| text.replace(PLACE, name);
    let item = Item {
        value: Value::Text(Text {
            value: place(&text.value),
            as_written: place(&text.as_written),
            verbatim: None,
        }),
        spot: entry.item.spot.clone(),
    };
    let prefix: RepositoryName = parsed(&item, table.sink())?;
    if prefix.as_str().len() <= 200 {
        return Some(prefix);
    }
    let problem = Problem::new("this prefix is too long", item.spot);
    table
        .sink()
        .report(problem.label("at most 200 characters: more follows it"));
    None
}

impl Chosen<'_> {
    /// How much seeding gives to each image: one, if nothing is said; nothing to existing images.
    #[expect(clippy::option_option, reason = "absent and wrong are two things")]
    pub(super) fn seeded(
        &self,
        table: &mut Table<'_>,
        key: &'static str,
        written: Option<NonZeroUsize>,
    ) -> Option<Option<NonZeroUsize>> {
        if !self.are_existing() {
            return Some(Some(written.unwrap_or(NonZeroUsize::MIN)));
        }
        let Some(entry) = table.entry(key) else {
            return Some(None);
        };
        let message = format!("existing images have the {key} that they have");
        let problem = Problem::new(message, entry.key_spot.clone());
        let label = "remove it: nothing is put into the registry for them";
        table.sink().report(problem.label(label));
        None
    }

    fn are_existing(&self) -> bool {
        let existing = |set: &ImageSet| matches!(set.source, ImageSource::Existing(_));
        self.set.is_some_and(existing)
    }

    /// Reports images that are in the registry only, where the run must put them there itself.
    pub(super) fn not_existing(&self, table: &Table<'_>, message: &str) -> Option<()> {
        let (true, Some(entry)) = (self.are_existing(), self.entry) else {
            return Some(());
        };
        let problem = Problem::new(message, entry.item.spot.clone());
        table
            .sink()
            .report(problem.label("use a set with another source"));
        None
    }
}
