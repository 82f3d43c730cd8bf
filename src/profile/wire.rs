//! What a single request of a client looks like: its headers, its queries, its tokens, and when it is sent again.

use std::borrow::Cow;
use std::time::Duration;

use crate::units::words;

/// What a single request of a client looks like.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a habit that has nothing to do with the others"
)]
pub struct Wire {
    /// `User-Agent`.
    pub user_agent: Cow<'static, str>,
    /// Does every request to the registry carry `Docker-Distribution-Api-Version: registry/2.0`?
    pub api_version: bool,
    /// The kinds of manifests asked for where only a name is known.
    pub accept: Accept,
    /// What is asked for where a descriptor is known.
    pub accept_descriptor: AcceptDescriptor,
    /// `Accept-Encoding` of every request that is no `HEAD` and asks for no range, those for tokens included.
    pub accept_encoding: Option<Cow<'static, str>>,
    /// `Accept-Encoding` of a `GET` by descriptor, ranges included, where that differs. Each coding of such an answer is
    /// decoded, and one that is unknown is refused, as containerd's fetcher does.
    pub fetch_encoding: Option<Cow<'static, str>>,
    /// Which answers are decoded.
    pub decoding: Decoding,
    /// `Content-Type` of the `POST` that opens an upload session.
    pub start_type: Option<Cow<'static, str>>,
    /// Whether `PATCH`, and `PUT` without a body, carry `Content-Type: application/octet-stream`.
    pub octet_stream: bool,
    /// How a mount is asked for.
    pub mount_query: MountQuery,
    /// Whether a request that follows a redirect names in `Referer` where it came from.
    pub referer: bool,
    /// Redirects that are followed for one request. Go's client gives up at the tenth.
    pub max_redirects: u8,
    /// Can the bytes of a blob be sent a second time: after 307 and 308, and where a peer says over HTTP/2 that it did nothing
    /// for the first? A client that reads them from a stream cannot.
    pub replays_blobs: bool,
    /// Whether a `DELETE` of a manifest carries the same `Accept` as its `GET`.
    pub accept_on_delete: bool,
    /// Entries asked for on each page of a list; `None` leaves that to the registry.
    pub page_size: Option<u32>,
}

impl Default for Wire {
    /// A request as short as the specification allows, for nothing in particular.
    fn default() -> Self {
        Self {
            user_agent: Cow::Borrowed(concat!("regstorm/", env!("CARGO_PKG_VERSION"))),
            api_version: false,
            accept: Accept {
                types: Cow::Borrowed(&[]),
                form: AcceptForm::Lines,
            },
            accept_descriptor: AcceptDescriptor::AsByName,
            accept_encoding: None,
            fetch_encoding: None,
            decoding: Decoding::Known,
            start_type: None,
            octet_stream: true,
            mount_query: MountQuery::FromFirst,
            referer: false,
            max_redirects: GO_REDIRECTS,
            replays_blobs: true,
            accept_on_delete: false,
            page_size: None,
        }
    }
}

/// Go's HTTP client sends a request at most ten times, the first included.
const GO_REDIRECTS: u8 = 9;

/// The kinds of manifests that a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accept {
    /// The media types, in the client's order; empty sends no `Accept`.
    pub types: Cow<'static, [Cow<'static, str>]>,
    /// How they stand in the request.
    pub form: AcceptForm,
}

/// How several media types stand in a request.
///
/// # Spec
/// RFC 9110, 5.3: the forms mean the same, and some registries treat them differently all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptForm {
    /// A line for each.
    Lines,
    /// One line, with this between two of them.
    Joined(&'static str),
}

/// What a client asks for where it knows the descriptor of a manifest or blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptDescriptor {
    /// Nothing for a blob; for a manifest what it asks for where it knows a name only.
    AsByName,
    /// Nothing for a blob; for a manifest its media type.
    ManifestType,
    /// The media type and `*/*`, for manifests and blobs.
    TypeAndAny,
}

/// Which answers with a `Content-Encoding` are decoded. Others are taken as they come.
///
/// # Spec
/// RFC 9110, 8.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoding {
    /// Those whose codings are all known, whether they were asked for or not.
    Known,
    /// Those in one coding that the request has asked for: Go's transport decodes the `gzip` that it asked for, and knows no
    /// other name for it.
    Asked,
}

/// How a mount is asked for.
///
/// # Spec
/// distribution-spec, "Mounting a blob from another repository", end-11.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MountQuery {
    /// `?from=NAME&mount=DIGEST`, escaped.
    FromFirst,
    /// `?mount=DIGEST&from=NAME`, with colon and slashes as they are.
    MountFirst,
    /// `?from=NAME&mount=DIGEST&origin=HOST:PORT`, escaped; the port only where the URL needs one.
    WithOrigin,
}

/// How a client comes by tokens.
///
/// # Spec
/// Docker Registry v2 authentication: "Token Authentication Specification" and "OAuth2 Token Authentication".
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a habit that has nothing to do with the others"
)]
pub struct TokenHabits {
    /// The request that asks for one.
    pub form: TokenForm,
    /// Whether a `GET` with credentials names the user in `account`.
    pub account: bool,
    /// `client_id` of the `POST` form.
    pub client_id: Cow<'static, str>,
    /// In which order pull and push stand in a scope.
    pub scope_order: ScopeOrder,
    /// What becomes of the scope that a challenge names.
    pub challenge_scope: ChallengeScope,
    /// Whether a token that names another repository to mount from is fetched anew for each mount.
    pub token_per_mount: bool,
    /// Whether a token is used for the life of its fetcher where its service sets no end, until it is refused. Else it lives 60 s.
    pub endless_by_default: bool,
    /// Tokens that live shorter are taken to live this long.
    pub shortest_life: Duration,
    /// Whether the step that resolves a name and the one that fetches have tokens, credentials and connections of their own.
    pub resolver_apart: bool,
}

impl Default for TokenHabits {
    /// The older of the two forms, and no token for longer than its service says.
    fn default() -> Self {
        Self {
            form: TokenForm::Get,
            account: true,
            client_id: Cow::Borrowed("regstorm"),
            scope_order: ScopeOrder::PullPush,
            challenge_scope: ChallengeScope::Beyond,
            token_per_mount: false,
            endless_by_default: false,
            shortest_life: Duration::ZERO,
            resolver_apart: false,
        }
    }
}

/// The request that asks for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenForm {
    /// `GET`, with Basic credentials if there are some.
    Get,
    /// With credentials `POST` of an OAuth2 form; `GET` where that is answered 400, 401, 404 or 405, and without
    /// credentials. That a service does not speak `POST` is not remembered, as containerd does not.
    PostFirst,
}

/// In which order pull and push stand in a scope. Token services that compare texts see a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeOrder {
    /// `pull,push`
    PullPush,
    /// `push,pull`
    PushPull,
}

/// What becomes of the scope that a challenge names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeScope {
    /// It is asked for where it goes beyond the client's own.
    Beyond,
    /// That of the first challenge is asked for with every token beside the client's own, as far as the texts differ, in
    /// the order of their letters.
    Always,
}

/// When a client sends a request again. Each time is an exchange of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    /// The most times that one request is sent, 1 to 16; 1 never sends it again.
    pub attempts: u32,
    /// The statuses after which it is.
    pub statuses: Cow<'static, [u16]>,
    /// Statuses after which it is sent once more, but not twice in a row.
    pub once: Cow<'static, [u16]>,
    /// Whether it is sent again after a connection that broke, too.
    pub broken: bool,
    /// Which requests are.
    pub scope: RetryScope,
    /// The pause before it.
    pub backoff: Backoff,
    /// Whether the registry is heeded when it names the time to come back.
    pub retry_after: RetryAfter,
}

/// Which requests are sent again. One whose body was a stream never is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryScope {
    /// None.
    Nothing,
    /// Those without a body.
    WithoutBody,
    /// Those that fetch a blob.
    BlobGets,
}

/// A pause that grows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Backoff {
    /// No pause.
    None,
    /// By the same time each time.
    Linear {
        /// The first pause, and what is added for each that follows.
        step: Duration,
    },
    /// By a factor each time.
    Exponential {
        /// The first pause.
        first: Duration,
        /// What each pause is multiplied by to give the next; at least 1.
        factor: f64,
        /// No pause is longer.
        max: Duration,
    },
}

/// Whether `Retry-After` is heeded.
///
/// # Spec
/// RFC 9110, 10.2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// It is not looked at.
    Ignored,
    /// With 429.
    Throttled,
}

impl Retry {
    /// Nothing is sent again.
    pub const NEVER: Self = Self {
        attempts: 1,
        statuses: Cow::Borrowed(&[]),
        once: Cow::Borrowed(&[]),
        broken: false,
        scope: RetryScope::Nothing,
        backoff: Backoff::None,
        retry_after: RetryAfter::Ignored,
    };
}

impl Backoff {
    /// The pause after the `failed`-th failure, counted from 1.
    pub fn pause(&self, failed: u32) -> Duration {
        match *self {
            Self::None => Duration::ZERO,
            Self::Linear { step } => step.saturating_mul(failed),
            Self::Exponential { first, factor, max } => {
                let exponent = i32::try_from(failed.saturating_sub(1).min(64)).unwrap_or(64);
                let grown = first.as_secs_f64() * factor.powi(exponent);
                Duration::try_from_secs_f64(grown).map_or(max, |pause| pause.min(max))
            }
        }
    }
}

words! { TokenForm {
    "get" => Self::Get,
    "post-first" => Self::PostFirst,
}}

words! { ScopeOrder {
    "pull-push" => Self::PullPush,
    "push-pull" => Self::PushPull,
}}

words! { MountQuery {
    "from-first" => Self::FromFirst,
    "mount-first" => Self::MountFirst,
    "with-origin" => Self::WithOrigin,
}}

words! { AcceptDescriptor {
    "as-by-name" => Self::AsByName,
    "manifest-type" => Self::ManifestType,
    "type-and-any" => Self::TypeAndAny,
}}

words! { Decoding {
    "known" => Self::Known,
    "asked" => Self::Asked,
}}

words! { ChallengeScope {
    "beyond" => Self::Beyond,
    "always" => Self::Always,
}}

words! { RetryScope {
    "nothing" => Self::Nothing,
    "without-body" => Self::WithoutBody,
    "blob-gets" => Self::BlobGets,
}}

words! { RetryAfter {
    "ignored" => Self::Ignored,
    "throttled" => Self::Throttled,
}}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_limit() {
        let backoff = Backoff::Exponential {
            first: Duration::from_secs(2),
            factor: 2.0,
            max: Duration::from_secs(10),
        };
        let pauses: Vec<u64> = (1..=5).map(|it| backoff.pause(it).as_secs()).collect();
        assert_eq!(pauses, [2, 4, 8, 10, 10]);
        assert_eq!(backoff.pause(u32::MAX), Duration::from_secs(10));
        let step = Duration::from_secs(5);
        assert_eq!(Backoff::Linear { step }.pause(3), Duration::from_secs(15));
    }
}
