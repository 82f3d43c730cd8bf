//! The headers that a client's habits put on a request.

use http::Method;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, REFERER, USER_AGENT,
};
use url::{Position, Url};

use super::call::{Accepts, Call};
use crate::oci::Operation;
use crate::profile::{AcceptDescriptor, AcceptForm, Wire};

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// A client's habits as header values, read once.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a habit that has nothing to do with the others"
)]
pub(super) struct Headers {
    user_agent: HeaderValue,
    api_version: bool,
    manifests: Vec<HeaderValue>, // a line each
    descriptor: AcceptDescriptor,
    encoding: Option<HeaderValue>,
    fetch_encoding: Option<HeaderValue>,
    start_type: Option<HeaderValue>,
    octet_stream: bool,
    accept_on_delete: bool,
    referer: bool,
}

impl Headers {
    /// What cannot stand in a header is left out; scenarios are checked for that.
    pub(super) fn of(wire: &Wire) -> Self {
        let value = |text: &str| HeaderValue::try_from(text).ok();
        let lines: Vec<String> = match wire.accept.form {
            AcceptForm::Lines => wire.accept.types.iter().map(ToString::to_string).collect(),
            AcceptForm::Joined(_) if wire.accept.types.is_empty() => Vec::new(),
            AcceptForm::Joined(between) => vec![wire.accept.types.join(between)],
        };
        Self {
            user_agent: value(&wire.user_agent)
                .unwrap_or_else(|| HeaderValue::from_static("regstorm")),
            api_version: wire.api_version,
            manifests: lines.iter().filter_map(|line| value(line)).collect(),
            descriptor: wire.accept_descriptor,
            encoding: wire.accept_encoding.as_deref().and_then(value),
            fetch_encoding: wire.fetch_encoding.and_then(value),
            start_type: wire.start_type.and_then(value),
            octet_stream: wire.octet_stream,
            accept_on_delete: wire.accept_on_delete,
            referer: wire.referer,
        }
    }

    /// Puts the headers of a call on, beside those that the call itself needs.
    pub(super) fn dress(&self, call: &Call<'_>, headers: &mut HeaderMap) {
        self.introduce(headers);
        if self.api_version {
            headers.insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
        }
        self.accept(call, headers);
        self.content_type(call.operation, headers);
        if call.method != Method::HEAD
            && let Some(encoding) = self.encoding_of(call, headers)
        {
            headers.insert(ACCEPT_ENCODING, encoding);
        }
    }

    /// What every request carries, to whomever it goes.
    pub(super) fn introduce(&self, headers: &mut HeaderMap) {
        if !headers.contains_key(USER_AGENT) {
            headers.insert(USER_AGENT, self.user_agent.clone());
        }
    }

    /// What a request that follows a redirect says of where it came from. A query may hold a key to what it leads to; it
    /// is told to nobody else.
    pub(super) fn refer(&self, from: &Url, to: &Url, headers: &mut HeaderMap) {
        let downgrade = from.scheme() == "https" && to.scheme() == "http";
        if !self.referer || downgrade {
            return;
        }
        let end = if from.origin() == to.origin() {
            Position::AfterQuery
        } else {
            Position::AfterPath
        };
        if let Ok(value) = HeaderValue::try_from(&from[..end]) {
            headers.insert(REFERER, value);
        }
    }

    fn accept(&self, call: &Call<'_>, headers: &mut HeaderMap) {
        let by_name = |headers: &mut HeaderMap| {
            for line in &self.manifests {
                headers.append(ACCEPT, line.clone());
            }
        };
        let only = |text: &str, headers: &mut HeaderMap| {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(ACCEPT, value);
            }
        };
        match (call.accepts, self.descriptor) {
            (Accepts::Anything, _)
            | (Accepts::Blob(_), AcceptDescriptor::AsByName | AcceptDescriptor::ManifestType) => {}
            (Accepts::Deleted, _) if !self.accept_on_delete => {}
            (Accepts::Blob(None), AcceptDescriptor::TypeAndAny) => only("*/*", headers),
            (Accepts::Manifest(Some(media_type)), AcceptDescriptor::ManifestType) => {
                only(media_type.as_str(), headers);
            }
            (
                Accepts::Manifest(Some(media_type)) | Accepts::Blob(Some(media_type)),
                AcceptDescriptor::TypeAndAny,
            ) => only(&format!("{media_type}, */*"), headers),
            (Accepts::Manifest(_) | Accepts::Deleted, _) => by_name(headers),
        }
    }

    fn content_type(&self, operation: Operation, headers: &mut HeaderMap) {
        let start_type = match operation {
            Operation::UploadStart | Operation::UploadMount => self.start_type.as_ref(),
            _ => None,
        };
        if let Some(value) = start_type {
            headers.insert(CONTENT_TYPE, value.clone());
        } else if !self.octet_stream
            && matches!(operation, Operation::UploadPatch | Operation::UploadPut)
        {
            headers.remove(CONTENT_TYPE);
        }
    }

    fn encoding_of(&self, call: &Call<'_>, headers: &HeaderMap) -> Option<HeaderValue> {
        let fetches = call.method == Method::GET
            && !matches!(call.accepts, Accepts::Anything | Accepts::Manifest(None));
        match &self.fetch_encoding {
            Some(encoding) if fetches => Some(encoding.clone()),
            // Go's client asks for gzip by itself, but not for a part of something.
            _ if headers.contains_key(http::header::RANGE) => None,
            _ => self.encoding.clone(),
        }
    }
}
