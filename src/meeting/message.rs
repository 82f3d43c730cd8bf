//! What host and guests say to each other.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::measure::{Live, Observed};
use crate::oci::Digest;
use crate::plan::Stored;
use crate::result::Document;
use crate::schedule::Shard;

/// The version of what is said. Another one is refused.
pub(super) const PROTOCOL: u32 = 2;

/// The first words of a guest.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) protocol: u32,
    pub(super) nonce: String,
}

/// The first words of a host.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Challenge {
    pub(super) protocol: u32,
    pub(super) nonce: String,
    /// It speaks TLS only, and this was said without.
    #[serde(default)]
    pub(super) tls: bool,
}

/// What a guest says it is, with the proof that it knows the token. The proof is over the text as it is written.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Claim {
    pub(super) proof: String,
    /// An [`Identity`] in JSON.
    pub(super) identity: String,
}

/// What a host says to a claim.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Reply {
    Welcome {
        proof: String,
        /// The number of the run.
        run: u64,
    },
    Refused(Refusal),
}

/// What a shard is and is to do; it must fit what the others are and are to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The part of the run.
    pub part: Part,
    /// The version of regstorm.
    pub version: String,
    /// The plan.
    pub fingerprint: Digest,
    /// The thresholds, which the fingerprint leaves out, as reports name them.
    pub thresholds: Vec<String>,
    /// The machine.
    pub host: String,
}

/// A part of a run, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// From 0.
    pub index: u32,
    /// How many there are.
    pub count: u32,
}

impl From<Shard> for Part {
    fn from(shard: Shard) -> Self {
        Self {
            index: shard.index(),
            count: shard.count(),
        }
    }
}

/// Why a host does not take a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// It speaks another version of this.
    Protocol,
    /// It does not speak TLS, as the host does.
    Tls,
    /// It does not know the token.
    Token,
    /// It is of another version of regstorm.
    Version(String),
    /// It has another plan.
    Plan(String),
    /// It has other thresholds.
    Thresholds,
    /// It is a part of another number of shards, or the host itself.
    Part(Part),
    /// The load has begun, or that shard is lost.
    TooLate,
    /// Another process came for the same shard.
    Replaced,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol => f.write_str("it does not speak as this version of regstorm does"),
            Self::Tls => f.write_str("the first shard has a certificate; name its CA at the others (--meet-ca)"),
            Self::Token => f.write_str("the tokens differ"),
            Self::Version(theirs) => {
                write!(f, "the first shard is regstorm {theirs}; run one version on all shards")
            }
            Self::Plan(theirs) => write!(
                f,
                "the plans differ: that of the first shard is {theirs}; give all shards the same scenario"
            ),
            Self::Thresholds => f.write_str("the thresholds differ; judge all shards by the same"),
            Self::Part(theirs) => write!(
                f,
                "the first shard is {}/{}; give all shards the same number of them, and each its own",
                theirs.index, theirs.count
            ),
            Self::TooLate => f.write_str(
                "the load has begun without this shard; what it should have done is counted as dropped",
            ),
            Self::Replaced => f.write_str("another process came for the same shard"),
        }
    }
}

/// What a host says once a guest is welcome.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FromHost {
    /// Says what time it is there.
    Ping,
    /// The target has the images.
    Prepared,
    /// The load starts at that time of the guest's clock, in nanoseconds.
    Start(u64),
    /// No new iteration begins.
    Drain,
    /// What is under way is dropped.
    Abort,
    /// The report was received: there is nothing more to do.
    Received,
    /// There will be no load, or this shard is lost for it.
    Over(String),
}

/// What a guest says once it is welcome.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FromGuest {
    /// The time here, in nanoseconds of the guest's clock.
    Pong(u64),
    /// The workers are ready.
    Ready,
    /// How far the load has come.
    Live(Box<Snapshot>),
    /// What was measured.
    Ended(Box<Report>),
    /// It did not come to measuring.
    Failed(String),
}

/// How far the load of a shard has come.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub(super) live: Live,
    pub(super) observed: Vec<Observed>,
}

/// What a shard has measured.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) document: Document,
    pub(super) stored: Stored,
    pub(super) panics: u64,
    /// When it was stopped by its own signal, since the load began.
    pub(super) stopped_at: Option<Duration>,
}
