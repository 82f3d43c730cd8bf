//! `regstorm init`: a commented scenario file to start from.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use regstorm::scenario::library;

use crate::exit::{self, Exit, Failure, OrExit as _};
use crate::source;

/// What is written where nobody says what.
const STARTER: &str = "start";

/// Write a commented scenario file to start from
///
/// It runs as it stands, against the registry inside regstorm. A file that exists is not written over.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  regstorm init\n  regstorm init steady --out my-registry.toml")]
pub(crate) struct Args {
    /// Scenario of the library to start from (`regstorm scenarios` lists them)
    #[arg(default_value = STARTER)]
    name: String,
    /// File to write; `-` is standard output [default: scenario.toml, or NAME.toml for a given NAME]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let unknown = || source::unknown(library::SCENARIOS, &args.name);
    let entry = library::find(library::SCENARIOS, &args.name);
    let entry = entry.ok_or_else(unknown).or_exit(Exit::Usage)?;
    let path = args.out.clone().unwrap_or_else(|| match entry.name {
        STARTER => "scenario.toml".into(),
        name => format!("{name}.toml").into(),
    });
    if path == Path::new("-") {
        return exit::print(entry.text).map(|()| Exit::Passed);
    }
    write_new(&path, entry.text)?;
    let shown = path.display();
    let text = format!(
        "wrote {shown}\n\n  regstorm check {shown}     shows what it will do\n  regstorm run {shown}       runs it\n"
    );
    exit::print(&text).map(|()| Exit::Passed)
}

/// Writes a file that does not exist yet.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let shown = path.display();
    let opened = OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = match opened {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let error = anyhow!("{shown} exists; give another file with --out");
            return Err(Failure::new(Exit::Usage, error));
        }
        opened => opened
            .map_err(|error| anyhow!("cannot write {shown}: {error}"))
            .or_exit(Exit::Usage)?,
    };
    file.write_all(text.as_bytes())
        .map_err(|error| anyhow!("cannot write {shown}: {error}"))
        .or_exit(Exit::Failed)
}
