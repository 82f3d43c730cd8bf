//! A recorder in front of a target, and its trace.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use regstorm::trace::{Reader, Reference};

/// Long enough for any machine; a test that reaches it has hung.
const LIMIT: Duration = Duration::from_mins(5);

/// A recorder that runs.
pub(super) struct Recording {
    child: Child,
    place: tempfile::TempDir,
    pub(super) url: String,
}

/// What it said, and its trace.
pub(super) struct Recorded {
    pub(super) code: i32,
    pub(super) said: String,
    pub(super) rows: Vec<Row>,
    /// The bytes of the trace.
    pub(super) bytes: Vec<u8>,
}

/// A request of a trace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) operation: String,
    pub(super) status: u16, // 0: none
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) session: u64,
    /// The names that the trace keeps: of the repository, and of the tag or digest.
    pub(super) repository: String,
    pub(super) reference: String,
}

impl Recording {
    /// In front of a target, with names kept.
    pub(super) fn start(target: &str, options: &[&str]) -> Self {
        Self::with(target, &[&["--keep-names"], options].concat())
    }

    /// In front of a target.
    pub(super) fn with(target: &str, options: &[&str]) -> Self {
        let command = Command::new(env!("CARGO_BIN_EXE_regstorm"));
        Self::by(command, target, options)
    }

    /// Started by a command, to which the arguments of regstorm are added.
    pub(super) fn by(mut command: Command, target: &str, options: &[&str]) -> Self {
        let place = tempfile::tempdir().unwrap();
        let mut child = command
            .args(["record", "--target", target, "--listen", "127.0.0.1:0"])
            .args(["--out", "x.trace"])
            .args(options)
            .current_dir(place.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(place.path().join("said")).unwrap())
            .spawn()
            .unwrap();
        let out = child.stdout.as_mut().unwrap();
        let mut url = String::new();
        // One byte at a time: what comes later is read by who waits for the end.
        let mut reader = BufReader::with_capacity(1, out);
        reader.read_line(&mut url).unwrap();
        assert!(url.starts_with("http"), "{url}");
        let url = url.trim().to_owned();
        Self { child, place, url }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// `127.0.0.1:PORT`.
    pub(super) fn host(&self) -> &str {
        self.url.split('/').nth(2).unwrap()
    }

    /// A connection of a client.
    pub(super) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.host()).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream
    }

    /// Sends some bytes over a connection of their own, and returns all that comes back.
    pub(super) fn send(&self, bytes: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes.as_bytes()).unwrap();
        all(&stream)
    }

    pub(super) fn interrupt(&self) {
        let id = i32::try_from(self.child.id()).unwrap();
        kill(Pid::from_raw(id), Signal::SIGINT).unwrap();
    }

    /// Ends it by Ctrl-C.
    pub(super) fn end(self) -> Recorded {
        self.interrupt();
        self.ended()
    }

    /// Waits for its end.
    pub(super) fn ended(mut self) -> Recorded {
        let mut said = String::new();
        self.child
            .stdout
            .as_mut()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        let status = self.child.wait().unwrap();
        said.push_str(&fs::read_to_string(self.path("said")).unwrap());
        let path = self.path("x.trace");
        Recorded {
            code: status.code().unwrap_or(-1),
            said,
            rows: if path.exists() {
                rows(&path)
            } else {
                Vec::new()
            },
            bytes: fs::read(&path).unwrap_or_default(),
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // Of a test that has failed. One that was waited for has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Recorded {
    /// It ended well, and says all of this.
    #[track_caller]
    pub(super) fn says(self, words: &[&str]) -> Self {
        assert_eq!(self.code, 0, "{}", self.said);
        for word in words {
            assert!(self.said.contains(word), "no `{word}` in {}", self.said);
        }
        self
    }

    /// Its rows as `operation status sent received`.
    pub(super) fn lines(&self) -> Vec<String> {
        let line = |it: &Row| format!("{} {} {} {}", it.operation, it.status, it.sent, it.received);
        self.rows.iter().map(line).collect()
    }
}

fn rows(path: &std::path::Path) -> Vec<Row> {
    let mut reader = Reader::open(path).unwrap();
    let mut rows = Vec::new();
    while let Some(request) = reader.next() {
        let request = request.unwrap();
        let names = reader.names();
        let name = |it: Option<_>| {
            let name = it.and_then(|it| names.get(it));
            name.unwrap_or_default().to_owned()
        };
        assert!(request.duration.is_some() && !request.added);
        rows.push(Row {
            operation: request
                .operation
                .map_or_else(|| "none".to_owned(), |it| it.to_string()),
            status: request.status.map_or(0, std::num::NonZero::get),
            sent: request.sent.unwrap(),
            received: request.received.unwrap(),
            session: request.session,
            repository: name(request.repository),
            reference: name(request.reference.map(Reference::pseudonym)),
        });
    }
    assert_eq!(reader.summary().requests, rows.len() as u64);
    rows
}

/// All that comes until the peer ends.
pub(super) fn all(mut stream: &TcpStream) -> String {
    let mut all = Vec::new();
    // A reset comes after all that could be read.
    let _ = stream.read_to_end(&mut all);
    String::from_utf8_lossy(&all).into_owned()
}

/// Reads a head, to its empty line.
pub(super) fn head(mut stream: &TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|it| it == 1) {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// A target that does with each connection what a test wants.
pub(super) struct Peer {
    pub(super) url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    /// Reads one head of each connection, and hands it over.
    pub(super) fn start(serve: impl Fn(&TcpStream, &str) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (serve, noted) = (Arc::new(serve), Arc::clone(&heads));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                stream.set_read_timeout(Some(LIMIT)).unwrap();
                let (serve, noted) = (Arc::clone(&serve), Arc::clone(&noted));
                std::thread::spawn(move || {
                    let head = head(&stream);
                    let mut heads = noted.lock().unwrap_or_else(PoisonError::into_inner);
                    heads.push(head.clone());
                    drop(heads);
                    serve(&stream, &head);
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        });
        Self { url, heads }
    }

    /// Sends the same to everyone.
    pub(super) fn saying(response: impl Into<String>) -> Self {
        let response = response.into();
        Self::start(move |mut stream, _| stream.write_all(response.as_bytes()).unwrap())
    }

    /// `127.0.0.1:PORT`.
    pub(super) fn host(&self) -> &str {
        self.url.split('/').nth(2).unwrap()
    }

    /// The heads that came.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
