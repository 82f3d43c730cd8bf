//! Closed users whose iterations fail at once: they try less and less often, say so, and are back as soon as one succeeds.

use regstorm::embedded::{Fault, FaultKind, Settings, When};
use regstorm::engine::Finished;
use regstorm::measure::Period;
use regstorm::oci::Operation;

use crate::support::{plan, registry, run};

const BACKED_OFF: &str = "× a closed user backed off";

/// A user that polls for two seconds, of a registry with that fault.
fn polled(fault: Fault, keys: &str, load: &str) -> Finished {
    let site = registry(Settings {
        faults: vec![fault],
        ..Settings::default()
    });
    let toml = format!(
        "name = \"test\"\n[target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"100B\"\n\
         [journey.j]\naction = \"poll\"\nmethod = \"get\"\nimages = \"web\"\n{keys}\n\
         [[load]]\njourney = \"j\"\n{load}\n"
    );
    run(&plan(&toml, &site.url(), 1)).expect("a run that measures")
}

fn refusal(when: When) -> Fault {
    let kind = FaultKind::Status {
        status: http::StatusCode::INTERNAL_SERVER_ERROR,
        code: None,
        retry_after: None,
    };
    Fault::on(Operation::ManifestGet, kind).when(when)
}

fn backed_off(finished: &Finished) -> Option<u64> {
    let mut notes = finished.notes.iter();
    let note = notes.find(|it| it.contains(BACKED_OFF))?;
    note.split(' ').next()?.parse().ok()
}

const TWO_SECONDS: &str = "executor = \"constant-vus\"\nvus = 1\nduration = \"2s\"";

#[test]
fn a_dead_target_is_tried_a_few_times_a_second() {
    let finished = polled(refusal(When::Always), "", TWO_SECONDS);
    let iterations = finished.record.totals(Period::Measure).iterations;
    assert_eq!((iterations.ok, iterations.cancelled), (0, 0));
    // Starts are at 0, 0, 0, 0 and then 10, 30, 70, 150, 310 ms, and every 250 ms from there on: 560 to 1,810 ms are six
    // more. A machine that is busy makes it less.
    assert!((5..=15).contains(&iterations.failed), "{iterations:?}");
    // After each of them but the first three, unless the load was over.
    let told = backed_off(&finished).unwrap();
    assert!(told <= iterations.failed - 3, "{told} {iterations:?}");
}

#[test]
fn failures_now_and_then_hold_nobody_up() {
    for n in [2, 3] {
        let load =
            "executor = \"per-vu-iterations\"\nvus = 1\niterations = 60\nmax_duration = \"1m\"";
        let finished = polled(refusal(When::Every(n)), "", load);
        assert_eq!(
            finished.record.totals(Period::Measure).iterations.failed,
            60 / n
        );
        assert_eq!(backed_off(&finished), None, "{:?}", finished.notes);
    }
}

#[test]
fn one_success_ends_it() {
    // Five failures, one success, three failures: the fourth and the fifth are followed by a pause, and nothing else.
    let fault = refusal(When::Always).window(0, Some(5));
    let load = "executor = \"per-vu-iterations\"\nvus = 1\niterations = 20\nmax_duration = \"1m\"";
    let finished = polled(fault, "", load);
    let iterations = finished.record.totals(Period::Measure).iterations;
    assert_eq!((iterations.failed, iterations.ok), (5, 15));
    assert!(
        backed_off(&finished).is_none_or(|it| it <= 2),
        "{:?}",
        finished.notes
    );
}

#[test]
fn whoever_has_a_pace_or_thinks_longer_keeps_to_that() {
    for (keys, load) in [
        ("", format!("{TWO_SECONDS}\npacing = \"100ms\"")),
        ("think_time = \"300ms\"", TWO_SECONDS.to_owned()),
    ] {
        let finished = polled(refusal(When::Always), keys, &load);
        assert!(finished.record.totals(Period::Measure).iterations.failed > 0);
        assert_eq!(backed_off(&finished), None, "{:?}", finished.notes);
    }
}
