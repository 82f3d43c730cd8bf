//! Where the time of an iteration goes, as a picture: operations by phase, pauses and rest, one behind the other.

use std::time::Duration;

use crate::exchange::Phase;
use crate::measure::LatencyHistogram;
use crate::result::{Document, JourneySection};
use crate::units;

use super::markup::{Element, Markup, element};
use super::number::{float, micros};
use super::parts::{faint, titled};
use super::shape::look;

/// How what failed, was cut or timed out looks.
const FAILED: usize = 6;
/// How pauses and the rest look.
const PAUSES: usize = 3;
const REST: usize = 7;

/// The phases in their order, each with its look: those that mostly take long are easy to tell apart.
const PHASES: [(Phase, usize); 8] = [
    (Phase::Wait, 7),
    (Phase::Dns, 5),
    (Phase::Connect, 4),
    (Phase::Proxy, 5),
    (Phase::Tls, 3),
    (Phase::Send, 2),
    (Phase::FirstByte, 0),
    (Phase::Body, 1),
];

/// One row of a picture: an operation, the pauses, or the rest.
struct Row {
    name: String,
    parts: Vec<Part>,
}

/// A stretch of a row.
struct Part {
    name: &'static str,
    look: usize,
    /// Of all iterations together, in microseconds.
    micros: u64,
}

/// Returns a picture for each journey of which an iteration ended.
pub(super) fn section(document: &Document) -> Markup {
    let journeys = document.journeys.iter();
    let ended =
        journeys.filter(|it| it.counts.outcomes.ended() > 0 && !it.counts.time.total.is_zero());
    let ended: Vec<(&JourneySection, Vec<Row>)> = ended.map(|it| (it, rows(it))).collect();
    if ended.is_empty() {
        return Markup::new();
    }
    let pictures = ended.iter().map(|(journey, rows)| {
        let title = format!("{}, an iteration on average", journey.name);
        titled(title, picture(journey, rows))
    });
    let pictures = pictures.collect::<Markup>();
    let mut section = Markup::from(faint(
        "Each bar begins where the one above it ends. Exchanges that overlap share the time in which any was under way, by how \
         long each took; so all bars together are the time of the iteration.",
    ));
    section.push(legend(ended.iter().flat_map(|(_, rows)| rows)));
    section.push(pictures);
    section
}

fn picture(journey: &JourneySection, rows: &[Row]) -> Element {
    let total = micros(journey.counts.time.total).max(1);
    let share = |part: u64| 100.0 * float(part) / float(total);
    let mut before = 0.0;
    let mut list = element("div").class("spent");
    for row in rows {
        let all: u64 = row.parts.iter().map(|it| it.micros).sum();
        if all == 0 {
            continue;
        }
        let mut track = element("span")
            .class("track")
            .with(element("span").attr("style", format!("width:{before:.3}%")));
        for part in row.parts.iter().filter(|it| it.micros > 0) {
            track = track.with(
                element("span")
                    .class(&format!("part {}", look(part.look)))
                    .attr("data-us", part.micros)
                    .attr("style", format!("width:{:.3}%", share(part.micros)))
                    .attr(
                        "title",
                        format!("{} {}", part.name, mean(journey, part.micros)),
                    ),
            );
        }
        before += share(all);
        let words = format!("{} · {}", mean(journey, all), percent(share(all)));
        list = list
            .with(element("span").class("of").with(&row.name))
            .with(track)
            .with(element("span").class("words").with(words));
    }
    list
}

/// `98.9%`; what is not nothing is not shown as nothing.
fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.05 {
        "<0.1%".to_owned()
    } else {
        format!("{share:.1}%")
    }
}

/// Returns the time of an iteration that such a part of all is.
fn mean(journey: &JourneySection, micros: u64) -> String {
    let ended = journey.counts.outcomes.ended().max(1);
    units::duration(Duration::from_micros(micros / ended))
}

/// Returns the rows, which add up to the time of all iterations.
fn rows(journey: &JourneySection) -> Vec<Row> {
    let time = journey.counts.time.in_micros();
    let mut rows: Vec<Row> = journey
        .operations
        .iter()
        .map(|operation| {
            let latencies = &operation.latencies;
            let mut parts: Vec<Part> = PHASES
                .into_iter()
                .map(|(phase, look)| Part {
                    name: phase.name(),
                    look,
                    micros: latencies.phases.get(phase).map_or(0, sum),
                })
                .collect();
            parts.push(Part {
                name: "failed, cut or timed out",
                look: FAILED,
                micros: sum(&latencies.failed_total)
                    .saturating_add(sum(&latencies.unfinished_total)),
            });
            Row {
                name: operation.name.name().to_owned(),
                parts,
            }
        })
        .collect();
    let under_way = micros(time.operations);
    let known: u64 = rows
        .iter()
        .flat_map(|it| &it.parts)
        .map(|it| it.micros)
        .sum();
    if known == 0 {
        rows = vec![one("operations", "operations", 0, under_way)];
    } else {
        scale(&mut rows, known, under_way);
    }
    rows.push(one(
        "pauses",
        "pauses before retries",
        PAUSES,
        micros(time.pauses),
    ));
    rows.push(one(
        "rest",
        "the client's own work",
        REST,
        micros(time.rest),
    ));
    rows
}

fn one(name: &str, part: &'static str, look: usize, micros: u64) -> Row {
    Row {
        name: name.to_owned(),
        parts: vec![Part {
            name: part,
            look,
            micros,
        }],
    }
}

/// Gives each part its share of `whole`, to the microsecond: the shares add up to it.
fn scale(rows: &mut [Row], known: u64, whole: u64) {
    let upto = |sum: u64| {
        let share = u128::from(whole) * u128::from(sum) / u128::from(known);
        u64::try_from(share).unwrap_or(u64::MAX)
    };
    let mut sum = 0;
    for part in rows.iter_mut().flat_map(|it| &mut it.parts) {
        let before = upto(sum);
        sum += part.micros;
        part.micros = upto(sum) - before;
    }
}

/// Returns all values of a histogram added up, in microseconds, as exactly as its mean is known.
fn sum(histogram: &LatencyHistogram) -> u64 {
    let mean = histogram.mean().unwrap_or_default();
    let count = u32::try_from(histogram.count()).unwrap_or(u32::MAX);
    micros(mean.saturating_mul(count))
}

/// Returns how each part looks that there is in a row.
fn legend<'a>(rows: impl Iterator<Item = &'a Row>) -> Element {
    let parts = rows.flat_map(|it| &it.parts).filter(|it| it.micros > 0);
    let parts: Vec<&str> = parts.map(|it| it.name).collect();
    let phases = PHASES.into_iter().map(|(phase, look)| (look, phase.name()));
    let all = phases.chain([(FAILED, "failed, cut or timed out")]);
    let entries = all.filter(|(_, name)| parts.contains(name));
    let entries = entries.map(|(number, name)| {
        let sample = element("span").class(&format!("part {}", look(number)));
        element("span").with(sample).with(name)
    });
    element("p")
        .class("spent-legend")
        .with(entries.collect::<Markup>())
}
