//! What is turned into other formats: a run, a comparison, or several runs beside each other.

use anyhow::anyhow;
use regstorm::report::NamedRun;
use regstorm::result::{Comparison, Document, Stored};

use crate::exit::{Exit, Failure};

/// What is turned into other formats.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rendered<'a> {
    /// One run.
    Run(&'a Document),
    /// Two builds.
    Comparison(&'a Comparison),
    /// Several runs beside each other.
    Runs(&'a [NamedRun<'a>]),
}

impl<'a> From<&'a Stored> for Rendered<'a> {
    fn from(stored: &'a Stored) -> Self {
        match stored {
            Stored::Run(document) => Self::Run(document),
            Stored::Comparison(it) => Self::Comparison(it),
        }
    }
}

impl<'a> Rendered<'a> {
    /// Returns its text in a format that has a form of each.
    pub(crate) fn any(
        self,
        run: fn(&Document) -> String,
        comparison: fn(&Comparison) -> String,
        runs: fn(&[NamedRun<'_>]) -> String,
    ) -> String {
        match self {
            Self::Run(document) => run(document),
            Self::Comparison(it) => comparison(it),
            Self::Runs(all) => runs(all),
        }
    }

    /// Returns its text in a format that has no form of several runs.
    pub(crate) fn one(
        self,
        option: &str,
        run: fn(&Document) -> String,
        comparison: fn(&Comparison) -> String,
    ) -> Result<String, Failure> {
        match self {
            Self::Run(document) => Ok(run(document)),
            Self::Comparison(it) => Ok(comparison(it)),
            Self::Runs(_) => Err(of_several(option)),
        }
    }

    /// Returns the run, for formats that have no form of anything else.
    pub(crate) fn run(self, option: &str) -> Result<&'a Document, Failure> {
        match self {
            Self::Run(document) => Ok(document),
            Self::Comparison(_) => Err(of_comparison(option)),
            Self::Runs(_) => Err(of_several(option)),
        }
    }
}

/// Returns the refusal of a format that is of one run.
pub(crate) fn of_comparison(option: &str) -> Failure {
    Failure::new(
        Exit::Usage,
        anyhow!(
            "{option} is of one run, and this is a comparison; it has --html, --markdown and --junit"
        ),
    )
}

fn of_several(option: &str) -> Failure {
    Failure::new(
        Exit::Usage,
        anyhow!("{option} is of one file, and these are several: they have --html and --markdown"),
    )
}
