use std::collections::BTreeSet;
use std::path::PathBuf;

use regstorm::result::Schema;

use super::markdown::Page;

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

#[test]
fn the_page_of_the_report_has_the_fields_of_its_schema() {
    let schema: serde_json::Value = serde_json::from_str(&Schema::json()).expect("JSON");
    let fields = schema["properties"].as_object().expect("an object");
    let wanted: BTreeSet<String> = fields.keys().cloned().collect();
    let page = Page::read(PathBuf::from("docs/reference/report.md"));
    assert_eq!(first_column(&page, "Fields"), wanted);
}
