//! `regstorm trace import`: logs become a trace.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use regstorm::report::text;
use regstorm::trace::{Format, ImportError, ImportOptions, Importer, Log, Summary};
use regstorm::units;

use crate::exit::{Exit, Failure, OrExit as _};
use crate::names_args::NamesArgs;
use crate::summary;
use crate::trace_file::TraceFile;

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
    let (out, options) = prepare(args).or_exit(Exit::Usage)?;
    let failed = |error| failed(&out, error);
    let spill = out.spill().map_err(|error| out.cannot_write(&error))?;
    let mut importer = Importer::new(options, spill).map_err(failed)?;
    for path in &args.logs {
        let log = open(path).or_exit(Exit::Usage)?;
        importer.read(log).map_err(failed)?;
    }
    let made = out.write(|to| importer.finish(to, &|| out.spill()));
    report(args, &made.map_err(failed)?)?;
    Ok(Exit::Passed)
}

/// Whatever can be wrong before a log is read.
fn prepare(args: &Args) -> anyhow::Result<(TraceFile, ImportOptions)> {
    let mut inputs: Vec<&Path> = args.logs.iter().map(PathBuf::as_path).collect();
    inputs.extend(args.names.key_file.as_deref());
    let out = TraceFile::prepare(&args.out, &[], &inputs)?;
    if args.logs.iter().filter(|it| *it == Path::new("-")).count() > 1 {
        return Err(anyhow!("standard input is read once: give `-` once"));
    }
    let options = ImportOptions {
        formats: args.format.as_deref().map_or(Ok(Vec::new()), formats)?,
        trace: args.names.options()?,
    };
    Ok((out, options))
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

fn failed(out: &TraceFile, error: ImportError) -> Failure {
    match error {
        ImportError::Spill(error) => out.cannot_write(&error),
        error => Failure::new(Exit::Usage, error),
    }
}

fn report(args: &Args, made: &Summary) -> Result<(), Failure> {
    if args.quiet {
        return Ok(());
    }
    summary::show(false, |width, colour| {
        text::imported(made, width, colour, &args.out)
    })
}
