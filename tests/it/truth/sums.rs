//! Runs under every fault that the registry can script, to their end, drained and dropped: every sum closes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use regstorm::embedded::{Fault, FaultKind, Lengths, Point, Running, Settings, Stall, When};
use regstorm::engine::{self, Finished, Progress, Stopper};
use regstorm::measure::{Outcomes, Period};
use regstorm::oci::ErrorCode;
use regstorm::units::{ByteSize, Ratio};

use crate::support::{assert_closed, plan, registry, settled, wait_for};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Pull,
    Push,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// All iterations are done.
    Itself,
    /// Somebody asks once to stop, in the middle.
    Drained,
    /// Somebody asks twice.
    Dropped,
}

/// What a fault does to a journey that meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harm {
    /// Some exchanges fail.
    Fails,
    /// None fails.
    None,
}

/// The names of all kinds of faults. The compiler asks here for the name of a new one.
const KINDS: [&str; 15] = [
    "burn", "close", "corrupt", "delay", "drawn", "empty", "freeze", "lose", "mislabel", "rate",
    "reset", "revive", "stale", "stall", "status",
];

const fn name(kind: &FaultKind) -> &'static str {
    match kind {
        FaultKind::Delay(_) => "delay",
        FaultKind::DrawnDelay(_) => "drawn",
        FaultKind::Rate(_) => "rate",
        FaultKind::Status { .. } => "status",
        FaultKind::Reset(_) => "reset",
        FaultKind::Close(_) => "close",
        FaultKind::Stall(..) => "stall",
        FaultKind::Freeze(_) => "freeze",
        FaultKind::Burn(_) => "burn",
        FaultKind::Corrupt(_) => "corrupt",
        FaultKind::Empty => "empty",
        FaultKind::Mislabel => "mislabel",
        FaultKind::Lose => "lose",
        FaultKind::Stale(_) => "stale",
        FaultKind::Revive(_) => "revive",
    }
}

const HEAD: Point = Point::BeforeHead;
/// The middle of a layer.
const MIDDLE: Point = Point::AfterBody(ByteSize::from_bytes(5_000));

/// Every kind at every point, and what it does to a pull and to a push.
fn faults() -> Vec<(FaultKind, Harm, Harm)> {
    let ms = Duration::from_millis;
    let lengths = Lengths::exponential(ms(5), ms(20)).expect("a range");
    let status = |status: u16, code, retry_after| FaultKind::Status {
        status: status.try_into().expect("a status"),
        code,
        retry_after,
    };
    let (fails, none) = (Harm::Fails, Harm::None);
    vec![
        (FaultKind::Delay(ms(3)), none, none),
        (FaultKind::DrawnDelay(lengths), none, none),
        (FaultKind::Rate(ByteSize::from_bytes(500_000)), none, none),
        (status(503, None, None), fails, fails),
        (
            status(429, Some(ErrorCode::TooManyRequests), Some(ms(1_000))),
            fails,
            fails,
        ),
        (FaultKind::Reset(HEAD), fails, fails),
        (FaultKind::Reset(MIDDLE), fails, fails),
        (FaultKind::Close(HEAD), fails, fails),
        (FaultKind::Close(MIDDLE), fails, fails),
        (FaultKind::Stall(HEAD, Stall::For(ms(5))), none, none),
        (FaultKind::Stall(HEAD, Stall::Drawn(lengths)), none, none),
        (FaultKind::Stall(MIDDLE, Stall::For(ms(5))), none, none),
        (FaultKind::Stall(MIDDLE, Stall::Drawn(lengths)), none, none),
        (FaultKind::Stall(HEAD, Stall::Forever), fails, fails),
        (FaultKind::Stall(MIDDLE, Stall::Forever), fails, fails),
        // Of the answers to a push none has a body.
        (FaultKind::Corrupt(77), fails, none),
        (FaultKind::Freeze(ms(5)), none, none),
        (FaultKind::Burn(Duration::from_micros(300)), none, none),
        (FaultKind::Empty, fails, fails),
        (FaultKind::Mislabel, fails, fails),
        // A pull stores nothing. A push finds that its index of images has lost one of them; these have none.
        (FaultKind::Lose, none, none),
        (FaultKind::Stale(ms(50)), none, none),
        (FaultKind::Revive(ms(5)), none, none),
    ]
}

/// Four users with an image of three layers of 10,000 bytes.
fn scenario(action: Action, ending: Ending, timeout: &str) -> String {
    let action = match action {
        Action::Pull => "action = \"pull\"",
        Action::Push => "action = \"push\"\nunique = true",
    };
    let load = match ending {
        Ending::Itself => "executor = \"per-vu-iterations\"\niterations = 3\nmax_duration = \"5m\"",
        Ending::Drained | Ending::Dropped => {
            "executor = \"constant-vus\"\nduration = \"5m\"\ngraceful_stop = \"5m\""
        }
    };
    format!(
        "name = \"test\"\n\
         [target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 3\nlayer_size = \"10000B\"\n\
         [journey.j]\nimages = \"web\"\n{action}\nrequest_timeout = \"{timeout}\"\n\
         [[load]]\njourney = \"j\"\nvus = 4\n{load}\n\
         [audit]\nsample = \"none\"\n"
    )
}

/// Seeding goes well; then three in ten requests are hit, and when some have come the run is stopped, if it is to be.
fn play(registry: &Running, kind: &FaultKind, action: Action, ending: Ending) -> Finished {
    // What never comes is waited for as long as it takes to see that. Everything else has time.
    let timeout = match kind {
        FaultKind::Stall(_, Stall::Forever) => "150ms",
        _ => "1m",
    };
    let plan = Arc::new(plan(&scenario(action, ending, timeout), &registry.url(), 2));
    let often = When::Probability(Ratio::try_new(0.3).expect("a share"), 5);
    let (stopper, stop) = engine::stop();
    let armed_at = AtomicU64::new(u64::MAX);
    thread::scope(|scope| {
        if ending != Ending::Itself {
            scope.spawn(|| stop_in_the_middle(&stopper, ending, registry, &armed_at));
        }
        engine::run(&plan, 7, &stop, &mut |at| {
            let prepared = match at {
                Progress::Seeding(seeded) => action == Action::Pull && seeded.images == seeded.of,
                Progress::Ready { .. } => action == Action::Push,
                _ => false,
            };
            if prepared {
                let fault = Fault::everywhere(kind.clone()).when(often);
                registry.set_faults(vec![fault]).expect("it runs");
                armed_at.store(registry.counts().requests, Ordering::SeqCst);
            }
        })
        .expect("a run that measures")
    })
}

/// Asks to stop when each of four users has come to its third request or so.
fn stop_in_the_middle(stopper: &Stopper, ending: Ending, registry: &Running, armed_at: &AtomicU64) {
    wait_for(|| {
        let enough = armed_at.load(Ordering::SeqCst).saturating_add(12);
        (registry.counts().requests >= enough).then_some(())
    });
    stopper.ask();
    if ending == Ending::Dropped {
        stopper.ask();
    }
}

fn check(kind: &FaultKind, harm: Harm, action: Action, ending: Ending) {
    let what = format!("{kind:?}, {action:?}, {ending:?}");
    let registry = registry(Settings::default());
    let finished = play(&registry, kind, action, ending);
    let closure = finished.record.check();
    let broken: Vec<_> = closure.broken().collect();
    assert!(broken.is_empty(), "{what}: {broken:#?}");
    assert_closed(&finished);
    assert_eq!(finished.interrupted, ending != Ending::Itself, "{what}");
    let totals = finished.record.totals(Period::Measure);
    let (iterations, exchanges) = (totals.iterations, totals.exchanges);
    if harm == Harm::None {
        assert_eq!((iterations.failed, exchanges.failed), (0, 0), "{what}");
    }
    match ending {
        Ending::Itself => {
            assert_eq!(iterations.ended(), 12, "{what}");
            let failed = (iterations.failed > 0, exchanges.failed > 0);
            assert_eq!(failed, (harm == Harm::Fails, harm == Harm::Fails), "{what}");
            // The registry saw every exchange that came to an end of its own, and none that was not counted. Of those
            // that were cancelled it saw the ones that had been sent.
            let sum = |which: fn(Outcomes) -> u64| -> u64 {
                let all = Period::ALL.into_iter();
                all.map(|period| which(finished.record.totals(period).exchanges))
                    .sum()
            };
            let seen = settled(&registry).requests;
            let (own, all) = (sum(|it| it.ok + it.failed), sum(Outcomes::ended));
            assert!(own <= seen && seen <= all, "{what}: {own} {seen} {all}");
        }
        Ending::Drained => assert_eq!(iterations.cancelled, 0, "{what}"),
        Ending::Dropped => assert!(exchanges.ended() > 0, "{what}: {exchanges:?}"),
    }
}

/// Plays all cases of an ending, a few at once: most of their time passes in waiting.
fn check_all(ending: Ending) {
    let mut cases = Vec::new();
    for (kind, pull, push) in faults() {
        cases.push((kind.clone(), pull, Action::Pull));
        cases.push((kind, push, Action::Push));
    }
    let cases = Mutex::new(cases);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let next = || cases.lock().unwrap_or_else(PoisonError::into_inner).pop();
                while let Some((kind, harm, action)) = next() {
                    check(&kind, harm, action, ending);
                }
            });
        }
    });
}

#[test]
fn every_kind_of_fault_is_here() {
    let here: BTreeSet<_> = faults().iter().map(|(kind, ..)| name(kind)).collect();
    assert_eq!(here, BTreeSet::from(KINDS));
}

#[test]
fn every_sum_closes_under_every_fault() {
    check_all(Ending::Itself);
}

#[test]
fn every_sum_closes_when_a_run_under_a_fault_is_drained() {
    check_all(Ending::Drained);
}

#[test]
fn every_sum_closes_when_a_run_under_a_fault_is_dropped() {
    check_all(Ending::Dropped);
}
