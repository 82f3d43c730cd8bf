//! Where docker and podman keep credentials.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use regstorm::plan::DockerConfig;

/// The files to look in, in order.
#[derive(Debug)]
pub(super) struct Places {
    files: Vec<PathBuf>,
    tool: &'static str,
}

/// The value of a variable that is not empty.
type Variable<'a> = &'a dyn Fn(&str) -> Option<OsString>;

impl Places {
    /// Finds the files. Of podman's usual ones those that exist, and at least one.
    pub(super) fn of(config: &DockerConfig, variable: Variable<'_>) -> anyhow::Result<Self> {
        let one = |file, tool| Self {
            files: vec![file],
            tool,
        };
        match config {
            DockerConfig::File(path) => Ok(one(path.clone(), "docker or podman")),
            DockerConfig::Usual => Ok(one(docker(variable)?, "docker")),
            DockerConfig::Podman => {
                if let Some(file) = variable("REGISTRY_AUTH_FILE") {
                    return Ok(one(file.into(), "podman"));
                }
                let (files, missing): (Vec<_>, Vec<_>) =
                    podman(variable).into_iter().partition(|it| it.exists());
                if files.is_empty() {
                    let missing: Vec<_> =
                        missing.iter().map(|it| it.display().to_string()).collect();
                    bail!(
                        "there is no {}: log in with podman, or set REGISTRY_AUTH_FILE",
                        missing.join(" and no ")
                    );
                }
                Ok(Self {
                    files,
                    tool: "podman",
                })
            }
        }
    }

    pub(super) fn to_read(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    /// What to log in with.
    pub(super) const fn tool(&self) -> &'static str {
        self.tool
    }
}

impl fmt::Display for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = self.files.iter().map(|it| it.display().to_string());
        f.write_str(&files.collect::<Vec<_>>().join(" and "))
    }
}

fn docker(variable: Variable<'_>) -> anyhow::Result<PathBuf> {
    let directory = variable("DOCKER_CONFIG").map(PathBuf::from);
    let home = || variable("HOME").map(|home| Path::new(&home).join(".docker"));
    let directory = directory.or_else(home);
    let directory = directory.ok_or_else(|| anyhow!("neither DOCKER_CONFIG nor HOME is set"))?;
    Ok(directory.join("config.json"))
}

/// The files of containers-auth.json(5): of this login, and of this user.
fn podman(variable: Variable<'_>) -> Vec<PathBuf> {
    let runtime = match variable("XDG_RUNTIME_DIR") {
        Some(directory) => Some(Path::new(&directory).join("containers")),
        None => fs::metadata("/proc/self")
            .ok()
            .map(|it| Path::new("/run/containers").join(it.uid().to_string())),
    };
    let config = variable("XDG_CONFIG_HOME").map(PathBuf::from);
    let home = || variable("HOME").map(|home| Path::new(&home).join(".config"));
    let config = config.or_else(home).map(|it| it.join("containers"));
    let both = runtime.into_iter().chain(config);
    both.map(|it| it.join("auth.json")).collect()
}
