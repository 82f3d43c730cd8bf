//! The arguments that say what two builds are compared by, and what the exit code of an open question is.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use regstorm::result::{Aspect, Comparison, ComparisonVerdict, Document, Method};
use regstorm::scenario::{self, Gate, library};

use crate::exit::{Exit, Failure, OrExit};
use crate::scenario_file;
use crate::source::{self, Source};

/// What is gated, and what comes of it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Gates")]
pub(crate) struct GateArgs {
    /// File of `[[gate]]` tables (TOML), or @NAME for one of the library: the metrics that decide, and their margins
    #[arg(long, value_name = "FILE", value_parser = source::parser(library::GATES))]
    gates: Option<Source>,
    /// Gate beside those of --gates, or in place of the default ones, such as `pull.response_time p(99)=10%`, `errors rate` or `capacity`; repeatable
    #[arg(long, value_name = "METRIC[=MARGIN]")]
    gate: Vec<String>,
    /// Accepted difference between the sides; any other makes the comparison invalid
    #[arg(long, value_name = "ASPECT", value_enum, value_delimiter = ',')]
    allow: Vec<Allowed>,
    /// Exit code of an inconclusive comparison [default: 3]
    #[arg(long, value_name = "AS", value_enum)]
    inconclusive: Option<As>,
    /// Exit code of an invalid comparison [default: 4]
    #[arg(long, value_name = "AS", value_enum)]
    invalid: Option<As>,
}

/// What may be allowed to differ.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Allowed {
    /// Resolved plan
    Plan,
    /// Host, kernel, processor, cores, memory, workers
    Machine,
    /// Version of regstorm
    Version,
    /// Offered and started load
    Load,
}

/// How something undecided counts.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum As {
    /// Exit code 0
    Pass,
    /// Exit code 1
    Fail,
}

impl GateArgs {
    /// The file that is read, if there is one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.gates.as_ref()?.file()
    }

    /// The aspects that may differ.
    pub(crate) fn allowed(&self) -> Vec<Aspect> {
        let allowed = self.allow.iter().map(|it| match it {
            Allowed::Plan => Aspect::Plan,
            Allowed::Machine => Aspect::Machine,
            Allowed::Version => Aspect::Version,
            Allowed::Load => Aspect::Load,
        });
        allowed.collect()
    }

    /// The gates that the user has chosen for runs of these journeys; none if that is left to us. Problems are printed here;
    /// then there is nothing.
    pub(crate) fn chosen(&self, journeys: &[&str]) -> Result<Option<Vec<Gate>>, Failure> {
        let file = match &self.gates {
            None => None,
            Some(from) => {
                let text = from
                    .text()
                    .with_context(|| format!("cannot read the gates {from}"))
                    .or_exit(Exit::Usage)?;
                Some((from.to_string(), text))
            }
        };
        let file = file
            .as_ref()
            .map(|(name, text)| (name.as_str(), text.as_ref()));
        match scenario::load_gates(file, &self.gate, journeys) {
            Ok(gates) => Ok(Some(gates)),
            Err(problems) => {
                scenario_file::tell(&problems, "nothing was sent");
                Ok(None)
            }
        }
    }

    /// What a comparison comes to for a script. Sums that do not close are a defect, whatever the user says of the rest.
    pub(crate) fn exit(&self, comparison: &Comparison, trust_single: bool) -> Exit {
        let either = |choice: Option<As>, otherwise: Exit| match choice {
            Some(As::Pass) => Exit::Passed,
            Some(As::Fail) => Exit::Failed,
            None => otherwise,
        };
        let closes = |side: &Document| side.closure.holds();
        if !closes(&comparison.base) || !closes(&comparison.candidate) {
            return Exit::Defect;
        }
        let inconclusive = || either(self.inconclusive, Exit::Inconclusive);
        match comparison.verdict {
            ComparisonVerdict::Pass => Exit::Passed,
            // One run each is too little to fail a build by.
            ComparisonVerdict::Regression
                if comparison.design.method == Method::Single && !trust_single =>
            {
                inconclusive()
            }
            ComparisonVerdict::Regression => Exit::Failed,
            ComparisonVerdict::Inconclusive => inconclusive(),
            ComparisonVerdict::Invalid => either(self.invalid, Exit::Invalid),
        }
    }
}
