//! The arguments that name a scenario, and the one way in which commands read it.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use regstorm::scenario::{self, Overrides, Problems, Scenario, library};

use crate::docker_config;
use crate::exit::{Exit, Failure, OrExit as _};
use crate::proxy::ProxyArgs;
use crate::source::{self, Source};
use crate::terminal;

/// A scenario and what the command line changes in it.
#[derive(Debug, Args)]
pub(crate) struct ScenarioArgs {
    /// Scenario file (TOML), or @NAME for one of the library (`regstorm scenarios` lists it)
    #[arg(value_parser = source::parser(library::SCENARIOS))]
    scenario: Source,
    /// Target in place of the scenario's: http[s]://HOST[:PORT][/PATH], or `embedded`
    #[arg(long, value_name = "URL")]
    target: Option<String>,
    #[command(flatten)]
    proxy: ProxyArgs,
    /// New value for a key, such as `load.vus=5`, `images.web.layer_size=1MiB` or `load.0.duration=30s`; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl ScenarioArgs {
    /// The file that is read, if it is one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.scenario.file()
    }

    /// Reads the scenario. Its problems are printed here; then there is none, and the command ends as a wrong usage.
    pub(crate) fn load(&self) -> Result<Option<Scenario>, Failure> {
        load(
            &self.scenario,
            self.target.as_deref(),
            &self.proxy,
            &self.set,
        )
    }

    /// Reads the credentials that the scenario takes from docker. A helper may be run for that.
    pub(crate) fn fill_in(&self, scenario: &mut Scenario) -> Result<(), Failure> {
        fill_in(&self.scenario, scenario)
    }
}

/// The same of a scenario that is aimed at that target.
pub(crate) fn load(
    from: &Source,
    target: Option<&str>,
    proxy: &ProxyArgs,
    set: &[String],
) -> Result<Option<Scenario>, Failure> {
    let source = from
        .text()
        .with_context(|| format!("cannot read the scenario {from}"))
        .or_exit(Exit::Usage)?;
    let overrides = Overrides {
        target: target.map(str::to_owned),
        set: set.to_vec(),
        proxy: proxy.written().map(str::to_owned),
    };
    let name = from.to_string();
    match scenario::load(&source, &name, from.directory(), &overrides, &variable) {
        Ok(scenario) => Ok(Some(scenario)),
        Err(problems) => {
            tell(&problems, "nothing was sent");
            Ok(None)
        }
    }
}

/// Reads the credentials that a scenario takes from docker, which comes from there.
pub(crate) fn fill_in(from: &Source, scenario: &mut Scenario) -> Result<(), Failure> {
    docker_config::fill_in(scenario, from.directory()).or_exit(Exit::Usage)
}

/// Prints what is wrong with a file, and what was not done for that reason.
pub(crate) fn tell(problems: &Problems, undone: &str) {
    let mut stderr = std::io::stderr().lock();
    let colour = terminal::colours(&stderr);
    let many = if problems.len() == 1 { "" } else { "s" };
    // When nobody reads what is wrong, the exit code still says that something is.
    let _ = writeln!(
        stderr,
        "{}\n{} problem{many}; {undone}",
        problems.render(colour),
        problems.len()
    );
}

/// A variable of the environment; one that is not Unicode counts as unset.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var_os(name)?.into_string().ok()
}
