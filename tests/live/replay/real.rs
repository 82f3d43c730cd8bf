//! The real clients against their own recordings: what they send must be found equal, or the comparison is wrong.
//!
//! With `REGSTORM_RECORD=DIRECTORY` in the environment nothing is compared and each row is saved there: that is how
//! recordings are made.

mod containerd;
mod crane;
mod docker;
mod oras;
mod podman;
mod skopeo;
mod through;
mod tokens;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::compare::{Limits, assert_same};
use super::trace::{self, Record, recording, recording_to};

/// One recording and how it is made: by a client in a state, with what all rows of a client share.
struct Row<Client> {
    name: &'static str,
    limits: Limits,
    run: fn(&Client) -> Vec<Record>,
}

impl<Client> Row<Client> {
    /// Runs the client and compares. A client that fails where it did not when it was recorded is run once more, in a
    /// state of its own: what is held here is what it sends, and ctr fails of itself now and then on a busy machine.
    #[track_caller]
    fn check(&self, client: &Client) {
        let run = || catch_unwind(AssertUnwindSafe(|| (self.run)(client)));
        let sent = run().or_else(|_| run());
        let sent = sent.unwrap_or_else(|panic| resume_unwind(panic));
        if let Some(dir) = recording_to() {
            let file = format!("{}.jsonl", self.name);
            trace::write(&dir.join(file), &sent);
        } else {
            assert_same(self.name, &recording(self.name), &sent, self.limits);
        }
    }
}
