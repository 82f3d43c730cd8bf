//! `regstorm serve`: the embedded registry, on its own, until Ctrl-C.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use regstorm::embedded::{
    Auth, AuthScheme, Counts, EmbeddedError, Fault, Quirk, Registry, Settings, Storage, load_faults,
};
use regstorm::files::ResolvedPath;
use regstorm::units::{self, ByteSize, Credentials};
use tokio::sync::watch;

use crate::choice::one_of;
use crate::exit::{self, Exit, Failure, OrExit as _};
use crate::scenario_file;
use crate::signals::{self, Reaction};
use crate::source::read_text;
use crate::user_args::UserArgs;

const FAULTS: &str = r#"Fault file:
  seed = 42                             # of all random draws

  [[fault]]
  operation = "blob-get"                # by its name in reports, or "*"
  status = 503                          # refuse the request
  # code = "TOOMANYREQUESTS"            # code in the error body
  # retry_after = "2s"                  # Retry-After
  every = 3                             # without it, every request
  # probability = 0.1                   # in place of `every`
  after = 10                            # from the 11th such request on,
  for = 100                             # for 100 of them

  [[fault]]                             # one effect for each fault; others:
  operation = "*"
  delay = "200ms"                       # before the response
  # rate = "2MiB"                       # bytes a second
  # reset = "1MiB"                      # TCP reset after so much of the body, or "head"
  # close = "64KiB"                     # close after so much of the body, or "head"
  # stall = "10s"                       # or "forever"; with at = "64KiB" or "head"
  # corrupt = "100B"                    # one wrong byte at this offset
  # freeze = "1s"                       # the whole registry

  [[fault]]                             # random lengths, of delay and stall
  operation = "blob-get"
  delay = { min = "5ms", max = "50ms" } # uniform
  # delay = { mean = "20ms", max = "1s" }       # exponential
  # delay = { median = "20ms", sigma = 0.8, max = "1s" }    # log-normal

All keys: `regstorm schema faults`"#;

/// Run the embedded registry until Ctrl-C
///
/// A small registry in memory: a target for first runs, and for scripted faults.
#[derive(Debug, clap::Args)]
#[command(after_help = FAULTS)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct Args {
    /// Address to listen on; port 0 picks a free port
    #[arg(long, default_value = "127.0.0.1:5000", value_name = "IP:PORT", value_parser = address)]
    listen: SocketAddr,

    /// Path in front of /v2/, such as /link/to/registry
    #[arg(long, default_value = "", value_name = "PATH")]
    base_path: String,

    /// TLS, with HTTP/2 for clients that choose it; a new CA signs the certificate at each start
    #[arg(long)]
    tls: bool,

    /// Output file for the CA of --tls (PEM), for `--ca` of pull and push and `ca` of scenarios
    #[arg(long, value_name = "FILE", default_value = "regstorm-ca.pem")]
    ca_out: PathBuf,

    /// Fault file (TOML); its keys are listed below
    #[arg(long, value_name = "FILE", help_heading = "Behaviour")]
    faults: Option<PathBuf>,

    /// Storage of blobs
    #[arg(long, default_value = "memory", value_parser = one_of(Storage::WORDS, Storage::meaning), help_heading = "Behaviour")]
    storage: Storage,

    /// Limit for stored content
    #[arg(
        long,
        default_value = "4GiB",
        value_name = "SIZE",
        help_heading = "Behaviour"
    )]
    max_memory: ByteSize,

    #[command(flatten, next_help_heading = "Authentication")]
    user: UserArgs,

    /// Authentication scheme for --user
    #[arg(long, default_value = "basic", requires = "user", value_parser = one_of(with_user(), AuthScheme::meaning), help_heading = "Authentication")]
    auth: AuthScheme,

    /// Lifetime of a bearer token
    #[arg(long, default_value = "60s", value_parser = units::parse_duration, value_name = "TIME", help_heading = "Authentication")]
    token_lifetime: Duration,

    /// Respond with 404 to a POST for a token, as token services without POST do
    #[arg(long, requires = "user", help_heading = "Authentication")]
    no_token_post: bool,

    /// Omit the lifetime from token responses
    #[arg(long, requires = "user", help_heading = "Authentication")]
    no_token_expiry: bool,

    /// Grant pull tokens without credentials
    #[arg(long, requires = "user", help_heading = "Authentication")]
    anonymous_pull: bool,

    /// Redirect blob requests to a storage address, as registries on object storage do
    #[arg(long, help_heading = "Behaviour")]
    redirect_blobs: bool,

    /// Accept manifests that reference missing blobs and manifests
    #[arg(long, help_heading = "Behaviour")]
    sparse_manifests: bool,
}

/// Serves until it is interrupted, which is the normal end.
pub(crate) fn run(args: Args) -> Result<Exit, Failure> {
    let ca_out = args.ca_out.clone();
    let faults = match args.faults.as_deref().map(faults).transpose()? {
        None => Vec::new(),
        Some(Some(faults)) => faults,
        Some(None) => return Ok(Exit::Usage),
    };
    let settings = Settings {
        faults,
        ..settings(args)?
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .or_exit(Exit::Defect)?;
    runtime.block_on(async {
        // Listened for before the address is printed: who reads the address may send the signal at once.
        let (end, mut ended) = watch::channel(());
        signals::on_interrupt(move |count| {
            end.send_replace(());
            if count == 1 {
                Reaction::Ends
            } else {
                Reaction::EndsOr("interrupted")
            }
        });
        let registry = Registry::start(settings).map_err(|error| {
            let exit = match &error {
                EmbeddedError::Listen { .. }
                | EmbeddedError::BasePath(_)
                | EmbeddedError::Clock => Exit::Usage,
                _ => Exit::Defect,
            };
            Failure::new(exit, error)
        })?;
        if let Some(ca) = registry.ca() {
            let name = ca_out.display();
            ResolvedPath::find(&ca_out)
                .and_then(|place| place.write(ca.as_bytes()))
                .with_context(|| format!("cannot write the CA's certificate to {name}"))
                .or_exit(Exit::Usage)?;
            exit::print(&format!("{}\nCA certificate: {name}\n", registry.url()))?;
        } else {
            exit::print(&format!("{}\n", registry.url()))?;
        }
        // The sender outlives this.
        let _ = ended.changed().await;
        exit::print(&format!("{}\n", summary(&registry.counts())))?;
        Ok(Exit::Passed)
    })
}

/// The schemes with a user; without `--user` the registry is open.
fn with_user() -> impl Iterator<Item = &'static (&'static str, AuthScheme)> {
    let words = AuthScheme::WORDS.iter();
    words.filter(|(_, scheme)| *scheme != AuthScheme::Open)
}

/// A name is not looked up: it may stand for several addresses, and one is listened on.
pub(crate) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "write an IP address and a port, such as 127.0.0.1:5000")
}

/// Reads a fault file. Its problems are printed here; then there is none.
fn faults(path: &Path) -> Result<Option<Vec<Fault>>, Failure> {
    let name = path.display().to_string();
    let text = read_text(path)
        .with_context(|| format!("cannot read the faults in {name}"))
        .or_exit(Exit::Usage)?;
    match load_faults(&text, &name) {
        Ok(faults) => Ok(Some(faults)),
        Err(problems) => {
            scenario_file::tell(&problems, "nothing was served");
            Ok(None)
        }
    }
}

fn settings(args: Args) -> Result<Settings, Failure> {
    Ok(Settings {
        listen: args.listen,
        tls: args.tls,
        storage: args.storage,
        max_bytes: args.max_memory,
        quirks: quirks(&args),
        auth: auth(&args)?,
        base_path: args.base_path,
        ..Settings::default()
    })
}

fn quirks(args: &Args) -> Vec<Quirk> {
    let wished = [
        (args.redirect_blobs, Quirk::RedirectBlobs),
        (args.sparse_manifests, Quirk::SparseManifests),
        (args.no_token_post, Quirk::NoTokenPost),
        (args.no_token_expiry, Quirk::NoTokenExpiry),
    ];
    let wished = wished.into_iter().filter(|(wished, _)| *wished);
    wished.map(|(_, quirk)| quirk).collect()
}

/// Who is let in: everyone, or the one user that was named.
fn auth(args: &Args) -> Result<Auth, Failure> {
    let credentials = args.user.clone().credentials().or_exit(Exit::Usage)?;
    let (user, password) = match credentials {
        Some(Credentials::Password { username, password }) => (username, password),
        // No option takes an identity token.
        Some(Credentials::IdentityToken(_)) | None => return Ok(Auth::Open),
    };
    let mut auth = args.auth.with_user(user, password, args.token_lifetime);
    if let Auth::Bearer { anonymous_pull, .. } = &mut auth {
        *anonymous_pull = args.anonymous_pull;
    }
    Ok(auth)
}

fn summary(counts: &Counts) -> String {
    let refused: u64 = counts
        .exchanges
        .iter()
        .filter(|((_, status), _)| *status >= 400)
        .map(|(_, count)| count)
        .sum();
    let turned_away = match counts.turned_away {
        0 => String::new(),
        some => format!(
            ", {} turned away for want of descriptors",
            units::count(some)
        ),
    };
    format!(
        "{} requests, {refused} of them refused, {} unanswered · {} connections{turned_away} · {} in, {} out · {} blobs in {} repositories",
        units::count(counts.requests),
        units::count(counts.unanswered),
        units::count(counts.connections),
        units::bytes(counts.received),
        units::bytes(counts.sent),
        units::count(counts.blobs),
        units::count(counts.repositories),
    )
}
