//! A request, taken apart: its head, query and route, and what its headers say.

use std::borrow::Cow;
use std::rc::Rc;

use http::header::{HeaderName, IF_NONE_MATCH};
use http::request::Parts;

use crate::oci::{Digest, Operation};

use super::connection_state::ConnectionState;
use super::fault::Lapse;
use super::query::Query;
use super::refusal::Refusal;
use super::route::Route;
use super::settings::Quirk;
use super::site::Site;

/// A request, taken apart.
#[derive(Debug)]
pub(super) struct ParsedRequest<'h> {
    pub(super) site: &'h Rc<Site>,
    pub(super) head: &'h Parts,
    pub(super) query: Query<'h>,
    pub(super) route: Option<Route<'h>>,
    pub(super) operation: Option<Operation>,
    /// What is promised and not kept, if anything.
    pub(super) lapse: Lapse,
}

impl<'h> ParsedRequest<'h> {
    pub(super) fn new(site: &'h Rc<Site>, connection: &ConnectionState, head: &'h Parts) -> Self {
        let query = Query::new(head.uri.query());
        let route = if connection.at_storage_host {
            None
        } else {
            Route::parse(&site.settings.base_path, head.uri.path())
        };
        let operation = if connection.at_storage_host {
            Some(Operation::Redirected)
        } else {
            route.and_then(|route| route.operation(&head.method, query))
        };
        Self {
            site,
            head,
            query,
            route,
            operation,
            lapse: Lapse::default(),
        }
    }

    /// Returns a header, if it is there and text.
    pub(super) fn header(&self, name: &HeaderName) -> Option<&'h str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// Returns `true` if the client says that it has this content.
    pub(super) fn has_already(&self, digest: &Digest) -> bool {
        self.header(&IF_NONE_MATCH).is_some_and(|tags| {
            let digest = digest.to_string();
            tags.split(',').any(|tag| {
                let tag = tag.trim().trim_start_matches("W/").trim_matches('"');
                tag == digest || tag == "*"
            })
        })
    }

    /// # Errors
    /// 405 if the registry does not delete.
    pub(super) fn deletion_allowed(&self) -> Result<(), Refusal> {
        if self.site.has(Quirk::NoDelete) {
            Err(Refusal::unsupported("this registry does not delete"))
        } else {
            Ok(())
        }
    }
}

/// Reads a digest out of a path, where clients may escape its colon.
pub(super) fn digest_in_path(text: &str) -> Result<Digest, Refusal> {
    let text = if text.contains('%') {
        Cow::from(text.replace("%3A", ":").replace("%3a", ":"))
    } else {
        Cow::from(text)
    };
    text.parse()
        .map_err(|error: crate::oci::DigestError| Refusal::digest(error.to_string()))
}
