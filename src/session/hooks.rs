//! Whether the hooks of a plan may run.

use super::error::HooksRefused;
use super::options::Options;
use crate::plan::Plan;

/// Refuses a plan whose hooks are not allowed, before anything is sent.
pub(super) fn check_hooks(plan: &Plan, options: &Options) -> Result<(), HooksRefused> {
    if plan.hooks.is_empty() || options.hooks.is_some() {
        return Ok(());
    }
    let hooks = plan.hooks.iter();
    let told = hooks.map(|it| format!("{} = {:?}", it.name, it.command));
    Err(HooksRefused(told.collect()))
}
