//! Whether the hooks of a plan and the commands of its telemetry may run.

use super::error::HooksRefused;
use super::options::Options;
use crate::plan::Plan;

/// Refuses a plan whose commands are not allowed, before anything is sent.
pub(super) fn check_hooks(plan: &Plan, options: &Options) -> Result<(), HooksRefused> {
    if options.hooks.is_some() {
        return Ok(());
    }
    let hooks = plan.hooks.iter().map(|it| (&it.name, &it.command));
    let sources = plan.telemetry.iter();
    let sources = sources.filter_map(|it| Some((&it.name, it.place.command()?)));
    let all = hooks.chain(sources);
    let told: Vec<String> = all.map(|(name, it)| format!("{name} = {it:?}")).collect();
    if told.is_empty() {
        return Ok(());
    }
    Err(HooksRefused(told))
}
