use http::StatusCode;
use regstorm::client::{self, Error};
use regstorm::embedded::{Fault, FaultKind, Quirk, Settings};
use regstorm::measure::{FailureClass, Outcomes, Period};
use regstorm::oci::Operation;

use super::scenario;
use crate::protocol::user::{User, name, run as block_on};
use crate::protocol::wire::{Line, Wire};
use crate::support::{registry, run_against};

/// A registry whose every page leads to another one.
fn endless() -> Wire {
    Wire::start(move |line: &mut Line| {
        for page in 0.. {
            if line.request().is_none() {
                return;
            }
            let body = r#"{"tags":["a"]}"#;
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nLink: <?last={page}>; rel=\"next\"\r\n\r\n{body}",
                body.len()
            );
            line.send(answer.as_bytes());
        }
    })
}

#[test]
fn a_list_without_end_is_given_up() {
    let peer = endless();
    let user = User::new(&peer.url());
    let ended = block_on(client::list_tags(&user.client, &name("a")));
    assert!(matches!(ended, Err(Error::Pages(10_000))), "{ended:?}");
    assert_eq!(user.journal.of(Operation::TagsList).len(), 10_000);
}

#[test]
fn a_registry_that_does_not_delete_fails_the_iteration_and_nothing_else() {
    let site = registry(Settings {
        quirks: vec![Quirk::NoDelete],
        ..Settings::default()
    });
    let (finished, counts) = run_against(&scenario("action = \"delete\"\nimages = \"web\""), &site);
    let totals = finished.record.totals(Period::Measure);
    let failed = Outcomes {
        failed: 10,
        ..Outcomes::default()
    };
    assert_eq!(totals.iterations, failed);
    assert_eq!(counts.with_status(Operation::ManifestDelete, 405), 10);
    for (journey, _, _) in finished.record.journeys() {
        for (operation, series) in finished.record.operations(journey) {
            let refused = operation == Operation::ManifestDelete;
            let classes: Vec<_> = series
                .counts
                .failure_classes
                .iter()
                .filter(|(_, it)| *it > 0)
                .collect();
            let wanted = if refused {
                vec![(FailureClass::Status, 10)]
            } else {
                Vec::new()
            };
            assert_eq!(classes, wanted, "{operation}");
        }
    }
}

/// What a deletion leaves behind when it fails is found again.
#[test]
fn clean_up_takes_away_what_deletions_have_left() {
    let unavailable = FaultKind::Status {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: None,
        retry_after: None,
    };
    let site = registry(Settings {
        // The ten deletions of the load; those of clean-up come after them.
        faults: vec![Fault {
            count: Some(10),
            ..Fault::on(Operation::ManifestDelete, unavailable)
        }],
        ..Settings::default()
    });
    let toml =
        scenario("action = \"delete\"\nimages = \"web\"") + "[prepare]\nclean_up = \"manifests\"\n";
    let (finished, counts) = run_against(&toml, &site);
    assert_eq!(
        finished.record.totals(Period::Measure).iterations.failed,
        10
    );
    // Ten manifests that were left, and the two images.
    assert_eq!(counts.with_status(Operation::ManifestDelete, 202), 12);
}
