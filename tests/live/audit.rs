//! The audit against docker-registry: garbage collection while no client pushes loses nothing, and during pushes it loses blobs,
//! which is a known race.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::{Flavour, Registry, Report, run_to, wait_for};

fn scenario(load: &str, audit: &str) -> String {
    format!(
        "name = \"test\"\n[target]\nurl = \"http://127.0.0.1:1\"\n\
         [images.app]\nsource = \"synthetic\"\ncount = 2\nlayers = 2\nlayer_size = \"1KiB\"\n\
         [journey.push]\naction = \"push\"\nimages = \"app\"\n\
         [[load]]\njourney = \"push\"\n{load}\n\
         [audit]\nsample = \"all\"\nblobs = 1.0\n{audit}\n"
    )
}

fn found(report: &Report) -> [u64; 5] {
    ["lost", "stale", "wrong", "revived", "unknown"]
        .map(|class| report.number(&format!("/audit/{class}")))
}

#[test]
fn collecting_garbage_while_no_client_pushes_loses_nothing() {
    let registry = Registry::start(Flavour::Open);
    let load = "executor = \"per-vu-iterations\"\nvus = 4\niterations = 5";
    let toml = scenario(load, "wait = \"3s\"");
    let report = thread::scope(|scope| {
        let run = scope.spawn(|| run_to(&[0], &toml, &registry.url()));
        let pushed = || registry.log().matches("\"PUT /v2/regstorm/app/").count();
        // Each push has three blobs and a manifest. The run then waits before it reads back.
        let done = || (pushed() >= 20 * 4).then_some(());
        wait_for(Duration::from_mins(2), done).expect("pushes");
        registry.garbage_collect();
        run.join().expect("a report")
    });
    report.assert_sums();
    assert_eq!(found(&report), [0; 5]);
    assert_eq!(report.number("/audit/writes/audited"), 20);
    assert_eq!(report.number("/audit/checks/blob-content/kept"), 60);
}

#[test]
fn collecting_garbage_during_pushes_loses_blobs() {
    let load = "executor = \"constant-vus\"\nvus = 6\nduration = \"2s\"";
    // Whether a sweep comes between a blob and its manifest is chance: in one of some runs it does.
    for _ in 0..20 {
        let registry = Registry::start(Flavour::Open);
        let over = AtomicBool::new(false);
        let report = thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    registry.garbage_collect();
                }
            });
            let report = run_to(&[0, 1, 3], &scenario(load, ""), &registry.url());
            over.store(true, Ordering::Relaxed);
            report
        });
        report.assert_sums();
        let [lost, stale, wrong, revived, _] = found(&report);
        assert_eq!([stale, wrong, revived], [0; 3]);
        if lost > 0 {
            assert!(report.is_failed());
            return;
        }
    }
    panic!("no blob was lost");
}
