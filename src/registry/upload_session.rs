//! An open upload session: its bytes are sent and it is closed or cancelled, and its URL changes at every step.

use std::fmt;
use std::ops::Range;
use std::rc::Rc;

use http::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RANGE};
use http::{HeaderMap, Method, StatusCode};

use super::auth::{Actions, Scope};
use super::call::Call;
use super::client::{Abandoned, Client};
use super::error::{Error, Kind};
use super::location::{location, with_digest};
use super::manifests::header;
use super::response::Response;
use crate::oci::{Digest, ErrorBody, ErrorCode, Operation, RepositoryName};
use crate::transport::{Address, Body};

const CHUNK_MIN_LENGTH: HeaderName = HeaderName::from_static("oci-chunk-min-length");
pub(super) const OCTETS: &str = "application/octet-stream";

/// An upload session that is open.
///
/// Each response carries a new URL, and the old one may be dead, so every step consumes the session and returns the
/// next one. A session that is dropped before it is closed is remembered by its client, which cancels it with
/// [`Client::cancel_abandoned`]: it holds space on the registry until then.
#[must_use = "an open upload holds space on the registry; put it or let it be cancelled"]
pub struct UploadSession {
    pub(super) client: Client,
    repository: Rc<RepositoryName>,
    pub(super) location: Option<Address>, // `None` once it is closed, or in the hands of the next step
    chunk_min: u64,
}

const NO_LOCATION: Kind = Kind::Protocol("the response has no Location for the next request");

fn chunk_min(response: &Response<'_>) -> u64 {
    response
        .header(CHUNK_MIN_LENGTH)
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0)
}

impl UploadSession {
    /// The session that a response opens.
    pub(super) async fn of(
        client: &Client,
        response: Response<'_>,
        repository: &Rc<RepositoryName>,
    ) -> Result<Self, Error> {
        let Some(location) = location(response.address(), response.headers()) else {
            return Err(response.fail(NO_LOCATION));
        };
        let session = Self {
            client: client.again(),
            repository: Rc::clone(repository),
            location: Some(location),
            chunk_min: chunk_min(&response),
        };
        // The session is open from here on: if the rest of the response is bad, it is abandoned.
        response.finish().await?;
        Ok(session)
    }

    /// The fewest bytes of any chunk but the last, as the registry requires; 0 if it did not say.
    pub const fn chunk_min(&self) -> u64 {
        self.chunk_min
    }

    /// Sends bytes: all of the blob, or the given range of it.
    ///
    /// # Spec
    /// distribution-spec, "Pushing a blob in chunks", end-5. `Content-Range` is `<first>-<last>`, without a unit.
    ///
    /// # Errors
    /// Fails if there is no response, if it is not 202, or if it has no `Location`. 416 means that the registry has
    /// another offset: [`UploadSession::patch_or_out_of_step`] then returns the session.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled, and the session is abandoned.
    pub async fn patch(
        self,
        body: &dyn Fn() -> Body,
        range: Option<Range<u64>>,
    ) -> Result<Self, Error> {
        match self.patch_or_out_of_step(body, range).await? {
            Ok(session) => Ok(session),
            Err((_, error)) => Err(error),
        }
    }

    /// Sends bytes as [`UploadSession::patch`] does, and returns the session after 416.
    ///
    /// # Errors
    /// As [`UploadSession::patch`], but for 416.
    ///
    /// # Cancel safety
    /// As [`UploadSession::patch`].
    pub async fn patch_or_out_of_step(
        mut self,
        body: &dyn Fn() -> Body,
        range: Option<Range<u64>>,
    ) -> Result<Result<Self, (Self, Error)>, Error> {
        let headers = match range {
            Some(range) => chunk_headers(&range),
            None => header(CONTENT_TYPE, OCTETS),
        };
        let client = self.client.again();
        let response = {
            let call = self.call(Operation::UploadPatch, Method::PATCH, headers, body)?;
            client.send(&call).await
        };
        let response = match response {
            Err(error) if error.status() == Some(StatusCode::RANGE_NOT_SATISFIABLE) => {
                return Ok(Err((self, error)));
            }
            other => other?,
        };
        // Without a new URL a session keeps its URL, if the client accepts that.
        let stays = client.habits().accepted.patch_without_location
            && !response.headers().contains_key(LOCATION);
        if stays {
            self.chunk_min = self.chunk_min.max(chunk_min(&response));
            response.finish().await?;
        } else {
            self.step(response).await?;
        }
        Ok(Ok(self))
    }

    /// Closes the session, with the last bytes (or all of them) or without any.
    ///
    /// # Spec
    /// distribution-spec, "POST then PUT" and "Pushing a blob in chunks", end-6.
    ///
    /// # Errors
    /// Fails if there is no response, or if it is not 201.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled, and the session is abandoned.
    pub async fn put(mut self, digest: &Digest, body: &dyn Fn() -> Body) -> Result<(), Error> {
        self.close(digest, body).await
    }

    pub(super) async fn close(
        &mut self,
        digest: &Digest,
        body: &dyn Fn() -> Body,
    ) -> Result<(), Error> {
        let response = {
            let headers = header(CONTENT_TYPE, OCTETS);
            let mut call = self.call(Operation::UploadPut, Method::PUT, headers, body)?;
            call.address = with_digest(&call.address, digest)
                .map_err(|error| self.client.cannot_ask(call.operation, &call.address, error))?;
            self.client.send(&call).await?
        };
        self.location = None;
        response.finish().await
    }

    /// Cancels the session, and waits for the registry's response.
    ///
    /// # Spec
    /// distribution-spec, "Cancel a blob upload", end-14.
    ///
    /// # Errors
    /// Fails if there is no response, or if it is neither 204 nor says that there is no such session.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled, and the session is abandoned.
    pub async fn cancel(mut self) -> Result<(), Error> {
        let Some(location) = self.location.take() else {
            return Ok(());
        };
        let session = Abandoned {
            location,
            repository: Rc::clone(&self.repository),
        };
        let client = self.client.again();
        let mut cancelling = Cancelling {
            client: &client,
            session: Some(session.clone()),
        };
        let response = client.send(&session.cancel_call()).await;
        let ended = match response {
            Ok(response) => cancelled(response).await,
            Err(error) => Err(error),
        };
        cancelling.session = None;
        ended
    }

    /// Returns how many bytes the registry has.
    ///
    /// # Spec
    /// distribution-spec, "Pushing a blob in chunks", end-13. `Range: 0-<last>`, without a unit; `0-0` is none.
    ///
    /// # Errors
    /// Fails if there is no response, or if it is not 204.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled, and the session is abandoned.
    pub async fn status(mut self) -> Result<(Self, u64), Error> {
        let client = self.client.again();
        let response = {
            let call = self.call(
                Operation::UploadStatus,
                Method::GET,
                HeaderMap::new(),
                &Body::empty,
            )?;
            client.send(&call).await?
        };
        let offset = response.header(RANGE).and_then(end_of_range).unwrap_or(0);
        if location(response.address(), response.headers()).is_some() {
            self.step(response).await?;
        } else {
            response.finish().await?;
        }
        Ok((self, offset))
    }

    pub(super) fn call<'a>(
        &'a self,
        operation: Operation,
        method: Method,
        headers: HeaderMap,
        body: &'a dyn Fn() -> Body,
    ) -> Result<Call<'a>, Error> {
        let location = self.location.clone().ok_or_else(|| {
            Error::new(
                operation,
                self.repository.as_str(),
                Kind::Protocol("the session is closed"),
            )
        })?;
        Ok(Call {
            method,
            headers,
            body,
            scope: Scope::of(&self.repository, Actions::PullPush),
            ..Call::get(operation, location)
        })
    }

    /// Goes on with the URL in the response.
    pub(super) async fn step(&mut self, response: Response<'_>) -> Result<(), Error> {
        let Some(next) = location(response.address(), response.headers()) else {
            return Err(response.fail(NO_LOCATION));
        };
        self.location = Some(next);
        self.chunk_min = self.chunk_min.max(chunk_min(&response));
        response.finish().await
    }
}

impl fmt::Debug for UploadSession {
    /// Omits the query of the URL: it grants write access.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadSession")
            .field("repository", &self.repository)
            .field("path", &self.location.as_ref().map(Address::path))
            .finish_non_exhaustive()
    }
}

impl UploadSession {
    /// Leaves the session open, as it is: it is looked at after the load.
    pub(super) fn leave(&mut self) {
        if let Some(location) = self.location.take() {
            self.client.leave(Abandoned {
                location,
                repository: Rc::clone(&self.repository),
            });
        }
    }
}

impl Drop for UploadSession {
    fn drop(&mut self) {
        if let Some(location) = self.location.take() {
            self.client.abandon(Abandoned {
                location,
                repository: Rc::clone(&self.repository),
            });
        }
    }
}

impl Abandoned {
    /// The request that asks for its progress, and whether it is there.
    pub(super) fn status_call(&self) -> Call<'_> {
        Call {
            scope: Scope::of(&self.repository, Actions::PullPush),
            also: &[404],
            ..Call::get(Operation::UploadStatus, self.location.clone())
        }
    }

    /// The request that cancels it.
    pub(super) fn cancel_call(&self) -> Call<'_> {
        Call {
            method: Method::DELETE,
            scope: Scope::of(&self.repository, Actions::PullPushDelete),
            also: &[404],
            ..Call::get(Operation::UploadCancel, self.location.clone())
        }
    }
}

/// A session that is being cancelled; kept for later if the call is dropped.
pub(super) struct Cancelling<'c> {
    pub(super) client: &'c Client,
    pub(super) session: Option<Abandoned>,
}

impl Drop for Cancelling<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.client.abandon(session);
        }
    }
}

/// Ends an exchange that cancels a session.
pub(super) async fn cancelled(response: Response<'_>) -> Result<(), Error> {
    if response.status() == StatusCode::NOT_FOUND {
        let is_there = |said: &ErrorBody| said.code == Some(ErrorCode::BlobUploadInvalid);
        return response.refuse_if(is_there).await;
    }
    response.finish().await
}

/// The headers of a chunk.
pub(super) fn chunk_headers(range: &Range<u64>) -> HeaderMap {
    let mut headers = header(CONTENT_TYPE, OCTETS);
    if !range.is_empty()
        && let Ok(value) = HeaderValue::try_from(format!("{}-{}", range.start, range.end - 1))
    {
        headers.insert(CONTENT_RANGE, value);
    }
    headers
}

/// The number of bytes in `0-<last>`; some registries put a unit in front.
pub(super) fn end_of_range(text: &str) -> Option<u64> {
    let (_, last) = text.trim().rsplit_once('-')?;
    match last.parse().ok()? {
        0 => Some(0),
        last => u64::checked_add(last, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_zero_is_no_byte() {
        assert_eq!(end_of_range("0-0"), Some(0));
        assert_eq!(end_of_range("0-9"), Some(10));
        assert_eq!(end_of_range("bytes=0-9"), Some(10));
        assert_eq!(end_of_range("0-18446744073709551615"), None);
        assert_eq!(end_of_range("x"), None);
    }
}
