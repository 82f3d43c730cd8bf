use std::collections::BTreeSet;
use std::path::PathBuf;

use regstorm::result::Schema;
use serde_json::Value;

use super::markdown::{Page, pages};

/// The words in code of the first column of the table below a heading.
fn first_column(page: &Page, heading: &str) -> BTreeSet<String> {
    let (_, section) = page
        .text
        .split_once(&format!("\n## {heading}\n"))
        .expect("the section is there");
    let rows = section
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2);
    rows.filter_map(|row| row.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

/// The fields of an object of the schema, or of the objects in a list.
fn fields(schema: &Value, object: &Value) -> BTreeSet<String> {
    if let Some(name) = object["$ref"].as_str() {
        let name = name.rsplit('/').next().expect("a name");
        return fields(schema, &schema["$defs"][name]);
    }
    if object["items"].is_object() {
        return fields(schema, &object["items"]);
    }
    let own = object["properties"].as_object().into_iter();
    let mut names: BTreeSet<String> = own.flat_map(|it| it.keys().cloned()).collect();
    // Those of an enum that is part of the object.
    let variants = object["oneOf"].as_array().into_iter().flatten();
    names.extend(variants.flat_map(|it| fields(schema, it)));
    names
}

#[test]
fn the_page_of_the_report_has_the_fields_of_its_schema() {
    let schema: Value = serde_json::from_str(&Schema::json()).expect("JSON");
    let page = Page::read(PathBuf::from("docs/reference/report.md"));
    assert_eq!(first_column(&page, "Fields"), fields(&schema, &schema));
    for list in ["journeys", "operations", "thresholds"] {
        let wanted = fields(&schema, &schema["properties"][list]);
        assert_eq!(first_column(&page, &format!("`{list}`")), wanted);
    }
}

#[test]
fn the_page_of_formats_has_the_outputs_of_report() {
    let options = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| c.is_whitespace() || matches!(c, '`' | '=' | '<' | '|'));
        let options = words.filter(|it| it.starts_with("--") && it.len() > 2);
        options.map(str::to_owned).collect()
    };
    let help = Page::read(PathBuf::from("docs/reference/command-line.md")).text;
    let (_, report) = help
        .split_once("\n## regstorm report\n")
        .expect("a section");
    let (report, _) = report.split_once("\n## ").expect("another one behind it");
    let names = report
        .lines()
        .filter(|it| it.trim_start().starts_with("--"));
    let mut wanted: BTreeSet<String> = names.flat_map(&options).collect();
    // `report` reads what `--out` of other commands wrote.
    wanted.insert("--out".to_owned());
    let page = Page::read(PathBuf::from("docs/reference/formats.md"));
    let rows = page.text.lines().filter(|line| line.starts_with("| `--"));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    assert_eq!(cells.flat_map(options).collect::<BTreeSet<_>>(), wanted);
}

/// The pages of a directory beside its index, which links to each.
fn indexed(directory: &str) -> Vec<(Page, String)> {
    let index = Page::read(PathBuf::from(directory).join("README.md"));
    let pages = pages().into_iter().filter(|page| {
        page.path.parent().is_some_and(|it| it.ends_with(directory)) && page.path != index.path
    });
    let entry = |page: &Page| {
        let name = page.path.file_name().expect("a name").to_string_lossy();
        let mut lines = index.text.lines();
        let entry = lines.find(|line| line.contains(&format!("]({name})")));
        entry
            .unwrap_or_else(|| panic!("{directory}/README.md lacks {name}"))
            .to_owned()
    };
    pages
        .map(|page| (entry(&page), page))
        .map(|(entry, page)| (page, entry))
        .collect()
}

#[test]
fn every_page_of_the_guide_is_in_its_index() {
    assert_eq!(indexed("docs/guide").len(), 24);
}

/// A decision has a title, a date, and what was refused; the index repeats title and date.
#[test]
fn every_decision_is_dated_and_in_the_index() {
    let decisions = indexed("docs/decisions");
    assert!(decisions.len() > 100, "only {}", decisions.len());
    for (page, entry) in decisions {
        let path = page.path.display();
        let mut lines = page.text.lines();
        let title = lines.next().and_then(|it| it.strip_prefix("# "));
        let title = title.unwrap_or_else(|| panic!("{path}: no title"));
        let date = lines.nth(1).unwrap_or_default();
        let digits = date.bytes().filter(u8::is_ascii_digit).count();
        assert!(date.len() == 10 && digits == 8, "{path}: no date: {date}");
        assert!(
            entry.contains(title) && entry.ends_with(date),
            "{path}: {entry}"
        );
        let refused = ["\n## Refused\n", "\nNo refused option was recorded.\n"];
        assert!(
            refused.iter().any(|it| page.text.contains(it)),
            "{path}: what was refused?"
        );
    }
}

/// The numbers in the first column of the table below the first heading that has one.
fn codes(text: &str) -> Vec<u8> {
    let rows = text.lines().filter_map(|row| row.strip_prefix("| "));
    let cells = rows.filter_map(|row| row.split(" |").next());
    cells.filter_map(|cell| cell.parse().ok()).collect()
}

#[test]
fn exit_codes_are_those_of_the_program() {
    let source = include_str!("../../../src/bin/regstorm/exit.rs");
    let (_, codes_of_exit) = source.split_once("enum Exit {").expect("the codes");
    let (codes_of_exit, _) = codes_of_exit.split_once("\n}").expect("their end");
    let values = codes_of_exit
        .lines()
        .filter_map(|line| line.split_once(" = "));
    let wanted: Vec<u8> = values
        .filter_map(|(_, value)| value.trim_end_matches(',').parse().ok())
        .collect();
    assert_eq!(wanted.len(), 8);
    let page = Page::read(PathBuf::from("docs/reference/exit-codes.md"));
    assert_eq!(codes(&page.text), wanted);
    let readme = Page::read(PathBuf::from("README.md"));
    let (_, section) = readme
        .text
        .split_once("\n## Exit codes\n")
        .expect("a section");
    assert_eq!(codes(section), wanted);
}
