//! The content of a blob as a response: whole, or the part that was asked for.

use std::rc::Rc;

use http::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use http::{HeaderValue, Method, StatusCode};

use crate::oci::ErrorCode;

use super::blob::Blob;
use super::range::{Wanted, wanted};
use super::refusal::Refusal;
use super::request::ParsedRequest;
use super::response::{Content, Response};

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// Returns a blob's content, whole or the part that was asked for.
pub(super) fn content(request: &ParsedRequest<'_>, blob: &Rc<Blob>) -> Result<Response, Refusal> {
    let size = blob.size;
    if blob.pieces.is_none() && request.head.method != Method::HEAD {
        return Err(Refusal::missing(
            ErrorCode::BlobUnknown,
            "this registry threw the content away when it came (storage: sink); only its digest and size are known",
        ));
    }
    // RFC 9110: a range is for GET only.
    let range = request
        .header(&RANGE)
        .filter(|_| request.head.method == Method::GET);
    let (status, first, length) = match wanted(range, size) {
        Wanted::Whole => (StatusCode::OK, 0, size),
        Wanted::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Wanted::Unsatisfiable => {
            return Err(Refusal::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                ErrorCode::Other("RANGE_INVALID".into()),
                format!("the blob has {size} bytes"),
            )
            .with(CONTENT_RANGE, format!("bytes */{size}")));
        }
    };
    let mut response = Response::new(status)
        .header(CONTENT_TYPE, OCTETS)
        .header(ACCEPT_RANGES, HeaderValue::from_static("bytes"))
        .content(Content::Part {
            blob: Rc::clone(blob),
            first,
            length,
        });
    if status == StatusCode::PARTIAL_CONTENT {
        let last = first + length - 1;
        response = response.header(CONTENT_RANGE, format!("bytes {first}-{last}/{size}"));
    }
    Ok(response)
}
