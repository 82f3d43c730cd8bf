//! The file in which this machine's ceiling is kept between runs.

use std::path::PathBuf;

use regstorm::result::Ceiling;

/// Returns `$XDG_STATE_HOME/regstorm/ceiling.json`, by default under `~/.local/state`; `None` if there is no home directory.
pub(crate) fn path() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let state = match set("XDG_STATE_HOME") {
        Some(directory) => PathBuf::from(directory),
        None => PathBuf::from(set("HOME")?).join(".local/state"),
    };
    Some(state.join("regstorm/ceiling.json"))
}

/// Reads the stored ceiling, if there is one.
pub(crate) fn load() -> Option<Ceiling> {
    Ceiling::load(&path()?)
}
