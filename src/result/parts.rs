//! The parts of a journey, each with all that is counted of it: its operations, its stages, its clients.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::measure::{JourneyId, OperationSeries, Record, Track, TrackId};
use crate::oci::Operation;

use super::section::micros;
use super::{ClientSection, JourneySection, OperationSection, StageSection};

/// Returns the operations that occurred.
pub(super) fn operations<'a>(
    series: impl Iterator<Item = (Operation, Cow<'a, OperationSeries>)>,
) -> Vec<OperationSection> {
    series
        .filter(|(_, series)| series.counts.outcomes.ended() > 0)
        .map(|(operation, series)| OperationSection::new(operation, &series))
        .collect()
}

/// Returns the tracks of a journey in groups of those of which this is the same, in the order of the first of each.
fn groups<K: PartialEq>(
    record: &Record,
    journey: JourneyId,
    of: impl Fn(&Track) -> K,
) -> Vec<(K, Vec<TrackId>)> {
    let mut groups: Vec<(K, Vec<TrackId>)> = Vec::new();
    for (id, track, _) in record.tracks() {
        if track.journey != journey {
            continue;
        }
        let key = of(track);
        match groups.iter_mut().find(|(it, _)| *it == key) {
            Some((_, tracks)) => tracks.push(id),
            None => groups.push((key, vec![id])),
        }
    }
    groups
}

/// Returns what came of some tracks of a journey.
fn section(record: &Record, tracks: Vec<TrackId>) -> JourneySection {
    let name = tracks
        .first()
        .map_or("", |track| record.journey_name(*track));
    let series = record.merged(&tracks);
    JourneySection::new(name, &series, operations(record.operations_of(tracks)))
}

/// Returns the stages of a journey, if it ran in more than one.
pub(super) fn stages(
    record: &Record,
    journey: JourneyId,
    lengths: &BTreeMap<(String, String), Duration>,
) -> Vec<StageSection> {
    let stage = |track: &Track| (track.load.clone(), track.stage.clone());
    let groups = groups(record, journey, stage);
    if groups.len() < 2 {
        return Vec::new();
    }
    let stage = |((load, stage), tracks): ((String, String), Vec<TrackId>)| {
        let length = lengths.get(&(load.clone(), stage.clone()));
        StageSection {
            load,
            stage,
            length_us: length.copied().map(micros),
            iterations: section(record, tracks),
        }
    };
    groups.into_iter().map(stage).collect()
}

/// Returns the clients of a journey, if it has more than one. Their shares follow with the rates.
pub(super) fn clients(record: &Record, journey: JourneyId) -> Vec<ClientSection> {
    let groups = groups(record, journey, |track| track.client.clone());
    let client = |(client, tracks): (Option<String>, Vec<TrackId>)| {
        Some(ClientSection {
            client: client?,
            share: 0.0,
            iterations: section(record, tracks),
        })
    };
    groups.into_iter().filter_map(client).collect()
}
