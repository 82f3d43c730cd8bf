//! The headers of a request, by the client's habits.

use std::cell::RefCell;
use std::mem::{Discriminant, discriminant};

use http::Method;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, REFERER,
    USER_AGENT,
};

use super::call::{Accepts, Call};
use super::decoding::Undoing;
use crate::oci::Operation;
use crate::profile::{AcceptDescriptor, AcceptForm, Decoding, Wire};
use crate::transport::Address;

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// Makes the value of an `Authorization` header, marked as sensitive.
pub(super) fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

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
    decoding: Decoding,
    start_type: Option<HeaderValue>,
    octet_stream: bool,
    accept_on_delete: bool,
    referer: bool,
    prepared: RefCell<Vec<(Kind, HeaderMap)>>, // one for each kind of call that was met
}

/// Calls of one kind carry the same headers, unless they need some of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    operation: Operation,
    is_head: bool,
    accepts: Discriminant<Accepts<'static>>,
}

impl Kind {
    /// `None`: its headers depend on more than its kind.
    fn of(call: &Call<'_>) -> Option<Self> {
        let accepts = match call.accepts {
            Accepts::Manifest(Some(_)) | Accepts::Blob(Some(_)) => return None,
            Accepts::Anything => Accepts::Anything,
            Accepts::Manifest(None) => Accepts::Manifest(None),
            Accepts::Deleted => Accepts::Deleted,
            Accepts::Blob(None) => Accepts::Blob(None),
        };
        call.headers.is_empty().then(|| Self {
            operation: call.operation,
            is_head: call.method == Method::HEAD,
            accepts: discriminant(&accepts),
        })
    }
}

impl Headers {
    /// Leaves out what is invalid in a header; scenarios are checked for that.
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
            fetch_encoding: wire.fetch_encoding.as_deref().and_then(value),
            decoding: wire.decoding,
            start_type: wire.start_type.as_deref().and_then(value),
            octet_stream: wire.octet_stream,
            accept_on_delete: wire.accept_on_delete,
            referer: wire.referer,
            prepared: RefCell::default(),
        }
    }

    pub(super) const fn user_agent(&self) -> &HeaderValue {
        &self.user_agent
    }

    /// Returns the headers of a call to the registry: its own, those `for_all` calls, and those of the client's
    /// habits. For most calls they are the same as before, and are copied.
    pub(super) fn at_home(&self, call: &Call<'_>, for_all: &HeaderMap) -> HeaderMap {
        let make = || {
            let mut headers = call.headers.clone();
            headers.insert(HOST, call.address.origin().host_header().clone());
            headers.extend(for_all.clone());
            self.add_to(call, &mut headers);
            headers
        };
        let Some(kind) = Kind::of(call) else {
            return make();
        };
        let mut prepared = self.prepared.borrow_mut();
        if let Some((_, headers)) = prepared.iter().find(|(it, _)| *it == kind) {
            return headers.clone();
        }
        let headers = make();
        prepared.push((kind, headers.clone()));
        headers
    }

    /// Adds the headers of the habits to those that the call needs.
    pub(super) fn add_to(&self, call: &Call<'_>, headers: &mut HeaderMap) {
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

    /// Adds the headers of every request, whatever its host.
    pub(super) fn introduce(&self, headers: &mut HeaderMap) {
        if !headers.contains_key(USER_AGENT) {
            headers.insert(USER_AGENT, self.user_agent.clone());
        }
    }

    /// Adds the headers of a request for a token.
    pub(super) fn for_token(&self, headers: &mut HeaderMap) {
        self.introduce(headers);
        if let Some(encoding) = &self.encoding {
            headers.insert(ACCEPT_ENCODING, encoding.clone());
        }
    }

    /// Adds the `Referer` of a request that follows a redirect, without the query, which may hold a key.
    pub(super) fn refer(&self, from: &Address, to: &Address, headers: &mut HeaderMap) {
        let downgrade = from.origin().is_secure() && !to.origin().is_secure();
        if !self.referer || downgrade {
            return;
        }
        let is_same = from.origin() == to.origin();
        let mut from = from.url();
        if !is_same {
            from.set_query(None);
        }
        if let Ok(value) = HeaderValue::try_from(from.as_str()) {
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

    /// Returns which codings of the response to a call are decoded.
    pub(super) fn undoing_of(&self, call: &Call<'_>) -> Undoing {
        match self.decoding {
            Decoding::Asked if self.fetch_encoding.is_some() && fetches(call) => Undoing::Listed,
            Decoding::Asked => Undoing::Asked(self.encoding_of(call, &call.headers)),
            Decoding::Known => Undoing::Known,
        }
    }

    /// Returns which codings of a response to any other request are decoded.
    pub(super) fn undoing(&self) -> Undoing {
        match self.decoding {
            Decoding::Asked => Undoing::Asked(self.encoding.clone()),
            Decoding::Known => Undoing::Known,
        }
    }

    fn encoding_of(&self, call: &Call<'_>, headers: &HeaderMap) -> Option<HeaderValue> {
        match &self.fetch_encoding {
            Some(encoding) if fetches(call) => Some(encoding.clone()),
            // Go's client requests gzip by itself, but not for a range.
            _ if headers.contains_key(http::header::RANGE) => None,
            _ => self.encoding.clone(),
        }
    }
}

/// Returns `true` if the call fetches by a descriptor.
fn fetches(call: &Call<'_>) -> bool {
    call.method == Method::GET
        && !matches!(call.accepts, Accepts::Anything | Accepts::Manifest(None))
}
