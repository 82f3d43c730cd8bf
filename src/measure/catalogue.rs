//! The series of a run, fixed before it starts.

use crate::oci::Operation;

/// The journeys of a run, the operations that each is expected to make, and the tracks in which they run.
///
/// A track is one journey within one stage of one load, and of one client if it has several: what a sample belongs to.
/// Percentiles of a ramp say nothing of the steady load that follows it, so the two never share a histogram; a journey as a whole
/// is its tracks merged.
///
/// Made once at plan time, so that recording a sample needs no hashing and no allocation, and the number of series is
/// bounded by the plan: a peer cannot add to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    journeys: Vec<(String, Vec<Operation>)>,
    tracks: Vec<Track>,
}

/// One journey within one stage of one load, of one of its clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// The journey.
    pub journey: JourneyId,
    /// The name of the load.
    pub load: String,
    /// The name of the stage; that of the load where it has only one.
    pub stage: String,
    /// The name of the client, where the journey has several.
    pub client: Option<String>,
}

/// A track of one [`Catalogue`]. Meaningless in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackId(u16);

impl TrackId {
    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A journey of one [`Catalogue`]. Meaningless in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JourneyId(u16);

impl JourneyId {
    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl Catalogue {
    /// Creates a catalogue of these journeys, each with the operations it is expected to make. An operation that is not
    /// expected is recorded all the same; it only costs an allocation at its first sight.
    ///
    /// There is one track for each journey. Journeys after the 65,536th get no id.
    pub fn new(journeys: Vec<(String, Vec<Operation>)>) -> Self {
        let tracks = (0..=u16::MAX).zip(&journeys).map(|(index, _)| Track {
            journey: JourneyId(index),
            load: String::new(),
            stage: String::new(),
            client: None,
        });
        Self {
            tracks: tracks.collect(),
            journeys,
        }
    }

    /// Returns the same journeys in these tracks instead. Tracks after the 65,536th get no id.
    ///
    /// # Panics
    /// When a track is of a journey of another catalogue.
    #[must_use]
    pub fn with_tracks(mut self, tracks: Vec<Track>) -> Self {
        let known = |track: &Track| track.journey.index() < self.journeys.len();
        assert!(tracks.iter().all(known), "a track of an unknown journey");
        self.tracks = tracks;
        self
    }

    /// Returns the tracks in the order of [`Catalogue::with_tracks`].
    pub fn tracks(&self) -> impl Iterator<Item = (TrackId, &Track)> {
        (0..=u16::MAX).map(TrackId).zip(&self.tracks)
    }

    /// Returns the track at that place in the list of [`Catalogue::with_tracks`].
    pub fn track(&self, index: usize) -> Option<TrackId> {
        self.tracks.get(index)?;
        u16::try_from(index).ok().map(TrackId)
    }

    /// Returns the journey of a track.
    pub(super) fn journey_of(&self, track: TrackId) -> JourneyId {
        self.tracks[track.index()].journey
    }

    /// Returns the journeys in the order of [`Catalogue::new`].
    pub fn journeys(&self) -> impl Iterator<Item = (JourneyId, &str)> {
        (0..=u16::MAX)
            .map(JourneyId)
            .zip(self.journeys.iter().map(|(name, _)| name.as_str()))
    }

    /// Returns the journey at that place in the list of [`Catalogue::new`].
    pub fn journey(&self, index: usize) -> Option<JourneyId> {
        self.journeys.get(index)?;
        u16::try_from(index).ok().map(JourneyId)
    }

    /// Returns the operations that any journey is expected to make.
    pub(super) fn operations(&self) -> impl Iterator<Item = Operation> {
        let of = |operation: &Operation| {
            let mut journeys = self.journeys.iter();
            journeys.any(|(_, operations)| operations.contains(operation))
        };
        Operation::ALL.into_iter().filter(of)
    }

    pub(super) fn len(&self) -> usize {
        self.journeys.len()
    }

    /// Returns the number of operations that a journey is expected to make.
    pub(super) fn expected(&self, journey: JourneyId) -> usize {
        self.journeys[journey.index()].1.len()
    }

    pub(super) fn is_expected(&self, track: &Track, operation: Operation) -> bool {
        self.journeys[track.journey.index()].1.contains(&operation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_the_order() {
        let catalogue = Catalogue::new(vec![("pull".into(), vec![]), ("push".into(), vec![])]);
        let listed: Vec<_> = catalogue.journeys().collect();
        assert_eq!(listed.len(), 2);
        assert_eq!(listed[1].1, "push");
        assert_eq!(catalogue.journey(1), Some(listed[1].0));
        assert_eq!(catalogue.journey(2), None);
    }
}
