//! Which statuses a client takes for success beside those of the specification.

use std::borrow::Cow;

/// Statuses, as ranges with both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statuses(Cow<'static, [(u16, u16)]>);

impl Statuses {
    /// No status.
    pub const NONE: Self = Self::of(&[]);

    /// Those of these ranges.
    pub const fn of(ranges: &'static [(u16, u16)]) -> Self {
        Self(Cow::Borrowed(ranges))
    }

    /// Returns `true` if the status is in one of the ranges.
    pub fn contains(&self, status: u16) -> bool {
        let mut ranges = self.0.iter();
        ranges.any(|(from, to)| (*from..=*to).contains(&status))
    }

    /// The ranges, both ends included.
    pub fn ranges(&self) -> &[(u16, u16)] {
        &self.0
    }
}

impl From<Vec<(u16, u16)>> for Statuses {
    fn from(ranges: Vec<(u16, u16)>) -> Self {
        Self(ranges.into())
    }
}

/// The statuses that a client takes for success beside those of the specification, by what it asked for. What is asked of a token
/// service stands outside that specification; its status is 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The ping.
    pub ping: Statuses,
    /// A token.
    pub token: Statuses,
    /// `GET` of a manifest.
    pub manifest_get: Statuses,
    /// `HEAD` of a manifest.
    pub manifest_head: Statuses,
    /// `PUT` of a manifest.
    pub manifest_put: Statuses,
    /// `DELETE` of a manifest, a tag or a blob.
    pub delete: Statuses,
    /// `GET` of a blob.
    pub blob_get: Statuses,
    /// `HEAD` of a blob.
    pub blob_head: Statuses,
    /// `POST` that opens a session, or asks for a mount and is given a session instead.
    pub session: Statuses,
    /// `PATCH` of a session.
    pub patch: Statuses,
    /// Whether a session stays where it is after a `PATCH` whose response has no `Location`. Else that is a failure.
    pub patch_without_location: bool,
    /// `PUT` of a session.
    pub blob_put: Statuses,
    /// `DELETE` of a session.
    pub cancel: Statuses,
    /// `GET` of a list.
    pub list: Statuses,
}

impl Accepted {
    /// Nothing beside what the specification says.
    pub const SPECIFIED: Self = Self {
        ping: Statuses::NONE,
        token: Statuses::NONE,
        manifest_get: Statuses::NONE,
        manifest_head: Statuses::NONE,
        manifest_put: Statuses::NONE,
        delete: Statuses::NONE,
        blob_get: Statuses::NONE,
        blob_head: Statuses::NONE,
        session: Statuses::NONE,
        patch: Statuses::NONE,
        patch_without_location: false,
        blob_put: Statuses::NONE,
        cancel: Statuses::NONE,
        list: Statuses::NONE,
    };

    /// Every status that is a success by its number, for requests that no client's habit is measured by.
    pub const ANY_SUCCESS: Self = {
        const SUCCESSES: Statuses = Statuses::of(&[(200, 299)]);
        Self {
            ping: SUCCESSES,
            token: SUCCESSES,
            manifest_get: Statuses::NONE,
            manifest_head: SUCCESSES,
            manifest_put: SUCCESSES,
            delete: SUCCESSES,
            blob_get: Statuses::NONE,
            blob_head: SUCCESSES,
            session: Statuses::of(&[(200, 200), (204, 204)]),
            patch: SUCCESSES,
            patch_without_location: true,
            blob_put: SUCCESSES,
            cancel: SUCCESSES,
            list: SUCCESSES,
        }
    };
}
