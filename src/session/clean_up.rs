//! Deleting what shards have left in the registry, once all of them have ended.

use std::sync::Arc;

use super::error::{Error, NotLeft};
use crate::engine::{CleanedUp, RunPart, Setup, Stock, Stop};
use crate::plan::{CleanUp, Plan};
use crate::result::Document;

/// Deletes what shards of one run have stored, as far as the scenario wants that: `reports` are all that there are.
///
/// Blocks the calling thread.
///
/// # Errors
/// [`Error::NotLeft`], with the place of the report in the list; and when the target does not respond well.
pub fn clean_up(plan: &Arc<Plan>, reports: Vec<Document>, stop: &Stop) -> Result<CleanedUp, Error> {
    let refuse = |place, why| Err(Error::NotLeft { place, why });
    let mut run = None;
    let mut stored = Vec::with_capacity(reports.len());
    for (place, report) in reports.into_iter().enumerate() {
        let Some(part) = report.shard else {
            return refuse(place, NotLeft::NoShard);
        };
        if report.plan.fingerprint != plan.fingerprint() {
            let (ours, theirs) = (plan.fingerprint().to_string(), report.plan.fingerprint);
            let theirs = theirs.to_string();
            return refuse(place, NotLeft::Plan { ours, theirs });
        }
        if plan.prepare.clean_up == CleanUp::None {
            return refuse(place, NotLeft::Kept);
        }
        let Ok(id) = u64::from_str_radix(&part.run, 16) else {
            return refuse(place, NotLeft::NoShard);
        };
        if *run.get_or_insert(id) != id {
            return refuse(place, NotLeft::Run);
        }
        stored.extend(report.stored);
    }
    let stock = Stock::prepare(plan)?;
    let part = RunPart::whole(run.unwrap_or_default());
    let setup = Setup::new(plan, &stock, part, Vec::new())?;
    Ok(setup.clean_up(stored, stop)?)
}
