//! From a client's request to the target's response, which is passed back.

use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, EXPECT, USER_AGENT};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use tokio::sync::Notify;

use super::behind::{Behind, NoResponse};
use super::body::{Going, Returning, Source};
use super::headers;
use super::journal::{End, Journal};
use super::origins::Origins;
use super::row::Row;

/// What the connections of all clients share.
pub(super) struct Site {
    pub(super) journal: Rc<Journal>,
    pub(super) origins: Origins,
    /// The address that it listens on.
    pub(super) own: SocketAddr,
}

/// The connection of the client is to end without a response.
#[derive(Debug)]
pub(super) struct HangUp;

impl fmt::Display for HangUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the target broke off")
    }
}

impl std::error::Error for HangUp {}

/// Passes one request on, and the head of its response back.
///
/// # Errors
/// When the target ends the exchange before a response: its client sees the same.
///
/// # Cancel safety
/// Dropped when the client has left; the exchange ends with it.
pub(super) async fn pass(
    site: &Site,
    behind: &Behind,
    client: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Returning>, HangUp> {
    let (mut head, body) = request.into_parts();
    let agent = head.headers.get(USER_AGENT);
    let agent = agent.map_or_else(String::new, |it| {
        String::from_utf8_lossy(it.as_bytes()).into_owned()
    });
    let target = head.uri.path_and_query();
    let target = target.map_or_else(|| "/".to_owned(), |it| it.as_str().to_owned());
    let asked = (head.method.clone(), target);
    let row = Row::new(&site.journal, client.ip().to_canonical(), agent, asked);
    if head.method == Method::CONNECT {
        let message = "it is in front of one registry, and opens no tunnels";
        return Ok(refuse(StatusCode::METHOD_NOT_ALLOWED, message, row));
    }
    let host = headers::called(&head.uri, &head.headers, &site.own.to_string());
    let mut going = Going::new(body, Rc::clone(&row));
    let go_on = holds_back(&head, &going).then(|| Arc::new(Notify::new()));
    let is_http1 = !behind.is_http2();
    let Some(uri) = uri(&head.uri, &site.origins, is_http1) else {
        let message = "the target of the request cannot be passed on";
        return Ok(refuse(StatusCode::BAD_REQUEST, message, row));
    };
    head.uri = uri;
    head.version = if is_http1 {
        Version::HTTP_11
    } else {
        Version::HTTP_2
    };
    head.headers = headers::of_request(head.headers, &host, &site.origins, is_http1);
    if let Some(go_on) = &go_on {
        going.wait_for(Arc::clone(go_on));
    }
    let mut request = Request::from_parts(head, going);
    if let Some(go_on) = go_on {
        hyper::ext::on_informational(&mut request, move |response| {
            if response.status() == StatusCode::CONTINUE {
                go_on.notify_one();
            }
        });
    }
    match behind.send(request).await {
        Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
            let message = "the target changed to a protocol that was not asked for";
            Ok(unreached(site, message, row))
        }
        Ok(response) => Ok(pass_back(site, &host, is_http1, response, row)),
        Err(NoResponse::Unreached(error)) => Ok(unreached(site, &error.to_string(), row)),
        Err(NoResponse::Broken(error)) if error.is_parse() => {
            let message = format!("the response of the target is not HTTP: {error}");
            Ok(unreached(site, &message, row))
        }
        Err(NoResponse::Broken(_)) => {
            row.ends(End::Broken);
            Err(HangUp)
        }
    }
}

/// Whether the client waits for the target to ask for the body.
fn holds_back(head: &Parts, body: &Going) -> bool {
    let expects = head.headers.get(EXPECT);
    let expects = expects.is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    expects && head.version == Version::HTTP_11 && !body.is_end_stream()
}

/// The URI for the target: a path over HTTP/1.1, with scheme and host over HTTP/2.
fn uri(asked: &Uri, origins: &Origins, is_http1: bool) -> Option<Uri> {
    let path = asked.path_and_query().map_or("/", |it| it.as_str());
    if is_http1 {
        return path.parse().ok();
    }
    format!("{}{path}", origins.target_url()).parse().ok()
}

fn pass_back(
    site: &Site,
    host: &str,
    is_http1: bool,
    response: Response<Incoming>,
    row: Rc<Row>,
) -> Response<Returning> {
    row.responded(response.status());
    let (mut head, body) = response.into_parts();
    let mut elsewhere = |host: String| site.journal.leads_elsewhere(&host);
    head.headers =
        headers::of_response(head.headers, host, &site.origins, is_http1, &mut elsewhere);
    head.version = Version::HTTP_11;
    Response::from_parts(head, Returning::new(Source::Target(body), row))
}

/// Says to a client that the target could not be reached.
fn unreached(site: &Site, message: &str, row: Rc<Row>) -> Response<Returning> {
    site.journal.count(|tally| {
        tally.problem.get_or_insert_with(|| message.to_owned());
    });
    refuse(StatusCode::BAD_GATEWAY, message, row)
}

/// A response of the recorder's own, which clients of registries show.
fn refuse(status: StatusCode, message: &str, row: Rc<Row>) -> Response<Returning> {
    row.responded(status);
    let message = format!("regstorm record: {message}");
    let errors = serde_json::json!({ "errors": [{ "code": "UNKNOWN", "message": message }] });
    let body = Full::new(Bytes::from(errors.to_string()));
    let mut response = Response::new(Returning::new(Source::Own(body), row));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
