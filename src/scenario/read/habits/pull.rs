//! The keys of what a pull does.

use crate::keys::codec::{flag, number_of, size, words};
use crate::keys::key::{Key, key};
use crate::profile::{ConfigOrder, EntryUse, Habits, Matching, PullAgain, WithoutPlatform};
use crate::units::ByteSize;

const ONLY: &[&str] = &["pull"];

pub(super) fn keys() -> Vec<Key<Habits>> {
    let mut keys = transfers();
    keys.extend(index());
    keys.into_iter().map(|key| key.only(ONLY)).collect()
}

fn transfers() -> Vec<Key<Habits>> {
    vec![
        key!(
            "parallel",
            number_of(64),
            |it: Habits| it.pull.parallel,
            "3",
            "Layers in flight at once.",
        ),
        key!(
            "resolve_digest",
            flag(),
            |it: Habits| it.pull.resolve_digest,
            "true",
            "Ask for a digest by `HEAD`, too, before its `GET`.",
        ),
        key!(
            "config",
            words("config", ConfigOrder::WORDS),
            |it: Habits| it.pull.config,
            r#""beside""#,
            "When the config is fetched: before the layers, as the first of them, beside them and outside their limit, or after them.",
        ),
        key!(
            "repeats",
            words("repeats", PullAgain::WORDS),
            |it: Habits| it.pull.again,
            r#""layers""#,
            "What a pull leaves out of an image that is here already (`cache`).",
        ),
        key!(
            "part_size",
            size(ByteSize::from_kib(1)..=ByteSize::from_mib(1024)).optional(),
            |it: Habits| it.pull.part_size,
            r#""8MiB""#,
            "Size of the parts in which a layer is fetched by ranges. Absent: it is fetched whole.",
        ),
    ]
}

/// How the image for a platform is found in an index.
fn index() -> Vec<Key<Habits>> {
    vec![
        key!(
            "index_match",
            words("way of matching", Matching::WORDS),
            |it: Habits| it.pull.choice.matching,
            r#""closest""#,
            "Which entry of an index is taken: the closest that runs on the platform, the asked variant and then older ones, or the \
             first that fits.",
        ),
        key!(
            "index_normalize",
            flag(),
            |it: Habits| it.pull.choice.normalizes,
            "true",
            "Normalise the name of the platform (`x86_64` to `amd64`).",
        ),
        key!(
            "index_without_platform",
            words("index_without_platform", WithoutPlatform::WORDS),
            |it: Habits| it.pull.choice.without_platform,
            r#""last-resort""#,
            "What an entry without a platform is taken for.",
        ),
        key!(
            "index_skip_unknown_types",
            flag(),
            |it: Habits| it.pull.choice.passes_unknown_types,
            "true",
            "Pass over entries whose media type is no kind of manifest.",
        ),
        key!(
            "index_relies_on",
            words("index_relies_on", EntryUse::WORDS),
            |it: Habits| it.pull.choice.relies_on,
            r#""digest""#,
            "What of the chosen entry must be right: its digest, or the whole descriptor.",
        ),
    ]
}
