//! Renderers of a stored result, one file per format.
//!
//! A renderer is a pure function of a [`crate::result::Document`] and of what was judged by it: it measures nothing,
//! judges nothing and prints nothing. What the document does not know is shown as unknown (`-`, `no samples`), never as
//! zero. Words that came from a server are made harmless before they reach a terminal.

pub mod json;
pub mod text;

mod table;
