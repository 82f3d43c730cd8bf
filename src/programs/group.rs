//! A process group of a program, and all groups that run.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// The groups of programs that run now.
static RUNNING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// The group of a program that runs. Dropping it leaves the program alone.
#[derive(Debug)]
pub struct ProcessGroup(i32);

impl ProcessGroup {
    /// Starts a program in a group of its own.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        // Whoever ends all groups waits for one that is being started.
        let mut running = running();
        let child = command.process_group(0).spawn()?;
        let id = i32::try_from(child.id()).map_err(io::Error::other)?;
        running.insert(id);
        Ok((child, Self(id)))
    }

    /// Ends whatever of the group is there.
    pub fn end(&self) {
        // What has ended meanwhile is gone already.
        let _ = killpg(Pid::from_raw(self.0), Signal::SIGKILL);
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        running().remove(&self.0);
    }
}

/// Ends all groups, before the process itself ends.
pub fn end_all() {
    for id in running().iter() {
        let _ = killpg(Pid::from_raw(*id), Signal::SIGKILL);
    }
}

fn running() -> MutexGuard<'static, BTreeSet<i32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
