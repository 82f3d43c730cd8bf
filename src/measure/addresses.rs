//! Which addresses the connections of a run went to.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One address of a host, and what came of it, in all periods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AddressUse {
    /// The host and port as they stand in a URL.
    pub host: String,
    /// The IP address and port that they lead to, `10.0.0.7:443`.
    #[schemars(with = "String")]
    pub address: SocketAddr,
    /// Connections that were opened.
    pub connections: u64,
    /// Attempts to connect that failed.
    pub failed: u64,
    /// Attempts that were given up: another address was faster, the time was over, or the user stopped.
    pub given_up: u64,
}

impl AddressUse {
    /// Adds what others have counted, in the order of hosts and addresses.
    pub fn merge(mine: &mut Vec<Self>, theirs: Vec<Self>) {
        for theirs in theirs {
            let key = (theirs.host.as_str(), theirs.address);
            match mine.binary_search_by(|it| (it.host.as_str(), it.address).cmp(&key)) {
                Ok(place) => {
                    let mine = &mut mine[place];
                    mine.connections = mine.connections.saturating_add(theirs.connections);
                    mine.failed = mine.failed.saturating_add(theirs.failed);
                    mine.given_up = mine.given_up.saturating_add(theirs.given_up);
                }
                Err(place) => mine.insert(place, theirs),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(host: &str, address: &str, counts: [u64; 3]) -> AddressUse {
        let [connections, failed, given_up] = counts;
        AddressUse {
            host: host.to_owned(),
            address: address.parse().unwrap(),
            connections,
            failed,
            given_up,
        }
    }

    #[test]
    fn sums_do_not_depend_on_who_comes_first() {
        let first = vec![
            used("b.test:80", "10.0.0.2:80", [1, 0, 0]),
            used("b.test:80", "10.0.0.1:80", [2, 1, 0]),
        ];
        let second = vec![
            used("b.test:80", "10.0.0.2:80", [4, 0, 3]),
            used("a.test:80", "10.0.0.2:80", [5, 0, 0]),
        ];
        let wanted = [
            used("a.test:80", "10.0.0.2:80", [5, 0, 0]),
            used("b.test:80", "10.0.0.1:80", [2, 1, 0]),
            used("b.test:80", "10.0.0.2:80", [5, 0, 3]),
        ];
        for order in [[&first, &second], [&second, &first]] {
            let mut sum = Vec::new();
            for part in order {
                AddressUse::merge(&mut sum, part.clone());
            }
            assert_eq!(sum, wanted);
        }
    }
}
