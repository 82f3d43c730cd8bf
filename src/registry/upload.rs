//! The verbs that open an upload session or do without one, and the cancellation of abandoned sessions.

use std::rc::Rc;

use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use url::form_urlencoded;

use super::auth::{Actions, Scope};
use super::call::Call;
use super::client::{Abandoned, Client};
use super::error::Error;
use super::location::{escaped, with_digest};
use super::manifests::header;
use super::upload_session::{Cancelling, OCTETS, UploadSession, cancelled};
use crate::oci::{Digest, ErrorBody, ErrorCode, Operation, RepositoryName};
use crate::profile::MountQuery;
use crate::transport::Body;

/// The response to a mount.
#[derive(Debug)]
pub enum Mounted {
    /// The blob is in the repository now.
    Done,
    /// It could not be mounted; the registry opened a session instead.
    Session(UploadSession),
}

/// What became of an upload session that its client left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// It is open.
    Open,
    /// The registry does not know it.
    Gone,
    /// The registry refuses its address since a request to it broke off: it may be there, and cannot be cancelled.
    Unreachable,
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
            let mut cancelling = Cancelling {
                client: self,
                session: Some(session.clone()),
            };
            let ended = self.cancel_once(&session).await;
            cancelling.session = None;
            result = match (result, ended) {
                (Ok(count), Ok(())) => Ok(count + 1),
                (Err(error), Ok(())) | (_, Err(error)) => Err(error),
            };
        }
        result
    }

    /// Looks what became of an upload session that was left open, and cancels it if it is open and that is wanted. `None`: there are
    /// no more.
    ///
    /// # Spec
    /// distribution-spec, "Pushing a blob in chunks", end-13; "Cancel a blob upload", end-14.
    ///
    /// # Errors
    /// Fails if there is no response, or if it is neither 204 nor 404. The session is forgotten.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled, and the session is forgotten.
    pub async fn look_at_left(&self, cancels: bool) -> Option<Result<Left, Error>> {
        let session = self.take_left()?;
        Some(self.look_at(&session, cancels).await)
    }

    async fn look_at(&self, session: &Abandoned, cancels: bool) -> Result<Left, Error> {
        let mut response = self.send(&session.status_call()).await?;
        if response.status() == StatusCode::NOT_FOUND {
            let body = ErrorBody::parse(&response.listen().await);
            response.succeed();
            return Ok(match body.code {
                Some(ErrorCode::BlobUploadInvalid) => Left::Unreachable,
                _ => Left::Gone,
            });
        }
        response.finish().await?;
        if cancels {
            self.cancel_once(session).await?;
        }
        Ok(Left::Open)
    }

    async fn cancel_once(&self, session: &Abandoned) -> Result<(), Error> {
        let call = session.cancel_call();
        let response = self.send_once(&call).await;
        cancelled(response.map_err(|refused| refused.error)?).await
    }
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
