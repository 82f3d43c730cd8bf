//! The rules between an embedded registry and the rest of a scenario.

use super::target::Place;
use crate::embedded::{AuthScheme, Storage};
use crate::keys::problem::Problem;
use crate::keys::spot::Spot;
use crate::keys::table::Sink;
use crate::keys::tree::{Entry, Value};
use crate::scenario::ImageSource;
use crate::scenario::root::Scenario;

/// The rules between an embedded registry and the rest: it starts empty, and may keep no content.
pub(super) fn check(scenario: &Scenario, journeys: &[Entry], root: &[Entry], sink: &Sink) {
    let Place::Embedded(embedded) = &scenario.target.place else {
        return;
    };
    let url = spot_of(root, &["target", "url"]);
    let report = |problem: Problem, label: &str| {
        sink.report(match &url {
            Some(url) => problem.also(url.clone(), label),
            None => problem,
        });
    };
    if scenario.target.auth.docker_config.is_some()
        && let Some(spot) = spot_of(root, &["target", "auth", "docker_config"])
    {
        let problem = Problem::new("docker knows nothing of the embedded registry", spot);
        report(
            problem.label("use username and password"),
            "it is made anew for each run",
        );
    } else if embedded.auth != AuthScheme::Open && scenario.target.auth.credentials.is_none() {
        let spot = spot_of(root, &["target", "embedded", "auth"]).or_else(|| url.clone());
        if let Some(spot) = spot {
            let problem = Problem::new("the embedded registry asks who is there", spot);
            sink.report(problem.label("add [target.auth]: username and password"));
        }
    }
    for (journey, entry) in scenario.journeys.iter().zip(journeys) {
        let Some(images) = journey.action.reads() else {
            continue;
        };
        let source = &scenario.images[images.set].source;
        let existing = matches!(source, ImageSource::Existing(_));
        let spot = || entry.key_spot.clone();
        let verifies = journey.action.verify().reads_content();
        if existing || !scenario.prepare.seed {
            let problem = Problem::new(
                format!("there is nothing to {}", journey.action.verb()),
                spot(),
            )
            .label(if existing {
                "its images exist already somewhere else"
            } else {
                "use seed = true in [prepare]"
            });
            report(problem, "the embedded registry starts empty");
        } else if embedded.storage == Storage::Sink && verifies {
            let problem = Problem::new("no blob would have its digest", spot())
                .label("use verify = \"length\", or storage = \"memory\"");
            report(problem, "the embedded registry keeps no content");
        }
    }
}

/// Where the value at the end of a path was written.
fn spot_of(entries: &[Entry], path: &[&str]) -> Option<Spot> {
    let (key, rest) = path.split_first()?;
    let entry = entries.iter().find(|entry| entry.key == *key)?;
    match &entry.item.value {
        _ if rest.is_empty() => Some(entry.item.spot.clone()),
        Value::Table(entries) => spot_of(entries, rest),
        _ => None,
    }
}
