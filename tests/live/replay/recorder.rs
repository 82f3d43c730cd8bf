//! A recording reverse proxy: stands between a client and a registry and writes down each request.
//!
//! Passes on what it gets as it gets it: header lines in their order, chunks as chunks, the name of the host, so that
//! the registry's addresses lead back here. A client's connection has one of its own behind it.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::trace::{self, Record, Values};

use crate::support::wait_for;
use crate::support::wire::{self, Framing, Head, Piece};

/// The headers that tell clients apart.
const REQUEST: [&str; 14] = [
    "Accept",
    "Accept-Encoding",
    "Authorization",
    "Content-Type",
    "Content-Length",
    "Transfer-Encoding",
    "Content-Range",
    "Range",
    "User-Agent",
    "Expect",
    "Connection",
    "Docker-Distribution-Api-Version",
    "If-None-Match",
    "Referer",
];
/// The headers that tell which blob a request is about, and how large it is.
const ANSWER: [&str; 4] = [
    "Content-Length",
    "Docker-Content-Digest",
    "Docker-Upload-Uuid",
    "Location",
];

/// Bodies up to this length are read before anything of them is passed on.
const SHORT: u64 = 16 << 10;

/// What the proxy does besides passing on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Habits {
    /// Answers every GET of a blob by a 307 to this address, as registries with a storage behind them do.
    pub(crate) redirect: Option<String>,
    /// Is such a storage: whoever has the address may read, so the registry behind it gets this `Authorization`.
    pub(crate) grant: Option<String>,
}

/// A running proxy. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Recorder {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// `127.0.0.1:PORT` of the registry.
    upstream: String,
    habits: Habits,
    stopped: AtomicBool,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    records: Vec<Record>,
    connections: u64,
    /// Begun and not yet answered whole.
    inflight: usize,
    ended: u64,
    /// Answers of which something is still to be written.
    writing: usize,
}

impl Recorder {
    /// In front of a registry, `127.0.0.1:PORT`.
    pub(crate) fn start(registry: &str, habits: Habits) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
        let port = listener.local_addr().expect("its address").port();
        let shared = Arc::new(Shared {
            upstream: registry.to_owned(),
            habits,
            stopped: AtomicBool::new(false),
            log: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                if accepting.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&accepting);
                thread::spawn(move || shared.serve(&client));
            }
        });
        Self { port, shared }
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.host())
    }

    /// What was recorded since the last call, once nothing is under way any more.
    #[track_caller]
    pub(crate) fn take(&self) -> Vec<Record> {
        let taken = wait_for(Duration::from_mins(2), || {
            let mut log = self.shared.log();
            (log.inflight == 0 && log.writing == 0).then(|| std::mem::take(&mut log.records))
        });
        taken.expect("requests end with their client")
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees.
        let _ = TcpStream::connect(self.host());
    }
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One connection of a client, to its end.
    fn serve(&self, client: &TcpStream) {
        let _ = client.set_nodelay(true);
        let mut number = None;
        let mut upstream = None;
        let mut reader = BufReader::new(client);
        while let Ok(Some(head)) = Head::read(&mut reader) {
            let index = self.begin(&head, &mut number);
            let closes = head.says("Connection", "close");
            let passed = self.exchange(index, head, (&mut reader, client), &mut upstream);
            self.end(index);
            let mut log = self.log();
            log.writing -= 1;
            if let Err(error) = &passed {
                log.records[index].error = Some(error.to_string());
            }
            drop(log);
            if closes || !passed.unwrap_or(false) {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
    }

    /// Notes that a request has begun, and gives its place.
    fn begin(&self, head: &Head, number: &mut Option<u64>) -> usize {
        let mut log = self.log();
        // A connection counts from its first request: clients open some that they never use.
        let conn = *number.get_or_insert_with(|| {
            log.connections += 1;
            log.connections
        });
        log.inflight += 1;
        log.writing += 1;
        let index = log.records.len();
        let record = Record {
            seq: index as u64 + 1,
            conn,
            inflight: Some(log.inflight),
            method: head.word(0).to_owned(),
            path: trace::template(head.word(1)),
            raw_path: trace::without_state(head.word(1)),
            req: selected(head),
            began: Some(log.ended),
            ..Record::default()
        };
        log.records.push(record);
        index
    }

    /// Notes that a request has ended; only the first call for a request counts.
    fn end(&self, index: usize) {
        let mut log = self.log();
        if log.records[index].ended.is_none() {
            log.inflight -= 1;
            log.ended += 1;
            log.records[index].ended = Some(log.ended);
        }
    }

    /// Passes one request on and its answer back. Tells whether the connection can be used again.
    fn exchange(
        &self,
        index: usize,
        mut head: Head,
        (from, mut client): (&mut BufReader<&TcpStream>, &TcpStream),
        upstream: &mut Option<BufReader<TcpStream>>,
    ) -> io::Result<bool> {
        let framing = head.framing();
        if let Some(storage) = self.redirected(&head) {
            wire::body(from, framing, |_| Ok(()))?;
            let mut answer = Head::new("HTTP/1.1 307 Temporary Redirect");
            answer.add("Content-Length", "0");
            answer.add("Location", &format!("{storage}{}?X-Sig=abc", head.word(1)));
            self.note_answer(index, &answer);
            self.end(index);
            client.write_all(&answer.bytes())?;
            return Ok(true);
        }
        if head.get("Expect").is_some() {
            client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            head.remove("Expect");
        }
        let is_head = head.word(0) == "HEAD";
        let closes = head.says("Connection", "close");
        head.remove("Connection");
        if let Some(grant) = &self.habits.grant {
            head.add("Authorization", grant);
        }
        let behind = if let Some(behind) = upstream {
            behind
        } else {
            upstream.insert(BufReader::new(TcpStream::connect(&self.upstream)?))
        };
        // A registry may answer before it has read all; what it no longer takes is read and dropped.
        let mut taken = behind.get_mut().write_all(&head.bytes()).is_ok();
        wire::body(from, framing, |piece| {
            self.log().records[index].req_body += piece.body;
            taken = taken && behind.get_mut().write_all(piece.bytes).is_ok();
            Ok(())
        })?;
        let mut answer = Head::read(behind)?.ok_or(io::ErrorKind::ConnectionAborted)?;
        let ends = answer.says("Connection", "close") || !taken;
        if closes && !answer.says("Connection", "close") {
            answer.add("Connection", "close");
        }
        self.note_answer(index, &answer);
        let framing = match answer.framing() {
            // These have no body, whatever length they tell.
            _ if is_head || matches!(answer.word(1), "204" | "304") => Framing::Length(0),
            framing => framing,
        };
        let passed = self.pass_back(index, (&answer, framing), behind, client);
        if ends || passed.is_err() {
            *upstream = None;
        }
        passed.map(|()| !ends)
    }

    /// Writes an answer. The request ends before the last bytes are written: what the client sends when it has them
    /// comes after it. A short body goes in one piece with its head, because some clients do not wait for it.
    fn pass_back(
        &self,
        index: usize,
        (answer, framing): (&Head, Framing),
        behind: &mut BufReader<TcpStream>,
        mut client: &TcpStream,
    ) -> io::Result<()> {
        let mut bytes = answer.bytes();
        if let Framing::Length(0..=SHORT) = framing {
            wire::body(behind, framing, |piece| {
                bytes.extend_from_slice(piece.bytes);
                self.log().records[index].resp_body += piece.body;
                Ok(())
            })?;
            self.end(index);
            return client.write_all(&bytes);
        }
        client.write_all(&bytes)?;
        wire::body(behind, framing, |Piece { bytes, body, last }| {
            self.log().records[index].resp_body += body;
            if last {
                self.end(index);
            }
            client.write_all(bytes)
        })
    }

    fn redirected(&self, head: &Head) -> Option<&str> {
        let storage = self.habits.redirect.as_deref()?;
        let blob = head.word(0) == "GET" && head.word(1).contains("/blobs/sha256:");
        blob.then_some(storage)
    }

    fn note_answer(&self, index: usize, answer: &Head) {
        let noted = |name: &str| {
            let value = trace::without_state(answer.get(name)?);
            Some((name.to_owned(), value))
        };
        let record = &mut self.log().records[index];
        record.status = answer.word(1).parse().ok();
        record.resp = ANSWER.iter().filter_map(|name| noted(name)).collect();
    }
}

fn selected(head: &Head) -> BTreeMap<String, Values> {
    let mut selected = BTreeMap::new();
    for name in REQUEST {
        let mut values: Vec<String> = head.all(name).map(str::to_owned).collect();
        if name == "Authorization" {
            for value in &mut values {
                let scheme = value.split(' ').next().unwrap_or_default();
                *value = format!("{scheme} <redacted>");
            }
        }
        let values = match values.len() {
            0 => continue,
            1 => Values::One(values.remove(0)),
            _ => Values::Many(values),
        };
        selected.insert(name.to_owned(), values);
    }
    selected
}
