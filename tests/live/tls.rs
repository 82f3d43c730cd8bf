//! `docker-registry` within TLS: who trusts whom, which HTTP version is spoken, and which handshakes are resumed.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    Corpus, Finished, Program, Running, closed_port, regstorm, run_scenario, scratch,
};

/// A CA, and what it has signed, in files.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    dir: PathBuf,
    name: &'static str,
}

impl Authority {
    fn new(dir: &Path, name: &'static str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        fs::write(dir.join(format!("{name}.crt")), certificate.pem()).expect("a file");
        Self {
            issuer: Issuer::new(params, key),
            dir: dir.to_owned(),
            name,
        }
    }

    fn certificate(&self) -> PathBuf {
        self.dir.join(format!("{}.crt", self.name))
    }

    /// Writes a certificate for those hosts and its key.
    fn sign(&self, name: &str, hosts: &[&str], usage: ExtendedKeyUsagePurpose) -> [PathBuf; 2] {
        let hosts: Vec<_> = hosts.iter().map(|it| (*it).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).expect("names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().expect("a key");
        let signed = params.signed_by(&key, &self.issuer).expect("a certificate");
        let files = ["crt", "key"].map(|it| self.dir.join(format!("{name}.{it}")));
        fs::write(&files[0], signed.pem()).expect("a file");
        fs::write(&files[1], key.serialize_pem()).expect("a file");
        files
    }
}

/// A registry within TLS, known as `localhost`.
struct Secure {
    process: Running,
    dir: TempDir,
    port: u16,
    ours: Authority,
}

impl Secure {
    /// One that lets everyone in, or those with a certificate of the CA `clients` only.
    fn start(wants_certificate: bool) -> Self {
        for _ in 0..5 {
            let dir = scratch();
            let port = closed_port();
            let ours = Authority::new(dir.path(), "lab-ca");
            let hosts = ["localhost"];
            let [certificate, key] =
                ours.sign("server", &hosts, ExtendedKeyUsagePurpose::ServerAuth);
            let clients = if wants_certificate {
                format!("\n    clientcas: [{}]", ours.certificate().display())
            } else {
                String::new()
            };
            let config = format!(
                "version: 0.1
log: {{level: info, formatter: text, accesslog: {{disabled: false}}}}
storage:
  filesystem: {{rootdirectory: {}/storage}}
http:
  addr: 127.0.0.1:{port}
  secret: lab
  tls:
    certificate: {}
    key: {}{clients}
",
                dir.path().display(),
                certificate.display(),
                key.display(),
            );
            let file = dir.path().join("config.yml");
            fs::write(&file, config).expect("a configuration");
            let mut process = Program::new("docker-registry")
                .args([Path::new("serve"), &file])
                .start(&dir.path().join("log"));
            if process.ready(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()) {
                return Self {
                    process,
                    dir,
                    port,
                    ours,
                };
            }
        }
        panic!("docker-registry does not start");
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    fn push(&self, corpus: &Corpus, more: &[&str]) -> Finished {
        let layout = corpus.layout();
        regstorm(["push"])
            .args([layout.dir()])
            .args([self.url().as_str(), "lab/img:1"])
            .args(more)
            .run()
    }

    /// Requests in the log that name this version.
    fn requests(&self, version: &str) -> usize {
        let wanted = format!("{version}\"");
        self.process.log().matches(&wanted).count()
    }
}

fn pull(url: &str, more: &[&str]) -> Finished {
    let to = scratch();
    regstorm(["pull", url, "lab/img:1"])
        .args([to.path().join("pulled")])
        .args(more)
        .run()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of the test")
}

#[test]
fn an_image_goes_there_and_back_over_either_version() {
    let (registry, corpus) = (Secure::start(false), Corpus::new(701));
    let ca = registry.ours.certificate();
    let ca = ["--ca", text(&ca)];
    registry.push(&corpus, &ca).ok();
    assert!(registry.requests("HTTP/1.1") > 0);
    assert_eq!(registry.requests("HTTP/2.0"), 0);
    registry
        .push(&corpus, &[&ca[..], &["--http", "2"]].concat())
        .ok();
    let pushed = registry.requests("HTTP/2.0");
    assert!(pushed > 0);
    pull(&registry.url(), &[&ca[..], &["--http", "auto"]].concat()).ok();
    assert!(registry.requests("HTTP/2.0") > pushed);
}

#[test]
fn who_is_not_trusted_is_refused_with_advice() {
    let (registry, corpus) = (Secure::start(false), Corpus::new(702));
    let stranger = Authority::new(registry.dir.path(), "stranger");
    let ca = registry.ours.certificate();
    registry.push(&corpus, &["--ca", text(&ca)]).ok();
    let url = registry.url();
    let refused = |url: &str, more: &[&str], word: &str| {
        let finished = pull(url, more).ends_with(5);
        assert!(finished.stderr.contains(word), "{finished}");
    };
    refused(&url, &[], "--ca");
    refused(&url, &["--ca", text(&stranger.certificate())], "--ca");
    let by_address = url.replace("localhost", "127.0.0.1");
    refused(&by_address, &["--ca", text(&ca)], "--server-name");
    refused(&url.replace("https", "http"), &[], "https://");
    let named = ["--ca", text(&ca), "--server-name", "localhost"];
    pull(&by_address, &named).ok();
    pull(&url, &["--insecure"]).ok();
}

#[test]
fn a_registry_that_wants_certificates_of_its_clients_gets_ours() {
    let (registry, corpus) = (Secure::start(true), Corpus::new(703));
    let dir = registry.dir.path();
    let usage = ExtendedKeyUsagePurpose::ClientAuth;
    let [certificate, key] = registry.ours.sign("client", &["client"], usage.clone());
    let stranger = Authority::new(dir, "stranger");
    let [other, other_key] = stranger.sign("other", &["other"], usage);
    let ca = registry.ours.certificate();
    let with = |certificate: &Path, key: &Path, http: &str| {
        let more = [
            "--ca",
            text(&ca),
            "--cert",
            text(certificate),
            "--key",
            text(key),
            "--http",
            http,
        ];
        registry.push(&corpus, &more)
    };
    for http in ["1.1", "2"] {
        let finished = registry
            .push(&corpus, &["--ca", text(&ca), "--http", http])
            .ends_with(5);
        assert!(finished.stderr.contains("--cert"), "{finished}");
        let finished = with(&other, &other_key, http).ends_with(5);
        assert!(finished.stderr.contains("--cert"), "{finished}");
        let finished = with(&certificate, &key, http).ok();
        let secret = fs::read_to_string(&key).expect("a key");
        let line = secret.lines().nth(1).expect("a line of the key");
        assert!(!finished.said().contains(line));
    }
}

#[test]
fn sessions_are_resumed_where_the_scenario_says_so() {
    let registry = Secure::start(false);
    for (resumption, http, full) in [("on", "1.1", 1), ("off", "1.1", 20), ("on", "2", 1)] {
        let scenario = format!(
            r#"
name = "resumption"
[target]
url = "http://replaced"
http = "{http}"
tls = {{ ca = "{}", resumption = "{resumption}" }}
[images.web]
source = "synthetic"
count = 1
layers = 2
layer_size = "16KiB"
[journey.fetch]
action = "pull"
images = "web"
parallel = 1
connections = "per-request"
[[load]]
journey = "fetch"
executor = "per-vu-iterations"
vus = 1
iterations = 5
"#,
            registry.ours.certificate().display()
        );
        let report = run_scenario(&scenario, &registry.url());
        assert_eq!(report.ok_iterations("fetch"), 5);
        let document: Value = serde_json::from_str(report.text()).expect("a report");
        let sum = |key: &str| {
            let operations = document["operations"].as_array().expect("operations");
            let each = operations.iter().map(|it| it["connections"][key].as_u64());
            each.sum::<Option<u64>>().expect("counts")
        };
        // A manifest, a configuration and two layers, five times, each over a connection of its own.
        assert_eq!(sum("new"), 20);
        assert_eq!((sum("tls_full"), sum("tls_resumed")), (full, 20 - full));
        let version = if http == "2" { "http2" } else { "http1" };
        assert_eq!(sum(version), 20);
    }
}
