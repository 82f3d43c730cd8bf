//! The content of a blob as a response: whole, or the parts that were asked for.

use std::rc::Rc;

use http::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use http::{HeaderValue, Method, StatusCode};

use crate::oci::ErrorCode;

use super::blob::Blob;
use super::range::{Part, Wanted, wanted};
use super::refusal::Refusal;
use super::request::ParsedRequest;
use super::response::{Content, PartOfMany, Response};
use super::settings::Quirk;

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
    let wanted = match wanted(range, size) {
        Wanted::Part(_) | Wanted::Parts(_) if request.site.has(Quirk::NoRanges) => Wanted::Whole,
        Wanted::Parts(parts) => several(request, parts, size)?,
        wanted => wanted,
    };
    let response = |status, content| {
        Response::new(status)
            .header(CONTENT_TYPE, OCTETS)
            .header(ACCEPT_RANGES, HeaderValue::from_static("bytes"))
            .content(content)
    };
    let part = |first, length| Content::Part {
        blob: Rc::clone(blob),
        first,
        length,
    };
    Ok(match wanted {
        Wanted::Whole => response(StatusCode::OK, part(0, size)),
        Wanted::Part(it) => {
            let content = part(it.first, it.length());
            response(StatusCode::PARTIAL_CONTENT, content).header(CONTENT_RANGE, place(it, size))
        }
        Wanted::Parts(parts) => {
            let (content, media_type) = multipart(blob, &parts);
            response(StatusCode::PARTIAL_CONTENT, content).header(CONTENT_TYPE, media_type)
        }
        Wanted::Unsatisfiable => return Err(unsatisfiable(size)),
    })
}

/// What becomes of a request for several parts.
fn several(request: &ParsedRequest<'_>, parts: Vec<Part>, size: u64) -> Result<Wanted, Refusal> {
    let refused = |status, code: &str| {
        let message = "this registry does not send several ranges at once";
        Refusal::new(status, ErrorCode::Other(code.into()), message)
    };
    if request.site.has(Quirk::SeveralRangesWhole) {
        return Ok(Wanted::Whole);
    }
    if request.site.has(Quirk::SeveralRangesUnsatisfiable) {
        return Err(unsatisfiable(size));
    }
    if request.site.has(Quirk::SeveralRangesBad) {
        return Err(refused(StatusCode::BAD_REQUEST, "RANGE_INVALID"));
    }
    if request.site.has(Quirk::SeveralRangesUnsupported) {
        return Err(refused(StatusCode::NOT_IMPLEMENTED, "UNSUPPORTED"));
    }
    Ok(Wanted::Parts(parts))
}

fn unsatisfiable(size: u64) -> Refusal {
    Refusal::new(
        StatusCode::RANGE_NOT_SATISFIABLE,
        ErrorCode::Other("RANGE_INVALID".into()),
        format!("the blob has {size} bytes"),
    )
    .with(CONTENT_RANGE, format!("bytes */{size}"))
}

fn place(part: Part, size: u64) -> String {
    format!("bytes {}-{}/{size}", part.first, part.last)
}

/// Returns several parts as one body, and its type.
///
/// # Spec
/// RFC 9110, section 14.6; RFC 2046, section 5.1. The lines are those of servers in Go.
fn multipart(blob: &Rc<Blob>, parts: &[Part]) -> (Content, String) {
    let boundary = format!("regstorm-{}", blob.digest.to_hex());
    let of_many = parts.iter().enumerate().map(|(number, part)| {
        let before = if number == 0 { "" } else { "\r\n" };
        let place = place(*part, blob.size);
        let lines = format!(
            "{before}--{boundary}\r\nContent-Range: {place}\r\nContent-Type: application/octet-stream\r\n\r\n"
        );
        PartOfMany {
            lines: lines.into(),
            first: part.first,
            length: part.length(),
        }
    });
    let content = Content::Parts {
        blob: Rc::clone(blob),
        parts: of_many.collect(),
        end: format!("\r\n--{boundary}--\r\n").into(),
    };
    (
        content,
        format!("multipart/byteranges; boundary={boundary}"),
    )
}
