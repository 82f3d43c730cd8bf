//! The stored counts, and the tools that they are of.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

/// Where the counts are, from the root of the repository.
pub(crate) const FILE: &str = "benches/counts/baseline.toml";

const HEADING: &str = "\
# Instructions of each hot path, and the tools that they were counted with.
# Written by `benches/instructions --update`.

";

/// Counts, each by the name of its path.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Baseline {
    tools: Tools,
    instructions: BTreeMap<String, f64>,
}

/// What a count changes with, although the code is the same.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Tools(BTreeMap<String, String>);

impl Baseline {
    /// No counts yet.
    pub(crate) fn new(tools: Tools) -> Self {
        Self {
            tools,
            instructions: BTreeMap::new(),
        }
    }

    pub(crate) fn read() -> Result<Self> {
        let text = fs::read_to_string(file()).with_context(|| FILE.to_owned())?;
        toml::from_str(&text).with_context(|| FILE.to_owned())
    }

    pub(crate) fn write(&self) -> Result<()> {
        let text = format!("{HEADING}{}", toml::to_string(self)?);
        fs::write(file(), text).with_context(|| FILE.to_owned())
    }

    /// Keeps a count, to the tenth of an instruction.
    pub(crate) fn store(&mut self, name: &str, instructions: f64) {
        let rounded = (instructions * 10.0).round() / 10.0;
        self.instructions.insert(name.to_owned(), rounded);
    }

    pub(crate) fn count(&self, name: &str) -> Option<f64> {
        self.instructions.get(name).copied()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.instructions.keys().map(String::as_str)
    }

    /// In what the tools of now differ from those of the stored counts, in words.
    pub(crate) fn differences(&self, now: &Tools) -> Vec<String> {
        let differing = now.0.iter().filter_map(|(tool, now)| {
            let stored = self.tools.0.get(tool).map_or("unknown", String::as_str);
            (stored != now).then(|| format!("{tool}: {now}; the stored counts are of {stored}"))
        });
        differing.collect()
    }
}

impl Tools {
    /// Those of this machine: the compiler; valgrind, which decides what processor the program sees; the C library with
    /// its `memcpy` and `malloc`.
    pub(crate) fn installed() -> Result<Self> {
        let tools = [
            ("architecture", env::consts::ARCH.to_owned()),
            ("compiler", said_by("rustc", "--version")?),
            ("libc", said_by("getconf", "GNU_LIBC_VERSION")?),
            ("valgrind", said_by("valgrind", "--version")?),
        ];
        let named = tools.map(|(name, version)| (name.to_owned(), version));
        Ok(Self(BTreeMap::from(named)))
    }
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE)
}

/// The first line that a program says.
fn said_by(program: &str, argument: &str) -> Result<String> {
    let output = Command::new(program)
        .arg(argument)
        .output()
        .with_context(|| format!("{program} cannot be started"))?;
    ensure!(output.status.success(), "{program} {argument} failed");
    let text = String::from_utf8(output.stdout).with_context(|| program.to_owned())?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
