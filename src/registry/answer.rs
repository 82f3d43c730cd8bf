//! An answer that somebody has to bring to an end: read, taken as good, or refused.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::HeaderMap;
use tokio::time::timeout;
use url::Url;

use super::attempt::{Attempt, End};
use super::decoding::Decoder;
use super::error::{Error, Kind};
use crate::oci::{ErrorBody, MAX_ERROR_BODY};
use crate::transport::Incoming;

/// How long the rest of a refusal is waited for. Some registries promise a body that never comes.
const ERROR_BODY_WAIT: Duration = Duration::from_secs(2);

/// An answer whose status is good. It must be brought to an end.
pub(super) struct Answer<'c> {
    pub(super) url: Url,
    pub(super) incoming: Incoming,
    pub(super) attempt: Attempt<'c>,
    pub(super) decoder: Option<Decoder>,
}

impl Answer<'_> {
    pub(super) const fn status(&self) -> StatusCode {
        self.incoming.status()
    }

    pub(super) const fn headers(&self) -> &HeaderMap {
        self.incoming.headers()
    }

    /// The header as text, if there is one and it is text.
    pub(super) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// The next part of the body.
    pub(super) async fn frame(&mut self) -> Result<Option<Bytes>, Kind> {
        match self.incoming.frame().await {
            None => Ok(None),
            Some(Ok(bytes)) => {
                self.attempt.saw_bytes(self.incoming.received());
                match &mut self.decoder {
                    None => Ok(Some(bytes)),
                    Some(decoder) => decoder.decode(&bytes).map(Some).map_err(Kind::Protocol),
                }
            }
            Some(Err(error)) => Err(Kind::Transport(error)),
        }
    }

    /// Reads the whole body, which must not be longer than `limit` bytes.
    pub(super) async fn collect(mut self, limit: u64) -> Result<(Self, Bytes), Error> {
        let mut whole = Vec::new();
        loop {
            match self.frame().await {
                Ok(None) => return Ok((self, whole.into())),
                Ok(Some(part)) if whole.len() as u64 + part.len() as u64 <= limit => {
                    whole.extend_from_slice(&part);
                }
                Ok(Some(_)) => return Err(self.fail(Kind::TooLong(limit))),
                Err(kind) => return Err(self.fail(kind)),
            }
        }
    }

    /// Reads away a body that nobody needs, and ends the exchange well.
    pub(super) async fn finish(self) -> Result<(), Error> {
        let (answer, _) = self.collect(MAX_ERROR_BODY as u64).await?;
        answer.succeed();
        Ok(())
    }

    /// Ends the exchange well although the rest of the answer may never come, because the head has said everything.
    pub(super) async fn set_aside(mut self) {
        drop(self.listen().await);
        self.succeed();
    }

    /// Ends the exchange well after all that was wanted of the body; the connection is kept if nothing follows.
    pub(super) async fn leave(mut self, at_end: bool) {
        if at_end {
            // Only now the connection sees that the body is over.
            let _ = timeout(ERROR_BODY_WAIT, self.frame()).await;
        }
        self.succeed();
    }

    /// Ends the exchange well.
    pub(super) fn succeed(self) {
        self.attempt.end(self.incoming.end(), End::Ok);
    }

    /// Ends the exchange badly.
    pub(super) fn fail(self, kind: Kind) -> Error {
        let operation = self.attempt.operation();
        self.attempt.end(self.incoming.end(), End::Failed(&kind));
        Error::new(operation, self.url.path(), kind)
    }

    /// Ends the exchange with the registry's refusal, reading as much of its words as comes soon.
    pub(super) async fn refuse(mut self) -> Error {
        let status = self.status();
        let body = ErrorBody::parse(&self.listen().await);
        self.fail(Kind::Status { status, body })
    }

    /// Ends the exchange with the registry's refusal if its words are one, else well.
    pub(super) async fn refuse_if(
        mut self,
        is_refusal: impl Fn(&ErrorBody) -> bool,
    ) -> Result<(), Error> {
        let status = self.status();
        let body = ErrorBody::parse(&self.listen().await);
        if is_refusal(&body) {
            return Err(self.fail(Kind::Status { status, body }));
        }
        self.succeed();
        Ok(())
    }

    /// As much of the body as comes soon, and not too much of it.
    async fn listen(&mut self) -> Vec<u8> {
        let mut said = Vec::new();
        let listen = async {
            while said.len() < MAX_ERROR_BODY {
                match self.frame().await {
                    Ok(Some(part)) => said.extend_from_slice(&part),
                    Ok(None) | Err(_) => break,
                }
            }
        };
        // Whatever has come by then is all there is.
        let _ = timeout(ERROR_BODY_WAIT, listen).await;
        said
    }
}
