//! Connections that a client opens and leaves: without a request, or within the head of one.

use std::rc::Rc;

use futures_util::FutureExt as _;
use http::HeaderValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use super::address::Address;
use super::error::Error;
use super::pool::Pool;
use super::wire::Wire;
use crate::exchange::Timings;

/// What begins HTTP/2, empty settings, and a frame of headers (`GET`, and the scheme) that others have to follow.
///
/// # Spec
/// RFC 9113, 3.4, 4.1 and 6.2; RFC 7541, appendix A.
const HTTP2_HEAD: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
    \x00\x00\x00\x04\x00\x00\x00\x00\x00\
    \x00\x00\x02\x01\x01\x00\x00\x00\x01\x82";
const HTTP: u8 = 0x86;
const HTTPS: u8 = 0x87;

/// A connection that its client neither uses nor closes before it is dropped.
#[derive(Debug)]
pub struct LeftConnection {
    wire: Wire,
}

impl Pool {
    /// Opens a connection, as one of the pool but beside it and its limit, and leaves it: nothing is sent over it, or, with a
    /// user agent, the beginning of the head of a `GET`. `deadline`: when it has to be open, within TLS for https.
    ///
    /// # Errors
    /// As those of a connection of the pool.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn open_and_leave(
        self: Rc<Self>,
        address: &Address,
        user_agent: Option<&HeaderValue>,
        deadline: Instant,
    ) -> Result<LeftConnection, Error> {
        let mut timings = Timings::default();
        let reached = self.reach(address.origin(), deadline, &mut timings).await?;
        let mut wire = reached.wire;
        if let Some(user_agent) = user_agent {
            let begun = if reached.is_http2 {
                http2_head(address)
            } else {
                let is_forwarded = self.forwarded(address.origin()).is_some();
                http1_head(address, is_forwarded, user_agent)
            };
            let writing = async {
                wire.write_all(&begun).await?;
                wire.flush().await
            };
            // A new connection takes it at once. If not, its peer is gone, and the next read says so.
            let _ = writing.now_or_never();
        }
        Ok(LeftConnection { wire })
    }
}

impl LeftConnection {
    /// Waits until the peer closes the connection, or it breaks. What it sends before that is discarded.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn closed(&mut self) {
        let mut discarded = [0; 512];
        while let Ok(1..) = self.wire.read(&mut discarded).await {}
    }
}

/// A request line and some headers, without the line that ends them.
///
/// # Spec
/// RFC 9112, 2.1 and 3.2.
fn http1_head(address: &Address, is_forwarded: bool, user_agent: &HeaderValue) -> Vec<u8> {
    let target = if is_forwarded {
        address.url().to_string()
    } else {
        address.target().to_string()
    };
    let mut head = format!("GET {target} HTTP/1.1\r\nHost: ").into_bytes();
    head.extend_from_slice(address.origin().host_header().as_bytes());
    head.extend_from_slice(b"\r\nUser-Agent: ");
    head.extend_from_slice(user_agent.as_bytes());
    head.extend_from_slice(b"\r\nAccept: ");
    head
}

fn http2_head(address: &Address) -> Vec<u8> {
    let scheme = if address.origin().is_secure() {
        HTTPS
    } else {
        HTTP
    };
    [HTTP2_HEAD, &[scheme]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::of(&text.parse().unwrap()).unwrap()
    }

    #[test]
    fn a_head_begins_and_does_not_end() {
        let address = address("http://registry.test:5000/deep/v2/");
        let agent = HeaderValue::from_static("agent/1");
        let own = String::from_utf8(http1_head(&address, false, &agent)).unwrap();
        assert_eq!(
            own,
            "GET /deep/v2/ HTTP/1.1\r\nHost: registry.test:5000\r\nUser-Agent: agent/1\r\nAccept: "
        );
        let forwarded = String::from_utf8(http1_head(&address, true, &agent)).unwrap();
        assert!(
            forwarded.starts_with("GET http://registry.test:5000/deep/v2/ HTTP/1.1\r\n"),
            "{forwarded}"
        );
    }

    #[test]
    fn frames_of_http2_are_whole_and_their_headers_are_not() {
        let head = http2_head(&address("https://registry.test/v2/"));
        let frames = head
            .strip_prefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .unwrap();
        // Length, type 4 (SETTINGS), no flags, stream 0.
        assert_eq!(frames[..9], [0, 0, 0, 4, 0, 0, 0, 0, 0]);
        // Two bytes, type 1 (HEADERS), END_STREAM (1) and not END_HEADERS (4), stream 1.
        assert_eq!(frames[9..18], [0, 0, 2, 1, 1, 0, 0, 0, 1]);
        // :method GET and :scheme https, by their places in the static table.
        assert_eq!(frames[18..], [0x80 | 2, 0x80 | 7]);
    }
}
