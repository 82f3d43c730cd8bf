//! A peer that reads requests off a plain socket and answers with given bytes.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The connection it came on, from 0.
    pub(crate) connection: usize,
    pub(crate) method: String,
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The only line of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(it, _)| it == name);
        let first = found.next()?;
        assert!(found.next().is_none(), "{name} stands there twice");
        Some(&first.1)
    }

    pub(crate) fn asks(&self, method: &str, target: &str) -> bool {
        self.method == method && self.target == target
    }
}

/// A socket, or TLS over one.
trait Pipe: Read + Write + Send {
    /// The socket.
    fn socket(&self) -> &TcpStream;
}

impl Pipe for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Pipe for StreamOwned<ServerConnection, TcpStream> {
    fn socket(&self) -> &TcpStream {
        &self.sock
    }
}

/// One connection, from the peer's side.
pub(crate) struct Line {
    pub(crate) number: usize,
    stream: BufReader<Box<dyn Pipe>>,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Line {
    /// Reads the head of a request; `None` when the client has left.
    pub(crate) fn head(&mut self) -> Option<Request> {
        let mut line = || {
            let mut text = String::new();
            (self.stream.read_line(&mut text).ok()? > 0).then(|| text.trim_end().to_owned())
        };
        let first = line()?;
        let mut words = first.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = Vec::new();
        loop {
            let text = line()?;
            let Some((name, value)) = text.split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let request = Request {
            connection: self.number,
            method,
            target,
            headers,
            body: Vec::new(),
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(request.clone());
        Some(request)
    }

    /// Reads a request and its body.
    pub(crate) fn request(&mut self) -> Option<Request> {
        let mut request = self.head()?;
        let mut body = Vec::new();
        if request.header("transfer-encoding") == Some("chunked") {
            loop {
                let mut size = String::new();
                self.stream.read_line(&mut size).ok()?;
                let size = u64::from_str_radix(size.trim(), 16).ok()?;
                (&mut self.stream).take(size).read_to_end(&mut body).ok()?;
                self.stream.read_line(&mut String::new()).ok()?;
                if size == 0 {
                    break;
                }
            }
        } else if let Some(length) = request.header("content-length") {
            let length = length.parse().ok()?;
            (&mut self.stream)
                .take(length)
                .read_to_end(&mut body)
                .ok()?;
        }
        request.body = body;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let place = seen
            .iter()
            .rposition(|it| it.connection == self.number)
            .expect("its head was seen");
        seen[place].body.clone_from(&request.body);
        Some(request)
    }

    /// Sends bytes. A client that has left is no failure of the peer.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let stream = self.stream.get_mut();
        let _ = stream
            .write_all(bytes.as_ref())
            .and_then(|()| stream.flush());
    }

    /// Reads and forgets at most so many bytes; says how many.
    pub(crate) fn swallow(&mut self, most: usize) -> usize {
        let mut waste = vec![0; 64 * 1024];
        let most = most.min(waste.len());
        let read = self.stream.read(&mut waste[..most]);
        // An end here would otherwise be read for ever.
        read.ok().filter(|read| *read > 0).unwrap_or(most)
    }

    /// Closes the connection before the script is done.
    pub(crate) fn close(&self) {
        let _ = self.stream.get_ref().socket().shutdown(Shutdown::Both);
    }

    /// Waits until the client has left.
    pub(crate) fn wait(&mut self) {
        let _ = self.stream.read_to_end(&mut Vec::new());
    }

    /// Does nothing for so long.
    pub(crate) fn pause(length: Duration) {
        let (_sender, receiver) = mpsc::channel::<()>();
        let mut left = length;
        // The sender is never used: this always times out.
        while receiver.recv_timeout(left) == Err(mpsc::RecvTimeoutError::Timeout) && !left.is_zero()
        {
            left = Duration::ZERO;
        }
    }
}

/// A listening peer. Dropped, it stops listening.
pub(crate) struct Wire {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    ca: Option<String>, // in PEM, where it speaks TLS
}

/// A certificate for this machine that is its own CA, in PEM, and what a server needs to show it.
fn certified() -> (String, Arc<ServerConfig>) {
    let hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(hosts).expect("a certificate can be made");
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider speaks TLS")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("the certificate fits its key");
    (made.cert.pem(), Arc::new(server))
}

impl Wire {
    /// Speaks with each connection as the script says, then closes it.
    pub(crate) fn start(script: impl Fn(&mut Line) + Send + Sync + 'static) -> Self {
        Self::over(None, script)
    }

    fn over(
        tls: Option<(String, Arc<ServerConfig>)>,
        script: impl Fn(&mut Line) + Send + Sync + 'static,
    ) -> Self {
        let (ca, tls) = tls.unzip();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it listens");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (script, all, stopped) = (Arc::new(script), Arc::clone(&seen), Arc::clone(&stop));
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let stream: Box<dyn Pipe> = match &tls {
                    None => Box::new(stream),
                    Some(server) => {
                        let tls = ServerConnection::new(Arc::clone(server));
                        Box::new(StreamOwned::new(tls.expect("a connection"), stream))
                    }
                };
                let mut line = Line {
                    number,
                    stream: BufReader::new(stream),
                    seen: Arc::clone(&all),
                };
                let script = Arc::clone(&script);
                std::thread::spawn(move || script(&mut line));
            }
        });
        Self {
            address,
            seen,
            stop,
            ca,
        }
    }

    /// Answers every request, with its place among all of them, and keeps the connection.
    pub(crate) fn answering(
        answer: impl Fn(&Request, usize) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self::over(None, Self::script(answer))
    }

    /// The same within TLS.
    pub(crate) fn secure(
        answer: impl Fn(&Request, usize) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self::over(Some(certified()), Self::script(answer))
    }

    fn script(
        answer: impl Fn(&Request, usize) -> Vec<u8> + Send + Sync + 'static,
    ) -> impl Fn(&mut Line) + Send + Sync + 'static {
        move |line| {
            while let Some(request) = line.request() {
                let place = line
                    .seen
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .len()
                    - 1;
                line.send(answer(&request, place));
            }
        }
    }

    /// Whom to trust, in PEM, where it speaks TLS.
    pub(crate) fn ca(&self) -> Option<&str> {
        self.ca.as_deref()
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.ca.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The requests so far, in the order they came.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

/// An answer with a body and its length.
pub(crate) fn answer(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut bytes = format!("HTTP/1.1 {status}\r\n").into_bytes();
    for header in headers {
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(body);
    bytes
}
