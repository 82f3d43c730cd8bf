//! Names that people choose: of scenarios, image sets, journeys and loads.

use super::codec::Codec;
use super::form::Form;
use super::table::{Sink, shorten};
use super::value::text;
use crate::keys::problem::Problem;
use crate::keys::redact;
use crate::keys::spot::Spot;
use crate::keys::tree::{Item, Text};

/// The most image sets, journeys and loads: they are held against each other.
pub(crate) const MOST_TABLES: usize = 1000;

pub(crate) fn identifier(item: &Item, sink: &Sink) -> Option<String> {
    let text = text(item, sink)?;
    if is_identifier(&text.value) {
        return Some(text.value);
    }
    sink.report(bad_name(&text.as_written, item.spot.clone()));
    None
}

/// A text and where it was written: what it names is found out when the rest of the file is known.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    pub(crate) text: Text,
    pub(crate) item: Item,
}

/// Reads a text with its place; `what` describes it.
pub(crate) fn located(what: &'static str) -> Codec<Located> {
    let read = |item: &Item, sink: &Sink| {
        let text = text(item, sink)?;
        let item = item.clone();
        Some(Located { text, item })
    };
    Codec::new(Form::Text(what), read, |it| {
        Some(it.text.value.as_str().into())
    })
}

pub(crate) fn bad_name(name: &str, spot: Spot) -> Problem {
    let shown = shorten(&redact::value(name));
    Problem::new(format!("`{shown}` is not a name"), spot)
        .label("at most 64 lower-case letters and digits, joined by single `-` or `_`")
}

/// Names stand in repository names, in file names and in thresholds, so they are fit for all of these.
pub(crate) fn is_identifier(text: &str) -> bool {
    text.len() <= 64
        && text.split(['-', '_']).all(|part| {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            !part.is_empty() && part.chars().all(fits)
        })
}
