//! The keys of what a single request looks like.

use super::codecs::{accept, header_value, optional_header};
use crate::keys::codec::{Codec, flag, whole, words};
use crate::keys::define::keys;
use crate::keys::key::Key;
use crate::profile::{AcceptDescriptor, Decoding, Habits, MountQuery};

pub(super) fn keys() -> Vec<Key<Habits>> {
    keys! { Habits {
        /// `User-Agent` of every request.
        user_agent = wire.user_agent => header_value(), "my-client/1.0";
        /// Send `Docker-Distribution-Api-Version: registry/2.0` with every request to the registry.
        api_version = wire.api_version => flag(), true;
        /// `Accept` of a manifest of which only the name is known: one line as a text, or a line for each text of an
        /// array.
        accept = wire.accept => accept(), ["application/vnd.oci.image.manifest.v1+json"];
        /// `Accept` where the descriptor is known: as by name, the manifest's type, or type and `*/*` for manifests and
        /// blobs.
        accept_descriptor = wire.accept_descriptor =>
            words("accept_descriptor", AcceptDescriptor::WORDS), "manifest-type";
        /// `Accept-Encoding` of every request but `HEAD` and ranges.
        accept_encoding = wire.accept_encoding => optional_header(), "gzip";
        /// `Accept-Encoding` of a `GET` by descriptor, ranges included, where it differs. Each coding of such a
        /// response is decoded, and an unknown one is refused.
        fetch_encoding = wire.fetch_encoding => optional_header(), "zstd;q=1.0, gzip;q=0.8";
        /// Which responses with a `Content-Encoding` are decoded: all with known codings, or those in the coding that
        /// was asked for.
        decoding = wire.decoding => words("decoding", Decoding::WORDS), "asked";
        /// `Content-Type` of the `POST` that opens an upload session.
        session_content_type = wire.start_type => optional_header(), "application/json", only(&["push", "copy"]);
        /// Send `Content-Type: application/octet-stream` with `PATCH`, and with `PUT` without a body.
        octet_stream = wire.octet_stream => flag(), true, only(&["push", "copy"]);
        /// Send `Referer` with a request that follows a redirect.
        referer = wire.referer => flag(), true;
        /// Send the `Accept` of manifests with the `DELETE` of one.
        accept_on_delete = wire.accept_on_delete => flag(), true, only(&["delete"]);
        /// Redirects that are followed for one request.
        max_redirects = wire.max_redirects => small(20), 9;
        /// Query of a mount: `from` first, `mount` first and unescaped, or `from` first with `origin=HOST:PORT`.
        mount_query = wire.mount_query => words("mount_query", MountQuery::WORDS), "mount-first", only(&["push", "copy"]);
        /// Send the bytes of a blob again after 307 and 308, and where a peer did not process the request (HTTP/2).
        replays_blobs = wire.replays_blobs => flag(), true, only(&["push", "copy"]);
        /// Entries asked for on each page of a list (`n`). Absent: the registry decides.
        page_size = wire.page_size => whole(1..=100_000).optional(), 100, only(&["list-tags", "catalog"]);
    }}
}

fn small(most: u8) -> Codec<u8> {
    whole(0..=most.into()).map(
        move |number| u8::try_from(number).unwrap_or(most),
        |number: &u8| u32::from(*number),
    )
}
