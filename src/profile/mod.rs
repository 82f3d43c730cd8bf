//! Client profiles: the request habits of real clients, as data.
//!
//! A [`Profile`] names a client and holds its [`Habits`]. The rooms above read them: `registry` what a single request
//! looks like ([`Wire`], [`TokenHabits`], [`Retry`]), `client` which requests there are and in which order ([`PullHabits`],
//! [`PushHabits`]), `engine` how connections are kept. Nothing here sends anything.
//!
//! What is known of a client comes from recordings of it, or from reading its source; [`Profile::evidence`] says which.

mod accepted;
mod choice;
mod clients;
mod connections;
mod habits;
mod misbehave;
mod wire;

pub use accepted::{Accepted, Statuses};
pub use choice::{EntryUse, IndexChoice, Matching, WithoutPlatform};
pub use connections::ConnectionPolicy;
pub use habits::{
    Checks, ConfigOrder, CopyFetch, CopyHabits, DeleteBy, Habits, LayerOrder, ManifestCheck,
    MountHabits, PullAgain, PullHabits, PushHabits, PushMethod, Resolve, ResolveFallback,
};
pub use misbehave::{Abort, LeaveConnections, LeftAfter, Misbehave, Stall};
pub use wire::{
    Accept, AcceptDescriptor, AcceptForm, Backoff, ChallengeScope, Decoding, MountQuery, Retry,
    RetryAfter, RetryScope, ScopeOrder, TokenForm, TokenHabits, Wire,
};

/// A client whose habits are known.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// The word in scenarios and on the command line.
    pub name: &'static str,
    /// Which clients send these requests.
    pub reproduces: &'static str,
    /// How that is known.
    pub evidence: Evidence,
    /// Whether it has a command that copies from one repository to another.
    pub copies: bool,
    habits: fn() -> Habits,
}

/// How the habits of a client are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Its requests were recorded; tests compare.
    Recorded,
    /// Its source was read.
    Source,
    /// It is no client but the shortest sequence that the specification allows.
    Specification,
}

impl Evidence {
    /// The word in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Source => "source",
            Self::Specification => "specification",
        }
    }
}

impl Profile {
    /// Every profile, in the order of tables.
    pub const ALL: [Self; 10] = clients::ALL;

    /// The profile without a client: what a scenario follows that names none.
    pub const PLAIN: Self = clients::PLAIN;

    /// The profile of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name == name)
    }

    /// What the client does.
    pub fn habits(&self) -> Habits {
        (self.habits)()
    }
}

impl PartialEq for Profile {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Profile {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_and_differ() {
        for profile in Profile::ALL {
            assert_eq!(Profile::named(profile.name), Some(profile));
        }
        assert_eq!(Profile::named("wget"), None);
        assert!(Profile::ALL.contains(&Profile::PLAIN));
    }
}
