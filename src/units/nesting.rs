//! The nesting of a TOML text, checked before it is parsed.
//!
//! Parsers limit nested brackets, but a key of a hundred thousand words (`a.a.a...`) becomes as many nested tables,
//! and dropping them overflows the stack.

use std::ops::Range;

/// The most nested brackets, and the most words of one key.
const MOST: usize = 32;

/// Finds where a TOML text is nested too deeply: the bracket or the key that is one too many.
///
/// Takes linear time, whether the text is TOML or not.
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
        // The header of a table ends any open bracket before it.
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

/// Returns the length of the string at the start of a text, up to the end of the text if it is not closed.
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
