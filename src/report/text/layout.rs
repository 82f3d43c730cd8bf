//! Labelled lines, fitted to the width of a terminal.

use super::super::table::{Paint, harmless, wrapped};

/// How wide the labels at the left of single lines are.
pub(super) const LABEL: usize = 12;

/// What lines are fitted to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// The columns of the terminal; `None` if the text goes elsewhere, and no line is broken.
    pub(super) width: Option<usize>,
    pub(super) colour: bool,
}

impl Layout {
    /// Returns a labelled line, broken between words.
    pub(super) fn line(self, label: &str, words: &str, paint: Paint) -> String {
        let mut text = String::new();
        let lines = wrapped(&harmless(words), self.width, LABEL);
        for (index, line) in lines.iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let line = format!("{label:LABEL$}{}", paint.over(line, self.colour));
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// Returns a labelled line of a mark and parts, two spaces apart; a part that does not fit begins a line.
    pub(super) fn parts(
        self,
        label: &str,
        (mark, paint): (char, Paint),
        parts: &[(String, Paint)],
    ) -> String {
        const INDENT: usize = LABEL + 2;
        let mark = paint.over(&mark.to_string(), self.colour);
        let mut text = format!("{label:LABEL$}{mark} ");
        let mut used = INDENT;
        for (index, (part, paint)) in parts.iter().enumerate() {
            let (part, gap) = (harmless(part), if index == 0 { 0 } else { 2 });
            let wide = part.trim_end().chars().count();
            let fits = |width| used + gap + wide <= width;
            if self.width.is_none_or(fits) {
                text.push_str(&" ".repeat(gap));
                text.push_str(&paint.over(&part, self.colour));
                used += gap + part.chars().count();
                continue;
            }
            let indent = INDENT + gap;
            for (place, line) in wrapped(part.trim_end(), self.width, indent)
                .iter()
                .enumerate()
            {
                if index + place > 0 {
                    text.truncate(text.trim_end().len());
                    text.push('\n');
                    text.push_str(&" ".repeat(indent));
                }
                text.push_str(&paint.over(line, self.colour));
                used = indent + line.chars().count();
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }

    pub(super) fn dim(self, words: &str) -> String {
        let lines = wrapped(words, self.width, 0);
        let lines = lines.iter().map(|it| Paint::Dim.over(it, self.colour));
        lines.map(|it| it + "\n").collect()
    }
}
