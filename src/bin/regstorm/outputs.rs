//! The files that a stored result can be turned into, and the one place that writes them.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use regstorm::report::{
    bencher, benchmark_action, csv, hgrm, hlog, html, junit, markdown, openmetrics,
};
use regstorm::result::write_file;

use crate::apart;
use crate::exit::{self, Exit, Failure, OrExit as _};
use crate::rendered::{self, Rendered};

/// One file for each format that is asked for; `-` is standard output.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Results")]
pub(crate) struct OutputArgs {
    /// HTML page with charts, in one self-contained file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Markdown for a pull request or a job summary
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// JUnit XML: one test case per threshold or gated metric
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// CSV of a run: one row per latency
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// CSV of a run: one row in all, for change detectors
    #[arg(long, value_name = "FILE")]
    csv_wide: Option<PathBuf>,
    /// HdrHistogram interval log of a run: latencies over time
    #[arg(long, value_name = "FILE")]
    hlog: Option<PathBuf>,
    /// HdrHistogram percentile text of one latency of a run, in milliseconds
    #[arg(long, value_name = "FILE")]
    hgrm: Option<PathBuf>,
    /// Latency for --hgrm, named as in thresholds [default: response time of the first journey]
    #[arg(long, value_name = "METRIC", requires = "hgrm")]
    hgrm_of: Option<String>,
    /// OpenMetrics text of a run, for GitLab's metrics report
    #[arg(long, value_name = "FILE")]
    openmetrics: Option<PathBuf>,
    /// JSON for github-action-benchmark: metrics that should be small (customSmallerIsBetter)
    #[arg(long, value_name = "FILE")]
    benchmark_smaller: Option<PathBuf>,
    /// JSON for github-action-benchmark: metrics that should be large (customBiggerIsBetter)
    #[arg(long, value_name = "FILE")]
    benchmark_larger: Option<PathBuf>,
    /// Bencher Metric Format of a run
    #[arg(long, value_name = "FILE")]
    bencher: Option<PathBuf>,
}

/// The arguments of formats that a comparison has no form of.
const OF_ONE_RUN: [&str; 9] = [
    "csv",
    "csv_wide",
    "hlog",
    "hgrm",
    "hgrm_of",
    "openmetrics",
    "benchmark_smaller",
    "benchmark_larger",
    "bencher",
];

/// Hides such an argument from the help of a command that makes comparisons: it is refused there, with the reason.
pub(crate) fn of_comparisons(argument: clap::Arg) -> clap::Arg {
    let is_of_run = OF_ONE_RUN.contains(&argument.get_id().as_str());
    argument.hide(is_of_run)
}

/// Makes the text of one format.
type Renderer<'a> = &'a dyn Fn(Rendered<'_>) -> Result<String, Failure>;

impl OutputArgs {
    /// Whether one of them goes to standard output.
    pub(crate) fn use_stdout(&self) -> bool {
        self.to_stdout() > 0
    }

    /// How many of them go to standard output.
    pub(crate) fn to_stdout(&self) -> usize {
        self.count(is_stdout)
    }

    /// Two results on standard output would be none; `others` go there as well.
    pub(crate) fn check_stdout(&self, others: usize) -> Result<(), Failure> {
        if self.to_stdout() + others > 1 {
            let error = anyhow!("only one result can go to standard output (`-`)");
            return Err(Failure::new(Exit::Usage, error));
        }
        Ok(())
    }

    fn count(&self, is_wanted: impl Fn(&Path) -> bool) -> usize {
        let mut count = 0;
        // No renderer fails that is not asked for its text.
        let _ = self.each(&mut |_, path, _| {
            count += usize::from(is_wanted(path));
            Ok(())
        });
        count
    }

    /// Checks that each of them is a file of its own, also beside `others`, and none of the files that are read.
    pub(crate) fn check_apart(
        &self,
        others: &[(&str, &Path)],
        inputs: &[PathBuf],
    ) -> Result<(), Failure> {
        let mut outputs: Vec<(&str, PathBuf)> = Vec::new();
        self.each(&mut |option, path, _| {
            outputs.push((option, path.to_owned()));
            Ok(())
        })?;
        let own = outputs
            .iter()
            .map(|(option, path)| (*option, path.as_path()));
        let all: Vec<(&str, &Path)> = others.iter().copied().chain(own).collect();
        let inputs: Vec<&Path> = inputs.iter().map(PathBuf::as_path).collect();
        apart::check(&all, &inputs).or_exit(Exit::Usage)
    }

    /// Checks that each of them can be written. Tells of links unless nothing is to be told.
    pub(crate) fn check_writable(&self, quiet: bool) -> Result<(), Failure> {
        self.each(&mut |_, path, _| {
            if is_stdout(path) {
                return Ok(());
            }
            let link = exit::check_writable("cannot write", path).or_exit(Exit::Usage)?;
            link.filter(|_| !quiet).iter().for_each(|it| exit::note(it));
            Ok(())
        })
    }

    /// Returns `true` if one of them is of one run, and not of a comparison.
    pub(crate) fn check_comparison(&self) -> Result<(), Failure> {
        let of_runs = [
            (&self.csv, "--csv"),
            (&self.csv_wide, "--csv-wide"),
            (&self.hlog, "--hlog"),
            (&self.hgrm, "--hgrm"),
            (&self.openmetrics, "--openmetrics"),
            (&self.benchmark_smaller, "--benchmark-smaller"),
            (&self.benchmark_larger, "--benchmark-larger"),
            (&self.bencher, "--bencher"),
        ];
        let asked = of_runs.into_iter().find(|(path, _)| path.is_some());
        asked.map_or(Ok(()), |(_, option)| Err(rendered::of_comparison(option)))
    }

    /// Writes all that were asked for. What cannot be made is known before the first file is written.
    pub(crate) fn write(&self, what: Rendered<'_>) -> Result<(), Failure> {
        let mut texts = Vec::new();
        self.each(&mut |_, path, render| {
            texts.push((path.to_owned(), render(what)?));
            Ok(())
        })?;
        texts.iter().try_for_each(|(path, text)| write(path, text))
    }

    /// Writes into what people read of a CI job why there is no result. A file that cannot be written now is told of when the
    /// result is.
    pub(crate) fn write_no_result(&self, command: &str, reason: &str) {
        let texts = [
            (
                &self.markdown,
                markdown::no_result as fn(&str, &str) -> String,
            ),
            (&self.junit, junit::no_result),
        ];
        for (path, render) in texts {
            if let Some(path) = path.as_deref().filter(|path| keeps(path)) {
                let _ = write_file(path, &render(command, reason));
            }
        }
    }

    /// Each format that is asked for, in the order of the fields.
    fn each(
        &self,
        of: &mut dyn FnMut(&'static str, &Path, Renderer<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let distribution = |what: Rendered<'_>| self.distribution(what);
        let formats: [(&'static str, &Option<PathBuf>, Renderer<'_>); 11] = [
            ("--html", &self.html, &|it| {
                Ok(it.any(html::render, html::render_comparison, html::render_runs))
            }),
            ("--markdown", &self.markdown, &|it| {
                Ok(it.any(markdown::run, markdown::comparison, markdown::runs))
            }),
            ("--junit", &self.junit, &|it| {
                it.one("--junit", junit::run, junit::comparison)
            }),
            ("--csv", &self.csv, &|it| Ok(csv::long(it.run("--csv")?))),
            ("--csv-wide", &self.csv_wide, &|it| {
                Ok(csv::wide(it.run("--csv-wide")?))
            }),
            ("--hlog", &self.hlog, &|it| {
                Ok(hlog::render(it.run("--hlog")?))
            }),
            ("--hgrm", &self.hgrm, &distribution),
            ("--openmetrics", &self.openmetrics, &|it| {
                Ok(openmetrics::render(it.run("--openmetrics")?))
            }),
            ("--benchmark-smaller", &self.benchmark_smaller, &|it| {
                Ok(benchmark_action::smaller(it.run("--benchmark-smaller")?))
            }),
            ("--benchmark-larger", &self.benchmark_larger, &|it| {
                Ok(benchmark_action::larger(it.run("--benchmark-larger")?))
            }),
            ("--bencher", &self.bencher, &|it| {
                Ok(bencher::render(it.run("--bencher")?))
            }),
        ];
        for (option, path, render) in formats {
            if let Some(path) = path {
                of(option, path, render)?;
            }
        }
        Ok(())
    }

    fn distribution(&self, what: Rendered<'_>) -> Result<String, Failure> {
        let document = what.run("--hgrm")?;
        let known = hgrm::metrics(document);
        let first = known.first().map_or("", String::as_str);
        let metric = self.hgrm_of.as_deref().unwrap_or(first);
        hgrm::render(document, metric)
            .ok_or_else(|| anyhow!("--hgrm-of {metric}: the run has {}", known.join(", ")))
            .or_exit(Exit::Usage)
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if is_stdout(path) {
        return exit::print(text);
    }
    write_file(path, text).or_exit(Exit::Failed)
}

/// Returns whether a file keeps what is written to it until more is. A pipe is not waited for, and its reader gets one text.
pub(crate) fn keeps(path: &Path) -> bool {
    !is_stdout(path) && path.metadata().map_or(true, |it| it.is_file())
}

fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}
