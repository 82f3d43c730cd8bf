//! Blobs: exist, whole or in part, deleted.

use http::header::{ETAG, LOCATION};
use http::{Method, StatusCode};

use crate::oci::{Digest, ErrorCode, RepositoryName};

use super::blob_content::content;
use super::refusal::Refusal;
use super::request::{ParsedRequest, digest_in_path};
use super::response::{CONTENT_DIGEST, Response};
use super::settings::Quirk;
use super::storage_host;

/// # Spec
/// end-2, "Pulling blobs" and "Checking if content exists in the registry".
pub(super) fn get(
    request: &ParsedRequest<'_>,
    name: &RepositoryName,
    digest: &str,
) -> Result<Response, Refusal> {
    let digest = digest_in_path(digest)?;
    let blob = request
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
    if request.site.has(Quirk::RedirectBlobs)
        && let Some(url) = storage_host::url(request.site, request.head, &digest)
    {
        return Ok(Response::new(StatusCode::TEMPORARY_REDIRECT)
            .header(LOCATION, url)
            .header(CONTENT_DIGEST, digest.to_string()));
    }
    if request.has_already(&digest) {
        return Ok(Response::new(StatusCode::NOT_MODIFIED).header(ETAG, format!("\"{digest}\"")));
    }
    let found = content(request, &blob)?;
    if let (Some(fetches), &Method::GET) = (&request.site.fetches, &request.head.method) {
        *fetches.borrow_mut().entry(digest).or_default() += 1;
    }
    Ok(found
        .header(CONTENT_DIGEST, digest.to_string())
        .header(ETAG, format!("\"{digest}\"")))
}

/// # Spec
/// end-10, "Deleting Blobs".
pub(super) fn delete(
    request: &ParsedRequest<'_>,
    name: &RepositoryName,
    digest: &str,
) -> Result<Response, Refusal> {
    let digest = digest_in_path(digest)?;
    request.deletion_allowed()?;
    if request.site.store.borrow_mut().remove_blob(name, &digest) {
        Ok(Response::new(StatusCode::ACCEPTED).header(CONTENT_DIGEST, digest.to_string()))
    } else {
        Err(Refusal::missing(
            ErrorCode::BlobUnknown,
            format!("repository {name} has no blob {digest}"),
        ))
    }
}

/// Returns the response for a blob that is now in the repository.
pub(super) fn created(
    request: &ParsedRequest<'_>,
    name: &RepositoryName,
    digest: &Digest,
) -> Response {
    let base = request.site.location_base(request.head);
    Response::new(StatusCode::CREATED)
        .header(LOCATION, format!("{base}/v2/{name}/blobs/{digest}"))
        .header(CONTENT_DIGEST, digest.to_string())
}
