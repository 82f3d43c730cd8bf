//! What several processes cannot share out among each other.

use crate::plan::{Executor, Length, Place, Plan};

/// Why a plan cannot be shared out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unshared {
    /// Every process would have a registry of its own.
    #[error(
        "the target is the embedded registry, which each shard would have for itself; use the address of one registry"
    )]
    Embedded,
    /// Every process would have an upstream of its own.
    #[error("[upstream] is a registry in this process, and each shard would have one for itself")]
    Upstream,
    /// The next trial depends on the last one of all shards.
    #[error(
        "a capacity search has no shards: its next rate depends on what all of them measured; use constant-arrival-rate"
    )]
    Search,
    /// A load begins when another has no more iterations, which is at another moment on each shard.
    #[error(
        "`{load}` starts after `{after}`, which ends with its iterations: at another moment on each shard; let it start after a load that ends by time"
    )]
    Begin {
        /// The load that waits.
        load: String,
        /// The one that it waits for.
        after: String,
    },
}

/// Checks that several processes can do parts of a plan.
///
/// # Errors
/// What speaks against it.
pub fn check_shared(plan: &Plan) -> Result<(), Unshared> {
    if let Place::Embedded(_) = plan.target.place {
        return Err(Unshared::Embedded);
    }
    if plan.upstream.is_some() {
        return Err(Unshared::Upstream);
    }
    let mut loads = plan.loads.iter();
    if loads.any(|load| matches!(load.executor, Executor::CapacitySearch(_))) {
        return Err(Unshared::Search);
    }
    for load in &plan.loads {
        let after = load.begin.after.map(|it| &plan.loads[it]);
        if let Some(after) = after
            && let Length::AtMost(_) = after.executor.length()
        {
            return Err(Unshared::Begin {
                load: load.name.clone(),
                after: after.name.clone(),
            });
        }
    }
    Ok(())
}
