//! Where the first shard listens: at an address that may become its own only after a while.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, lookup_host};
use tokio::time::{Instant, sleep};

use super::host_error::HostError;
use super::settings::HostSettings;
use crate::engine::Stop;

/// How often a name that has no address yet is looked up again.
const TRY_EVERY: Duration = Duration::from_millis(500);

/// Listens at an address of this machine. An engine may give a process its name some time after it has started it: until then
/// that has no address, or still the one of another machine.
pub(super) async fn listen(
    settings: &HostSettings,
    stop: &Stop,
    tell: &mut dyn FnMut(&io::Error),
) -> Result<TcpListener, HostError> {
    let deadline = Instant::now() + settings.timeout;
    let is_name = settings.address.parse::<SocketAddr>().is_err();
    let mut is_told = false;
    loop {
        let source = match bind(&settings.address).await {
            Ok(listener) => return Ok(listener),
            Err(error) => error,
        };
        if stop.asked().is_some() {
            return Err(HostError::Interrupted);
        }
        let is_taken = matches!(
            source.kind(),
            io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
        );
        if is_taken || !is_name || Instant::now() >= deadline {
            let address = settings.address.clone();
            return Err(HostError::Listen { address, source });
        }
        if !is_told {
            tell(&source);
            is_told = true;
        }
        sleep(TRY_EVERY).await;
    }
}

async fn bind(address: &str) -> io::Result<TcpListener> {
    let mut last = None;
    for address in lookup_host(address).await? {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
}
