//! What goes around a request, in the way of either HTTP version.

use http::header::{CONNECTION, HOST, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Uri};
use url::{Position, Url};

use super::body::Body;
use super::error::Error;
use super::origin::Origin;
use super::timings::Protocol;

/// The same request once more, if it has no body.
pub(super) fn spare(request: &Request<Body>) -> Option<Request<Body>> {
    if request.body().length() != Some(0) {
        return None;
    }
    let mut again = Request::new(Body::empty());
    *again.method_mut() = request.method().clone();
    *again.headers_mut() = request.headers().clone();
    Some(again)
}

/// What frames a request, in the way of either version.
pub(super) struct Frame {
    authority: HeaderValue,
    path: PathAndQuery,
    scheme: Scheme,
    closes: bool,
}

impl Frame {
    pub(super) fn of(url: &Url, origin: &Origin, keep_alive: bool) -> Result<Self, Error> {
        let authority = HeaderValue::try_from(&url[Position::BeforeHost..Position::AfterPort])
            .expect("a URL's host is made of visible characters");
        Ok(Self {
            authority,
            // The target is the server itself, not a proxy: only path and query go on the request line.
            path: url[Position::BeforePath..Position::AfterQuery].parse()?,
            scheme: if origin.is_secure() {
                Scheme::HTTPS
            } else {
                Scheme::HTTP
            },
            closes: !keep_alive,
        })
    }

    pub(super) fn put_on(&self, request: &mut Request<Body>, protocol: Protocol) {
        let headers = request.headers_mut();
        match protocol {
            Protocol::Http1 => {
                headers.insert(HOST, self.authority.clone());
                if self.closes {
                    headers.insert(CONNECTION, HeaderValue::from_static("close"));
                }
                *request.uri_mut() = Uri::from(self.path.clone());
            }
            Protocol::Http2 => {
                headers.remove(HOST);
                headers.remove(CONNECTION);
                let mut parts = http::uri::Parts::default();
                parts.scheme = Some(self.scheme.clone());
                parts.authority = Authority::try_from(self.authority.as_bytes()).ok();
                parts.path_and_query = Some(self.path.clone());
                // hyper refuses a request without an authority, which is told as any other refusal.
                *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
            }
        }
    }
}
