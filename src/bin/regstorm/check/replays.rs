//! What the replays of a plan send, and what they leave out.

use std::fmt::Write as _;

use regstorm::plan::{Action, Plan};
use regstorm::units;

/// Some lines for each journey that replays a trace; nothing if there is none.
pub(super) fn show(plan: &Plan) -> String {
    let mut text = String::new();
    for load in &plan.loads {
        let [share] = load.mix.as_slice() else {
            continue;
        };
        let journey = &plan.journeys[share.journey];
        let Action::Replay(replay) = &journey.action else {
            continue;
        };
        let sessions = &replay.sessions;
        let count = |number: usize| units::count(number as u64);
        let needs = sessions.needs();
        let shown = humantime::format_duration(seconds(sessions.span()));
        let _ = writeln!(
            text,
            "replay       {}: {} requests of {} sessions to {} repositories, recorded in {shown}",
            journey.name,
            count(sessions.all_steps().len()),
            count(sessions.sessions().len()),
            units::count(sessions.repositories().into()),
        );
        let _ = writeln!(
            text,
            "             {} times as fast as recorded, where at most {} sessions were under way at once",
            four_decimals(load.executor.speed()),
            count(sessions.most_at_once()),
        );
        let left_out = sessions.left_out();
        if left_out.all() > 0 {
            let all = units::count(left_out.all());
            let _ = writeln!(text, "             left out: {all} requests ({left_out})");
        }
        let _ = writeln!(
            text,
            "             seeded: {} manifests, {} blobs that belong to none, {} in all",
            count(needs.manifests.len()),
            count(needs.blobs.len()),
            units::bytes(sessions.seeded_bytes()),
        );
        if sessions.sizes_untold() > 0 {
            let untold = units::count(sessions.sizes_untold());
            let _ = writeln!(
                text,
                "             {untold} blobs whose size the trace does not tell have the median of the others"
            );
        }
    }
    text
}

/// Without zeros at the end: `2`, `0.0625`.
fn four_decimals(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// To the second: what is less is not worth reading.
fn seconds(time: std::time::Duration) -> std::time::Duration {
    std::time::Duration::from_secs(time.as_secs())
}
