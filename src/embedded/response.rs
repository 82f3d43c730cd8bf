//! A response in the making: status, headers and where its body comes from.

use std::rc::Rc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderName};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::blob::Blob;
use crate::oci::Digest;

pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// Where a body comes from.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Empty,
    Whole(Bytes),
    /// `length` bytes of a blob from `first` on.
    Part {
        blob: Rc<Blob>,
        first: u64,
        length: u64,
    },
    /// Several parts of a blob, with lines before each and at the end.
    Parts {
        blob: Rc<Blob>,
        parts: Vec<PartOfMany>,
        end: Bytes,
    },
}

/// One of several parts of a blob: `length` bytes from `first` on, behind its lines.
#[derive(Debug, Clone)]
pub(super) struct PartOfMany {
    pub(super) lines: Bytes,
    pub(super) first: u64,
    pub(super) length: u64,
}

impl Content {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Part { length, .. } => *length,
            Self::Parts { parts, end, .. } => {
                let lengths = parts.iter().map(|it| it.lines.len() as u64 + it.length);
                lengths.sum::<u64>() + end.len() as u64
            }
        }
    }
}

/// Returns `true` if a response of that status may have a body.
///
/// # Spec
/// RFC 9110, section 8.6: a `Content-Length` must not be sent otherwise.
fn has_content(status: StatusCode) -> bool {
    !status.is_informational()
        && status != StatusCode::NO_CONTENT
        && status != StatusCode::NOT_MODIFIED
}

/// A response.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) content: Content,
}

impl Response {
    pub(super) fn new(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::with_capacity(8),
            content: Content::Empty,
        }
    }

    /// Sets a header. A value that no header can hold is left out: every value here is built from checked parts.
    #[must_use]
    pub(super) fn header(mut self, name: HeaderName, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.headers.insert(name, value);
        }
        self
    }

    /// Adds a header beside others of the same name.
    #[must_use]
    pub(super) fn also(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Names other content than it has, if it names any.
    #[must_use]
    pub(super) fn mislabelled(self) -> Self {
        match self.headers.get(CONTENT_DIGEST) {
            Some(named) => {
                let other = Digest::sha256(named.as_bytes());
                self.header(CONTENT_DIGEST, other.to_string())
            }
            None => self,
        }
    }

    #[must_use]
    pub(super) fn bytes(mut self, bytes: impl Into<Bytes>) -> Self {
        self.content = Content::Whole(bytes.into());
        self
    }

    #[must_use]
    pub(super) fn content(mut self, content: Content) -> Self {
        self.content = content;
        self
    }

    /// Returns the head for the wire, and the content that follows it: none after `HEAD`, whose length is sent all the same.
    pub(super) fn into_http(self, method: &Method) -> http::Response<Content> {
        let Self {
            status,
            mut headers,
            mut content,
        } = self;
        if method == Method::HEAD {
            if has_content(status) {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(content.length()));
            }
            content = Content::Empty;
        } else if content.length() == 0 && has_content(status) {
            // Over HTTP/2 nothing else says so, and servers in Go say it.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let mut http = http::Response::new(content);
        *http.status_mut() = status;
        *http.headers_mut() = headers;
        http
    }
}
