//! Why a verb did not do what it is for.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::decoding::EncodingError;
use super::link::LinkError;
use crate::oci::{Digest, ErrorBody, ManifestError, Operation};
use crate::{transport, units};

/// A verb that failed: what was asked, of what, and why it came to nothing.
///
/// Its clones tell of the same failure: all who waited for one token fail with it.
#[derive(Debug, Clone)]
pub struct Error {
    operation: Operation,
    subject: Box<str>, // what was asked for: a path, or an address elsewhere; queries may hold secrets and stay out
    kind: Arc<Kind>,
    elsewhere: bool,        // it was sent to another address than the registry's
    turned: bool,           // a redirect turned it into a `GET`
    detours: Box<[String]>, // how it came that this was asked, and there, in words
    retry_after: Option<Duration>,
    showed: bool, // credentials, or a token
}

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Kind {
    /// There was no response, or not all of it.
    #[error(transparent)]
    Transport(transport::Error),
    /// The registry said no.
    #[error("{}", refusal(*status, body))]
    Status {
        /// The status of the response.
        status: StatusCode,
        /// What the registry said in words.
        body: ErrorBody,
    },
    /// The registry wants to know who asks, in a way that is not known here.
    #[error("{kind}; cannot answer its challenge `WWW-Authenticate: {challenge}`")]
    Unanswered {
        /// What it wants, without what may be secret.
        challenge: String,
        /// Its refusal.
        kind: Box<Kind>,
    },
    /// The bytes are not the ones that were asked for.
    #[error("digest mismatch: expected {expected}, got {found}")]
    Digest {
        /// The digest that was asked for or promised.
        expected: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// The bytes are not those of a copy that had the digest, against which they were held instead of hashing them.
    #[error(
        "digest mismatch: expected {expected}, got other content than its copy that was verified before"
    )]
    UnlikeVerified {
        /// The digest that was asked for.
        expected: Digest,
    },
    /// There are more or fewer bytes than there should be.
    #[error("size mismatch: expected {expected} bytes, got {found}")]
    Size {
        /// Bytes promised.
        expected: u64,
        /// Bytes that came.
        found: u64,
    },
    /// The response is encoded in a way that cannot be undone.
    #[error(transparent)]
    Encoding(EncodingError),
    /// What the response became by undoing its encoding is not what it should be.
    #[error(
        "{kind}; the response is labelled `Content-Encoding: {label}` and was decoded, which is wrong \
         if it was not encoded"
    )]
    Decoded {
        /// The encoding, as the response names it.
        label: Box<str>,
        /// What is wrong.
        kind: Box<Kind>,
    },
    /// The response breaks the protocol.
    #[error("the registry broke the protocol: {0}")]
    Protocol(&'static str),
    /// The list cannot be read on.
    #[error(transparent)]
    Link(LinkError),
    /// A redirect that leads no further.
    #[error(transparent)]
    Redirect(Redirect),
    /// Credentials would have gone from https to http, or to another host.
    #[error(transparent)]
    Withheld(Withheld),
    /// The response is not the document that was asked for.
    #[error(transparent)]
    Manifest(ManifestError),
    /// The response is longer than any such response may be.
    #[error("the response is longer than {}", units::bytes(*.0))]
    TooLong(u64),
    /// What came could not be stored on this side.
    #[error("cannot store what was received: {0}")]
    Sink(io::Error),
}

/// A redirect that leads no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Redirect {
    /// The client follows only so many for one request.
    #[error("redirected more than {0} times")]
    TooMany(u8),
    /// Its `Location` is no address.
    #[error("the redirect leads to no address that can be asked")]
    Nowhere,
}

/// Why a token service was not asked: credentials would have gone where they must not go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Withheld {
    /// From https to http.
    #[error(
        "credentials never go from https ({from}) to http ({to}), where anybody on the way can read them; \
         `cleartext = true` in [target.auth], or --cleartext-credentials, allows it"
    )]
    Cleartext {
        /// Who sent the client there.
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
    /// What is wrong, without the way in which it came about.
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

    /// The same, and how it came that this was asked.
    pub(super) fn after(self, detour: String) -> Self {
        let mut detours = self.detours.into_vec();
        detours.push(detour);
        Self {
            detours: detours.into(),
            ..self
        }
    }

    /// The same, and how it came that another address than the registry's was asked.
    pub(super) fn elsewhere(self, detour: String) -> Self {
        Self {
            elsewhere: true,
            ..self.after(detour)
        }
    }

    /// The same, after a redirect with that status that made a `GET` of it.
    pub(super) fn turned(self, status: StatusCode) -> Self {
        Self {
            turned: true,
            ..self.after(format!("a redirect ({status}) has made a GET of it"))
        }
    }

    /// Whether a redirect made a `GET` of what was asked.
    pub const fn is_turned(&self) -> bool {
        self.turned
    }

    /// Whether another address than the registry's own was asked, because the registry sent its client there.
    pub const fn is_elsewhere(&self) -> bool {
        self.elsewhere
    }

    /// The same, after which the registry wants to be left alone for so long.
    pub(super) fn until(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// How long the registry wants to be left alone, a minute at most; `None` when it did not say.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The same of a request that showed credentials, or a token for them.
    pub(super) fn showing(self, showed: bool) -> Self {
        Self { showed, ..self }
    }

    /// Returns `true` if the request showed credentials, or a token.
    pub const fn showed_credentials(&self) -> bool {
        self.showed
    }

    /// What was asked for: a path, or an address elsewhere. Without its query, which may hold secrets.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What was asked.
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// Why it came to nothing.
    pub fn kind(&self) -> &Kind {
        self.kind.root()
    }

    /// The status, when the registry said no.
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
