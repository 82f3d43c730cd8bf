//! The trace inside the program, made again: a minute of a small registry, drawn from a fixed seed.
//!
//! Clusters poll tags and pull what is new to them, build machines push and the clusters pull that soon after, some ask for
//! signatures and tags that are not there, some leave in the middle.

use std::env;
use std::fs::{self, File};
use std::num::NonZeroU16;
use std::path::Path;
use std::time::Duration;

use regstorm::oci::Operation;
use regstorm::trace::{
    Agent, Lines, Missing, NameTable, Naming, Pseudonym, Reader, Reference, Request, SAMPLE,
    Source, Summary, Timestamp, Writer,
};

use super::log::{NONE, method};

const SEED: u64 = 0x7265_6773_746f_726d;
const SECONDS: f64 = 60.0;
/// 2026-11-24, a Tuesday, at 09:00 UTC.
const BEGIN: u64 = 1_795_510_800_000_000_000;
const REPOSITORIES: u64 = 12;
/// Images of each repository when the minute begins.
const IMAGES: u64 = 2;

/// `SplitMix64`.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        it ^ (it >> 31)
    }

    /// At least 0 and less than 1.
    fn unit(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).unwrap()) / f64::from(u32::MAX)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    fn between(&mut self, least: f64, most: f64) -> f64 {
        least + self.unit() * (most - least)
    }

    /// The first half as often as the second one, and so on: few names have most requests.
    fn popular(&mut self, of: u64) -> u64 {
        let mut it = 0;
        while it + 1 < of && self.unit() < 0.6 {
            it += 1;
        }
        it
    }
}

/// A blob and its size.
type Blob = (Pseudonym, u64);

#[derive(Clone)]
struct Image {
    tag: Pseudonym,
    manifest: Pseudonym,
    size: u64,
    blobs: Vec<Blob>, // the config first
}

/// A client that does one thing in one repository: its requests follow each other.
struct Session<'a> {
    minute: &'a mut Minute,
    client: Pseudonym,
    agent: Agent,
    repository: Pseudonym,
    number: u64,
    at: f64,
}

struct Minute {
    draws: Draws,
    requests: Vec<Request>,
    sessions: u64,
    layers: Vec<Blob>, // that images of several repositories have
}

impl Minute {
    fn name(&mut self) -> Pseudonym {
        Pseudonym::new(self.draws.next())
    }

    /// From some hundred kilobytes to some hundred megabytes, most of them of a few.
    fn layer(&mut self) -> Blob {
        let doublings: u64 = (0..3).map(|_| self.draws.below(4)).sum();
        let least = 250_000 << doublings;
        (self.name(), least + self.draws.below(least))
    }

    fn image(&mut self) -> Image {
        let mut blobs = vec![(self.name(), 2_000 + self.draws.below(8_000))];
        let base = self.draws.popular(4);
        blobs.push(self.layers[usize::try_from(base).unwrap()]);
        for _ in 0..2 + self.draws.below(5) {
            blobs.push(self.layer());
        }
        Image {
            tag: self.name(),
            manifest: self.name(),
            size: 500 + 220 * blobs.len() as u64,
            blobs,
        }
    }

    fn session(&mut self, client: u64, agent: Agent, repository: u64, at: f64) -> Session<'_> {
        self.sessions += 1;
        Session {
            client: Pseudonym::new(1_000 + client),
            agent,
            repository: Pseudonym::new(1 + repository),
            number: self.sessions,
            at,
            minute: self,
        }
    }
}

impl Session<'_> {
    /// Adds a request, which is over before the next one begins.
    fn add(
        &mut self,
        operation: Operation,
        reference: impl Into<Option<Reference>>,
        status: u16,
        (sent, received): (u64, u64),
    ) -> &mut Request {
        let took = self.minute.draws.between(0.001, 0.006) + bytes_time(sent.max(received));
        let start = BEGIN + nanos(self.at);
        self.at += took + self.minute.draws.between(0.000_5, 0.004);
        self.minute.requests.push(Request {
            start: Timestamp::from_nanos(start),
            client: self.client,
            session: self.number,
            method: method(operation),
            operation: Some(operation),
            repository: (operation != Operation::Ping).then_some(self.repository),
            reference: reference.into(),
            upload: None,
            from: None,
            status: NonZeroU16::new(status),
            sent: Some(sent),
            received: Some(received),
            duration: Some(Duration::from_micros(nanos(took) / 1_000)),
            agent: self.agent,
            added: false,
        });
        self.minute.requests.last_mut().unwrap()
    }

    fn poll(&mut self, tag: Pseudonym) {
        self.add(Operation::ManifestHead, Reference::Tag(tag), 200, (0, 0));
    }

    /// Fetches an image of which the first so many blobs are there.
    fn pull(&mut self, image: &Image, there: usize) {
        self.add(Operation::Ping, NONE, 200, (0, 2));
        self.poll(image.tag);
        let manifest = Reference::Digest(image.manifest);
        self.add(Operation::ManifestGet, manifest, 200, (0, image.size));
        for (digest, size) in image.blobs.iter().skip(there) {
            let digest = Reference::Digest(*digest);
            self.add(Operation::BlobGet, digest, 200, (0, *size));
        }
    }

    /// Looks for a signature.
    fn verify(&mut self) {
        let tag = self.minute.name();
        self.add(Operation::ManifestGet, Reference::Tag(tag), 404, (0, 150));
    }

    /// Stores an image of which the base is in another repository.
    fn push(&mut self, image: &Image, from: Pseudonym) {
        self.add(Operation::Ping, NONE, 200, (0, 2));
        for (place, (digest, size)) in image.blobs.iter().enumerate() {
            let digest = Reference::Digest(*digest);
            if place == 1 {
                let mount = self.add(Operation::UploadMount, digest, 201, (0, 0));
                mount.from = Some(from);
                continue;
            }
            self.add(Operation::BlobHead, digest, 404, (0, 0));
            self.add(Operation::UploadStart, NONE, 202, (0, 0));
            let upload = Some(self.minute.name());
            self.add(Operation::UploadPatch, NONE, 202, (*size, 0))
                .upload = upload;
            self.add(Operation::UploadPut, digest, 201, (0, 0)).upload = upload;
        }
        let tag = Reference::Tag(image.tag);
        self.add(Operation::ManifestPut, tag, 201, (image.size, 0));
    }
}

fn nanos(seconds: f64) -> u64 {
    u64::try_from(Duration::from_secs_f64(seconds).as_nanos()).unwrap()
}

/// At 400 MB/s.
fn bytes_time(bytes: u64) -> f64 {
    Duration::from_nanos(bytes * 5 / 2).as_secs_f64()
}

/// Returns the requests in the order of their starts, and the number of sessions.
fn minute() -> (Vec<Request>, u64) {
    let mut minute = Minute {
        draws: Draws(SEED),
        requests: Vec::new(),
        sessions: 0,
        layers: Vec::new(),
    };
    minute.layers = (0..4).map(|_| minute.layer()).collect();
    let images: Vec<Vec<Image>> = (0..REPOSITORIES)
        .map(|_| (0..IMAGES).map(|_| minute.image()).collect())
        .collect();
    polls(&mut minute, &images);
    pulls(&mut minute, &images);
    pushes(&mut minute, &images);
    others(&mut minute, &images);
    let Minute {
        mut requests,
        sessions,
        ..
    } = minute;
    requests.sort_by_key(|it| it.start);
    // Sessions are numbered in the order of their first requests.
    let mut order: Vec<u64> = Vec::new();
    for request in &mut requests {
        let known = order.iter().position(|it| *it == request.session);
        let place = known.unwrap_or_else(|| {
            order.push(request.session);
            order.len() - 1
        });
        request.session = place as u64;
    }
    (requests, sessions)
}

/// Sixty clients look every few seconds whether a tag has moved.
fn polls(minute: &mut Minute, images: &[Vec<Image>]) {
    for client in 0..60 {
        let repository = minute.draws.popular(REPOSITORIES);
        let every = minute.draws.between(3.0, 8.0);
        let mut at = minute.draws.between(0.0, every);
        let tag = images[usize::try_from(repository).unwrap()][0].tag;
        let mut session = minute.session(client, Agent::Containerd, repository, at);
        while at < SECONDS {
            session.at = at;
            session.poll(tag);
            at += every;
        }
    }
}

/// Nodes pull, most of them with a part of the image there.
fn pulls(minute: &mut Minute, images: &[Vec<Image>]) {
    for client in 100..170 {
        let repository = minute.draws.popular(REPOSITORIES);
        let at = minute.draws.between(0.0, SECONDS - 4.0);
        let image = minute.draws.below(IMAGES);
        let image = &images[usize::try_from(repository).unwrap()][usize::try_from(image).unwrap()];
        // Nothing, the base, or all but the last layer is there.
        let there = [0, 2, image.blobs.len() - 1, image.blobs.len()];
        let there = there[usize::try_from(minute.draws.below(4)).unwrap()];
        let agents = [Agent::Docker, Agent::Containerd, Agent::Containers];
        let agent = agents[usize::try_from(minute.draws.below(3)).unwrap()];
        let mut session = minute.session(client, agent, repository, at);
        if agent == Agent::Containers {
            session.verify();
        }
        session.pull(image, there);
    }
}

/// Build machines push, and a few nodes pull that half a minute later.
fn pushes(minute: &mut Minute, images: &[Vec<Image>]) {
    for client in 200..209 {
        let repository = minute.draws.popular(REPOSITORIES);
        let at = minute.draws.between(0.0, SECONDS / 2.0);
        let mut image = minute.image();
        // The base is where it was first: in a repository that has an image with it.
        let has_base = |it: &&Vec<Image>| it[0].blobs.iter().any(|blob| *blob == image.blobs[1]);
        let from = images.iter().position(|it| has_base(&it));
        let from = Pseudonym::new(1 + from.unwrap_or_default() as u64);
        image.blobs.truncate(5);
        let mut session = minute.session(client, Agent::Docker, repository, at);
        session.push(&image, from);
        let pushed = session.at;
        for node in 0..2 {
            let wait = minute.draws.between(12.0, 20.0);
            let at = (pushed + wait).min(SECONDS - 2.0);
            let client = 300 + client * 10 + node;
            let mut session = minute.session(client, Agent::Containerd, repository, at);
            session.add(
                Operation::ManifestGet,
                Reference::Tag(image.tag),
                200,
                (0, image.size),
            );
            for (digest, size) in &image.blobs {
                let digest = Reference::Digest(*digest);
                session.add(Operation::BlobGet, digest, 200, (0, *size));
            }
        }
    }
}

/// Lists, tags that are not there, and clients that leave in the middle.
fn others(minute: &mut Minute, images: &[Vec<Image>]) {
    for client in 500..506 {
        let repository = minute.draws.below(REPOSITORIES);
        let at = minute.draws.between(0.0, SECONDS - 1.0);
        let mut session = minute.session(client, Agent::Other, repository, at);
        session.add(Operation::TagsList, NONE, 200, (0, 120));
    }
    for client in 510..530 {
        let repository = minute.draws.popular(REPOSITORIES);
        let at = minute.draws.between(0.0, SECONDS - 1.0);
        let tag = Reference::Tag(minute.name());
        let mut session = minute.session(client, Agent::Docker, repository, at);
        session.add(Operation::ManifestHead, tag, 404, (0, 0));
    }
    for client in 540..544 {
        let repository = minute.draws.popular(REPOSITORIES);
        let at = minute.draws.between(0.0, SECONDS - 5.0);
        let image = &images[usize::try_from(repository).unwrap()][0];
        let mut cut = image.clone();
        cut.blobs.truncate(2);
        minute
            .session(client, Agent::Docker, repository, at)
            .pull(&cut, 0);
    }
    for client in 550..553 {
        let repository = minute.draws.below(REPOSITORIES);
        let at = minute.draws.between(0.0, SECONDS - 5.0);
        let (_, size) = minute.layer();
        let mut session = minute.session(client, Agent::Docker, repository, at);
        session.add(Operation::UploadStart, NONE, 202, (0, 0));
        let upload = Some(session.minute.name());
        let patch = session.add(Operation::UploadPatch, NONE, 202, (size / 3, 0));
        patch.upload = upload;
    }
}

fn write(path: &Path) {
    let (requests, sessions) = minute();
    let mut writer = Writer::new(File::create(path).unwrap()).unwrap();
    for request in &requests {
        writer.push(request, &NameTable::default()).unwrap();
    }
    let summary = Summary {
        schema: String::new(),
        regstorm: String::new(),
        source: Source {
            formats: vec!["made up, and inside the program".to_owned()],
            ..Source::default()
        },
        requests: 0,
        added: 0,
        sessions,
        sessions_cut: 0,
        session_gap_s: 60,
        first: None,
        last: None,
        naming: Naming::Pseudonyms {
            key: "sample".to_owned(),
        },
        lines: Lines::default(),
        unreadable: Vec::new(),
        missing: Missing::default(),
    };
    writer.finish(summary).unwrap();
}

/// The requests of a trace, and what it says of itself, but for the version of the program that wrote it.
fn read(path: &Path) -> (Summary, Vec<Request>) {
    let reader = Reader::open(path).unwrap();
    let summary = Summary {
        regstorm: String::new(),
        ..reader.summary().clone()
    };
    (summary, reader.map(Result::unwrap).collect())
}

#[test]
fn the_sample_is_what_its_seed_makes() {
    let directory = tempfile::tempdir().unwrap();
    let made = directory.path().join("made.trace");
    write(&made);
    if env::var_os("REGSTORM_UPDATE_DOCS").is_some() {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/trace/sample.trace");
        fs::copy(&made, kept).unwrap();
        return;
    }
    let is_same = read(&made) == read(Path::new(SAMPLE));
    assert!(
        is_same,
        "src/trace/sample.trace is not what this test makes. Update: REGSTORM_UPDATE_DOCS=1 cargo test --test it sample"
    );
}
