//! Columns that align, and words that cannot drive a terminal.

use std::fmt::Write as _;

/// How a cell looks where colour is wanted. It only supports what the words already say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Bold,
    Dim,
    Good,
    Bad,
}

impl Paint {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "\x1b[1m",
            Self::Dim => "\x1b[2m",
            Self::Good => "\x1b[32m",
            Self::Bad => "\x1b[31m",
        }
    }

    /// Returns the text in this paint, if colour is wanted.
    pub(super) fn over(self, text: &str, colour: bool) -> String {
        if colour && self != Self::Plain {
            format!("{}{text}\x1b[0m", self.code())
        } else {
            text.to_owned()
        }
    }
}

/// One cell: a text without control characters and its paint.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    pub(super) fn new(text: impl AsRef<str>, paint: Paint) -> Self {
        Self {
            text: harmless(text.as_ref()),
            paint,
        }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Paint::Plain)
    }
}

/// Rows under a heading. The leading columns are words and align left, the others numbers and align right; what a
/// row has beyond the heading is a remark and has no width.
#[derive(Debug)]
pub(super) struct TextTable {
    heading: Vec<String>,
    words: usize,
    rows: Vec<Vec<Cell>>,
}

impl TextTable {
    /// Returns a table whose first `words` columns are words.
    pub(super) fn new(words: usize, heading: &[&str]) -> Self {
        Self {
            heading: heading.iter().map(|it| (*it).to_owned()).collect(),
            words,
            rows: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Returns the lines, each ended by a line break.
    pub(super) fn render(self, colour: bool) -> String {
        let heading = self.heading.iter().map(|it| Cell::new(it, Paint::Bold));
        let mut rows = vec![heading.collect::<Vec<_>>()];
        rows.extend(self.rows);
        let columns = self.heading.len();
        let width = |column: usize| {
            let widths = rows.iter().filter_map(|row| row.get(column));
            widths.map(|cell| cell.text.chars().count()).max()
        };
        let widths: Vec<usize> = (0..columns).map(|it| width(it).unwrap_or(0)).collect();
        let mut text = String::new();
        for row in &rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let used = cell.text.chars().count();
                let room = widths.get(column).map_or(0, |width| width - used);
                let gap = if column == 0 { 0 } else { 2 };
                let (before, after) = if column < self.words || column >= columns {
                    (gap, room)
                } else {
                    (gap + room, 0)
                };
                let painted = cell.paint.over(&cell.text, colour);
                // Writing to a string does not fail.
                let _ = write!(line, "{:before$}{painted}{:after$}", "", "");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// Returns the text without what could move a cursor, change a colour or turn the direction of writing: servers and scenario
/// files are not asked how the terminal should look.
pub(super) fn harmless(text: &str) -> String {
    let bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().map(|c| if bad(c) { ' ' } else { c }).collect()
}

/// Returns the text cut to that many characters, the last of which then says that it was cut.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_left_numbers_right_remarks_after() {
        let mut table = TextTable::new(1, &["name", "p50", "p99"]);
        table.row(vec![
            "a".into(),
            "41 µs".into(),
            "9.8 ms".into(),
            "remark".into(),
        ]);
        table.row(vec!["longer".into(), "1.04 s".into(), "-".into()]);
        assert_eq!(
            table.render(false),
            "name       p50     p99\n\
             a        41 µs  9.8 ms  remark\n\
             longer  1.04 s       -\n"
        );
    }

    #[test]
    fn colour_does_not_move_columns() {
        let table = || {
            let mut table = TextTable::new(1, &["name", "errors"]);
            table.row(vec!["a".into(), Cell::new("6", Paint::Bad)]);
            table
        };
        let painted = table().render(true);
        assert!(painted.contains("\x1b[31m6\x1b[0m"));
        let mut plain = painted;
        for code in ["\x1b[0m", "\x1b[1m", "\x1b[31m"] {
            plain = plain.replace(code, "");
        }
        assert_eq!(plain, table().render(false));
    }

    #[test]
    fn servers_do_not_drive_the_terminal() {
        assert_eq!(
            harmless("a\x1b[2Jb\r\nc\u{202e}d\u{9b}e é µ"),
            "a [2Jb  c d e é µ"
        );
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("ab", 0), "…");
    }
}
