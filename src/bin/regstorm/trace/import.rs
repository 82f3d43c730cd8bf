//! `regstorm trace import`: logs become a trace.

use std::io::{self, BufWriter, Seek as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use regstorm::files::ResolvedPath;
use regstorm::report::text;
use regstorm::trace::{Format, ImportError, ImportOptions, Importer, Log, Summary};
use regstorm::units;

use crate::exit::{self, Exit, Failure, OrExit as _};
use crate::names_args::NamesArgs;
use crate::{apart, summary};

/// Make a trace of logs
///
/// The format of each log is recognised by its first lines. Logs may be packed with gzip or zstd, be in any order, and overlap;
/// lines that stand in what docker, Kubernetes, syslog or compose write around them are taken out of it. Memory does not grow
/// with the logs: requests are sorted in temporary files beside the trace, which take about as much room as the trace twice.
///
/// Lines that cannot be read are counted, and the first ones shown. Names of clients, repositories, tags, digests and uploads
/// become pseudonyms by a key; query strings and credentials are not kept.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  regstorm trace import registry.log --out registry.trace\n  regstorm trace import access.log.*.gz --key-file key --out week.trace\n  kubectl logs deploy/registry | regstorm trace import - --out registry.trace\n  regstorm trace import access.log --format '$remote_addr [$time_local] \"$request\" $status $request_time' --out a.trace"
)]
pub(crate) struct Args {
    /// Logs; `-` is standard input
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// Trace to write
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    out: PathBuf,
    /// Errors only: no summary
    #[arg(long, short, help_heading = "Results")]
    quiet: bool,
    /// Format of the logs, or a format string of nginx [default: recognised by the first lines of each]
    ///
    /// Formats: distribution-json, distribution-text, zot, gitlab, artifactory, alb, s3, cloudtrail, fast18, nexus, quay,
    /// ingress-nginx, harbor, combined, common.
    #[arg(long, value_name = "FORMAT", help_heading = "Logs")]
    format: Option<String>,
    #[command(flatten)]
    names: NamesArgs,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let (place, options) = prepare(args).or_exit(Exit::Usage)?;
    let directory = place.directory().path().to_owned();
    let spill = || tempfile::tempfile_in(&directory);
    let beside = |error| cannot_write(&args.out, &error);
    let mut importer = Importer::new(options, spill().map_err(beside)?).map_err(failed)?;
    for path in &args.logs {
        let log = open(path).or_exit(Exit::Usage)?;
        importer.read(log).map_err(failed)?;
    }
    // Beside its place first: what is there stays until all is written.
    let to = BufWriter::new(spill().map_err(beside)?);
    let (to, made) = importer.finish(to, &spill).map_err(failed)?;
    let mut whole = to.into_inner().map_err(|it| beside(it.into_error()))?;
    whole.rewind().map_err(beside)?;
    place
        .write_with(|file| io::copy(&mut whole, file).map(drop))
        .map_err(beside)?;
    report(args, &made)?;
    Ok(Exit::Passed)
}

/// Whatever can be wrong before a log is read.
fn prepare(args: &Args) -> anyhow::Result<(ResolvedPath, ImportOptions)> {
    if args.out == Path::new("-") {
        return Err(anyhow!("--out -: a trace is a file: name one"));
    }
    let mut inputs: Vec<&Path> = args.logs.iter().map(PathBuf::as_path).collect();
    inputs.extend(args.names.key_file.as_deref());
    apart::check(&[("--out", &args.out)], &inputs)?;
    if args.logs.iter().filter(|it| *it == Path::new("-")).count() > 1 {
        return Err(anyhow!("standard input is read once: give `-` once"));
    }
    if let Some(link) = exit::check_writable("--out", &args.out)? {
        exit::note(&link);
    }
    let place = ResolvedPath::find(&args.out)?;
    let options = ImportOptions {
        formats: args.format.as_deref().map_or(Ok(Vec::new()), formats)?,
        key: args.names.key()?,
        keep_names: args.names.keep_names,
        session_gap: args.names.session_gap(),
    };
    Ok((place, options))
}

/// The formats of a name, or the one of a format string.
fn formats(text: &str) -> anyhow::Result<Vec<Format>> {
    if text.contains('$') {
        return Ok(vec![Format::of_nginx(text)?]);
    }
    let found = Format::of_name(text);
    if found.is_empty() {
        let names = Format::names();
        return Err(anyhow!(
            "--format {}: there is no such format; there are {}, or a format string of nginx with `$request` and `$status`",
            units::foreign_words(text, 60),
            names.join(", ")
        ));
    }
    Ok(found)
}

fn open(path: &Path) -> anyhow::Result<Log> {
    if path == Path::new("-") {
        return Ok(Log::new("standard input", io::stdin()));
    }
    Log::open(path).with_context(|| format!("cannot read the log {}", path.display()))
}

fn failed(error: ImportError) -> Failure {
    let exit = match error {
        ImportError::Spill(_) => Exit::Failed,
        _ => Exit::Usage,
    };
    Failure::new(exit, error)
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let error = anyhow!("cannot write the trace {}: {error}", path.display());
    Failure::new(Exit::Failed, error)
}

fn report(args: &Args, made: &Summary) -> Result<(), Failure> {
    if args.quiet {
        return Ok(());
    }
    summary::show(false, |width, colour| {
        text::imported(made, width, colour, &args.out)
    })
}
