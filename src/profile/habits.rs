//! What a client does: which requests a pull and a push are made of, and in which order.

use std::num::NonZeroUsize;

use super::accepted::Accepted;
use super::choice::IndexChoice;
use super::connections::ConnectionPolicy;
use super::misbehave::Misbehave;
use super::wire::{Retry, TokenHabits, Wire};
use crate::exchange::HttpVersion;
use crate::units::{ByteSize, words};

/// All that is particular to a client.
#[derive(Debug, Clone, PartialEq)]
pub struct Habits {
    /// What a single request looks like.
    pub wire: Wire,
    /// How tokens are come by.
    pub token: TokenHabits,
    /// What is sent again, and when.
    pub retry: Retry,
    /// Which statuses are a success beside those of the specification.
    pub accepted: Accepted,
    /// Whether an operation begins with a ping.
    pub ping: bool,
    /// How long a connection is kept.
    pub connections: ConnectionPolicy,
    /// The most connections to one address kept open while nothing uses them; `None` keeps all.
    pub max_idle: Option<NonZeroUsize>,
    /// The version of HTTP.
    pub http: HttpVersion,
    /// What a pull does.
    pub pull: PullHabits,
    /// What a push does.
    pub push: PushHabits,
    /// What a copy is made of.
    pub copy: CopyHabits,
    /// What is named when a manifest is to be deleted.
    pub delete: DeleteBy,
    /// What it does that no client should.
    pub misbehave: Misbehave,
}

/// What a pull does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PullHabits {
    /// How a tag becomes a manifest.
    pub resolve: Resolve,
    /// Whether a digest is asked for by `HEAD`, too, although it names its manifest already.
    pub resolve_digest: bool,
    /// When the config is fetched.
    pub config: ConfigOrder,
    /// Layers in flight at once, 1 to 64. A config that is fetched beside them comes on top.
    pub parallel: NonZeroUsize,
    /// What a pull leaves out of an image that is here already.
    pub again: PullAgain,
    /// How the image for a platform is found in an index.
    pub choice: IndexChoice,
    /// The size of the parts in which a layer is fetched by ranges without an end; `None` fetches it whole.
    pub part_size: Option<ByteSize>,
}

impl Default for PullHabits {
    /// The shortest sequence that is correct.
    fn default() -> Self {
        Self {
            resolve: Resolve::Get,
            resolve_digest: false,
            config: ConfigOrder::Among,
            parallel: NonZeroUsize::new(3).expect("3 is not 0"),
            again: PullAgain::Blobs,
            choice: IndexChoice::PLAIN,
            part_size: None,
        }
    }
}

/// How a tag becomes a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolve {
    /// `GET` by the tag.
    Get,
    /// `HEAD` by the tag, then `GET` by the digest that it tells.
    Head(ResolveFallback),
}

/// When a `HEAD` that resolves nothing is followed by a `GET` of the tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResolveFallback {
    /// After any refusal, and where the digest is missing.
    Refused,
    /// Where the method is not allowed or the digest is missing.
    NotAllowed,
}

/// When the config of an image is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigOrder {
    /// Before the layers.
    First,
    /// With them, as the first of them and within their limit.
    Among,
    /// Beside them, and outside their limit.
    Beside,
    /// After them.
    Last,
}

/// What a pull leaves out of an image that is here already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullAgain {
    /// Nothing: everything is fetched once more.
    Nothing,
    /// The layers.
    Layers,
    /// Every blob.
    Blobs,
    /// All that comes after the name is resolved.
    Everything,
}

/// What a push does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a habit that has nothing to do with the others"
)]
pub struct PushHabits {
    /// When the registry is asked whether it has the manifest, and what follows if so.
    pub manifest_check: ManifestCheck,
    /// How often the registry is asked for a layer before it is uploaded.
    pub layer_checks: Checks,
    /// Whether a layer that is not compressed yet is compressed while it is sent. Then it is asked for by the digest that it has before, and
    /// sent without its length.
    pub packs_late: bool,
    /// The same for the config.
    pub config_checks: Checks,
    /// What a mount is made of, where there is a repository to mount from.
    pub mount: MountHabits,
    /// How the bytes of a layer are sent.
    pub method: PushMethod,
    /// How those of a config are.
    pub config_method: PushMethod,
    /// Whether an uploaded blob is asked for by `HEAD`.
    pub commit_check: bool,
    /// Whether the config is uploaded after the layers, and not among them.
    pub config_last: bool,
    /// Which layer is first.
    pub layers: LayerOrder,
    /// Whether the blobs of all images of an index are uploaded before the first of their manifests is stored.
    pub blobs_before_manifests: bool,
    /// Blobs in flight at once, 1 to 64.
    pub parallel: NonZeroUsize,
}

impl Default for PushHabits {
    /// The shortest sequence that is correct and sends nothing twice.
    fn default() -> Self {
        Self {
            manifest_check: ManifestCheck::Never,
            layer_checks: Checks::Once,
            packs_late: false,
            config_checks: Checks::Once,
            mount: MountHabits::default(),
            method: PushMethod::Patch,
            config_method: PushMethod::Patch,
            commit_check: false,
            config_last: false,
            layers: LayerOrder::BottomFirst,
            blobs_before_manifests: false,
            parallel: NonZeroUsize::new(5).expect("5 is not 0"),
        }
    }
}

/// What a copy is made of, beside the manifest that is resolved as for a pull, and the requests of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyHabits {
    /// Whether blobs are mounted from the repository that they are copied from, without an option of the user.
    pub mounts: bool,
    /// When a blob that is not mounted is asked for, to be sent on while it arrives.
    pub fetch: CopyFetch,
    /// Blobs in flight at once, 1 to 64.
    pub parallel: NonZeroUsize,
    /// Whether the manifest is fetched once more, from where it was stored.
    pub reads_back: bool,
}

impl Default for CopyHabits {
    /// Nothing is sent that need not be.
    fn default() -> Self {
        Self {
            mounts: true,
            fetch: CopyFetch::BeforeSession,
            parallel: NonZeroUsize::new(5).expect("5 is not 0"),
            reads_back: false,
        }
    }
}

/// When a blob is asked for that is sent on while it arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyFetch {
    /// Before the target is asked for it the last time.
    BeforeLastCheck,
    /// After that, before there is an upload session.
    BeforeSession,
    /// When there is a session.
    IntoSession,
}

/// What is named when a manifest is to be deleted.
///
/// # Spec
/// distribution-spec, "Deleting tags", "Deleting Manifests", end-9: many registries refuse a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteBy {
    /// The digest that the tag points at, which the registry is asked for first, as for a pull.
    Resolved,
    /// The digest, which the user gives.
    Digest,
    /// The tag.
    Tag,
}

/// When a push asks for the manifest that it is about to store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestCheck {
    /// Never.
    Never,
    /// By the name, before anything else; the push is over if the registry has the very manifest.
    First,
    /// By the digest, before anything else, with the `Accept` of a request by name; if the registry has it, only the
    /// tag is set.
    FirstByDigest,
    /// Just before it is stored; it is not stored if the registry has the very manifest.
    BeforePut,
}

/// How often the registry is asked for a blob before it is uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checks {
    /// Never.
    Never,
    /// Once, if the client has seen the blob in that repository.
    Known,
    /// Once.
    Once,
    /// Until the registry says that it is there, at most twice.
    Twice,
}

/// What a mount is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a habit that has nothing to do with the others"
)]
pub struct MountHabits {
    /// Whether the config is mounted as the layers are.
    pub config: bool,
    /// Whether the registry is pinged once more just before the first mount.
    pub ping: bool,
    /// Whether the other repository is asked for the blob first.
    pub check_source: bool,
    /// Whether a mounted blob is asked for by `HEAD`.
    pub check_mounted: bool,
    /// Whether the session that a registry opens instead of mounting is used for the upload. Else it is cancelled.
    pub use_session: bool,
}

impl Default for MountHabits {
    /// No mount is more than its request.
    fn default() -> Self {
        Self {
            config: true,
            ping: false,
            check_source: false,
            check_mounted: false,
            use_session: true,
        }
    }
}

/// Which layer of an image is uploaded first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerOrder {
    /// The bottom one.
    BottomFirst,
    /// The top one.
    TopFirst,
}

/// The requests that carry a blob into a registry.
///
/// # Spec
/// distribution-spec, "Pushing blobs".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushMethod {
    /// One `POST` with everything. A registry that answers 202 gets the bytes by `PUT`.
    Post,
    /// `POST`, then `PUT` with everything.
    Put,
    /// `POST`, one `PATCH` with everything and its length, then `PUT` without a body.
    Patch,
    /// The same with chunked transfer encoding, as a client that does not know the length.
    PatchChunked,
    /// `POST`, a `PATCH` for each range of this size (or of what the registry needs at least), then `PUT` without a
    /// body.
    Chunks {
        /// The size of each chunk but the last, 1 KiB to 5 GiB.
        size: ByteSize,
    },
}

words! { Resolve {
    "get" => Self::Get,
    "head" => Self::Head(ResolveFallback::Refused),
    "head-only" => Self::Head(ResolveFallback::NotAllowed),
}}

words! { ConfigOrder {
    "first" => Self::First,
    "among" => Self::Among,
    "beside" => Self::Beside,
    "last" => Self::Last,
}}

words! { PullAgain {
    "nothing" => Self::Nothing,
    "layers" => Self::Layers,
    "blobs" => Self::Blobs,
    "everything" => Self::Everything,
}}

words! { ManifestCheck {
    "never" => Self::Never,
    "first" => Self::First,
    "first-by-digest" => Self::FirstByDigest,
    "before-put" => Self::BeforePut,
}}

words! { Checks {
    "never" => Self::Never,
    "known" => Self::Known,
    "once" => Self::Once,
    "twice" => Self::Twice,
}}

words! { CopyFetch {
    "before-last-check" => Self::BeforeLastCheck,
    "before-session" => Self::BeforeSession,
    "into-session" => Self::IntoSession,
}}

words! { DeleteBy {
    "resolved" => Self::Resolved,
    "digest" => Self::Digest,
    "tag" => Self::Tag,
}}

words! { LayerOrder {
    "bottom-first" => Self::BottomFirst,
    "top-first" => Self::TopFirst,
}}
