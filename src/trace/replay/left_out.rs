//! Requests of a trace that a replay does not send, by the reason.

use std::fmt;

/// Requests of a slice that are not sent, by the reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Refused with 401, or for a token: the target asks for these itself.
    pub authentication: u64,
    /// Behind a redirect: the target redirects as it does.
    pub redirected: u64,
    /// Refused with a status that cannot be brought about again, such as 400, 403 or 416.
    pub refused: u64,
    /// Deletions, where they are not to be replayed.
    pub deletions: u64,
    /// Parts of uploads whose start is not in the slice, or was left out.
    pub uploads: u64,
    /// Without an endpoint, or without the repository or the name that it needs.
    pub unknown: u64,
}

impl LeftOut {
    /// Returns each reason, in words that follow a number, with its requests.
    pub const fn reasons(&self) -> [(&'static str, u64); 6] {
        [
            ("of authentication", self.authentication),
            ("behind redirects", self.redirected),
            ("refused by the registry", self.refused),
            ("deletions", self.deletions),
            ("of uploads without a start", self.uploads),
            ("of no known endpoint", self.unknown),
        ]
    }

    /// Returns the number of all of them.
    pub fn all(&self) -> u64 {
        self.reasons().iter().map(|(_, count)| count).sum()
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons = self.reasons();
        let told = reasons.iter().filter(|(_, count)| *count > 0);
        let told: Vec<String> = told
            .map(|(what, count)| format!("{count} {what}"))
            .collect();
        f.write_str(&told.join(", "))
    }
}
