//! The settings of a registry: where it listens, what it stores, how clients authenticate, and how it differs from the
//! specification.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::units::{ByteSize, Secret, words};

use super::Fault;

/// Everything that can be set before a registry starts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Speak TLS, with a certificate made at the start, and HTTP/2 to clients that choose it in the handshake. Without TLS,
    /// HTTP/2 is spoken to clients that begin with its preface.
    pub tls: bool,
    /// Over HTTP/2, the most streams that a client may have open at once.
    pub max_streams: u32,
    /// A path in front of `/v2/`: empty, or such as `/link/to/registry`.
    pub base_path: String,
    /// How blobs are stored.
    pub storage: Storage,
    /// How clients authenticate.
    pub auth: Auth,
    /// The largest manifest; a larger one gets 413.
    pub max_manifest_size: ByteSize,
    /// The most bytes that blobs, open uploads and manifests may hold together; beyond it uploads get 413.
    pub max_bytes: ByteSize,
    /// The most upload sessions open at once; beyond it a new one gets 429.
    pub max_uploads: usize,
    /// How long a client may take to send the head of a request, the first after it has connected included; half as long
    /// again at most.
    pub head_timeout: Duration,
    /// How long a connection may stay open without a request.
    pub idle_timeout: Duration,
    /// How long an upload session may stay untouched before it is forgotten.
    pub upload_idle: Duration,
    /// The most names in one response of a list; a longer list goes on behind a `Link`. At least 1.
    pub page_size: usize,
    /// Announced as `OCI-Chunk-Min-Length`, and enforced: nothing may follow a shorter chunk.
    pub chunk_min_length: Option<ByteSize>,
    /// Deviations from the specification, each one seen on a real registry. Empty: none.
    pub quirks: Vec<Quirk>,
    /// Scripted misbehaviour.
    pub faults: Vec<Fault>,
    /// Count how often each blob is fetched, see [`Running::fetches`](super::Running::fetches).
    pub count_fetches: bool,
    /// Keep a record of the last so many requests, for tests. `None`: keep none.
    pub record_requests: Option<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: false,
            max_streams: 250,
            base_path: String::new(),
            storage: Storage::Memory,
            auth: Auth::Open,
            max_manifest_size: ByteSize::from_mib(4),
            max_bytes: ByteSize::from_mib(4096),
            max_uploads: 10_000,
            head_timeout: Duration::from_secs(30),
            // Longer than the pauses of any user that is likely: real registries keep connections for minutes, or for ever.
            idle_timeout: Duration::from_mins(10),
            upload_idle: Duration::from_mins(10),
            page_size: 1000,
            chunk_min_length: None,
            quirks: Vec::new(),
            faults: Vec::new(),
            count_fetches: false,
            record_requests: None,
        }
    }
}

/// How blobs are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// They are kept in memory.
    Memory,
    /// Bytes are hashed, counted and thrown away; digest and size stay, so that existence checks, mounts and
    /// manifests work. Blobs of at most 64 KiB (configs) are kept whole. A `GET` of a blob that was thrown away
    /// gets 404: made-up bytes would fail every client's digest check, or worse, pass where none is made.
    Sink,
}

words! { Storage {
    "memory" => Self::Memory,
    "sink" => Self::Sink,
}}

impl Storage {
    /// Returns what the registry does with blobs, in a phrase.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Memory => "Keeps blobs in memory",
            Self::Sink => "Keeps digests and sizes only",
        }
    }
}

/// How clients authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthScheme {
    /// They do not.
    Open,
    /// With user and password in each request.
    Basic,
    /// With a token from the registry's token service.
    Bearer,
}

words! { AuthScheme {
    "open" => Self::Open,
    "basic" => Self::Basic,
    "bearer" => Self::Bearer,
}}

impl AuthScheme {
    /// Returns how clients authenticate, in a phrase.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Open => "No authentication",
            Self::Basic => "User and password in each request",
            Self::Bearer => "A token from the registry's token service",
        }
    }

    /// Returns this scheme with its one user. `Open` admits everyone and drops the user.
    pub fn with_user(self, user: String, password: Secret, token_lifetime: Duration) -> Auth {
        match self {
            Self::Open => Auth::Open,
            Self::Basic => Auth::Basic { user, password },
            Self::Bearer => Auth::Bearer {
                user,
                password,
                token_lifetime,
                anonymous_pull: false,
            },
        }
    }
}

/// An [`AuthScheme`] with its user.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Everyone, everything.
    Open,
    /// One user, with name and password in every request.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// One user, with a token for each scope from `<base path>/token`: with `GET`, or with `POST` of a form, by
    /// password or by an identity token that an earlier request for offline access gave.
    Bearer {
        /// The name.
        user: String,
        /// The password.
        password: Secret,
        /// How long a token is good for; shown as whole seconds in `expires_in`.
        token_lifetime: Duration,
        /// `true` if anyone may fetch a token to pull with.
        anonymous_pull: bool,
    },
}

/// One deviation from the specification, or one choice it leaves open, as real registries make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quirk {
    /// A blob sent with the `POST` is thrown away and a session is opened instead (Distribution 2.8): 202, not 201.
    NoSinglePost,
    /// A mount never finds its blob and opens a session instead.
    NoMount,
    /// Every `DELETE` of content gets 405.
    NoDelete,
    /// There is no referrers API (Distribution 2.8): 404, and no `OCI-Subject`.
    NoReferrers,
    /// The token endpoint knows `GET` only; `POST` gets 404 (GCR).
    NoTokenPost,
    /// The token endpoint does not say how long a token is good for.
    NoTokenExpiry,
    /// No `Docker-Content-Digest` on any response.
    NoDigestHeader,
    /// `Location` is a path, not a URL.
    RelativeLocations,
    /// A blob gets 307 to a signed URL of a storage host of its own (Distribution on S3), whose name is another than the
    /// registry's, which refuses requests that carry `Authorization` and records what it receives.
    RedirectBlobs,
    /// A stored manifest whose type is not in `Accept` does not exist (Distribution 2.8 with OCI manifests): 404.
    StrictAccept,
    /// Any bytes of any type are taken for a manifest.
    AnyManifest,
    /// A manifest may name blobs and manifests that are not there.
    SparseManifests,
    /// `PATCH` gets 201 (ECR).
    PatchCreated,
    /// A range of a blob gets all of it: 200.
    NoRanges,
    /// Several ranges of a blob get all of it (storage in S3): 200.
    SeveralRangesWhole,
    /// Several ranges of a blob get 416 (zot 2.1).
    SeveralRangesUnsatisfiable,
    /// Several ranges of a blob get 400 (Google Cloud Storage).
    SeveralRangesBad,
    /// Several ranges of a blob get 501 (the CDN of GitHub).
    SeveralRangesUnsupported,
}
