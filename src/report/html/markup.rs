//! HTML and SVG that are well formed: elements, and words that are escaped because there is no other way in.

use std::fmt::{Display, Write as _};

use crate::report::table::harmless;

/// A piece of a page. Words become one by being escaped ([`Markup::from`]); nothing else takes words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Markup(String);

/// An element under construction.
#[derive(Debug, Clone)]
pub(super) struct Element {
    name: &'static str,
    attributes: String,
    content: Markup,
}

impl Markup {
    /// Nothing.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Style and script, which are ours and part of the binary.
    pub(super) fn constant(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// Adds a piece at the end.
    pub(super) fn push(&mut self, piece: impl Into<Self>) {
        self.0.push_str(&piece.into().0);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

impl From<&str> for Markup {
    fn from(words: &str) -> Self {
        Self(escaped(words))
    }
}

impl From<&String> for Markup {
    fn from(words: &String) -> Self {
        Self(escaped(words))
    }
}

impl From<String> for Markup {
    fn from(words: String) -> Self {
        Self(escaped(&words))
    }
}

impl From<Element> for Markup {
    fn from(element: Element) -> Self {
        let Element {
            name,
            attributes,
            content,
        } = element;
        Self(if name == "meta" {
            format!("<{name}{attributes}>")
        } else {
            format!("<{name}{attributes}>{}</{name}>", content.0)
        })
    }
}

impl<T: Into<Self>> FromIterator<T> for Markup {
    fn from_iter<I: IntoIterator<Item = T>>(pieces: I) -> Self {
        let mut all = Self::new();
        for piece in pieces {
            all.push(piece);
        }
        all
    }
}

/// `<name></name>`
pub(super) fn element(name: &'static str) -> Element {
    Element {
        name,
        attributes: String::new(),
        content: Markup::new(),
    }
}

impl Element {
    /// Adds an attribute; its value is escaped.
    pub(super) fn attr(mut self, name: &'static str, value: impl Display) -> Self {
        // Writing to a string does not fail.
        let _ = write!(
            self.attributes,
            " {name}=\"{}\"",
            escaped(&value.to_string())
        );
        self
    }

    /// Adds an attribute if there is a value.
    pub(super) fn attr_if(self, name: &'static str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.attr(name, value),
            None => self,
        }
    }

    /// Adds the class, unless it is empty.
    pub(super) fn class(self, class: &str) -> Self {
        self.attr_if("class", Some(class).filter(|it| !it.is_empty()))
    }

    /// Adds a piece to the content.
    pub(super) fn with(mut self, piece: impl Into<Markup>) -> Self {
        self.content.push(piece);
        self
    }
}

/// Words that are only words: no tag, no quote, and nothing that moves the direction of writing. Line breaks stay.
fn escaped(words: &str) -> String {
    let mut lines = words.split('\n').map(harmless);
    let mut text = lines.next().unwrap_or_default();
    for line in lines {
        text.push('\n');
        text.push_str(&line);
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cannot_leave_their_place() {
        let words = "<script>\"a\" & 'b'</script>]]>\u{1b}[31m\u{202e}";
        let page = Markup::from(element("p").attr("title", words).with(words));
        let safe = "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;]]&gt; [31m ";
        assert_eq!(
            page.into_string(),
            format!("<p title=\"{safe}\">{safe}</p>")
        );
    }

    #[test]
    fn elements_nest() {
        let list = element("ul").class("").with(
            ["a", "b"]
                .map(|it| element("li").class("x").with(it))
                .into_iter()
                .collect::<Markup>(),
        );
        let wanted = "<ul><li class=\"x\">a</li><li class=\"x\">b</li></ul>";
        assert_eq!(Markup::from(list).into_string(), wanted);
        let meta = Markup::from(element("meta").attr("charset", "utf-8"));
        assert_eq!(meta.into_string(), "<meta charset=\"utf-8\">");
        assert_eq!(Markup::from("a\n\tb").into_string(), "a\n b");
    }
}
