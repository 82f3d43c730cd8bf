//! The reference implementation, on storage of its own: Debian's `docker-registry`, and Distribution 3.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::access_log::{self, AccessLine};
use super::client::{PASSWORD, USER};
use super::json_log::{self, LoggedRequest};
use super::port;
use super::process::{Program, Running};
use super::tokens::TokenServer;

/// How the registry is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// For everyone, at the root.
    Open,
    /// Asks for [`USER`] and [`PASSWORD`] by Basic authentication.
    Htpasswd,
    /// For everyone, at the root, of that release and with its own log in that form.
    Logs(Release, Formatter),
    /// For everyone, within TLS, by a certificate that signed itself.
    Tls,
    /// For everyone, with a path in front of `/v2/`. Begins and ends with a slash.
    Prefix(&'static str),
}

/// Which registry it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    /// Debian's `docker-registry`, 2.8.
    Two,
    /// Distribution 3, whose program is called `registry`.
    Three,
}

/// The form of the registry's own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Formatter {
    Text,
    Json,
    Logstash,
    /// Text and JSON with fields of the operator's own in each line.
    TextWithFields,
    JsonWithFields,
}

/// Forms with fields: two that have names of the log's own, and one with what has to be escaped.
const FIELDS: [&str; 2] = [
    "json, fields: {service: registry, status: 7, msg.kind: 'a \"quoted\" = b'}",
    "text, fields: {service: registry, status: 7, msg.kind: 'a \"quoted\" = b'}",
];

/// The path of the product that regstorm was first made for.
pub(crate) const DEEP: Flavour = Flavour::Prefix("/link/to/docker/registry/");

/// A running registry.
#[derive(Debug)]
pub(crate) struct Registry {
    // Dropped in this order: the process before its files.
    process: Running,
    dir: TempDir,
    flavour: Flavour,
    port: u16,
}

impl Registry {
    pub(crate) fn start(flavour: Flavour) -> Self {
        let closed = flavour == Flavour::Htpasswd;
        Self::launch(flavour, closed, |dir| more(flavour, dir))
    }

    /// At the root, for those who bring a token of this server.
    pub(crate) fn with_tokens(server: &TokenServer) -> Self {
        Self::launch(Flavour::Open, true, |_| server.config())
    }

    /// `closed`: the registry answers 401 to who comes without credentials.
    fn launch(flavour: Flavour, closed: bool, more: impl Fn(&Path) -> String) -> Self {
        // Somebody else may take the port between finding and using it; then the registry ends at once.
        for _ in 0..5 {
            let dir = super::scratch();
            let port = port::free();
            let config = dir.path().join("config.yml");
            let formatter = match flavour {
                Flavour::Logs(_, Formatter::Json) => "json",
                Flavour::Logs(_, Formatter::Logstash) => "logstash",
                Flavour::Logs(_, Formatter::JsonWithFields) => FIELDS[0],
                Flavour::Logs(_, Formatter::TextWithFields) => FIELDS[1],
                _ => "text",
            };
            let text = text((port, formatter), dir.path(), &more(dir.path()));
            fs::write(&config, text).expect("a configuration");
            let log = dir.path().join("log");
            let program = match flavour {
                Flavour::Logs(Release::Three, _) => "registry",
                _ => "docker-registry",
            };
            let mut process = Program::new(program)
                .args([Path::new("serve"), &config])
                .start(&log);
            let path = format!("{}v2/", base(flavour));
            let wanted = match flavour {
                Flavour::Tls => 400, // to who comes without
                _ if closed => 401,
                _ => 200,
            };
            if process.ready(|| port::status(port, &path) == Some(wanted)) {
                return Self {
                    process,
                    dir,
                    flavour,
                    port,
                };
            }
        }
        panic!("the registry does not start");
    }

    /// `http://127.0.0.1:PORT` with any base path, as regstorm takes it.
    pub(crate) fn url(&self) -> String {
        let base = base(self.flavour).trim_end_matches('/');
        let scheme = match self.flavour {
            Flavour::Tls => "https",
            _ => "http",
        };
        format!("{scheme}://127.0.0.1:{}{base}", self.port)
    }

    /// Whom clients of [`Flavour::Tls`] have to trust.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.dir.path().join("certificate")
    }

    /// `127.0.0.1:PORT`, as clients write it in front of a repository.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// The requests so far, in the order in which they ended; those of the tests' own probes are left out.
    pub(crate) fn access_log(&self) -> Vec<AccessLine> {
        access_log::read(&self.process.log(), base(self.flavour))
    }

    /// The requests so far by the log in JSON, which only [`Formatter::Json`] writes.
    pub(crate) fn logged(&self) -> Vec<LoggedRequest> {
        self.settle();
        json_log::read(&self.process.log())
    }

    /// All of it, with the program's own lines.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// The same without the lines about the tests' own requests.
    pub(crate) fn log_of_others(&self) -> String {
        let log = self.process.log();
        let lines = log.lines().filter(|line| !line.contains(access_log::PROBE));
        lines.fold(String::new(), |all, line| all + line + "\n")
    }

    /// The requests since a mark, which is the length of an earlier [`Registry::access_log`].
    pub(crate) fn since(&self, mark: usize) -> Vec<AccessLine> {
        self.settle();
        self.access_log().split_off(mark)
    }

    /// A place in the access log that everything until now is in front of.
    pub(crate) fn mark(&self) -> usize {
        self.settle();
        self.access_log().len()
    }

    /// Waits until the log is complete. A line is written behind the answer, so the last lines may be on their way;
    /// a request of our own that comes later passes the same way.
    fn settle(&self) {
        let path = format!("{}v2/", base(self.flavour));
        for _ in 0..2 {
            let before = access_log::probes(&self.process.log());
            if self.flavour == Flavour::Tls {
                let agent = ["-skfA", access_log::PROBE];
                let url = format!("{}/v2/", self.url());
                Program::new("curl").args(agent).args([url]).run().ok();
            } else {
                port::status(self.port, &path).expect("the registry answers");
            }
            super::process::wait_for(std::time::Duration::from_mins(2), || {
                (access_log::probes(&self.process.log()) > before).then_some(())
            })
            .expect("the probe is in the log");
        }
    }

    /// Ends it without a chance to tidy up.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Makes the registry forget that a repository has any blobs, as a clean-up does that clients are not told of.
    pub(crate) fn forget(&self, repository: &str) {
        let dir = self
            .dir
            .path()
            .join("storage/docker/registry/v2/repositories");
        fs::remove_dir_all(dir.join(repository)).expect("a repository");
    }

    /// Deletes every blob that no manifest names, as `garbage-collect` of docker-registry does it: safe only while no client
    /// pushes.
    pub(crate) fn garbage_collect(&self) {
        let config = self.dir.path().join("config.yml");
        // It may fail where a push is under way.
        Program::new("docker-registry")
            .args(["garbage-collect".as_ref(), config.as_os_str()])
            .run();
    }

    /// The upload sessions that are open in the storage: directories of `_uploads`.
    pub(crate) fn open_uploads(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut todo = vec![self.dir.path().join("storage")];
        while let Some(dir) = todo.pop() {
            let Ok(entries) = fs::read_dir(&dir) else {
                continue;
            };
            let paths = entries.map(|entry| entry.expect("an entry").path());
            if dir.file_name().is_some_and(|name| name == "_uploads") {
                found.extend(paths);
            } else {
                todo.extend(paths.filter(|path| path.is_dir()));
            }
        }
        found
    }
}

/// The path in front of `v2/`.
fn base(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::Prefix(prefix) => prefix,
        Flavour::Open | Flavour::Htpasswd | Flavour::Logs(..) | Flavour::Tls => "/",
    }
}

/// The part of the configuration that makes the flavour.
fn more(flavour: Flavour, dir: &Path) -> String {
    match flavour {
        Flavour::Open | Flavour::Logs(..) => String::new(),
        Flavour::Prefix(prefix) => format!("  prefix: {prefix}\n"),
        Flavour::Tls => {
            let [certificate, key] = ["certificate", "key"].map(|name| dir.join(name));
            Program::new("openssl")
                .args([
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                ])
                .args(["-subj", "/CN=lab", "-addext", "subjectAltName=IP:127.0.0.1"])
                .args(["-keyout".as_ref(), key.as_os_str()])
                .args(["-out".as_ref(), certificate.as_os_str()])
                .run()
                .ok();
            let [certificate, key] = [certificate.display(), key.display()];
            format!("  tls: {{certificate: {certificate}, key: {key}}}\n")
        }
        Flavour::Htpasswd => {
            let file = dir.join("htpasswd");
            // Cost 4: the registry checks the password anew for each request.
            Program::new("htpasswd")
                .args(["-Bbc", "-C", "4"])
                .args([&file])
                .args([USER, PASSWORD])
                .run()
                .ok();
            format!(
                "auth: {{htpasswd: {{realm: lab, path: {}}}}}\n",
                file.display()
            )
        }
    }
}

fn text((port, formatter): (u16, &str), dir: &Path, more: &str) -> String {
    let dir_text = dir.display();
    format!(
        "version: 0.1
log: {{level: info, formatter: {formatter}, accesslog: {{disabled: false}}}}
compatibility: {{schema1: {{enabled: true}}}}
storage:
  delete: {{enabled: true}}
  maintenance: {{uploadpurging: {{enabled: false}}}}
  filesystem: {{rootdirectory: {dir_text}/storage}}
http:
  addr: 127.0.0.1:{port}
  secret: lab
{more}"
    )
}
