//! How the connections of a client are kept, by its habits.

use crate::profile::{ConnectionPolicy, Habits};
use crate::transport::PoolSettings;

/// The settings of a pool for a client with these habits.
pub fn pool_settings(habits: &Habits) -> PoolSettings {
    PoolSettings {
        keep_alive: habits.connections != ConnectionPolicy::PerRequest,
        limit: match habits.connections {
            ConnectionPolicy::Shared { pool_size } => Some(pool_size),
            _ => None,
        },
        max_idle_per_host: habits.max_idle,
        http: habits.http,
    }
}
