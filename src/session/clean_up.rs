//! Deleting what shards have left in the registry, once all of them have ended.

use std::sync::Arc;

use super::error::{Error, NotLeft};
use crate::engine::{CleanedUp, RunPart, Setup, Stock, Stop};
use crate::plan::{CleanUp, Plan};
use crate::result::Leaving;

/// Deletes what shards of one run have stored, and what was prepared for them, as far as the scenario wants that: `reports` are all
/// that there are.
///
/// Blocks the calling thread.
///
/// # Errors
/// [`Error::NotLeft`], with the place of the report in the list; and when the target does not respond well.
pub fn clean_up(plan: &Arc<Plan>, reports: Vec<Leaving>, stop: &Stop) -> Result<CleanedUp, Error> {
    let refuse = |place, why| Err(Error::NotLeft { place, why });
    let mut run = None;
    let mut stored = Vec::with_capacity(reports.len());
    for (place, report) in reports.into_iter().enumerate() {
        let (fingerprint, id, left) = match report {
            Leaving::Preparation(it) => (it.fingerprint, None, Some(it.stored)),
            Leaving::Run(it) => {
                // A merged report has it only if the first shard could not delete all.
                let run = it
                    .run()
                    .filter(|_| it.shard.is_some() || it.stored.is_some());
                let Some(id) = run.and_then(|it| u64::from_str_radix(it, 16).ok()) else {
                    return refuse(place, NotLeft::NoShard);
                };
                (it.plan.fingerprint, Some(id), it.stored)
            }
        };
        if fingerprint != plan.fingerprint() {
            let [ours, theirs] = [plan.fingerprint(), fingerprint].map(|it| it.to_string());
            return refuse(place, NotLeft::Plan { ours, theirs });
        }
        if plan.prepare.clean_up == CleanUp::None {
            return refuse(place, NotLeft::Kept);
        }
        // What was prepared is the same for every run.
        if let Some(id) = id
            && *run.get_or_insert(id) != id
        {
            return refuse(place, NotLeft::Run);
        }
        stored.extend(left);
    }
    let stock = Stock::prepare(plan)?;
    let part = RunPart::whole(run.unwrap_or_default());
    let setup = Setup::new(plan, &stock, part, Vec::new())?;
    Ok(setup.clean_up(stored, stop)?)
}
