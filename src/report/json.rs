//! The document itself.

use crate::result::Document;

/// The document as JSON, indented, as it is stored.
pub fn render(document: &Document) -> String {
    document.to_json()
}
