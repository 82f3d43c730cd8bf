//! Why a verb did not do what it is for.

use std::fmt;
use std::io;
use std::sync::Arc;

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
    subject: Box<str>, // the path that was asked for; queries may hold secrets and stay out
    kind: Arc<Kind>,
}

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Kind {
    /// There was no answer, or not all of it.
    #[error(transparent)]
    Transport(transport::Error),
    /// The registry said no.
    #[error("{}", refusal(*status, body))]
    Status {
        /// The status of the answer.
        status: StatusCode,
        /// What the registry said in words.
        body: ErrorBody,
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
    /// The answer is encoded in a way that cannot be undone.
    #[error(transparent)]
    Encoding(EncodingError),
    /// What the answer became by undoing its encoding is not what it should be.
    #[error(
        "{kind}; the response is labelled `Content-Encoding: {label}` and was decoded, which is wrong \
         if it was not encoded"
    )]
    Decoded {
        /// The encoding, as the answer names it.
        label: Box<str>,
        /// What is wrong.
        kind: Box<Kind>,
    },
    /// The answer breaks the protocol.
    #[error("the registry broke the protocol: {0}")]
    Protocol(&'static str),
    /// The list cannot be read on.
    #[error(transparent)]
    Link(LinkError),
    /// The answer is not the document that was asked for.
    #[error(transparent)]
    Manifest(ManifestError),
    /// The answer is longer than any such answer may be.
    #[error("the answer is longer than {}", units::bytes(*.0))]
    TooLong(u64),
    /// What came could not be stored on this side.
    #[error("cannot store what was received: {0}")]
    Sink(io::Error),
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
            Self::Decoded { kind, .. } => kind.root(),
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
        }
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
        write!(f, "{} {}: {}", self.operation, self.subject, self.kind)
    }
}

impl std::error::Error for Error {}
