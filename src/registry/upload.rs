//! Uploads: a session is opened, filled and closed, and its URL changes at every step.

use std::fmt;
use std::ops::Range;
use std::rc::Rc;

use http::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RANGE};
use http::{HeaderMap, Method, StatusCode};
use url::form_urlencoded;

use super::auth::{Actions, Scope};
use super::call::Call;
use super::client::{Abandoned, Client};
use super::error::{Error, Kind};
use super::location::{escaped, location, with_digest};
use super::manifests::header;
use super::response::Response;
use crate::oci::{Digest, ErrorBody, ErrorCode, Operation, RepositoryName};
use crate::profile::MountQuery;
use crate::transport::{Address, Body};

const CHUNK_MIN_LENGTH: HeaderName = HeaderName::from_static("oci-chunk-min-length");
const OCTETS: &str = "application/octet-stream";

/// An upload session that is open.
///
/// Each response carries a new URL, and the old one may be dead, so every step consumes the session and returns the
/// next one. A session that is dropped before it is closed is remembered by its client, which cancels it with
/// [`Client::cancel_abandoned`]: it holds space on the registry until then.
#[must_use = "an open upload holds space on the registry; put it or let it be cancelled"]
pub struct UploadSession {
    client: Client,
    repository: Rc<RepositoryName>,
    location: Option<Address>, // `None` once it is closed, or in the hands of the next step
    chunk_min: u64,
}

/// The response to a mount.
#[derive(Debug)]
pub enum Mounted {
    /// The blob is in the repository now.
    Done,
    /// It could not be mounted; the registry opened a session instead.
    Session(UploadSession),
}

/// The response to a POST that carried the whole blob.
#[derive(Debug)]
pub enum Posted {
    /// The blob is in the repository now.
    Done,
    /// The registry does not support this; it opened a session instead, and none of the bytes count.
    Session(UploadSession),
}

impl Client {
    /// Opens an upload session.
    ///
    /// # Spec
    /// distribution-spec, "POST then PUT", end-4a. The path ends in a slash: without it some registries redirect.
    ///
    /// # Errors
    /// Fails if there is no response, if it is not 202, or if it has no `Location`.
    ///
    /// # Cancel safety
    /// A dropped call goes on until there is a response; the session is then abandoned.
    pub async fn upload_start(&self, repository: &RepositoryName) -> Result<UploadSession, Error> {
        let repository = Rc::new(repository.clone());
        let opened = self.open(|client| async move {
            let address = client.endpoint(&[repository.as_str(), "/blobs/uploads/"]);
            let call = Call {
                method: Method::POST,
                scope: Scope::of(&repository, Actions::PullPush),
                ..Call::get(Operation::UploadStart, address)
            };
            let response = client.send(&call).await?;
            UploadSession::of(&client, response, &repository).await
        });
        opened.await
    }

    /// Mounts a blob from another repository; without `from`, from any repository that has it.
    ///
    /// # Spec
    /// distribution-spec, "Mounting a blob from another repository", end-11.
    ///
    /// # Errors
    /// Fails if there is no response, or if it is neither 201 nor 202 with a `Location`.
    ///
    /// # Cancel safety
    /// A dropped call goes on until there is a response; a session that it opened is then abandoned.
    pub async fn upload_mount(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        from: Option<&RepositoryName>,
    ) -> Result<Mounted, Error> {
        let (repository, from) = (Rc::new(repository.clone()), from.cloned());
        let digest = *digest;
        let opened = self.open(move |client| async move {
            let uploads = client.endpoint(&[repository.as_str(), "/blobs/uploads/"]);
            let query = mount_query(&client, &digest, from.as_ref());
            let address = uploads
                .with_query(&query)
                .map_err(|error| client.cannot_ask(Operation::UploadMount, &uploads, error))?;
            let call = Call {
                method: Method::POST,
                scope: Scope {
                    mounts_from: from.as_ref(),
                    ..Scope::of(&repository, Actions::PullPush)
                },
                ..Call::get(Operation::UploadMount, address)
            };
            let response = client.send(&call).await?;
            if response.status() == StatusCode::CREATED {
                response.finish().await?;
                return Ok(Mounted::Done);
            }
            let session = UploadSession::of(&client, response, &repository).await?;
            Ok(Mounted::Session(session))
        });
        opened.await
    }

    /// Sends a whole blob in the request that otherwise opens a session.
    ///
    /// # Spec
    /// distribution-spec, "Single POST", end-4b. A registry that does not support this responds with 202.
    ///
    /// # Errors
    /// Fails if there is no response, or if it is neither 201 nor 202 with a `Location`.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled; the registry may have stored the blob.
    pub async fn upload_post(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        body: &dyn Fn() -> Body,
    ) -> Result<Posted, Error> {
        let address = self.endpoint(&[repository.as_str(), "/blobs/uploads/"]);
        let address = with_digest(&address, digest)
            .map_err(|error| self.cannot_ask(Operation::UploadPost, &address, error))?;
        let call = Call {
            method: Method::POST,
            headers: header(CONTENT_TYPE, OCTETS),
            body,
            scope: Scope::of(repository, Actions::PullPush),
            ..Call::get(Operation::UploadPost, address)
        };
        let response = self.send(&call).await?;
        if response.status() == StatusCode::CREATED {
            response.finish().await?;
            return Ok(Posted::Done);
        }
        let repository = Rc::new(repository.clone());
        let session = UploadSession::of(self, response, &repository).await?;
        Ok(Posted::Session(session))
    }

    /// Cancels all abandoned sessions, and returns their number. Each is requested once, without retries: clean-up
    /// does not wait for a busy registry.
    ///
    /// # Spec
    /// distribution-spec, "Cancel a blob upload", end-14. A session that is gone counts as cancelled. One whose URL
    /// is out of date does not (404 `BLOB_UPLOAD_INVALID`): an interrupted request has changed its URL, and the new
    /// one is unknown.
    ///
    /// # Errors
    /// Returns the last failure; the other sessions are cancelled all the same.
    ///
    /// # Cancel safety
    /// Sessions without a response are kept for the next call.
    pub async fn cancel_abandoned(&self) -> Result<usize, Error> {
        self.wait_opened().await;
        let mut result = Ok(0);
        for _ in 0..self.count_abandoned() {
            let Some(session) = self.take_abandoned() else {
                break;
            };
            let mut asked = Asked {
                client: self,
                session: Some(session.clone()),
            };
            let ended = self.cancel_once(&session).await;
            asked.session = None;
            result = match (result, ended) {
                (Ok(count), Ok(())) => Ok(count + 1),
                (Err(error), Ok(())) | (_, Err(error)) => Err(error),
            };
        }
        result
    }

    async fn cancel_once(&self, session: &Abandoned) -> Result<(), Error> {
        let call = session.cancel_call();
        let response = self.send_once(&call).await;
        cancelled(response.map_err(|refused| refused.error)?).await
    }
}

impl Abandoned {
    /// The request that cancels it.
    fn cancel_call(&self) -> Call<'_> {
        Call {
            method: Method::DELETE,
            scope: Scope::of(&self.repository, Actions::PullPushDelete),
            also: &[404],
            ..Call::get(Operation::UploadCancel, self.location.clone())
        }
    }
}

/// Ends an exchange that cancels a session.
async fn cancelled(response: Response<'_>) -> Result<(), Error> {
    if response.status() == StatusCode::NOT_FOUND {
        let is_there = |said: &ErrorBody| said.code == Some(ErrorCode::BlobUploadInvalid);
        return response.refuse_if(is_there).await;
    }
    response.finish().await
}

/// The query of a mount, in the client's form. The form has no part for a missing repository.
fn mount_query(client: &Client, digest: &Digest, from: Option<&RepositoryName>) -> String {
    let Some(from) = from else {
        return format!("mount={}", escaped(digest));
    };
    let (name, mount) = (from.as_str().replace('/', "%2F"), escaped(digest));
    match client.habits().wire.mount_query {
        MountQuery::FromFirst => format!("from={name}&mount={mount}"),
        MountQuery::MountFirst => format!("mount={digest}&from={from}"),
        MountQuery::WithOrigin => {
            // A URL's host and port are visible characters.
            let host = client.base().origin().host_header().as_bytes();
            let origin: String = form_urlencoded::byte_serialize(host).collect();
            format!("from={name}&mount={mount}&origin={origin}")
        }
    }
}

/// A session that is being cancelled; kept for later if the call is dropped.
struct Asked<'c> {
    client: &'c Client,
    session: Option<Abandoned>,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.client.abandon(session);
        }
    }
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
    async fn of(
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
        let mut headers = header(CONTENT_TYPE, OCTETS);
        if let Some(range) = range.filter(|range| !range.is_empty())
            && let Ok(value) = HeaderValue::try_from(format!("{}-{}", range.start, range.end - 1))
        {
            headers.insert(CONTENT_RANGE, value);
        }
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
        let mut asked = Asked {
            client: &client,
            session: Some(session.clone()),
        };
        let response = client.send(&session.cancel_call()).await;
        let ended = match response {
            Ok(response) => cancelled(response).await,
            Err(error) => Err(error),
        };
        asked.session = None;
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

    fn call<'a>(
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
    async fn step(&mut self, response: Response<'_>) -> Result<(), Error> {
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

/// The number of bytes in `0-<last>`; some registries put a unit in front.
fn end_of_range(text: &str) -> Option<u64> {
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
