//! Holds the instructions that the hot paths execute against the stored counts, or stores them. See `benches/instructions`.
//!
//! Callgrind counts what the program executes, libraries included, and nothing of the kernel. A count does not depend
//! on what else the machine does. It is no time: a cache miss and a system call cost more than they count for.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench tells what it found"
)]

mod baseline;
mod callgrind;
mod paths;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use baseline::{Baseline, FILE, Tools};
use paths::{HOT_PATHS, HotPath};

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => compare(),
        ["--update"] => update(),
        [callgrind::WALK, name, times] => {
            let path = HOT_PATHS.iter().find(|it| it.name == name);
            (path.context("no such path")?.walk)(times.parse()?);
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("the only argument is --update"),
    }
}

/// Stores the counts of now.
fn update() -> Result<ExitCode> {
    let mut now = Baseline::new(Tools::installed()?);
    for path in &HOT_PATHS {
        let count = callgrind::count(path)?;
        println!("{:16} {count:>10.1}", path.name);
        now.store(path.name, count);
    }
    now.write()?;
    println!("stored in {FILE}");
    Ok(ExitCode::SUCCESS)
}

/// Holds the counts of now against the stored ones.
fn compare() -> Result<ExitCode> {
    let stored = Baseline::read()?;
    let differences = stored.differences(&Tools::installed()?);
    let mut breaches = Vec::new();
    println!("instructions            now     stored    change  allowed");
    for path in &HOT_PATHS {
        let now = callgrind::count(path)?;
        let before = stored.count(path.name);
        println!("{}", row(path, now, before));
        breaches.extend(breach(path, now, before)?);
    }
    for name in stored.names() {
        if HOT_PATHS.iter().all(|it| it.name != name) {
            breaches.push(format!(
                "{name}: a count is stored, but there is no such path"
            ));
        }
    }
    Ok(tell(&breaches, &differences))
}

fn row(path: &HotPath, now: f64, stored: Option<f64>) -> String {
    let HotPath {
        name,
        allowed_percent,
        ..
    } = path;
    let (stored, change) = stored.map_or(("-".into(), "-".into()), |stored| {
        (
            format!("{stored:.1}"),
            format!("{:+.2}%", change_percent(now, stored)),
        )
    });
    format!("{name:16} {now:>10.1} {stored:>10} {change:>9}  ±{allowed_percent}%")
}

/// What is wrong with a count. One that fell is wrong, too: the next change could give away unseen what this one won.
fn breach(path: &HotPath, now: f64, stored: Option<f64>) -> Result<Option<String>> {
    let HotPath {
        name,
        allowed_percent,
        ..
    } = path;
    let Some(stored) = stored else {
        return Ok(Some(format!("{name}: no count is stored")));
    };
    let change = change_percent(now, stored);
    if change.abs() <= *allowed_percent {
        return Ok(None);
    }
    Ok(Some(format!(
        "{name} takes {:.1}% {} instructions than stored: {now:.1} for {stored:.1}; {allowed_percent}% are allowed\n    \
         what takes them: callgrind_annotate {}",
        change.abs(),
        if change > 0.0 { "more" } else { "fewer" },
        callgrind::profile(path)?.display()
    )))
}

/// Positive is slower.
fn change_percent(now: f64, stored: f64) -> f64 {
    (now / stored - 1.0) * 100.0
}

/// Tells of the breaches. They fail the run only where the tools are those of the stored counts.
fn tell(breaches: &[String], differences: &[String]) -> ExitCode {
    let (kind, code) = if differences.is_empty() {
        ("error", ExitCode::FAILURE)
    } else {
        ("warning", ExitCode::SUCCESS)
    };
    for difference in differences {
        eprintln!("warning: {difference}");
    }
    for breach in breaches {
        eprintln!("{kind}: {breach}");
    }
    match (breaches, differences) {
        ([], _) => return ExitCode::SUCCESS,
        (_, []) => eprintln!(
            "If that is meant, store it, and commit {FILE} with what changed it:\n    \
             benches/instructions --update"
        ),
        _ => eprintln!(
            "warning: counted with other tools than the stored counts, these fail nothing"
        ),
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path of which a tenth may change.
    const PATH: HotPath = HotPath {
        name: "path",
        times: 1,
        allowed_percent: 10.0,
        walk: |_| {},
    };

    fn breach_of(now: f64, stored: Option<f64>) -> Option<String> {
        breach(&PATH, now, stored).unwrap()
    }

    #[test]
    fn allows_what_is_near_the_stored_count() {
        assert_eq!(breach_of(1_099.0, Some(1_000.0)), None);
        assert_eq!(breach_of(901.0, Some(1_000.0)), None);
    }

    #[test]
    fn tells_what_changed_and_by_how_much() {
        let slower = breach_of(1_250.0, Some(1_000.0)).unwrap();
        assert!(
            slower.starts_with("path takes 25.0% more instructions"),
            "{slower}"
        );
        let faster = breach_of(800.0, Some(1_000.0)).unwrap();
        assert!(
            faster.starts_with("path takes 20.0% fewer instructions"),
            "{faster}"
        );
    }

    #[test]
    fn wants_a_count_of_each_path() {
        assert!(breach_of(1_000.0, None).is_some());
    }

    #[test]
    fn fails_only_with_the_tools_of_the_stored_counts() {
        let (breaches, differences) = (["slower".to_owned()], ["compiler".to_owned()]);
        assert_eq!(tell(&breaches, &[]), ExitCode::FAILURE);
        assert_eq!(tell(&breaches, &differences), ExitCode::SUCCESS);
        assert_eq!(tell(&[], &[]), ExitCode::SUCCESS);
    }
}
