//! regstorm as each client against that client's recordings.

use std::fs;

use super::aligned::{renew, scale_ranges, without_config};
use super::compare::{assert_same, token_difference};
use super::fixture::{Fixture, STEP, random};
use super::rows::{Access, Act, Image, NOT_REPLAYED, ROWS, Row};
use super::scene::Scene;
use super::side_by_side;
use super::trace::{Record, read, recording, recordings, wanted};
use crate::support::{
    Granting, PASSWORD, Program, TokenRequest, TokenServer, USER, regstorm, run_to, skopeo,
};

/// What a row needs besides its scene.
struct Case<'a> {
    row: &'a Row,
    scene: Scene,
    tokens: Option<TokenServer>,
    fixture: Fixture,
}

/// `REGSTORM_REPLAY=TEXT` in the environment runs only the rows whose names contain the text.
#[test]
fn regstorm_sends_what_the_clients_sent() {
    let text = wanted().unwrap_or_default();
    let rows: Vec<&Row> = ROWS.iter().filter(|it| it.name.contains(&text)).collect();
    side_by_side(&rows, |row| row.name, |row| check(row));
}

/// Every recording is replayed, or it is said why not.
#[test]
fn every_recording_has_a_row_or_a_reason() {
    for entry in fs::read_dir(recordings()).expect("recordings") {
        let file = entry.expect("an entry").file_name().into_string();
        let file = file.expect("a plain name");
        let Some(name) = file.strip_suffix(".jsonl") else {
            continue;
        };
        let name = name.split('.').next().expect("a first part");
        let row = ROWS.iter().filter(|row| row.name == name).count();
        let reason = NOT_REPLAYED
            .iter()
            .any(|(start, _)| name.starts_with(start));
        assert!(row == 1 || reason, "{name}: {row} rows");
    }
    for row in ROWS {
        assert!(!recording(row.name).is_empty(), "{}", row.name);
    }
}

#[track_caller]
fn check(row: &Row) {
    let case = Case::prepare(row);
    if let Some(tokens) = &case.tokens {
        tokens.take();
    }
    let mut sent = case.run();
    let mut recorded = recording(row.name);
    recorded.retain(|it| !row.left_out.contains(&it.seq));
    if row.whole {
        sent = without_config(&sent);
    }
    if let Act::PullParts {
        recorded: was,
        scaled: is,
    } = row.act
    {
        scale_ranges(&mut recorded, was, is);
        // Whether the registry still writes when the client drops the connection depends on sizes and buffers.
        for record in recorded.iter_mut().chain(&mut sent) {
            record.error = None;
        }
    }
    for (name, value) in row.instead {
        renew(&mut recorded, name, value);
    }
    assert_same(row.name, &recorded, &sent, row.limits);
    if let Some(tokens) = &case.tokens {
        let file = recordings().join(format!("{}.token-server.jsonl", row.name));
        let mut recorded: Vec<TokenRequest> = read(&file);
        if !row.left_out.is_empty() {
            // The token for the source of a copy is not asked for by who has it already.
            recorded.retain(|it| it.params["scope"].iter().any(|it| it.contains("push")));
        }
        let mut asked = tokens.take();
        if row.act == Act::Copy {
            // What prepares the run is no client.
            asked.retain(|it| it.ua == recorded[0].ua);
        }
        let found = token_difference(&recorded, &asked);
        assert!(
            found.is_empty(),
            "{}: tokens\n{}",
            row.name,
            found.join("\n")
        );
    }
    if let Some(storage) = &case.scene.storage {
        let recorded = recording(&format!("{}.storage-host", row.name));
        let fetched = storage.take();
        let name = format!("{}, the storage", row.name);
        assert_same(&name, &recorded, &fetched, row.limits);
        assert!(
            fetched
                .iter()
                .all(|it| it.header("Authorization").is_none()),
            "{name}"
        );
    }
}

impl<'a> Case<'a> {
    fn prepare(row: &'a Row) -> Self {
        let tokens = match row.access {
            Access::Tokens { post } => Some(post),
            Access::Anonymous => Some(false),
            _ => None,
        };
        let tokens = tokens.map(|post| {
            TokenServer::start(Granting {
                post,
                ..Granting::default()
            })
        });
        let scene = match (row.access, &tokens) {
            (_, Some(server)) => Scene::with_tokens(server),
            (Access::Password, _) => Scene::new(crate::support::Flavour::Htpasswd),
            (Access::Redirect, _) => Scene::redirecting(),
            _ => Scene::open(),
        };
        let fixture = match row.image {
            Image::Layers(layers) | Image::Docker(layers) => Fixture::new(layers),
            Image::Repeated => Fixture::repeated(),
            Image::Index => Fixture::index(2),
        };
        Self {
            row,
            scene,
            tokens,
            fixture,
        }
    }

    /// The name of the image in the layout.
    fn tag(&self) -> &'static str {
        if self.row.image == Image::Index {
            "multi"
        } else {
            "img"
        }
    }

    /// Puts the image there behind the recorder; who asked for a token meanwhile does not count.
    fn seed(&self, image: &str) {
        self.put(image);
        if let Some(tokens) = &self.tokens {
            tokens.take();
        }
    }

    fn put(&self, image: &str) {
        if let Image::Docker(_) = self.row.image {
            let target = format!("docker://{}/{image}", self.scene.registry.host());
            let mut program = skopeo(["copy", "--format=v2s2", "--dest-tls-verify=false"]);
            if self.row.access != Access::Open {
                program = program.args([format!("--dest-creds={USER}:{PASSWORD}")]);
            }
            program
                .args([self.fixture.source("img"), target])
                .run()
                .ok();
        } else {
            self.scene.seed(&self.fixture, self.tag(), image);
        }
    }

    fn run(&self) -> Vec<Record> {
        let name = "team/six:v1";
        match self.row.act {
            Act::Push => self.scene.record(|| self.push(name, &[])),
            Act::PushThere => {
                self.seed(name);
                self.scene.record(|| self.push(name, &[]))
            }
            Act::PushSome => {
                let mut fixture = Fixture::empty();
                let layers = random(6, STEP);
                fixture.add("img", "amd64", &layers);
                fixture.add("base", "amd64", &layers[..2].to_vec());
                self.scene.seed(&fixture, "base", "team/six:base");
                self.scene.record(|| self.push_from(&fixture, name, &[]))
            }
            Act::Mount { gone } => self.mount(gone),
            Act::MountThere => self.mount_there(),
            Act::Copy => {
                let layout = self.fixture.layout();
                let images = format!("source = \"archive\"\npath = \"{}\"", layout.display());
                self.iterations(&images, "action = \"copy\"\nto = \"other\"", 1)
            }
            Act::PushBlobsThere => self.push_blobs_there(name),
            Act::PushAgain => self.second("push"),
            Act::PushNewTag { known } => {
                if known {
                    // By regstorm itself: its blobs must be those of the second push.
                    self.push(name, &[]);
                } else {
                    self.seed(name);
                }
                let options: &[&str] = if known { &["--known"] } else { &[] };
                self.scene.record(|| self.push("team/six:v2", options))
            }
            Act::Pull => {
                self.seed(name);
                self.scene.record(|| self.pull(name, 0))
            }
            Act::PullParts { scaled, .. } => {
                self.seed(name);
                let part_size = format!("{scaled}B");
                let options = ["--part-size", &part_size];
                self.scene.record(|| self.pull_with(name, &options, 0))
            }
            Act::Journey(lines) => {
                self.seed(name);
                let images = format!("source = \"existing\"\nreferences = [\"{name}\"]");
                self.iterations(&images, lines, 1)
            }
            Act::Delete => {
                let layout = self.fixture.layout();
                let images = format!("source = \"archive\"\npath = \"{}\"", layout.display());
                let mut sent = self.iterations(&images, "action = \"delete\"", 1);
                let stored = sent.remove(0);
                assert_eq!((stored.method.as_str(), stored.status), ("PUT", Some(201)));
                renumbered(sent)
            }
            Act::PullByDigest => {
                self.seed(name);
                let name = format!("team/six@{}", self.fixture.digest(self.tag()));
                self.scene.record(|| self.pull(&name, 0))
            }
            Act::PullMissing => {
                self.seed(name);
                // The exit code of what the registry refuses.
                self.scene.record(|| self.pull("team/six:nope", 1))
            }
            Act::PullAgain => {
                self.seed(name);
                self.pull(name, 0);
                self.scene.record(|| self.pull(name, 0))
            }
        }
    }

    fn mount(&self, gone: bool) -> Vec<Record> {
        // By regstorm itself: its blobs must be those of the second push.
        self.push("team/six:v1", &[]);
        if gone {
            self.scene.registry.forget("team/six");
        }
        if let Some(tokens) = &self.tokens {
            tokens.take();
        }
        let from = ["--mount-from", "team/six"];
        self.scene.record(|| self.push("other/six:v1", &from))
    }

    fn mount_there(&self) -> Vec<Record> {
        let from = ["--mount-from", "team/six"];
        self.push("team/six:v1", &[]);
        self.push("other/six:v1", &from);
        self.scene.record(|| self.push("other/six:v2", &from))
    }

    fn push_blobs_there(&self, name: &str) -> Vec<Record> {
        self.seed(name);
        let seeded = format!("docker://{}/{name}", self.scene.registry.host());
        skopeo(["delete", "--tls-verify=false", &seeded]).run().ok();
        self.scene.record(|| self.push(name, &[]))
    }

    fn signed(&self, program: Program) -> Program {
        match self.row.access {
            Access::Open | Access::Anonymous => program,
            _ => program.args(["--user", USER]),
        }
    }

    fn push(&self, name: &str, options: &[&str]) {
        self.push_from(&self.fixture, name, options);
    }

    #[track_caller]
    fn push_from(&self, fixture: &Fixture, name: &str, options: &[&str]) {
        let source = if let Image::Docker(_) = self.row.image {
            fixture.docker_archive("img", "lab/six:1")
        } else {
            fixture.layout()
        };
        let mut program = regstorm(["push", "--client", self.row.profile])
            .args(options)
            .args([
                source.as_os_str(),
                self.scene.recorder.url().as_ref(),
                name.as_ref(),
            ]);
        if !matches!(self.row.image, Image::Docker(_)) {
            program = program.args(["--reference", self.tag()]);
        }
        self.signed(program).run().ok();
    }

    #[track_caller]
    fn pull(&self, name: &str, code: i32) {
        self.pull_with(name, &[], code);
    }

    #[track_caller]
    fn pull_with(&self, name: &str, options: &[&str], code: i32) {
        let dir = self.fixture.path().join("pulled");
        let program = regstorm(["pull", "--client", self.row.profile])
            .args(options)
            .args([&self.scene.recorder.url(), name])
            .args([&dir]);
        let finished = self.signed(program).run();
        assert_eq!(finished.code() == 0, code == 0, "{finished}");
    }

    /// The second of two iterations of one user, which knows what the first one did.
    fn second(&self, action: &str) -> Vec<Record> {
        let archive = self.fixture.docker_archive("img", "lab/six:1");
        let images = format!("source = \"archive\"\npath = \"{}\"", archive.display());
        let journey = format!("action = \"{action}\"\ncache = \"warm\"");
        let mut sent = self.iterations(&images, &journey, 2);
        let first = (sent[0].method.clone(), sent[0].path.clone());
        let again = sent
            .iter()
            .rposition(|it| (it.method.clone(), it.path.clone()) == first);
        renumbered(sent.split_off(again.expect("a second iteration")))
    }

    /// What the client of one user sends in so many iterations of a journey.
    #[track_caller]
    fn iterations(&self, images: &str, journey: &str, iterations: u32) -> Vec<Record> {
        let auth = match self.row.access {
            Access::Open | Access::Anonymous => String::new(),
            _ => format!("auth = {{ username = \"{USER}\", password = \"{PASSWORD}\" }}"),
        };
        let scenario = format!(
            r#"
name = "replay"
[target]
url = "http://127.0.0.1:1"
{auth}
[images.img]
{images}
[journey.j]
{journey}
images = "img"
client = "{}"
[[load]]
journey = "j"
executor = "per-vu-iterations"
vus = 1
iterations = {iterations}
[audit]
sample = "none"
"#,
            self.row.profile
        );
        let url = self.scene.recorder.url();
        let mut sent = self.scene.record(|| drop(run_to(&[0], &scenario, &url)));
        // What prepares the run is no client.
        let agent = |it: &Record| it.header("User-Agent").cloned();
        let client = sent.last().and_then(agent);
        sent.retain(|it| agent(it) == client);
        renumbered(sent)
    }
}

/// The same requests, counted from 1.
fn renumbered(mut records: Vec<Record>) -> Vec<Record> {
    for (seq, record) in (1..).zip(&mut records) {
        record.seq = seq;
    }
    records
}
