//! The verbs of manifests: check, fetch, store, delete.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};

use super::auth::{Actions, Scope};
use super::blobs::from_byte;
use super::call::{Accepts, Call};
use super::client::Client;
use super::digest_header::{promised_digest, wrong_header};
use super::error::{Error, Kind};
use super::response::Response;
use crate::oci::{Digest, Manifest, MediaType, Operation, Reference, RepositoryName};
use crate::transport::Body;

/// The longest manifest. The specification asks registries to accept at least 4 MiB.
pub const MAX_MANIFEST: u64 = 8 << 20;

const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// What a HEAD returns of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestHead {
    /// The digest, if the registry states it.
    pub digest: Option<Digest>,
    /// The type, if the registry states it.
    pub media_type: Option<MediaType>,
    /// The size in bytes, if the registry states it.
    pub size: Option<u64>,
}

/// What the registry returns for a stored manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Whether the registry linked the manifest to its subject. Otherwise the client maintains the fallback tag.
    pub subject_linked: bool,
}

impl Client {
    /// Looks up the manifest that a reference points at. `None`: there is none.
    ///
    /// # Spec
    /// distribution-spec, "Checking if content exists in the registry", end-3.
    ///
    /// # Errors
    /// Fails if there is no response, or if it is neither success nor 404.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn manifest_head(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<Option<ManifestHead>, Error> {
        self.manifest_head_as(repository, reference, None).await
    }

    /// Looks up a manifest as [`Client::manifest_head`] does, with a known type.
    ///
    /// # Errors
    /// As [`Client::manifest_head`].
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn manifest_head_as(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
        media_type: Option<&MediaType>,
    ) -> Result<Option<ManifestHead>, Error> {
        let call = Call {
            method: Method::HEAD,
            scope: Scope::of(repository, Actions::Pull),
            accepts: Accepts::Manifest(media_type),
            ..self.manifest_call(Operation::ManifestHead, repository, reference)
        };
        let response = self.send(&call).await?;
        let is_there = response.status() != StatusCode::NOT_FOUND;
        if let Reference::Digest(asked) = reference
            && is_there
            && let Some(kind) = wrong_header(&response, asked)
        {
            return Err(response.fail(kind));
        }
        let head = is_there.then(|| ManifestHead {
            digest: promised_digest(&response),
            media_type: content_type(&response),
            size: response
                .header(CONTENT_LENGTH)
                .and_then(|text| text.parse().ok()),
        });
        response.finish().await?;
        Ok(head)
    }

    /// Fetches a manifest. Its bytes must match the requested digest, and the one in the response's header.
    ///
    /// # Spec
    /// distribution-spec, "Pulling manifests", end-3.
    ///
    /// # Errors
    /// Fails if there is no response, if it is not 200, or if the bytes are not the requested manifest.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn manifest_get(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<Manifest, Error> {
        self.manifest_get_as(repository, reference, None).await
    }

    /// Fetches a manifest as [`Client::manifest_get`] does, with a known type. A client that fetches in parts
    /// requests a manifest from its first byte on.
    ///
    /// # Errors
    /// As [`Client::manifest_get`].
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn manifest_get_as(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
        media_type: Option<&MediaType>,
    ) -> Result<Manifest, Error> {
        let call = Call {
            accepts: Accepts::Manifest(media_type),
            ..self.manifest_get_call(repository, reference)
        };
        self.read_manifest(self.send(&call).await?, reference).await
    }

    /// Fetches a manifest as [`Client::manifest_get`] does; `None` if there is none.
    ///
    /// # Errors
    /// As [`Client::manifest_get`], but for 404.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn manifest_find(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<Option<Manifest>, Error> {
        let call = Call {
            also: &[206, 404],
            ..self.manifest_get_call(repository, reference)
        };
        let response = self.send(&call).await?;
        if response.status() == StatusCode::NOT_FOUND {
            response.finish().await?;
            return Ok(None);
        }
        self.read_manifest(response, reference).await.map(Some)
    }

    /// Stores a manifest under a tag or its digest.
    ///
    /// # Spec
    /// distribution-spec, "Pushing Manifests", end-7.
    ///
    /// # Errors
    /// Fails if there is no response, if it is not 201, or if it names another digest.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled; the registry may have stored the manifest.
    pub async fn manifest_put(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
        manifest: &Manifest,
    ) -> Result<Stored, Error> {
        let raw = manifest.raw().clone();
        let body = || Body::whole(raw.clone());
        let mut call = Call {
            method: Method::PUT,
            scope: Scope::of(repository, Actions::PullPush),
            body: &body,
            ..self.manifest_call(Operation::ManifestPut, repository, reference)
        };
        if let Ok(value) = HeaderValue::from_str(manifest.media_type().as_str()) {
            call.headers.insert(CONTENT_TYPE, value);
        }
        let response = self.send(&call).await?;
        if let Some(found) = promised_digest(&response) {
            let expected = manifest.digest(found.algorithm());
            if found != expected {
                return Err(response.fail(Kind::DigestHeader { expected, found }));
            }
        }
        let subject_linked = response.headers().contains_key(OCI_SUBJECT);
        response.finish().await?;
        Ok(Stored { subject_linked })
    }

    /// Deletes a tag, or a manifest with every tag that points at it. Returns `false` if it was not there.
    ///
    /// # Spec
    /// distribution-spec, "Deleting tags", "Deleting Manifests", end-9.
    ///
    /// # Errors
    /// Fails if there is no response, or if it is neither 202 nor 404. Many registries refuse with 405.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled; the registry may have deleted the manifest.
    pub async fn manifest_delete(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<bool, Error> {
        let call = Call {
            method: Method::DELETE,
            scope: Scope::of(repository, Actions::PullPushDelete),
            also: &[404],
            accepts: Accepts::Deleted,
            ..self.manifest_call(Operation::ManifestDelete, repository, reference)
        };
        self.delete(&call).await
    }

    fn manifest_get_call<'a>(
        &self,
        repository: &'a RepositoryName,
        reference: &Reference,
    ) -> Call<'a> {
        let in_parts = self.habits().pull.part_size.is_some();
        Call {
            scope: Scope::of(repository, Actions::Pull),
            headers: if in_parts {
                from_byte(0)
            } else {
                HeaderMap::new()
            },
            also: if in_parts { &[206] } else { &[] },
            accepts: Accepts::Manifest(None),
            ..self.manifest_call(Operation::ManifestGet, repository, reference)
        }
    }

    /// Reads a manifest, and checks that it is the requested one.
    async fn read_manifest(
        &self,
        mut response: Response<'_>,
        reference: &Reference,
    ) -> Result<Manifest, Error> {
        let asked = match reference {
            Reference::Digest(digest) => Some(*digest),
            Reference::Tag(_) => None,
        };
        let promised = promised_digest(&response);
        let media_type = content_type(&response);
        let raw = match response.collect(MAX_MANIFEST).await {
            Ok(raw) => raw,
            Err(kind) => return Err(response.fail(kind)),
        };
        if raw.is_empty() {
            return Err(response.fail(Kind::Empty));
        }
        let seen = self.settings().seen();
        let known = seen.find(response.address().path(), &raw, media_type.as_ref());
        let is_known = known.is_some();
        // A wrong digest explains an unreadable document, so it is checked first.
        let manifest = match known {
            Some(known) => Ok(known),
            // A copy: the bytes outlive the read buffer.
            None => Manifest::parse(Bytes::copy_from_slice(&raw), media_type.as_ref()),
        };
        for expected in asked.into_iter().chain(promised) {
            let found = manifest.as_ref().map_or_else(
                |_| expected.algorithm().digest(&raw),
                |manifest| manifest.digest(expected.algorithm()),
            );
            if found == expected {
                continue;
            }
            // With the right bytes the header is wrong; of a tag nobody knows which of them is.
            let bytes_are_right = asked.is_some_and(|asked| asked != expected);
            return Err(response.fail(if bytes_are_right {
                let (expected, found) = (found, expected);
                Kind::DigestHeader { expected, found }
            } else {
                Kind::Digest { expected, found }
            }));
        }
        let manifest = match manifest {
            Ok(manifest) => manifest,
            Err(error) => return Err(response.fail(Kind::Manifest(error))),
        };
        if !is_known {
            seen.keep(response.address().path(), &manifest, media_type);
        }
        response.succeed();
        Ok(manifest)
    }

    fn manifest_call(
        &self,
        operation: Operation,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Call<'static> {
        Call::get(
            operation,
            self.endpoint(&[repository.as_str(), "/manifests/", &reference.text()]),
        )
    }
}

fn content_type(response: &Response<'_>) -> Option<MediaType> {
    response.header(CONTENT_TYPE).map(MediaType::from)
}

/// Makes headers of one name and value.
pub(super) fn header(name: HeaderName, value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
}
