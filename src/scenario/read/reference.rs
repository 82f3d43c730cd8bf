//! The reference of a scenario's keys, and the JSON schema of a scenario: both are written from the definitions of the keys.

use serde_json::{Map, Value};

use super::{images, journey, load, prepare, probe, target, threshold};
use crate::keys::form::Described;
use crate::keys::form::Form;
use crate::keys::form::table_schema;
use crate::keys::reference;
use crate::keys::section::Section;
use crate::scenario::root::DEFAULT_SEED;

/// The keys at the top of a scenario.
fn root() -> Section {
    let mut keys = root_values();
    keys.extend(root_tables());
    Section {
        name: "scenario",
        heading: "Keys at the top of the file.",
        text: "A scenario is a TOML file. Any string may hold `${VARIABLE}` or `${VARIABLE:-default}`.".to_owned(),
        keys,
        decider: None,
    }
}

fn root_values() -> Vec<Described> {
    let table = |name, example, form, meaning| Described::own((name, example), form, meaning);
    let seed = Form::Whole {
        least: 0,
        most: u64::MAX,
    };
    vec![
        table(
            "name",
            r#""my-first-run""#,
            Form::Text("name, at most 64 characters"),
            "Name of the scenario, fit to be a file name.",
        )
        .needed(),
        table(
            "description",
            r#""pulls by a fleet""#,
            Form::Text("text, at most 1,000 characters"),
            "What the scenario is about.",
        ),
        Described {
            default: Some(format!("`{DEFAULT_SEED}`")),
            ..table(
                "seed",
                "7",
                seed,
                "Where every random choice starts: two runs of one seed do the same.",
            )
        },
        table(
            "workers",
            "4",
            Form::Whole {
                least: 1,
                most: 1024,
            },
            "Worker threads. Absent: one for each core.",
        ),
    ]
}

fn root_tables() -> Vec<Described> {
    let table = |name, example, form, meaning| Described::own((name, example), form, meaning);
    let map = |of| Form::Map {
        key: "names",
        of: Box::new(Form::Table(of)),
    };
    vec![
        table(
            "target",
            r#"{ url = "embedded" }"#,
            Form::Table("target"),
            "The registry under test.",
        )
        .needed(),
        table(
            "images",
            r#"{ web = { source = "existing", references = ["lab/web:1"] } }"#,
            map("images"),
            "The image sets, by name.",
        ),
        table(
            "journey",
            r#"{ pull = { action = "pull", images = "web" } }"#,
            map("journey"),
            "The journeys, by name. At least one.",
        )
        .needed(),
        table(
            "load",
            r#"[{ journey = "pull", executor = "constant-vus", vus = 10, duration = "1m" }]"#,
            Form::Table("load").list(1000),
            "The loads. At least one.",
        )
        .needed(),
        table(
            "probe",
            r#"{ every = "1s" }"#,
            Form::Table("probe"),
            "A client beside the load.",
        ),
        table(
            "prepare",
            r#"{ clean_up = "all" }"#,
            Form::Table("prepare"),
            "What happens outside the measured window.",
        ),
        table(
            "threshold",
            r#"[{ metric = "errors", expect = "rate < 1%" }]"#,
            Form::Table("threshold").list(256),
            "What the run is judged by.",
        ),
    ]
}

/// Every table, in the order of the reference.
fn sections() -> Vec<Section> {
    let mut sections = vec![root()];
    sections.extend(target::sections());
    sections.push(images::section());
    sections.extend(journey::sections());
    sections.extend(load::sections());
    sections.extend([probe::section(), prepare::section(), threshold::section()]);
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
