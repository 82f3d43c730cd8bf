//! Connections to names with several addresses, over loopback.

use std::collections::BTreeSet;
use std::net::TcpListener as StdListener;
use std::time::Duration;

use tokio::net::TcpListener;

use super::*;

/// Listeners on several loopback addresses with one port. Whoever connects is in their queue.
async fn listeners(hosts: &[&str]) -> (Vec<TcpListener>, u16) {
    // A port that is free on the first address may be taken on another.
    for _ in 0..100 {
        let first = TcpListener::bind((hosts[0], 0)).await.unwrap();
        let port = first.local_addr().unwrap().port();
        let mut all = vec![first];
        for host in &hosts[1..] {
            all.extend(TcpListener::bind((*host, port)).await);
        }
        if all.len() == hosts.len() {
            return (all, port);
        }
    }
    panic!("no port is free on {hosts:?}");
}

/// A dialer to which `reg.test` has these addresses.
fn dialer(route: Route, hosts: &[&str], port: u16) -> (Dialer, Origin) {
    let dialer = Dialer::new(Arc::new(route), 0);
    let origin = Origin::of(&format!("http://reg.test:{port}").parse().unwrap()).unwrap();
    let addresses: Vec<SocketAddr> = hosts
        .iter()
        .map(|host| SocketAddr::new(host.parse().unwrap(), port))
        .collect();
    dialer.peers.know(origin.endpoint(), &addresses);
    dialer.resolver.pin(origin.endpoint(), &addresses);
    (dialer, origin)
}

async fn dial(dialer: &Dialer, origin: &Origin, limit: Duration) -> Result<TcpStream, Error> {
    let deadline = Instant::now() + limit;
    dialer.tcp(origin, deadline, &mut Timings::default()).await
}

/// Longer than any machine needs; only a hang becomes a failure by it.
const LONG: Duration = Duration::from_mins(1);

/// What each address got, as connections, failures and abandoned attempts.
fn counts(dialer: &Dialer) -> Vec<(u64, u64, u64)> {
    let peers = dialer.peers();
    let counts = peers
        .iter()
        .map(|it| (it.connections, it.failed, it.given_up));
    counts.collect()
}

#[tokio::test]
async fn connections_go_to_the_addresses_of_a_name_in_turn() {
    let hosts = ["127.0.0.2", "127.0.0.3", "127.0.0.4"];
    let (_listeners, port) = listeners(&hosts).await;
    let (dialer, origin) = dialer(Route::default(), &hosts, port);
    for _ in 0..6 {
        dial(&dialer, &origin, LONG).await.unwrap();
    }
    assert_eq!(counts(&dialer), [(2, 0, 0); 3]);
}

/// A name of two families: those of the second are a way out, and take no turn.
#[tokio::test]
async fn the_family_that_the_resolver_prefers_gets_everything_it_answers() {
    let hosts = ["127.0.0.2", "::1", "127.0.0.3"];
    let (_listeners, port) = listeners(&["127.0.0.2", "127.0.0.3"]).await;
    let (dialer, origin) = dialer(Route::default(), &hosts, port);
    for _ in 0..4 {
        dial(&dialer, &origin, LONG).await.unwrap();
    }
    assert_eq!(counts(&dialer), [(2, 0, 0), (0, 0, 0), (2, 0, 0)]);
}

#[tokio::test]
async fn an_address_that_refuses_is_passed_over_and_told() {
    let hosts = ["127.0.0.2", "127.0.0.3"];
    let (mut all, port) = listeners(&hosts).await;
    all.remove(0);
    let (dialer, origin) = dialer(Route::default(), &hosts, port);
    for _ in 0..4 {
        dial(&dialer, &origin, LONG).await.unwrap();
    }
    // Two of the four began with the first.
    assert_eq!(counts(&dialer), [(0, 2, 0), (4, 0, 0)]);
    all.clear();
    let error = dial(&dialer, &origin, LONG).await.unwrap_err().to_string();
    let wanted = format!("cannot connect to reg.test:{port} at any of its 2 addresses: ");
    assert!(error.starts_with(&wanted), "{error}");
}

/// A listener whose queue is full drops what wants to connect, as a machine that is off or a firewall does.
fn silent(host: &str) -> (StdListener, Vec<std::net::TcpStream>, u16) {
    let socket = short_queue(host);
    let address = socket.local_addr().unwrap();
    let mut queue = Vec::new();
    let short = Duration::from_millis(200);
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, short) {
        queue.push(stream);
    }
    (socket, queue, address.port())
}

/// A listener with the shortest queue there is.
fn short_queue(host: &str) -> StdListener {
    use nix::sys::socket::{
        AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, listen, socket,
    };
    let socket = socket(
        AddressFamily::Inet,
        SockType::Stream,
        SockFlag::empty(),
        None,
    )
    .unwrap();
    let address: SocketAddr = format!("{host}:0").parse().unwrap();
    let SocketAddr::V4(address) = address else {
        panic!("IPv4 alone")
    };
    bind(
        std::os::fd::AsRawFd::as_raw_fd(&socket),
        &SockaddrIn::from(address),
    )
    .unwrap();
    listen(&socket, Backlog::new(0).unwrap()).unwrap();
    socket.into()
}

#[tokio::test]
async fn an_address_that_swallows_what_comes_does_not_take_the_time_limit() {
    let (_full, _queue, _open, port) = loop {
        let (full, queue, port) = silent("127.0.0.2");
        // Unless somebody else has that port there.
        if let Ok(open) = TcpListener::bind(("127.0.0.3", port)).await {
            break (full, queue, open, port);
        }
    };
    let hosts = ["127.0.0.2", "127.0.0.3"];
    let (dialer, origin) = dialer(Route::default(), &hosts, port);
    let stream = dial(&dialer, &origin, LONG).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap().ip().to_string(), "127.0.0.3");
    assert_eq!(counts(&dialer), [(0, 0, 1), (1, 0, 0)]);
    // Exclusive it takes what there is, and that is told as waiting for the connection.
    let (alone, origin) = self::dialer(Route::default(), &hosts[..1], port);
    let error = dial(&alone, &origin, Duration::from_millis(50))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Timeout(Waiting::Connect)), "{error}");
    assert_eq!(counts(&alone), [(0, 0, 1)]);
}

#[tokio::test]
async fn an_address_that_no_source_fits_is_left_out() {
    let (_listeners, port) = listeners(&["127.0.0.2"]).await;
    let route = Route {
        source_ips: vec!["127.0.0.9".parse().unwrap()],
        ..Route::default()
    };
    let (dialer, origin) = dialer(route, &["::1", "127.0.0.2"], port);
    let stream = dial(&dialer, &origin, LONG).await.unwrap();
    assert_eq!(stream.local_addr().unwrap().ip().to_string(), "127.0.0.9");
    assert_eq!(counts(&dialer), [(0, 0, 0), (1, 0, 0)]);
}

#[test]
fn every_endpoint_source_and_address_meet() {
    for endpoints in 1..5 {
        for sources in 1..5 {
            for addresses in 1..5 {
                let count = endpoints * sources * addresses;
                let all: BTreeSet<_> = (0..count * sources * addresses)
                    .map(|turn| {
                        let places = places(turn, endpoints, sources, addresses);
                        (turn % endpoints, places)
                    })
                    .collect();
                assert_eq!(all.len(), count, "{endpoints} {sources} {addresses}");
            }
        }
    }
    assert_eq!(places(7, 0, 0, 0), (0, 0));
}

/// A handful of connections is spread over whatever there is several of.
#[test]
fn whatever_there_is_several_of_is_used_from_the_start() {
    let firsts = |number| (0..3).map(move |turn| places(turn, 1, number, 3));
    let addresses: Vec<_> = firsts(1).map(|it| it.1).collect();
    assert_eq!(addresses, [0, 1, 2]);
    let both: Vec<_> = firsts(64).collect();
    assert_eq!(both, [(0, 0), (1, 1), (2, 2)]);
    let pairs: BTreeSet<_> = (0..4)
        .map(|turn| (turn % 2, places(turn, 2, 2, 1).0))
        .collect();
    assert_eq!(pairs.len(), 4);
}
