//! The series of a run, fixed before it starts.

use crate::oci::Operation;

use super::{JourneySeries, LatencyHistogram, OperationSeries};

/// The journeys of a run and the operations that each is expected to make.
///
/// Made once at plan time, so that recording a sample needs no hashing and no allocation, and the number of series is
/// bounded by the plan: a peer cannot add to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    journeys: Vec<(String, Vec<Operation>)>,
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
    /// A catalogue of these journeys, each with the operations it is expected to make. An operation that is not
    /// expected is recorded all the same; it only costs an allocation at its first sight.
    ///
    /// Journeys after the 65,536th get no id.
    pub fn new(journeys: Vec<(String, Vec<Operation>)>) -> Self {
        Self { journeys }
    }

    /// The journeys in the order of [`Catalogue::new`].
    pub fn journeys(&self) -> impl Iterator<Item = (JourneyId, &str)> {
        (0..=u16::MAX)
            .map(JourneyId)
            .zip(self.journeys.iter().map(|(name, _)| name.as_str()))
    }

    /// The journey at that place in the list of [`Catalogue::new`].
    pub fn journey(&self, index: usize) -> Option<JourneyId> {
        self.journeys.get(index)?;
        u16::try_from(index).ok().map(JourneyId)
    }

    /// The number of bytes that the histograms of one [`super::Recorder`] reserve, not all of which it will touch.
    pub fn reserved_bytes(&self) -> usize {
        let histograms: usize = self
            .journeys
            .iter()
            .map(|(_, operations)| {
                JourneySeries::HISTOGRAMS + operations.len() * OperationSeries::HISTOGRAMS
            })
            .sum();
        histograms * LatencyHistogram::RESERVED_BYTES
    }

    pub(super) fn len(&self) -> usize {
        self.journeys.len()
    }

    pub(super) fn is_expected(&self, journey: usize, operation: Operation) -> bool {
        self.journeys[journey].1.contains(&operation)
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
