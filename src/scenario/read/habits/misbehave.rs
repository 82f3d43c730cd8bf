//! The keys of clients that misbehave.

use crate::keys::codec::{Codec, HOUR, MS, fraction, size};
use crate::keys::define::keys;
use crate::keys::form::{Described, Form};
use crate::keys::key::Key;
use crate::keys::plain::{Fields, Plain};
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::Item;
use crate::keys::value;
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
        abort = misbehave.abort => abort().optional(), { after = 0.5, share = 0.3, resume = true };
        /// Stop reading or sending a layer after this share of its bytes, for `time`, in `share` of the transfers or in all.
        /// Where the registry ends such a transfer, it is counted as `cut-off`.
        stall = misbehave.stall => stall().optional(), { after = 0.5, time = "5s", share = 0.1 };
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

fn number(name: (&'static str, &'static str), least: f64, most: f64) -> Described {
    Described::own(name, Form::Number { least, most }, "")
}

fn after() -> Described {
    number(("after", "0.5"), 0.0, LATEST).needed()
}

fn share() -> Described {
    Described {
        default: Some("`1.0`".to_owned()),
        ..number(("share", "0.3"), RAREST, 1.0)
    }
}

fn abort() -> Codec<Abort> {
    let resume = Described {
        default: Some("`false`".to_owned()),
        ..Described::own(("resume", "true"), Form::Flag, "")
    };
    let form = Form::Inline(vec![after(), share(), resume]);
    Codec::new(form, read_abort, |abort: &Abort| {
        let fields = Fields::default().put("after", abort.after);
        let fields = fields.put("share", abort.share).put("resume", abort.resume);
        Some(Plain::from(fields))
    })
}

fn read_abort(item: &Item, sink: &Sink) -> Option<Abort> {
    let mut table = Table::open(item, sink)?;
    let after = table.need("after", "after = 0.5", value::fraction(0.0..=LATEST));
    let share = table.or("share", 1.0, value::fraction(RAREST..=1.0));
    let resume = table.or("resume", false, value::flag);
    table.finish();
    Some(Abort {
        after: after?,
        share: share?,
        resume: resume?,
    })
}

fn stall() -> Codec<Stall> {
    let time = Form::Time {
        least: MS,
        most: HOUR,
    };
    let time = Described::own(("time", r#""5s""#), time, "").needed();
    let form = Form::Inline(vec![after(), time, share()]);
    Codec::new(form, read_stall, |stall: &Stall| {
        let fields = Fields::default().put("after", stall.after);
        let fields = fields.put("time", stall.time).put("share", stall.share);
        Some(Plain::from(fields))
    })
}

fn read_stall(item: &Item, sink: &Sink) -> Option<Stall> {
    let mut table = Table::open(item, sink)?;
    let after = table.need("after", "after = 0.5", value::fraction(0.0..=LATEST));
    let time = table.need("time", "time = \"5s\"", value::time(MS..=HOUR));
    let share = table.or("share", 1.0, value::fraction(RAREST..=1.0));
    table.finish();
    Some(Stall {
        after: after?,
        time: time?,
        share: share?,
    })
}

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
