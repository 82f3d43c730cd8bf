//! A request in the terms of the specification, before it is sent.

use http::Method;
use http::header::HeaderMap;

use super::auth::{Actions, Scope};
use crate::oci::{MediaType, Operation};
use crate::transport::{Address, Body};

/// A request in the terms of the specification.
pub(super) struct Call<'a> {
    pub(super) operation: Operation,
    pub(super) method: Method,
    pub(super) address: Address,
    pub(super) headers: HeaderMap,
    /// Makes the body, anew for each leg.
    pub(super) body: &'a dyn Fn() -> Body,
    pub(super) scope: Scope<'a>,
    /// Whether it is sent without `Authorization` in any case, and a challenge is returned to the caller.
    pub(super) bare: bool,
    /// Statuses accepted beside those of the operation.
    pub(super) also: &'a [u16],
    /// What may come.
    pub(super) accepts: Accepts<'a>,
}

/// What a request asks for. How that is said is the client's habit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepts<'a> {
    /// Whatever the endpoint gives.
    Anything,
    /// A manifest, of a known type or of any. A registry that is not told converts or denies.
    Manifest(Option<&'a MediaType>),
    /// A manifest that is to go.
    Deleted,
    /// A blob, of a known type or of any.
    Blob(Option<&'a MediaType>),
}

impl Call<'_> {
    /// A GET without a body, in the name of nobody yet.
    pub(super) fn get(operation: Operation, address: Address) -> Self {
        Self {
            operation,
            method: Method::GET,
            address,
            headers: HeaderMap::new(),
            body: &Body::empty,
            scope: Scope {
                repository: None,
                mounts_from: None,
                actions: Actions::Pull,
            },
            bare: false,
            also: &[],
            accepts: Accepts::Anything,
        }
    }
}
