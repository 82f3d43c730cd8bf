//! The test that holds `docs/reference/command-line.md` to the definitions of the arguments, and writes it on demand.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::CommandFactory as _;

use super::Cli;

/// The columns of a help text in the reference, whatever the terminal has.
const WIDTH: usize = 100;

const HEAD: &str = "\
<!-- Generated from the definitions of the arguments. Update: REGSTORM_UPDATE_DOCS=1 cargo test --bin regstorm reference -->

# Command line

`regstorm COMMAND --help` prints the same text; `-h` prints a shorter one. See also: [guide](../guide/README.md),
[scenario keys](scenario.md), [exit codes](exit-codes.md).
";

/// The page: a section for each command, with its long help.
fn page() -> String {
    let mut cli = Cli::command().term_width(WIDTH);
    cli.build();
    let mut page = HEAD.to_owned();
    let mut add = |title: &str, help: String| {
        let lines = help.lines().map(str::trim_end).collect::<Vec<_>>();
        let text = lines.join("\n");
        let text = text.trim();
        // A string takes whatever is written to it.
        let _ = write!(page, "\n## {title}\n\n```text\n{text}\n```\n");
    };
    add("regstorm", cli.render_long_help().to_string());
    let commands = |of: &clap::Command| -> Vec<clap::Command> {
        let all = of.get_subcommands().filter(|it| it.get_name() != "help");
        all.map(|it| it.clone().term_width(WIDTH)).collect()
    };
    for mut command in commands(&cli) {
        let title = format!("regstorm {}", command.get_name());
        add(&title, command.render_long_help().to_string());
        for mut part in commands(&command) {
            let title = format!("{title} {}", part.get_name());
            add(&title, part.render_long_help().to_string());
        }
    }
    page
}

#[test]
fn the_reference_of_the_command_line_is_that_of_the_arguments() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/command-line.md");
    let wanted = page();
    if std::env::var_os("REGSTORM_UPDATE_DOCS").is_some() {
        fs::write(&path, &wanted).expect("docs/reference can be written");
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == wanted,
        "docs/reference/command-line.md is stale; update it with\n  \
         REGSTORM_UPDATE_DOCS=1 cargo test --bin regstorm reference"
    );
}
