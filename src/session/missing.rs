//! Shards of which there is no report: what they should have sent enters the report of the others as dropped.

use std::time::Duration;

use tokio::time::Instant;

use super::conclude;
use super::error::Error;
use crate::engine;
use crate::plan::Plan;
use crate::result::Document;
use crate::schedule::Shard;

/// Adds to the reports of some shards, which are merged already, what the missing ones should have started.
///
/// # Errors
/// [`Error::OtherPlan`] and [`Error::Unfit`] when the reports are of another scenario, and [`Error::Shards`] when they do not add up,
/// which is a defect of regstorm.
pub fn add_missing(plan: &Plan, all: &mut Document) -> Result<(), Error> {
    let fingerprint = plan.fingerprint();
    if all.plan.fingerprint != fingerprint {
        return Err(Error::OtherPlan {
            ours: fingerprint.to_string(),
            theirs: all.plan.fingerprint.to_string(),
        });
    }
    let watch = conclude::watch(plan);
    let views = watch.views(&engine::catalogue(plan));
    // Where the others were stopped, it would have been, too.
    let until = all.interrupted.then(|| plan.warm_up() + all.window());
    for index in all.missing_shards() {
        let Some(part) = all.lost_shard(index) else {
            continue;
        };
        let Ok(shard) = Shard::new(index, part.count) else {
            continue;
        };
        let record = engine::lost(plan, &views, shard, (Duration::ZERO, until), all.window());
        let mut owed = conclude::owed(plan, &watch, &record, all, Instant::now());
        owed.window_opened.clone_from(&all.window_opened);
        owed.set_shard(part);
        all.check_same_run(&owed).map_err(Error::Unfit)?;
        all.merge(owed).map_err(Error::Shards)?;
        let note = format!("shard {index} was lost: there is no report of it");
        all.notes.push(note);
    }
    Ok(())
}
