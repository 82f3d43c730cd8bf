//! `regstorm completions`: the script by which a shell completes the command line.

use clap::{CommandFactory as _, ValueEnum};
use clap_complete::aot::{self, Generator as _};

use crate::Cli;
use crate::exit::{self, Exit, Failure, OrExit as _};

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  regstorm completions bash > /etc/bash_completion.d/regstorm
  regstorm completions zsh > /usr/local/share/zsh/site-functions/_regstorm
  regstorm completions fish > /etc/fish/completions/regstorm.fish")]
pub(crate) struct Args {
    /// Shell that reads the script
    shell: Shell,
}

/// A shell whose script the tests run.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    /// Bash 4 or later
    Bash,
    /// Zsh
    Zsh,
    /// Fish
    Fish,
}

impl From<Shell> for aot::Shell {
    fn from(shell: Shell) -> Self {
        match shell {
            Shell::Bash => Self::Bash,
            Shell::Zsh => Self::Zsh,
            Shell::Fish => Self::Fish,
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let mut cli = Cli::command();
    cli.set_bin_name("regstorm");
    cli.build();
    let mut script = Vec::new();
    // A closed pipe must not be a panic, which it is where `generate` writes to standard output.
    aot::Shell::from(args.shell)
        .try_generate(&cli, &mut script)
        .or_exit(Exit::Defect)?;
    let script = String::from_utf8(script).or_exit(Exit::Defect)?;
    exit::print(&script).map(|()| Exit::Passed)
}
