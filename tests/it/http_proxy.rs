//! An HTTP proxy in a few lines: it forwards requests with whole URLs, opens tunnels, and fails as it is told.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// What it does in place of its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Responds with that status line.
    Status(&'static str),
    /// Says something else than HTTP.
    Noise,
    /// Closes the connection.
    Close,
    /// Reads the request and says nothing.
    Hang,
}

/// How it behaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    /// The value of `Proxy-Authorization` that it wants; 407 for any other.
    pub(crate) authorization: Option<&'static str>,
    /// The connections from this number on are in trouble.
    pub(crate) trouble: Option<(usize, Trouble)>,
    /// It connects to this place, whatever it is asked for.
    pub(crate) connects_to: Option<SocketAddr>,
}

/// The head of a request that it got.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) line: String,
    headers: Vec<(String, String)>,
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_connect(&self) -> bool {
        self.line.starts_with("CONNECT ")
    }
}

/// A running proxy. Dropped, it stops listening.
pub(crate) struct HttpProxy {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Head>>>,
    stop: Arc<AtomicBool>,
}

impl HttpProxy {
    pub(crate) fn start(rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let (seen, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (heads, stopped) = (Arc::clone(&seen), Arc::clone(&stop));
        let number = AtomicUsize::new(0);
        let rules = Arc::new(rules);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let number = number.fetch_add(1, Ordering::SeqCst);
                let (rules, heads) = (Arc::clone(&rules), Arc::clone(&heads));
                thread::spawn(move || stream.and_then(|it| serve(it, number, &rules, &heads)));
            }
        });
        Self {
            address,
            seen,
            stop,
        }
    }

    /// `HOST:PORT`
    pub(crate) fn place(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests that it got, in order.
    pub(crate) fn seen(&self) -> Vec<Head> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }
}

impl Drop for HttpProxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(
    client: TcpStream,
    number: usize,
    rules: &Rules,
    heads: &Mutex<Vec<Head>>,
) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let Some(head) = head(&mut reader)? else {
        return Ok(());
    };
    let mut all = heads.lock().unwrap_or_else(PoisonError::into_inner);
    all.push(head.clone());
    drop(all);
    let mut client = client;
    let wanted = rules.authorization;
    if wanted.is_some() && head.header("proxy-authorization") != wanted {
        return refuse(&mut client, "407 Proxy Authentication Required");
    }
    match rules.trouble {
        Some((from, trouble)) if number >= from => match trouble {
            Trouble::Status(line) => return refuse(&mut client, line),
            Trouble::Noise => return client.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
            Trouble::Close => return client.shutdown(Shutdown::Both),
            // Until the client has had enough.
            Trouble::Hang => return io::copy(&mut reader, &mut io::sink()).map(drop),
        },
        _ => {}
    }
    let mut words = head.line.split(' ');
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let rest = target.strip_prefix("http://").unwrap_or(target);
    let (place, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let to = rules
        .connects_to
        .map_or_else(|| place.to_owned(), |it| it.to_string());
    let Ok(mut server) = TcpStream::connect(to) else {
        return refuse(&mut client, "502 Bad Gateway");
    };
    if head.is_connect() {
        client.write_all(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n")?;
    } else {
        // One request for a connection: its end is the end of the response.
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        for (name, value) in &head.headers {
            if name != "connection" && name != "proxy-authorization" {
                request.extend([name, ": ", value, "\r\n"]);
            }
        }
        server.write_all(format!("{request}\r\n").as_bytes())?;
    }
    let mut upstream = server.try_clone()?;
    let sending = thread::spawn(move || {
        let copied = io::copy(&mut reader, &mut upstream);
        let _ = upstream.shutdown(Shutdown::Write);
        copied
    });
    let copied = io::copy(&mut server, &mut client);
    let _ = client.shutdown(Shutdown::Both);
    let _ = sending.join();
    copied.map(drop)
}

fn refuse(client: &mut TcpStream, status: &str) -> io::Result<()> {
    let response = format!("HTTP/1.1 {status}\r\nContent-Length: 6\r\n\r\nno way");
    client.write_all(response.as_bytes())
}

fn head(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Head>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        lines.push(line.to_owned());
    }
    let header = |line: &String| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    Ok(Some(Head {
        headers: lines.iter().skip(1).filter_map(header).collect(),
        line: lines.into_iter().next().unwrap_or_default(),
    }))
}
