//! An upload session whose client misbehaves: its bytes are broken off, go on after that, or come out of order.

use std::ops::Range;

use http::header::{CONTENT_TYPE, RANGE};
use http::{HeaderMap, Method, StatusCode};

use super::call::Call;
use super::error::{Error, Kind};
use super::location::location;
use super::manifests::header;
use super::upload_session::{OCTETS, UploadSession, chunk_headers, end_of_range};
use crate::exchange::Misbehaviour;
use crate::oci::{Digest, Operation};
use crate::transport::Body;

const TAKEN_OUT_OF_ORDER: Kind = Kind::Protocol(
    "the registry took a chunk that was sent twice or out of order, where the specification demands 416",
);

impl UploadSession {
    /// Sends bytes that may be broken off on purpose ([`Client::body_with_manners`](super::Client::body_with_manners)), and returns the session then.
    ///
    /// # Errors
    /// As [`UploadSession::patch`], but for that.
    ///
    /// # Cancel safety
    /// As [`UploadSession::patch`].
    pub async fn patch_or_broken(
        mut self,
        body: &dyn Fn() -> Body,
    ) -> Result<Result<Self, (Self, Error)>, Error> {
        let client = self.client.again();
        let sent = {
            let headers = header(CONTENT_TYPE, OCTETS);
            let call = self.call(Operation::UploadPatch, Method::PATCH, headers, body)?;
            client.send(&call).await
        };
        match sent {
            Ok(response) => {
                self.step(response).await?;
                Ok(Ok(self))
            }
            Err(error) if error.misbehaviour() == Some(Misbehaviour::Aborted) => {
                Ok(Err((self, error)))
            }
            Err(error) => Err(error),
        }
    }

    /// Closes the session with all bytes of the blob, which may be broken off on purpose. No client goes on with such a session: it is
    /// left, and looked at after the load.
    ///
    /// # Errors
    /// As [`UploadSession::put`], also when the bytes were broken off.
    ///
    /// # Cancel safety
    /// As [`UploadSession::put`].
    pub async fn put_or_leave(
        mut self,
        digest: &Digest,
        body: &dyn Fn() -> Body,
    ) -> Result<(), Error> {
        let ended = self.close(digest, body).await;
        if let Err(error) = &ended
            && error.misbehaviour() == Some(Misbehaviour::Aborted)
        {
            self.leave();
        }
        ended
    }

    /// Sends a range that the registry must refuse, because it has these bytes or lacks those before, and returns the session.
    ///
    /// # Spec
    /// distribution-spec, "Pushing a blob in chunks": a chunk out of order MUST be answered with 416.
    ///
    /// # Errors
    /// Fails if there is no response, or if it is not 416.
    ///
    /// # Cancel safety
    /// As [`UploadSession::patch`].
    pub async fn patch_out_of_order(
        self,
        body: &dyn Fn() -> Body,
        range: Range<u64>,
    ) -> Result<Self, Error> {
        let client = self.client.again();
        {
            let headers = chunk_headers(&range);
            let call = Call {
                also: &[416],
                ..self.call(Operation::UploadPatch, Method::PATCH, headers, body)?
            };
            let mut response = client.send(&call).await?;
            if response.status() != StatusCode::RANGE_NOT_SATISFIABLE {
                return Err(response.fail(TAKEN_OUT_OF_ORDER));
            }
            response.listen().await;
            drop(response.fail(Kind::Misbehaved(Misbehaviour::OutOfOrder)));
        }
        Ok(self)
    }

    /// Returns how many bytes the registry has after a request broke off. `None`: it cannot go on with the session (404), which is left
    /// and looked at after the load.
    ///
    /// # Errors
    /// As [`UploadSession::status`], but for 404.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled, and the session is abandoned.
    pub async fn status_after_break(mut self) -> Result<Option<(Self, u64)>, Error> {
        let client = self.client.again();
        let response = {
            let call = Call {
                also: &[404],
                ..self.call(
                    Operation::UploadStatus,
                    Method::GET,
                    HeaderMap::new(),
                    &Body::empty,
                )?
            };
            client.send(&call).await?
        };
        if response.status() == StatusCode::NOT_FOUND {
            self.leave();
            response.finish().await?;
            return Ok(None);
        }
        let offset = response.header(RANGE).and_then(end_of_range).unwrap_or(0);
        if location(response.address(), response.headers()).is_some() {
            self.step(response).await?;
        } else {
            response.finish().await?;
        }
        Ok(Some((self, offset)))
    }

    /// Sends the rest of a blob after a request broke off. `None`: the registry cannot go on with the session (404), or had not noticed
    /// the break and has other bytes by now (416); the session is left and looked at after the load.
    ///
    /// # Errors
    /// As [`UploadSession::patch`], but for these.
    ///
    /// # Cancel safety
    /// As [`UploadSession::patch`].
    pub async fn patch_after_break(
        mut self,
        body: &dyn Fn() -> Body,
        range: Range<u64>,
    ) -> Result<Option<Self>, Error> {
        let client = self.client.again();
        let response = {
            let headers = chunk_headers(&range);
            let call = Call {
                also: &[404, 416],
                ..self.call(Operation::UploadPatch, Method::PATCH, headers, body)?
            };
            client.send(&call).await?
        };
        if matches!(
            response.status(),
            StatusCode::NOT_FOUND | StatusCode::RANGE_NOT_SATISFIABLE
        ) {
            self.leave();
            response.finish().await?;
            return Ok(None);
        }
        self.step(response).await?;
        Ok(Some(self))
    }
}
