//! Which samples a threshold looks at.

use std::time::Duration;

use crate::measure::{Catalogue, IterationClock, Subject, Track, TrackId, View};
use crate::plan::{Judged, Limit, Threshold};
use crate::schedule::Span;

/// Returns the span that a threshold is judged over, where its stage runs in `stage`.
///
/// Whose samples count is known from the stage they carry. Only a rate per second needs to know when that was, since
/// it counts what ended in that time and divides by its length.
pub fn judged_span(threshold: &Threshold, stage: Option<Span>) -> Span {
    let own = Span {
        from: threshold.from,
        until: threshold.until.unwrap_or(Duration::MAX),
    };
    match (threshold.expectation.limit(), stage) {
        (Limit::PerSecond(_) | Limit::BytesPerSecond(_), Some(stage)) => Span {
            from: own.from.max(stage.from),
            until: own.until.min(stage.until),
        },
        _ => own,
    }
}

/// Returns what is to be recorded for a threshold that is judged over that span, counted from the opening of the measured
/// window.
///
/// The catalogue is that of the run, with its tracks. A threshold on a journey or a stage that it does not have sees
/// nothing.
pub fn view(threshold: &Threshold, catalogue: &Catalogue, span: Span) -> View {
    let Judged::Load(metric) = &threshold.metric else {
        // Numbers of the target's side are not counted.
        return View {
            subject: Subject::Iterations(IterationClock::Response),
            tracks: Vec::new(),
            throughput_tracks: Vec::new(),
            from: span.from,
            until: span.until,
        };
    };
    let names: Vec<_> = catalogue.journeys().collect();
    let is_of_journey = |track: &Track| {
        let of = |name| names.contains(&(track.journey, name));
        metric.journey().is_none_or(of)
    };
    let is_of_stage = |track: &Track| threshold.stage.as_ref().is_none_or(|it| *it == track.stage);
    let of_journey = || {
        let tracks = catalogue.tracks();
        tracks.filter(move |(_, track)| is_of_journey(track))
    };
    let loads: Vec<&str> = of_journey()
        .filter(|(_, track)| is_of_stage(track))
        .map(|(_, track)| track.load.as_str())
        .collect();
    let id = |(id, _): (TrackId, &Track)| id;
    View {
        subject: metric.subject(),
        tracks: of_journey()
            .filter(|(_, track)| is_of_stage(track))
            .map(id)
            .collect(),
        throughput_tracks: of_journey()
            .filter(|(_, track)| loads.contains(&track.load.as_str()))
            .map(id)
            .collect(),
        from: span.from,
        until: span.until,
    }
}
