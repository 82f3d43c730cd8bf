//! A client of a hundred lines: it sends what it is told and reads what comes, and hides nothing.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use regstorm::embedded::{Registry, Running, Settings};
use regstorm::oci::Digest;
use tokio::time::Instant;

/// A registry with settings of its own that records its requests.
pub(super) fn registry(change: impl FnOnce(&mut Settings)) -> Running {
    let mut settings = Settings {
        record_requests: Some(1000),
        ..Settings::default()
    };
    change(&mut settings);
    Registry::start(settings).unwrap()
}

/// An answer, whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(it, _)| it == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn need(&self, name: &str) -> &str {
        self.header(name)
            .unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The first error's code.
    pub(super) fn code(&self) -> String {
        self.json()["errors"][0]["code"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The path and query of a header that holds a URL, on this host.
    pub(super) fn location(&self) -> String {
        let url = self.need("location");
        match url.strip_prefix("http://") {
            Some(rest) => rest[rest.find('/').unwrap()..].to_owned(),
            None => url.to_owned(),
        }
    }
}

/// A connection.
pub(super) struct Client {
    pub(super) stream: TcpStream,
    host: SocketAddr,
    buffer: Vec<u8>,
}

impl Client {
    pub(super) fn to(registry: &Running) -> Self {
        Self::at(registry.addr())
    }

    pub(super) fn at(host: SocketAddr) -> Self {
        let stream = TcpStream::connect(host).unwrap();
        // A registry that hangs must fail the test, not stop it.
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            host,
            buffer: Vec::new(),
        }
    }

    pub(super) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    /// Sends a request with `Content-Length` and reads the answer.
    pub(super) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut head = self.head(method, path, headers);
        if !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
            head = format!("{head}Content-Length: {}\r\n", body.len());
        }
        head.push_str("\r\n");
        self.write(head.as_bytes());
        self.write(body);
        self.answer(method)
    }

    /// Sends a request whose body comes in chunks.
    pub(super) fn chunked(&mut self, method: &str, path: &str, parts: &[&[u8]]) -> Answer {
        let head = self.head(method, path, &[("Transfer-Encoding", "chunked")]) + "\r\n";
        self.write(head.as_bytes());
        for part in parts {
            self.write(format!("{:x}\r\n", part.len()).as_bytes());
            self.write(part);
            self.write(b"\r\n");
        }
        self.write(b"0\r\n\r\n");
        self.answer(method)
    }

    pub(super) fn head(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for (name, value) in headers {
            head = format!("{head}{name}: {value}\r\n");
        }
        head
    }

    /// A registry may answer and close before it has read everything; the answer is what counts.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    pub(super) fn answer(&mut self, method: &str) -> Answer {
        self.try_answer(method).unwrap()
    }

    /// Reads an answer; fails as the socket does, or when it ends too early.
    pub(super) fn try_answer(&mut self, method: &str) -> std::io::Result<Answer> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|it| it == b"\r\n\r\n") {
                break at;
            }
            self.fill()?;
        };
        let head = String::from_utf8(self.buffer.drain(..end + 4).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status: u16 = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        if status == 100 {
            return self.try_answer(method);
        }
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Answer {
            status,
            headers,
            body: Vec::new(),
        };
        if method != "HEAD" && status != 204 && status != 304 {
            let length: usize = answer.need("content-length").parse().unwrap();
            while self.buffer.len() < length {
                self.fill()?;
            }
            answer.body = self.buffer.drain(..length).collect();
        }
        Ok(answer)
    }

    /// Everything that still comes, and how it ends.
    pub(super) fn rest(&mut self) -> (Vec<u8>, std::io::Result<()>) {
        loop {
            if let Err(error) = self.fill() {
                let end = match error.kind() {
                    std::io::ErrorKind::UnexpectedEof => Ok(()),
                    _ => Err(error),
                };
                return (std::mem::take(&mut self.buffer), end);
            }
        }
    }

    /// What has come, after which nothing comes for a while.
    pub(super) fn hear_nothing_more(&mut self) -> Vec<u8> {
        self.stream
            .set_read_timeout(Some(Duration::from_millis(300)))
            .unwrap();
        let (all, end) = self.rest();
        assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        all
    }

    fn fill(&mut self) -> std::io::Result<()> {
        let mut chunk = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => {
                    self.buffer.extend_from_slice(&chunk[..length]);
                    return Ok(());
                }
                // A read with a time limit is not restarted by the system, after a pause of the machine say.
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Opens an upload session and returns where it goes on.
    pub(super) fn start_upload(&mut self, name: &str) -> String {
        let started = self.send("POST", &format!("/v2/{name}/blobs/uploads/"), &[], b"");
        assert_eq!(started.status, 202, "{started:?}");
        started.location()
    }

    /// Pushes a blob in one request.
    pub(super) fn push_blob(&mut self, name: &str, content: &[u8]) -> Digest {
        let digest = Digest::sha256(content);
        let path = format!("/v2/{name}/blobs/uploads/?digest={digest}");
        let pushed = self.send("POST", &path, &[], content);
        assert_eq!(pushed.status, 201, "{pushed:?}");
        digest
    }

    /// Pushes a manifest with a config of `{}` and no layers, and returns its digest and bytes.
    pub(super) fn push_image(&mut self, name: &str, tag: &str, extra: &str) -> (Digest, Vec<u8>) {
        let config = self.push_blob(name, b"{}");
        let raw = image(&config, extra);
        let path = format!("/v2/{name}/manifests/{tag}");
        let pushed = self.send("PUT", &path, &[("Content-Type", OCI_MANIFEST)], &raw);
        assert_eq!(pushed.status, 201, "{pushed:?}");
        (Digest::sha256(&raw), raw)
    }
}

pub(super) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The bytes of a manifest without layers; `extra` is put in as it is, with its comma in front.
pub(super) fn image(config: &Digest, extra: &str) -> Vec<u8> {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{config}","size":2}},"layers":[]{extra}}}"#
    )
    .into_bytes()
}

/// Bytes that differ everywhere, so that a shifted range shows.
pub(super) fn bytes(length: usize) -> Vec<u8> {
    (0_u32..)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .take(length)
        .collect()
}

/// Waits until something becomes true. The registry answers each question, so this does not spin idly.
pub(super) fn until(mut holds: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_mins(5);
    while !holds() {
        assert!(
            Instant::now() < patience,
            "what was waited for did not come"
        );
        std::thread::yield_now();
    }
}
