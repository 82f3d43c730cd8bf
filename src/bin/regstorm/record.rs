//! `regstorm record`: a proxy in front of a registry that makes a trace of what its clients request.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use regstorm::files::ResolvedPath;
use regstorm::recorder::{Recorded, Recorder, RecorderError, Settings, Stop};
use regstorm::registry::Base;
use regstorm::trace::Recording;
use regstorm::transport::{Origin, Route};
use regstorm::units::count;
use tokio::sync::watch;

use crate::exit::{self, Exit, Failure, OrExit as _};
use crate::names_args::NamesArgs;
use crate::serve::address;
use crate::signals::{self, Reaction};
use crate::tls_args::TlsArgs;
use crate::trace_file::TraceFile;
use crate::{preflight, recorded};

/// Record the requests of real clients in a trace
///
/// A proxy: point a client at the address it listens on, in place of the registry. Bodies pass as they come and are not stored.
/// Credentials pass and are not recorded. Absolute URLs of the registry in `Location`, `Link` and token realms are changed to lead
/// back through the proxy; those of other hosts stay, and what clients request there is not recorded.
///
/// Ctrl-C ends it: requests under way are finished, a second Ctrl-C cuts them, and the trace is written.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  regstorm record --target http://127.0.0.1:5000 --out pull.trace\n  skopeo copy --src-tls-verify=false docker://127.0.0.1:5001/lab/web:1 dir:web\n  regstorm record --target https://registry.example.com --tls --listen 10.0.0.7:443 --out day.trace"
)]
pub(crate) struct Args {
    /// URL of the registry: http[s]://HOST[:PORT]
    #[arg(long, value_name = "URL")]
    target: String,

    /// Address to listen on; port 0 picks a free port
    #[arg(long, default_value = "127.0.0.1:5001", value_name = "IP:PORT", value_parser = address)]
    listen: SocketAddr,

    /// Trace to write
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    out: PathBuf,

    /// Errors only: no summary
    #[arg(long, short, help_heading = "Results")]
    quiet: bool,

    /// TLS with clients; a new CA signs the certificate at each start
    #[arg(long, help_heading = "Clients")]
    tls: bool,

    /// Output file for the CA of --tls (PEM), which clients have to trust
    #[arg(
        long,
        value_name = "FILE",
        default_value = "regstorm-ca.pem",
        help_heading = "Clients"
    )]
    ca_out: PathBuf,

    /// Further name or address in the certificate of --tls, by which clients connect; repeatable
    #[arg(long, value_name = "NAME", requires = "tls", help_heading = "Clients")]
    tls_name: Vec<String>,

    #[command(flatten, next_help_heading = "Registry")]
    target_tls: TlsArgs,

    #[command(flatten)]
    names: NamesArgs,
}

/// Records until it is interrupted, which is the normal end.
pub(crate) fn run(args: Args) -> Result<Exit, Failure> {
    let out = prepare(&args).or_exit(Exit::Usage)?;
    let options = args.names.options().or_exit(Exit::Usage)?;
    let settings = Settings {
        listen: args.listen,
        most_connections: most_connections().or_exit(Exit::Usage)?,
        tls: args.tls,
        names: args.tls_name.clone(),
        target: target(&args.target).or_exit(Exit::Usage)?,
        route: Route {
            tls: args.target_tls.resolve().or_exit(Exit::Usage)?,
            ..Route::default()
        },
    };
    let recording = out
        .spill()
        .and_then(|spill| {
            let mut recording = Recording::new(options, spill)?;
            recording.keep_room(out.spill()?)?;
            Ok(recording)
        })
        .map_err(|error| out.cannot_write(&error))?;
    // Listened for before the address is printed: who reads the address may send the signal at once.
    let (end, stop) = watch::channel(Stop::No);
    signals::on_interrupt(move |count| interrupted(&end, count));
    let recorder = Recorder::bind(settings).map_err(cannot_start)?;
    if let Some(ca) = recorder.ca() {
        let name = args.ca_out.display();
        ResolvedPath::find(&args.ca_out)
            .and_then(|place| place.write(ca.as_bytes()))
            .with_context(|| format!("cannot write the CA's certificate to {name}"))
            .or_exit(Exit::Usage)?;
        exit::print(&format!("{}\nCA certificate: {name}\n", recorder.url()))?;
    } else {
        exit::print(&format!("{}\n", recorder.url()))?;
    }
    let url = recorder.url();
    let Recorded {
        recording,
        tally,
        full,
    } = recorder.run(recording, &stop);
    if tally.requests == 0 {
        let text = recorded::nothing(&tally, &url);
        return Err(Failure::new(Exit::Failed, anyhow!(text)));
    }
    let made = out
        .write_at_once(|to| recording.finish(to, &|| out.spill()))
        .map_err(|error| out.lost(&error, tally.requests))?;
    if !args.quiet {
        exit::print(&recorded::summary(&tally, &made, &args.out))?;
    }
    match full {
        None => Ok(Exit::Passed),
        Some(error) => {
            let text = recorded::full(&error, &args.out);
            Err(Failure::new(Exit::Failed, anyhow!(text)))
        }
    }
}

/// The most connections of clients, each of which has another one behind it: as many as the process may open, and no more than
/// one thread serves well.
fn most_connections() -> anyhow::Result<NonZeroUsize> {
    const MOST: u64 = 1000;
    /// Files that are open besides.
    const OWN: u64 = 64;
    let limits = preflight::open_as_many_files_as_allowed()?;
    let files = limits.open_files_hard.or(limits.open_files_soft);
    let files = files.unwrap_or(u64::MAX);
    let most = (files.saturating_sub(OWN) / 2).min(MOST);
    let advice = format!(
        "raise the limit of open files to {} (ulimit -Hn)",
        2 * MOST + OWN
    );
    if most < MOST {
        let files = count(files);
        if most > 0 {
            exit::note(&format!(
                "{most} connections of clients at once, since this process may open {files} files; {advice}"
            ));
        } else {
            return Err(anyhow!("this process may open {files} files: {advice}"));
        }
    }
    let most = usize::try_from(most).ok().and_then(NonZeroUsize::new);
    most.context("no connection fits")
}

fn interrupted(end: &watch::Sender<Stop>, count: u32) -> Reaction {
    match count {
        1 => {
            end.send_replace(Stop::Finish);
            Reaction::Tell("requests under way are finished; a second Ctrl-C cuts them")
        }
        2 => {
            end.send_replace(Stop::Cut);
            Reaction::Ends
        }
        _ => Reaction::Leave("interrupted: the trace was not written"),
    }
}

/// Whatever can be wrong with the files of the command.
fn prepare(args: &Args) -> anyhow::Result<TraceFile> {
    let ca_out: &[(&str, &Path)] = if args.tls {
        &[("--ca-out", &args.ca_out)]
    } else {
        &[]
    };
    let mut inputs: Vec<&Path> = args.names.key_file.as_deref().into_iter().collect();
    inputs.extend(args.target_tls.files());
    TraceFile::prepare(&args.out, ca_out, &inputs)
}

/// The origin of the registry. Clients know no path in front of `/v2/`.
fn target(url: &str) -> anyhow::Result<Origin> {
    // `localhost:5000` would be read as a URL of the scheme `localhost`.
    if !url.contains("://") && !url.contains('@') {
        return Err(anyhow!(
            "--target {url}: write the URL with its scheme, such as http://localhost:5000"
        ));
    }
    let base = Base::parse(url).context("--target")?;
    if base.path() != "/" {
        return Err(anyhow!(
            "--target {base}: clients know no path in front of /v2/; leave out `{}`",
            base.path()
        ));
    }
    Ok(base.origin().clone())
}

fn cannot_start(error: RecorderError) -> Failure {
    let exit = match error {
        RecorderError::Listen { .. } | RecorderError::Certificate(_) | RecorderError::Clock => {
            Exit::Usage
        }
        RecorderError::Runtime(_) => Exit::Defect,
    };
    Failure::new(exit, error)
}
