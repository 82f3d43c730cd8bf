//! The arguments that name a scenario, and the one way in which commands read it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use regstorm::scenario::{self, Overrides, Problems, Scenario};

use crate::docker_config;
use crate::exit::{Exit, Failure, OrExit};
use crate::terminal;

/// The most that is read. A scenario has a few kilobytes; a device may have no end.
const MAX_TEXT: u64 = 1 << 20;

/// A scenario and what the command line changes in it.
#[derive(Debug, Args)]
pub(crate) struct ScenarioArgs {
    /// Scenario file (TOML)
    file: PathBuf,
    /// Target in place of the scenario's: http[s]://HOST[:PORT][/PATH], or `embedded`
    #[arg(long, value_name = "URL")]
    target: Option<String>,
    /// New value for a key, such as `load.vus=5`, `images.web.layer_size=1MiB` or `load.0.duration=30s`; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl ScenarioArgs {
    /// Reads the scenario. Its problems are printed here; then there is none, and the command ends as a wrong usage.
    pub(crate) fn load(&self) -> Result<Option<Scenario>, Failure> {
        load(&self.file, self.target.as_deref(), &self.set)
    }

    /// Reads the credentials that the scenario takes from docker. A helper may be run for that.
    pub(crate) fn fill_in(&self, scenario: &mut Scenario) -> Result<(), Failure> {
        fill_in(&self.file, scenario)
    }
}

/// The same of a scenario that is aimed at that target.
pub(crate) fn load(
    file: &Path,
    target: Option<&str>,
    set: &[String],
) -> Result<Option<Scenario>, Failure> {
    let source = read_text(file)
        .with_context(|| format!("cannot read the scenario {}", file.display()))
        .or_exit(Exit::Usage)?;
    let overrides = Overrides {
        target: target.map(str::to_owned),
        set: set.to_vec(),
    };
    let name = file.display().to_string();
    let base_dir = file.parent().unwrap_or(Path::new(""));
    match scenario::load(&source, &name, base_dir, &overrides, &variable) {
        Ok(scenario) => Ok(Some(scenario)),
        Err(problems) => {
            tell(&problems);
            Ok(None)
        }
    }
}

/// Reads the credentials that a scenario takes from docker, whose file is that one.
pub(crate) fn fill_in(file: &Path, scenario: &mut Scenario) -> Result<(), Failure> {
    let directory = file.parent().unwrap_or(Path::new(""));
    docker_config::fill_in(scenario, directory).or_exit(Exit::Usage)
}

/// Prints what is wrong with a file.
pub(crate) fn tell(problems: &Problems) {
    let mut stderr = std::io::stderr().lock();
    let colour = terminal::colours(&stderr);
    let many = if problems.len() == 1 { "" } else { "s" };
    // When nobody reads what is wrong, the exit code still says that something is.
    let _ = writeln!(
        stderr,
        "{}\n{} problem{many}; nothing was sent",
        problems.render(colour),
        problems.len()
    );
}

/// Reads a file that a person has written.
pub(crate) fn read_text(path: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_TEXT + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_TEXT {
        bail!("it is larger than 1 MiB");
    }
    String::from_utf8(bytes).map_err(|_| anyhow!("it is not UTF-8 text"))
}

/// A variable of the environment; one that is not Unicode counts as unset.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name)?.into_string().ok()
}
