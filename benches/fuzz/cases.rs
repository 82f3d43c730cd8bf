//! One case of the fuzzer: an input that follows from its number, and what must hold of whatever reads it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use regstorm::report::text;
use regstorm::trace::replay::{Sessions, Slice};
use regstorm::trace::{Format, ImportOptions, Importer, Key, Log, Overview, Reader, TraceOptions};
use regstorm::units::{self, Secret};
use tempfile::TempDir;

use super::{logs, metrics, traces};

/// Imports some logs, and reads the trace that comes of them.
///
/// # Errors
/// What does not hold.
pub(crate) fn import(number: u64) -> Result<(), String> {
    let draw = &mut Xoshiro256PlusPlus::seed_from_u64(number);
    let written = logs::write(draw);
    let Some(formats) = formats(&written.format) else {
        return Ok(());
    };
    let secret = Secret::new("a secret of the fuzzer".to_owned());
    let keep_names = draw.random_range(0..2) == 0;
    let options = ImportOptions {
        formats,
        trace: TraceOptions {
            key: Key::new(&secret).map_err(|_| "the key is too short")?,
            keep_names,
            session_gap: Duration::from_secs(draw.random_range(1..100)),
        },
    };
    let spill = || tempfile::tempfile();
    let mut importer = Importer::new(options, told(spill())?).map_err(|it| it.to_string())?;
    for name in ["a.log", "b.log"] {
        let before = importer.lines().all();
        let log = Log::new(name, io::Cursor::new(written.bytes.clone()));
        match importer.read(log) {
            Ok(()) => {
                let counted = importer.lines().all() - before;
                if let Some(lines) = written.lines
                    && lines != counted
                {
                    return Err(format!("{counted} of {lines} lines are counted"));
                }
            }
            Err(error) => return fit_to_be_shown(&whole(&error)),
        }
        if draw.random_range(0..2) == 0 {
            break;
        }
    }
    let requests = importer.lines().requests;
    let dir = told(TempDir::new())?;
    let path = dir.path().join("a.trace");
    let to = told(File::create(&path))?;
    let (_, summary) = match importer.finish(to, &spill) {
        Ok(made) => made,
        Err(error) => return fit_to_be_shown(&whole(&error)),
    };
    fit_to_be_shown(&text::imported(&summary, Some(100), false, &path))?;
    if summary.requests != requests + summary.added {
        return Err("requests are lost on the way into the trace".to_owned());
    }
    let overview = shown(&path)?.ok_or("the trace that was written cannot be read")?;
    if !keep_names && overview.contains(logs::SECRET) {
        return Err("a secret is in the trace".to_owned());
    }
    Ok(())
}

/// Reads a trace that may be damaged.
///
/// # Errors
/// What does not hold.
pub(crate) fn read(number: u64) -> Result<(), String> {
    let draw = &mut Xoshiro256PlusPlus::seed_from_u64(number);
    let dir = told(TempDir::new())?;
    let path = dir.path().join("a.trace");
    told(std::fs::write(&path, traces::write(draw)))?;
    shown(&path)?;
    replayed(&path, draw)
}

/// Reads a text of metrics that may be damaged, whole and in parts.
///
/// # Errors
/// What does not hold.
pub(crate) fn metrics(number: u64) -> Result<(), String> {
    let draw = &mut Xoshiro256PlusPlus::seed_from_u64(number);
    let written = metrics::write(draw);
    let read = |part| metrics::read(&written.bytes, written.dialect, part);
    let whole = read(written.bytes.len());
    for part in [1, draw.random_range(2..100)] {
        if read(part) != whole {
            return Err(format!("it reads otherwise in parts of {part} bytes"));
        }
    }
    match (whole, written.samples) {
        (Ok(read), Some(samples)) if read != samples => {
            Err(format!("{read:?} was read of {samples:?}"))
        }
        (Err(why), Some(_)) => Err(format!("it is whole and was refused: {why}")),
        (Err(why), None) => fit_to_be_shown(&why),
        (Ok(_), _) => Ok(()),
    }
}

/// What is said of a trace, as JSON; `None` if it is refused.
fn shown(path: &Path) -> Result<Option<String>, String> {
    let overview = Reader::open(path).and_then(Overview::read);
    let overview = match overview {
        Ok(overview) => overview,
        Err(error) => return fit_to_be_shown(&whole(&error)).map(|()| None),
    };
    fit_to_be_shown(&text::trace(&overview, Some(100), false, path))?;
    let of_rows: u64 = overview.operations.iter().map(|it| it.requests).sum();
    if of_rows != overview.summary.requests {
        return Err("requests by operation are not all requests".to_owned());
    }
    let json = serde_json::to_string(&overview).map_err(|it| it.to_string())?;
    Ok(Some(json))
}

/// Makes a replay of a trace.
fn replayed(path: &Path, draw: &mut impl Rng) -> Result<(), String> {
    let slice = Slice {
        from: Duration::from_nanos(draw.random_range(0..9)),
        until: None,
        scale: [0.0, 0.5, 1.0, 1e18][draw.random_range(0..4)],
        max_blob: (draw.random_range(0..2) == 0).then_some(1 << 20),
        deletes: draw.random(),
    };
    match Sessions::read(path, &slice) {
        Ok(_) => Ok(()),
        Err(error) => fit_to_be_shown(&whole(&error)),
    }
}

/// The formats that an argument names; `None` if there is no such format.
fn formats(argument: &str) -> Option<Vec<Format>> {
    if argument.contains('$') {
        return Format::of_nginx(argument).ok().map(|it| vec![it]);
    }
    let found = Format::of_name(argument);
    (argument.is_empty() || !found.is_empty()).then_some(found)
}

/// An error, with what is behind it.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut behind = error.source();
    while let Some(cause) = behind {
        text = format!("{text}: {cause}");
        behind = cause.source();
    }
    text
}

/// Whether a terminal can be given it.
fn fit_to_be_shown(text: &str) -> Result<(), String> {
    let unfit = |it: char| it != '\n' && units::is_unseen(it);
    if text.contains(unfit) {
        return Err(format!("it would control a terminal: {text:?}"));
    }
    Ok(())
}

/// What the system refuses, in words.
fn told<T>(result: io::Result<T>) -> Result<T, String> {
    result.map_err(|error| format!("the system: {error}"))
}
