//! Recognises the format of a log by its first lines.

use super::entry::Line;
use super::envelope::{self, Envelope, Envelopes};
use super::source::Format;
use super::time::Timestamp;

/// How the lines of a log are read.
#[derive(Debug, Clone)]
pub(super) struct Recognised {
    pub(super) format: Format,
    pub(super) envelopes: Envelopes,
    /// Whether the times of its requests are of whole seconds.
    pub(super) whole_seconds: bool,
}

/// How well a format fits: requests, and lines that are something else of the same log.
type Score = (usize, usize);

/// Returns the first of some formats that reads lines of a log, unless another one reads more than twice as many: where two
/// logs are in one file, the first tells more. `None` if none reads any. Only where no line is within one envelope are two
/// within each other tried.
pub(super) fn recognise(
    lines: &[&[u8]],
    formats: &[Format],
    written: Option<Timestamp>,
) -> Option<Recognised> {
    let lines: Vec<&str> = lines
        .iter()
        .filter_map(|it| std::str::from_utf8(it).ok())
        .map(str::trim_end)
        .filter(|it| !it.is_empty())
        .collect();
    let single = Envelope::ALL.map(|it| [it, Envelope::None]);
    let within = Envelope::ALL.into_iter().skip(1);
    let nested = within.flat_map(|outer| Envelope::ALL.map(|inner| [outer, inner]));
    let nested = nested.filter(|[_, inner]| *inner != Envelope::None);
    let best = fitting(&lines, formats, (&single, written));
    let best = if matches!(best, Some(((1.., _), _))) {
        best
    } else {
        let nested: Vec<_> = nested.collect();
        let nested = fitting(&lines, formats, (&nested, written));
        nested.filter(|(score, _)| score.0 > 0).or(best)
    };
    let mut it = best?.1;
    let times = lines.iter().filter_map(|line| it.time(line, written));
    it.whole_seconds = { times }.all(|time| time.nanos().is_multiple_of(1_000_000_000));
    Some(it)
}

impl Recognised {
    /// The time of a line with a request.
    fn time(&self, line: &str, written: Option<Timestamp>) -> Option<Timestamp> {
        let (inner, time) = envelope::open(self.envelopes, line, written)?;
        match self.format.read(&inner) {
            Line::Request(entry) => entry.time.or(time),
            _ => None,
        }
    }
}

fn fitting(
    lines: &[&str],
    formats: &[Format],
    (envelopes, written): (&[Envelopes], Option<Timestamp>),
) -> Option<(Score, Recognised)> {
    let mut best: Option<(Score, Recognised)> = None;
    for envelopes in envelopes {
        for format in formats {
            let score = score(lines, format, (*envelopes, written));
            let is_better = match &best {
                None => score != (0, 0),
                Some(((0, others), _)) => score.0 > 0 || score.1 > 2 * others,
                Some(((requests, _), _)) => score.0 > 2 * requests,
            };
            if is_better {
                let it = Recognised {
                    format: format.clone(),
                    envelopes: *envelopes,
                    whole_seconds: false,
                };
                best = Some((score, it));
            }
        }
    }
    best
}

fn score(
    lines: &[&str],
    format: &Format,
    (envelopes, written): (Envelopes, Option<Timestamp>),
) -> Score {
    let mut score = (0, 0);
    for line in lines {
        let Some((inner, time)) = envelope::open(envelopes, line, written) else {
            continue;
        };
        match format.read(&inner) {
            Line::Request(entry) if entry.time.or(time).is_some() => score.0 += 1,
            // A request of no registry is one of its proxy.
            Line::Outside => score.0 += 1,
            Line::Other => score.1 += 1,
            Line::Request(_) | Line::Unreadable(_) => {}
        }
    }
    score
}
