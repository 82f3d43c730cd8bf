//! The habits of a journey's client: a key for each, and the rules between them.

mod accepted;
mod codecs;
mod misbehave;
mod pull;
mod push;
mod retry;
mod token;
mod wire;

use std::num::NonZeroUsize;
use std::sync::LazyLock;

use crate::exchange::HttpVersion;
use crate::keys::codec::{Editor, flag, number_of, words};
use crate::keys::define::keys;
use crate::keys::form::Described;
use crate::keys::key::{self, Key};
use crate::keys::plain::Fields;
use crate::keys::problem::Problem;
use crate::keys::table::{Table, only_with};
use crate::keys::tree::Value;
use crate::profile::{ConnectionPolicy, CopyFetch, DeleteBy, Habits, PushMethod, Resolve};

/// Every habit, in the order in which a plan shows them.
static KEYS: LazyLock<Vec<Key<Habits>>> = LazyLock::new(|| {
    let lists = [
        connections(),
        retry::keys(),
        token::keys(),
        wire::keys(),
        accepted::key(),
        keys! { Habits {
            /// How a tag becomes a manifest: `GET` by the tag, or `HEAD` and then `GET` by the digest. `head-only` falls
            /// back to `GET` only where the method is not allowed or the digest is missing.
            resolve = pull.resolve => words("resolve", Resolve::WORDS), "head", only(&["pull", "lazy-pull", "copy", "referrers", "delete"]);
        }},
        pull::keys(),
        push::keys(),
        keys! { Habits {
            /// Mount blobs from the repository that they are copied from. Those that are not mounted are fetched and sent
            /// on as they arrive, as between two registries.
            mount = copy.mounts => flag(), false, only(&["copy"]);
            /// When a blob that is not mounted is fetched: before the registry is asked for it the last time, after that
            /// and before there is an upload session, or when there is one.
            fetch = copy.fetch => words("fetch", CopyFetch::WORDS), "into-session", only(&["copy"]);
            /// Blobs in flight at once.
            parallel = copy.parallel => number_of(64), 6, only(&["copy"]);
            /// Fetch the manifest once more, from where it was stored.
            read_back = copy.reads_back => flag(), true, only(&["copy"]);
        }},
        keys! { Habits {
            /// What a deletion names: the digest that the tag is resolved to first, the digest that the user knows, or
            /// the tag.
            by = delete => words("way to delete", DeleteBy::WORDS), "digest", only(&["delete"]);
        }},
        misbehave::keys(),
    ];
    lists.into_iter().flatten().collect()
});

/// The most connections of a pool, if nothing else is said.
const DEFAULT_POOL: NonZeroUsize = NonZeroUsize::new(8).expect("8 is not 0");

const POLICIES: &[(&str, ConnectionPolicy)] = &[
    ("per-vu", ConnectionPolicy::PerVu),
    ("per-iteration", ConnectionPolicy::PerIteration),
    ("per-request", ConnectionPolicy::PerRequest),
    ("shared", SHARED),
];
const SHARED: ConnectionPolicy = ConnectionPolicy::Shared {
    pool_size: DEFAULT_POOL,
};

fn connections() -> Vec<Key<Habits>> {
    keys! { Habits {
        /// How long a connection is kept and who uses it: one virtual user, one iteration, one request, or a pool that
        /// all users of a worker share.
        connections = connections => policy(), "per-iteration";
        /// The most connections of a shared pool, for each worker. Needs `connections = "shared"`.
        pool_size = connections => pool_size(), 16;
        /// The most idle connections to one address. Absent: all are kept.
        max_idle = max_idle => number_of(4096).optional(), 2;
        /// HTTP version: 1.1, 2 (without TLS by prior knowledge), or what the server chooses in the TLS handshake.
        http = http => words("HTTP version", HttpVersion::WORDS), "2";
        /// Begin each operation with a ping, `GET /v2/`.
        ping = ping => flag(), true;
    }}
}

fn policy() -> Editor<ConnectionPolicy> {
    words("connections", POLICIES).part(
        |it, policy| *it = policy,
        |it| match *it {
            ConnectionPolicy::Shared { .. } => Some(SHARED), // its size has a key of its own
            policy => Some(policy),
        },
    )
}

fn pool_size() -> Editor<ConnectionPolicy> {
    let put = |it: &mut ConnectionPolicy, size| {
        if let ConnectionPolicy::Shared { pool_size } = it {
            *pool_size = size;
        }
    };
    number_of(4096).part(put, |it| match *it {
        ConnectionPolicy::Shared { pool_size } => Some(pool_size),
        ConnectionPolicy::PerVu | ConnectionPolicy::PerIteration | ConnectionPolicy::PerRequest => {
            None
        }
    })
}

/// What people are told of every habit.
pub(super) fn described() -> Vec<Described> {
    KEYS.iter().map(|key| key.described.clone()).collect()
}

/// Reads the habits that the journey changes, all of them even if one is wrong. Without a known action the habits of all
/// actions are read, but for those keys that mean one thing for one action and another for the next.
pub(super) fn read(
    table: &mut Table<'_>,
    action: Option<&str>,
    mut habits: Habits,
) -> Option<Habits> {
    let belongs = |key: &&Key<Habits>| match action {
        Some(action) => key.described.belongs_to(action),
        None => !matches!(
            key.described.name,
            "method" | "config_method" | "chunk_size"
        ),
    };
    let mut is_good = key::read(table, KEYS.iter().filter(belongs), &mut habits);
    is_good &= pool(table, &habits);
    is_good &= misbehave::check(table, action, &habits);
    match action {
        Some("push") => is_good &= chunks(table, &habits),
        Some("copy") => is_good &= two_at_once(table, &habits),
        _ => {}
    }
    is_good.then_some(habits)
}

/// The habits of a client that does this, as they would be written.
pub(super) fn show(habits: &Habits, action: &str) -> Fields {
    let keys = KEYS.iter();
    key::show(keys.filter(|key| key.described.belongs_to(action)), habits)
}

/// `pool_size` needs a pool.
fn pool(table: &mut Table<'_>, habits: &Habits) -> bool {
    let is_shared = matches!(habits.connections, ConnectionPolicy::Shared { .. });
    is_shared
        || !is_decided(table, "connections", POLICIES)
        || only_with(
            table,
            "pool_size",
            ("connections", "shared"),
            "these users have no pool",
        )
        .is_some()
}

/// A copy holds the connection of its source while it waits for another one: users of one pool would wait for each other.
fn two_at_once(table: &mut Table<'_>, habits: &Habits) -> bool {
    let (ConnectionPolicy::Shared { .. }, Some(entry)) =
        (habits.connections, table.entry("connections"))
    else {
        return true;
    };
    let problem = Problem::new(
        "users that copy cannot share connections",
        entry.item.spot.clone(),
    );
    let label = "each needs two at once and would wait for the others: use \"per-vu\"";
    table.sink().report(problem.label(label));
    false
}

/// `chunk_size` needs chunks, and they need it.
fn chunks(table: &mut Table<'_>, habits: &Habits) -> bool {
    if !is_decided(table, "method", push::METHODS) {
        return true;
    }
    if !matches!(habits.push.method, PushMethod::Chunks { .. }) {
        let because = "sends a blob in one piece";
        return only_with(table, "chunk_size", ("method", "chunks"), because).is_some();
    }
    let is_there = table.entry("chunk_size").is_some();
    if !is_there {
        let problem = Problem::new("missing key `chunk_size`", table.spot().clone());
        let problem = problem.label("add `chunk_size = \"5MiB\"`");
        table.sink().report(problem);
    }
    is_there
}

/// Returns `false` if a key holds something else than one of its words, which was reported already.
fn is_decided<V>(table: &mut Table<'_>, key: &'static str, words: &[(&str, V)]) -> bool {
    table
        .entry(key)
        .is_none_or(|entry| match &entry.item.value {
            Value::Text(text) => words.iter().any(|(word, _)| *word == text.value),
            _ => false,
        })
}

#[cfg(test)]
mod tests;
