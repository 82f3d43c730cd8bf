//! `regstorm serve`: the embedded registry, on its own, until Ctrl-C.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use regstorm::embedded::{
    Auth, Counts, EmbeddedError, Quirk, Registry, Settings, Storage, parse_faults,
};
use regstorm::units::{self, ByteSize, Secret};
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::{Exit, Failure, OrExit as _};

/// Run a small registry in memory: something to aim at, to calibrate against, or to script faults into.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:5000", value_name = "IP:PORT")]
    listen: SocketAddr,

    /// A path in front of /v2/, such as /link/to/registry.
    #[arg(long, default_value = "", value_name = "PATH")]
    base_path: String,

    /// Script faults from a TOML file.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,

    /// Keep blobs in memory, or keep only their digests and sizes.
    #[arg(long, value_enum, default_value_t = Keep::Memory)]
    storage: Keep,

    /// The most bytes that content may hold.
    #[arg(long, default_value = "4GiB", value_name = "SIZE")]
    max_memory: ByteSize,

    /// Let only this user in. Prefer --password-env or --password-file to a password on the command line.
    #[arg(long, value_name = "NAME[:PASSWORD]", value_parser = user)]
    user: Option<User>,

    /// Read the user's password from this environment variable.
    #[arg(
        long,
        value_name = "VARIABLE",
        requires = "user",
        conflicts_with = "password_file"
    )]
    password_env: Option<String>,

    /// Read the user's password from the first line of this file.
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,

    /// How the user proves who they are.
    #[arg(long, value_enum, default_value_t = Scheme::Basic, requires = "user")]
    auth: Scheme,

    /// How long a bearer token is good for.
    #[arg(long, default_value = "60s", value_parser = units::parse_duration, value_name = "TIME")]
    token_lifetime: Duration,

    /// Let anyone fetch a token to pull with.
    #[arg(long, requires = "user")]
    anonymous_pull: bool,

    /// Answer blobs with a redirect to a storage address, as registries on object storage do.
    #[arg(long)]
    redirect_blobs: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Keep {
    Memory,
    Sink,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Scheme {
    Basic,
    Bearer,
}

#[derive(Debug, Clone)]
struct User {
    name: String,
    password: Option<Secret>,
}

/// Splits off the password at once, so that no later message can show it.
#[expect(clippy::unnecessary_wraps, reason = "the shape that clap calls for")]
fn user(text: &str) -> Result<User, std::convert::Infallible> {
    Ok(match text.split_once(':') {
        Some((name, password)) => User {
            name: name.to_owned(),
            password: Some(Secret::new(password)),
        },
        None => User {
            name: text.to_owned(),
            password: None,
        },
    })
}

/// Serves until it is interrupted, which is the normal end.
pub(crate) fn run(args: Args) -> Result<Exit, Failure> {
    let settings = settings(args)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .or_exit(Exit::Defect)?;
    runtime.block_on(async {
        // Listened for before the address is printed: who reads the address may send the signal at once.
        let mut interrupt = signal(SignalKind::interrupt()).or_exit(Exit::Defect)?;
        let mut terminate = signal(SignalKind::terminate()).or_exit(Exit::Defect)?;
        let registry = Registry::start(settings).map_err(|error| {
            let exit = match &error {
                EmbeddedError::Listen { .. } | EmbeddedError::BasePath(_) => Exit::Usage,
                _ => Exit::Defect,
            };
            Failure::new(exit, error)
        })?;
        say(&registry.url())?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        say(&summary(&registry.counts()))?;
        Ok(Exit::Passed)
    })
}

fn settings(args: Args) -> Result<Settings, Failure> {
    let faults = match &args.faults {
        None => Vec::new(),
        Some(path) => {
            let name = path.display();
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the faults in {name}"))
                .or_exit(Exit::Usage)?;
            parse_faults(&text)
                .map_err(|error| anyhow!("{name}: {error}"))
                .or_exit(Exit::Usage)?
        }
    };
    Ok(Settings {
        listen: args.listen,
        storage: match args.storage {
            Keep::Memory => Storage::Memory,
            Keep::Sink => Storage::Sink,
        },
        max_bytes: args.max_memory,
        quirks: if args.redirect_blobs {
            vec![Quirk::RedirectBlobs]
        } else {
            Vec::new()
        },
        auth: auth(&args)?,
        base_path: args.base_path,
        faults,
        ..Settings::default()
    })
}

fn auth(args: &Args) -> Result<Auth, Failure> {
    let Some(User {
        name: user,
        password,
    }) = args.user.clone()
    else {
        return Ok(Auth::Open);
    };
    let password = match (password, elsewhere(args)?) {
        (Some(password), None) | (None, Some(password)) => password,
        (None, None) => {
            let error =
                anyhow!("user `{user}` has no password: give --password-env or --password-file");
            return Err(Failure::new(Exit::Usage, error));
        }
        (Some(_), Some(_)) => {
            let error =
                anyhow!("user `{user}` has two passwords: leave out the one behind the name");
            return Err(Failure::new(Exit::Usage, error));
        }
    };
    Ok(match args.auth {
        Scheme::Basic => Auth::Basic { user, password },
        Scheme::Bearer => Auth::Bearer {
            user,
            password,
            token_lifetime: args.token_lifetime,
            anonymous_pull: args.anonymous_pull,
        },
    })
}

/// The password, if it does not stand on the command line.
fn elsewhere(args: &Args) -> Result<Option<Secret>, Failure> {
    if let Some(path) = &args.password_file {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the password in {}", path.display()))
            .or_exit(Exit::Usage)?;
        return Ok(Some(Secret::new(text.lines().next().unwrap_or_default())));
    }
    let Some(variable) = &args.password_env else {
        return Ok(None);
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "the binary reads the environment"
    )]
    let value = std::env::var(variable)
        // The error of a value that is not UTF-8 would show the value.
        .map_err(|_| anyhow!("the environment variable {variable} is not set, or is not text"))
        .or_exit(Exit::Usage)?;
    Ok(Some(Secret::new(value)))
}

fn summary(counts: &Counts) -> String {
    let refused: u64 = counts
        .exchanges
        .iter()
        .filter(|((_, status), _)| *status >= 400)
        .map(|(_, count)| count)
        .sum();
    format!(
        "{} requests, {refused} of them refused, {} unanswered · {} connections · {} in, {} out · {} blobs in {} repositories",
        units::count(counts.requests),
        units::count(counts.unanswered),
        units::count(counts.connections),
        units::bytes(counts.received),
        units::bytes(counts.sent),
        units::count(counts.blobs),
        units::count(counts.repositories),
    )
}

fn say(line: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .or_exit(Exit::Defect)
}
