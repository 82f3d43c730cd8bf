//! The reference of the keys of a kind of file, in Markdown: it is written from their definitions.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::form::{Described, table_schema};
use super::section::Section;

/// Returns the reference: `head`, and each table with its keys.
pub(crate) fn markdown(head: &str, sections: &[Section]) -> String {
    let mut text = head.to_owned();
    for section in sections {
        // A string takes whatever is written to it.
        let _ = write!(
            text,
            "\n## {}\n\n{}\n",
            section.name,
            section.text.trim_end()
        );
        let _ = writeln!(text, "\n{}", section.heading);
        for key in &section.keys {
            text.push_str(&entry(key, section));
        }
    }
    text
}

/// Returns the JSON schema of a file of these tables, of which the first is the file.
pub(crate) fn json_schema(title: &str, sections: &[Section]) -> Value {
    let of = |section: &Section| table_schema(&section.keys, section.decider);
    let named = |section: &Section| (section.name.to_owned(), of(section));
    let (root, tables) = match sections.split_first() {
        Some((root, tables)) => (of(root), tables),
        None => (Value::Null, sections),
    };
    schema_of(title, root, tables.iter().map(named).collect())
}

/// Returns the JSON schema of a file: that of its root with the tables that it names.
pub(crate) fn schema_of(title: &str, mut root: Value, tables: Map<String, Value>) -> Value {
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    root["title"] = title.into();
    root["$defs"] = Value::Object(tables);
    root
}

fn entry(key: &Described, section: &Section) -> String {
    let mut text = format!(
        "\n**`{}`**: {}\n\n- type: {}\n",
        key.name, key.meaning, key.form
    );
    let default = match &key.default {
        _ if key.is_needed => "none; the key is required".to_owned(),
        Some(default) => default.clone(),
        None if section.name == "habits" => "as the client".to_owned(),
        None => "absent".to_owned(),
    };
    let _ = writeln!(text, "- default: {default}");
    if let (Some(decider), false) = (section.decider, key.only.is_empty()) {
        let words: Vec<String> = key.only.iter().map(|word| format!("`{word}`")).collect();
        let _ = writeln!(text, "- only with `{decider}` {}", words.join(", "));
    }
    let _ = writeln!(text, "- example: `{} = {}`", key.name, key.example);
    text
}

/// Every key is described, and its example is of its form: a check for the tests of those who have keys.
#[cfg(test)]
pub(crate) fn check(sections: &[Section], definitions: &Value) {
    for section in sections {
        for key in &section.keys {
            let name = format!("{}.{}", section.name, key.name);
            assert!(!key.meaning.is_empty(), "{name}");
            let mut schema = key.schema();
            schema["$defs"] = definitions.clone();
            let validator = jsonschema::Validator::new(&schema).expect("a schema");
            let table: toml::Table = format!("it = {}", key.example).parse().expect("TOML");
            let example = serde_json::to_value(&table["it"]).expect("as JSON");
            let error = validator.iter_errors(&example).next();
            assert!(error.is_none(), "{name}: {error:?}");
        }
    }
}
