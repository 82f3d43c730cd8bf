//! What a run has put into a registry, for a clean-up that comes later or is made by another process.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::oci::{Digest, RepositoryName};

/// What a run, or one shard of it, has put into a registry: with the plan it is enough to delete it.
///
/// What iterations have pushed is not listed. It follows from the plan, the run and the number of the iteration, and is drawn
/// again; only which iterations have stored something is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Stored {
    /// What was in the registry before the run, as far as the run might store the same: clean-up spares it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<StoredContent>,
    /// What was put there before the load.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seeded: Vec<StoredContent>,
    /// The iterations that have stored something, or may have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub iterations: Vec<StoredIterations>,
}

/// Content of one repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoredContent {
    /// The repository.
    pub repository: RepositoryName,
    /// Manifests, an index before its images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub manifests: Vec<Digest>,
    /// Blobs, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blobs: Vec<Digest>,
}

/// Iterations of one load that have stored something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoredIterations {
    /// The load's place in the plan.
    pub load: usize,
    /// Which of several loads against one target; 0 where there is one only.
    #[serde(default)]
    pub trial: u32,
    /// Whose they are.
    pub of: IterationsOf,
    /// Their numbers: of each run of successive ones the first, and how many.
    pub numbers: Vec<(u64, u64)>,
    /// In the same way those of them with a request that was cut off before the response: the registry may store it later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<(u64, u64)>,
}

/// Who numbers iterations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IterationsOf {
    /// A closed user, counted over all loads: its own, from 0.
    User(u64),
    /// The load: number `i` stands for `lane` + `i` times `lanes`.
    Load {
        /// The number of the first.
        lane: u64,
        /// From one to the next.
        lanes: u64,
    },
}

impl Stored {
    /// Returns `true` if there is nothing to delete.
    pub fn is_empty(&self) -> bool {
        self.seeded.is_empty() && self.iterations.is_empty()
    }
}
