//! Checks that a plan fits into the limits of this process, before anything is sent.

use anyhow::anyhow;
use nix::sys::resource::{Resource, setrlimit};
use regstorm::health::Limits;
use regstorm::plan::Plan;
use regstorm::session;

/// Lets the process open as many files as it may, and returns an error if the plan does not fit: the number that does, and
/// the setting to change.
pub(crate) fn check(plan: &Plan) -> anyhow::Result<()> {
    let limits = open_as_many_files_as_allowed()?;
    let problems = session::preflight(plan, limits);
    if problems.is_empty() {
        return Ok(());
    }
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Err(anyhow!("{}; nothing was sent", problems.join("; ")))
}

/// Lets the process open as many files as it may, and returns the limits as they were.
pub(crate) fn open_as_many_files_as_allowed() -> anyhow::Result<Limits> {
    let limits = Limits::read();
    if let (Some(soft), Some(hard)) = (limits.open_files_soft, limits.open_files_hard)
        && soft < hard
    {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(limits)
}
