//! The keys of clients that misbehave.

use crate::keys::codec::{Codec, HOUR, MS, flag, fraction, number_of, size, time, words};
use crate::keys::define::keys;
use crate::keys::key::{Key, Keyed};
use crate::keys::problem::Problem;
use crate::keys::table::Table;
use crate::profile::{Abort, Habits, LeaveConnections, LeftAfter, PushMethod, Stall};
use crate::units::ByteSize;

/// The most that a transfer may have done of its bytes when it is broken off or stalls.
const LATEST: f64 = 0.999;
/// The fewest of all transfers that may misbehave.
const RAREST: f64 = 0.000_001;
/// The most connections that a user may have left at once.
const MOST_LEFT: u32 = 4096;

pub(super) fn keys() -> Vec<Key<Habits>> {
    let all = keys! { Habits {
        /// Open connections beside those that are used, and neither use nor close them. `after`: once they are open
        /// (`connect`, within TLS for https), or when a part of the head of a request is sent (`head`). `count`: the most
        /// that a user has left at once. `share` of the iterations leave one, or all. `time`: when the client closes one that
        /// the registry has not; absent, when the load is over. They are counted apart, and end no iteration.
        leave_connections = misbehave.leave_connections => LeaveConnections::inline().optional(), { after = "head", count = 4, time = "30s" };
    }};
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
    both.chain(pull).chain(push).chain(all).collect()
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

keys! { impl LeaveConnections {
    /// How far the client comes: the connection is open, within TLS for https, or a part of the head of a request is sent.
    after = after => words("point", LeftAfter::WORDS), "head";
    /// The most that a user has left at once.
    count = count => number_of(MOST_LEFT), 4;
    /// The share of the iterations that leave one.
    share = share => fraction(RAREST..=1.0), 0.3;
    /// When the client closes one that the registry has not. Absent: when the load is over.
    time = time => time(MS..=HOUR).optional(), "30s";
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
