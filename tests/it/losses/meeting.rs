//! Host and guests by themselves: what a host waits for before it deletes anything, and a process that is replaced.

use std::thread;
use std::time::Duration;

use regstorm::engine::{self, Stop};
use regstorm::meeting::{Guest, GuestError, Host, Identity, Latest, Part, Settings, Token};
use regstorm::oci::Digest;
use tokio::time::Instant;

use crate::gate::{Gate, Held};
use crate::support::wait_for;

const RUN: u64 = 77;

fn settings<T>(address: &str) -> Settings<T> {
    Settings {
        address: address.to_owned(),
        token: Token::default(),
        timeout: Duration::from_mins(1),
        tls: None,
    }
}

fn identity(index: u32, count: u32) -> Identity {
    Identity {
        part: Part { index, count },
        version: "1".to_owned(),
        fingerprint: Digest::sha256(b"plan"),
        thresholds: Vec::new(),
        host: "here".to_owned(),
    }
}

fn host(count: u32, stop: &Stop) -> Host {
    let (settings, identity) = (settings("127.0.0.1:0"), identity(0, count));
    let host = Host::open(&settings, (&identity, RUN), stop, &mut |_| {});
    host.expect("a free port")
}

fn guest(address: &str, (index, count): (u32, u32), stop: &Stop) -> Guest {
    Guest::join(&settings(address), &identity(index, count), stop).expect("a host")
}

/// A guest that is cut off still reaches the target, and does not know that it is lost before it has been silent for it as long.
#[test]
fn nothing_is_deleted_before_a_lost_shard_has_stopped() {
    let [of_host, of_guest] = [engine::stop().1, engine::stop().1];
    let host = host(2, &of_host);
    let way = Gate::open(host.address().to_string());
    thread::scope(|scope| {
        let started = scope.spawn(|| {
            let guest = guest(&way.address, (1, 2), &of_guest);
            guest.wait_prepared(&of_guest).expect("it is prepared");
            guest.wait_start(&of_guest).expect("a start");
            guest
        });
        host.gather(&of_host, &mut |_| {}).expect("it comes");
        host.prepared().expect("it is there");
        host.start(&of_host).expect("all are ready");
        let guest = started.join().expect("no panic");
        way.hold(Held::Everything);
        let latest = Latest {
            planned: Instant::now(),
            graceful: Duration::ZERO,
            deletes: true,
        };
        let mut told = Vec::new();
        let ends = host.finish(&of_host, latest, &mut |index, why| {
            told.push((index, why.to_owned(), Instant::now()));
        });
        let [(1, _, at)] = told[..] else {
            panic!("{told:?}");
        };
        // Three seconds after it has noticed, it drops what is still under way.
        assert!(at.elapsed() > Duration::from_secs(3), "{:?}", at.elapsed());
        assert_eq!(ends.len(), 1);
        wait_for(|| of_guest.is_aborted().then_some(()));
        assert!(matches!(guest.over(), Some(GuestError::Lost(_))));
    });
}

/// Two processes of one shard would send its load twice.
#[test]
fn of_two_processes_for_one_shard_the_older_one_does_not_start() {
    let stops = [(); 3].map(|()| engine::stop().1);
    let host = host(2, &stops[0]);
    let address = host.address().to_string();
    let older = guest(&address, (1, 2), &stops[1]);
    host.gather(&stops[0], &mut |_| {}).expect("it comes");
    let newer = guest(&address, (1, 2), &stops[2]);
    host.prepared().expect("it is there");
    let (at, theirs) = thread::scope(|scope| {
        let started = scope.spawn(|| {
            newer.wait_prepared(&stops[2]).expect("it is prepared");
            newer.wait_start(&stops[2]).expect("a start")
        });
        let refused = scope.spawn(|| {
            older.wait_prepared(&stops[1])?;
            older.wait_start(&stops[1])
        });
        let at = host.start(&stops[0]).expect("all are ready");
        let theirs = started.join().expect("no panic");
        let refused = refused.join().expect("no panic").expect_err("no start");
        let said = refused.to_string();
        assert!(
            said.contains("another process came for the same shard"),
            "{said}"
        );
        (at, theirs)
    });
    drop(newer);
    let latest = Latest {
        planned: Instant::now(),
        graceful: Duration::ZERO,
        deletes: false,
    };
    let ends = host.finish(&stops[0], latest, &mut |_, _| {});
    // Both read one clock: what the older process said of its own is not part of it.
    let apart = at.max(theirs).duration_since(at.min(theirs));
    assert!(
        apart.as_micros() <= u128::from(ends[0].clock.error_us),
        "{apart:?} {ends:?}"
    );
}
