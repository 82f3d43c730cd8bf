//! The scenario that `regstorm load` makes of its arguments, as a person would write it.

use std::fmt::{self, Display, Write as _};
use std::path::Path;

/// What the arguments ask for.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) target: Vec<Table>,
    pub(super) sets: Vec<Set<'a>>,
    pub(super) push: bool,
    pub(super) client: &'a str,
    pub(super) load: Table,
}

/// A set of images.
#[derive(Debug)]
pub(super) enum Set<'a> {
    /// Images made from the seed.
    Synthetic {
        count: u32,
        layers: u32,
        layer_size: &'a str,
    },
    /// Images that the registry has: references and globs.
    Existing(Vec<&'a str>),
    /// The same, one a line of a file.
    Listed(&'a Path),
    /// The images of an archive.
    Archive(&'a Path),
}

impl Set<'_> {
    /// How often it is chosen, beside others.
    fn weight(&self) -> usize {
        match self {
            Self::Existing(references) => references.len(),
            Self::Synthetic { .. } | Self::Archive(_) | Self::Listed(_) => 1,
        }
    }

    const fn word(&self) -> &'static str {
        match self {
            Self::Synthetic { .. } => "synthetic",
            Self::Existing(_) | Self::Listed(_) => "existing",
            Self::Archive(_) => "archive",
        }
    }

    fn table(&self, name: &str) -> Table {
        let table = Table::new(&format!("[images.{name}]")).text("source", self.word());
        match self {
            Self::Synthetic {
                count,
                layers,
                layer_size,
            } => table
                .bare("count", count)
                .bare("layers", layers)
                .text("layer_size", layer_size),
            Self::Existing(references) => {
                let quoted: Vec<String> = references.iter().map(|it| quoted(it)).collect();
                table.bare("references", format!("[{}]", quoted.join(", ")))
            }
            Self::Listed(path) => table.text("references", &path.to_string_lossy()),
            Self::Archive(path) => table.text("path", &path.to_string_lossy()),
        }
    }
}

/// A table of the scenario.
#[derive(Debug)]
pub(crate) struct Table {
    text: String,
}

impl Table {
    pub(crate) fn new(heading: &str) -> Self {
        Self {
            text: format!("{heading}\n"),
        }
    }

    /// More keys for a table whose heading stands already.
    pub(super) const fn more() -> Self {
        Self {
            text: String::new(),
        }
    }

    /// Adds a key with a string.
    pub(crate) fn text(self, key: &str, value: &str) -> Self {
        self.bare(key, quoted(value))
    }

    /// Adds a key with a value that needs no quotes.
    pub(crate) fn bare(mut self, key: &str, value: impl Display) -> Self {
        // A string takes whatever is written to it.
        let _ = writeln!(self.text, "{key} = {value}");
        self
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

impl Display for Draft<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.push { "push" } else { "pull" };
        writeln!(f, "# Made by `regstorm load`.\n\nname = \"load\"\n")?;
        let tables: Vec<&str> = self.target.iter().map(|it| it.text.as_str()).collect();
        f.write_str(&tables.join("\n"))?;
        let mut mix = Vec::new();
        for (number, set) in (1..).zip(&self.sets) {
            let (images, journey) = match self.sets.len() {
                1 => (set.word().to_owned(), verb.to_owned()),
                _ => (
                    format!("{}-{number}", set.word()),
                    format!("{verb}-{number}"),
                ),
            };
            write!(f, "\n{}", set.table(&images).text)?;
            let mut table = Table::new(&format!("[journey.{journey}]"))
                .text("action", verb)
                .text("images", &images)
                .text("client", self.client);
            if self.push && matches!(set, Set::Synthetic { .. }) {
                table = table.bare("unique", "true");
            }
            write!(f, "\n{}", table.text)?;
            mix.push((journey, set.weight()));
        }
        f.write_str("\n[[load]]\n")?;
        match mix.as_slice() {
            [(journey, _)] => writeln!(f, "journey = {}", quoted(journey))?,
            several => {
                let shares: Vec<String> = several
                    .iter()
                    .map(|(journey, weight)| format!("{journey} = {weight}"))
                    .collect();
                writeln!(f, "mix = {{ {} }}", shares.join(", "))?;
            }
        }
        f.write_str(&self.load.text)?;
        if self.push || self.sets.iter().any(|it| it.word() != "existing") {
            f.write_str("\n[prepare]\nclean_up = \"manifests\"\n")?;
        }
        Ok(())
    }
}
