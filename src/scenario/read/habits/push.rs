//! The keys of what a push does.

use crate::keys::codec::{Codec, Editor, flag, form_of, number_of, size, word_of, words};
use crate::keys::define::keys;
use crate::keys::form::Form;
use crate::keys::key::Key;
use crate::keys::table::Sink;
use crate::keys::tree::{Item, Value};
use crate::keys::value;
use crate::profile::{Checks, Habits, LayerOrder, ManifestCheck, PushHabits, PushMethod};
use crate::units::ByteSize;

const DEFAULT_CHUNK: ByteSize = ByteSize::from_mib(5);

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
    let keys = keys! { Habits {
        /// Blobs in flight at once.
        parallel = push.parallel => number_of(64), 5;
        /// When the registry is asked for the manifest: never, first by name, first by digest, or just before it is
        /// stored.
        manifest_check = push.manifest_check => words("manifest_check", ManifestCheck::WORDS), "before-put";
        /// How often the registry is asked for a layer before it is uploaded. Without `config_check` the same holds for
        /// the config.
        exists_check = push.layer_checks => number_of_checks(), "once", then(copy_checks);
        /// How often the registry is asked for the config before it is uploaded.
        config_check = push.config_checks => number_of_checks(), "never";
        /// Ask for each uploaded blob by `HEAD`.
        commit_check = push.commit_check => flag(), true;
        /// How the bytes of a blob are sent: one `POST`; `POST` and `PUT`; `POST`, `PATCH` and `PUT`; the same with
        /// chunked transfer encoding; or a `PATCH` for each `chunk_size`. Without `config_method` the config is sent in
        /// the same way.
        method = push => method(set_method, |it| it.method), "patch";
        /// How the bytes of a config are sent.
        config_method = push => method(|it, method| it.config_method = method, |it| it.config_method), "put";
        /// Size of each `PATCH` but the last. Needs `method = "chunks"`.
        chunk_size = push => chunk_size(), "5MiB";
        /// Compress a layer while it is sent: the registry is asked for its uncompressed digest, and gets no length.
        packs_late = push.packs_late => flag(), true;
        /// Upload the config after the layers, not among them.
        config_last = push.config_last => flag(), true;
        /// Which layer is uploaded first.
        layer_order = push.layers => words("layer_order", LayerOrder::WORDS), "top-first";
        /// Upload the blobs of all images of an index before the first of their manifests.
        blobs_first = push.blobs_before_manifests => flag(), true;
        /// Mount the config as the layers are.
        mount_config = push.mount.config => flag(), true;
        /// Ping the registry once more just before the first mount.
        mount_ping = push.mount.ping => flag(), true;
        /// Ask the other repository for a blob before it is mounted.
        mount_source_check = push.mount.check_source => flag(), true;
        /// Ask for a mounted blob by `HEAD`.
        mount_check = push.mount.check_mounted => flag(), true;
        /// Upload into the session that a registry opens instead of mounting; otherwise it is cancelled.
        mount_session = push.mount.use_session => flag(), true;
    }};
    let belongs = |key: Key<Habits>| match key.described.name {
        // A copy has a limit of its own, and the client decides how its bytes are sent on.
        "parallel" | "method" | "config_method" | "chunk_size" | "packs_late" => {
            key.only(&["push"])
        }
        _ => key.only(&["push", "copy"]),
    };
    keys.into_iter().map(belongs).collect()
}

/// The config is asked for as the layers are, but never twice.
fn copy_checks(it: &mut Habits) {
    if it.push.layer_checks != Checks::Twice {
        it.push.config_checks = it.push.layer_checks;
    }
}

/// The config is sent in the same way, unless that is what the client does already.
fn set_method(it: &mut PushHabits, method: PushMethod) {
    if method != it.method {
        (it.method, it.config_method) = (method, method);
    }
}

/// A method, which `put` stores where `take` finds it.
fn method(
    put: fn(&mut PushHabits, PushMethod),
    take: fn(&PushHabits) -> PushMethod,
) -> Editor<PushHabits> {
    words("method", METHODS).part(put, move |it| match take(it) {
        PushMethod::Chunks { .. } => Some(CHUNKS), // their size has a key of its own
        method => Some(method),
    })
}

fn chunk_size() -> Editor<PushHabits> {
    let put = |it: &mut PushHabits, read: ByteSize| {
        for method in [&mut it.method, &mut it.config_method] {
            if let PushMethod::Chunks { size } = method {
                *size = read;
            }
        }
    };
    size(ByteSize::from_kib(1)..=ByteSize::from_mib(5 * 1024)).part(put, |it| match it.method {
        PushMethod::Chunks { size } => Some(size),
        PushMethod::Post | PushMethod::Put | PushMethod::Patch | PushMethod::PatchChunked => None,
    })
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
