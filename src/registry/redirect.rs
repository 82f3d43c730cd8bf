//! Redirects: the next URL of a request, its method, and whether it keeps its body.

use http::header::LOCATION;
use http::{Method, StatusCode};

use super::error::Redirect;
use super::location::location;
use super::response::Response;
use crate::transport::Address;

/// A request after a redirect.
pub(super) struct Hop {
    pub(super) address: Address,
    /// The URL that redirected.
    pub(super) from: Address,
    pub(super) method: Method,
    /// Whether the request keeps its body.
    pub(super) has_body: bool,
    /// The redirect that turned the method into `GET`, if one has.
    pub(super) turned: Option<StatusCode>,
    count: u8, // of redirects up to here
}

/// Whether the body of a request can be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carries {
    Nothing,
    /// A body that the client can make anew.
    Again,
    /// A stream, which can be sent once.
    Once,
}

/// The effect of a response on its request.
pub(super) enum Course {
    /// It is final: no redirect, or none that the client follows.
    Stays,
    /// It redirects.
    Leads(Box<Hop>),
}

/// Reads a response to a request that was sent by `method` after the redirects `before`, and follows at most `most`
/// of them.
///
/// # Spec
/// RFC 9110, 15.4. Go's client turns every method but `GET` and `HEAD` into `GET` after 301, 302 and 303, and after 307 and 308
/// sends the body again if it can make it anew. Other statuses, and a redirect without `Location`, are left to the caller.
///
/// # Errors
/// Fails after too many redirects, or if this one leads to an invalid URL.
pub(super) fn course(
    response: &Response<'_>,
    (method, carries): (&Method, Carries),
    before: Option<&Hop>,
    most: u8,
) -> Result<Course, Redirect> {
    let status = response.status();
    let keeps = match status.as_u16() {
        301..=303 => false,
        307 | 308 => true,
        _ => return Ok(Course::Stays),
    };
    if !response.headers().contains_key(LOCATION) || (keeps && carries == Carries::Once) {
        return Ok(Course::Stays);
    }
    let count = before.map_or(0, |hop| hop.count);
    if count >= most {
        return Err(Redirect::TooMany(most));
    }
    let address = location(response.address(), response.headers());
    let address = address.ok_or(Redirect::Nowhere)?;
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    let turns = !keeps && !is_read;
    Ok(Course::Leads(Box::new(Hop {
        address,
        from: response.address().clone(),
        method: if turns { Method::GET } else { method.clone() },
        has_body: keeps && carries == Carries::Again,
        turned: before
            .and_then(|hop| hop.turned)
            .or_else(|| turns.then_some(status)),
        count: count + 1,
    })))
}
