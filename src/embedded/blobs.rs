//! Blobs: exist, whole or in part, deleted.

use std::borrow::Cow;
use std::rc::Rc;

use http::StatusCode;
use http::header::{
    ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, RANGE,
};
use http::{HeaderValue, Method};

use crate::oci::{Digest, ErrorCode, RepositoryName};

use super::answer::{Ask, CONTENT_DIGEST};
use super::blob::Blob;
use super::range::{Wanted, wanted};
use super::refusal::Refusal;
use super::reply::{Content, Reply};
use super::settings::Quirk;
use super::storage_host;

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// Reads a digest out of a path, where clients may escape its colon.
pub(super) fn digest_in_path(text: &str) -> Result<Digest, Refusal> {
    let text = if text.contains('%') {
        Cow::from(text.replace("%3A", ":").replace("%3a", ":"))
    } else {
        Cow::from(text)
    };
    text.parse()
        .map_err(|error: crate::oci::DigestError| Refusal::digest(error.to_string()))
}

/// Does the client say that it has this content already?
pub(super) fn has_already(ask: &Ask<'_>, digest: &Digest) -> bool {
    ask.header(&IF_NONE_MATCH).is_some_and(|tags| {
        let digest = digest.to_string();
        tags.split(',').any(|tag| {
            let tag = tag.trim().trim_start_matches("W/").trim_matches('"');
            tag == digest || tag == "*"
        })
    })
}

/// # Spec
/// end-2, "Pulling blobs" and "Checking if content exists in the registry".
pub(super) fn get(ask: &Ask<'_>, name: &RepositoryName, digest: &str) -> Result<Reply, Refusal> {
    let digest = digest_in_path(digest)?;
    let blob = ask
        .site
        .store
        .borrow()
        .blob(name, &digest)
        .cloned()
        .ok_or_else(|| {
            Refusal::missing(
                ErrorCode::BlobUnknown,
                format!("repository {name} has no blob {digest}"),
            )
        })?;
    if ask.site.has(Quirk::RedirectBlobs)
        && let Some(url) = storage_host::url(ask.site, ask.head, &digest)
    {
        return Ok(Reply::new(StatusCode::TEMPORARY_REDIRECT)
            .header(LOCATION, url)
            .header(CONTENT_DIGEST, digest.to_string()));
    }
    if has_already(ask, &digest) {
        return Ok(Reply::new(StatusCode::NOT_MODIFIED).header(ETAG, format!("\"{digest}\"")));
    }
    Ok(content(ask, &blob)?
        .header(CONTENT_DIGEST, digest.to_string())
        .header(ETAG, format!("\"{digest}\"")))
}

/// A blob's content, whole or the part that was asked for.
pub(super) fn content(ask: &Ask<'_>, blob: &Rc<Blob>) -> Result<Reply, Refusal> {
    let size = blob.size;
    if blob.pieces.is_none() && ask.head.method != Method::HEAD {
        return Err(Refusal::missing(
            ErrorCode::BlobUnknown,
            "this registry threw the content away when it came (storage: sink); only its digest and size are known",
        ));
    }
    // RFC 9110: a range is for GET only.
    let range = ask
        .header(&RANGE)
        .filter(|_| ask.head.method == Method::GET);
    let (status, first, length) = match wanted(range, size) {
        Wanted::Whole => (StatusCode::OK, 0, size),
        Wanted::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Wanted::Unsatisfiable => {
            return Err(Refusal::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                ErrorCode::Other("RANGE_INVALID".into()),
                format!("the blob has {size} bytes"),
            )
            .with(CONTENT_RANGE, format!("bytes */{size}")));
        }
    };
    let mut reply = Reply::new(status)
        .header(CONTENT_TYPE, OCTETS)
        .header(ACCEPT_RANGES, HeaderValue::from_static("bytes"))
        .content(Content::Part {
            blob: Rc::clone(blob),
            first,
            length,
        });
    if status == StatusCode::PARTIAL_CONTENT {
        let last = first + length - 1;
        reply = reply.header(CONTENT_RANGE, format!("bytes {first}-{last}/{size}"));
    }
    Ok(reply)
}

/// # Spec
/// end-10, "Deleting Blobs".
pub(super) fn delete(ask: &Ask<'_>, name: &RepositoryName, digest: &str) -> Result<Reply, Refusal> {
    let digest = digest_in_path(digest)?;
    deletion_allowed(ask)?;
    if ask.site.store.borrow_mut().remove_blob(name, &digest) {
        Ok(Reply::new(StatusCode::ACCEPTED).header(CONTENT_DIGEST, digest.to_string()))
    } else {
        Err(Refusal::missing(
            ErrorCode::BlobUnknown,
            format!("repository {name} has no blob {digest}"),
        ))
    }
}

pub(super) fn deletion_allowed(ask: &Ask<'_>) -> Result<(), Refusal> {
    if ask.site.has(Quirk::NoDelete) {
        Err(Refusal::unsupported("this registry does not delete"))
    } else {
        Ok(())
    }
}

/// The answer to a blob that is now in the repository.
pub(super) fn created(ask: &Ask<'_>, name: &RepositoryName, digest: &Digest) -> Reply {
    let base = ask.site.location_base(ask.head);
    Reply::new(StatusCode::CREATED)
        .header(LOCATION, format!("{base}/v2/{name}/blobs/{digest}"))
        .header(CONTENT_DIGEST, digest.to_string())
}
