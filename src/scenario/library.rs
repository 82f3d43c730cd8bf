//! The scenario library: the files under `scenarios/`, inside the program.

use std::path::Path;

use super::{Scenario, load};
use crate::keys::{Overrides, Problems};

/// A file of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its name, without the `@` that stands before it on a command line.
    pub name: &'static str,
    /// The directory below `scenarios/` that it is in: empty, `regressions` or `gates`.
    pub directory: &'static str,
    /// The file as it stands in the repository, with its comments.
    pub text: &'static str,
}

macro_rules! entries {
    ($($directory:literal: $($name:literal)*;)*) => {
        &[$($(Entry {
            name: $name,
            directory: $directory,
            text: include_str!(concat!("../../scenarios/", $directory, "/", $name, ".toml")),
        }),*),*]
    };
}

/// The directory of the scenarios that reproduce defects of registries.
pub const REGRESSIONS: &str = "regressions";

/// The scenarios, in the order in which a list shows them: from the first run to the long ones, and then those that reproduce
/// published defects.
pub static SCENARIOS: &[Entry] = entries! { "":
    "first-run" "start" "steady" "pull" "push" "mixed" "ramp" "capacity" "rollout" "containerd-rollout" "ci-push-burst"
    "tag-polling" "mirror" "replay" "tokens" "pool" "large-layers" "lazy-pull" "working-day" "mixed-day" "aborting-rollout"
    "slow-readers" "soak";
    "regressions":
    "catalog-walk" "tag-list-storm" "tag-poll-storm" "retention-delete" "gc-under-load" "gc-backlog"
    "commit-cost" "throttled-writes" "resumed-chunks" "slow-upload-token" "token-storm" "proxy-stampede" "push-herd" "parallel-builds" "tag-race"
    "trusted-heads" "mounts" "many-small-layers" "many-blobs" "many-components" "hot-repository" "connection-collapse"
    "slow-decay" "lazy-ranges";
};

/// The files of gates.
pub static GATES: &[Entry] = entries! { "gates":
    "pull-request";
};

/// Returns the file of that name. An `@` before it is allowed.
pub fn find(entries: &'static [Entry], name: &str) -> Option<&'static Entry> {
    let name = name.strip_prefix('@').unwrap_or(name);
    entries.iter().find(|it| it.name == name)
}

impl Entry {
    /// Reads the scenario. It uses no variable of the environment and no file.
    ///
    /// # Errors
    /// [`Problems`] if it is not a scenario, but a file of gates.
    pub fn scenario(&self) -> Result<Scenario, Problems> {
        let shown = format!("@{}", self.name);
        let overrides = Overrides::default();
        load(self.text, &shown, Path::new(""), &overrides, &|_| None)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    /// The names of the TOML files in a directory of the repository.
    fn files(directory: &str) -> BTreeSet<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
        let entries = fs::read_dir(path).unwrap().map(|it| it.unwrap().path());
        let files = entries.filter(|it| it.extension().is_some_and(|it| it == "toml"));
        files
            .map(|it| it.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn every_file_of_the_directory_is_in_the_library() {
        for (directory, entries) in [("", SCENARIOS), (REGRESSIONS, SCENARIOS), ("gates", GATES)] {
            let of_it = entries.iter().filter(|it| it.directory == directory);
            let names: BTreeSet<String> = of_it.map(|it| it.name.to_owned()).collect();
            assert_eq!(
                names,
                files(&format!("scenarios/{directory}")),
                "{directory}"
            );
        }
    }

    #[test]
    fn the_name_of_a_scenario_is_that_of_its_file() {
        for entry in SCENARIOS {
            let scenario = entry.scenario().unwrap();
            assert_eq!(scenario.name, entry.name);
            assert!(!scenario.description.is_empty(), "{}", entry.name);
        }
    }
}
