//! `regstorm man`: a manual page for each command, made from the definitions of the arguments.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use regstorm::files::Directory;

use crate::Cli;
use crate::exit::{Exit, Failure, OrExit as _};

/// The mode of a page, less the user's mask.
const MODE: u32 = 0o666;

/// What begins the examples at the end of a help text.
const EXAMPLES: [&str; 2] = ["Examples:\n", "Example:\n"];

/// Write the manual pages of all commands
///
/// Writes regstorm.1 and a page for each command, such as regstorm-run.1. Replaces pages that exist.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  regstorm man /usr/local/share/man/man1")]
pub(crate) struct Args {
    /// Directory to write to; created if it is missing
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let pages = pages().or_exit(Exit::Defect)?;
    write(&args.directory, &pages).or_exit(Exit::Failed)?;
    Ok(Exit::Passed)
}

/// A file name and its text.
type Page = (String, Vec<u8>);

fn write(directory: &Path, pages: &[Page]) -> anyhow::Result<()> {
    let opened = Directory::create_all(directory);
    let opened =
        opened.with_context(|| format!("cannot create the directory {}", directory.display()))?;
    for (name, text) in pages {
        let written = opened.replace(name, MODE, |file| file.write_all(text));
        written.with_context(|| format!("cannot write {}", directory.join(name).display()))?;
    }
    Ok(())
}

fn pages() -> std::io::Result<Vec<Page>> {
    let mut cli = Cli::command().disable_help_subcommand(true);
    cli.set_bin_name("regstorm");
    cli.build();
    let mut pages = vec![("regstorm.1".to_owned(), page(&cli, "regstorm")?)];
    for command in cli.get_subcommands() {
        let name = format!("regstorm-{}", command.get_name());
        pages.push((format!("{name}.1"), page(command, &name)?));
    }
    Ok(pages)
}

fn page(command: &Command, name: &str) -> std::io::Result<Vec<u8>> {
    let man = Man::new(command.clone());
    let mut text = Vec::new();
    // Not `render_title`, which leaves the empty date out, so that the version stands in its place.
    writeln!(
        text,
        ".TH {name} 1 \"\" \"regstorm {}\" regstorm",
        env!("CARGO_PKG_VERSION")
    )?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    if let Some(after) = command.get_after_help() {
        examples(&after.to_string(), &mut text)?;
    }
    Ok(text)
}

/// Writes the end of a help text, whose lines are not to be filled.
fn examples(after: &str, text: &mut Vec<u8>) -> std::io::Result<()> {
    let lines = EXAMPLES.iter().find_map(|head| after.strip_prefix(head));
    let (title, lines) = lines.map_or(("NOTES", after), |lines| ("EXAMPLES", lines));
    writeln!(text, ".SH {title}\n.nf")?;
    for line in lines.lines() {
        let line = line.trim_end().replace('\\', "\\e").replace('-', "\\-");
        // A dot or a quote at the start of a line is a request of roff.
        writeln!(text, "\\&{line}")?;
    }
    writeln!(text, ".fi")
}
