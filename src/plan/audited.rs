//! Whether what the registry acknowledged is read back after the load of a plan.

use std::time::Duration;

use super::{Action, Plan, Sample, Share};

impl Plan {
    /// Returns `true` if what the registry acknowledged is read back after the load.
    pub fn audits(&self) -> bool {
        match self.audit.sample {
            Sample::None => false,
            Sample::Small => self.keeps(),
            Sample::All | Sample::Count(_) | Sample::Share(_) => self.stores() || self.prepare.seed,
        }
    }

    /// Returns the most time that the audit takes.
    pub fn audit_time(&self) -> Duration {
        if self.audits() {
            self.audit.wait.saturating_add(self.audit.limit)
        } else {
            Duration::ZERO
        }
    }

    /// Returns `true` if a journey of a load stores something that it does not delete again.
    fn keeps(&self) -> bool {
        let mut journeys = self.loads.iter().flat_map(|load| &load.mix);
        let action = |share: &Share| &self.journeys[share.journey].action;
        journeys.any(|share| action(share).stores() && !matches!(action(share), Action::Delete(_)))
    }

    /// Returns `true` if a journey of a load stores something.
    pub fn stores(&self) -> bool {
        let mut journeys = self.loads.iter().flat_map(|load| &load.mix);
        journeys.any(|share| self.journeys[share.journey].action.stores())
    }
}
