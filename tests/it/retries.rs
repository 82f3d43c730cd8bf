//! Clients that try again, in whole runs: each try is counted, and an iteration that comes through is well.

use std::time::Duration;

use http::StatusCode;
use regstorm::embedded::{Fault, FaultKind, Point, Running, Settings};
use regstorm::engine::Finished;
use regstorm::measure::{FailureClass, Outcomes, Period};
use regstorm::oci::Operation;

use crate::support::{
    assert_closed, by_status, patiently, plan, registry, run, run_against, settled,
};

/// One user does so many iterations with one image of three layers.
fn scenario(journey: &str, iterations: u32) -> String {
    format!(
        "name = \"test\"\n\
         [target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 3\nlayer_size = \"1000B\"\n\
         [journey.j]\nimages = \"web\"\n{journey}\n\
         [[load]]\njourney = \"j\"\nexecutor = \"per-vu-iterations\"\nvus = 1\niterations = {iterations}\nmax_duration = \"1m\"\n"
    )
}

fn refusal(status: u16, retry_after: Option<u64>) -> FaultKind {
    FaultKind::Status {
        status: StatusCode::from_u16(status).expect("a status"),
        code: None,
        retry_after: retry_after.map(Duration::from_secs),
    }
}

fn site(faults: Vec<Fault>) -> Running {
    registry(Settings {
        faults,
        ..Settings::default()
    })
}

/// The first so many requests of an operation fail.
fn first(operation: Operation, count: u64, kind: FaultKind) -> Vec<Fault> {
    vec![Fault::on(operation, kind).window(0, Some(count))]
}

/// How the exchanges of an operation ended, and how many failed in that class.
fn measured(finished: &Finished, operation: Operation, class: FailureClass) -> (Outcomes, u64) {
    let record = &finished.record;
    let mut all = (Outcomes::default(), 0);
    for (journey, _, _) in record.journeys() {
        for (of, series) in record.operations(journey) {
            if of == operation {
                all.0.merge(series.counts.outcomes);
                let mut classes = series.counts.failure_classes.iter();
                all.1 += classes.find(|(it, _)| *it == class).map_or(0, |it| it.1);
            }
        }
    }
    all
}

fn iterations(finished: &Finished) -> (Outcomes, Vec<(FailureClass, u64)>) {
    let (_, _, series) = finished.record.journeys().next().expect("a journey");
    let failed = series
        .counts
        .failure_classes
        .iter()
        .filter(|(_, count)| *count > 0);
    (series.counts.outcomes, failed.collect())
}

const fn outcomes(ok: u64, failed: u64) -> Outcomes {
    Outcomes {
        ok,
        failed,
        cancelled: 0,
        misbehaved: 0,
    }
}

#[test]
fn an_iteration_that_comes_through_at_last_is_well() {
    for (client, refused, kind, class) in [
        ("containerd", 4, refusal(429, None), FailureClass::Throttled),
        (
            "containerd",
            1,
            refusal(503, Some(9)),
            FailureClass::Unavailable,
        ),
        (
            "containerd",
            4,
            FaultKind::Reset(Point::BeforeHead),
            FailureClass::Reset,
        ),
        ("podman", 4, refusal(429, Some(0)), FailureClass::Throttled),
        ("oras", 1, refusal(500, None), FailureClass::Status),
    ] {
        let site = site(first(Operation::ManifestGet, refused, kind.clone()));
        let journey = format!("action = \"pull\"\nclient = \"{client}\"");
        let toml = scenario(&journey, 3);
        let finished = if let FaultKind::Reset(_) = kind {
            // No answer, which the registry counts apart.
            let finished = run(&plan(&toml, &site.url(), 2)).expect("a run");
            assert_closed(&finished);
            assert_eq!(settled(&site).unanswered, refused);
            finished
        } else {
            run_against(&toml, &site).0
        };
        assert_eq!(
            measured(&finished, Operation::ManifestGet, class),
            (outcomes(3, refused), refused),
            "{client} {class:?}"
        );
        assert_eq!(
            measured(&finished, Operation::BlobGet, class),
            (outcomes(3 * 4, 0), 0),
            "{client} {class:?}"
        );
        assert_eq!(iterations(&finished), (outcomes(3, 0), Vec::new()));
    }
}

#[test]
fn one_failure_more_than_a_client_bears_ends_its_iteration() {
    for (client, tries, status, class) in [
        ("containerd", 5, 429, FailureClass::Throttled),
        ("containerd", 2, 503, FailureClass::Unavailable),
        ("containerd", 2, 500, FailureClass::Status),
        ("podman", 5, 429, FailureClass::Throttled),
        ("podman", 1, 503, FailureClass::Unavailable),
        ("docker", 1, 429, FailureClass::Throttled),
        ("plain", 1, 429, FailureClass::Throttled),
        ("plain", 1, 503, FailureClass::Unavailable),
    ] {
        let refused = refusal(status, Some(0));
        let site = site(first(Operation::ManifestGet, tries, refused));
        // docker would fall back to GET only from a HEAD that was refused.
        let journey = format!("action = \"pull\"\nclient = \"{client}\"");
        let (finished, _) = run_against(&scenario(&journey, 2), &site);
        assert_eq!(
            measured(&finished, Operation::ManifestGet, class),
            (outcomes(1, tries), tries),
            "{client} {status}"
        );
        assert_eq!(
            iterations(&finished),
            (outcomes(1, 1), vec![(class, 1)]),
            "{client} {status}"
        );
    }
}

#[test]
fn a_scenario_can_do_without() {
    for client in ["containerd", "podman", "crane", "docker", "oras"] {
        let throttled = first(Operation::BlobGet, 2, refusal(429, Some(0)));
        let site = site(throttled);
        // One after the other, so that a failure leaves nothing under way.
        let journey = format!(
            "action = \"pull\"\nclient = \"{client}\"\nparallel = 1\nconfig = \"first\"\nretry = false"
        );
        let (finished, counts) = run_against(&scenario(&journey, 3), &site);
        assert_eq!(counts.with_status(Operation::BlobGet, 429), 2);
        assert_eq!(
            measured(&finished, Operation::BlobGet, FailureClass::Throttled),
            (outcomes(4, 2), 2),
            "{client}"
        );
        assert_eq!(
            iterations(&finished),
            (outcomes(1, 2), vec![(FailureClass::Throttled, 2)]),
            "{client}"
        );
    }
}

/// That is no part of what the client does, and its user has other things to do.
#[test]
fn an_upload_that_was_given_up_is_cancelled_once() {
    let site = site(vec![
        Fault::on(Operation::UploadPatch, refusal(429, None)),
        Fault::on(Operation::UploadCancel, refusal(429, Some(1))),
    ]);
    let journey = "action = \"push\"\nclient = \"podman\"";
    let (finished, counts) = run_against(&scenario(journey, 3), &site);
    let failed = vec![(FailureClass::Throttled, 3)];
    assert_eq!(iterations(&finished), (outcomes(0, 3), failed));
    assert_eq!(counts.with_status(Operation::UploadPatch, 429), 3);
    assert_eq!(counts.with_status(Operation::UploadCancel, 429), 3);
    assert_eq!(counts.open_uploads, 3);
}

/// The iteration ends in its time, and what it would have sent again is not sent for nobody.
#[test]
fn an_iteration_does_not_wait_for_longer_than_it_may() {
    for (action, operation) in [
        ("pull", Operation::ManifestGet),
        // Its POST outlives the iteration, to learn of the session that it opened.
        ("push", Operation::UploadStart),
    ] {
        let (finished, site) = patiently(Duration::from_millis(500), |timeout| {
            let site = site(vec![Fault::on(operation, refusal(429, Some(60)))]);
            let timeout = timeout.as_millis();
            let journey = format!(
                "action = \"{action}\"\nclient = \"podman\"\nrequest_timeout = \"{timeout}ms\"\niteration_timeout = \"{timeout}ms\""
            );
            let toml = scenario(&journey, 3);
            let finished = run(&plan(&toml, &site.url(), 2)).expect("a run that measures");
            assert_closed(&finished);
            // A machine that stands still may make the refusal itself too late.
            let refused = measured(&finished, operation, FailureClass::Throttled);
            if refused == (outcomes(0, 3), 3) {
                Ok((finished, site))
            } else {
                Err(format!("{action}: {refused:?}"))
            }
        });
        let counts = settled(&site);
        assert_eq!(counts.with_status(operation, 429), 3, "{action}");
        assert_eq!(
            iterations(&finished),
            (outcomes(0, 3), vec![(FailureClass::Timeout, 3)]),
            "{action}"
        );
        assert_eq!(by_status(&finished.record)[&(operation, 429)], 3);
        let totals = finished.record.totals(Period::CleanUp);
        assert_eq!(totals.exchanges.ended(), 0, "{action}");
    }
}
