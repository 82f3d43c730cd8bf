//! Fault files: what goes wrong, as TOML.

mod codecs;

use std::time::Duration;

use http::StatusCode;

use self::codecs::{
    Length, bytes, length, operation, point, share, stall, status, string, when_true,
};
use super::fault::{Fault, FaultKind, Point, Stall, When};
use crate::keys::codec::{Codec, DAY, count, text as text_codec, time};
use crate::keys::define::keys;
use crate::keys::form::Form;
use crate::keys::key::Keyed;
use crate::keys::problem::{Problem, Problems};
use crate::keys::section::Section;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Item, Value, plant};
use crate::keys::{reference, root};
use crate::oci::{ErrorCode, Operation};
use crate::units::{ByteSize, Ratio};

/// Reads a fault file: tables `[[fault]]`, each with one thing that goes wrong.
///
/// ```
/// let faults = regstorm::embedded::load_faults(r#"
///     seed = 42                  # of everything that is drawn; 0 when left out
///
///     [[fault]]
///     operation = "blob-get"     # an operation's name, or "*"
///     delay = "200ms"
///     every = 3                  # or probability = 0.1
///     after = 10                 # behind the first 10 such requests,
///     for = 100                  # and for 100 of them
///
///     [[fault]]
///     operation = "*"
///     status = 429
///     code = "TOOMANYREQUESTS"
///     retry_after = "2s"
///
///     [[fault]]
///     operation = "upload-patch"
///     reset = "1MiB"             # behind so many bytes of the body, or "head"
/// "#, "faults.toml")?;
/// assert_eq!(faults.len(), 3);
/// # Ok::<(), regstorm::scenario::Problems>(())
/// ```
///
/// Further kinds: `rate = "2MiB"` (a second), `close = "64KiB"` (or `"head"`), `stall = "10s"` or `"forever"` with
/// `at = "64KiB"` (or `"head"`, the default), `corrupt = "100B"` (the offset of the wrong byte), `freeze = "1s"` (the
/// whole registry; with `after = 200` and `for = 1` once, at the 201st request), `burn = "300us"` (of processor time, beside
/// the response), `empty = true` (200 with nothing), `lose = true` (acknowledged and not stored), `stale = "2s"` (a tag
/// leads to the manifest before), `revive = "1s"` (a deleted manifest comes back).
///
/// The length of a `delay` or a `stall` is drawn for each request when it is a table: `{ min = "5ms", max = "50ms" }`
/// is uniform, `{ mean = "20ms", max = "1s" }` exponential, `{ median = "20ms", sigma = 0.8, max = "1s" }` log-normal;
/// what is longer than `max` becomes `max`.
///
/// # Errors
/// Every mistake in the file, at once. `file_name` is what problems show.
pub fn load_faults(source: &str, file_name: &str) -> Result<Vec<Fault>, Problems> {
    let fail = |problems| Problems::new(file_name, source, &[], problems);
    let planted = plant(source, &|_| None);
    let (entries, mut problems) = planted.map_err(|problem| fail(vec![*problem]))?;
    let sink = Sink::default();
    let mut table = root(&entries, &sink);
    let (file, _) = FaultFile::read(&mut table);
    table.finish();
    problems.extend(sink.into_problems());
    if !problems.is_empty() {
        return Err(fail(problems));
    }
    let FaultFile { seed, mut faults } = file;
    for (index, fault) in (0..).zip(&mut faults) {
        // Two faults of one file draw from two streams.
        let own = seed.wrapping_add(index);
        if let When::Probability(_, seed) = &mut fault.when {
            *seed = own;
        }
        if let FaultKind::DrawnDelay(lengths) | FaultKind::Stall(_, Stall::Drawn(lengths)) =
            &mut fault.kind
        {
            *lengths = lengths.seeded(own);
        }
    }
    Ok(faults)
}

keys! {
    struct FaultFile {
        /// Where every random draw starts.
        seed: u64 = 0 => count(0..=u64::MAX), 42;
        /// What goes wrong.
        faults as fault: Vec<Fault> => faults(), [{ operation = "blob-get", delay = "200ms" }];
    }
}

keys! {
    /// A fault as it is written.
    struct Written {
        /// The operation that it hits, by its name in reports, or `*` for every request.
        operation: Option<Operation> => operation(), "blob-get", needed;
        /// Effect: the finished response is held back for so long, always the same or drawn for each request.
        delay: Option<Length> => length().optional(), "200ms";
        /// Effect: a body moves at no more than so many bytes a second.
        rate: Option<ByteSize> => bytes().optional(), "2MiB";
        /// Effect: the request is refused with this status before anything is done.
        status: Option<u16> => status().optional(), 503;
        /// Code in the error body. Needs `status`.
        code: Option<String> => text_codec("text", string).optional(), "TOOMANYREQUESTS";
        /// `Retry-After` of the response. Needs `status`.
        retry_after: Option<Duration> => time(Duration::ZERO..=30 * DAY).optional(), "2s";
        /// Effect: the connection is reset (RST) after so many bytes of the body, or before the head.
        reset: Option<Point> => point().optional(), "1MiB";
        /// Effect: the connection is closed (FIN) after so many bytes of the body, or before the head.
        close: Option<Point> => point().optional(), "64KiB";
        /// Effect: nothing moves for so long, always the same or drawn for each request, or until the client gives up.
        stall: Option<Stall> => stall().optional(), "10s";
        /// Where a stall begins: after so many bytes of the body, or before the head. Needs `stall`.
        at: Option<Point> => point().optional(), "64KiB", defaults_to("`\"head\"`");
        /// Effect: the byte of the response's body at this offset is wrong.
        corrupt: Option<ByteSize> => bytes().optional(), "100B";
        /// Effect: nothing moves for any client of the registry for so long.
        freeze: Option<Duration> => time(Duration::ZERO..=30 * DAY).optional(), "1s";
        /// Effect: so much processor time is used for the request by another thread, beside the response; no more than one
        /// processor in all.
        burn: Option<Duration> => time(Duration::ZERO..=Duration::from_secs(1)).optional(), "300us";
        /// Effect: the response is 200 with nothing in it, and nothing is done.
        empty: bool = false => when_true(), true;
        /// Effect: `Docker-Content-Digest` names other content, in a response that has it.
        mislabel: bool = false => when_true(), true;
        /// Effect: what a `PUT` or `POST` stores is acknowledged, and not there for any client.
        lose: bool = false => when_true(), true;
        /// Effect: for so long after a `PUT` of a manifest under a tag, the tag leads to the manifest before, if there was one: for
        /// everyone (`manifest-put`), or for the request that it hits (`manifest-get`, `manifest-head`).
        stale: Option<Duration> => time(Duration::ZERO..=30 * DAY).optional(), "2s";
        /// Effect: what a `manifest-delete` deletes is there again after so long.
        revive: Option<Duration> => time(Duration::ZERO..=30 * DAY).optional(), "500ms";
        /// Hits every n-th of the requests only. Not together with `probability`.
        every: Option<u64> => count(1..=u64::MAX).optional(), 3;
        /// Hits each request with this probability only. Not together with `every`.
        probability: Option<f64> => share().optional(), 0.1;
        /// Spares so many requests of the operation first.
        after: u64 = 0 => count(0..=u64::MAX), 10;
        /// Is over after so many requests more. Absent: it lasts.
        count as for: Option<u64> => count(0..=u64::MAX).optional(), 100;
    }
}

/// The keys that are an effect: a fault has one of them.
const EFFECTS: [&str; 14] = [
    "delay", "rate", "status", "reset", "close", "stall", "corrupt", "freeze", "burn", "empty",
    "mislabel", "lose", "stale", "revive",
];

fn faults() -> Codec<Vec<Fault>> {
    let read = |item: &Item, sink: &Sink| {
        let Value::Array(items) = &item.value else {
            sink.expected(item, "an array of tables, [[fault]]");
            return None;
        };
        let faults: Vec<Option<Fault>> = items.iter().map(|item| fault(item, sink)).collect();
        faults.into_iter().collect()
    };
    Codec::new(Form::Table("fault").list(10_000), read, |_| None)
}

fn fault(item: &Item, sink: &Sink) -> Option<Fault> {
    let mut table = Table::open(item, sink)?;
    let (written, is_good) = Written::read(&mut table);
    let needs = [
        ("code", "status"),
        ("retry_after", "status"),
        ("at", "stall"),
    ];
    let mut is_whole = true;
    for (key, wanted) in needs {
        if let (Some(entry), None) = (table.entry(key), table.entry(wanted)) {
            let problem = Problem::new(
                format!("`{key}` belongs to a `{wanted}`"),
                entry.key_spot.clone(),
            );
            sink.report(problem.label(format!("add `{wanted}`, or remove `{key}`")));
            is_whole = false;
        }
    }
    if let (Some(one), Some(other)) = (table.entry("every"), table.entry("probability")) {
        let problem = Problem::new(
            "use `every` or `probability`, not both",
            other.key_spot.clone(),
        );
        let problem = problem.label("remove one of both");
        sink.report(problem.also(one.key_spot.clone(), "here is the other"));
        is_whole = false;
    }
    is_whole &= has_one_effect(&mut table);
    is_whole &= fits(&mut table, written.operation);
    table.finish();
    written.fault().filter(|_| is_good && is_whole)
}

/// Reports an effect that the operation cannot have; `false` after a problem.
fn fits(table: &mut Table<'_>, operation: Option<Operation>) -> bool {
    use Operation::{
        ManifestDelete, ManifestGet, ManifestHead, ManifestPut, UploadPost, UploadPut,
    };
    let only: [(&str, &[Operation]); 3] = [
        ("lose", &[ManifestPut, UploadPut, UploadPost]),
        ("stale", &[ManifestPut, ManifestGet, ManifestHead]),
        ("revive", &[ManifestDelete]),
    ];
    let mut fits = true;
    for (key, may) in only {
        if let (Some(entry), Some(operation)) = (table.entry(key), operation)
            && !may.contains(&operation)
        {
            let message = format!("`{key}` has no effect on {operation}");
            let may: Vec<&str> = may.iter().map(|it| it.name()).collect();
            let label = format!("it is for `{}` and `*`", may.join("`, `"));
            let problem = Problem::new(message, entry.key_spot.clone());
            table.sink().report(problem.label(label));
            fits = false;
        }
    }
    fits
}

/// Reports a fault with no effect, or with several; `false` after a problem.
fn has_one_effect(table: &mut Table<'_>) -> bool {
    let there: Vec<_> = EFFECTS.iter().filter_map(|key| table.entry(key)).collect();
    let message = format!("a fault has exactly one of `{}`", EFFECTS.join("`, `"));
    match there.as_slice() {
        [_] => return true,
        [] => {
            let problem = Problem::new(message, table.spot().clone());
            let label = "add one, such as `delay = \"200ms\"`";
            table.sink().report(problem.label(label));
        }
        [first, second, ..] => {
            let problem = Problem::new(message, second.key_spot.clone());
            let problem = problem.label("write a second [[fault]] for this one");
            let also = problem.also(first.key_spot.clone(), "the first effect");
            table.sink().report(also);
        }
    }
    false
}

impl Written {
    /// The fault; `None` where there is no effect.
    fn fault(self) -> Option<Fault> {
        let status = self.status.and_then(|it| StatusCode::from_u16(it).ok());
        let (code, retry_after) = (self.code, self.retry_after);
        let at = self.at.unwrap_or(Point::BeforeHead);
        let kinds = [
            self.delay.map(|delay| match delay {
                Length::Fixed(time) => FaultKind::Delay(time),
                Length::Drawn(lengths) => FaultKind::DrawnDelay(lengths),
            }),
            self.rate.map(FaultKind::Rate),
            status.map(|status| FaultKind::Status {
                status,
                code: code.as_deref().map(ErrorCode::from),
                retry_after,
            }),
            self.reset.map(FaultKind::Reset),
            self.close.map(FaultKind::Close),
            self.stall.map(|stall| FaultKind::Stall(at, stall)),
            self.corrupt.map(|offset| FaultKind::Corrupt(offset.get())),
            self.freeze.map(FaultKind::Freeze),
            self.burn.map(FaultKind::Burn),
            self.empty.then_some(FaultKind::Empty),
            self.mislabel.then_some(FaultKind::Mislabel),
            self.lose.then_some(FaultKind::Lose),
            self.stale.map(FaultKind::Stale),
            self.revive.map(FaultKind::Revive),
        ];
        let share = self.probability.and_then(|it| Ratio::try_new(it).ok());
        Some(Fault {
            operation: self.operation,
            kind: kinds.into_iter().flatten().next()?,
            when: match (self.every, share) {
                (Some(n), _) => When::Every(n),
                (None, Some(share)) => When::Probability(share, 0),
                (None, None) => When::Always,
            },
            after: self.after,
            count: self.count,
        })
    }
}

fn sections() -> Vec<Section> {
    vec![
        Section::of::<FaultFile>(
            "faults",
            "Keys at the top of the file.",
            "A fault file says what goes wrong at the embedded registry: `regstorm serve --faults FILE`.",
        ),
        Section::of::<Written>(
            "fault",
            "`[[fault]]`",
            "One thing that goes wrong: an operation, one effect, and which of the requests it hits. Several may hit the same \
             request: delays and processor time add up, the slowest rate holds, and of the others the first in the file acts.",
        ),
    ]
}

const HEAD: &str = "\
# Keys of a fault file

Written from the definitions of the keys; `regstorm schema faults` prints the same as JSON schema. Values of type *time* are texts
such as `\"1m30s\"`, values of type *size* texts such as `\"4MiB\"`.
";

/// Returns the reference of the keys of fault files, as Markdown.
pub fn faults_reference() -> String {
    reference::markdown(HEAD, &sections())
}

/// Returns the JSON schema of a fault file, for editors.
pub fn faults_schema() -> serde_json::Value {
    reference::json_schema("regstorm faults", &sections())
}

#[cfg(test)]
mod tests;
