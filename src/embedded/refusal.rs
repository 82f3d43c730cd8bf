//! Refusals: a status, and the specification's JSON body that says why.

use std::borrow::Cow;

use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};

use crate::oci::{ErrorCode, NameError};

use super::blob::Full;
use super::response::Response;

/// A response that refuses.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: ErrorCode,
    message: Cow<'static, str>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// How an exchange ends if it does not succeed.
#[derive(Debug)]
pub(super) enum Ending {
    /// With a refusal.
    Refused(Box<Refusal>),
    /// Without any response: a fault says so, or the client is gone.
    HangUp,
}

impl From<Refusal> for Ending {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl Refusal {
    pub(super) fn new(
        status: StatusCode,
        code: ErrorCode,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            headers: Vec::new(),
        }
    }

    /// Returns the same with one more header. A value that no header can hold is left out.
    #[must_use]
    pub(super) fn with(mut self, name: HeaderName, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.headers.push((name, value));
        }
        self
    }

    /// 400.
    pub(super) fn bad(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 404.
    pub(super) fn missing(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 405.
    pub(super) fn unsupported(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::Unsupported,
            message,
        )
    }

    /// 400: a digest that is none, or not the content's.
    pub(super) fn digest(message: impl Into<Cow<'static, str>>) -> Self {
        Self::bad(ErrorCode::DigestInvalid, message)
    }

    pub(super) fn into_response(self) -> Response {
        let body = serde_json::json!({
            "errors": [{ "code": self.code.as_str(), "message": self.message }]
        });
        let mut response = Response::new(self.status)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .bytes(body.to_string());
        for (name, value) in self.headers {
            response = response.also(name, value);
        }
        response
    }
}

impl From<NameError> for Refusal {
    fn from(error: NameError) -> Self {
        let code = match error {
            NameError::Digest(_) => ErrorCode::DigestInvalid,
            NameError::Repository(_) => ErrorCode::NameInvalid,
            NameError::Tag(_) | NameError::NoReference(_) => ErrorCode::Other("TAG_INVALID".into()),
        };
        Self::bad(code, error.to_string())
    }
}

impl From<Full> for Refusal {
    fn from(Full: Full) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::Denied,
            "the registry's memory is used up; start it with a higher limit, or let it throw blobs away",
        )
    }
}
