//! Why a verb failed.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::decoding::EncodingError;
use super::link::LinkError;
use crate::exchange::Misbehaviour;
use crate::oci::{Digest, ErrorBody, ManifestError, Operation};
use crate::{transport, units};

/// A failed verb: the operation, its subject, and the reason.
///
/// Its clones are of the same failure: all that waited for one token fail with it.
#[derive(Debug, Clone)]
pub struct Error {
    operation: Operation,
    subject: Box<str>, // a path, or a URL elsewhere; without its query, which may hold secrets
    kind: Arc<Kind>,
    elsewhere: bool,        // it was sent to another address than the registry's
    turned: bool,           // a redirect turned it into a `GET`
    detours: Box<[String]>, // why the request was made, and why to that host
    retry_after: Option<Duration>,
    showed: bool, // credentials, or a token
}

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Kind {
    /// There was no response, or only a part of it.
    #[error(transparent)]
    Transport(transport::Error),
    /// The registry refused.
    #[error("{}", refusal(*status, body))]
    Status {
        /// The status of the response.
        status: StatusCode,
        /// The error body.
        body: ErrorBody,
    },
    /// The registry requires an authentication that the client does not support.
    #[error("{kind}; cannot answer its challenge `WWW-Authenticate: {challenge}`")]
    Unanswered {
        /// The challenge, without secrets.
        challenge: String,
        /// Its refusal.
        kind: Box<Kind>,
    },
    /// The client misbehaved on purpose.
    #[error("{0}, as the client wants it")]
    Misbehaved(Misbehaviour),
    /// The bytes have another digest.
    #[error("digest mismatch: expected {expected}, got {found}")]
    Digest {
        /// The digest that was requested or promised.
        expected: Digest,
        /// The digest of the bytes.
        found: Digest,
    },
    /// The bytes differ from a verified copy, with which they were compared instead of hashing them.
    #[error(
        "digest mismatch: expected {expected}, got other content than its copy that was verified before"
    )]
    UnlikeVerified {
        /// The digest that was requested.
        expected: Digest,
    },
    /// The digest in the header is not that of the content.
    #[error("wrong Docker-Content-Digest: expected {expected}, got {found}")]
    DigestHeader {
        /// The digest of the content.
        expected: Digest,
        /// The one in the header.
        found: Digest,
    },
    /// The response is a success and has no body.
    #[error("the response is a success and has no body")]
    Empty,
    /// There are more or fewer bytes than expected.
    #[error("size mismatch: expected {expected} bytes, got {found}")]
    Size {
        /// The bytes expected.
        expected: u64,
        /// The bytes received.
        found: u64,
    },
    /// The encoding of the response cannot be decoded.
    #[error(transparent)]
    Encoding(EncodingError),
    /// The decoded response is not what was requested.
    #[error(
        "{kind}; the response is labelled `Content-Encoding: {label}` and was decoded, which is wrong \
         if it was not encoded"
    )]
    Decoded {
        /// The encoding, as the response names it.
        label: Box<str>,
        /// The problem.
        kind: Box<Kind>,
    },
    /// The response violates the protocol.
    #[error("the registry broke the protocol: {0}")]
    Protocol(&'static str),
    /// The next page of the list cannot be read.
    #[error(transparent)]
    Link(LinkError),
    /// A redirect that cannot be followed.
    #[error(transparent)]
    Redirect(Redirect),
    /// Credentials would have gone from https to http, or to another host.
    #[error(transparent)]
    Withheld(Withheld),
    /// The response is not the requested document.
    #[error(transparent)]
    Manifest(ManifestError),
    /// The response is too long.
    #[error("the response is longer than {}", units::bytes(*.0))]
    TooLong(u64),
    /// The content could not be stored on this side.
    #[error("cannot store what was received: {0}")]
    Sink(io::Error),
}

/// A redirect that cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Redirect {
    /// The most redirects that the client follows for one request.
    #[error("redirected more than {0} times")]
    TooMany(u8),
    /// Its `Location` is invalid.
    #[error("the redirect leads to no address that can be asked")]
    Nowhere,
}

/// Why a token service got no request: credentials would have gone where they must not go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Withheld {
    /// From https to http.
    #[error(
        "credentials never go from https ({from}) to http ({to}), where anybody on the way can read them; \
         `cleartext = true` in [target.auth], or --cleartext-credentials, allows it"
    )]
    Cleartext {
        /// The peer that sent the client there.
        from: String,
        /// Where credentials would have gone.
        to: String,
    },
    /// To another host than the one that the registry names.
    #[error("the token service ({from}) redirects the credentials to another host ({to})")]
    OtherHost {
        /// The token service that the registry names.
        from: String,
        /// Where credentials would have gone.
        to: String,
    },
}

fn refusal(status: StatusCode, body: &ErrorBody) -> String {
    let said = if *body == ErrorBody::default() {
        String::new()
    } else {
        format!(" ({body})")
    };
    format!("the registry answered {status}{said}")
}

impl Kind {
    /// The reason, without its circumstances.
    pub fn root(&self) -> &Self {
        match self {
            Self::Decoded { kind, .. } | Self::Unanswered { kind, .. } => kind.root(),
            kind => kind,
        }
    }
}

impl Error {
    pub(super) fn new(operation: Operation, subject: impl Into<Box<str>>, kind: Kind) -> Self {
        Self {
            operation,
            subject: subject.into(),
            kind: Arc::new(kind),
            showed: false,
            elsewhere: false,
            turned: false,
            detours: Box::default(),
            retry_after: None,
        }
    }

    /// Adds why the request was made.
    pub(super) fn after(self, detour: String) -> Self {
        let mut detours = self.detours.into_vec();
        detours.push(detour);
        Self {
            detours: detours.into(),
            ..self
        }
    }

    /// Adds why the request went to another host than the registry's.
    pub(super) fn elsewhere(self, detour: String) -> Self {
        Self {
            elsewhere: true,
            ..self.after(detour)
        }
    }

    /// Adds that a redirect with that status turned the request into a `GET`.
    pub(super) fn turned(self, status: StatusCode) -> Self {
        Self {
            turned: true,
            ..self.after(format!("a redirect ({status}) has made a GET of it"))
        }
    }

    /// Returns `true` if a redirect turned the request into a `GET`.
    pub const fn is_turned(&self) -> bool {
        self.turned
    }

    /// Returns `true` if the registry sent its client to another host, and the request to that host failed.
    pub const fn is_elsewhere(&self) -> bool {
        self.elsewhere
    }

    /// Adds the time that the registry asks to wait.
    pub(super) fn until(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// The time that the registry asks to wait, a minute at most; `None` if it did not say.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Adds that the request carried credentials, or a token for them.
    pub(super) fn showing(self, showed: bool) -> Self {
        Self { showed, ..self }
    }

    /// Returns `true` if the request carried credentials, or a token.
    pub const fn showed_credentials(&self) -> bool {
        self.showed
    }

    /// The subject: a path, or a URL elsewhere, without its query, which may hold secrets.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The operation.
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// The reason.
    pub fn kind(&self) -> &Kind {
        self.kind.root()
    }

    /// Returns how the client misbehaved on purpose, if that is why.
    pub fn misbehaviour(&self) -> Option<Misbehaviour> {
        match self.kind.root() {
            Kind::Misbehaved(how) => Some(*how),
            _ => None,
        }
    }

    /// The status, if the registry refused.
    pub fn status(&self) -> Option<StatusCode> {
        match self.kind() {
            Kind::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.operation, self.subject, self.kind)?;
        self.detours
            .iter()
            .try_for_each(|detour| write!(f, "; {detour}"))
    }
}

impl std::error::Error for Error {}
