//! A target that is faster than any client: documents from memory, and a sink for uploads.
//!
//! `origin PORT DIR` serves every file below DIR on 127.0.0.1:PORT, and `/v2/` beside them. What has a body is read and
//! thrown away, and answered as a registry answers the steps of an upload. One thread, no checks, HTTP/1.1 with the length
//! of every body told: it is here to be loaded, not to be right.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

const USAGE: &str = "\
usage: origin PORT DIR

Serves every file below DIR on 127.0.0.1:PORT from memory; throws away what is uploaded. It ends when it is killed.";

/// Room for the head of a request, in bytes; a longer one ends its connection.
const HEAD: usize = 4 << 10;
/// How much of an upload is read at once, in bytes.
const SINK: usize = 1 << 20;
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 16 << 10;

/// By the path of a request: its answer, and where the head of that ends.
type Documents = HashMap<String, (Vec<u8>, usize)>;

/// A request that has arrived, but for its body.
struct Asked {
    /// The length of its head, in bytes.
    length: usize,
    /// The length of its body, in bytes.
    body: u64,
    /// Whether its connection is closed after the response.
    close: bool,
    answer: Answer,
}

enum Answer {
    /// A document, or its head.
    Document { path: String, head_only: bool },
    /// Something with nothing in it.
    Empty(&'static str),
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of its own, not a part of the library"
)]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (port, root) = match arguments.as_slice() {
        [help] if help == "--help" || help == "-h" => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        [port, root] => (port.parse(), Path::new(root)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let Ok(port) = port else {
        eprintln!("error: `{}` is not a port\n\n{USAGE}", arguments[0]);
        return ExitCode::from(2);
    };
    match run(port, root) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(port: u16, root: &Path) -> io::Result<()> {
    let mut documents = Documents::new();
    documents.insert("/v2/".to_owned(), document("application/json", b"{}"));
    read(root, "", &mut documents).map_err(|error| named(&error, &root.display().to_string()))?;
    let runtime = Builder::new_current_thread().enable_io().build()?;
    LocalSet::new()
        .block_on(&runtime, serve(port, Rc::new(documents)))
        .map_err(|error| named(&error, &format!("127.0.0.1:{port}")))
}

/// The same error, with what it is about.
fn named(error: &io::Error, what: &str) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

/// Reads every file below a directory.
fn read(directory: &Path, prefix: &str, documents: &mut Documents) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = format!("{prefix}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read(&entry.path(), &name, documents)?;
        } else {
            let body = fs::read(entry.path())?;
            let kind = if name.contains("/manifests/") {
                "application/vnd.oci.image.manifest.v1+json"
            } else {
                "application/octet-stream"
            };
            documents.insert(name, document(kind, &body));
        }
    }
    Ok(())
}

/// An answer with a document in it, and where its head ends.
fn document(kind: &str, body: &[u8]) -> (Vec<u8>, usize) {
    let length = body.len();
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
    ([head.as_bytes(), body].concat(), head.len())
}

async fn serve(port: u16, documents: Rc<Documents>) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(([127, 0, 0, 1], port).into())?;
    let listener: TcpListener = socket.listen(BACKLOG)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let documents = Rc::clone(&documents);
        // A client that breaks off is no business of ours.
        tokio::task::spawn_local(async move { drop(connection(stream, &documents).await) });
    }
}

/// Answers the requests of one connection, one after the other, until the client ends it or asks for its end.
async fn connection(mut stream: TcpStream, documents: &Documents) -> io::Result<()> {
    let mut buffer = vec![0; HEAD];
    let mut filled = 0;
    let mut sink = Vec::new();
    loop {
        let asked = loop {
            if let Some(asked) = parse(&buffer[..filled]) {
                break asked;
            }
            // Nothing can be read into a full buffer either: the end, too.
            let count = stream.read(&mut buffer[filled..]).await?;
            if count == 0 {
                return Ok(());
            }
            filled += count;
        };
        let here = (filled - asked.length) as u64;
        if asked.body > here {
            sink.resize(SINK, 0);
            drain(&mut stream, asked.body - here, &mut sink).await?;
            filled = 0;
        } else {
            let used = asked.length + usize::try_from(asked.body).unwrap_or(0);
            buffer.copy_within(used..filled, 0);
            filled -= used;
        }
        stream.write_all(answer(&asked.answer, documents)).await?;
        if asked.close {
            return Ok(());
        }
    }
}

/// Reads so many bytes and forgets them.
async fn drain(stream: &mut TcpStream, mut left: u64, sink: &mut [u8]) -> io::Result<()> {
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(SINK).min(sink.len());
        let count = stream.read(&mut sink[..most]).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left -= count as u64;
    }
    Ok(())
}

fn answer<'a>(answer: &Answer, documents: &'a Documents) -> &'a [u8] {
    match answer {
        Answer::Empty(answer) => answer.as_bytes(),
        Answer::Document { path, head_only } => match documents.get(path) {
            Some((answer, head)) if *head_only => &answer[..*head],
            Some((answer, _)) => answer,
            None => NOT_FOUND.as_bytes(),
        },
    }
}

const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
const CREATED: &str = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nLocation: /v2/bench/blobs/uploads/1\r\n\
    Range: 0-0\r\nContent-Length: 0\r\n\r\n";

/// The request at the beginning of `bytes`, if its head is complete.
fn parse(bytes: &[u8]) -> Option<Asked> {
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, path) = (words.next()?, words.next()?);
    let (mut body, mut close) = (0, false);
    for line in lines {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") {
            body = value.trim().parse().ok()?;
        } else if name.eq_ignore_ascii_case("connection") {
            close = value.trim().eq_ignore_ascii_case("close");
        }
    }
    let answer = match method {
        "GET" | "HEAD" => Answer::Document {
            path: path.to_owned(),
            head_only: method == "HEAD",
        },
        "PATCH" => Answer::Empty(ACCEPTED),
        "POST" if path.ends_with("/uploads/") => Answer::Empty(ACCEPTED),
        _ => Answer::Empty(CREATED),
    };
    Some(Asked {
        length: end + 4,
        body,
        close,
        answer,
    })
}
