//! The keys of what a single request looks like.

use super::codecs::{accept, header_value, optional_header};
use crate::keys::codec::{Codec, flag, whole, words};
use crate::keys::key::{Key, key};
use crate::profile::{AcceptDescriptor, Decoding, Habits, MountQuery};

pub(super) fn keys() -> Vec<Key<Habits>> {
    let mut keys = headers();
    keys.extend(requests());
    keys
}

fn headers() -> Vec<Key<Habits>> {
    vec![
        key!(
            "user_agent",
            header_value(),
            |it: Habits| it.wire.user_agent,
            r#""my-client/1.0""#,
            "`User-Agent` of every request.",
        ),
        key!(
            "api_version",
            flag(),
            |it: Habits| it.wire.api_version,
            "true",
            "Send `Docker-Distribution-Api-Version: registry/2.0` with every request to the registry.",
        ),
        key!(
            "accept",
            accept(),
            |it: Habits| it.wire.accept,
            r#"["application/vnd.oci.image.manifest.v1+json"]"#,
            "`Accept` of a manifest of which only the name is known: one line as a text, or a line for each text of an array.",
        ),
        key!(
            "accept_descriptor",
            words("accept_descriptor", AcceptDescriptor::WORDS),
            |it: Habits| it.wire.accept_descriptor,
            r#""manifest-type""#,
            "`Accept` where the descriptor is known: as by name, the manifest's type, or type and `*/*` for manifests and blobs.",
        ),
        key!(
            "accept_encoding",
            optional_header(),
            |it: Habits| it.wire.accept_encoding,
            r#""gzip""#,
            "`Accept-Encoding` of every request but `HEAD` and ranges.",
        ),
        key!(
            "fetch_encoding",
            optional_header(),
            |it: Habits| it.wire.fetch_encoding,
            r#""zstd;q=1.0, gzip;q=0.8""#,
            "`Accept-Encoding` of a `GET` by descriptor, ranges included, where it differs. Each coding of such a response is \
             decoded, and an unknown one is refused.",
        ),
        key!(
            "decoding",
            words("decoding", Decoding::WORDS),
            |it: Habits| it.wire.decoding,
            r#""asked""#,
            "Which responses with a `Content-Encoding` are decoded: all with known codings, or those in the coding that was asked for.",
        ),
        key!(
            "session_content_type",
            optional_header(),
            |it: Habits| it.wire.start_type,
            r#""application/json""#,
            "`Content-Type` of the `POST` that opens an upload session.",
        )
        .only(&["push"]),
        key!(
            "octet_stream",
            flag(),
            |it: Habits| it.wire.octet_stream,
            "true",
            "Send `Content-Type: application/octet-stream` with `PATCH`, and with `PUT` without a body.",
        )
        .only(&["push"]),
        key!(
            "referer",
            flag(),
            |it: Habits| it.wire.referer,
            "true",
            "Send `Referer` with a request that follows a redirect.",
        ),
        key!(
            "accept_on_delete",
            flag(),
            |it: Habits| it.wire.accept_on_delete,
            "true",
            "Send the `Accept` of manifests with the `DELETE` of one.",
        )
        .only(&["delete"]),
    ]
}

fn requests() -> Vec<Key<Habits>> {
    vec![
        key!(
            "max_redirects",
            small(20),
            |it: Habits| it.wire.max_redirects,
            "9",
            "Redirects that are followed for one request.",
        ),
        key!(
            "mount_query",
            words("mount_query", MountQuery::WORDS),
            |it: Habits| it.wire.mount_query,
            r#""mount-first""#,
            "Query of a mount: `from` first, `mount` first and unescaped, or `from` first with `origin=HOST:PORT`.",
        )
        .only(&["push"]),
        key!(
            "replays_blobs",
            flag(),
            |it: Habits| it.wire.replays_blobs,
            "true",
            "Send the bytes of a blob again after 307 and 308, and where a peer did not process the request (HTTP/2).",
        )
        .only(&["push"]),
        key!(
            "page_size",
            whole(1..=100_000).optional(),
            |it: Habits| it.wire.page_size,
            "100",
            "Entries asked for on each page of a list (`n`). Absent: the registry decides.",
        )
        .only(&["list-tags", "catalog"]),
    ]
}

fn small(most: u8) -> Codec<u8> {
    whole(0..=most.into()).map(
        move |number| u8::try_from(number).unwrap_or(most),
        |number: &u8| u32::from(*number),
    )
}
