//! From a request to its answer: faults, the gate, the endpoint, and what every answer has in common.

use std::rc::Rc;

use bytes::Bytes;
use http::header::{CONNECTION, HeaderName, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, sleep};

use crate::oci::{ErrorCode, Operation, RepositoryName};

use super::connection::Line;
use super::exchange::Exchange;
use super::fault::{Effects, Refuse};
use super::inbound::Inbound;
use super::outgoing::{HangUp, Outgoing};
use super::pace::Silence;
use super::query::Query;
use super::refusal::{Ending, Refusal};
use super::reply::Reply;
use super::route::Route;
use super::settings::Quirk;
use super::site::Site;
use super::{auth, blobs, discovery, manifests, storage_host, token, uploads};

pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// A request, taken apart.
#[derive(Debug)]
pub(super) struct Ask<'h> {
    pub(super) site: &'h Rc<Site>,
    pub(super) head: &'h Parts,
    pub(super) query: Query<'h>,
    route: Option<Route<'h>>,
    operation: Option<Operation>,
}

impl<'h> Ask<'h> {
    fn new(site: &'h Rc<Site>, line: &Line, head: &'h Parts) -> Self {
        let query = Query::new(head.uri.query());
        let route = if line.at_storage_host {
            None
        } else {
            Route::parse(&site.settings.base_path, head.uri.path())
        };
        let operation = if line.at_storage_host {
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
        }
    }

    /// A header, if it is there and text.
    pub(super) fn header(&self, name: &HeaderName) -> Option<&'h str> {
        self.head.headers.get(name)?.to_str().ok()
    }
}

/// Holds a request until its client has left. The body is read meanwhile: nothing is heard of a client that leaves
/// while bytes of it wait to be read.
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
/// When the connection is to end without an answer.
pub(super) async fn serve(
    site: Rc<Site>,
    line: Rc<Line>,
    request: Request<Incoming>,
) -> Result<Response<Outgoing>, HangUp> {
    let (head, mut body) = request.into_parts();
    let ask = Ask::new(&site, &line, &head);
    let exchange = Exchange::open(&site, &line, &head, ask.operation);
    let mut effects = site.faults.borrow_mut().next(ask.operation);
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
        line.cut.set(Some(cut));
        return Err(HangUp);
    }
    // The faults of a body hit the one that carries the content.
    let inbound_pace = if body.is_end_stream() {
        None
    } else {
        effects.pace.take()
    };
    let mut inbound = Inbound::new(body, Rc::clone(&exchange), inbound_pace);
    let reply = match decide(&ask, &mut inbound, effects.refuse.take()).await {
        Ok(reply) => reply,
        Err(Ending::Refused(refusal)) => refusal.into_reply(),
        Err(Ending::HangUp) => return Err(HangUp),
    };
    let reply = finish(reply, &ask, inbound, &line).await;
    if !effects.delay.is_zero() {
        sleep(effects.delay).await;
    }
    site.freezer.pass().await;
    Ok(send(reply, &head, exchange, effects))
}

fn send(
    reply: Reply,
    head: &Parts,
    exchange: Rc<Exchange>,
    effects: Effects,
) -> Response<Outgoing> {
    exchange.answered(reply.status);
    reply
        .into_response(&head.method)
        .map(|content| Outgoing::new(content, exchange, effects.pace, effects.corrupt))
}

/// Adds what every answer has, and decides whether the connection can go on.
async fn finish(mut reply: Reply, ask: &Ask<'_>, inbound: Inbound, line: &Line) -> Reply {
    if !line.at_storage_host {
        reply = reply.header(API_VERSION, HeaderValue::from_static("registry/2.0"));
    }
    if ask.site.has(Quirk::NoDigestHeader) {
        reply.headers.remove(CONTENT_DIGEST);
    }
    if !inbound.settle(&ask.head.headers).await {
        line.linger.set(true);
        reply = reply.header(CONNECTION, HeaderValue::from_static("close"));
    }
    reply
}

async fn decide(
    ask: &Ask<'_>,
    inbound: &mut Inbound,
    refuse: Option<Refuse>,
) -> Result<Reply, Ending> {
    if let Some(refuse) = refuse {
        return Err(scripted(refuse).into());
    }
    if ask.operation == Some(Operation::Redirected) {
        return Ok(storage_host::get(ask)?);
    }
    let Some(route) = ask.route else {
        let message = "there is no such endpoint; the registry answers below /v2/";
        return Err(Refusal::missing(ErrorCode::Unsupported, message).into());
    };
    let Some(operation) = ask.operation else {
        let message = format!("this endpoint does not have the method {}", ask.head.method);
        return Err(Refusal::unsupported(message).into());
    };
    let name = match route.name() {
        Some(name) => Some(name.parse::<RepositoryName>().map_err(Refusal::from)?),
        None => None,
    };
    if operation == Operation::Token {
        return token::issue(ask, inbound).await;
    }
    auth::authorize(ask, operation, name.as_ref())?;
    match name {
        Some(name) => in_repository(ask, inbound, route, operation, &name).await,
        None if operation == Operation::Catalog => Ok(discovery::catalog(ask)?),
        None => Ok(Reply::new(StatusCode::OK)
            .header(
                http::header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            )
            .bytes(&b"{}"[..])),
    }
}

async fn in_repository(
    ask: &Ask<'_>,
    inbound: &mut Inbound,
    route: Route<'_>,
    operation: Operation,
    name: &RepositoryName,
) -> Result<Reply, Ending> {
    match (route, operation) {
        (Route::Blob { digest, .. }, Operation::BlobDelete) => {
            Ok(blobs::delete(ask, name, digest)?)
        }
        (Route::Blob { digest, .. }, _) => Ok(blobs::get(ask, name, digest)?),
        (Route::Manifest { reference, .. }, Operation::ManifestPut) => {
            manifests::put(ask, name, reference, inbound).await
        }
        (Route::Manifest { reference, .. }, Operation::ManifestDelete) => {
            Ok(manifests::delete(ask, name, reference)?)
        }
        (Route::Manifest { reference, .. }, _) => Ok(manifests::get(ask, name, reference)?),
        (Route::Uploads { .. }, _) => uploads::open(ask, name, operation, inbound).await,
        (Route::Upload { id, .. }, Operation::UploadPatch) => {
            uploads::patch(ask, name, id, inbound).await
        }
        (Route::Upload { id, .. }, Operation::UploadPut) => {
            uploads::put(ask, name, id, inbound).await
        }
        (Route::Upload { id, .. }, Operation::UploadCancel) => Ok(uploads::cancel(ask, name, id)?),
        (Route::Upload { id, .. }, _) => Ok(uploads::status(ask, name, id)?),
        (Route::Tags { .. }, _) => Ok(discovery::tags(ask, name)?),
        (Route::Referrers { digest, .. }, _) => Ok(discovery::referrers(ask, name, digest)?),
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
