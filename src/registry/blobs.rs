//! Blobs: does it exist, give it, delete it.

use std::io;

use http::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, HeaderValue, RANGE};
use http::{Method, StatusCode};

use super::answer::Answer;
use super::auth::{Actions, Scope};
use super::call::{Accepts, Call};
use super::check::Check;
use super::client::Client;
use super::error::{Error, Kind};
use crate::oci::{Digest, Hasher, MediaType, Operation, RepositoryName, Verify};

/// Where the bytes of a blob go.
pub trait BlobSink {
    /// How many first bytes of the blob are here already, and the hash of them. Asked once, before the request.
    fn resume(&mut self) -> Option<(u64, Hasher)> {
        None
    }

    /// The registry sends the blob from its start although a rest was asked for: forget what was here.
    ///
    /// # Errors
    /// When that cannot be done.
    fn restart(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Does it look at the bytes that it takes? If it does not, and they are not verified either, it may be given others.
    fn looks(&self) -> bool {
        true
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When they cannot be kept.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// A blob that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Its name, and what its bytes must hash to.
    pub digest: Digest,
    /// Bytes, as the manifest says; schema 1 says nothing.
    pub size: Option<u64>,
    /// How much of that is checked.
    pub verify: Verify,
}

/// A blob that has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Bytes that came over the wire this time; fewer than were taken if they came encoded.
    pub bytes: u64,
    /// Bytes of the whole blob.
    pub size: u64,
}

impl Client {
    /// Asks whether a blob exists in a repository. `None`: it does not; `Some(size)`: it does, and the size if told.
    ///
    /// # Spec
    /// distribution-spec, "Checking if content exists in the registry", end-2.
    ///
    /// # Errors
    /// When there is no answer, or it is neither yes nor no.
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

    /// Asks for a blob as [`Client::blob_head`] does, knowing its type.
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
        let answer = self.send(&call).await?;
        let size = answer
            .header(CONTENT_LENGTH)
            .and_then(|text| text.parse().ok());
        let found = answer.status().is_success().then_some(size);
        answer.finish().await?;
        Ok(found)
    }

    /// Fetches a blob, or the rest of it, into `sink`.
    ///
    /// # Spec
    /// distribution-spec, "Pulling blobs", end-2; RFC 9110, 14 for the rest of a blob.
    ///
    /// # Errors
    /// When there is no answer, it is not 200 or 206, the sink refuses, or the blob is not the wanted one.
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

    /// Fetches a blob as [`Client::blob_get`] does, knowing its type.
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
        let resume = sink.resume().filter(|(offset, _)| *offset > 0);
        let mut call = Call {
            scope: Scope::of(repository, Actions::Pull),
            accepts: Accepts::Blob(media_type),
            ..self.blob_call(Operation::BlobGet, repository, &wanted.digest)
        };
        if let Some((offset, _)) = &resume {
            call.headers = from_byte(*offset);
        }
        let answer = self.send(&call).await?;
        let check = match (resume, answer.status()) {
            (Some(had), StatusCode::PARTIAL_CONTENT) => {
                if range_start(&answer) != Some(had.0) {
                    return Err(answer.fail(Kind::Protocol(
                        "the answer to a range request starts elsewhere",
                    )));
                }
                Check::of_rest(wanted, had)
            }
            (Some(_), _) => match sink.restart() {
                Ok(()) => self.check(wanted),
                Err(error) => return Err(answer.fail(Kind::Sink(error))),
            },
            (None, StatusCode::PARTIAL_CONTENT) => {
                return Err(answer.fail(Kind::Protocol(
                    "a part was sent, but the whole was asked for",
                )));
            }
            (None, _) => self.check(wanted),
        };
        receive(answer, sink, check).await
    }

    /// Deletes a blob from a repository. `false`: it was not there.
    ///
    /// # Spec
    /// distribution-spec, "Deleting Blobs", end-10.
    ///
    /// # Errors
    /// When there is no answer, or it is neither 202 nor 404. Many registries refuse with 405.
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

/// The header that asks for everything from a byte on.
///
/// # Spec
/// RFC 9110, 14.2.
pub(super) fn from_byte(offset: u64) -> HeaderMap {
    let value = HeaderValue::try_from(format!("bytes={offset}-"));
    let value = value.expect("digits and a hyphen are visible characters");
    HeaderMap::from_iter([(RANGE, value)])
}

async fn receive(
    mut answer: Answer<'_>,
    sink: &mut dyn BlobSink,
    mut check: Check<'_>,
) -> Result<Received, Error> {
    if !check.looks() && !sink.looks() {
        answer.let_go();
    }
    loop {
        match answer.frame().await {
            Err(kind) => return Err(answer.fail(kind)),
            Ok(None) => break,
            Ok(Some(part)) => {
                if let Err(kind) = check.update(&part) {
                    return Err(answer.fail(*kind));
                }
                if let Err(error) = sink.write(&part) {
                    return Err(answer.fail(Kind::Sink(error)));
                }
            }
        }
    }
    match check.finish() {
        Ok(size) => {
            let bytes = answer.incoming.received();
            answer.succeed();
            Ok(Received { bytes, size })
        }
        Err(kind) => Err(answer.fail(*kind)),
    }
}

/// The first byte of a partial answer: `Content-Range: bytes 5-9/10`.
pub(super) fn range_start(answer: &Answer<'_>) -> Option<u64> {
    let range = answer.header(CONTENT_RANGE)?.strip_prefix("bytes ")?;
    range.split_once('-')?.0.trim().parse().ok()
}
