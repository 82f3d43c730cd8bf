//! Labelled lines, fitted to the width of a terminal.

use super::super::table::{Paint, cut, harmless};

/// How wide the labels at the left of single lines are.
pub(super) const LABEL: usize = 12;

/// What lines are fitted to.
pub(super) struct Layout {
    pub(super) width: usize,
    pub(super) colour: bool,
}

impl Layout {
    /// Returns a labelled line, cut to the width.
    pub(super) fn line(&self, label: &str, words: &str, paint: Paint) -> String {
        let words = cut(&harmless(words), self.width.saturating_sub(LABEL));
        format!("{label:LABEL$}{}\n", paint.over(&words, self.colour))
    }

    /// Returns a labelled line that is too important to be cut.
    pub(super) fn whole(&self, label: &str, words: &str, paint: Paint) -> String {
        let words = harmless(words);
        format!("{label:LABEL$}{}\n", paint.over(&words, self.colour))
    }

    pub(super) fn dim(&self, words: &str) -> String {
        format!(
            "{}\n",
            Paint::Dim.over(&cut(words, self.width), self.colour)
        )
    }
}
