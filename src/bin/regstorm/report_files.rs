//! Stored reports by file or directory.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use regstorm::result::{Document, Stored};
use regstorm::schedule::Side;

/// More reports than these are no comparison, but the wrong directory.
const MOST: usize = 1_000;

/// Returns the files, with the reports in a directory (`*.json`, by name) in its place.
pub(crate) fn of(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(in_directory(path)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// Returns the reports in a directory by side: those of `ab --reports` say it themselves, others by their names, which
/// begin with `base` or `candidate`. Stored comparisons are left out.
pub(crate) fn sides(directory: &Path) -> anyhow::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut base, mut candidate) = (Vec::new(), Vec::new());
    for path in in_directory(directory)? {
        let Stored::Run(document) = Stored::load(&path)? else {
            continue;
        };
        match side(&document, &path) {
            Some(Side::Base) => base.push(path),
            Some(Side::Candidate) => candidate.push(path),
            None => bail!(
                "{}: which side is it? In a directory that is compared, reports are of `regstorm ab --reports`, or their \
                 names begin with `base` or `candidate`",
                path.display()
            ),
        }
    }
    for (files, side) in [(&base, Side::Base), (&candidate, Side::Candidate)] {
        if files.is_empty() {
            bail!(
                "{}: it has no report of the {}: a name that begins with `{}`, or a report of `regstorm ab --reports`",
                directory.display(),
                side.name(),
                side.name()
            );
        }
    }
    Ok((base, candidate))
}

fn side(document: &Document, path: &Path) -> Option<Side> {
    if let Some(pair) = &document.pair {
        return Some(pair.side);
    }
    let name = path.file_name()?.to_string_lossy();
    [Side::Base, Side::Candidate]
        .into_iter()
        .find(|side| name.starts_with(side.name()))
}

fn in_directory(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let shown = directory.display();
    let entries = fs::read_dir(directory).with_context(|| format!("cannot read {shown}"))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry
            .with_context(|| format!("cannot read {shown}"))?
            .path();
        if path.extension().is_some_and(|it| it == "json") && path.is_file() {
            files.push(path);
        }
        if files.len() > MOST {
            return Err(anyhow!(
                "{shown}: it has more than {MOST} reports: name the files"
            ));
        }
    }
    if files.is_empty() {
        bail!("{shown}: it has no report: no file there ends with `.json`");
    }
    files.sort();
    Ok(files)
}
