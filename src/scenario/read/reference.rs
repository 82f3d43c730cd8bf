//! The reference of a scenario's keys, and the JSON schema of a scenario: both are written from the definitions of the keys.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::form::Described;
use super::form::table_schema;
use super::section::Section;
use super::{action, habits, target};

fn sections() -> Vec<Section> {
    let mut sections = target::sections();
    sections.push(Section {
        name: "journey.habits",
        heading: "Habits in `[journey.NAME]`",
        text: "What the client of a journey does. Each has the value of the journey's `client` unless the journey says otherwise.",
        keys: habits::KEYS.iter().map(|key| key.described.clone()).collect(),
        forms: Some(("action", action::meanings())),
    });
    sections
}

/// Returns the reference of all keys, as Markdown.
pub fn reference() -> String {
    let mut text = String::from(
        "# Keys of a scenario\n\nThis file is written by a test from the definitions of the keys; see CONTRIBUTING.md.\n",
    );
    for section in sections() {
        // A string takes whatever is written to it.
        let _ = write!(text, "\n## {}\n\n{}\n", section.heading, section.text);
        for key in &section.keys {
            let _ = write!(text, "\n{}", entry(key, &section));
        }
    }
    text
}

fn entry(key: &Described, section: &Section) -> String {
    let mut text = format!("**`{}`** — {}\n\n", key.name, key.meaning);
    let _ = writeln!(text, "- type: {}", key.form);
    let default = match &key.default {
        _ if key.is_needed => "none, the key is required".to_owned(),
        Some(default) => format!("`{default}`"),
        None => "absent".to_owned(),
    };
    let _ = writeln!(text, "- default: {default}");
    if let (Some((decider, _)), false) = (&section.forms, key.only.is_empty()) {
        let words: Vec<String> = key
            .only
            .iter()
            .map(|word| format!("`\"{word}\"`"))
            .collect();
        let _ = writeln!(text, "- only with `{decider}` = {}", words.join(", "));
    }
    let _ = writeln!(text, "- example: `{} = {}`", key.name, key.example);
    text
}

/// Returns the JSON schema of a scenario, for editors.
pub fn json_schema() -> Value {
    let definitions: Map<String, Value> = sections()
        .into_iter()
        .map(|section| (section.name.to_owned(), table_schema(&section.keys)))
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "regstorm scenario",
        "$defs": definitions,
    })
}
