//! How many iterations a load starts at most.

/// How many iterations a load starts at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// As many as time and rate allow.
    Endless,
    /// So many for each user.
    Each(u64),
    /// So many for all users together: whichever is free takes the next.
    Together(u64),
}
