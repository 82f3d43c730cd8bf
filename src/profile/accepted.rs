//! Which statuses a client takes for success beside those of the specification.

/// Statuses as ranges, both ends included.
pub type Statuses = &'static [(u16, u16)];

/// The statuses that a client takes for success beside those of the specification, by what it asked for. What is asked of a token
/// service stands outside that specification; its status is 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// Does a session stay where it is after a `PATCH` whose answer has no `Location`? Else that is a failure.
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
        ping: &[],
        token: &[],
        manifest_get: &[],
        manifest_head: &[],
        manifest_put: &[],
        delete: &[],
        blob_get: &[],
        blob_head: &[],
        session: &[],
        patch: &[],
        patch_without_location: false,
        blob_put: &[],
        cancel: &[],
        list: &[],
    };

    /// Every status that is a success by its number, for requests that no client's habit is measured by.
    pub const ANY_SUCCESS: Self = {
        const SUCCESSES: Statuses = &[(200, 299)];
        Self {
            ping: SUCCESSES,
            token: SUCCESSES,
            manifest_get: &[],
            manifest_head: SUCCESSES,
            manifest_put: SUCCESSES,
            delete: SUCCESSES,
            blob_get: &[],
            blob_head: SUCCESSES,
            session: &[(200, 200), (204, 204)],
            patch: SUCCESSES,
            patch_without_location: true,
            blob_put: SUCCESSES,
            cancel: SUCCESSES,
            list: SUCCESSES,
        }
    };
}
