//! Verbs of a replay: requests for what is not there, and for the first bytes of a blob.

use http::StatusCode;
use http::header::{HeaderMap, HeaderValue, RANGE};

use super::auth::{Actions, Scope};
use super::call::{Accepts, Call};
use super::client::Client;
use super::error::Error;
use crate::oci::{Digest, Operation, RepositoryName};

impl Client {
    /// Requests a blob that may not be there, and discards it. Returns whether it was there.
    ///
    /// # Spec
    /// distribution-spec, "Pulling blobs", end-2.
    ///
    /// # Errors
    /// Fails if there is no response, or if it is neither success nor 404.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn blob_find(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<bool, Error> {
        self.find(&Call {
            scope: Scope::of(repository, Actions::Pull),
            accepts: Accepts::Blob(None),
            also: &[404],
            ..self.blob_call(Operation::BlobGet, repository, digest)
        })
        .await
    }

    /// Requests the tags of a repository that may not be there, and discards them. Returns whether it was there.
    ///
    /// # Spec
    /// distribution-spec, "Listing Tags", end-8.
    ///
    /// # Errors
    /// As [`Client::blob_find`].
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn tags_find(&self, repository: &RepositoryName) -> Result<bool, Error> {
        let address = self.endpoint(&[repository.as_str(), "/tags/list"]);
        self.find(&Call {
            scope: Scope::of(repository, Actions::Pull),
            also: &[404],
            ..Call::get(Operation::TagsList, address)
        })
        .await
    }

    /// Requests the first bytes of a blob, at least one, and discards what comes. A registry without ranges sends all of it.
    ///
    /// # Spec
    /// distribution-spec, "Pulling blobs", end-2; RFC 9110, 14.2.
    ///
    /// # Errors
    /// Fails if there is no response, or if it is neither 200 nor 206.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn blob_get_first(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        bytes: u64,
    ) -> Result<(), Error> {
        let call = Call {
            scope: Scope::of(repository, Actions::Pull),
            accepts: Accepts::Blob(None),
            headers: first_bytes(bytes),
            ..self.blob_call(Operation::BlobGet, repository, digest)
        };
        let mut response = self.send(&call).await?;
        response.discard_body();
        // As many bytes as there are: a part may be as large as the blob.
        loop {
            match response.frame().await {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(kind) => return Err(response.fail(kind)),
            }
        }
        response.succeed();
        Ok(())
    }

    async fn find(&self, call: &Call<'_>) -> Result<bool, Error> {
        let mut response = self.send(call).await?;
        let is_there = response.status() != StatusCode::NOT_FOUND;
        response.discard_body();
        response.finish().await?;
        Ok(is_there)
    }
}

/// Returns the header that requests so many first bytes.
fn first_bytes(count: u64) -> HeaderMap {
    let value = HeaderValue::try_from(format!("bytes=0-{}", count.saturating_sub(1)));
    let value = value.expect("digits and a hyphen are visible characters");
    HeaderMap::from_iter([(RANGE, value)])
}
