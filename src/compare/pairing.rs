//! Which runs belong together: pairs, two groups, or one run each.

use crate::result::{Document, Method, PairSection};
use crate::schedule::Side;

/// The runs of both sides, as they can be compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Sides<'a> {
    /// The base's, in the order of their pairs where they have one.
    pub base: Vec<&'a Document>,
    /// The candidate's, in the same order.
    pub candidate: Vec<&'a Document>,
    /// What the unit of evidence is.
    pub method: Method,
    /// The order of the slices of each pair.
    pub orders: Vec<String>,
    /// What a reader has to know of how they were sorted.
    pub notes: Vec<String>,
}

/// Why runs make no two sides.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SidesError {
    /// A side has none.
    #[error("the {0} has no report")]
    Empty(&'static str),
    /// A run stands twice on one side: it would be taken for two that agree.
    #[error("the {0} has one report twice")]
    Twice(&'static str),
    /// A run stands on the other side than it was made for.
    #[error("a report was made as the {made} of pair {number} and is given as the {given}")]
    Swapped {
        /// What it was made as.
        made: &'static str,
        /// What it is given as.
        given: &'static str,
        /// The pair.
        number: u32,
    },
}

impl<'a> Sides<'a> {
    /// Sorts the runs: pairs, if all of them were made as pairs of one comparison and none lacks its partner.
    ///
    /// # Errors
    /// [`SidesError`] when a side is empty or has a run twice, or when a run of a pair is on the wrong side.
    pub fn of(base: Vec<&'a Document>, candidate: Vec<&'a Document>) -> Result<Self, SidesError> {
        for (side, runs) in [(Side::Base, &base), (Side::Candidate, &candidate)] {
            if runs.is_empty() {
                return Err(SidesError::Empty(side.name()));
            }
            let twice = |(place, run): (usize, &&Document)| runs[..place].contains(run);
            if runs.iter().enumerate().any(twice) {
                return Err(SidesError::Twice(side.name()));
            }
        }
        if let Some(paired) = paired(&base, &candidate)? {
            return Ok(paired);
        }
        let method = if base.len() == 1 && candidate.len() == 1 {
            Method::Single
        } else {
            Method::Unpaired
        };
        let mut notes = Vec::new();
        let in_pairs = |it: &&&Document| it.pair.is_some();
        if base.iter().chain(&candidate).any(|it| in_pairs(&it)) {
            notes.push(
                "some reports were made as pairs, and not all partners are here: compared as if none was"
                    .to_owned(),
            );
        }
        Ok(Self {
            base,
            candidate,
            method,
            orders: Vec::new(),
            notes,
        })
    }
}

/// Returns the pairs in order, if they are some.
fn paired<'a>(
    base: &[&'a Document],
    candidate: &[&'a Document],
) -> Result<Option<Sides<'a>>, SidesError> {
    let of_pairs = |runs: &[&'a Document]| {
        let runs = runs.iter().map(|it| Some((it.pair.as_ref()?, *it)));
        let mut runs = runs.collect::<Option<Vec<(&PairSection, &'a Document)>>>()?;
        runs.sort_by_key(|(pair, _)| (pair.set.clone(), pair.number));
        Some(runs)
    };
    let (Some(base), Some(candidate)) = (of_pairs(base), of_pairs(candidate)) else {
        return Ok(None);
    };
    for (given, runs) in [(Side::Base, &base), (Side::Candidate, &candidate)] {
        if let Some((pair, _)) = runs.iter().find(|(pair, _)| pair.side != given) {
            return Err(SidesError::Swapped {
                made: pair.side.name(),
                given: given.name(),
                number: pair.number,
            });
        }
    }
    let keys = |runs: &[(&PairSection, &Document)]| -> Vec<(String, u32)> {
        runs.iter()
            .map(|(it, _)| (it.set.clone(), it.number))
            .collect()
    };
    let (ours, theirs) = (keys(&base), keys(&candidate));
    let mut once = ours.clone();
    once.dedup();
    if ours != theirs || once.len() != ours.len() {
        return Ok(None);
    }
    Ok(Some(Sides {
        orders: base.iter().map(|(pair, _)| pair.order.clone()).collect(),
        base: base.into_iter().map(|(_, it)| it).collect(),
        candidate: candidate.into_iter().map(|(_, it)| it).collect(),
        method: Method::Paired,
        notes: Vec::new(),
    }))
}
