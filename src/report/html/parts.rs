//! Small parts that sections are made of.

use super::markup::{Element, Markup, element};

/// Returns what a reader may open.
pub(super) fn details(summary: impl Into<Markup>, content: impl Into<Markup>) -> Element {
    element("details")
        .with(element("summary").with(summary))
        .with(element("div").class("inside").with(content))
}

/// Returns a heading and what it is of.
pub(super) fn titled(title: impl Into<Markup>, content: impl Into<Markup>) -> Element {
    let heading = element("h3").with(title);
    element("div").with(heading).with(content)
}

pub(super) fn faint(words: impl Into<Markup>) -> Element {
    element("p").class("faint").with(words)
}
