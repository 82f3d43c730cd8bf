//! The digest in the header of a response, and whether it is that of what was requested.

use http::HeaderName;

use super::error::Kind;
use super::response::Response;
use crate::oci::Digest;

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// The digest in the header. An unreadable one, or one of an unknown algorithm, promises nothing.
pub(super) fn promised_digest(response: &Response<'_>) -> Option<Digest> {
    response.header(CONTENT_DIGEST)?.parse().ok()
}

/// Returns what is wrong with the digest in the header, if there is one of the same algorithm and it is not that of what was
/// requested.
pub(super) fn wrong_header(response: &Response<'_>, asked: &Digest) -> Option<Kind> {
    let found = promised_digest(response)?;
    let is_wrong = found != *asked && found.algorithm() == asked.algorithm();
    is_wrong.then_some(Kind::DigestHeader {
        expected: *asked,
        found,
    })
}
