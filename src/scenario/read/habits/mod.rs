//! The habits of a journey's client: a key for each, and the rules between them.

mod accepted;
mod codecs;
mod pull;
mod push;
mod retry;
mod token;
mod wire;

use std::num::NonZeroUsize;
use std::sync::LazyLock;

use crate::exchange::HttpVersion;
use crate::keys::codec::{flag, form_of, number_of, word_of, words};
use crate::keys::form::Form;
use crate::keys::key::{self, Key, key};
use crate::keys::plain::Fields;
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, Table, only_with};
use crate::keys::tree::{Item, Value};
use crate::keys::value::{self, text, unknown};
use crate::profile::{ConnectionPolicy, DeleteBy, Habits, Profile, PushMethod, Resolve};

/// Every habit, in the order in which a plan shows them.
pub(super) static KEYS: LazyLock<Vec<Key<Habits>>> = LazyLock::new(|| {
    let mut keys = connection_keys();
    keys.push(key!(
        "ping",
        flag(),
        |it: Habits| it.ping,
        "true",
        "Begin each operation with a ping, `GET /v2/`.",
    ));
    keys.extend(retry::keys());
    keys.extend(token::keys());
    keys.extend(wire::keys());
    keys.push(accepted::key());
    keys.push(
        key!(
            "resolve",
            words("resolve", Resolve::WORDS),
            |it: Habits| it.pull.resolve,
            r#""head""#,
            "How a tag becomes a manifest: `GET` by the tag, or `HEAD` and then `GET` by the digest. `head-only` falls back to \
             `GET` only where the method is not allowed or the digest is missing.",
        )
        .only(&["pull", "referrers", "delete"]),
    );
    keys.extend(pull::keys());
    keys.extend(push::keys());
    keys.push(
        key!(
            "by",
            words("way to delete", DeleteBy::WORDS),
            |it: Habits| it.delete,
            r#""digest""#,
            "What a deletion names: the digest that the tag is resolved to first, the digest that the user knows, or the tag.",
        )
        .only(&["delete"]),
    );
    keys
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

fn connection_keys() -> Vec<Key<Habits>> {
    let pool_size = |item: &Item, sink: &Sink, it: &mut Habits| {
        let read = value::number_of(4096)(item, sink);
        if let (Some(size), ConnectionPolicy::Shared { pool_size }) = (read, &mut it.connections) {
            *pool_size = size;
        }
        read.is_some()
    };
    vec![
        Key::custom(
            (
                "connections",
                r#""per-iteration""#,
                "How long a connection is kept and who uses it: one virtual user, one iteration, one request, or a pool that \
                 all users of a worker share.",
            ),
            form_of(POLICIES),
            |item, sink, it: &mut Habits| {
                let read = value::choice("connections", POLICIES)(item, sink);
                it.connections = read.unwrap_or(it.connections);
                read.is_some()
            },
            |it| match it.connections {
                ConnectionPolicy::Shared { .. } => word_of(POLICIES, &SHARED),
                policy => word_of(POLICIES, &policy),
            },
        ),
        Key::custom(
            (
                "pool_size",
                "16",
                "The most connections of a shared pool, for each worker. Needs `connections = \"shared\"`.",
            ),
            Form::Whole {
                least: 1,
                most: 4096,
            },
            pool_size,
            |it| match it.connections {
                ConnectionPolicy::Shared { pool_size } => Some(pool_size.into()),
                ConnectionPolicy::PerVu
                | ConnectionPolicy::PerIteration
                | ConnectionPolicy::PerRequest => None,
            },
        ),
        key!(
            "max_idle",
            number_of(4096).optional(),
            |it: Habits| it.max_idle,
            "2",
            "The most idle connections to one address. Absent: all are kept.",
        ),
        key!(
            "http",
            words("HTTP version", HttpVersion::WORDS),
            |it: Habits| it.http,
            r#""2""#,
            "HTTP version: 1.1, 2 (without TLS by prior knowledge), or what the server chooses in the TLS handshake.",
        ),
    ]
}

/// The client that a journey names.
pub(super) fn client(item: &Item, sink: &Sink) -> Option<Profile> {
    let text = text(item, sink)?;
    let found = Profile::named(&text.value);
    if found.is_none() {
        let names = Profile::ALL.iter().map(|profile| profile.name);
        sink.report(unknown("client", &text, item, names));
    }
    found
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
    if action == Some("push") {
        is_good &= chunks(table, &habits);
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
