//! A plan cut into slices, which two targets are given in turn.

use std::time::Duration;

use super::Plan;

impl Plan {
    /// The plan of one slice: the same load, measured for that long after it has settled. `None` where the load changes
    /// over time, is a number of iterations or has hooks: such a plan can only be run as a whole.
    ///
    /// Thresholds and the probe are left out: limits on a run say nothing of a part of it.
    pub fn slice(&self, measured: Duration, settle: Duration) -> Option<Self> {
        if !self.hooks.is_empty() {
            return None;
        }
        let mut plan = self.whole();
        for load in &mut plan.loads {
            if !load.warms_up_before() {
                return None;
            }
            load.warmup = settle;
            load.executor = load.executor.lasting(measured)?;
        }
        Some(plan)
    }

    /// The plan as one of several runs that are compared: without thresholds and probe.
    #[must_use]
    pub fn whole(&self) -> Self {
        let mut plan = self.clone();
        plan.thresholds = Vec::new();
        plan.probe = None;
        plan
    }
}
