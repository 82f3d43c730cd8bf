//! One line of a text of metrics.

use std::borrow::Cow;

use super::sample::{Dialect, Kind, Line, Sample};

/// The most labels of a sample.
const MOST_LABELS: usize = 256;

/// What is wrong with a line. It does not repeat the line, which may hold anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineProblem {
    /// It is not UTF-8.
    #[error("it is not UTF-8")]
    NotText,
    /// It does not begin with a name.
    #[error("it does not begin with the name of a metric")]
    Name,
    /// Its labels are none.
    #[error("its labels are not NAME=\"VALUE\"")]
    Labels,
    /// A label is there twice.
    #[error("it has one label twice")]
    SameLabel,
    /// There are too many labels.
    #[error("it has more than 256 labels")]
    ManyLabels,
    /// Its value is none.
    #[error("its value is not a number")]
    Value,
    /// Its timestamp is none.
    #[error("its timestamp is not a number")]
    Timestamp,
    /// Something follows.
    #[error("something follows its value")]
    Rest,
    /// It is a `# TYPE` without a name or a kind.
    #[error("its `# TYPE` has no name or no known kind")]
    Type,
    /// It is a `# HELP` without a name.
    #[error("its `# HELP` has no name")]
    Help,
    /// An empty line of OpenMetrics.
    #[error("it is empty")]
    Empty,
    /// A line after the last.
    #[error("it follows `# EOF`")]
    AfterEnd,
}

/// What a line has.
pub(super) enum Read<'a> {
    Nothing,
    /// `# EOF` of OpenMetrics.
    End,
    Line(Line<'a>),
}

/// Reads a line without its end.
pub(super) fn read(line: &[u8], dialect: Dialect) -> Result<Read<'_>, LineProblem> {
    let line = std::str::from_utf8(line).map_err(|_| LineProblem::NotText)?;
    let is_open = dialect == Dialect::OpenMetrics;
    if is_open && line == "# EOF" {
        return Ok(Read::End);
    }
    let line = blank(line);
    if line.is_empty() {
        return if is_open {
            Err(LineProblem::Empty)
        } else {
            Ok(Read::Nothing)
        };
    }
    match line.strip_prefix('#') {
        Some(comment) => comment_line(comment),
        None => sample(line, is_open).map(|it| Read::Line(Line::Sample(it))),
    }
}

/// Returns the text without the blanks at its beginning.
fn blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

fn comment_line(comment: &str) -> Result<Read<'_>, LineProblem> {
    let (word, rest) = word(blank(comment));
    match word {
        "HELP" if !rest.is_empty() => {
            let (_, rest) = name(blank(rest), is_name_byte).ok_or(LineProblem::Help)?;
            let is_good = rest.is_empty() || rest.starts_with([' ', '\t']);
            return is_good.then_some(Read::Nothing).ok_or(LineProblem::Help);
        }
        "TYPE" if !rest.is_empty() => {}
        _ => return Ok(Read::Nothing),
    }
    let (name, rest) = name(blank(rest), is_name_byte).ok_or(LineProblem::Type)?;
    let kind = match rest.trim_matches([' ', '\t']) {
        "counter" => Kind::Counter,
        "gauge" => Kind::Gauge,
        "histogram" => Kind::Histogram,
        "summary" => Kind::Summary,
        "untyped" | "unknown" | "info" | "stateset" | "gaugehistogram" => Kind::Other,
        _ => return Err(LineProblem::Type),
    };
    if !rest.starts_with([' ', '\t']) {
        return Err(LineProblem::Type);
    }
    Ok(Read::Line(Line::Type { name, kind }))
}

fn sample(line: &str, is_open: bool) -> Result<Sample<'_>, LineProblem> {
    let (name, rest) = name(line, is_name_byte).ok_or(LineProblem::Name)?;
    let mut rest = blank(rest);
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = read_labels(inside, &mut labels)?;
    } else if !line[name.len()..].starts_with([' ', '\t']) {
        return Err(LineProblem::Value);
    }
    let (value, rest) = word(blank(rest));
    let value = number(value).ok_or(LineProblem::Value)?;
    let rest = blank(rest);
    let (time, rest) = match rest {
        "" => {
            return Ok(Sample {
                name,
                labels,
                value,
            });
        }
        _ if rest.starts_with('#') => ("", rest),
        _ => word(rest),
    };
    let is_time = time.is_empty()
        || if is_open {
            number(time).is_some_and(f64::is_finite)
        } else {
            time.parse::<i64>().is_ok()
        };
    if !is_time {
        return Err(LineProblem::Timestamp);
    }
    match blank(rest) {
        "" => Ok(Sample {
            name,
            labels,
            value,
        }),
        exemplar if is_open && exemplar.starts_with('#') => {
            check_exemplar(&exemplar[1..])?;
            Ok(Sample {
                name,
                labels,
                value,
            })
        }
        _ => Err(LineProblem::Rest),
    }
}

/// An exemplar of OpenMetrics: labels, a value, perhaps a timestamp.
fn check_exemplar(text: &str) -> Result<(), LineProblem> {
    let inside = blank(text).strip_prefix('{').ok_or(LineProblem::Rest)?;
    let rest = read_labels(inside, &mut Vec::new())?;
    let (value, rest) = word(blank(rest));
    number(value).ok_or(LineProblem::Value)?;
    let (time, rest) = word(blank(rest));
    if !time.is_empty() && number(time).is_none() {
        return Err(LineProblem::Timestamp);
    }
    if blank(rest).is_empty() {
        Ok(())
    } else {
        Err(LineProblem::Rest)
    }
}

/// Reads labels up to their closing bracket, and returns what follows it.
fn read_labels<'a>(
    mut text: &'a str,
    labels: &mut Vec<(&'a str, Cow<'a, str>)>,
) -> Result<&'a str, LineProblem> {
    loop {
        text = blank(text);
        if let Some(rest) = text.strip_prefix('}') {
            return Ok(rest);
        }
        let (label, rest) =
            name(text, |it| is_name_byte(it) && it != b':').ok_or(LineProblem::Labels)?;
        let rest = blank(rest).strip_prefix('=').ok_or(LineProblem::Labels)?;
        let rest = blank(rest).strip_prefix('"').ok_or(LineProblem::Labels)?;
        let (value, rest) = quoted(rest).ok_or(LineProblem::Labels)?;
        if labels.iter().any(|(it, _)| *it == label) {
            return Err(LineProblem::SameLabel);
        }
        if labels.len() == MOST_LABELS {
            return Err(LineProblem::ManyLabels);
        }
        labels.push((label, value));
        text = blank(rest);
        if let Some(rest) = text.strip_prefix(',') {
            text = rest;
        } else if !text.starts_with('}') {
            return Err(LineProblem::Labels);
        }
    }
}

/// Reads a value up to its closing quotation mark, and returns it with what follows.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut value = String::new();
    let mut from = 0;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' if from == 0 => return Some((text[..at].into(), &text[at + 1..])),
            b'"' => {
                value.push_str(&text[from..at]);
                return Some((value.into(), &text[at + 1..]));
            }
            b'\\' => {
                value.push_str(&text[from..at]);
                value.push(match bytes.next()?.1 {
                    b'n' => '\n',
                    b'"' => '"',
                    b'\\' => '\\',
                    _ => return None,
                });
                from = at + 2;
            }
            _ => {}
        }
    }
    None
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':'
}

/// Splits off a name of such bytes, which does not begin with a digit.
fn name(text: &str, fits: impl Fn(u8) -> bool) -> Option<(&str, &str)> {
    let end = text.bytes().position(|it| !fits(it)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let is_name = name.bytes().next().is_some_and(|it| !it.is_ascii_digit());
    is_name.then_some((name, rest))
}

/// Splits off what comes before the next blank.
fn word(text: &str) -> (&str, &str) {
    text.split_at(text.find([' ', '\t']).unwrap_or(text.len()))
}

/// Reads a number as Go and Python both do: decimal, `NaN`, or infinite with a sign or without.
fn number(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_word = unsigned.starts_with(|it: char| it.is_ascii_alphabetic());
    if is_word && unsigned.eq_ignore_ascii_case("nan") && unsigned.len() < text.len() {
        return None;
    }
    text.parse().ok()
}
