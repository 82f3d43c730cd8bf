//! A registry in a known state, and the recorder in front of it.

use super::fixture::Fixture;
use super::recorder::{Habits, Recorder};
use super::trace::Record;
use crate::support::{Flavour, PASSWORD, Registry, TokenServer, USER, skopeo};

/// Everything that one recording is made with. The state is prepared behind the recorder's back.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) registry: Registry,
    pub(crate) recorder: Recorder,
    /// What a redirecting registry sends clients to; it records too.
    pub(crate) storage: Option<Recorder>,
    /// Whether the registry wants to know who comes.
    closed: bool,
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
        Self {
            registry,
            recorder,
            storage: None,
            closed,
        }
    }

    /// An image as clients name it: through the recorder.
    pub(crate) fn image(&self, image: &str) -> String {
        format!("{}/{image}", self.recorder.host())
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
        drop(before);
        run();
        self.recorder.take()
    }
}

/// The `Authorization` of the user whom the registries know.
fn basic() -> String {
    use base64::Engine as _;
    let pair = format!("{USER}:{PASSWORD}");
    let text = base64::engine::general_purpose::STANDARD.encode(pair);
    format!("Basic {text}")
}
