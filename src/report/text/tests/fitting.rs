//! What becomes of a summary in terminals of any width, and in a pipe.

use super::*;

/// Without spaces that line breaks add or take away.
fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn widest(text: &str) -> usize {
    text.lines().map(|it| it.chars().count()).max().unwrap_or(0)
}

/// A document with long words of others and with numbers that are wide.
fn wide() -> Document {
    let mut document = busy();
    document.failures.exchanges.kinds[0].example.text = "no backend ".repeat(30);
    document.notes = vec!["seen by nobody ".repeat(30)];
    document.journeys[0].counts.starts.scheduled = 999_999_999;
    document.thresholds = crate::report::testing::thresholds();
    document
}

#[test]
fn a_terminal_is_never_overrun_and_loses_no_number() {
    let whole = summary(&wide(), None, false, None);
    for width in [50, 60, 80, 100, 120, 200] {
        let fitted = summary(&wide(), Some(width), false, None);
        // The path of an example is one word, which is copied.
        let is_broken = |it: &&str| !it.contains("/v2/app/blobs");
        let lines: Vec<&str> = fitted.lines().filter(is_broken).collect();
        assert!(widest(&lines.join("\n")) <= width, "{width}\n{fitted}");
        let shown = words(&fitted);
        for word in words(&whole) {
            assert!(shown.contains(&word), "{word} at {width}\n{fitted}");
        }
    }
}

#[test]
fn a_pipe_has_each_line_whole() {
    let document = wide();
    let text = summary(&document, None, false, None);
    let lines: Vec<&str> = text.lines().collect();
    let note = format!("note        {}", document.notes[0].trim_end());
    assert!(lines.contains(&note.as_str()), "\n{text}");
    let mut heads = text.lines().filter(|it| it.contains(" planned "));
    assert!(heads.all(|it| it.ends_with("received")), "\n{text}");
}

#[test]
fn columns_that_do_not_fit_follow_below_their_names() {
    let text = summary(&busy(), Some(60), false, None);
    let wanted = "\
journey  planned  started     ok  failed  dropped  cancelled
rollout    1,010    1,008  1,000       6        2          2

journey    rate  sent  received
rollout  49.9/s   0 B   1.41 GB
";
    assert!(text.contains(wanted), "\n{text}");
}

#[test]
fn a_name_that_fills_the_terminal_has_a_line_of_its_own() {
    let mut document = busy();
    let name = "a-journey-with-a-name-of-forty-characters";
    document.journeys[0].name = name.into();
    let text = summary(&document, Some(40), false, None);
    let wanted = format!("{name}\n    1,010    1,008  1,000       6");
    assert!(text.contains(&wanted), "\n{text}");
}

#[test]
fn the_verdict_stands_first_and_last() {
    let text = summary(&busy(), Some(80), false, None);
    let wanted = "verdict     INVALID";
    let first = text.lines().next().unwrap();
    let last = text.lines().last().unwrap();
    assert!(
        first.starts_with(wanted) && last.starts_with(wanted),
        "\n{text}"
    );
}

#[test]
fn colour_adds_no_words() {
    for width in [None, Some(80)] {
        let mut painted = summary(&wide(), width, true, None);
        assert!(painted.contains("\x1b[31m"));
        for code in ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m"] {
            painted = painted.replace(code, "");
        }
        assert_eq!(painted, summary(&wide(), width, false, None));
    }
}
