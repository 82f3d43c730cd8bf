//! The `[target.embedded]` table.

use std::sync::LazyLock;
use std::time::Duration;

use crate::embedded::{AuthScheme, Storage};
use crate::keys::codec::{flag, size, text as text_codec, time, words};
use crate::keys::key::{Key, key};
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, shorten};
use crate::keys::tree::Item;
use crate::keys::value::text;
use crate::scenario::target::Embedded;
use crate::units::ByteSize;

pub(super) static KEYS: LazyLock<Vec<Key<Embedded>>> = LazyLock::new(|| {
    vec![
        key!(
            "storage",
            words("storage", Storage::WORDS),
            |it: Embedded| it.storage,
            r#""sink""#,
            "What the registry keeps: everything, in memory, or digests and sizes only.",
        ),
        key!(
            "base_path",
            text_codec("path before `/v2/`, such as `\"/mirror\"`", base_path),
            |it: Embedded| it.base_path,
            r#""/mirror""#,
            "Path before `/v2/`.",
        ),
        key!(
            "auth",
            words("auth", AuthScheme::WORDS),
            |it: Embedded| it.auth,
            r#""bearer""#,
            "How its clients authenticate. Needs `username` and `password` in `[target.auth]` unless it is open.",
        ),
        key!(
            "tls",
            flag(),
            |it: Embedded| it.tls,
            "true",
            "Speak TLS, with a certificate that the registry makes and its clients trust.",
        ),
        key!(
            "token_lifetime",
            time(Duration::from_secs(1)..=Duration::from_hours(1)),
            |it: Embedded| it.token_lifetime,
            r#""5m""#,
            "Lifetime of its tokens.",
        ),
        key!(
            "max_memory",
            size(ByteSize::from_mib(1)..=ByteSize::from_mib(1 << 20)),
            |it: Embedded| it.max_bytes,
            r#""4GiB""#,
            "The most content that it keeps.",
        ),
    ]
});

fn base_path(item: &Item, sink: &Sink) -> Option<String> {
    let text = text(item, sink)?;
    let path = text.value.trim_end_matches('/');
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let is_path = path.strip_prefix('/').is_some_and(|path| {
        path.split('/')
            .all(|part| !part.is_empty() && part.chars().all(fits))
    });
    if path.is_empty() || (is_path && path.len() <= 255) {
        return Some(path.to_owned());
    }
    sink.report(
        Problem::new(
            format!("`{}` is not a path", shorten(&text.as_written)),
            item.spot.clone(),
        )
        .label("write /PART/PART of letters, digits, `-`, `.`, `_` and `~`"),
    );
    None
}
