//! The reference of a scenario's keys, and the JSON schema of a scenario: both are written from the definitions of the keys.

use serde_json::{Map, Value};

use super::root::{
    AUDIT, HOOK, IMAGES, JOURNEY, LOAD, PREPARE, PROBE, TARGET, THRESHOLD, UPSTREAM, Values,
};
use super::telemetry::TELEMETRY;
use super::{
    audit, hook, images, journey, load, prepare, probe, target, telemetry, threshold, upstream,
};
use crate::keys::form::table_schema;
use crate::keys::key::Keyed;
use crate::keys::reference;
use crate::keys::section::Section;

/// The keys at the top of a scenario.
fn root() -> Section {
    let tables = [
        &TARGET, &UPSTREAM, &IMAGES, &JOURNEY, &LOAD, &PROBE, &TELEMETRY, &HOOK, &PREPARE, &AUDIT,
        &THRESHOLD,
    ];
    let mut keys = Values::described();
    keys.extend(tables.map(|key| (**key).clone()));
    Section {
        name: "scenario",
        heading: "Keys at the top of the file.",
        text: "A scenario is a TOML file. Any string may hold `${VARIABLE}` or `${VARIABLE:-default}`.".to_owned(),
        keys,
        decider: None,
    }
}

/// Every table, in the order of the reference.
fn sections() -> Vec<Section> {
    let mut sections = vec![root()];
    sections.extend(target::sections());
    sections.push(upstream::section());
    sections.push(images::section());
    sections.extend(journey::sections());
    sections.extend(load::sections());
    sections.push(probe::section());
    sections.extend(telemetry::sections());
    sections.extend([
        hook::section(),
        prepare::section(),
        audit::section(),
        threshold::section(),
    ]);
    sections
}

const HEAD: &str = "\
# Keys of a scenario

Written from the definitions of the keys; `regstorm schema scenario` prints the same as JSON schema. Values of type *time* are texts
such as `\"1m30s\"`, values of type *size* texts such as `\"4MiB\"`.
";

/// Returns the reference of all keys, as Markdown.
pub fn reference() -> String {
    reference::markdown(HEAD, &sections())
}

/// Returns the JSON schema of a scenario, for editors.
///
/// The keys of a table whose form another key chooses are required only where that key has that value.
pub fn json_schema() -> Value {
    let sections = sections();
    let of = |name: &str| {
        let section = sections.iter().find(|it| it.name == name);
        section.map_or(&[][..], |it| &it.keys)
    };
    let mut definitions: Map<String, Value> = sections
        .iter()
        .map(|section| {
            let schema = match section.name {
                "journey" => {
                    table_schema(of("journey").iter().chain(of("habits")), section.decider)
                }
                "load" => load::schema(of("load"), &sections),
                _ => table_schema(&section.keys, section.decider),
            };
            (section.name.to_owned(), schema)
        })
        .collect();
    let root = definitions.remove("scenario").unwrap_or_default();
    reference::schema_of("regstorm scenario", root, definitions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_described_and_its_example_is_of_its_form() {
        reference::check(&sections(), &json_schema()["$defs"]);
    }
}
