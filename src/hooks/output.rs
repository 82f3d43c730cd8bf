//! What a command has printed, as a report may show it: its end, without secrets and without what drives a terminal.

use crate::units::Secret;

/// The most bytes that a report has of what a run printed.
const SHOWN: usize = 2048;

/// What stands for a secret.
const HIDDEN: &str = "<redacted>";

/// Returns the end of what was printed: at most 2 KiB, without these secrets and without control characters but line breaks.
pub(super) fn shown(printed: &[u8], secrets: &[Secret]) -> String {
    let mut text = String::from_utf8_lossy(printed).into_owned();
    for secret in secrets.iter().map(Secret::expose) {
        if !secret.is_empty() {
            text = text.replace(secret, HIDDEN);
        }
    }
    let mut text: String = text
        .chars()
        .map(|it| if it == '\t' { ' ' } else { it })
        .filter(|it| *it == '\n' || !it.is_control())
        .collect();
    text.truncate(text.trim_end().len());
    let begin = text.len().saturating_sub(SHOWN);
    let begin = (begin..=text.len()).find(|it| text.is_char_boundary(*it));
    text.split_off(begin.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_the_end_is_kept() {
        let secrets = [Secret::new("hunter2"), Secret::new("")];
        let text = shown(b"login hunter2\x1b[2J\r\ndone\t1\n\n", &secrets);
        assert_eq!(text, "login <redacted>[2J\ndone 1");
        let long = format!("{}{}", "a".repeat(10), "ü".repeat(SHOWN));
        let text = shown(long.as_bytes(), &[]);
        assert!(text.len() <= SHOWN && text.chars().all(|it| it == 'ü'));
        assert_eq!(shown(b"\xff\xfe", &[]), "\u{fffd}\u{fffd}");
    }
}
