//! The keys of clients that misbehave.

use crate::keys::codec::{Codec, HOUR, MS, flag, fraction, size, time};
use crate::keys::define::keys;
use crate::keys::key::{Key, Keyed};
use crate::keys::problem::Problem;
use crate::keys::table::Table;
use crate::profile::{Abort, Habits, PushMethod, Stall};
use crate::units::ByteSize;

/// The most that a transfer may have done of its bytes when it is broken off or stalls.
const LATEST: f64 = 0.999;
/// The fewest of all transfers that may misbehave.
const RAREST: f64 = 0.000_001;

pub(super) fn keys() -> Vec<Key<Habits>> {
    let both = keys! { Habits {
        /// Break off transfers of layers after this share of their bytes: the connection is closed, over HTTP/2 the stream is
        /// reset. `share` of the transfers are, or all. With `resume` the client goes on with the rest; otherwise it is gone, and
        /// leaves its upload sessions open. Counted as `aborted`.
        abort = misbehave.abort => Abort::inline().optional(), { after = 0.5, share = 0.3, resume = true };
        /// Stop reading or sending a layer after this share of its bytes, for `time`, in `share` of the transfers or in all.
        /// Where the registry ends such a transfer, it is counted as `cut-off`.
        stall = misbehave.stall => Stall::inline().optional(), { after = 0.5, time = "5s", share = 0.1 };
    }};
    let pull = keys! { Habits {
        /// Bytes of layers that a user reads each second, over all of its transfers. Absent: as many as come.
        read_rate = misbehave.read_rate => rate().optional(), "64KiB";
    }};
    let push = keys! { Habits {
        /// Bytes of layers that a user sends each second, over all of its transfers. Absent: as many as go.
        write_rate = misbehave.write_rate => rate().optional(), "64KiB";
        /// Share of uploads of layers whose session is left open: neither finished nor cancelled. Counted as `left-open`.
        leave_uploads = misbehave.leave_uploads => fraction(0.0..=1.0), 0.2;
        /// Share of chunks after which the one before is sent once more. 416 is expected, and counted as `out-of-order`; a
        /// registry that takes the chunk has broken the protocol. Needs `method = "chunks"`.
        repeat_chunks = misbehave.repeat_chunks => fraction(0.0..=1.0), 0.1;
        /// Share of chunks before which the next one is sent. Counted as `repeat_chunks` is. Needs `method = "chunks"`.
        skip_chunks = misbehave.skip_chunks => fraction(0.0..=1.0), 0.1;
    }};
    let both = both.into_iter().map(|key| key.only(&["pull", "push"]));
    let pull = pull.into_iter().map(|key| key.only(&["pull"]));
    let push = push.into_iter().map(|key| key.only(&["push"]));
    both.chain(pull).chain(push).collect()
}

fn rate() -> Codec<ByteSize> {
    size(ByteSize::from_bytes(1)..=ByteSize::from_mib(64 * 1024))
}

keys! { impl Abort {
    /// After this share of the bytes.
    after = after => fraction(0.0..=LATEST), 0.5, needed;
    /// The share of the transfers that are broken off.
    share = share => fraction(RAREST..=1.0), 0.3;
    /// Whether the client goes on with the rest.
    resume = resume => flag(), true;
}}

keys! { impl Stall {
    /// After this share of the bytes.
    after = after => fraction(0.0..=LATEST), 0.5, needed;
    /// How long.
    time = time => time(MS..=HOUR), "5s", needed;
    /// The share of the transfers that stall.
    share = share => fraction(RAREST..=1.0), 0.1;
}}

/// Reports keys that have nothing to act on: chunks without chunks, and the transfer of a layer that is fetched in parts.
pub(super) fn check(table: &mut Table<'_>, action: Option<&str>, habits: &Habits) -> bool {
    let mut is_good = true;
    let misbehave = &habits.misbehave;
    let is_chunked = matches!(habits.push.method, PushMethod::Chunks { .. });
    let mut refuse = |key: &'static str, message: &str, label: &'static str| {
        if let Some(entry) = table.entry(key) {
            let problem = Problem::new(message, entry.key_spot.clone());
            table.sink().report(problem.label(label));
            is_good = false;
        }
    };
    if action == Some("push") && !is_chunked {
        for (key, share) in [
            ("repeat_chunks", misbehave.repeat_chunks),
            ("skip_chunks", misbehave.skip_chunks),
        ] {
            if share > 0.0 {
                let message = format!("`{key}` needs chunks");
                refuse(key, &message, "add method = \"chunks\" and a chunk_size");
            }
        }
    }
    if action == Some("pull") && habits.pull.part_size.is_some() {
        for key in ["abort", "stall", "read_rate"] {
            let message = format!("`{key}` is for layers that are fetched whole");
            refuse(key, &message, "remove it, or part_size");
        }
    }
    is_good
}
