//! The references of existing images: names and globs, written in the scenario or in a file beside it.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use crate::keys::codec::Codec;
use crate::keys::form::Form;
use crate::keys::plain::Plain;
use crate::keys::problem::Problem;
use crate::keys::redact;
use crate::keys::table::{Sink, shorten};
use crate::keys::tree::{Item, Text, Value};
use crate::keys::value::{self, parsed, text};
use crate::oci::ImageSelector;
use crate::units;

/// As many references as a set has images.
const MOST: usize = 100_000;

/// The largest file: as many references of usual length, four times over.
const MOST_BYTES: u64 = 32 << 20;

/// The most lines of a file that are reported.
const MOST_REPORTED: usize = 20;

/// Which images there are.
pub(super) fn references() -> Codec<Vec<ImageSelector>> {
    let one = Form::Text("image or glob, such as `\"lab/app:1\"`, `\"team/*\"`");
    let file = Form::Text("path of a file with one a line, relative to the scenario's directory");
    Codec::new(
        Form::Either(vec![one.list(MOST), file]),
        read,
        |references: &Vec<ImageSelector>| {
            let references = references.iter().map(|it| it.to_string().into());
            Some(Plain::List(references.collect()))
        },
    )
}

fn read(item: &Item, sink: &Sink) -> Option<Vec<ImageSelector>> {
    let items = match &item.value {
        Value::Array(items) => items,
        Value::Text(_) => return listed(item, sink),
        _ => {
            sink.expected(
                item,
                "an array of references, or the path of a file of them",
            );
            return None;
        }
    };
    if items.is_empty() {
        let problem = Problem::new("no image is named", item.spot.clone());
        sink.report(problem.label("write [\"lab/img:1\"]"));
        return None;
    }
    value::is_short(items.len(), MOST, item, sink)?;
    let read: Vec<Option<ImageSelector>> = items.iter().map(|item| parsed(item, sink)).collect();
    read.into_iter().collect()
}

/// Reads the file that the text names.
fn listed(item: &Item, sink: &Sink) -> Option<Vec<ImageSelector>> {
    let named = text(item, sink)?;
    let shown = shorten(&redact::value(&named.as_written));
    let content = match content(&sink.base_dir().join(&named.value)) {
        Ok(content) => content,
        Err(error) => {
            let problem =
                Problem::new(format!("cannot read `{shown}`: {error}"), item.spot.clone());
            sink.report(problem.label(advice(&named)));
            return None;
        }
    };
    let mut read = Vec::new();
    let mut wrong = 0;
    for (number, line) in (1..).zip(content.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        if let Ok(reference) = line.parse() {
            read.push(reference);
            continue;
        }
        wrong += 1;
        if wrong <= MOST_REPORTED {
            let message = format!("{shown}:{number}: {}", refusal(line));
            sink.report(
                Problem::new(message, item.spot.clone()).label("this file names the images"),
            );
        }
    }
    if wrong > MOST_REPORTED {
        let more = units::count((wrong - MOST_REPORTED) as u64);
        let message = format!("{shown}: {more} more lines name no images");
        sink.report(Problem::new(message, item.spot.clone()));
    }
    if wrong > 0 {
        return None;
    }
    let problem = |message: String, label: &str| {
        sink.report(Problem::new(message, item.spot.clone()).label(label));
    };
    if read.is_empty() {
        problem(
            format!("`{shown}` names no image"),
            "write one reference a line",
        );
        return None;
    }
    if read.len() > MOST {
        let (found, most) = (units::count(read.len() as u64), units::count(MOST as u64));
        problem(
            format!("`{shown}` names {found} images"),
            &format!("at most {most}"),
        );
        return None;
    }
    Some(read)
}

/// What is wrong with a line, without what it may say of secrets.
fn refusal(line: &str) -> String {
    let shown = redact::value(line);
    match shown.parse::<ImageSelector>() {
        Err(error) => error.to_string(),
        Ok(_) => "this line is refused".to_owned(),
    }
}

/// What to do where there is no such file.
fn advice(named: &Text) -> String {
    match named.value.parse::<ImageSelector>() {
        // A file may have a name like that, but seldom has.
        Ok(_) if named.value == named.as_written => {
            format!(
                "a text is the path of a file; an image or a glob is written [\"{}\"]",
                named.value
            )
        }
        _ => "relative paths start at the directory of the scenario".to_owned(),
    }
}

fn content(path: &Path) -> io::Result<String> {
    // A pipe would be waited for.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(io::Error::other("it is larger than 32 MiB"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.split(|byte| *byte == b'\n').count();
        io::Error::other(format!("line {line} is not UTF-8 text"))
    })?;
    let without_mark = text.strip_prefix('\u{feff}').map(str::to_owned);
    Ok(without_mark.unwrap_or(text))
}
