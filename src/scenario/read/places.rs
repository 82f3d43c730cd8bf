//! Where images are put: no two image sets at one place, of which one would be found instead of the other.

use crate::keys::problem::Problem;
use crate::keys::spot::Spot;
use crate::keys::table::Sink;
use crate::keys::tree::{Entry, Value};
use crate::oci::RepositoryName;
use crate::scenario::root::Scenario;
use crate::scenario::{Action, ImageSource, Journey, SeedPlace};

/// Images that a journey puts somewhere, or needs there.
struct Put<'a> {
    set: usize,
    place: SeedPlace<'a>,
    /// The key that names the place.
    key: &'static str,
    spot: Spot,
}

/// Reports journeys that have the images of different sets at one place. What each iteration stores under a name of its own
/// is in nobody's way.
pub(super) fn check(scenario: &Scenario, journeys: &[Entry], sink: &Sink) {
    let mut known: Vec<Put<'_>> = Vec::new();
    let mix = || scenario.loads.iter().flat_map(|load| &load.mix);
    let is_used = |index: usize| mix().any(|share| share.journey == index);
    let used = scenario.journeys.iter().zip(journeys).enumerate();
    for (_, (journey, entry)) in used.filter(|(index, _)| is_used(*index)) {
        for put in puts(journey, entry) {
            let source = &scenario.images[put.set].source;
            if matches!(source, ImageSource::Existing(_)) {
                continue;
            }
            let other = known.iter().find(|it| it.place == put.place);
            match other {
                Some(other) if other.set != put.set => {
                    let names = [put.set, other.set].map(|set| scenario.images[set].name.as_str());
                    sink.report(clash(&put, other, names));
                }
                Some(_) => {}
                None => known.push(put),
            }
        }
    }
}

/// Reports replays that have their repositories at one place.
pub(super) fn check_replays(scenario: &Scenario, journeys: &[Entry], sink: &Sink) {
    let mut known: Vec<(&RepositoryName, &Entry)> = Vec::new();
    for (journey, entry) in scenario.journeys.iter().zip(journeys) {
        let Action::Replay(replay) = &journey.action else {
            continue;
        };
        if let Some((_, other)) = known.iter().find(|(it, _)| **it == replay.namespace) {
            let message = "two replays have their repositories at one place";
            let problem = Problem::new(message, entry.key_spot.clone());
            let label = "write another `namespace` for each";
            sink.report(
                problem
                    .label(label)
                    .also(other.key_spot.clone(), "the other"),
            );
        }
        known.push((&replay.namespace, entry));
    }
}

/// Where a journey has its images: what it needs beforehand, and what it pushes or copies under the tag that is the same each time.
fn puts<'a>(journey: &'a Journey, entry: &Entry) -> Vec<Put<'a>> {
    let mut puts = Vec::new();
    if let Some(needs) = journey.action.needs() {
        let key = match needs.place {
            SeedPlace::Apart(_) => "repository",
            SeedPlace::Together(_) => "mount_from",
        };
        puts.push(Put {
            set: needs.set,
            place: needs.place,
            key,
            spot: spot(entry, key),
        });
    }
    if let Action::Push(push) = &journey.action
        && !push.unique
        && !push.fresh_repository
    {
        puts.push(Put {
            set: push.images.set,
            place: SeedPlace::Apart(&push.images.repository),
            key: "repository",
            spot: spot(entry, "repository"),
        });
    }
    if let Action::CopyImage(copy) = &journey.action
        && !copy.fresh_repository
    {
        puts.push(Put {
            set: copy.images.set,
            place: SeedPlace::Apart(&copy.to),
            key: "to",
            spot: spot(entry, "to"),
        });
    }
    puts
}

/// Where the name of the place was written; the journey, where it was not.
fn spot(journey: &Entry, key: &str) -> Spot {
    let Value::Table(entries) = &journey.item.value else {
        return journey.key_spot.clone();
    };
    let written = entries.iter().find(|entry| entry.key == key);
    written.map_or_else(|| journey.key_spot.clone(), |entry| entry.item.spot.clone())
}

fn clash(put: &Put<'_>, other: &Put<'_>, [this, that]: [&str; 2]) -> Problem {
    let key = put.key;
    let (name, example): (&RepositoryName, _) = match put.place {
        // The name of the set is put in for this in `repository` alone.
        SeedPlace::Apart(name) if key == "repository" => (name, "{images}"),
        SeedPlace::Apart(name) | SeedPlace::Together(name) => (name, this),
    };
    let message = format!("the images of `{this}` and `{that}` would take each other's places");
    Problem::new(message, put.spot.clone())
        .label(format!(
            "use another `{key}` for each set, such as \"{name}/{example}\""
        ))
        .also(other.spot.clone(), format!("here is `{that}`"))
}
