//! Counts the instructions of a hot path: this program starts itself under valgrind.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, Result, ensure};

use super::paths::HotPath;

/// The argument with which this program walks a path, and does nothing else.
pub(crate) const WALK: &str = "--walk";

/// How many instructions it takes to walk a path once more: what twice as many times take beyond as many. What is done
/// once, to start and to get warm, is in both and falls out.
pub(crate) fn count(path: &HotPath) -> Result<f64> {
    let once = executed(path, path.times)?;
    let twice = executed(path, path.times * 2)?;
    Ok((twice - once) / f64::from(path.times))
}

/// Where the profile of the last count is, for `callgrind_annotate`.
pub(crate) fn profile(path: &HotPath) -> Result<PathBuf> {
    let program = env::current_exe()?;
    Ok(program.with_file_name(format!("callgrind.{}.out", path.name)))
}

/// All instructions of a process that walks a path so often.
fn executed(path: &HotPath, times: u32) -> Result<f64> {
    let profile = profile(path)?;
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(env::current_exe()?)
        .args([WALK, path.name, &times.to_string()])
        .output()
        .context("valgrind cannot be started; Debian has it in the package valgrind")?;
    ensure!(
        output.status.success(),
        "{}: the walk failed under valgrind:\n{}",
        path.name,
        String::from_utf8_lossy(&output.stderr)
    );
    let text = fs::read_to_string(&profile).with_context(|| profile.display().to_string())?;
    let totals = text.lines().find_map(|line| line.strip_prefix("totals: "));
    let totals = totals.context("callgrind wrote no totals")?;
    totals.trim().parse().context("callgrind's totals")
}
