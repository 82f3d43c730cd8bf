//! A registry in a known state, and the recorder in front of it.

use std::cell::{Cell, RefCell};

use super::fixture::Fixture;
use super::recorder::{Habits, Recorder};
use super::trace::Record;
use crate::support::{Flavour, PASSWORD, Recording, Registry, TokenServer, TraceRow, USER, skopeo};

/// Everything that one recording is made with. The state is prepared behind the recorder's back.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) registry: Registry,
    pub(crate) recorder: Recorder,
    /// What a redirecting registry sends clients to; it records too.
    pub(crate) storage: Option<Recorder>,
    /// Whether the registry wants to know who comes.
    closed: bool,
    /// `regstorm record` between the clients and the recorder.
    front: RefCell<Option<Recording>>,
}

thread_local! {
    /// Whether scenes of this thread have `regstorm record` in front.
    static HAS_FRONT: Cell<bool> = const { Cell::new(false) };
}

/// Does something with scenes that have `regstorm record` in front.
pub(crate) fn with_front<T>(run: impl FnOnce() -> T) -> T {
    HAS_FRONT.set(true);
    let done = run();
    HAS_FRONT.set(false);
    done
}

impl Scene {
    pub(crate) fn open() -> Self {
        Self::new(Flavour::Open)
    }

    pub(crate) fn new(flavour: Flavour) -> Self {
        let registry = Registry::start(flavour);
        Self::behind(registry, flavour != Flavour::Open, Habits::default())
    }

    /// A registry that wants tokens of this server.
    pub(crate) fn with_tokens(server: &TokenServer) -> Self {
        Self::behind(Registry::with_tokens(server), true, Habits::default())
    }

    /// A registry with a password that keeps its blobs elsewhere: `localhost`, so that it is another host.
    pub(crate) fn redirecting() -> Self {
        let registry = Registry::start(Flavour::Htpasswd);
        let grant = Habits {
            grant: Some(basic()),
            ..Habits::default()
        };
        let storage = Recorder::start(&registry.host(), grant);
        let habits = Habits {
            redirect: Some(storage.url().replace("127.0.0.1", "localhost")),
            ..Habits::default()
        };
        let mut scene = Self::behind(registry, true, habits);
        scene.storage = Some(storage);
        scene
    }

    fn behind(registry: Registry, closed: bool, habits: Habits) -> Self {
        let recorder = Recorder::start(&registry.host(), habits);
        let front = HAS_FRONT
            .get()
            .then(|| Recording::start(&recorder.url(), &[]));
        Self {
            registry,
            recorder,
            storage: None,
            closed,
            front: RefCell::new(front),
        }
    }

    /// An image as clients name it: through the recorder.
    pub(crate) fn image(&self, image: &str) -> String {
        let front = self.front.borrow();
        let host = front
            .as_ref()
            .map_or_else(|| self.recorder.host(), Recording::host);
        format!("{host}/{image}")
    }

    /// Puts an image there, with the whole index when it is one.
    pub(crate) fn seed(&self, fixture: &Fixture, tag: &str, image: &str) {
        let mut program = skopeo(["copy", "--all", "--dest-tls-verify=false"]);
        if self.closed {
            program = program.args([format!("--dest-creds={USER}:{PASSWORD}")]);
        }
        let target = format!("docker://{}/{image}", self.registry.host());
        program.args([fixture.source(tag), target]).run().ok();
    }

    /// What a client sends meanwhile.
    pub(crate) fn record(&self, run: impl FnOnce()) -> Vec<Record> {
        let before = self.recorder.take();
        run();
        let sent = self.recorder.take();
        if let Some(front) = self.front.take() {
            assert_traced(front, before.iter().chain(&sent));
        }
        sent
    }
}

/// What the recorder saw behind `regstorm record` is what that has written into its trace.
#[track_caller]
fn assert_traced<'a>(front: Recording, seen: impl Iterator<Item = &'a Record>) {
    let mut seen: Vec<_> = seen
        .map(|it| {
            (
                it.method.clone(),
                it.status.unwrap_or(0),
                it.req_body,
                it.resp_body,
            )
        })
        .collect();
    seen.sort();
    let (rows, said) = front.end();
    let row = |it: TraceRow| (it.method.to_owned(), it.status, it.sent, it.received);
    let mut rows: Vec<_> = rows.into_iter().map(row).collect();
    rows.sort();
    assert_eq!(rows, seen, "{said}");
}

/// The `Authorization` of the user whom the registries know.
fn basic() -> String {
    use base64::Engine as _;
    let pair = format!("{USER}:{PASSWORD}");
    let text = base64::engine::general_purpose::STANDARD.encode(pair);
    format!("Basic {text}")
}
