//! What a journey does, of the `[journey.NAME]` tables: the action and the images it has to do with.

use std::sync::LazyLock;

use super::chosen::Chosen;
use super::habits;
use super::table::{Sink, Table, Variant};
use super::value::{choice, choice_or, flag, fraction, number_of, parsed, text};
use super::verb::Verb;
use crate::oci::{Platform, RepositoryName, Verify};
use crate::profile::Resolve;
use crate::scenario::problem::Problem;
use crate::scenario::tree::{Item, Value};
use crate::scenario::{
    Action, Cache, Catalog, Delete, ImageSet, ImageSource, ListTags, Poll, PollMethod, Pull, Push,
    Referrers,
};

/// The keys that belong to some actions and not to all, those of habits among them.
pub(super) static VARIANTS: LazyLock<[Variant; 7]> = LazyLock::new(|| {
    let variant = |name: &'static str, own: &[&'static str], meaning| {
        let habits = habits::KEYS.iter().map(|key| &key.described);
        let habits = habits.filter(|key| key.only.contains(&name));
        Variant {
            name,
            keys: own
                .iter()
                .copied()
                .chain(habits.map(|key| key.name))
                .collect(),
            meaning,
        }
    };
    [
        variant(
            "pull",
            &["cache", "verify", "platform"],
            "takes images from the registry",
        ),
        variant(
            "push",
            &["cache", "mount_from", "fresh_repository", "unique"],
            "gives images to the registry",
        ),
        variant("poll", &["method"], "asks what tags point at"),
        variant("list-tags", &["tags"], "reads the tags of repositories"),
        variant("catalog", &[], "reads the repositories of the registry"),
        variant(
            "referrers",
            &["referrers", "artifact_type"],
            "reads what refers to images",
        ),
        variant("delete", &[], "deletes manifests that it has stored itself"),
    ]
});

/// Every action with its meaning.
pub(super) fn meanings() -> Vec<(&'static str, &'static str)> {
    let variants = VARIANTS.iter();
    variants.map(|it| (it.name, it.meaning)).collect()
}

/// Reports what is wrong with the keys of any action, but for the habits of its client: one mistake does not hide the
/// others.
pub(super) fn undecided(table: &mut Table<'_>) {
    let _ = table.may("cache", cache);
    let _ = table.may("verify", choice("verify", &VERIFY));
    let _ = table.may("platform", parsed::<Platform>);
    let _ = table.may("mount_from", parsed::<RepositoryName>);
    for key in ["fresh_repository", "unique"] {
        let _ = table.may(key, flag);
    }
    let _ = table.may("tags", number_of(MOST_TAGS));
    let _ = table.may("referrers", number_of(MOST_REFERRERS));
    let _ = table.may("artifact_type", artifact_type);
}

const VERIFY: [(&str, Verify); 4] = [
    ("digest", Verify::Digest),
    ("sha256", Verify::EveryDigest),
    ("length", Verify::Length),
    ("none", Verify::None),
];
const MOST_TAGS: u32 = 100_000;
const MOST_REFERRERS: u32 = 10_000;

/// Reads what belongs to one action alone. `resolve` is how its client resolves a tag.
pub(super) fn read(
    table: &mut Table<'_>,
    verb: Verb,
    chosen: Chosen<'_>,
    resolve: Resolve,
) -> Option<Action> {
    match verb {
        Verb::Pull => pull(table, chosen),
        Verb::Push => push(table, chosen),
        Verb::Poll => poll(table, chosen, resolve),
        Verb::ListTags => list_tags(table, chosen),
        Verb::Catalog => {
            chosen.not_existing(table, "existing images need not be put there")?;
            Some(Action::Catalog(Catalog {
                images: chosen.selection?,
            }))
        }
        Verb::Referrers => referrers(table, chosen),
        Verb::Delete => {
            chosen.not_existing(table, "existing images cannot be deleted")?;
            let images = chosen.selection??;
            Some(Action::Delete(Delete { images }))
        }
    }
}

fn pull(table: &mut Table<'_>, chosen: Chosen<'_>) -> Option<Action> {
    let cache = table.or("cache", Cache::Cold, cache);
    let verify = table.or("verify", Verify::Digest, choice("verify", &VERIFY));
    let platform = table.or("platform", Platform::linux_amd64(), parsed);
    Some(Action::Pull(Pull {
        images: chosen.selection??,
        verify: verify?,
        platform: platform?,
        cache: cache?,
    }))
}

fn push(table: &mut Table<'_>, chosen: Chosen<'_>) -> Option<Action> {
    let cache = table.or("cache", Cache::Cold, cache);
    let mount_from = table.may("mount_from", parsed::<RepositoryName>);
    let mounts = matches!(mount_from, Some(Some(_)));
    let fresh_repository = table.or("fresh_repository", mounts, flag);
    let unique = unique(table, chosen.set, mounts, cache);
    chosen.not_existing(table, "existing images cannot be pushed")?;
    Some(Action::Push(Push {
        images: chosen.selection??,
        mount_from: mount_from?,
        fresh_repository: fresh_repository?,
        unique: unique?,
        cache: cache?,
    }))
}

fn poll(table: &mut Table<'_>, chosen: Chosen<'_>, resolve: Resolve) -> Option<Action> {
    let usual = match resolve {
        Resolve::Head(_) => PollMethod::Head,
        Resolve::Get => PollMethod::Get,
    };
    let method = table.or("method", usual, choice("method", PollMethod::WORDS));
    Some(Action::Poll(Poll {
        images: chosen.selection??,
        method: method?,
    }))
}

fn list_tags(table: &mut Table<'_>, chosen: Chosen<'_>) -> Option<Action> {
    let tags = chosen.seeded(table, "tags", MOST_TAGS);
    Some(Action::ListTags(ListTags {
        images: chosen.selection??,
        tags: tags?,
    }))
}

fn referrers(table: &mut Table<'_>, chosen: Chosen<'_>) -> Option<Action> {
    let referrers = chosen.seeded(table, "referrers", MOST_REFERRERS);
    let artifact_type = table.may("artifact_type", artifact_type);
    Some(Action::Referrers(Referrers {
        images: chosen.selection??,
        artifact_type: artifact_type?,
        referrers: referrers?,
    }))
}

/// `"cold"`, `"warm"`, or the share of an image's layers that are there.
fn cache(item: &Item, sink: &Sink) -> Option<Cache> {
    if let Value::Table(_) = item.value {
        let mut table = Table::open(item, sink)?;
        let share = table.need("share", "share = 0.6", fraction(0.0..=1.0));
        table.finish();
        let share = share?;
        return Some(if share <= 0.0 {
            Cache::Cold
        } else if share >= 1.0 {
            Cache::Warm
        } else {
            Cache::Share(share)
        });
    }
    let words = [("cold", Cache::Cold), ("warm", Cache::Warm)];
    choice_or("cache", &words, &["{ share = 0.6 }"])(item, sink)
}

/// Whether each iteration sends new content: where nothing else is said, if it can.
///
/// A push of what is there already is a few `HEAD` requests, and not what a push test is made for.
fn unique(
    table: &mut Table<'_>,
    set: Option<&ImageSet>,
    mounts: bool,
    cache: Option<Cache>,
) -> Option<bool> {
    let synthetic = set.is_none_or(|set| matches!(set.source, ImageSource::Synthetic(_)));
    let warm = cache == Some(Cache::Warm);
    let unique = table.or("unique", synthetic && !mounts && !warm, flag)?;
    let mut other = |key| table.entry(key).map(|entry| entry.key_spot.clone());
    let (mount, cached) = (other("mount_from"), other("cache"));
    if let Some(entry) = table.entry("unique")
        && unique
    {
        let spot = entry.item.spot.clone();
        if !synthetic {
            let problem = Problem::new("only synthetic images can be unique", spot);
            table
                .sink()
                .report(problem.label("remove it, or use source = \"synthetic\""));
            return None;
        }
        let clash = match (mount, cached) {
            (Some(mount), _) => Some((
                "unique content cannot be mounted",
                mount,
                "mounts what another repository has",
            )),
            (None, Some(cached)) if warm => Some((
                "unique content is nowhere before it is pushed",
                cached,
                "everything is there already",
            )),
            _ => None,
        };
        if let Some((message, also, because)) = clash {
            let problem = Problem::new(message, spot).label("remove one of both");
            table.sink().report(problem.also(also, because));
            return None;
        }
    }
    Some(unique)
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
