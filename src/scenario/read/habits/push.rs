//! The keys of what a push does.

use std::ops::RangeInclusive;

use crate::keys::codec::{Codec, flag, form_of, number_of, size, word_of, words};
use crate::keys::form::Form;
use crate::keys::key::{Key, key};
use crate::keys::plain::Plain;
use crate::keys::table::Sink;
use crate::keys::tree::{Item, Value};
use crate::keys::value;
use crate::profile::{Checks, Habits, LayerOrder, ManifestCheck, PushMethod};
use crate::units::ByteSize;

const ONLY: &[&str] = &["push"];

const DEFAULT_CHUNK: ByteSize = ByteSize::from_mib(5);
const CHUNK: RangeInclusive<ByteSize> = ByteSize::from_kib(1)..=ByteSize::from_mib(5 * 1024);

pub(super) const METHODS: &[(&str, PushMethod)] = &[
    ("post", PushMethod::Post),
    ("put", PushMethod::Put),
    ("patch", PushMethod::Patch),
    ("patch-chunked", PushMethod::PatchChunked),
    ("chunks", CHUNKS),
];
const CHUNKS: PushMethod = PushMethod::Chunks {
    size: DEFAULT_CHUNK,
};

pub(super) fn keys() -> Vec<Key<Habits>> {
    let mut keys = vec![key!(
        "parallel",
        number_of(64),
        |it: Habits| it.push.parallel,
        "5",
        "Blobs in flight at once.",
    )];
    keys.extend(checks());
    keys.extend(methods());
    keys.extend(order());
    keys.extend(mounts());
    keys.into_iter().map(|key| key.only(ONLY)).collect()
}

fn checks() -> Vec<Key<Habits>> {
    vec![
        key!(
            "manifest_check",
            words("manifest_check", ManifestCheck::WORDS),
            |it: Habits| it.push.manifest_check,
            r#""before-put""#,
            "When the registry is asked for the manifest: never, first by name, first by digest, or just before it is stored.",
        ),
        key!(
            "exists_check",
            number_of_checks(),
            |it: Habits| it.push.layer_checks,
            r#""once""#,
            "How often the registry is asked for a layer before it is uploaded. Without `config_check` the same holds for the config.",
        )
        .then(|it| {
            if it.push.layer_checks != Checks::Twice {
                it.push.config_checks = it.push.layer_checks;
            }
        }),
        key!(
            "config_check",
            number_of_checks(),
            |it: Habits| it.push.config_checks,
            r#""never""#,
            "How often the registry is asked for the config before it is uploaded.",
        ),
        key!(
            "commit_check",
            flag(),
            |it: Habits| it.push.commit_check,
            "true",
            "Ask for each uploaded blob by `HEAD`.",
        ),
    ]
}

fn methods() -> Vec<Key<Habits>> {
    vec![
        Key::custom(
            (
                "method",
                r#""patch""#,
                "How the bytes of a blob are sent: one `POST`; `POST` and `PUT`; `POST`, `PATCH` and `PUT`; the same with chunked \
                 transfer encoding; or a `PATCH` for each `chunk_size`. Without `config_method` the config is sent in the same way.",
            ),
            form_of(METHODS),
            |item, sink, it: &mut Habits| {
                let read = value::choice("method", METHODS)(item, sink);
                if let Some(method) = read
                    && method != it.push.method
                {
                    it.push.method = method;
                    it.push.config_method = method;
                }
                read.is_some()
            },
            |it| word(it.push.method),
        ),
        Key::custom(
            (
                "config_method",
                r#""put""#,
                "How the bytes of a config are sent.",
            ),
            form_of(METHODS),
            |item, sink, it: &mut Habits| {
                let read = value::choice("method", METHODS)(item, sink);
                it.push.config_method = read.unwrap_or(it.push.config_method);
                read.is_some()
            },
            |it| word(it.push.config_method),
        ),
        Key::custom(
            (
                "chunk_size",
                r#""5MiB""#,
                "Size of each `PATCH` but the last. Needs `method = \"chunks\"`.",
            ),
            size(CHUNK).form,
            |item, sink, it: &mut Habits| {
                let read = value::size(CHUNK)(item, sink);
                for method in [&mut it.push.method, &mut it.push.config_method] {
                    if let (Some(read), PushMethod::Chunks { size }) = (read, method) {
                        *size = read;
                    }
                }
                read.is_some()
            },
            |it| match it.push.method {
                PushMethod::Chunks { size } => Some(size.to_string().into()),
                PushMethod::Post
                | PushMethod::Put
                | PushMethod::Patch
                | PushMethod::PatchChunked => None,
            },
        ),
    ]
}

/// The word of a method, whatever the size of its chunks.
fn word(method: PushMethod) -> Option<Plain> {
    match method {
        PushMethod::Chunks { .. } => word_of(METHODS, &CHUNKS),
        method => word_of(METHODS, &method),
    }
}

fn order() -> Vec<Key<Habits>> {
    vec![
        key!(
            "packs_late",
            flag(),
            |it: Habits| it.push.packs_late,
            "true",
            "Compress a layer while it is sent: the registry is asked for its uncompressed digest, and gets no length.",
        ),
        key!(
            "config_last",
            flag(),
            |it: Habits| it.push.config_last,
            "true",
            "Upload the config after the layers, not among them.",
        ),
        key!(
            "layer_order",
            words("layer_order", LayerOrder::WORDS),
            |it: Habits| it.push.layers,
            r#""top-first""#,
            "Which layer is uploaded first.",
        ),
        key!(
            "blobs_first",
            flag(),
            |it: Habits| it.push.blobs_before_manifests,
            "true",
            "Upload the blobs of all images of an index before the first of their manifests.",
        ),
    ]
}

fn mounts() -> Vec<Key<Habits>> {
    vec![
        key!(
            "mount_config",
            flag(),
            |it: Habits| it.push.mount.config,
            "true",
            "Mount the config as the layers are.",
        ),
        key!(
            "mount_ping",
            flag(),
            |it: Habits| it.push.mount.ping,
            "true",
            "Ping the registry once more just before the first mount.",
        ),
        key!(
            "mount_source_check",
            flag(),
            |it: Habits| it.push.mount.check_source,
            "true",
            "Ask the other repository for a blob before it is mounted.",
        ),
        key!(
            "mount_check",
            flag(),
            |it: Habits| it.push.mount.check_mounted,
            "true",
            "Ask for a mounted blob by `HEAD`.",
        ),
        key!(
            "mount_session",
            flag(),
            |it: Habits| it.push.mount.use_session,
            "true",
            "Upload into the session that a registry opens instead of mounting; otherwise it is cancelled.",
        ),
    ]
}

/// A word, or a flag: `true` asks once.
fn number_of_checks() -> Codec<Checks> {
    Codec::new(
        Form::Either(vec![form_of(Checks::WORDS), Form::Flag]),
        |item: &Item, sink: &Sink| match item.value {
            Value::Flag(true) => Some(Checks::Once),
            Value::Flag(false) => Some(Checks::Never),
            _ => {
                let forms = ["true", "false"];
                value::choice_or("number of checks", Checks::WORDS, &forms)(item, sink)
            }
        },
        |checks| word_of(Checks::WORDS, checks),
    )
}
