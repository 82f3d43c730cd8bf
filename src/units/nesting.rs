//! How deep a TOML text is nested, told before anything is built of it.
//!
//! Parsers guard themselves against brackets in brackets, but a key of a hundred thousand words (`a.a.a...`) becomes as many
//! tables in tables, and taking those down again overflows the stack.

use std::ops::Range;

/// The most brackets within brackets, and the most words of one key.
const MOST: usize = 32;

/// Where a TOML text is nested deeper than anything that people write: the bracket or the key that is one too many.
///
/// Takes time in proportion to the text, whether it is TOML or not.
pub fn too_deep(text: &str) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut brackets = 0_usize;
    let mut words = 0_usize; // points since something that is not part of a key
    let mut key_start = 0;
    while let Some(byte) = bytes.get(at) {
        let start = at;
        at += match byte {
            b'"' | b'\'' => string_length(&bytes[at..]),
            b'#' => bytes[at..].iter().take_while(|it| **it != b'\n').count(),
            _ => 1,
        };
        match byte {
            b'[' | b'{' => brackets += 1,
            b']' | b'}' => brackets = brackets.saturating_sub(1),
            b'.' => words += 1,
            _ => {}
        }
        if matches!(byte, b'[' | b'{' | b']' | b'}' | b'=' | b',' | b'\n' | b'#') {
            words = 0;
            key_start = at;
        }
        // A table's header ends whatever was left open before it.
        if *byte == b'\n' && bytes.get(at) == Some(&b'[') {
            brackets = 0;
        }
        if brackets > MOST {
            return Some(start..at);
        }
        if words >= MOST {
            return Some(key_start..at);
        }
    }
    None
}

/// The length of the string at the start of a text; to the end of the text when it is not closed.
fn string_length(bytes: &[u8]) -> usize {
    let quote = bytes[0];
    let is_long = bytes.len() >= 3 && bytes[1] == quote && bytes[2] == quote;
    let width = if is_long { 3 } else { 1 };
    let mut at = width;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 2,
            b'\n' if !is_long => return at,
            byte if byte == quote && (!is_long || bytes[at..].starts_with(&[quote; 3])) => {
                return at + width;
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_of_strings_and_comments() {
        let deep = "[".repeat(33);
        let dotted = vec!["a"; 33].join(".");
        for fine in [
            "a = [[1], {b = [2]}]\n".to_owned(),
            format!("a = \"{deep}\"\n"),
            format!("a = '{dotted}'\n"),
            format!("a = \"\"\"\n\"{deep}\n\\\"\"\"\"\n"),
            format!("# {deep} {dotted}\n"),
            format!("a = \"\\\"{deep}\"\n"),
            "[[load]]\nx = 1.5\n".repeat(10_000),
            vec!["a"; 32].join(".") + " = 1\n",
            "]".repeat(100),
        ] {
            assert_eq!(too_deep(&fine), None, "{}", &fine[..fine.len().min(60)]);
        }
        assert_eq!(too_deep(&format!("x = {deep}")), Some(36..37));
        assert_eq!(too_deep(&format!("x=1\n{dotted} = 1")), Some(4..4 + 64));
        assert_eq!(too_deep(&format!("[{dotted}]")), Some(1..65));
        assert!(too_deep(&"a={".repeat(10_000)).is_some());
        assert!(too_deep(&format!("\"a\".'b'.{dotted}=1")).is_some());
    }

    #[test]
    fn what_is_no_toml_is_measured_all_the_same() {
        for text in ["\"", "'''", "\"\\", "\"\"\"\\", "é.é=\"é", "[\n[\n", ""] {
            assert_eq!(too_deep(text), None, "{text}");
        }
    }
}
