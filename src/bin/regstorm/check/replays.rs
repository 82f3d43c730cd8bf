//! What the replays of a plan send, and what they leave out.

use std::fmt::Write as _;

use regstorm::plan::{Action, Executor, Plan};
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
        let speed = units::factor(load.executor.speed());
        let pace = match &load.executor {
            Executor::ClosedReplay(it) => format!(
                "{} users share the sessions; think times divided by {speed}",
                units::count(it.vus.into())
            ),
            _ => format!(
                "{speed} times as fast as recorded, where at most {} sessions were under way at once",
                count(sessions.most_at_once())
            ),
        };
        let _ = writeln!(text, "             {pace}");
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
        let untold = sessions.untold();
        if untold.blobs > 0 {
            let _ = writeln!(
                text,
                "             {} blobs whose size the trace does not tell have {} each",
                units::count(untold.blobs),
                units::bytes(untold.bytes),
            );
        }
        if sessions.cut_off() > 0 {
            let cut_off = units::count(sessions.cut_off());
            let _ = writeln!(
                text,
                "             {cut_off} responses with a blob were cut off: these blobs are fetched whole"
            );
        }
    }
    text
}

/// To the second: what is less is not worth reading.
fn seconds(time: std::time::Duration) -> std::time::Duration {
    std::time::Duration::from_secs(time.as_secs())
}
