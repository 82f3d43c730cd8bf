//! The verbs of blobs: check, fetch, delete.

use std::fmt;
use std::io;

use http::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, HeaderValue, RANGE};
use http::{Method, StatusCode};

use super::auth::{Actions, Scope};
use super::call::{Accepts, Call};
use super::check::{Check, Wanted};
use super::client::Client;
use super::digest_header::wrong_header;
use super::error::{Error, Kind};
use super::response::Response;
use crate::oci::{Digest, Hasher, MediaType, Operation, RepositoryName};

/// The destination of a blob's bytes.
pub trait BlobSink {
    /// Returns how many first bytes of the blob are here already, and their hash. Called before the first request.
    fn resume(&mut self) -> Option<(u64, Hasher)> {
        None
    }

    /// Drops what was here: the blob comes from its start.
    ///
    /// # Errors
    /// Fails if that cannot be done.
    fn restart(&mut self, why: Restart) -> io::Result<()>;

    /// Returns `true` if the sink reads the bytes. Otherwise, and if they are not verified either, it may be given other bytes.
    fn looks(&self) -> bool {
        true
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// Fails if they cannot be kept.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// Why a partial blob is fetched from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// The registry sent all of it instead of the rest.
    Whole,
    /// The registry refused to send the rest (416).
    Refused,
    /// The registry sent another part than the requested one, or did not say which.
    Elsewhere,
    /// It is requested in parts, from the first one on.
    Parts,
    /// What was here is other content: together with the rest it had another digest.
    OtherContent,
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole => "the registry sent all of it where the rest was asked for",
            Self::Refused => "the registry refused to send the rest of it (416)",
            Self::Elsewhere => "the registry sent another part than the one asked for",
            Self::Parts => "it is fetched in parts",
            Self::OtherContent => "what was here of it had other content",
        })
    }
}

/// A blob that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Bytes over the wire this time; fewer than were taken if they came encoded.
    pub bytes: u64,
    /// Bytes of the whole blob.
    pub size: u64,
}

impl Client {
    /// Checks whether a blob exists in a repository. `None`: it does not; `Some(size)`: it does, with its size if the
    /// registry states it.
    ///
    /// # Spec
    /// distribution-spec, "Checking if content exists in the registry", end-2.
    ///
    /// # Errors
    /// Fails if there is no response, or if it is neither success nor 404.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn blob_head(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<Option<u64>>, Error> {
        self.blob_head_as(repository, digest, None).await
    }

    /// Checks for a blob as [`Client::blob_head`] does, with a known type.
    ///
    /// # Errors
    /// As [`Client::blob_head`].
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn blob_head_as(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        media_type: Option<&MediaType>,
    ) -> Result<Option<Option<u64>>, Error> {
        let call = Call {
            method: Method::HEAD,
            scope: Scope::of(repository, Actions::Pull),
            accepts: Accepts::Blob(media_type),
            ..self.blob_call(Operation::BlobHead, repository, digest)
        };
        let response = self.send(&call).await?;
        if response.status() != StatusCode::NOT_FOUND
            && let Some(kind) = wrong_header(&response, digest)
        {
            return Err(response.fail(kind));
        }
        let size = response
            .header(CONTENT_LENGTH)
            .and_then(|text| text.parse().ok());
        let found = (response.status() != StatusCode::NOT_FOUND).then_some(size);
        response.finish().await?;
        Ok(found)
    }

    /// Fetches a blob, or the rest of it, into `sink`.
    ///
    /// # Spec
    /// distribution-spec, "Pulling blobs", end-2; RFC 9110, 14 for the rest of a blob.
    ///
    /// If the rest cannot be had (416, another part, other content), the blob is fetched from its start by another
    /// request.
    ///
    /// # Errors
    /// Fails if there is no response, if it is not 200 or 206, if the sink refuses, or if the blob is not the wanted
    /// one.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled; what the sink has taken stays with the sink.
    pub async fn blob_get(
        &self,
        repository: &RepositoryName,
        wanted: Wanted,
        sink: &mut dyn BlobSink,
    ) -> Result<Received, Error> {
        self.blob_get_as(repository, wanted, None, sink).await
    }

    /// Fetches a blob as [`Client::blob_get`] does, with a known type.
    ///
    /// # Errors
    /// As [`Client::blob_get`].
    ///
    /// # Cancel safety
    /// As [`Client::blob_get`].
    pub async fn blob_get_as(
        &self,
        repository: &RepositoryName,
        wanted: Wanted,
        media_type: Option<&MediaType>,
        sink: &mut dyn BlobSink,
    ) -> Result<Received, Error> {
        let mut had = sink.resume().filter(|(offset, _)| *offset > 0);
        let mut before = 0; // bytes that came to nothing
        loop {
            let mut call = Call {
                scope: Scope::of(repository, Actions::Pull),
                accepts: Accepts::Blob(media_type),
                ..self.blob_call(Operation::BlobGet, repository, &wanted.digest)
            };
            if let Some((offset, _)) = &had {
                call.headers = from_byte(*offset);
                call.also = &[416];
            }
            let response = self.send(&call).await?;
            if let Some(kind) = wrong_header(&response, &wanted.digest) {
                return Err(response.fail(kind));
            }
            let came = match had.take() {
                None if response.status() == StatusCode::PARTIAL_CONTENT => {
                    return Err(response.fail(Kind::Protocol(
                        "a part was sent, but the whole was asked for",
                    )));
                }
                None => receive(response, sink, self.check(wanted)).await?,
                Some(had) => self.receive_rest(response, sink, wanted, had).await?,
            };
            match came {
                Came::Blob(received) => {
                    let bytes = before + received.bytes;
                    return Ok(Received { bytes, ..received });
                }
                Came::Nothing(bytes) => before += bytes,
            }
        }
    }

    /// Takes the response to a request for the rest of a blob. If it has no rest, the blob is to be fetched from its
    /// start.
    async fn receive_rest(
        &self,
        response: Response<'_>,
        sink: &mut dyn BlobSink,
        wanted: Wanted,
        had: (u64, Hasher),
    ) -> Result<Came, Error> {
        let begins = match response.status() {
            StatusCode::PARTIAL_CONTENT => range_start(&response),
            StatusCode::RANGE_NOT_SATISFIABLE => {
                if let Err(error) = sink.restart(Restart::Refused) {
                    return Err(response.fail(Kind::Sink(error)));
                }
                response.set_aside().await;
                return Ok(Came::Nothing(0));
            }
            _ => {
                if let Err(error) = sink.restart(Restart::Whole) {
                    return Err(response.fail(Kind::Sink(error)));
                }
                return receive(response, sink, self.check(wanted)).await;
            }
        };
        if begins == Some(had.0) {
            return receive(response, sink, Check::of_rest(wanted, had)).await;
        }
        if let Err(error) = sink.restart(Restart::Elsewhere) {
            return Err(response.fail(Kind::Sink(error)));
        }
        // The exchange counts as failed; the blob is fetched all the same.
        drop(response.fail(Kind::Protocol(ELSEWHERE)));
        Ok(Came::Nothing(0))
    }

    /// Deletes a blob from a repository. `false`: it was not there.
    ///
    /// # Spec
    /// distribution-spec, "Deleting Blobs", end-10.
    ///
    /// # Errors
    /// Fails if there is no response, or if it is neither 202 nor 404. Many registries refuse with 405.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled; the registry may have deleted the blob.
    pub async fn blob_delete(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<bool, Error> {
        let call = Call {
            method: Method::DELETE,
            scope: Scope::of(repository, Actions::PullPushDelete),
            also: &[404],
            ..self.blob_call(Operation::BlobDelete, repository, digest)
        };
        self.delete(&call).await
    }

    pub(super) fn blob_call(
        &self,
        operation: Operation,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Call<'static> {
        Call::get(
            operation,
            self.endpoint(&[repository.as_str(), "/blobs/", &digest.to_string()]),
        )
    }
}

/// The error of a response to a range request that starts elsewhere.
pub(super) const ELSEWHERE: &str =
    "the response to a range request starts elsewhere, or has no valid Content-Range";

/// Returns the header that requests everything from a byte on.
///
/// # Spec
/// RFC 9110, 14.2.
pub(super) fn from_byte(offset: u64) -> HeaderMap {
    let value = HeaderValue::try_from(format!("bytes={offset}-"));
    let value = value.expect("digits and a hyphen are visible characters");
    HeaderMap::from_iter([(RANGE, value)])
}

/// The result of a response.
enum Came {
    Blob(Received),
    /// The blob is to be requested from its start, after so many bytes.
    Nothing(u64),
}

async fn receive(
    mut response: Response<'_>,
    sink: &mut dyn BlobSink,
    mut check: Check<'_>,
) -> Result<Came, Error> {
    let is_rest = check.is_rest();
    if !check.looks() && !sink.looks() {
        response.discard_body();
    }
    loop {
        match response.frame().await {
            Err(kind) => return Err(response.fail(kind)),
            Ok(None) => break,
            Ok(Some(part)) => {
                if let Err(kind) = check.update(&part) {
                    return Err(response.fail(*kind));
                }
                if let Err(error) = sink.write(&part) {
                    return Err(response.fail(Kind::Sink(error)));
                }
            }
        }
    }
    let bytes = response.incoming.received();
    match check.finish() {
        Ok(size) => {
            response.succeed();
            Ok(Came::Blob(Received { bytes, size }))
        }
        // Either part may be the wrong one. If the registry's is, the whole will show it.
        Err(kind) if is_rest && matches!(*kind, Kind::Digest { .. }) => {
            match sink.restart(Restart::OtherContent) {
                Ok(()) => response.succeed(),
                Err(error) => return Err(response.fail(Kind::Sink(error))),
            }
            Ok(Came::Nothing(bytes))
        }
        Err(kind) => Err(response.fail(*kind)),
    }
}

/// Returns the first byte of a partial response: `Content-Range: bytes 5-9/10`.
pub(super) fn range_start(response: &Response<'_>) -> Option<u64> {
    let range = response.header(CONTENT_RANGE)?.strip_prefix("bytes ")?;
    range.split_once('-')?.0.trim().parse().ok()
}
