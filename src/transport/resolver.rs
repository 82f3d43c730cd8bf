//! The addresses of hosts.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;
use url::Host;

use super::error::Error;
use crate::exchange::Lookup;
use crate::units::Endpoint;

/// Looks up the addresses of hosts: once for each worker, or for each connection.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    known: RefCell<Vec<(Endpoint, Rc<[SocketAddr]>)>>,
}

impl Resolver {
    /// Returns the addresses, and the time of the look-up if there was one.
    pub(super) async fn resolve(
        &self,
        endpoint: &Endpoint,
        lookup: Lookup,
    ) -> Result<(Rc<[SocketAddr]>, Option<Duration>), Error> {
        let name = match &endpoint.host {
            Host::Ipv4(ip) => return Ok((Rc::new([(*ip, endpoint.port).into()]), None)),
            Host::Ipv6(ip) => return Ok((Rc::new([(*ip, endpoint.port).into()]), None)),
            Host::Domain(name) => name,
        };
        let cached = |known: &[(Endpoint, Rc<[SocketAddr]>)]| {
            let found = known.iter().find(|(it, _)| it == endpoint);
            found.map(|(_, addresses)| Rc::clone(addresses))
        };
        if lookup == Lookup::Once
            && let Some(addresses) = cached(&self.known.borrow())
        {
            return Ok((addresses, None));
        }
        let asked = Instant::now();
        let refuse = |source| Error::Dns {
            host: name.clone(),
            source,
        };
        let addresses: Rc<[SocketAddr]> = tokio::net::lookup_host((name.as_str(), endpoint.port))
            .await
            .map_err(refuse)?
            .collect();
        if addresses.is_empty() {
            return Err(refuse(std::io::Error::new(
                std::io::ErrorKind::NotFound,
                "the name has no address",
            )));
        }
        let mut known = self.known.borrow_mut();
        // Another exchange may have looked it up meanwhile; and a peer that redirects to ever new hosts must not fill
        // memory.
        if lookup == Lookup::Once && cached(&known).is_none() && known.len() < 1024 {
            known.push((endpoint.clone(), Rc::clone(&addresses)));
        }
        Ok((addresses, Some(asked.elapsed())))
    }

    /// Sets the addresses of a host without a look-up.
    #[cfg(test)]
    pub(super) fn pin(&self, endpoint: &Endpoint, addresses: &[SocketAddr]) {
        let mut known = self.known.borrow_mut();
        known.push((endpoint.clone(), addresses.into()));
    }
}
