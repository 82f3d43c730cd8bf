//! The `[target.embedded]` table.

use std::time::Duration;

use crate::embedded::{AuthScheme, Storage};
use crate::keys::codec::{Codec, HOUR, SECOND, flag, size, text as text_codec, time, words};
use crate::keys::define::keys;
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, shorten};
use crate::keys::tree::Item;
use crate::keys::value::text;
use crate::units::ByteSize;

keys! {
    /// The registry in this process.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Embedded {
        /// What the registry keeps: everything, in memory, or digests and sizes only.
        pub storage: Storage = Storage::Memory => words("storage", Storage::WORDS), "sink";
        /// Path before `/v2/`.
        ///
        /// Empty, or `/` and a path without a slash at its end.
        pub base_path: String => path(), "/mirror";
        /// How its clients authenticate. Needs `username` and `password` in `[target.auth]` unless it is open.
        pub auth: AuthScheme = AuthScheme::Open => words("auth", AuthScheme::WORDS), "bearer";
        /// Speak TLS, with a certificate that the registry makes and its clients trust.
        pub tls: bool = false => flag(), true;
        /// Lifetime of its tokens.
        pub token_lifetime: Duration = 60 * SECOND => time(SECOND..=HOUR), "5m";
        /// The most content that it keeps.
        pub max_bytes as max_memory: ByteSize = ByteSize::from_mib(1024) =>
            size(ByteSize::from_mib(1)..=ByteSize::from_mib(1 << 20)), "4GiB";
    }
}

fn path() -> Codec<String> {
    text_codec("path before `/v2/`, such as `\"/mirror\"`", base_path)
}

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
