//! The keys of what a pull does.

use crate::keys::codec::{flag, number_of, size, words};
use crate::keys::define::keys;
use crate::keys::key::Key;
use crate::profile::{ConfigOrder, EntryUse, Habits, Matching, PullAgain, WithoutPlatform};
use crate::units::ByteSize;

pub(super) fn keys() -> Vec<Key<Habits>> {
    let keys = keys! { Habits {
        /// Layers in flight at once.
        parallel = pull.parallel => number_of(64), 3;
        /// Ask for a digest by `HEAD`, too, before its `GET`.
        resolve_digest = pull.resolve_digest => flag(), true;
        /// When the config is fetched: before the layers, as the first of them, beside them and outside their limit, or
        /// after them.
        config = pull.config => words("config", ConfigOrder::WORDS), "beside";
        /// What a pull leaves out of an image that is here already (`cache`).
        repeats = pull.again => words("repeats", PullAgain::WORDS), "layers";
        /// Size of the parts in which a layer is fetched by ranges. Absent: it is fetched whole.
        part_size = pull.part_size => size(ByteSize::from_kib(1)..=ByteSize::from_mib(1024)).optional(), "8MiB";
        /// Which entry of an index is taken: the closest that runs on the platform, the asked variant and then older
        /// ones, or the first that fits.
        index_match = pull.choice.matching => words("way of matching", Matching::WORDS), "closest";
        /// Normalise the name of the platform (`x86_64` to `amd64`).
        index_normalize = pull.choice.normalizes => flag(), true;
        /// What an entry without a platform is taken for.
        index_without_platform = pull.choice.without_platform =>
            words("index_without_platform", WithoutPlatform::WORDS), "last-resort";
        /// Pass over entries whose media type is no kind of manifest.
        index_skip_unknown_types = pull.choice.passes_unknown_types => flag(), true;
        /// What of the chosen entry must be right: its digest, or the whole descriptor.
        index_relies_on = pull.choice.relies_on => words("index_relies_on", EntryUse::WORDS), "digest";
    }};
    let of_action = |key: Key<Habits>| match key.described.name {
        // A lazy pull has nothing of an image before.
        "repeats" => key.only(&["pull"]),
        _ => key.only(&["pull", "lazy-pull"]),
    };
    keys.into_iter().map(of_action).collect()
}
