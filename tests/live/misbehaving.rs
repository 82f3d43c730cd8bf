//! Clients that misbehave on purpose against docker-registry: what is counted, and what is left behind.

use crate::support::{Flavour, Registry, Report, run_to};

const ITERATIONS: u64 = 10;

/// Two users do five iterations each with an image of three layers of that size, one layer after the other.
fn scenario(journey: &str, size: &str) -> String {
    format!(
        "name = \"test\"\n[target]\nurl = \"http://127.0.0.1:1\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 2\nlayers = 3\nlayer_size = \"{size}\"\n\
         [journey.j]\nimages = \"web\"\nparallel = 1\n{journey}\n\
         [[load]]\njourney = \"j\"\nexecutor = \"shared-iterations\"\nvus = 2\niterations = {ITERATIONS}\n"
    )
}

/// Runs it; every sum closes. Where no iteration succeeds, nothing can be concluded: exit code 3.
#[track_caller]
fn played(journey: &str, size: &str, registry: &Registry) -> Report {
    let report = run_to(&[0, 3], &scenario(journey, size), &registry.url());
    report.assert_sums();
    report
}

#[track_caller]
fn assert_misbehaved(report: &Report, how: &str) {
    assert_eq!(report.number("/totals/iterations/misbehaved"), ITERATIONS);
    assert_eq!(
        report.number(&format!("/journeys/0/misbehaviours/{how}")),
        ITERATIONS
    );
    for kind in ["ok", "failed", "cancelled"] {
        assert_eq!(
            report.number(&format!("/totals/iterations/{kind}")),
            0,
            "{kind}"
        );
    }
    assert_eq!(report.number("/totals/exchanges/failed"), 0);
}

#[test]
fn pulls_are_broken_off_and_resumed() {
    let registry = Registry::start(Flavour::Open);
    let broken = played(
        "action = \"pull\"\nabort = { after = 0.25 }",
        "8MiB",
        &registry,
    );
    assert_misbehaved(&broken, "aborted");
    let mark = registry.mark();
    let resumed = "action = \"pull\"\nabort = { after = 0.25, resume = true }";
    let resumed = played(resumed, "8MiB", &registry);
    assert_eq!(resumed.number("/totals/iterations/ok"), ITERATIONS);
    assert_eq!(
        resumed.number("/totals/exchanges/misbehaved"),
        3 * ITERATIONS
    );
    assert_eq!(resumed.number("/totals/exchanges/failed"), 0);
    assert_eq!(resumed.exchanges().count("blob-get", 206), 3 * ITERATIONS);
    let ranges = registry.since(mark);
    assert_eq!(
        ranges.iter().filter(|it| it.status == 206).count() as u64,
        3 * ITERATIONS
    );
}

#[test]
fn uploads_that_are_left_open_are_there_and_are_told() {
    let registry = Registry::start(Flavour::Open);
    let journey = "action = \"push\"\nmethod = \"patch\"\nleave_uploads = 1.0";
    let left = played(journey, "64KiB", &registry);
    assert_misbehaved(&left, "left-open");
    assert_eq!(registry.open_uploads().len() as u64, ITERATIONS);
    let note = "10 × an upload that its client left open is still open after the load";
    assert!(left.text().contains(note), "{}", left.text());
}

/// Its address is refused once a PATCH broke off.
#[test]
fn uploads_that_are_broken_off_cannot_be_reached_any_more() {
    let registry = Registry::start(Flavour::Open);
    let journey = "action = \"push\"\nmethod = \"patch\"\nabort = { after = 0.5 }";
    let broken = played(journey, "8MiB", &registry);
    assert_misbehaved(&broken, "aborted");
    assert_eq!(registry.open_uploads().len() as u64, ITERATIONS);
    let note = "10 × an upload that its client broke off cannot be reached any more";
    assert!(broken.text().contains(note), "{}", broken.text());
    let resumed = "action = \"push\"\nmethod = \"patch\"\nabort = { after = 0.5, resume = true }";
    let resumed = played(resumed, "8MiB", &registry);
    assert_eq!(resumed.number("/totals/iterations/ok"), ITERATIONS);
    assert_eq!(
        resumed.number("/totals/exchanges/misbehaved"),
        3 * ITERATIONS
    );
}

/// docker-registry 2.8 does not look at `Content-Range`.
#[test]
fn a_registry_that_takes_chunks_out_of_order_has_failed() {
    let registry = Registry::start(Flavour::Open);
    let chunks =
        "action = \"push\"\nmethod = \"chunks\"\nchunk_size = \"16KiB\"\nrepeat_chunks = 1.0";
    let report = played(chunks, "64KiB", &registry);
    assert_eq!(report.number("/totals/iterations/failed"), ITERATIONS);
    assert_eq!(
        report.number("/journeys/0/failure_classes/protocol"),
        ITERATIONS
    );
    assert!(
        report
            .text()
            .contains("where the specification demands 416")
    );
}

/// A session that was opened for an upload that broke off is left; what a `POST` has begun, docker-registry 2.8 does not take.
#[test]
fn pushes_are_broken_off_whatever_carries_the_bytes() {
    for method in ["put", "patch-chunked", "post", "chunks"] {
        let registry = Registry::start(Flavour::Open);
        let chunk = match method {
            "chunks" => "chunk_size = \"1MiB\"\n",
            _ => "",
        };
        let journey = |more| {
            format!(
                "action = \"push\"\nmethod = \"{method}\"\n{chunk}abort = {{ after = 0.5{more} }}"
            )
        };
        let broken = played(&journey(""), "8MiB", &registry);
        assert_misbehaved(&broken, "aborted");
        let resumed = played(&journey(", resume = true"), "8MiB", &registry);
        assert_eq!(
            resumed.number("/totals/iterations/ok"),
            ITERATIONS,
            "{method}"
        );
        assert_eq!(resumed.number("/totals/exchanges/failed"), 0, "{method}");
        // Chunks are broken off between two of them, and a report leaves out what is zero.
        if method == "chunks" {
            assert!(!resumed.text().contains("\"misbehaved\":"));
        } else {
            let broken = resumed.number("/totals/exchanges/misbehaved");
            assert_eq!(broken, 3 * ITERATIONS, "{method}");
        }
    }
}

/// docker-registry has no limit of its own.
#[test]
fn slow_clients_come_through() {
    let registry = Registry::start(Flavour::Open);
    for journey in [
        "action = \"push\"\nwrite_rate = \"2MiB\"",
        "action = \"push\"\nstall = { after = 0.5, time = \"200ms\" }",
        "action = \"pull\"\nread_rate = \"2MiB\"",
        "action = \"pull\"\nstall = { after = 0.5, time = \"200ms\" }",
    ] {
        let report = played(journey, "256KiB", &registry);
        report.assert_clean();
        assert_eq!(
            report.number("/totals/iterations/ok"),
            ITERATIONS,
            "{journey}"
        );
        // Three layers of 256 KiB at 2 MiB a second are 375 ms, three stalls 600 ms.
        let least = if journey.contains("stall") {
            600_000
        } else {
            375_000
        };
        let shortest = report.number("/journeys/0/service_time/min_us");
        assert!(shortest >= least - 1_000, "{journey}: {shortest}");
    }
}

#[test]
fn chunks_that_are_skipped_are_taken_and_so_fail() {
    let registry = Registry::start(Flavour::Open);
    let chunks =
        "action = \"push\"\nmethod = \"chunks\"\nchunk_size = \"16KiB\"\nskip_chunks = 1.0";
    let report = played(chunks, "64KiB", &registry);
    assert_eq!(report.number("/totals/iterations/failed"), ITERATIONS);
    let class = "/journeys/0/failure_classes/protocol";
    assert_eq!(report.number(class), ITERATIONS);
}

/// docker-registry waits for a head for ever.
#[test]
fn connections_that_are_left_stay_open() {
    let registry = Registry::start(Flavour::Open);
    for after in ["connect", "head"] {
        let journey = format!(
            "action = \"pull\"\nthink_time = \"100ms\"\nleave_connections = {{ after = \"{after}\", count = 10 }}"
        );
        let report = played(&journey, "64KiB", &registry);
        report.assert_clean();
        let left = |field: &str| report.number(&format!("/journeys/0/left_connections/{field}"));
        assert_eq!(
            ["begun", "kept"].map(left),
            [ITERATIONS, ITERATIONS],
            "{after}"
        );
        assert_eq!(
            ["failed", "cancelled", "closed"].map(left),
            [0, 0, 0],
            "{after}"
        );
    }
}
