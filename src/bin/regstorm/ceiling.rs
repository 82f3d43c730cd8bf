//! Where this machine's ceiling is kept between runs.

use std::path::PathBuf;

use regstorm::result::Ceiling;

/// `$XDG_STATE_HOME/regstorm/ceiling.json`, by default under `~/.local/state`; `None` when there is no home.
pub(crate) fn path() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let state = match set("XDG_STATE_HOME") {
        Some(directory) => PathBuf::from(directory),
        None => PathBuf::from(set("HOME")?).join(".local/state"),
    };
    Some(state.join("regstorm/ceiling.json"))
}

/// The ceiling that is kept, if there is one.
pub(crate) fn load() -> Option<Ceiling> {
    Ceiling::load(&path()?)
}
