//! A request in the terms of the specification, before it is sent.

use http::Method;
use http::header::HeaderMap;

use super::auth::{Actions, Scope};
use crate::exchange::RangeRequest;
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
    /// Statuses that are accepted in addition to those of the operation.
    pub(super) also: &'a [u16],
    /// The content that it accepts.
    pub(super) accepts: Accepts<'a>,
    /// What it asks for, if that is ranges of a blob.
    pub(super) ranges: Option<RangeRequest>,
}

/// The content that a request accepts. The client's habits decide how this is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepts<'a> {
    /// Any content.
    Anything,
    /// A manifest, of a known type or of any. Without `Accept` a registry may convert the manifest or deny that it
    /// exists.
    Manifest(Option<&'a MediaType>),
    /// The manifest to delete.
    Deleted,
    /// A blob, of a known type or of any.
    Blob(Option<&'a MediaType>),
}

impl Call<'_> {
    /// Makes a GET without a body, for no repository.
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
            ranges: None,
        }
    }
}
