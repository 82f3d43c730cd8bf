//! What the user calls a run by.

use std::collections::BTreeMap;

use anyhow::anyhow;
use regstorm::session::Options;

use crate::ceiling;
use crate::ci_variables;
use crate::exit::{Exit, Failure};
use crate::wait_args::WaitArgs;

/// More would be a data base.
const MAX_LABELS: usize = 32;

/// Labels of a run.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct LabelArgs {
    /// Label of the run in its report, such as `build=1.4.2`; repeatable
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
}

impl LabelArgs {
    /// All of them.
    ///
    /// # Errors
    /// When there are more than [`MAX_LABELS`], or one key has two values.
    pub(crate) fn labels(&self) -> Result<BTreeMap<String, String>, Failure> {
        let refuse = |words: String| Err(Failure::new(Exit::Usage, anyhow!(words)));
        if self.labels.len() > MAX_LABELS {
            let given = self.labels.len();
            return refuse(format!(
                "--label: {given} labels, and {MAX_LABELS} are the most"
            ));
        }
        let mut labels = BTreeMap::new();
        for (key, value) in &self.labels {
            if labels.insert(key.clone(), value.clone()).is_some() {
                return refuse(format!("--label: `{key}` is given twice"));
            }
        }
        Ok(labels)
    }
}

/// What a run is told beside its plan: its labels, the CI job, the ceiling of this machine, and how long to wait for a target.
pub(crate) fn options(labels: BTreeMap<String, String>, wait: &WaitArgs) -> Options {
    Options {
        labels,
        ci: ci_variables::read(),
        ceiling: ceiling::load(),
        wait: wait.time(),
        part: None,
        hooks: None,
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or("write it as KEY=VALUE, such as build=1.4.2")?;
    let of_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if !(1..=64).contains(&key.len()) || !key.chars().all(of_key) {
        return Err("a key is 1 to 64 letters, digits, `_`, `.` and `-`".into());
    }
    if value.chars().count() > 256 || value.chars().any(char::is_control) {
        return Err("a value is at most 256 characters, none of them a control character".into());
    }
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_are_bounded() {
        let pair = |key: &str, value: &str| Ok((key.to_owned(), value.to_owned()));
        assert_eq!(label("build=1.4.2"), pair("build", "1.4.2"));
        assert_eq!(label("a.b-c_D9=x=y"), pair("a.b-c_D9", "x=y"));
        assert_eq!(label("empty="), pair("empty", ""));
        let longest = format!("{}={}", "k".repeat(64), "ü".repeat(256));
        assert!(label(&longest).is_ok());
        for bad in [
            "build",
            "=1",
            "a b=1",
            "ä=1",
            &format!("{}=1", "k".repeat(65)),
            &format!("k={}", "v".repeat(257)),
            "k=\u{1b}[2J",
            "k=a\nb",
        ] {
            assert!(label(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn one_key_has_one_value_and_there_are_not_too_many() {
        let of = |labels: Vec<(String, String)>| LabelArgs { labels }.labels();
        let numbered = |count: usize| (0..count).map(|it| (it.to_string(), String::new()));
        assert_eq!(of(numbered(32).collect()).unwrap().len(), 32);
        assert!(of(numbered(33).collect()).is_err());
        let twice = numbered(2).chain(numbered(1)).collect();
        assert!(
            of(twice)
                .unwrap_err()
                .to_string()
                .contains("`0` is given twice")
        );
    }
}
