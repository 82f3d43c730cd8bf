//! A part of a text that knows where it stands there.

use std::ops::Range;

use super::value::FROM_ENVIRONMENT;
use crate::keys::problem::Problem;
use crate::keys::tree::{Item, Text};

/// A part of a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'t> {
    /// What it says.
    pub(crate) text: &'t str,
    /// Where it starts in the whole text.
    start: usize,
}

impl<'t> Part<'t> {
    /// All of a text.
    pub(crate) const fn whole(text: &'t str) -> Self {
        Self { text, start: 0 }
    }

    /// A part of the part, by bytes of it that begin and end characters.
    pub(crate) fn get(self, range: Range<usize>) -> Self {
        Self {
            start: self.start + range.start,
            text: &self.text[range],
        }
    }

    /// Without the blanks around it.
    pub(crate) fn trimmed(self) -> Self {
        let start = self.text.len() - self.text.trim_start().len();
        let text = self.text.trim();
        self.get(start..start + text.len())
    }

    /// What a character sets apart, without blanks around.
    pub(crate) fn split(self, separator: char) -> impl Iterator<Item = Self> {
        let mut start = 0;
        self.text.split(separator).map(move |text| {
            let part = self.get(start..start + text.len());
            start += text.len() + separator.len_utf8();
            part.trimmed()
        })
    }

    /// Bytes of the whole text.
    pub(crate) fn range(self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    /// Something is wrong with it.
    pub(crate) fn wrong(self, message: impl Into<String>, label: impl Into<String>) -> Wrong {
        Wrong {
            message: message.into(),
            label: label.into(),
            at: self.range(),
        }
    }
}

/// What is wrong with a part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// What it is. It does not repeat the text, which may come from the environment.
    message: String,
    /// What to do; may repeat the text.
    label: String,
    /// Bytes of the text. None of them: it is the whole.
    at: Range<usize>,
}

impl Wrong {
    /// The problem at its place.
    pub(crate) fn problem(self, text: &Text, item: &Item) -> Problem {
        let problem = Problem::new(self.message, item.part(self.at));
        if text.value == text.as_written {
            problem.label(self.label)
        } else {
            problem.help(FROM_ENVIRONMENT)
        }
    }
}
