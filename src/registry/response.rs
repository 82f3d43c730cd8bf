//! A response that has to be brought to an end: read, accepted or refused.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::HeaderMap;
use tokio::time::timeout;

use super::attempt::Attempt;
use super::challenge::unsupported_challenge;
use super::client::Client;
use super::decoding::Decoder;
use super::error::{Error, Kind};
use crate::exchange::Misbehaviour;
use crate::oci::{ErrorBody, MAX_ERROR_BODY};
use crate::transport::{Address, Incoming};

/// The time limit for the rest of a refusal. Some registries promise a body that never comes.
const ERROR_BODY_WAIT: Duration = Duration::from_secs(2);

/// A response with an accepted status. It must be brought to an end.
pub(super) struct Response<'c> {
    pub(super) client: &'c Client,
    pub(super) incoming: Incoming,
    pub(super) attempt: Attempt<'c>,
    pub(super) decoder: Option<Box<Decoder>>,
    /// The redirect that turned the request into a `GET`.
    pub(super) turned: Option<StatusCode>,
    /// Whether it is a redirect that is not followed because the body of the request was a stream.
    pub(super) is_gone: bool,
}

impl Response<'_> {
    /// The URL of the request.
    pub(super) fn address(&self) -> &Address {
        self.incoming.address()
    }

    pub(super) fn status(&self) -> StatusCode {
        self.incoming.status()
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        self.incoming.headers()
    }

    /// Returns a header as text; `None` if it is missing or no text.
    pub(super) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// Discards the body, unless it has to be decoded.
    pub(super) fn discard_body(&mut self) {
        if self.decoder.is_none() {
            self.incoming.discard_body();
        }
    }

    /// Returns the next part of the body.
    pub(super) async fn frame(&mut self) -> Result<Option<Bytes>, Kind> {
        match self.incoming.frame().await {
            None => {
                if let Some(decoder) = &mut self.decoder {
                    decoder.end().map_err(Kind::Encoding)?;
                }
                Ok(None)
            }
            Some(Ok(bytes)) => {
                self.attempt.saw_bytes(self.incoming.received());
                match &mut self.decoder {
                    None => Ok(Some(bytes)),
                    Some(decoder) => decoder.decode(&bytes).map(Some).map_err(Kind::Encoding),
                }
            }
            Some(Err(error)) => Err(Kind::Transport(error)),
        }
    }

    /// Reads the whole body, at most `limit` bytes. A body in one piece is not copied, and holds the connection's
    /// read buffer while it is kept.
    pub(super) async fn collect(&mut self, limit: u64) -> Result<Bytes, Kind> {
        let mut whole = Bytes::new();
        let mut pieces = Vec::new();
        while let Some(part) = self.frame().await? {
            if (whole.len() + pieces.len() + part.len()) as u64 > limit {
                return Err(Kind::TooLong(limit));
            }
            if whole.is_empty() && pieces.is_empty() {
                whole = part;
            } else {
                pieces.extend_from_slice(&whole);
                pieces.extend_from_slice(&part);
                whole.clear();
            }
        }
        Ok(if pieces.is_empty() {
            whole
        } else {
            pieces.into()
        })
    }

    /// Reads a body that is not needed, and ends the exchange as a success.
    pub(super) async fn finish(mut self) -> Result<(), Error> {
        match self.collect(MAX_ERROR_BODY as u64).await {
            Ok(_) => {
                self.succeed();
                Ok(())
            }
            Err(kind) => Err(self.fail(kind)),
        }
    }

    /// Ends the exchange as a success after its head, although the rest of the response may never come.
    pub(super) async fn set_aside(mut self) {
        drop(self.listen().await);
        self.succeed();
    }

    /// Ends the exchange as a success after the wanted part of the body. `at_end`: nothing follows, and the
    /// connection is kept.
    pub(super) async fn leave(mut self, at_end: bool) {
        if at_end {
            // Only now the connection notices the end of the body.
            let _ = timeout(ERROR_BODY_WAIT, self.frame()).await;
        }
        self.succeed();
    }

    /// Ends the exchange as a success.
    pub(super) fn succeed(self) {
        let (ended, address, headers) = self.incoming.end();
        self.attempt.succeed(ended, &address, &headers);
    }

    /// Ends the exchange as a failure.
    pub(super) fn fail(self, kind: Kind) -> Error {
        let operation = self.attempt.operation();
        let (client, turned, is_gone) = (self.client, self.turned, self.is_gone);
        let kind = match &self.decoder {
            Some(decoder) if is_about_content(&kind) => Kind::Decoded {
                label: decoder.label().into(),
                kind: Box::new(kind),
            },
            _ => kind,
        };
        let (ended, address, headers) = self.incoming.end();
        let attempt = self.attempt;
        attempt.fail(ended, &kind, &address, Some(&headers));
        let error = client.failed(operation, &address, kind);
        match turned {
            Some(status) => error.turned(status),
            None if is_gone => error.after(
                "this client sends the bytes of a blob as a stream, and cannot send them again"
                    .into(),
            ),
            None => error,
        }
    }

    /// Ends the exchange with the registry's refusal, after reading as much of its error body as comes soon.
    pub(super) async fn refuse(mut self) -> Error {
        let status = self.status();
        let body = ErrorBody::parse(&self.listen().await);
        if status == StatusCode::REQUEST_TIMEOUT && self.attempt.is_slow() {
            return self.fail(Kind::Misbehaved(Misbehaviour::CutOff));
        }
        let kind = Kind::Status { status, body };
        if status == StatusCode::UNAUTHORIZED
            && let Some(challenge) = unsupported_challenge(self.address(), self.headers())
        {
            let kind = Box::new(kind);
            return self.fail(Kind::Unanswered { challenge, kind });
        }
        self.fail(kind)
    }

    /// Ends the exchange with the registry's refusal if its error body is one, else as a success.
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

    /// Reads as much of the body as comes soon, up to a limit.
    pub(super) async fn listen(&mut self) -> Vec<u8> {
        let mut said = Vec::new();
        let listen = async {
            while said.len() < MAX_ERROR_BODY {
                match self.frame().await {
                    Ok(Some(part)) => said.extend_from_slice(&part),
                    Ok(None) | Err(_) => break,
                }
            }
        };
        // What has arrived by then is used.
        let _ = timeout(ERROR_BODY_WAIT, listen).await;
        said
    }
}

/// Returns `true` if the reason may be that the body should not have been decoded.
const fn is_about_content(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Digest { .. }
            | Kind::UnlikeVerified { .. }
            | Kind::Size { .. }
            | Kind::TooLong(_)
            | Kind::Manifest(_)
            | Kind::Sink(_)
    )
}
