//! A client of a journey, with its weight among others.

use crate::profile::{Habits, Profile};

/// A client of a journey. A user is one of them for the whole run; of arrivals, and of iterations that users share, each is one.
#[derive(Debug, Clone)]
pub struct JourneyClient {
    /// The client that is emulated.
    pub profile: Profile,
    /// How many users or iterations it is, in proportion to the weights of the others: 1 to 1,000,000, 1 if it is the only one.
    pub weight: u32,
    /// Its habits, those that the scenario changes as the scenario has them.
    pub habits: Habits,
}
