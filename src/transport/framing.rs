//! The framing of a request in either HTTP version.

use http::header::{CONNECTION, HOST, HeaderMap, HeaderValue};
use http::{Request, Uri};

use super::address::Address;
use super::body::Body;
use crate::exchange::Protocol;

/// A copy of what is needed to send a request again.
pub(super) struct Spare {
    pub(super) headers: HeaderMap,
    pub(super) has_body: bool,
}

impl Spare {
    pub(super) fn of(request: &Request<Body>) -> Self {
        Self {
            headers: request.headers().clone(),
            has_body: request.body().length() != Some(0),
        }
    }
}

/// Adds the framing of a request in either version.
pub(super) fn put_on(
    request: &mut Request<Body>,
    address: &Address,
    protocol: Protocol,
    keep_alive: bool,
) {
    let origin = address.origin();
    let headers = request.headers_mut();
    match protocol {
        Protocol::Http1 => {
            if !headers.contains_key(HOST) {
                headers.insert(HOST, origin.host_header().clone());
            }
            if !keep_alive {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            // The peer is the server itself, not a proxy: the request line has only path and query.
            *request.uri_mut() = Uri::from(address.target().clone());
        }
        Protocol::Http2 => {
            headers.remove(HOST);
            headers.remove(CONNECTION);
            let mut parts = http::uri::Parts::default();
            parts.scheme = Some(origin.scheme());
            parts.authority = origin.authority().cloned();
            parts.path_and_query = Some(address.target().clone());
            // hyper refuses a request without an authority, and reports it as any other error.
            *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
        }
    }
}
