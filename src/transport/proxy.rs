//! What an HTTP proxy is sent: a request for a tunnel, and credentials.

use std::io;

use http::{HeaderValue, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::error::{Error, Waiting};
use super::origin::{Origin, OriginError};
use super::proxy_problem::ProxyProblem;
use crate::units::{Proxy, Secret};

/// The most bytes of the response to CONNECT.
const MAX_HEAD: usize = 16 << 10;

/// How a request is forwarded: with its whole URL, and these credentials for the proxy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Forwarded<'a> {
    pub(super) authorization: Option<&'a HeaderValue>,
}

/// The value of `Proxy-Authorization`.
pub(super) fn authorization(proxy: &Proxy) -> Option<HeaderValue> {
    let value = HeaderValue::try_from(proxy.authorization().map(Secret::expose)?);
    let mut value = value.ok()?; // base64 is always a value
    value.set_sensitive(true);
    Some(value)
}

fn failed(proxy: &Proxy, problem: ProxyProblem) -> Error {
    Error::Proxy {
        address: proxy.endpoint.to_string(),
        problem,
    }
}

/// Tells an error of the connection to a proxy from one of the connection to the target.
pub(super) fn unreachable(proxy: &Proxy, error: Error) -> Error {
    match error {
        Error::Dns { source, .. } => failed(proxy, ProxyProblem::Unresolved(source)),
        Error::Connect { source, .. } => failed(proxy, ProxyProblem::Unreachable(source)),
        Error::Timeout(_) => Error::Timeout(Waiting::Proxy),
        other => other,
    }
}

/// The error of a proxy that responds with that status.
pub(super) fn refused(proxy: &Proxy, status: StatusCode) -> Error {
    let has_user = proxy.authorization().is_some();
    failed(proxy, ProxyProblem::Refused { status, has_user })
}

/// Asks for a tunnel to the origin, and reads nothing beyond the response.
///
/// # Spec
/// RFC 9110, 9.3.6.
pub(super) async fn tunnel(
    stream: &mut TcpStream,
    proxy: &Proxy,
    origin: &Origin,
    authorization: Option<&HeaderValue>,
) -> Result<(), Error> {
    let to = origin.endpoint();
    let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n").into_bytes();
    if let Some(authorization) = authorization {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(authorization.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    let closed = |source| failed(proxy, ProxyProblem::Closed(Some(source)));
    // A proxy may have refused before it reads: its response tells more than the failed write.
    let written = stream.write_all(&request).await;
    loop {
        let head = head(stream).await.map_err(closed)?;
        let status = match head {
            Head::Closed => {
                let source = written.err();
                return Err(failed(proxy, ProxyProblem::Closed(source)));
            }
            Head::Long => None,
            Head::Whole(head) => status(&head),
        };
        match status {
            None => return Err(failed(proxy, ProxyProblem::NotHttp)),
            Some(status) if status.is_informational() => {}
            Some(status) if status.is_success() => return Ok(()),
            Some(status) => return Err(refused(proxy, status)),
        }
    }
}

/// The head of a response.
enum Head {
    Whole(Vec<u8>),
    Long,
    Closed,
}

/// Reads until the empty line and no further: what comes next is the target's.
async fn head(stream: &mut TcpStream) -> io::Result<Head> {
    const END: &[u8] = b"\r\n\r\n";
    let mut head = Vec::new();
    let mut ahead = [0; 1024];
    while head.len() < MAX_HEAD {
        let seen = stream.peek(&mut ahead).await?;
        if seen == 0 {
            return Ok(Head::Closed);
        }
        let from = head.len().saturating_sub(END.len() - 1);
        let before = head.len();
        head.extend_from_slice(&ahead[..seen]);
        let found = head[from..].windows(END.len()).position(|it| it == END);
        let end = found.map_or(head.len(), |at| from + at + END.len());
        stream.read_exact(&mut ahead[..end - before]).await?;
        head.truncate(end);
        if found.is_some() {
            return Ok(Head::Whole(head));
        }
    }
    Ok(Head::Long)
}

/// The status of a response of HTTP/1.
fn status(head: &[u8]) -> Option<StatusCode> {
    let rest = head.strip_prefix(b"HTTP/1.")?;
    let digits = match rest {
        [b'0' | b'1', b' ', digits @ ..] => digits.get(..3)?,
        _ => return None,
    };
    matches!(rest.get(5), Some(b' ' | b'\r'))
        .then(|| StatusCode::from_bytes(digits).ok())
        .flatten()
}

/// Checks that a request to the origin can be forwarded.
pub(super) fn check(origin: &Origin) -> Result<(), Error> {
    match origin.authority() {
        Some(_) => Ok(()),
        None => Err(Error::Origin(OriginError::NoHost)),
    }
}
