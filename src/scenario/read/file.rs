//! Files that a scenario names.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use crate::keys::codec::Codec;
use crate::keys::form::Form;
use crate::keys::problem::Problem;
use crate::keys::redact;
use crate::keys::table::{Sink, shorten};
use crate::keys::tree::{Item, Value};
use crate::keys::value::text;
use crate::trace::SAMPLE;

/// A file that a scenario names, found to be readable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedFile {
    /// Where it is.
    pub path: PathBuf,
    /// The path as the scenario has it, relative to the scenario's directory.
    pub as_written: String,
}

/// A file that can be read. What it holds is looked at when TLS is set up.
pub(super) fn file() -> Codec<NamedFile> {
    let read = |item: &Item, sink: &Sink| {
        let text = text(item, sink)?;
        let path = sink.base_dir().join(&text.value);
        // A pipe would be waited for.
        let is_file = fs::metadata(&path).and_then(|it| {
            it.is_file()
                .then_some(())
                .ok_or_else(|| io::Error::other("not a file"))
        });
        let readable = is_file.and_then(|()| File::open(&path));
        let Err(error) = readable else {
            return Some(NamedFile {
                path,
                as_written: text.value,
            });
        };
        let shown = shorten(&redact::value(&text.as_written));
        sink.report(
            Problem::new(format!("cannot read `{shown}`: {error}"), item.spot.clone())
                .label("relative paths start at the directory of the scenario"),
        );
        None
    };
    codec(read)
}

/// A trace: a file that can be read, or the one inside the program.
pub(super) fn trace() -> Codec<NamedFile> {
    let files = file();
    let read = move |item: &Item, sink: &Sink| match &item.value {
        Value::Text(text) if text.value == SAMPLE => Some(NamedFile {
            path: SAMPLE.into(),
            as_written: SAMPLE.to_owned(),
        }),
        _ => (files.read)(item, sink),
    };
    let form = Form::Text("path, relative to the scenario's directory, or `@sample`");
    Codec::new(form, read, |it: &NamedFile| {
        Some(it.as_written.as_str().into())
    })
}

/// The file or directory of an archive.
pub(super) fn archive() -> Codec<NamedFile> {
    let read = |item: &Item, sink: &Sink| {
        let text = text(item, sink)?;
        let path = sink.base_dir().join(&text.value);
        if !text.value.is_empty() && path.exists() {
            return Some(NamedFile {
                path,
                as_written: text.value,
            });
        }
        let shown = shorten(&text.as_written);
        let problem = Problem::new(format!("there is no `{shown}`"), item.spot.clone());
        sink.report(problem.label("relative paths start at the directory of the scenario"));
        None
    };
    codec(read)
}

fn codec(read: fn(&Item, &Sink) -> Option<NamedFile>) -> Codec<NamedFile> {
    let form = Form::Text("path, relative to the scenario's directory");
    Codec::new(form, read, |it| Some(it.as_written.as_str().into()))
}
