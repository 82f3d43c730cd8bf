//! The lines of a plan, as people read them.

use std::borrow::Cow;
use std::fmt::Write as _;

use regstorm::units;

/// The lines of the plan with their `=` below each other, a blank line between rooms.
pub(super) fn aligned(text: &str) -> String {
    let lines: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .collect();
    let width = lines.iter().map(|(path, _)| path.chars().count()).max();
    let width = width.unwrap_or(0);
    let mut shown = String::new();
    let mut room = "";
    for (path, value) in lines {
        let (first, rest) = path.split_once('.').unwrap_or(("", path));
        // Each image set, journey and load is a room of its own; the target is one.
        let second = match first {
            "images" | "journey" | "load" => rest.split('.').next().unwrap_or(rest),
            _ => first,
        };
        if second != room {
            shown.push('\n');
            room = second;
        }
        let value = shortened(value);
        let _ = writeln!(shown, "  {path:width$} = {value}");
    }
    shown
}

/// A list without most of its values, if it is too long to be read. The report has all of them.
fn shortened(value: &str) -> Cow<'_, str> {
    const LONGEST: usize = 2000; // bytes
    const SHOWN: usize = 300;
    let is_long = value.len() > LONGEST && value.starts_with('[');
    let rest = value.get(SHOWN..).filter(|_| is_long);
    let Some(end) = rest.and_then(|rest| rest.find(", ")) else {
        return value.into();
    };
    let (shown, rest) = value.split_at(SHOWN + end);
    let more = units::count(rest.matches(", ").count() as u64);
    format!("{shown}, and {more} more]").into()
}
