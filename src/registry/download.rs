//! A blob that arrives while something else is done with it, frame by frame.

use std::fmt;

use bytes::Bytes;
use http::StatusCode;

use super::auth::{Actions, Scope};
use super::call::{Accepts, Call};
use super::check::{Check, Wanted};
use super::client::Client;
use super::error::{Error, Kind};
use super::response::Response;
use crate::oci::{MediaType, Operation, RepositoryName};

/// A blob whose response has begun. It is read no faster than it is asked for; dropped before its end, its exchange counts as
/// cancelled.
#[must_use = "a response that is not read to its end counts as cancelled"]
pub struct Download<'c>(Option<(Response<'c>, Check<'c>)>); // `None` after its end

impl Client {
    /// Asks for a blob, and returns it as soon as its response has begun.
    ///
    /// # Spec
    /// distribution-spec, "Pulling blobs", end-2.
    ///
    /// # Errors
    /// Fails if there is no response, or if it is not 200.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn blob_open(
        &self,
        repository: &RepositoryName,
        wanted: Wanted,
        media_type: Option<&MediaType>,
    ) -> Result<Download<'_>, Error> {
        let call = Call {
            scope: Scope::of(repository, Actions::Pull),
            accepts: Accepts::Blob(media_type),
            ..self.blob_call(Operation::BlobGet, repository, &wanted.digest)
        };
        let response = self.send(&call).await?;
        if response.status() == StatusCode::PARTIAL_CONTENT {
            return Err(response.fail(Kind::Protocol(
                "a part was sent, but the whole was asked for",
            )));
        }
        Ok(Download(Some((response, self.check(wanted)))))
    }
}

impl fmt::Debug for Download<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let check = self.0.as_ref().map(|(_, check)| check);
        f.debug_tuple("Download").field(&check).finish()
    }
}

impl Download<'_> {
    /// Returns the next bytes; `None` once all have come and are the blob.
    ///
    /// # Errors
    /// Fails if the response breaks off, or if the blob is not the wanted one.
    ///
    /// # Cancel safety
    /// A dropped call loses nothing.
    pub async fn frame(&mut self) -> Result<Option<Bytes>, Error> {
        let Some((response, check)) = &mut self.0 else {
            return Ok(None);
        };
        let problem = match response.frame().await {
            Ok(Some(part)) => match check.update(&part) {
                Ok(()) => return Ok(Some(part)),
                Err(kind) => Some(*kind),
            },
            Ok(None) => None,
            Err(kind) => Some(kind),
        };
        let Some((response, check)) = self.0.take() else {
            return Ok(None);
        };
        let kind = match problem {
            Some(kind) => kind,
            None => match check.finish() {
                Ok(_) => {
                    response.succeed();
                    return Ok(None);
                }
                Err(kind) => *kind,
            },
        };
        Err(response.fail(kind))
    }
}
