//! Paths and names of what is read.

use super::super::file::NamedFile;
use crate::keys::codec::{Codec, text as text_codec};
use crate::keys::form::Form;
use crate::keys::problem::Problem;
use crate::keys::table::Sink;
use crate::keys::tree::Item;
use crate::keys::value::text;

/// A path that need not be there yet.
pub(super) fn path(what: &'static str) -> Codec<NamedFile> {
    let read = |item: &Item, sink: &Sink| {
        let text = text(item, sink)?;
        if text.value.is_empty() {
            sink.report(Problem::new("this path is empty", item.spot.clone()));
            return None;
        }
        Some(NamedFile {
            path: sink.base_dir().join(&text.value),
            as_written: text.value,
        })
    };
    Codec::new(Form::Text(what), read, |it| {
        Some(it.as_written.as_str().into())
    })
}

/// A name that is part of a path.
pub(super) fn word(what: &'static str) -> Codec<String> {
    text_codec(what, move |item: &Item, sink: &Sink| {
        let word = text(item, sink)?.value;
        let fits = |it: char| it.is_ascii_alphanumeric() || "-_.:@\\".contains(it);
        if !word.is_empty() && word.len() <= 255 && word.chars().all(fits) && !word.starts_with('.')
        {
            return Some(word);
        }
        let problem = Problem::new(format!("this is not the {what}"), item.spot.clone());
        sink.report(problem.label("a name without a path"));
        None
    })
}
