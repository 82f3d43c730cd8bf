//! The framing of a request in either HTTP version.

use http::header::{CONNECTION, HOST, HeaderMap, HeaderValue, PROXY_AUTHORIZATION};
use http::{Request, Uri};

use super::address::Address;
use super::body::Body;
use super::proxy::Forwarded;
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

/// Adds the framing of a request in either version, for the server itself or for a proxy that forwards it.
pub(super) fn put_on(
    request: &mut Request<Body>,
    (address, forwarded): (&Address, Option<Forwarded<'_>>),
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
            *request.uri_mut() = match forwarded {
                // The request line for the server itself has only path and query.
                None => Uri::from(address.target().clone()),
                Some(Forwarded { authorization }) => {
                    if let Some(authorization) = authorization {
                        headers.insert(PROXY_AUTHORIZATION, authorization.clone());
                    }
                    absolute(address)
                }
            };
        }
        Protocol::Http2 => {
            headers.remove(HOST);
            headers.remove(CONNECTION);
            // hyper refuses a request without an authority, and reports it as any other error.
            *request.uri_mut() = absolute(address);
        }
    }
}

/// The whole URL; empty if the origin has no authority.
fn absolute(address: &Address) -> Uri {
    let origin = address.origin();
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(origin.scheme());
    parts.authority = origin.authority().cloned();
    parts.path_and_query = Some(address.target().clone());
    Uri::from_parts(parts).unwrap_or_default()
}
