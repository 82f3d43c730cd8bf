//! Recognises the format of a log by its first lines.

use super::entry::Line;
use super::envelope::Envelope;
use super::source::Format;
use super::time::Timestamp;

/// How the lines of a log are read.
#[derive(Debug, Clone)]
pub(super) struct Recognised {
    pub(super) format: Format,
    pub(super) envelope: Envelope,
}

/// How well a format fits: requests, and lines that are something else of the same log.
type Score = (usize, usize);

/// Returns the first of some formats that reads lines of a log, unless another one reads more than twice as many: where two
/// logs are in one file, the first tells more. `None` if none reads any.
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
    let mut best: Option<(Score, Recognised)> = None;
    for envelope in Envelope::ALL {
        for format in formats {
            let score = score(&lines, format, envelope, written);
            let is_better = match &best {
                None => score != (0, 0),
                Some(((0, others), _)) => score.0 > 0 || score.1 > 2 * others,
                Some(((requests, _), _)) => score.0 > 2 * requests,
            };
            if is_better {
                let format = format.clone();
                best = Some((score, Recognised { format, envelope }));
            }
        }
    }
    best.map(|(_, it)| it)
}

fn score(lines: &[&str], format: &Format, envelope: Envelope, written: Option<Timestamp>) -> Score {
    let mut score = (0, 0);
    for line in lines {
        let Some((inner, time)) = envelope.open(line, written) else {
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
