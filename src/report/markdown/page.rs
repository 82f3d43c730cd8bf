//! Markdown that stays short, and text that stays text in it.
use std::fmt::Write as _;
use std::time::Duration;

use super::super::table::{cut, harmless};
use crate::units;

/// Below the 65,536 characters of a comment, with room for a word about what is left out.
pub(super) const LIMIT: usize = 60_000;
/// More rows than this are in the report only.
pub(super) const ROWS: usize = 40;
/// The longest that one text of others may be, in characters before it is escaped.
const CELL: usize = 160;

/// Sections, as long as there is room for them.
pub(super) struct MarkdownPage {
    text: String,
    left_out: bool,
}

impl MarkdownPage {
    pub(super) const fn new() -> Self {
        Self {
            text: String::new(),
            left_out: false,
        }
    }

    /// Adds a section, or nothing of it when it does not fit.
    pub(super) fn add(&mut self, section: &str) {
        if self.text.len() + section.len() > LIMIT {
            self.left_out = true;
        } else {
            self.text.push_str(section);
        }
    }

    /// Adds a list of texts; nothing where there are none.
    pub(super) fn list(&mut self, title: &str, texts: impl Iterator<Item = String>) {
        let mut list = String::new();
        let mut more = 0_usize;
        for (index, text) in texts.enumerate() {
            if index < ROWS {
                // Writing to a string does not fail.
                let _ = writeln!(list, "- {}", escape(&text));
            } else {
                more += 1;
            }
        }
        if list.is_empty() {
            return;
        }
        if more > 0 {
            let _ = writeln!(list, "- and {more} more, see the report");
        }
        self.add(&format!("{}\n{list}", heading(title)));
    }

    pub(super) fn finish(mut self) -> String {
        if self.left_out {
            self.text
                .push_str("\nMore did not fit here: see the report.\n");
        }
        self.text
    }
}

fn heading(title: &str) -> String {
    if title.is_empty() {
        String::new()
    } else {
        format!("\n**{title}**\n")
    }
}

/// A table whose cells are Markdown already.
pub(super) struct MarkdownTable {
    heading: String,
    rows: Vec<String>,
    most: usize,
    more: usize,
}

impl MarkdownTable {
    /// Returns a table of at most that many rows; of others the number is shown.
    pub(super) fn new(heading: &[&str], most: usize) -> Self {
        let line = format!(
            "| {} |\n|{}\n",
            heading.join(" | "),
            "---|".repeat(heading.len())
        );
        Self {
            heading: line,
            rows: Vec::new(),
            most,
            more: 0,
        }
    }

    pub(super) fn row(&mut self, cells: &[String]) {
        if self.rows.len() < self.most {
            self.rows.push(format!("| {} |\n", cells.join(" | ")));
        } else {
            self.more += 1;
        }
    }

    /// Returns nothing for a table without rows.
    pub(super) fn render(&self, title: &str) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let mut text = format!("{}\n{}{}", heading(title), self.heading, self.rows.concat());
        if self.more > 0 {
            let _ = writeln!(text, "\n{} more rows are in the report.", self.more);
        }
        text
    }
}

/// Returns the text on one line, in which nothing means anything to Markdown or HTML.
///
/// Entities stand for characters and never for structure (`CommonMark` 6.2). A mention or the number of an issue is looked
/// for in what was rendered, which only something between the sign and the name prevents.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in cut(&harmless(text), CELL).chars() {
        match c {
            '@' | '#' => {
                escaped.push(c);
                escaped.push_str("<!-- -->");
            }
            '&' | '<' | '>' | '"' | '\'' | '|' | '`' | '*' | '_' | '~' | '[' | ']' | '\\' | ':'
            | '!' | '$' => {
                let _ = write!(escaped, "&#{};", u32::from(c));
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Returns a time; `-` where there is none.
pub(super) fn shown(time: Option<Duration>) -> String {
    time.map_or("-".to_owned(), units::duration)
}
