//! Text of a peer, made fit to be shown.

/// Returns the first `limit` characters of a peer's text as one line that cannot control the reader's terminal: runs
/// of white space and control characters become one space, and invisible characters that change their neighbours are
/// left out.
pub fn foreign_words(text: &str, limit: usize) -> String {
    let clean = text.replace(|c: char| c.is_control(), " ");
    let words: Vec<&str> = clean.split_whitespace().collect();
    let line = words.join(" ");
    let seen = line.chars().filter(|it| !is_unseen(*it));
    seen.take(limit).collect()
}

/// Returns `true` for control characters and for those that reorder, join or hide their neighbours.
///
/// # Spec
/// UAX 9, 2: the explicit directional formatting characters; and the invisible ones of Unicode's general category Cf.
pub fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_reorder_or_hide_words_is_left_out() {
        for bidi in "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}"
            .chars()
        {
            assert_eq!(foreign_words(&format!("no {bidi}entry"), 99), "no entry");
        }
        assert_eq!(foreign_words("a\u{200b}b\u{feff}c", 99), "abc");
        assert_eq!(
            foreign_words(" a\r\n\tb\u{1b}[2J\u{2028}c ", 99),
            "a b [2J c"
        );
        assert_eq!(foreign_words("ünïcödé אב", 99), "ünïcödé אב");
        assert_eq!(foreign_words("abcdef", 3), "abc");
    }
}
