//! What `regstorm` says of a misspelled option or command: only names that are near enough to be meant.

use clap::error::{ContextKind, ContextValue};

/// The longest name of which one letter is a large part.
const SHORT: usize = 5;

/// Removes tips that lead elsewhere: names that only share letters with what was written, and the advice to pass an option as
/// a value.
pub(crate) fn checked(mut error: clap::Error) -> clap::Error {
    let names = |it: Option<&ContextValue>| match it {
        Some(ContextValue::String(name)) => vec![name.clone()],
        Some(ContextValue::Strings(names)) => names.clone(),
        _ => Vec::new(),
    };
    for (written, suggested) in [
        (ContextKind::InvalidArg, ContextKind::SuggestedArg),
        (
            ContextKind::InvalidSubcommand,
            ContextKind::SuggestedSubcommand,
        ),
    ] {
        let written = names(error.get(written));
        let Some(written) = written.first() else {
            continue;
        };
        let mut meant = names(error.get(suggested));
        let had = !meant.is_empty();
        meant.retain(|it| is_near(written, it));
        if had && meant.is_empty() {
            error.remove(suggested);
        } else if had && meant.len() == 1 {
            let only = ContextValue::String(meant.remove(0));
            error.insert(suggested, only);
        } else if had {
            error.insert(suggested, ContextValue::Strings(meant));
        }
    }
    if let Some(ContextValue::StyledStrs(tips)) = error.get(ContextKind::Suggested) {
        let mut tips = tips.clone();
        tips.retain(|it| !it.to_string().contains("as a value"));
        if tips.is_empty() {
            error.remove(ContextKind::Suggested);
        } else {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
        }
    }
    error
}

/// Returns `true` if one is the other with a letter or two wrong, missing, added or in the place of its neighbour.
fn is_near(written: &str, meant: &str) -> bool {
    let letters = |it: &str| it.trim_start_matches('-').chars().collect::<Vec<char>>();
    let (written, meant) = (letters(written), letters(meant));
    let most = if meant.len() <= SHORT { 1 } else { 2 };
    distance(&written, &meant) <= most
}

/// The edits from one to the other (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (above[j] + usize::from(x != y))
                .min(above[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *y && *x == b[j - 1] {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::Cli;

    fn said(arguments: &[&str]) -> String {
        let all = std::iter::once("regstorm").chain(arguments.iter().copied());
        let error = Cli::command()
            .try_get_matches_from(all)
            .expect_err("a mistake");
        checked(error).to_string()
    }

    #[test]
    fn tips_name_what_was_meant_or_nothing() {
        for (written, meant) in [
            (&["run", "--taget", "x"][..], Some("--target")),
            (&["run", "--quite"], Some("--quiet")),
            (&["run", "--lable"], Some("--label")),
            (&["compare", "--gats"], Some("--gates")),
            (&["pull", "--lable"], None),
            (&["run", "--verison"], None),
            (&["explain", "--oupt"], None),
            (&["serve", "--quite"], None),
            (&["run", "--no-such"], None),
            (&["run", "-x"], None),
            (&["chek"], Some("check")),
            (&["pul"], Some("pull")),
            (&["calbrate"], Some("calibrate")),
            (&["list"], None),
        ] {
            let text = said(written);
            let tips: Vec<&str> = text.lines().filter(|it| it.contains("tip:")).collect();
            match meant {
                Some(meant) => {
                    assert_eq!(tips.len(), 1, "{text}");
                    assert!(tips[0].ends_with(&format!("'{meant}'")), "{text}");
                }
                None => assert!(tips.is_empty(), "{text}"),
            }
        }
    }

    #[test]
    fn a_format_of_one_run_is_not_listed_where_it_is_refused() {
        let help = |name: &str| {
            let mut cli = Cli::command();
            let command = cli.find_subcommand_mut(name).expect("a command");
            command.render_long_help().to_string()
        };
        for name in ["compare", "ab"] {
            let text = help(name);
            assert!(
                text.contains("--html") && text.contains("--junit"),
                "{text}"
            );
            for option in [
                "--csv",
                "--csv-wide",
                "--hlog",
                "--hgrm",
                "--openmetrics",
                "--benchmark",
                "--bencher",
            ] {
                assert!(!text.contains(option), "{option} {text}");
            }
        }
        assert!(help("run").contains("--csv") && help("report").contains("--csv"));
    }
}
