//! The registry under test and what it is told about its client.

use url::Url;

use crate::units::{ByteSize, Credentials, Secret};

/// The registry under test.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it is.
    pub place: Place,
    /// Headers that every request carries. Names are valid, unique whatever their case, and as the scenario has them; values
    /// are valid and kept secret.
    pub headers: Vec<(String, Secret)>,
    /// Who asks, should the registry want to know.
    pub credentials: Option<Credentials>,
}

/// Where a registry is.
#[derive(Debug, Clone)]
pub enum Place {
    /// In this process.
    Embedded(Embedded),
    /// At an `http` address without user, query and fragment. The path is what stands before `/v2/`.
    Url(Url),
}

/// The registry in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedded {
    /// What it keeps.
    pub storage: Storage,
    /// The path before `/v2/`: empty, or `/` and a path without a slash at its end.
    pub base_path: String,
    /// What it asks of its clients.
    pub auth: EmbeddedAuth,
    /// The most content that it keeps.
    pub max_bytes: ByteSize,
}

/// What the embedded registry keeps of what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Everything, in memory.
    Memory,
    /// Digests and sizes only, to find out how fast regstorm itself is.
    Sink,
}

/// What the embedded registry asks of its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbeddedAuth {
    /// Nothing.
    Open,
    /// User and password with each request.
    Basic,
    /// A token from its token service.
    Bearer,
}
