//! What a journey may ask of a registry, by the habits of its clients.

use super::journey::Journey;
use crate::oci::Operation;

/// Every operation that the journey may ask for, so that there is a place for its samples before the run. What the registry
/// decides comes on top: tokens and redirects.
pub fn operations(journey: &Journey) -> Vec<Operation> {
    let mut operations = Vec::new();
    for client in &journey.clients {
        let ping = client.habits.ping.then_some(Operation::Ping);
        let others = journey.action.operations(&client.habits);
        for operation in ping.into_iter().chain(others) {
            if !operations.contains(&operation) {
                operations.push(operation);
            }
        }
    }
    operations
}
