//! The storage host that blobs are redirected to: signed URLs, and no patience with credentials that followed.

use http::header::AUTHORIZATION;
use http::{Method, StatusCode};

use crate::oci::{Digest, ErrorCode};

use super::answer::Ask;
use super::blobs::{content, digest_in_path};
use super::query::Query;
use super::refusal::Refusal;
use super::reply::Reply;
use super::site::Site;

/// A URL under which the storage host gives out a blob; `None` if there is no storage host.
pub(super) fn url(site: &Site, digest: &Digest) -> Option<String> {
    let address = site.storage_address?;
    let signature = site.keys.seal(&digest.to_string());
    let scheme = site.scheme();
    Some(format!(
        "{scheme}://{address}/{digest}?signature={signature}"
    ))
}

pub(super) fn get(ask: &Ask<'_>) -> Result<Reply, Refusal> {
    if ask.head.method != Method::GET && ask.head.method != Method::HEAD {
        return Err(Refusal::unsupported(
            "the storage host only gives out blobs",
        ));
    }
    if ask.head.headers.contains_key(AUTHORIZATION) {
        let message =
            "only one way to authorize is allowed: the signature in the URL, or the header";
        return Err(Refusal::bad(ErrorCode::Unsupported, message));
    }
    let path = ask.head.uri.path();
    let digest = digest_in_path(path.strip_prefix('/').unwrap_or(path))?;
    let signature = Query::new(ask.head.uri.query()).get("signature");
    if signature.as_deref() != Some(&ask.site.keys.seal(&digest.to_string())) {
        let message = "the URL is not signed by the registry";
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            ErrorCode::Denied,
            message,
        ));
    }
    let blob = ask.site.store.borrow().any_blob(&digest).cloned();
    content(
        ask,
        &blob.ok_or_else(|| Refusal::missing(ErrorCode::BlobUnknown, "no such blob"))?,
    )
}
