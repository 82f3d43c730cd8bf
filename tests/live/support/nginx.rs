//! nginx in front of a registry: once as clients meet it, with a log in each of some formats, and once behind that, where
//! each request has its size, as a witness.

use std::fmt::Write as _;
use std::fs;

use tempfile::TempDir;

use super::access_log::PROBE;
use super::port;
use super::process::{Program, Running};

/// What the witness writes of a request.
const WITNESS: &str = "$request_method|$request_uri|$status|$body_bytes_sent|$sent_http_content_length|$http_content_length|$http_x_encoding|$http_x_connection";

/// A running nginx.
#[derive(Debug)]
pub(crate) struct Nginx {
    // Dropped in this order: the process before its files.
    _process: Running,
    dir: TempDir,
    port: u16,
}

/// A request as the witness saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    pub(crate) status: u16,
    /// Bytes of the response's body.
    pub(crate) received: u64,
    /// Whether the response had less than its head has told.
    pub(crate) is_cut_off: bool,
    /// Bytes of the request's body.
    pub(crate) sent: u64,
    /// Whether the client sent its body without its length.
    pub(crate) is_chunked: bool,
    /// What the requests of a session to one repository have in common: their program, or their connection.
    pub(crate) session: String,
}

/// What sessions are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// The program, as where all clients have one address.
    Agent,
    /// The connection.
    Connection,
}

impl Nginx {
    /// Starts it in front of a registry at that port. Formats have no single quotation mark.
    pub(crate) fn start(registry: u16, formats: &[&str]) -> Self {
        for _ in 0..5 {
            let dir = super::scratch();
            let [front, behind] = [port::free(), port::free()];
            let config = dir.path().join("nginx.conf");
            let text = config_of((front, behind, registry), &dir, formats);
            fs::write(&config, text).expect("a configuration");
            let mut process = Program::new("nginx")
                .args(["-e", "stderr", "-c"])
                .args([&config])
                .start(&dir.path().join("said"));
            if process.ready(|| port::status(front, "/v2/") == Some(200)) {
                return Self {
                    _process: process,
                    dir,
                    port: front,
                };
            }
        }
        panic!("nginx does not start");
    }

    /// As regstorm takes it.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The log in a format, by its place. The tests' own requests are left out.
    pub(crate) fn log(&self, format: usize) -> String {
        let log = self.read(&format!("{format}.log"));
        let lines = log.lines().filter(|line| !line.contains(PROBE));
        lines.fold(String::new(), |all, line| all + line + "\n")
    }

    /// What the witness saw; the tests' own requests are left out.
    pub(crate) fn seen(&self, by: By) -> Vec<Seen> {
        let log = self.read("witness.log");
        let lines = log.lines().filter_map(|line| line.split_once('|'));
        let lines = lines.filter(|(agent, _)| !agent.contains(PROBE));
        lines.map(|(agent, line)| seen(agent, line, by)).collect()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).expect("a log")
    }
}

fn seen(agent: &str, line: &str, by: By) -> Seen {
    let fields: Vec<&str> = line.split('|').collect();
    let [
        method,
        path,
        status,
        received,
        length,
        sent,
        encoding,
        connection,
    ] = fields[..]
    else {
        panic!("{line}");
    };
    let number = |text: &str| text.parse().unwrap_or_default();
    Seen {
        method: method.to_owned(),
        path: path.to_owned(),
        status: status.parse().expect("a status"),
        received: number(received),
        is_cut_off: method == "GET" && number(received) < number(length),
        sent: number(sent),
        is_chunked: encoding == "chunked",
        session: match by {
            By::Agent => agent.to_owned(),
            By::Connection => connection.to_owned(),
        },
    }
}

fn config_of(
    (front, behind, registry): (u16, u16, u16),
    dir: &TempDir,
    formats: &[&str],
) -> String {
    let dir = dir.path().display();
    let mut logs = String::new();
    let mut access = String::new();
    for (place, format) in formats.iter().enumerate() {
        let _ = writeln!(logs, "  log_format f{place} '{format}';");
        let _ = writeln!(access, "    access_log {dir}/{place}.log f{place};");
    }
    // The first one takes a request whole before it passes it on, so that the second one has its length.
    format!(
        "daemon off;
master_process off;
pid {dir}/pid;
events {{ worker_connections 1024; }}
http {{
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  client_max_body_size 0;
  proxy_http_version 1.1;
  proxy_buffering off;
{logs}  log_format witness '$http_user_agent|{WITNESS}';
  server {{
    listen 127.0.0.1:{front};
{access}    proxy_set_header Host $http_host;
    proxy_set_header Connection '';
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Encoding $http_transfer_encoding;
    proxy_set_header X-Connection $connection;
    location / {{ proxy_pass http://127.0.0.1:{behind}; }}
  }}
  server {{
    listen 127.0.0.1:{behind};
    access_log {dir}/witness.log witness;
    proxy_set_header Host $http_host;
    proxy_set_header Connection '';
    location / {{ proxy_pass http://127.0.0.1:{registry}; }}
  }}
}}
"
    )
}
