//! Columns that align, and words that cannot drive a terminal.

use std::fmt::Write as _;
use std::ops::Range;

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

    fn width(&self) -> usize {
        self.text.chars().count()
    }

    fn painted(&self, colour: bool) -> String {
        self.paint.over(&self.text, colour)
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

    /// Returns the lines, each ended by a line break. Columns that do not fit into `width` columns of a terminal follow
    /// below, under the leading ones again. Nothing is left out; without a width nothing is moved.
    pub(super) fn render(self, colour: bool, width: Option<usize>) -> String {
        let heading = self.heading.iter().map(|it| Cell::new(it, Paint::Bold));
        let mut rows = vec![heading.collect::<Vec<_>>()];
        rows.extend(self.rows);
        let columns = self.heading.len();
        let widest = |column: usize| {
            let widths = rows.iter().filter_map(|row| row.get(column));
            widths.map(Cell::width).max().unwrap_or(0)
        };
        let grid = Grid {
            widths: (0..columns).map(widest).collect(),
            words: self.words.min(columns),
            width,
            colour,
        };
        let blocks = grid.blocks();
        let mut text = String::new();
        for (index, block) in blocks.iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            let is_last = index + 1 == blocks.len();
            for row in &rows {
                text.push_str(&grid.row(row, block, is_last));
            }
        }
        text
    }
}

/// Where the columns of a table are.
struct Grid {
    widths: Vec<usize>,
    words: usize,
    width: Option<usize>,
    colour: bool,
}

impl Grid {
    /// Between two columns.
    const GAP: usize = 2;

    /// Returns the number columns that stand beside each other, block by block.
    fn blocks(&self) -> Vec<Range<usize>> {
        let columns = self.widths.len();
        let width = self.width.unwrap_or(usize::MAX);
        let before = if self.is_stacked() { 0 } else { self.leading() };
        let mut blocks = Vec::new();
        let mut first = self.words;
        let mut used = before;
        for (column, wide) in self.widths.iter().enumerate().skip(self.words) {
            let wider = used + Self::GAP + wide;
            if wider > width && column > first {
                blocks.push(first..column);
                first = column;
                used = before + Self::GAP + wide;
            } else {
                used = wider;
            }
        }
        blocks.push(first..columns);
        blocks
    }

    /// Returns how wide the leading columns are together.
    fn leading(&self) -> usize {
        let widths: usize = self.widths.iter().take(self.words).sum();
        widths + Self::GAP * self.words.saturating_sub(1)
    }

    /// Returns `true` if the leading columns leave no room for a number: they then have a line of their own.
    fn is_stacked(&self) -> bool {
        let widest = self.widths.iter().skip(self.words).max();
        self.width
            .is_some_and(|width| self.leading() + Self::GAP + widest.copied().unwrap_or(0) > width)
    }

    /// Returns a row of a block; behind the last block stand its remarks.
    fn row(&self, row: &[Cell], block: &Range<usize>, is_last: bool) -> String {
        let mut text = String::new();
        let mut line = String::new();
        let mut used = 0;
        for (column, cell) in row.iter().enumerate().take(self.words) {
            let room = self.widths.get(column).map_or(0, |it| it - cell.width());
            let gap = if column == 0 { 0 } else { Self::GAP };
            // Writing to a string does not fail.
            let _ = write!(line, "{:gap$}{}{:room$}", "", cell.painted(self.colour), "");
            used += gap + cell.width() + room;
        }
        if self.is_stacked() {
            text.push_str(line.trim_end());
            text.push('\n');
            line.clear();
            used = 0;
        }
        let numbers = row.iter().enumerate().take(block.end).skip(block.start);
        for (column, cell) in numbers {
            let room = self.widths.get(column).map_or(0, |it| it - cell.width());
            let gap = Self::GAP + room;
            let _ = write!(line, "{:gap$}{}", "", cell.painted(self.colour));
            used += gap + cell.width();
        }
        text.push_str(line.trim_end());
        text.push('\n');
        if !is_last {
            return text;
        }
        for cell in row.iter().skip(self.widths.len()) {
            if self
                .width
                .is_none_or(|it| used + Self::GAP + cell.width() <= it)
            {
                text.truncate(text.trim_end().len());
                let _ = writeln!(text, "  {}", cell.painted(self.colour));
                used += Self::GAP + cell.width();
                continue;
            }
            for line in wrapped(&cell.text, self.width, Self::GAP) {
                let _ = writeln!(text, "  {}", cell.paint.over(&line, self.colour));
            }
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

/// Returns the text in lines of at most `width` columns less `indent`, broken between words; a word that is longer than a
/// line, such as a URL, stays whole. The lines that follow begin with as many spaces as the text does.
pub(super) fn wrapped(text: &str, width: Option<usize>, indent: usize) -> Vec<String> {
    let Some(width) = width.map(|it| it.saturating_sub(indent)) else {
        return vec![text.to_owned()];
    };
    let words = text.trim_start_matches(' ');
    let lead = " ".repeat(text.len() - words.len());
    let mut lines = Vec::new();
    let mut line = lead.clone();
    for word in words.split(' ') {
        let wider = line.chars().count() + 1 + word.chars().count();
        if line.len() == lead.len() {
            line.push_str(word);
        } else if wider <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(line.trim_end().to_owned());
            line = format!("{lead}{word}");
        }
    }
    lines.push(line.trim_end().to_owned());
    lines
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
            table.render(false, None),
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
        let painted = table().render(true, None);
        assert!(painted.contains("\x1b[31m6\x1b[0m"));
        let mut plain = painted;
        for code in ["\x1b[0m", "\x1b[1m", "\x1b[31m"] {
            plain = plain.replace(code, "");
        }
        assert_eq!(plain, table().render(false, None));
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
