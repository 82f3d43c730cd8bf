//! The hooks of a plan beside one of its loads.

use std::io;

use tokio::time::Instant;

use super::progress::Progress;
use super::shared::Shared;
use super::stop::Stop;
use crate::hooks::{Allowed, Beside, HookRecord, HookThreads};
use crate::plan::Target;
use crate::units::{Credentials, Secret};

/// Starts the hooks of the plan; `None` if it has none, they are not allowed, or another shard runs them.
///
/// # Errors
/// When there is no thread to be had.
pub(super) fn start(
    shared: &Shared,
    allowed: Option<&Allowed>,
    opens: Instant,
    stop: &Stop,
) -> io::Result<Option<HookThreads>> {
    let plan = &shared.plan;
    let Some(allowed) = allowed.filter(|_| shared.shard.is_first() && !plan.hooks.is_empty())
    else {
        return Ok(None);
    };
    let target = shared.target.base.to_string();
    let beside = Beside {
        allowed,
        target: &target,
        secrets: secrets(&plan.target),
        opens,
    };
    let stop = stop.clone();
    HookThreads::start(&plan.hooks, &beside, &move || stop.is_aborted()).map(Some)
}

/// Says what has happened to the hooks.
pub(super) fn tell(threads: Option<&HookThreads>, tell: &mut dyn FnMut(Progress<'_>)) {
    for news in threads.iter().flat_map(|it| it.news()) {
        tell(Progress::Hook(&news));
    }
}

/// Waits for the hooks; gives what came of each, and how many ended in a panic.
pub(super) fn end(
    threads: Option<HookThreads>,
    tell: &mut dyn FnMut(Progress<'_>),
) -> (Vec<HookRecord>, u64) {
    let Some(threads) = threads else {
        return (Vec::new(), 0);
    };
    let (records, news) = threads.end(&mut |news| tell(Progress::Hook(news)));
    for news in news {
        tell(Progress::Hook(&news));
    }
    let panics = records.iter().filter(|it| it.is_none()).count() as u64;
    (records.into_iter().flatten().collect(), panics)
}

/// Returns what regstorm knows of a target and nobody else may.
fn secrets(target: &Target) -> Vec<Secret> {
    let headers = target.headers.iter().map(|(_, value)| value);
    let proxy = target.proxy.iter().filter_map(|it| it.authorization());
    let mut secrets: Vec<Secret> = headers.chain(proxy).cloned().collect();
    secrets.extend(target.auth.credentials.as_ref().map(|it| match it {
        Credentials::Password { password, .. } => password.clone(),
        Credentials::IdentityToken(token) => token.clone(),
    }));
    secrets
}
