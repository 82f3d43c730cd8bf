//! What one virtual user does in one iteration.

use std::time::Duration;

use super::client::JourneyClient;
use super::read::action::Action;
use super::selection::{Pick, Selection};

/// What one virtual user does from start to end.
#[derive(Debug, Clone)]
pub struct Journey {
    /// The name, unique in the scenario.
    pub name: String,
    /// The clients that are emulated, each once. Not empty.
    pub clients: Vec<JourneyClient>,
    /// The pause between two iterations of a user.
    pub think_time: ThinkTime,
    /// The longest silence of an exchange, 1 ms to 6 h.
    pub request_timeout: Duration,
    /// The most time one iteration may take; at least `request_timeout`, at most 24 h.
    pub iteration_timeout: Duration,
    /// What is done.
    pub action: Action,
}

/// A pause between two iterations, at most 1 h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThinkTime {
    /// No pause.
    None,
    /// Always the same.
    Fixed(Duration),
    /// Uniform between both; the first is the shorter.
    Uniform(Duration, Duration),
}

impl Journey {
    /// The images it has to do with; a catalogue of a registry as it is has to do with none.
    pub fn images(&self) -> Option<&Selection> {
        self.action.images()
    }

    /// How its images are picked. Without images nothing is picked, one way or the other.
    pub fn pick(&self) -> Pick {
        self.images().map_or(Pick::RoundRobin, |images| images.pick)
    }

    /// The most requests of one user in flight at once, with any of the clients.
    pub fn in_flight(&self) -> usize {
        let clients = self.clients.iter();
        let each = clients.map(|client| self.action.in_flight(&client.habits));
        each.max().unwrap_or_default()
    }

    /// The share of a client, by its place, as its weight has it.
    pub fn share(&self, client: usize) -> f64 {
        let all: f64 = self.clients.iter().map(|it| f64::from(it.weight)).sum();
        f64::from(self.clients[client].weight) / all
    }

    /// How many of so many users each client is: in proportion to the weights, each rounded so that they add up. What is left
    /// over goes to the largest remainders, of equal ones to the first.
    pub fn users(&self, of: u32) -> Vec<u32> {
        let weight = |client: &JourneyClient| u64::from(client.weight);
        let all: u64 = self.clients.iter().map(weight).sum();
        let exact = |client: &JourneyClient| u64::from(of) * weight(client);
        // No share is larger than the whole.
        let whole = |client| u32::try_from(exact(client) / all).unwrap_or(of);
        let mut users: Vec<u32> = self.clients.iter().map(whole).collect();
        let mut places: Vec<usize> = (0..users.len()).collect();
        places.sort_by_key(|place| std::cmp::Reverse(exact(&self.clients[*place]) % all));
        let given: u32 = users.iter().sum();
        for place in places.into_iter().take((of - given) as usize) {
            users[place] += 1;
        }
        users
    }
}

#[cfg(test)]
mod tests {
    use super::super::Poll;
    use super::*;
    use crate::profile::Profile;

    fn users(weights: &[u32], of: u32) -> Vec<u32> {
        let client = |weight: &u32| JourneyClient {
            profile: Profile::PLAIN,
            weight: *weight,
            habits: Profile::PLAIN.habits(),
        };
        let journey = Journey {
            name: "j".to_owned(),
            clients: weights.iter().map(client).collect(),
            think_time: ThinkTime::None,
            request_timeout: Duration::ZERO,
            iteration_timeout: Duration::ZERO,
            action: Action::Poll(Poll::default()),
        };
        journey.users(of)
    }

    #[test]
    fn users_are_in_proportion_and_add_up() {
        assert_eq!(users(&[3, 7], 10), [3, 7]);
        // 1.2 and 2.8; 0.3 and 0.7.
        assert_eq!(users(&[3, 7], 4), [1, 3]);
        assert_eq!(users(&[3, 7], 1), [0, 1]);
        // Of equal remainders the first is rounded up.
        assert_eq!(users(&[1, 1, 1], 4), [2, 1, 1]);
        assert_eq!(users(&[1, 99], 2), [0, 2]);
        assert_eq!(users(&[5], 7), [7]);
        assert_eq!(users(&[1, 2], 0), [0, 0]);
        let most = users(&[1_000_000, 999_999, 1], 1_000_000);
        assert_eq!(most.iter().sum::<u32>(), 1_000_000);
    }
}
