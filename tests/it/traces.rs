//! `trace`: a share of the requests of iterations start a trace, and the report says which.

use std::collections::BTreeSet;

use http::StatusCode;
use regstorm::embedded::{Fault, FaultKind, Quirk, RequestRecord, Running, Settings};
use regstorm::engine::Finished;
use regstorm::measure::{Period, SlowExchange};
use regstorm::oci::Operation;

use crate::support::{plan, registry, run};

/// 300 pulls of one layer each.
fn scenario(trace: &str) -> String {
    format!(
        r#"name = "test"
        seed = 11
        [target]
        url = "embedded"
        {trace}
        [images.web]
        source = "synthetic"
        count = 1
        layers = 1
        layer_size = "100B"
        [journey.pull]
        action = "pull"
        client = "plain"
        images = "web"
        [[load]]
        journey = "pull"
        executor = "per-vu-iterations"
        vus = 2
        iterations = 150
        max_duration = "5m"
        "#
    )
}

fn site(settings: Settings) -> Running {
    registry(Settings {
        record_requests: Some(100_000),
        ..settings
    })
}

fn pull(site: &Running, trace: &str) -> (Finished, Vec<RequestRecord>) {
    let finished = run(&plan(&scenario(trace), &site.url(), 1)).expect("a run that measures");
    (finished, site.requests())
}

/// The trace id of a request, whose header has the form of the specification.
fn trace_of(request: &RequestRecord) -> Option<String> {
    let header = request.header("traceparent")?;
    let parts: Vec<&str> = header.split('-').collect();
    let [version, trace, parent, flags] = parts[..] else {
        panic!("{header}");
    };
    assert_eq!((version, flags), ("00", "01"), "{header}");
    assert_eq!((trace.len(), parent.len()), (32, 16), "{header}");
    Some(trace.to_owned())
}

fn slowest(finished: &Finished) -> Vec<SlowExchange> {
    let operations = Operation::ALL.into_iter();
    operations
        .flat_map(|it| finished.record.slowest(it))
        .collect()
}

#[test]
fn without_the_key_nothing_is_traced() {
    let (finished, requests) = pull(&site(Settings::default()), "");
    assert!(requests.iter().all(|it| it.header("traceparent").is_none()));
    assert!(slowest(&finished).iter().all(|it| it.trace.is_none()));
}

/// A manifest, a configuration and a layer in each of 300 pulls: at least 900 requests. Of these a binomial number is traced.
/// The seed is fixed; of all seeds one in a billion is more than six deviations away.
#[test]
fn a_share_of_the_requests_of_iterations_is_traced() {
    let (finished, requests) = pull(&site(Settings::default()), "trace = 0.2");
    let sent = finished.record.totals(Period::Measure).exchanges.ended();
    assert!(sent >= 900, "{sent}");
    let traced: Vec<_> = requests.iter().filter_map(trace_of).collect();
    // Six deviations of n trials at a fifth: 6 * sqrt(n * 0.2 * 0.8), and the squares of both are compared.
    let off = (5 * traced.len() as u64).abs_diff(sent);
    assert!(off * off <= 36 * 4 * sent, "{} of {sent}", traced.len());
    let ids: BTreeSet<_> = traced.iter().collect();
    assert_eq!(ids.len(), traced.len(), "each has its own");
    // Seeding is no part of the load.
    let stores = |it: &&RequestRecord| matches!(it.method, http::Method::PUT | http::Method::POST);
    assert!(
        requests
            .iter()
            .filter(stores)
            .all(|it| it.header("traceparent").is_none())
    );
    // What the report names is what the registry has seen.
    let kept = slowest(&finished);
    assert!(!kept.is_empty());
    for it in kept {
        if let Some(trace) = it.trace {
            let trace = trace.to_string();
            let seen = requests
                .iter()
                .find(|it| trace_of(it).as_deref() == Some(&trace));
            assert_eq!(seen.expect("it was sent").target, it.names.path);
        }
    }
}

#[test]
fn an_example_of_a_failure_names_its_trace() {
    let unavailable = FaultKind::Status {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: None,
        retry_after: None,
    };
    let site = site(Settings::default());
    let faults = vec![Fault::on(Operation::BlobGet, unavailable)];
    site.set_faults(faults).expect("a fault");
    let (finished, requests) = pull(&site, "trace = 1.0");
    let kinds = &finished.record.failures().kinds;
    let example = &kinds.iter().find(|it| it.operation == Operation::BlobGet);
    let trace = example.expect("blobs fail").example.trace;
    let trace = trace.expect("all are traced").to_string();
    let seen = requests
        .iter()
        .find(|it| trace_of(it).as_deref() == Some(&trace));
    let seen = seen.expect("it was sent");
    assert_eq!(seen.operation, Some(Operation::BlobGet));
    assert!(slowest(&finished).iter().all(|it| it.trace.is_some()));
}

/// Only the registry's own traces are looked for, and a presigned URL may not allow headers.
#[test]
fn another_host_gets_no_trace() {
    let site = site(Settings {
        quirks: vec![Quirk::RedirectBlobs],
        ..Settings::default()
    });
    let (_, requests) = pull(&site, "trace = 1.0");
    let elsewhere: Vec<_> = requests.iter().filter(|it| it.at_storage_host).collect();
    assert!(elsewhere.len() >= 600, "{}", elsewhere.len());
    assert!(
        elsewhere
            .iter()
            .all(|it| it.header("traceparent").is_none())
    );
    let gets = |it: &&RequestRecord| it.method == http::Method::GET && !it.at_storage_host;
    let asked = requests
        .iter()
        .filter(gets)
        .filter(|it| it.operation == Some(Operation::BlobGet));
    assert!(asked.into_iter().all(|it| trace_of(it).is_some()));
}
