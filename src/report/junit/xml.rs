//! The few elements of JUnit, written so that any text can stand in them.
use std::fmt::Write as _;

use super::super::table::harmless;

/// How a test case ended.
#[derive(Debug)]
pub(super) enum End {
    Passed,
    Failure { kind: &'static str, message: String },
    Error { kind: &'static str, message: String },
    Skipped(String),
}

/// One test case.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) class: &'static str,
    pub(super) name: String,
    pub(super) end: End,
    /// What to read beside the end; nothing when empty.
    pub(super) output: String,
}

/// The one suite of a file.
#[derive(Debug)]
pub(super) struct Suite {
    name: String,
    pub(super) properties: Vec<(String, String)>,
    pub(super) cases: Vec<Case>,
}

impl Suite {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            properties: Vec::new(),
            cases: Vec::new(),
        }
    }

    pub(super) fn render(&self) -> String {
        let count = |what: fn(&End) -> bool| self.cases.iter().filter(|it| what(&it.end)).count();
        let tests = self.cases.len();
        let failures = count(|it| matches!(it, End::Failure { .. }));
        let errors = count(|it| matches!(it, End::Error { .. }));
        let skipped = count(|it| matches!(it, End::Skipped(_)));
        let name = escape(&self.name);
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <testsuites name=\"regstorm\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">\n  \
             <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\">\n    \
             <properties>\n"
        );
        for (name, value) in &self.properties {
            let (name, value) = (escape(name), escape(value));
            // Writing to a string does not fail.
            let _ = writeln!(text, "      <property name=\"{name}\" value=\"{value}\"/>");
        }
        text.push_str("    </properties>\n");
        for case in &self.cases {
            text.push_str(&case.render());
        }
        text.push_str("  </testsuite>\n</testsuites>\n");
        text
    }
}

impl Case {
    fn render(&self) -> String {
        let end = match &self.end {
            End::Passed => String::new(),
            End::Failure { kind, message } => element("failure", kind, message),
            End::Error { kind, message } => element("error", kind, message),
            End::Skipped(message) => element("skipped", "inconclusive", message),
        };
        let output = if self.output.is_empty() {
            String::new()
        } else {
            let lines: Vec<String> = self.output.lines().map(escape).collect();
            format!("      <system-out>{}</system-out>\n", lines.join("\n"))
        };
        format!(
            "    <testcase classname=\"regstorm.{}\" name=\"{}\">\n{end}{output}    </testcase>\n",
            self.class,
            escape(&self.name)
        )
    }
}

fn element(name: &str, kind: &str, message: &str) -> String {
    let message = escape(message);
    format!("      <{name} type=\"{kind}\" message=\"{message}\"/>\n")
}

/// Text for an attribute or an element, on one line. Not every character can stand in XML 1.0, not even as a reference.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in harmless(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push(' '),
            _ => escaped.push(c),
        }
    }
    escaped
}
