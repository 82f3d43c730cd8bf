//! From a request to its response: faults, authorization, the endpoint, and what every response has in common.

use std::rc::Rc;

use bytes::Bytes;
use http::header::{CONNECTION, HeaderName, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, sleep};

use crate::oci::{ErrorCode, Operation, RepositoryName};

use super::connection_state::ConnectionState;
use super::exchange::Exchange;
use super::fault::{Effects, Refuse};
use super::inbound::Inbound;
use super::outgoing::{HangUp, Outgoing};
use super::pace::Silence;
use super::refusal::{Ending, Refusal};
use super::request::ParsedRequest;
use super::response::{CONTENT_DIGEST, Response};
use super::route::Route;
use super::settings::Quirk;
use super::site::Site;
use super::{auth, blobs, discovery, manifests, storage_host, token_endpoint, uploads};

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// Holds a request until its client has left. The body is read meanwhile: a client that leaves is not noticed while bytes
/// of it wait to be read.
async fn never_answer(body: &mut Incoming, exchange: &Exchange) -> HangUp {
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => exchange.received(frame.data_ref().map_or(0, Bytes::len)),
            Err(_left) => return HangUp,
        }
    }
    // From here on hyper drops this future when the client leaves.
    std::future::pending().await
}

/// Serves one request.
///
/// # Errors
/// When the connection is to end without a response.
pub(super) async fn serve(
    site: Rc<Site>,
    connection: Rc<ConnectionState>,
    incoming: Request<Incoming>,
) -> Result<http::Response<Outgoing>, HangUp> {
    let (head, mut body) = incoming.into_parts();
    let mut request = ParsedRequest::new(&site, &connection, &head);
    let exchange = Exchange::open(&site, &connection, &head, request.operation);
    let mut effects = site.faults.borrow_mut().next(request.operation);
    request.lapse = effects.lapse;
    if let Some(length) = effects.freeze {
        site.freezer.freeze(length, Instant::now());
    }
    site.freezer.pass().await;
    if let Some(silence) = effects.stall_before_head {
        match silence {
            Silence::For(length) => sleep(length).await,
            Silence::Forever => return Err(never_answer(&mut body, &exchange).await),
        }
        site.freezer.pass().await;
    }
    if let Some(cut) = effects.cut_before_head {
        connection.cut.set(Some(cut));
        return Err(HangUp);
    }
    // The faults of a body hit the one that carries the content.
    let inbound_pace = if body.is_end_stream() {
        None
    } else {
        effects.pace.take()
    };
    let mut inbound = Inbound::new(body, Rc::clone(&exchange), inbound_pace);
    let response = match decide(&request, &mut inbound, &mut effects).await {
        Ok(response) => response,
        Err(Ending::Refused(refusal)) => refusal.into_response(),
        Err(Ending::HangUp) => return Err(HangUp),
    };
    let mut response = finish(response, &request, inbound, &connection).await;
    if effects.is_mislabelled {
        response = response.mislabelled();
    }
    if !effects.delay.is_zero() {
        sleep(effects.delay).await;
    }
    site.freezer.pass().await;
    if !effects.burn.is_zero() {
        site.burner.burn(effects.burn);
    }
    Ok(send(response, &head, exchange, effects))
}

fn send(
    response: Response,
    head: &Parts,
    exchange: Rc<Exchange>,
    effects: Effects,
) -> http::Response<Outgoing> {
    exchange.answered(response.status);
    response
        .into_http(&head.method)
        .map(|content| Outgoing::new(content, exchange, effects.pace, effects.corrupt))
}

/// Adds what every response has, and decides whether the connection can go on.
async fn finish(
    mut response: Response,
    request: &ParsedRequest<'_>,
    inbound: Inbound,
    connection: &ConnectionState,
) -> Response {
    if !connection.at_storage_host {
        response = response.header(API_VERSION, HeaderValue::from_static("registry/2.0"));
    }
    if request.site.has(Quirk::NoDigestHeader) {
        response.headers.remove(CONTENT_DIGEST);
    }
    if !inbound.settle(&request.head.headers).await {
        connection.linger.set(true);
        response = response.header(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn decide(
    request: &ParsedRequest<'_>,
    inbound: &mut Inbound,
    effects: &mut Effects,
) -> Result<Response, Ending> {
    if let Some(refuse) = effects.refuse.take() {
        return Err(scripted(refuse).into());
    }
    if effects.is_empty {
        return Ok(Response::new(StatusCode::OK));
    }
    request.site.revive();
    if request.operation == Some(Operation::Redirected) {
        return Ok(storage_host::get(request)?);
    }
    let Some(route) = request.route else {
        let message = "there is no such endpoint; the registry serves paths below /v2/";
        return Err(Refusal::missing(ErrorCode::Unsupported, message).into());
    };
    let Some(operation) = request.operation else {
        let message = format!(
            "this endpoint does not have the method {}",
            request.head.method
        );
        return Err(Refusal::unsupported(message).into());
    };
    let name = match route.name() {
        Some(name) => Some(name.parse::<RepositoryName>().map_err(Refusal::from)?),
        None => None,
    };
    if operation == Operation::Token {
        return token_endpoint::issue(request, inbound).await;
    }
    auth::authorize(request, operation, name.as_ref())?;
    match name {
        Some(name) => in_repository(request, inbound, route, operation, &name).await,
        None if operation == Operation::Catalog => Ok(discovery::catalog(request)?),
        None => Ok(Response::new(StatusCode::OK)
            .header(
                http::header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            )
            .bytes(&b"{}"[..])),
    }
}

async fn in_repository(
    request: &ParsedRequest<'_>,
    inbound: &mut Inbound,
    route: Route<'_>,
    operation: Operation,
    name: &RepositoryName,
) -> Result<Response, Ending> {
    match (route, operation) {
        (Route::Blob { digest, .. }, Operation::BlobDelete) => {
            Ok(blobs::delete(request, name, digest)?)
        }
        (Route::Blob { digest, .. }, _) => Ok(blobs::get(request, name, digest)?),
        (Route::Manifest { reference, .. }, Operation::ManifestPut) => {
            manifests::put(request, name, reference, inbound).await
        }
        (Route::Manifest { reference, .. }, Operation::ManifestDelete) => {
            Ok(manifests::delete(request, name, reference)?)
        }
        (Route::Manifest { reference, .. }, _) => Ok(manifests::get(request, name, reference)?),
        (Route::Uploads { .. }, _) => uploads::open(request, name, operation, inbound).await,
        (Route::Upload { id, .. }, Operation::UploadPatch) => {
            uploads::patch(request, name, id, inbound).await
        }
        (Route::Upload { id, .. }, Operation::UploadPut) => {
            uploads::put(request, name, id, inbound).await
        }
        (Route::Upload { id, .. }, Operation::UploadCancel) => {
            Ok(uploads::cancel(request, name, id)?)
        }
        (Route::Upload { id, .. }, _) => Ok(uploads::status(request, name, id)?),
        (Route::Tags { .. }, _) => Ok(discovery::tags(request, name)?),
        (Route::Referrers { digest, .. }, _) => Ok(discovery::referrers(request, name, digest)?),
        (Route::Ping | Route::Token | Route::Catalog, _) => {
            Err(Refusal::unsupported("this endpoint is not inside a repository").into())
        }
    }
}

fn scripted(refuse: Refuse) -> Refusal {
    let code = refuse
        .code
        .unwrap_or_else(|| ErrorCode::Other("UNKNOWN".into()));
    let refusal = Refusal::new(refuse.status, code, "a scripted fault");
    match refuse.retry_after {
        Some(length) => refusal.with(RETRY_AFTER, length.as_secs()),
        None => refusal,
    }
}
