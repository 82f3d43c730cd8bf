//! Manifests: stored byte for byte, checked for what they name, found by tag or digest.

use std::rc::Rc;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, ETAG, HeaderName, LOCATION};
use http::{HeaderValue, StatusCode};
use tokio::time::Instant;

use crate::oci::{
    Content as Said, Descriptor, Digest, ErrorCode, Manifest, MediaType, Reference, RepositoryName,
    Tag, Unusable,
};

use super::blob::ENTRY;
use super::inbound::Inbound;
use super::refusal::{Ending, Refusal};
use super::request::{ParsedRequest, digest_in_path};
use super::response::{CONTENT_DIGEST, Response};
use super::settings::Quirk;
use super::site::Site;
use super::store::{Repository, StoredManifest};

const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");

fn reference_in_path(text: &str) -> Result<Reference, Refusal> {
    if text.contains([':', '%']) {
        digest_in_path(text).map(Reference::Digest)
    } else {
        Ok(Reference::Tag(text.parse()?))
    }
}

/// # Spec
/// end-3, "Pulling manifests" and "Checking if content exists in the registry".
pub(super) fn get(
    request: &ParsedRequest<'_>,
    name: &RepositoryName,
    reference: &str,
) -> Result<Response, Refusal> {
    let reference = reference_in_path(reference)?;
    let found = request
        .site
        .store
        .borrow()
        .repository(name)
        .and_then(|repository| match &reference {
            Reference::Tag(tag) => repository.tagged(tag, request.lapse.stale),
            Reference::Digest(digest) => repository.manifest(digest),
        })
        .cloned();
    let stored = found
        .filter(|stored| is_acceptable(request, stored))
        .ok_or_else(|| {
            let message = format!("repository {name} has no manifest {reference}");
            Refusal::missing(ErrorCode::ManifestUnknown, message)
        })?;
    let digest = stored.descriptor.digest;
    let response = if request.has_already(&digest) {
        Response::new(StatusCode::NOT_MODIFIED)
    } else {
        Response::new(StatusCode::OK)
            .header(CONTENT_TYPE, stored.content_type.clone())
            .bytes(stored.raw.clone())
    };
    Ok(response
        .header(CONTENT_DIGEST, digest.to_string())
        .header(ETAG, format!("\"{digest}\"")))
}

fn is_acceptable(request: &ParsedRequest<'_>, stored: &Rc<StoredManifest>) -> bool {
    if !request.site.has(Quirk::StrictAccept) {
        return true;
    }
    request
        .head
        .headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|accepted| MediaType::from(accepted) == stored.descriptor.media_type)
}

/// # Spec
/// end-7a and end-7b, "Pushing Manifests".
pub(super) async fn put(
    request: &ParsedRequest<'_>,
    name: &RepositoryName,
    reference: &str,
    inbound: &mut Inbound,
) -> Result<Response, Ending> {
    let reference = reference_in_path(reference)?;
    let tags = asked_tags(request, &reference)?;
    let limit = request.site.settings.max_manifest_size;
    let raw = inbound.collect(limit.get()).await?.ok_or_else(|| {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::SizeInvalid,
            format!("a manifest may have at most {limit}"),
        )
    })?;
    let content_type = request.head.headers.get(CONTENT_TYPE);
    let stored = check(request.site, name, &reference, raw, content_type)?;
    let (digest, subject) = (stored.descriptor.digest, stored.subject);
    if !request.lapse.loses {
        let stale = request.lapse.stale;
        if let Some(until) = stale.map(|it| Instant::now() + it) {
            let mut store = request.site.store.borrow_mut();
            for tag in &tags {
                store.hold(name, tag, until);
            }
        }
        keep(request.site, name, stored, &tags)?;
    }
    let base = request.site.location_base(request.head);
    let mut response = Response::new(StatusCode::CREATED)
        .header(LOCATION, format!("{base}/v2/{name}/manifests/{digest}"))
        .header(CONTENT_DIGEST, digest.to_string());
    if let Some(subject) = subject.filter(|_| !request.site.has(Quirk::NoReferrers)) {
        response = response.header(OCI_SUBJECT, subject.to_string());
    }
    if let Reference::Digest(_) = reference {
        for tag in &tags {
            if let Ok(value) = HeaderValue::from_str(tag.as_str()) {
                response = response.also(OCI_TAG, value);
            }
        }
    }
    Ok(response)
}

fn asked_tags(request: &ParsedRequest<'_>, reference: &Reference) -> Result<Vec<Tag>, Refusal> {
    match reference {
        Reference::Tag(tag) => Ok(vec![tag.clone()]),
        Reference::Digest(_) => request
            .query
            .all("tag")
            .map(|tag| Ok(tag.parse::<Tag>()?))
            .collect(),
    }
}

/// Stores a manifest under its digest and its tags.
pub(super) fn keep(
    site: &Site,
    name: &RepositoryName,
    stored: StoredManifest,
    tags: &[Tag],
) -> Result<(), Refusal> {
    let digest = stored.descriptor.digest;
    let reservations: Result<Vec<_>, _> = tags.iter().map(|_| site.budget.reserve(ENTRY)).collect();
    let mut store = site.store.borrow_mut();
    for (tag, reservation) in tags.iter().zip(reservations?) {
        store.tag(name, tag.clone(), digest, reservation);
    }
    store.add_manifest(name, stored);
    Ok(())
}

/// Makes a stored manifest of bytes, if they are one that this registry takes.
fn check(
    site: &Site,
    name: &RepositoryName,
    reference: &Reference,
    raw: Bytes,
    content_type: Option<&HeaderValue>,
) -> Result<StoredManifest, Refusal> {
    let invalid = |message: String| Refusal::bad(ErrorCode::ManifestInvalid, message);
    let media_type = content_type
        .and_then(|value| value.to_str().ok())
        .map(MediaType::from)
        .ok_or_else(|| invalid("a manifest needs a Content-Type".into()))?;
    if site.has(Quirk::AnyManifest) {
        return any(site, reference, raw, media_type);
    }
    if !MediaType::MANIFESTS.contains(&media_type) || media_type.is_schema1() {
        return Err(invalid(format!(
            "{media_type} is not a type of manifest that this registry takes"
        )));
    }
    let manifest =
        Manifest::parse(raw, Some(&media_type)).map_err(|error| invalid(error.to_string()))?;
    let (said, named) = match manifest.content() {
        Said::Image(image) => (image.media_type.as_ref(), image.schema_version),
        Said::Index(index) => (index.media_type.as_ref(), index.schema_version),
        Said::Schema1(_) => (None, 1),
    };
    if named != 2 {
        return Err(invalid(
            "the document does not say `schemaVersion` 2".into(),
        ));
    }
    if said.is_some_and(|said| *said != media_type) {
        let message =
            format!("the document says of itself another type than the header, {media_type}");
        return Err(invalid(message));
    }
    if !site.has(Quirk::SparseManifests) {
        references_exist(site.store.borrow().repository(name), manifest.content())?;
    }
    store_form(site, reference, &manifest)
}

/// Makes a stored manifest of any bytes under any type.
pub(super) fn any(
    site: &Site,
    reference: &Reference,
    raw: Bytes,
    media_type: MediaType,
) -> Result<StoredManifest, Refusal> {
    if let Ok(manifest) = Manifest::parse(raw.clone(), Some(&media_type))
        && *manifest.media_type() == media_type
    {
        return store_form(site, reference, &manifest);
    }
    let digest = match reference {
        Reference::Digest(digest) => digest.algorithm().digest(&raw),
        Reference::Tag(_) => Digest::sha256(&raw),
    };
    let descriptor = Descriptor::new(media_type, digest, raw.len() as u64);
    stored(site, reference, raw, descriptor, None)
}

fn store_form(
    site: &Site,
    reference: &Reference,
    manifest: &Manifest,
) -> Result<StoredManifest, Refusal> {
    let mut descriptor = manifest.descriptor();
    if let Reference::Digest(digest) = reference {
        descriptor.digest = manifest.digest(digest.algorithm());
    }
    let mut subject = None;
    match manifest.content() {
        Said::Image(image) => {
            let named = image.artifact_type.clone().filter(|it| !it.is_empty());
            let config = image.config.media_type().map(|it| it.as_str().to_owned());
            descriptor.artifact_type = named.or(config);
            descriptor.annotations.clone_from(&image.annotations);
            subject = image.subject.as_ref();
        }
        Said::Index(index) => {
            descriptor.artifact_type = index.artifact_type.clone().filter(|it| !it.is_empty());
            descriptor.annotations.clone_from(&index.annotations);
            subject = index.subject.as_ref();
        }
        Said::Schema1(_) => {}
    }
    let subject = subject.map(|subject| subject.digest().copied()).transpose();
    let subject = subject.map_err(|error| {
        let message = format!("the subject of the manifest cannot be used: {error}");
        Refusal::bad(ErrorCode::ManifestInvalid, message)
    })?;
    stored(site, reference, manifest.raw().clone(), descriptor, subject)
}

fn stored(
    site: &Site,
    reference: &Reference,
    raw: Bytes,
    descriptor: Descriptor,
    subject: Option<Digest>,
) -> Result<StoredManifest, Refusal> {
    if let Reference::Digest(digest) = reference
        && *digest != descriptor.digest
    {
        let found = descriptor.digest;
        return Err(Refusal::digest(format!(
            "the manifest has the digest {found}, not {digest}"
        )));
    }
    let content_type = HeaderValue::from_str(descriptor.media_type.as_str()).map_err(|_| {
        Refusal::bad(
            ErrorCode::ManifestInvalid,
            "the type of the manifest cannot stand in a header",
        )
    })?;
    Ok(StoredManifest {
        // The parsed view holds about as much again as the bytes.
        _reservation: site.budget.reserve(ENTRY + 2 * raw.len() as u64)?,
        raw,
        content_type,
        descriptor,
        subject,
    })
}

/// Layers that are not distributed need not be there, nor a subject: referrers may come first.
fn references_exist(repository: Option<&Repository>, content: &Said) -> Result<(), Refusal> {
    let unusable = |why: Unusable| Refusal::bad(ErrorCode::ManifestInvalid, why.to_string());
    let missing = |digest: &Digest| {
        let message = format!("the manifest names {digest}, which the repository does not have");
        Err(Refusal::bad(ErrorCode::ManifestBlobUnknown, message))
    };
    match content {
        Said::Image(image) => {
            for blob in std::iter::once(image.config()).chain(image.distributed_layers()) {
                let digest = blob.map_err(unusable)?.digest;
                if repository.is_none_or(|it| !it.has_blob(&digest)) {
                    return missing(&digest);
                }
            }
        }
        Said::Index(index) => {
            for (place, child) in index.manifests.iter().enumerate() {
                let child = child.descriptor();
                let digest = child
                    .map_err(|error| unusable(index.unusable(place, error)))?
                    .digest;
                if repository.is_none_or(|it| it.manifest(&digest).is_none()) {
                    return missing(&digest);
                }
            }
        }
        Said::Schema1(_) => {}
    }
    Ok(())
}

/// # Spec
/// end-9, "Deleting tags" and "Deleting Manifests".
pub(super) fn delete(
    request: &ParsedRequest<'_>,
    name: &RepositoryName,
    reference: &str,
) -> Result<Response, Refusal> {
    let reference = reference_in_path(reference)?;
    request.deletion_allowed()?;
    let mut store = request.site.store.borrow_mut();
    if let Some(time) = request.lapse.revives {
        let reserve = || request.site.budget.reserve(ENTRY).ok();
        let mut revivals = request.site.revivals.borrow_mut();
        revivals.add(&store, (name, &reference), Instant::now() + time, reserve);
    }
    let removed = match &reference {
        Reference::Tag(tag) => store.remove_tag(name, tag),
        Reference::Digest(digest) => store.remove_manifest(name, digest),
    };
    if removed {
        Ok(Response::new(StatusCode::ACCEPTED))
    } else {
        let message = format!("repository {name} has no manifest {reference}");
        Err(Refusal::missing(ErrorCode::ManifestUnknown, message))
    }
}
