//! What one virtual user does in one iteration.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::oci::{Platform, PushMethod, RepositoryName, Verify};

/// What one virtual user does from start to end.
#[derive(Debug, Clone)]
pub struct Journey {
    /// The name, unique in the scenario.
    pub name: String,
    /// The image set, an index into [`Scenario::images`](super::Scenario::images).
    pub images: usize,
    /// The repositories of the set start with this. Existing images say themselves where they are.
    pub repository: RepositoryName,
    /// Which image comes next.
    pub pick: Pick,
    /// Blobs of one image in flight at once, 1 to 64.
    pub parallel: NonZeroUsize,
    /// How long a connection is kept and who may use it.
    pub connections: ConnectionPolicy,
    /// The pause between two iterations of a user.
    pub think_time: ThinkTime,
    /// The most time one exchange may take, 1 ms to 6 h.
    pub request_timeout: Duration,
    /// The most time one iteration may take; at least `request_timeout`, at most 24 h.
    pub iteration_timeout: Duration,
    /// What is done.
    pub action: Action,
}

/// Which image of the set an iteration takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pick {
    /// One after the other.
    RoundRobin,
    /// Each with the same chance.
    Random,
    /// By rank: the n-th image with a chance in proportion to `n^-s`; `s` in (0, 10].
    Zipf(f64),
}

/// How long a connection is kept and who may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionPolicy {
    /// Kept alive for the life of the user.
    PerVu,
    /// New for each iteration, as on a node that has just started.
    PerIteration,
    /// New for each request.
    PerRequest,
    /// The users of a worker share one pool, as the containers of a host share its daemon.
    Shared {
        /// Connections of each worker, 1 to 4,096.
        pool_size: NonZeroUsize,
    },
}

/// A pause between two iterations, at most 1 h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThinkTime {
    /// No pause.
    None,
    /// Always the same.
    Fixed(Duration),
    /// Uniform between both; the first is the shorter.
    Uniform(Duration, Duration),
}

/// What a journey does with an image.
#[derive(Debug, Clone)]
pub enum Action {
    /// Takes it from the registry.
    Pull(Pull),
    /// Gives it to the registry.
    Push(Push),
}

/// How an image is pulled.
#[derive(Debug, Clone)]
pub struct Pull {
    /// What is checked of each blob.
    pub verify: Verify,
    /// Which image of an index.
    pub platform: Platform,
}

/// How an image is pushed.
#[derive(Debug, Clone)]
pub struct Push {
    /// How a blob is sent.
    pub method: PushMethod,
    /// Whether a `HEAD` asks for each blob before it is uploaded.
    pub exists_check: bool,
    /// The repository to mount blobs from; never together with `unique`.
    pub mount_from: Option<RepositoryName>,
    /// Whether each iteration sends content that no registry has seen.
    pub unique: bool,
}
