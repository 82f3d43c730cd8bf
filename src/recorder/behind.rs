//! The connection to the target behind the connection of a client.

use std::cell::RefCell;
use std::rc::Rc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::rt::Executor;
use hyper_util::rt::TokioIo;

use super::body::Going;
use crate::exchange::HttpVersion;
use crate::transport::{BareConnection, BareDialer, Error};

/// Bytes of a head at most, and of what is read at once.
pub(super) const MAX_HEAD: usize = 128 << 10;
/// Fields of a head at most.
pub(super) const MAX_FIELDS: usize = 1000;

/// The connection to the target behind the connection of a client. It is opened when it is first needed, and anew when the
/// target has closed it.
pub(super) struct Behind {
    dialer: Rc<BareDialer>,
    is_http2: bool,
    http1: RefCell<Option<http1::SendRequest<Going>>>,
    http2: tokio::sync::Mutex<Option<http2::SendRequest<Going>>>, // one stream dials for all
}

/// Why there is no response.
pub(super) enum NoResponse {
    /// No connection.
    Unreached(Error),
    /// The connection broke, or what came over it is not HTTP.
    Broken(hyper::Error),
}

/// Runs what hyper starts on the recorder's one thread.
#[derive(Clone)]
pub(super) struct Tasks;

impl<F: Future + 'static> Executor<F> for Tasks {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(async move { drop(task.await) });
    }
}

enum Sender {
    Http1(http1::SendRequest<Going>),
    Http2(http2::SendRequest<Going>),
}

impl Behind {
    /// Behind a client that speaks HTTP/1.1.
    pub(super) fn http1(dialer: Rc<BareDialer>) -> Self {
        Self {
            dialer,
            is_http2: false,
            http1: RefCell::default(),
            http2: tokio::sync::Mutex::default(),
        }
    }

    /// Behind a client that speaks HTTP/2, with the connection in which the target has chosen it.
    ///
    /// # Errors
    /// If the connection is lost already.
    pub(super) async fn http2(
        dialer: Rc<BareDialer>,
        connection: BareConnection,
    ) -> Result<Self, hyper::Error> {
        let sender = open_http2(connection).await?;
        Ok(Self {
            is_http2: true,
            http2: tokio::sync::Mutex::new(Some(sender)),
            ..Self::http1(dialer)
        })
    }

    pub(super) const fn is_http2(&self) -> bool {
        self.is_http2
    }

    /// Sends a request and waits for the head of its response. A kept connection that the target had closed before a byte
    /// of the request was written is replaced; nothing else is sent twice.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection, or the stream of one.
    pub(super) async fn send(
        &self,
        mut request: Request<Going>,
    ) -> Result<Response<Incoming>, NoResponse> {
        loop {
            let (sender, was_kept) = self.sender().await?;
            let sent = match sender {
                Sender::Http1(mut sender) => {
                    let sent = sender.try_send_request(request).await;
                    if sent.is_ok() {
                        self.http1.replace(Some(sender));
                    }
                    sent
                }
                Sender::Http2(mut sender) => sender.try_send_request(request).await,
            };
            let mut returned = match sent {
                Ok(response) => return Ok(response),
                Err(returned) => returned,
            };
            match returned.take_message() {
                Some(unsent) if was_kept => {
                    self.http2.lock().await.take();
                    request = unsent;
                }
                _ => return Err(NoResponse::Broken(returned.into_error())),
            }
        }
    }

    /// A connection that takes a request, and whether it has taken others.
    async fn sender(&self) -> Result<(Sender, bool), NoResponse> {
        if self.is_http2 {
            let mut held = self.http2.lock().await;
            if let Some(sender) = held.as_mut()
                && sender.ready().await.is_ok()
            {
                return Ok((Sender::Http2(sender.clone()), true));
            }
            let opened = self.dialer.open(HttpVersion::Http2).await;
            let opened = open_http2(opened.map_err(NoResponse::Unreached)?).await;
            let sender = opened.map_err(NoResponse::Broken)?;
            *held = Some(sender.clone());
            return Ok((Sender::Http2(sender), false));
        }
        let kept = self.http1.borrow_mut().take();
        if let Some(mut sender) = kept
            && sender.ready().await.is_ok()
        {
            return Ok((Sender::Http1(sender), true));
        }
        let opened = self.dialer.open(HttpVersion::Http1).await;
        let opened = open_http1(opened.map_err(NoResponse::Unreached)?).await;
        Ok((Sender::Http1(opened.map_err(NoResponse::Broken)?), false))
    }
}

async fn open_http1(connection: BareConnection) -> Result<http1::SendRequest<Going>, hyper::Error> {
    let (sender, driver) = http1::Builder::new()
        .preserve_header_case(true)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_FIELDS)
        .handshake(TokioIo::new(connection))
        .await?;
    // Its error reaches the request.
    tokio::task::spawn_local(async move { drop(driver.await) });
    Ok(sender)
}

async fn open_http2(connection: BareConnection) -> Result<http2::SendRequest<Going>, hyper::Error> {
    let (sender, driver) = http2::Builder::new(Tasks)
        .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
        .handshake(TokioIo::new(connection))
        .await?;
    tokio::task::spawn_local(async move { drop(driver.await) });
    Ok(sender)
}
