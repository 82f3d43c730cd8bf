//! The habits of a journey's client: those of its profile, and what the journey changes.

use std::borrow::Cow;
use std::num::NonZeroUsize;

use http::HeaderValue;

use super::action::Verb;
use super::table::{Reads, Sink, Table};
use super::value::{choice, choice_or, flag, number_of, size, text, unknown};
use crate::exchange::HttpVersion;
use crate::profile::{
    Accept, AcceptForm, Checks, ConfigOrder, DeleteBy, Habits, LayerOrder, ManifestCheck, Profile,
    PullAgain, PushMethod, Resolve, Retry, TokenForm,
};
use crate::scenario::problem::Problem;
use crate::scenario::tree::{Item, Value};
use crate::units::ByteSize;

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

/// Puts what the table says of a habit into its place.
fn over<T: Clone>(
    table: &mut Table<'_>,
    key: &'static str,
    habit: &mut T,
    read: impl Reads<T>,
) -> bool {
    let read = table.may(key, read);
    if let Some(Some(value)) = &read {
        *habit = value.clone();
    }
    read.is_some()
}

/// Reads the habits that the journey changes, all of them even if one is wrong. Connections are read elsewhere.
pub(super) fn read(
    table: &mut Table<'_>,
    verb: Option<Verb>,
    mut habits: Habits,
) -> Option<Habits> {
    let mut good = over(table, "ping", &mut habits.ping, flag);
    let wire = &mut habits.wire;
    good &= over(table, "user_agent", &mut wire.user_agent, |item, sink| {
        header(item, sink).map(Cow::Owned)
    });
    good &= over(table, "accept", &mut wire.accept, accept);
    good &= over(
        table,
        "accept_encoding",
        &mut wire.accept_encoding,
        |item, sink| {
            let encoding = header(item, sink)?;
            Some((!encoding.is_empty()).then_some(Cow::Owned(encoding)))
        },
    );
    good &= over(table, "referer", &mut wire.referer, flag);
    good &= over(
        table,
        "max_idle",
        &mut habits.max_idle,
        |item: &Item, sink: &Sink| number_of(4096)(item, sink).map(Some),
    );
    good &= over(
        table,
        "http",
        &mut habits.http,
        choice("HTTP version", HttpVersion::WORDS),
    );
    good &= over(
        table,
        "token_form",
        &mut habits.token.form,
        choice("token_form", TokenForm::WORDS),
    );
    good &= over(
        table,
        "resolver_apart",
        &mut habits.token.resolver_apart,
        flag,
    );
    let mut retries = true;
    good &= over(table, "retry", &mut retries, flag);
    if !retries {
        habits.retry = Retry::NEVER;
    }
    good &= match verb {
        Some(Verb::Pull) => pull(table, &mut habits),
        Some(Verb::Push) => push(table, &mut habits),
        Some(Verb::ListTags | Verb::Catalog) => page_size(table, &mut habits),
        Some(Verb::Referrers) => resolve(table, &mut habits),
        Some(Verb::Delete) => delete(table, &mut habits),
        Some(Verb::Poll) => true,
        None => undecided(table, &mut habits),
    };
    good.then_some(habits)
}

/// The habits of every action, where nobody knows which one is meant. `method` is a word of two of them, and is left alone.
fn undecided(table: &mut Table<'_>, habits: &mut Habits) -> bool {
    let mut good = pull(table, habits);
    good &= push_checks(table, habits);
    good &= page_size(table, habits);
    delete(table, habits) && good
}

fn page_size(table: &mut Table<'_>, habits: &mut Habits) -> bool {
    let page_size = &mut habits.wire.page_size;
    over(table, "page_size", page_size, |item, sink| {
        let size = number_of(100_000)(item, sink)?;
        Some(u32::try_from(size.get()).ok())
    })
}

fn resolve(table: &mut Table<'_>, habits: &mut Habits) -> bool {
    let resolve = &mut habits.pull.resolve;
    over(table, "resolve", resolve, choice("resolve", Resolve::WORDS))
}

fn delete(table: &mut Table<'_>, habits: &mut Habits) -> bool {
    let good = resolve(table, habits);
    let by = &mut habits.delete;
    over(table, "by", by, choice("way to delete", DeleteBy::WORDS)) && good
}

fn pull(table: &mut Table<'_>, habits: &mut Habits) -> bool {
    let mut good = resolve(table, habits);
    let pull = &mut habits.pull;
    let parts = ByteSize::from_kib(1)..=ByteSize::from_mib(1024);
    good &= over(table, "parallel", &mut pull.parallel, number_of(64));
    good &= over(table, "resolve_digest", &mut pull.resolve_digest, flag);
    good &= over(
        table,
        "config",
        &mut pull.config,
        choice("config", ConfigOrder::WORDS),
    );
    good &= over(
        table,
        "repeats",
        &mut pull.again,
        choice("repeats", PullAgain::WORDS),
    );
    good &= over(table, "part_size", &mut pull.part_size, |item, sink| {
        size(parts)(item, sink).map(Some)
    });
    good
}

fn push(table: &mut Table<'_>, habits: &mut Habits) -> bool {
    let parallel = &mut habits.push.parallel;
    let mut good = over(table, "parallel", parallel, number_of(64));
    good &= push_checks(table, habits);
    let push = &mut habits.push;
    match method(table, push.method) {
        Some(method) if method != push.method => {
            push.method = method;
            push.config_method = method;
        }
        Some(_) => {}
        None => good = false,
    }
    good
}

/// What a push asks for before and after, and in which order it sends.
fn push_checks(table: &mut Table<'_>, habits: &mut Habits) -> bool {
    let push = &mut habits.push;
    let mut good = over(
        table,
        "manifest_check",
        &mut push.manifest_check,
        choice("manifest_check", ManifestCheck::WORDS),
    );
    good &= over(table, "exists_check", &mut push.layer_checks, checks);
    // Without a word of its own the config is asked for as the layers are.
    if let (Some(_), false) = (
        table.entry("exists_check"),
        push.layer_checks == Checks::Twice,
    ) {
        push.config_checks = push.layer_checks;
    }
    good &= over(table, "config_check", &mut push.config_checks, checks);
    good &= over(table, "commit_check", &mut push.commit_check, flag);
    good &= over(table, "config_last", &mut push.config_last, flag);
    good &= over(
        table,
        "layer_order",
        &mut push.layers,
        choice("layer_order", LayerOrder::WORDS),
    );
    good &= over(table, "blobs_first", &mut push.blobs_before_manifests, flag);
    let mount = &mut push.mount;
    good &= over(table, "mount_config", &mut mount.config, flag);
    good &= over(table, "mount_ping", &mut mount.ping, flag);
    good &= over(table, "mount_source_check", &mut mount.check_source, flag);
    good &= over(table, "mount_check", &mut mount.check_mounted, flag);
    good &= over(table, "mount_session", &mut mount.use_session, flag);
    good
}

/// A word, or a flag: `true` asks once.
fn checks(item: &Item, sink: &Sink) -> Option<Checks> {
    match item.value {
        Value::Flag(true) => Some(Checks::Once),
        Value::Flag(false) => Some(Checks::Never),
        _ => choice_or("number of checks", Checks::WORDS, &["true", "false"])(item, sink),
    }
}

/// One line, or a list with a line for each.
fn accept(item: &Item, sink: &Sink) -> Option<Accept> {
    if let Value::Array(items) = &item.value {
        let lines: Option<Vec<_>> = items
            .iter()
            .map(|item| header(item, sink).map(Cow::Owned))
            .collect();
        return Some(Accept {
            types: lines?.into(),
            form: AcceptForm::Lines,
        });
    }
    let line = header(item, sink)?;
    Some(Accept {
        types: if line.is_empty() {
            Cow::Borrowed(&[])
        } else {
            vec![Cow::Owned(line)].into()
        },
        // A plan shows it as it was written.
        form: AcceptForm::Joined(", "),
    })
}

/// What can be the value of a header.
fn header(item: &Item, sink: &Sink) -> Option<String> {
    let text = text(item, sink)?.value;
    if HeaderValue::try_from(&text).is_ok() && text.len() <= 4096 {
        return Some(text);
    }
    let problem = Problem::new("this cannot be the value of a header", item.spot.clone());
    sink.report(
        problem.label("at most 4,096 characters, no line breaks or other control characters"),
    );
    None
}

fn method(table: &mut Table<'_>, default: PushMethod) -> Option<PushMethod> {
    const DEFAULT_CHUNK: ByteSize = ByteSize::from_mib(5);
    const METHODS: [(&str, PushMethod); 5] = [
        ("post", PushMethod::Post),
        ("put", PushMethod::Put),
        ("patch", PushMethod::Patch),
        ("patch-chunked", PushMethod::PatchChunked),
        (
            "chunks",
            PushMethod::Chunks {
                size: DEFAULT_CHUNK,
            },
        ),
    ];
    let method = table.or("method", default, choice("method", &METHODS));
    let range = ByteSize::from_kib(1)..=ByteSize::from_mib(5 * 1024);
    if let Some(PushMethod::Chunks { .. }) = method {
        let chunk = table.need("chunk_size", "chunk_size = \"5MiB\"", size(range));
        return chunk.map(|size| PushMethod::Chunks { size });
    }
    let chunk = table.may("chunk_size", size(range));
    let method = method?;
    chunk?;
    super::journey::only_with(
        table,
        "chunk_size",
        ("method", "chunks"),
        "sends a blob in one piece",
    )?;
    Some(method)
}

/// The most connections of a pool, if nothing else is said.
pub(super) const DEFAULT_POOL: NonZeroUsize = NonZeroUsize::new(8).expect("8 is not 0");
