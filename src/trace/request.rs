//! One request of a trace, and the nouns in it.

use std::fmt;
use std::num::{NonZeroU16, NonZeroU64};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::Timestamp;
use crate::oci::Operation;

/// The pseudonym of a name: 64 bits of a keyed hash. Equal names have equal pseudonyms within a trace, and in all traces
/// that were made with the same key. Shown as 16 hexadecimal digits.
///
/// Two names of ten million have the same pseudonym with a probability of 1 in 370,000.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pseudonym(NonZeroU64);

impl Pseudonym {
    /// Makes a pseudonym of a hash. Zero, which has no pseudonym, becomes one.
    pub fn new(hash: u64) -> Self {
        Self(NonZeroU64::new(hash).unwrap_or(NonZeroU64::MIN))
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A request of a client, as far as its log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// When the registry received it.
    pub start: Timestamp,
    /// Who sent it: an address, with a user and a program where the log has them.
    pub client: Pseudonym,
    /// Which session it is part of: requests of one client to one repository, without a long pause between them.
    /// Numbered from 0 in the order of their first requests.
    pub session: u64,
    /// The method.
    pub method: Method,
    /// The endpoint; `None` if no endpoint of the specification has that method and path.
    pub operation: Option<Operation>,
    /// The repository; `None` if the endpoint is of none.
    pub repository: Option<Pseudonym>,
    /// The tag or digest that the request names.
    pub reference: Option<Reference>,
    /// The upload session that the request is part of.
    pub upload: Option<Pseudonym>,
    /// The repository that a blob was to be mounted from.
    pub from: Option<Pseudonym>,
    /// The status of the response; `None` if there was none, or the log does not tell.
    pub status: Option<NonZeroU16>,
    /// Bytes of the request's body; `None` if the log does not tell.
    pub sent: Option<u64>,
    /// Bytes of the response's body; `None` if the log does not tell.
    pub received: Option<u64>,
    /// How long the registry took, to the end of the response; `None` if the log does not tell.
    pub duration: Option<Duration>,
    /// The program that sent it.
    pub agent: Agent,
    /// Returns `true` if the log lacks it: the import has put it back.
    pub added: bool,
}

/// What a request names within its repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reference {
    /// A tag.
    Tag(Pseudonym),
    /// A digest, of a manifest or a blob.
    Digest(Pseudonym),
}

impl Reference {
    /// The pseudonym of either.
    pub const fn pseudonym(self) -> Pseudonym {
        match self {
            Self::Tag(name) | Self::Digest(name) => name,
        }
    }
}

/// Makes an enum of words, each with its name. The order is that of the numbers in a file: new ones come last.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $word:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$of])* #[serde(rename = $text)] $word),+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$word),+];

            /// The name in reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$word => $text),+ }
            }

            /// The position in [`Self::ALL`].
            pub const fn index(self) -> usize {
                self as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

words! {
    /// A method of HTTP.
    Method {
        /// GET.
        Get = "GET",
        /// HEAD.
        Head = "HEAD",
        /// PUT.
        Put = "PUT",
        /// POST.
        Post = "POST",
        /// PATCH.
        Patch = "PATCH",
        /// DELETE.
        Delete = "DELETE",
        /// Any other.
        Other = "other",
    }
}

impl Method {
    /// Returns the method of that name.
    pub fn of(name: &str) -> Self {
        match name {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "PUT" => Self::Put,
            "POST" => Self::Post,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            _ => Self::Other,
        }
    }
}

words! {
    /// A client program, by the first word of its `User-Agent`.
    Agent {
        /// None that is known, or the log does not tell.
        Unknown = "unknown",
        /// Docker.
        Docker = "docker",
        /// containerd.
        Containerd = "containerd",
        /// The containers/image library: podman, buildah, skopeo, CRI-O.
        Containers = "containers",
        /// BuildKit.
        Buildkit = "buildkit",
        /// go-containerregistry: crane, ko, kaniko.
        Crane = "go-containerregistry",
        /// oras.
        Oras = "oras",
        /// regclient: regctl, regsync.
        Regclient = "regclient",
        /// Helm.
        Helm = "helm",
        /// Harbor, as it replicates.
        Harbor = "harbor",
        /// A browser.
        Browser = "browser",
        /// regstorm.
        Regstorm = "regstorm",
        /// curl.
        Curl = "curl",
        /// Another program.
        Other = "other",
    }
}

impl Agent {
    /// Returns the program that a `User-Agent` names.
    pub fn of(user_agent: &str) -> Self {
        let product = user_agent.split(['/', ' ']).next().unwrap_or_default();
        match product {
            "" | "-" => Self::Unknown,
            "docker" | "Docker-Client" => Self::Docker,
            "containerd" => Self::Containerd,
            "containers" | "skopeo" | "podman" | "Buildah" | "buildah" | "cri-o" | "libpod" => {
                Self::Containers
            }
            "buildkit" => Self::Buildkit,
            "go-containerregistry" | "crane" | "ko" | "kaniko" | "cosign" => Self::Crane,
            "oras" | "oras-go" => Self::Oras,
            "regclient" | "regctl" | "regsync" | "regbot" => Self::Regclient,
            "Helm" | "helm" => Self::Helm,
            "harbor-registry-client" | "harbor" => Self::Harbor,
            "Mozilla" => Self::Browser,
            "regstorm" => Self::Regstorm,
            "curl" => Self::Curl,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_known_by_their_first_word() {
        for (text, wanted) in [
            (
                "docker/24.0.7 go/go1.20.10 UpstreamClient(Docker)",
                Agent::Docker,
            ),
            ("containerd/v1.7.2", Agent::Containerd),
            (
                "containers/5.29.2 (github.com/containers/image)",
                Agent::Containers,
            ),
            ("go-containerregistry/v0.20.2", Agent::Crane),
            ("-", Agent::Unknown),
            ("", Agent::Unknown),
            ("Wget/1.21", Agent::Other),
        ] {
            assert_eq!(Agent::of(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_word_is_at_its_position() {
        for (index, agent) in Agent::ALL.iter().enumerate() {
            assert_eq!(agent.index(), index);
        }
        for method in Method::ALL.iter().take(6) {
            assert_eq!(Method::of(method.name()), *method);
        }
    }
}
