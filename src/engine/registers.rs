//! Tags that pushes of new content share: each is a register, which the last one written leads to.

use std::collections::{BTreeMap, BTreeSet};

use super::images::Images;
use super::used::used_journeys;
use crate::oci::ImageName;
use crate::plan::{Action, Plan};

/// The number of a register.
pub(super) type Register = u32;

/// The registers of a plan, and which journeys have to do with them. Empty if no push shares its tag.
#[derive(Debug, Clone, Default)]
pub(super) struct Registers {
    names: Vec<ImageName>,
    /// By journey, by image.
    numbers: Vec<Vec<Option<Register>>>,
    /// Those into which the same content is written more than once: they may lead to it again.
    repeated: BTreeSet<Register>,
}

impl Registers {
    pub(super) fn of(plan: &Plan, images: &Images) -> Self {
        let mut numbers: BTreeMap<&ImageName, Register> = BTreeMap::new();
        for (index, journey) in used_journeys(plan) {
            if journey.action.shares_tags() {
                for name in images.places(index) {
                    let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                    numbers.entry(name).or_insert(next);
                }
            }
        }
        if numbers.is_empty() {
            return Self::default();
        }
        let mut repeated = BTreeSet::new();
        for (index, journey) in used_journeys(plan) {
            let names: Vec<ImageName> = match &journey.action {
                Action::Push(push) if !push.unique => images.places(index).to_vec(),
                Action::CopyImage(copy) => (0..images.count(copy.images.set))
                    .filter_map(|image| Images::copy_name(copy, image))
                    .collect(),
                _ => continue,
            };
            repeated.extend(names.iter().filter_map(|name| numbers.get(name)).copied());
        }
        let of_journey = |index| {
            let places = images.places(index).iter();
            places.map(|name| numbers.get(name).copied()).collect()
        };
        let mut names: Vec<(Register, ImageName)> = numbers
            .iter()
            .map(|(name, number)| (*number, (*name).clone()))
            .collect();
        names.sort_unstable_by_key(|(number, _)| *number);
        Self {
            numbers: (0..plan.journeys.len()).map(of_journey).collect(),
            names: names.into_iter().map(|(_, name)| name).collect(),
            repeated,
        }
    }

    /// Returns the register that an iteration of a journey writes or reads with an image.
    pub(super) fn number(&self, journey: usize, image: usize) -> Option<Register> {
        *self.numbers.get(journey)?.get(image)?
    }

    /// Returns the name of a register.
    pub(super) fn name(&self, register: Register) -> &ImageName {
        &self.names[register as usize]
    }

    /// Returns `true` if the same content is written into it more than once.
    pub(super) fn is_repeated(&self, register: Register) -> bool {
        self.repeated.contains(&register)
    }
}
