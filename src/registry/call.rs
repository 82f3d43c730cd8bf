//! A request in the terms of the specification, before it is sent.

use http::Method;
use http::header::{ACCEPT, HeaderMap, HeaderValue};
use url::Url;

use super::auth::{Actions, Scope};
use crate::oci::{MediaType, Operation};
use crate::transport::Body;

/// A request in the terms of the specification.
pub(super) struct Call<'a> {
    pub(super) operation: Operation,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// Makes the body, anew for each leg.
    pub(super) body: &'a dyn Fn() -> Body,
    pub(super) scope: Scope<'a>,
    /// Statuses accepted beside those of the operation.
    pub(super) also: &'a [u16],
}

impl Call<'_> {
    /// A GET without a body, in the name of nobody yet.
    pub(super) fn get(operation: Operation, url: Url) -> Self {
        Self {
            operation,
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: &Body::empty,
            scope: Scope {
                repository: None,
                mounts_from: None,
                actions: Actions::Pull,
            },
            also: &[],
        }
    }

    /// Asks for any kind of manifest, each in a line of its own: a registry that is not told converts or denies.
    pub(super) fn accept_manifests(mut self) -> Self {
        for media_type in MediaType::MANIFESTS {
            if let Ok(value) = HeaderValue::from_str(media_type.as_str()) {
                self.headers.append(ACCEPT, value);
            }
        }
        self
    }
}
