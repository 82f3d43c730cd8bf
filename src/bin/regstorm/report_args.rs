//! Where a result goes, in which formats, and whether it is shown.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use regstorm::report::text;
use regstorm::result::{Document, Preparation, Stored};
use regstorm::units;

use crate::exit::{self, Exit, Failure, OrExit};
use crate::outputs::{self, OutputArgs};
use crate::summary;

/// Where a result goes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Results")]
pub(crate) struct ReportArgs {
    /// Result file (JSON); `-` writes the result to standard output and the summary to standard error
    ///
    /// regstorm writes through symbolic links, here and in every option that names an output file. It refuses a link, pipe or
    /// device that another user put into a directory that others can write to.
    #[arg(long, value_name = "FILE", overrides_with = "out")]
    out: Option<PathBuf>,
    /// Errors only: no progress, no summary
    #[arg(long, short)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    outputs: OutputArgs,
    /// Whether a result was written.
    #[arg(skip)]
    has_result: Cell<bool>,
}

impl ReportArgs {
    /// Does a command's work, whose Markdown and JUnit files exist afterwards whatever happened: from its begin they say that
    /// there is no result, and then why. None of `inputs` is written over.
    pub(crate) fn with_summary(
        &self,
        command: &str,
        inputs: &[PathBuf],
        work: impl FnOnce() -> Result<Exit, Failure>,
    ) -> Result<Exit, Failure> {
        self.check_writable(inputs)?;
        self.outputs
            .write_no_result(command, "The command was ended before it had a result.");
        let ended = work();
        let reason = match &ended {
            Err(failure) => failure.to_string(),
            Ok(_) => "The usage was wrong: standard error says how.".to_owned(),
        };
        if !self.has_result.get() {
            self.outputs.write_no_result(command, &reason);
        }
        ended
    }

    /// Checks that there is a directory for everything that is to be written: before an hour of load, not after.
    fn check_writable(&self, inputs: &[PathBuf]) -> Result<(), Failure> {
        self.check_apart(inputs)?;
        if let Some(path) = self.file() {
            let link = exit::check_writable("--out", path).or_exit(Exit::Usage)?;
            link.filter(|_| !self.quiet)
                .iter()
                .for_each(|it| exit::note(it));
        }
        let to_stdout = usize::from(self.out.is_some() && self.file().is_none());
        self.outputs.check_stdout(to_stdout)?;
        self.outputs.check_writable(self.quiet)
    }

    /// Checks that each result is a file of its own, and none of the files that are read.
    fn check_apart(&self, inputs: &[PathBuf]) -> Result<(), Failure> {
        let out = self.file().map(|path| ("--out", path));
        self.outputs.check_apart(out.as_slice(), inputs)
    }

    /// Refuses formats that are of one run, for what will be a comparison.
    pub(crate) fn check_comparison(&self) -> Result<(), Failure> {
        self.outputs.check_comparison()
    }

    /// Stores a result, writes it in other formats, and shows it.
    pub(crate) fn finish(&self, result: &Stored) -> Result<(), Failure> {
        // It is stored before anything else can go wrong.
        let stored = match (&self.out, self.file()) {
            (None, _) => Ok(()),
            (Some(_), None) => exit::print(&result.to_json()),
            (_, Some(path)) => result.save(path).or_exit(Exit::Failed),
        };
        self.has_result.set(true);
        let written = self.outputs.write(result.into());
        if !self.quiet {
            let to_stdout = self.out.is_some() && self.file().is_none();
            show(result, to_stdout || self.outputs.use_stdout(), self.file())?;
        }
        stored.and(written)
    }

    /// Stores the result of a run that is not over, into a file that keeps it until more is written. What cannot be written is told
    /// of when the run is over.
    pub(crate) fn keep(&self, document: &Document) {
        if let Some(path) = self.file().filter(|path| outputs::keeps(path)) {
            let _ = document.save(path);
        }
    }

    /// Stores what a shard has prepared that will not run, where its report would be, and returns what to tell of that.
    pub(crate) fn leave(&self, preparation: &Preparation) -> String {
        let images = units::number_of(preparation.images, "image");
        let stay =
            format!("left in the target, for the other shards: {images} that shard 0 has prepared");
        let Some(path) = self.file() else {
            return format!("{stay}; no file says what to delete (--out FILE)");
        };
        let file = path.display();
        match preparation.save(path) {
            Ok(()) => format!(
                "{stay}; {file} says what to delete, for `regstorm clean-up SCENARIO {file}` or `regstorm run --prepared {file}`"
            ),
            Err(error) => format!("{stay}; no file says what to delete: {error}"),
        }
    }

    /// The file, where it is not standard output.
    fn file(&self) -> Option<&Path> {
        self.out.as_deref().filter(|path| *path != Path::new("-"))
    }
}

/// Prints the summary of a result that is stored there.
pub(crate) fn show(
    result: &Stored,
    to_stderr: bool,
    saved_as: Option<&Path>,
) -> Result<(), Failure> {
    summary::show(to_stderr, |width, colour| match result {
        Stored::Run(document) => text::summary(document, width, colour, saved_as),
        Stored::Comparison(comparison) => text::comparison(comparison, width, colour, saved_as),
    })
}
