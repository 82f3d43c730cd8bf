//! The connections that each address of a host got.

use std::cell::RefCell;
use std::net::SocketAddr;

use crate::units::Endpoint;

/// The most addresses: a peer that redirects to ever new hosts must not fill memory.
const MOST: usize = 256;

/// The connections to one address of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The host and port of the URL.
    pub host: Endpoint,
    /// The address.
    pub address: SocketAddr,
    /// Connections that were established.
    pub connections: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Attempts that were abandoned: another address was faster, or the deadline passed.
    pub given_up: u64,
}

/// The addresses to which a worker connected.
#[derive(Debug, Default)]
pub(super) struct Peers(RefCell<Vec<Peer>>);

/// An attempt to connect. Dropping it without an outcome counts it as abandoned.
pub(super) struct Attempt<'a> {
    peers: &'a Peers,
    place: Option<usize>,
}

impl Peers {
    /// Notes the addresses of a host, tried or not.
    pub(super) fn know(&self, host: &Endpoint, addresses: &[SocketAddr]) {
        for address in addresses {
            self.place(host, *address);
        }
    }

    pub(super) fn attempt(&self, host: &Endpoint, address: SocketAddr) -> Attempt<'_> {
        Attempt {
            place: self.place(host, address),
            peers: self,
        }
    }

    pub(super) fn all(&self) -> Vec<Peer> {
        self.0.borrow().clone()
    }

    /// The index of an address. `None`: there are too many.
    fn place(&self, host: &Endpoint, address: SocketAddr) -> Option<usize> {
        let mut all = self.0.borrow_mut();
        let found = all
            .iter()
            .position(|it| it.address == address && it.host == *host);
        if found.is_none() && all.len() < MOST {
            all.push(Peer {
                host: host.clone(),
                address,
                connections: 0,
                failed: 0,
                given_up: 0,
            });
            return Some(all.len() - 1);
        }
        found
    }
}

impl Attempt<'_> {
    pub(super) fn end(mut self, connected: bool) {
        self.count(|it| {
            if connected {
                &mut it.connections
            } else {
                &mut it.failed
            }
        });
        self.place = None;
    }

    fn count(&self, what: impl Fn(&mut Peer) -> &mut u64) {
        if let Some(place) = self.place {
            *what(&mut self.peers.0.borrow_mut()[place]) += 1;
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.count(|it| &mut it.given_up);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attempt_ends_in_one_count_and_hosts_without_end_fill_no_memory() {
        let peers = Peers::default();
        let host: Endpoint = "a.test:80".parse().unwrap();
        let addresses: [SocketAddr; 2] =
            ["10.0.0.1:80", "10.0.0.2:80"].map(|it| it.parse().unwrap());
        peers.know(&host, &addresses);
        peers.attempt(&host, addresses[0]).end(true);
        peers.attempt(&host, addresses[0]).end(false);
        drop(peers.attempt(&host, addresses[0]));
        let counts = |it: &Peer| (it.connections, it.failed, it.given_up);
        let found: Vec<_> = peers.all().iter().map(counts).collect();
        assert_eq!(found, [(1, 1, 1), (0, 0, 0)]);
        for number in 0..2 * MOST {
            let host: Endpoint = format!("h{number}.test:80").parse().unwrap();
            peers.attempt(&host, addresses[0]).end(true);
        }
        assert_eq!(peers.all().len(), MOST);
    }
}
