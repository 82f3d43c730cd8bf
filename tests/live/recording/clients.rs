//! Six clients, each with its own way to push, to pull, to trust a CA and to bring a password.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tempfile::TempDir;

use crate::replay::fixture::{Fixture, STEP, random};
use crate::support::{
    Containerd, Docker, Finished, PASSWORD, Podman, Program, Recording, USER, scratch, skopeo,
};

/// The name of what is pushed and pulled.
pub(super) const IMAGE: &str = "team/two:v1";

/// How the recorder and the registry behind it let clients in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Plain,
    /// By the CA of the recorder.
    Tls,
    Tokens,
}

/// A client's way through a recorder.
pub(super) struct Way {
    pub(super) access: Access,
    /// `HOST:PORT`, as clients write it in front of a repository.
    host: String,
    dir: TempDir,
}

impl Way {
    /// By this name, or by the address.
    pub(super) fn through(recording: &Recording, access: Access, name: Option<&str>) -> Self {
        let mut host = recording.host();
        if let Some(name) = name {
            let (_, port) = host.rsplit_once(':').expect("a port");
            host = format!("{name}:{port}");
        }
        let way = Self {
            access,
            host,
            dir: scratch(),
        };
        if access == Access::Tls {
            fs::create_dir(way.certificates()).expect("a directory");
            fs::copy(recording.ca(), way.ca()).expect("a CA");
        }
        way
    }

    fn image(&self) -> String {
        format!("{}/{IMAGE}", self.host)
    }

    /// A directory with the CA alone.
    fn certificates(&self) -> PathBuf {
        self.dir.path().join("certificates")
    }

    fn ca(&self) -> PathBuf {
        self.certificates().join("ca.crt")
    }
}

/// A client of registries.
pub(super) trait Client {
    /// Whose habits a replay of it has.
    fn profile(&self) -> &'static str;

    /// The name by which it has to call the recorder, which then listens on `::1`. `None`: it takes 127.0.0.1.
    fn name(&self, _access: Access) -> Option<&'static str> {
        None
    }

    /// Where it goes for a token, of the names of this machine.
    fn host_of_tokens(&self) -> &'static str {
        "127.0.0.1"
    }

    /// Puts what is to be pulled into a registry, not through the recorder.
    fn seed(&self, registry: &str, access: Access, fixture: &Fixture) {
        let program = skopeo(["copy", "--dest-tls-verify=false"]).args(creds("--dest-", access));
        let target = format!("docker://{registry}/{IMAGE}");
        program.args([fixture.source("img"), target]).run().ok();
    }

    fn push(&self, way: &Way, fixture: &Fixture);

    fn pull(&self, way: &Way, fixture: &Fixture);
}

/// The password as skopeo and podman take it.
fn creds(side: &str, access: Access) -> Option<String> {
    (access == Access::Tokens).then(|| format!("{side}creds={USER}:{PASSWORD}"))
}

/// The options of skopeo and podman for a way.
fn containers(side: &str, way: &Way) -> Vec<String> {
    let mut options = match way.access {
        Access::Tls => vec![format!("{side}cert-dir={}", way.certificates().display())],
        Access::Plain | Access::Tokens => vec![format!("{side}tls-verify=false")],
    };
    options.extend(creds(side, way.access));
    options
}

pub(super) struct OfSkopeo;

impl Client for OfSkopeo {
    fn profile(&self) -> &'static str {
        "podman"
    }

    fn push(&self, way: &Way, fixture: &Fixture) {
        let target = format!("docker://{}", way.image());
        skopeo(["copy"])
            .args(containers("--dest-", way))
            .args([fixture.source("img"), target])
            .run()
            .ok();
    }

    fn pull(&self, way: &Way, fixture: &Fixture) {
        let source = format!("docker://{}", way.image());
        let copy = format!("dir:{}", fixture.path().join("copy").display());
        skopeo(["copy"])
            .args(containers("--src-", way))
            .args([source, copy])
            .run()
            .ok();
    }
}

impl Client for Podman {
    fn profile(&self) -> &'static str {
        "podman-storage"
    }

    fn push(&self, way: &Way, fixture: &Fixture) {
        let image = way.image();
        let archive = fixture.docker_archive("img", &image);
        let archive = archive.to_str().expect("a plain path");
        self.run("podman", ["load", "--quiet", "--input", archive])
            .run()
            .ok();
        let target = format!("docker://{image}");
        self.run("podman", ["push", "--quiet"])
            .args(containers("--", way))
            .args([image, target])
            .run()
            .ok();
    }

    fn pull(&self, way: &Way, _: &Fixture) {
        self.run("podman", ["pull", "--quiet"])
            .args(containers("--", way))
            .args([way.image()])
            .run()
            .ok();
    }
}

impl Client for Containerd {
    fn profile(&self) -> &'static str {
        "containerd-1.6"
    }

    fn push(&self, way: &Way, fixture: &Fixture) {
        let image = way.image();
        let archive = fixture.oci_archive("img", &image);
        let archive = archive.to_str().expect("a plain path");
        self.ctr(["image", "import", archive]).run().ok();
        self.ctr(["image", "push"])
            .args(of_ctr(way))
            .args([image])
            .run()
            .ok();
    }

    fn pull(&self, way: &Way, _: &Fixture) {
        self.ctr(["image", "pull", "--snapshotter=native"])
            .args(of_ctr(way))
            .args([way.image()])
            .run()
            .ok();
    }
}

fn of_ctr(way: &Way) -> Vec<String> {
    match way.access {
        Access::Plain => vec!["--plain-http".to_owned()],
        Access::Tokens => vec![
            "--plain-http".to_owned(),
            format!("--user={USER}:{PASSWORD}"),
        ],
        Access::Tls => {
            let hosts = way.dir.path().join("hosts");
            let dir = hosts.join(&way.host);
            fs::create_dir_all(&dir).expect("a directory");
            let url = format!("https://{}", way.host);
            let ca = way.ca();
            let ca = ca.display();
            let text = format!("server = {url:?}\n[host.{url:?}]\n  ca = \"{ca}\"\n");
            fs::write(dir.join("hosts.toml"), text).expect("a file");
            vec![format!("--hosts-dir={}", hosts.display())]
        }
    }
}

pub(super) struct Crane;

impl Crane {
    #[track_caller]
    fn run(way: &Way, args: &[&Path]) -> Finished {
        let auth = STANDARD.encode(format!("{USER}:{PASSWORD}"));
        let auths = match way.access {
            Access::Tokens => json!({&way.host: {"auth": auth}}),
            Access::Plain | Access::Tls => json!({}),
        };
        let config = way.dir.path().join("config.json");
        fs::write(config, json!({"auths": auths}).to_string()).expect("a file");
        let mut program = Program::new("crane")
            .args(args)
            .env("DOCKER_CONFIG", way.dir.path());
        if way.access == Access::Tls {
            program = program.env("SSL_CERT_FILE", way.ca());
        }
        program.run().ok()
    }
}

impl Client for Crane {
    fn profile(&self) -> &'static str {
        "crane"
    }

    /// It goes to no number of a private network, and oras to no name of one.
    fn host_of_tokens(&self) -> &'static str {
        "localhost"
    }

    fn push(&self, way: &Way, fixture: &Fixture) {
        let (layout, image) = (fixture.layout(), way.image());
        Self::run(way, &["push".as_ref(), &layout, image.as_ref()]);
    }

    fn pull(&self, way: &Way, fixture: &Fixture) {
        let (tar, image) = (fixture.path().join("pulled.tar"), way.image());
        Self::run(way, &["pull".as_ref(), image.as_ref(), &tar]);
    }
}

pub(super) struct Oras;

impl Oras {
    fn options(access: Access, ca: &Path) -> Vec<String> {
        let texts: &[&str] = match access {
            Access::Tls => return vec![format!("--ca-file={}", ca.display())],
            Access::Plain => &["--plain-http"],
            Access::Tokens => &["--plain-http", "--username", USER, "--password", PASSWORD],
        };
        texts.iter().map(|it| (*it).to_owned()).collect()
    }

    #[track_caller]
    fn push_files(image: &str, options: &[String], fixture: &Fixture) {
        let files = random(2, STEP).into_iter().enumerate();
        let files = files.map(|(number, bytes)| {
            let file = fixture.path().join(format!("part{number}"));
            fs::write(&file, bytes).expect("a file");
            file
        });
        Program::new("oras")
            .args(["push", "--disable-path-validation"])
            .args(options)
            .args([image])
            .args(files)
            .run()
            .ok();
    }
}

impl Client for Oras {
    fn profile(&self) -> &'static str {
        "oras"
    }

    fn seed(&self, registry: &str, access: Access, fixture: &Fixture) {
        let access = match access {
            Access::Tls => Access::Plain,
            access => access,
        };
        let options = Self::options(access, Path::new(""));
        Self::push_files(&format!("{registry}/{IMAGE}"), &options, fixture);
    }

    fn push(&self, way: &Way, fixture: &Fixture) {
        let options = Self::options(way.access, &way.ca());
        Self::push_files(&way.image(), &options, fixture);
    }

    fn pull(&self, way: &Way, fixture: &Fixture) {
        Program::new("oras")
            .args(["pull", "--allow-path-traversal", "--output"])
            .args([fixture.path()])
            .args(Self::options(way.access, &way.ca()))
            .args([way.image()])
            .run()
            .ok();
    }
}

/// A daemon that knows `registry.test` as `::1`: of 127.0.0.1 it would take any certificate.
pub(super) struct OfDocker(Docker);

impl OfDocker {
    pub(super) fn start() -> Self {
        Self(Docker::with_host("::1 registry.test"))
    }

    fn enter(&self, way: &Way) {
        match way.access {
            Access::Plain => {}
            Access::Tls => self.0.trust(&way.host, &way.ca()),
            Access::Tokens => {
                let args = ["login", "--username", USER, "--password-stdin", &way.host];
                self.0.run(args).input(PASSWORD).run().ok();
            }
        }
    }
}

impl Client for OfDocker {
    fn profile(&self) -> &'static str {
        "docker"
    }

    fn name(&self, access: Access) -> Option<&'static str> {
        (access == Access::Tls).then_some("registry.test")
    }

    fn push(&self, way: &Way, fixture: &Fixture) {
        let image = way.image();
        self.0.load(&fixture.docker_archive("img", &image));
        self.enter(way);
        self.0.run(["push", &image]).run().ok();
        self.0.remove(&[&image]);
    }

    fn pull(&self, way: &Way, _: &Fixture) {
        self.enter(way);
        let image = way.image();
        self.0.run(["pull", &image]).run().ok();
        self.0.remove(&[&image]);
    }
}
