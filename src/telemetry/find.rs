//! Finding a process: by a file, by the port that it listens on, or by its name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::proc;
use super::source::ProcessBy;
use crate::units::foreign_words;

/// The longest name of a program in `/proc/PID/comm`.
const COMM: usize = 15;

/// Returns the number of the process.
///
/// # Errors
/// Returns why there is none, and what to do.
pub(super) fn find(by: &ProcessBy) -> Result<u32, String> {
    match by {
        ProcessBy::Pid(pid) => Ok(*pid),
        ProcessBy::PidFile(path) => of_file(path),
        ProcessBy::Port(port) => listening(*port),
        ProcessBy::Command(name) => named(name),
        ProcessBy::Thread(_) => Err("a thread is no process".to_owned()),
        ProcessBy::Nowhere(why) => Err((*why).to_owned()),
    }
}

/// Returns the numbers of all processes that are there.
pub(super) fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|it| it.ok()?.file_name().to_str()?.parse().ok())
}

fn of_file(path: &Path) -> Result<u32, String> {
    let shown = path.display();
    let text = proc::text(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let number = text.trim().parse();
    number.map_err(|_| format!("{shown} does not hold the number of a process"))
}

fn listening(port: u16) -> Result<u32, String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let tables = tables.iter().filter_map(|it| proc::text(it).ok());
    let sockets: BTreeSet<u64> = tables.flat_map(|it| proc::listening(&it, port)).collect();
    if sockets.is_empty() {
        return Err(format!(
            "nothing listens on port {port} here: in a container, use `container` or `pid`"
        ));
    }
    let holds = |pid: &u32| {
        let files = fs::read_dir(format!("/proc/{pid}/fd"));
        let mut files = files.into_iter().flatten().flatten();
        files.any(|it| socket_of(&it.path()).is_some_and(|it| sockets.contains(&it)))
    };
    let found: Vec<u32> = pids().filter(holds).collect();
    let pid = eldest(&found, &format!("listen on port {port}"))?.ok_or_else(|| {
        format!(
            "the process that listens on port {port} is of another user: run as that user, or as root"
        )
    })?;
    if comm(pid).as_deref() == Some("docker-proxy") {
        return Err(format!(
            "what listens on port {port} is docker-proxy, which stands before a container: use `container` or `pid`"
        ));
    }
    Ok(pid)
}

/// Returns the inode of a socket that a descriptor is open for.
fn socket_of(descriptor: &Path) -> Option<u64> {
    let link = fs::read_link(descriptor).ok()?;
    let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
    inode.parse().ok()
}

fn named(name: &str) -> Result<u32, String> {
    let own = std::process::id();
    let found = pids().filter(|pid| *pid != own && is_named(*pid, name));
    let found: Vec<u32> = found.collect();
    let pid = eldest(&found, &format!("run `{name}`"))?;
    pid.ok_or_else(|| format!("no process runs `{name}`"))
}

fn comm(pid: u32) -> Option<String> {
    let text = proc::text(format!("/proc/{pid}/comm")).ok()?;
    Some(text.trim_end_matches('\n').to_owned())
}

fn is_named(pid: u32, name: &str) -> bool {
    let Some(comm) = comm(pid) else {
        return false;
    };
    if comm == name {
        return true;
    }
    // The system keeps the beginning of a long name, and scripts have the name of what reads them.
    let may_be = comm.len() == COMM && name.starts_with(&comm) || name.len() <= COMM;
    let line = if may_be {
        proc::text(format!("/proc/{pid}/cmdline")).unwrap_or_default()
    } else {
        return false;
    };
    let first = line.split('\0').next().unwrap_or_default();
    first.rsplit('/').next() == Some(name)
}

/// Returns the one of which all others are children; `None` if there is none at all.
fn eldest(pids: &[u32], what: &str) -> Result<Option<u32>, String> {
    let parents: BTreeMap<u32, u32> = pids
        .iter()
        .filter_map(|pid| Some((*pid, parent(*pid)?)))
        .collect();
    let is_child = |pid: &&u32| parents.get(pid).is_some_and(|it| parents.contains_key(it));
    let mut eldest = pids.iter().filter(|pid| !is_child(pid));
    match (eldest.next(), eldest.next()) {
        (Some(_), Some(_)) => {
            let all: Vec<String> = pids.iter().map(u32::to_string).collect();
            let all = foreign_words(&all.join(", "), 60);
            Err(format!(
                "several processes {what} ({all}): choose one with `pid` or `pid_file`"
            ))
        }
        (one, _) => Ok(one.copied()),
    }
}

fn parent(pid: u32) -> Option<u32> {
    let text = proc::text(format!("/proc/{pid}/stat")).ok()?;
    Some(proc::stat(&text)?.parent)
}
