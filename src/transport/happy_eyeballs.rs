//! Happy Eyeballs: connection attempts to several addresses overlap, so that an address that drops packets costs 250 ms
//! and not the whole time limit.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::timeout;

/// The time before the next address is tried in parallel. An attempt that fails starts the next at once.
///
/// # Spec
/// RFC 8305, 5 and 8: Connection Attempt Delay. Go waits 300 ms, curl 200.
const HEAD_START: Duration = Duration::from_millis(250);

/// The order in which addresses are tried: those of the first one's family take turns at being first, and the
/// families alternate.
///
/// # Spec
/// RFC 8305, 4: First Address Family Count 1. Which family comes first is the resolver's choice (RFC 6724).
pub(super) fn order(addresses: &[SocketAddr], turn: usize) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else {
        return Vec::new();
    };
    let (mut preferred, mut others): (Vec<_>, Vec<_>) = addresses
        .iter()
        .partition(|it| it.is_ipv4() == first.is_ipv4());
    for family in [&mut preferred, &mut others] {
        let start = turn % family.len().max(1);
        family.rotate_left(start);
    }
    let mut others = others.into_iter();
    let mut order = Vec::with_capacity(addresses.len());
    for address in preferred {
        order.push(address);
        order.extend(others.next());
    }
    order.extend(others);
    order
}

/// The number of turns after which the order repeats: all addresses of a family have been first equally often.
pub(super) fn turns(addresses: &[SocketAddr]) -> usize {
    let first = addresses.iter().filter(|it| it.is_ipv4()).count();
    match (first, addresses.len() - first) {
        (0, only) | (only, 0) => only,
        (a, b) => together(a, b),
    }
}

/// The number of turns after which two cycles start together again (least common multiple).
pub(super) const fn together(a: usize, b: usize) -> usize {
    const fn divisor(a: usize, b: usize) -> usize {
        if b == 0 { a } else { divisor(b, a % b) }
    }
    a / divisor(a, b) * b
}

/// Returns the first connection, or the last error. It waits as long as any attempt does.
///
/// # Cancel safety
/// Attempts under way are abandoned.
pub(super) async fn first<T, F: Future<Output = io::Result<T>>>(
    addresses: &[SocketAddr],
    dial: impl Fn(SocketAddr) -> F,
) -> io::Result<T> {
    if let [address] = addresses {
        return dial(*address).await;
    }
    let mut addresses = addresses.iter();
    let mut running = FuturesUnordered::new();
    let mut failed = None;
    loop {
        let ended = if let Some(address) = addresses.next() {
            running.push(dial(*address));
            match timeout(HEAD_START, running.next()).await {
                Ok(ended) => ended,
                Err(_) => continue,
            }
        } else {
            running.next().await
        };
        match ended {
            Some(Ok(connected)) => return Ok(connected),
            Some(Err(error)) => failed = Some(error),
            None => return Err(failed.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::pending;

    use tokio::time::{Instant, sleep};

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|it| it.parse().unwrap()).collect()
    }

    #[test]
    fn families_alternate_and_the_preferred_one_takes_turns() {
        let found = addresses(&[
            "[::1]:1",
            "[::2]:1",
            "10.0.0.1:1",
            "10.0.0.2:1",
            "10.0.0.3:1",
        ]);
        assert_eq!(
            order(&found, 0),
            addresses(&[
                "[::1]:1",
                "10.0.0.1:1",
                "[::2]:1",
                "10.0.0.2:1",
                "10.0.0.3:1"
            ])
        );
        assert_eq!(
            order(&found, 4),
            addresses(&[
                "[::1]:1",
                "10.0.0.2:1",
                "[::2]:1",
                "10.0.0.3:1",
                "10.0.0.1:1"
            ])
        );
        // Whoever is first in the resolver's order decides which family is preferred, whatever the turn.
        for turn in 0..10 {
            assert!(order(&found, turn)[0].is_ipv6());
        }
        assert_eq!(order(&[], 7), []);
        // Where the two of the first family are dead, the three of the other are second in turn, as often.
        assert_eq!((turns(&found), turns(&found[..2]), turns(&[])), (6, 2, 0));
        let second: Vec<_> = (0..6).map(|turn| order(&found, turn)[1]).collect();
        for address in &found[2..] {
            assert_eq!(second.iter().filter(|it| *it == address).count(), 2);
        }
    }

    /// What each address does: connects or fails after so many milliseconds, or never answers.
    enum Does {
        Connects(u64),
        Fails(u64),
        Nothing,
    }

    /// Which attempt connected, after how many milliseconds, and when each began.
    async fn tried(does: &[Does]) -> (Result<usize, io::ErrorKind>, u128, Vec<u128>) {
        let all: Vec<SocketAddr> = (0..does.len())
            .map(|place| SocketAddr::from(([127, 0, 0, 1], u16::try_from(place).unwrap() + 1)))
            .collect();
        let (start, began) = (Instant::now(), RefCell::new(Vec::new()));
        let dial = async |address: SocketAddr| {
            began.borrow_mut().push(start.elapsed().as_millis());
            let place = usize::from(address.port()) - 1;
            match does[place] {
                Does::Connects(after) => sleep(Duration::from_millis(after)).await,
                Does::Fails(after) => {
                    sleep(Duration::from_millis(after)).await;
                    return Err(io::ErrorKind::ConnectionRefused.into());
                }
                Does::Nothing => pending().await,
            }
            Ok(place)
        };
        let found = first(&all, dial).await.map_err(|it| it.kind());
        (found, start.elapsed().as_millis(), began.into_inner())
    }

    /// By hand: the next attempt begins 250 ms after the last, or at the instant at which one fails.
    #[tokio::test(start_paused = true)]
    async fn an_address_that_is_silent_costs_its_head_start() {
        use Does::{Connects, Fails, Nothing};
        let refused = Err(io::ErrorKind::ConnectionRefused);
        for (does, found, took, began) in [
            (&[Connects(40)][..], Ok(0), 40, &[0][..]),
            (&[Connects(40), Connects(1)], Ok(0), 40, &[0]),
            (&[Nothing, Connects(40)], Ok(1), 290, &[0, 250]),
            (&[Nothing, Nothing, Connects(1)], Ok(2), 501, &[0, 250, 500]),
            // The first is slow and comes first all the same.
            (&[Connects(300), Connects(100)], Ok(0), 300, &[0, 250]),
            (&[Fails(10), Connects(5)], Ok(1), 15, &[0, 10]),
            (
                &[Fails(10), Fails(20), Connects(5)],
                Ok(2),
                35,
                &[0, 10, 30],
            ),
            // A failure of the second brings the third on at once, while the first is still waited for.
            (
                &[Nothing, Fails(10), Connects(5)],
                Ok(2),
                265,
                &[0, 250, 260],
            ),
            (&[Connects(400), Fails(10)], Ok(0), 400, &[0, 250]),
            (&[Fails(10), Fails(10)], refused, 20, &[0, 10]),
            (&[], Err(io::ErrorKind::AddrNotAvailable), 0, &[]),
        ] {
            let (was, after, starts) = tried(does).await;
            assert_eq!((was, after), (found, took));
            assert_eq!(starts, began);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_answers_the_time_limit_decides() {
        let limit = Duration::from_secs(30);
        let silent = [Does::Nothing, Does::Nothing];
        assert!(timeout(limit, tried(&silent)).await.is_err());
    }
}
