//! Where a registry is and who asks: the arguments that `pull` and `push` share.

use std::convert::Infallible;
use std::io::BufRead as _;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use http::{HeaderMap, HeaderName, HeaderValue};
use regstorm::registry::{Base, Client, Observer, Settings};
use regstorm::transport::{Pool, PoolSettings};
use regstorm::units::{self, Credentials, Secret};

use crate::exit::{Exit, Failure, OrExit as _};

/// What is said of the argument that has another place in each command.
pub(crate) const URL_HELP: &str =
    "The registry, with whatever path stands in front of /v2/: http://HOST[:PORT][/PATH]";

const USER_HELP: &str =
    "The user; the password comes from REGSTORM_PASSWORD or from one of the options below";
const USER_LONG_HELP: &str = "\
The user; the password comes from REGSTORM_PASSWORD or from one of the options below

NAME:PASSWORD works too, but then everyone on this machine can see the password in the list of processes.";

/// The variable that a password is taken from when no option says where it is.
const PASSWORD_VARIABLE: &str = "REGSTORM_PASSWORD";

/// The most bytes of a password; a file that is longer is another file.
const MAX_PASSWORD: u64 = 64 * 1024;

/// Headers that say how a request is framed or which bytes it asks for: not the user's to set.
const OWN_HEADERS: [HeaderName; 6] = [
    http::header::HOST,
    http::header::CONNECTION,
    http::header::CONTENT_LENGTH,
    http::header::TRANSFER_ENCODING,
    http::header::RANGE,
    http::header::CONTENT_RANGE,
];

/// How to speak to a registry.
#[derive(Debug, clap::Args)]
pub(crate) struct TargetArgs {
    /// Send this header with every request to the registry; may be given several times
    #[arg(long, value_name = "'K: V'", value_parser = hidden)]
    header: Vec<Secret>,

    #[arg(long, value_name = "NAME", value_parser = user, help = USER_HELP, long_help = USER_LONG_HELP)]
    user: Option<User>,

    /// Read the password from the first line of this file
    #[arg(
        long,
        value_name = "FILE",
        requires = "user",
        conflicts_with = "password_stdin"
    )]
    password_file: Option<PathBuf>,

    /// Read the password from the first line of standard input
    #[arg(long, requires = "user")]
    password_stdin: bool,

    /// The longest that one request may take, its answer included
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = units::parse_duration)]
    timeout: Duration,
}

/// A user, and the password if it stands on the command line.
#[derive(Debug, Clone)]
struct User {
    name: String,
    password: Option<Secret>,
}

/// A registry, and who asks.
pub(crate) struct Target {
    settings: Rc<Settings>,
}

impl TargetArgs {
    /// Reads the rest of what is needed to speak to the registry at `url`. Nothing is sent.
    pub(crate) fn resolve(self, url: &str) -> Result<Target, Failure> {
        if self.timeout.is_zero() {
            return Err(usage("--timeout: no request can be over in no time"));
        }
        let base = base(url).or_exit(Exit::Usage)?;
        let headers = headers(&self.header).or_exit(Exit::Usage)?;
        let timeout = self.timeout;
        let credentials = self.credentials().or_exit(Exit::Usage)?;
        Ok(Target {
            settings: Rc::new(Settings {
                base,
                headers,
                credentials,
                timeout,
            }),
        })
    }

    fn credentials(self) -> anyhow::Result<Option<Credentials>> {
        let Some(user) = self.user else {
            return Ok(None);
        };
        let elsewhere = if let Some(path) = &self.password_file {
            let file = std::fs::File::open(path);
            let read = file.and_then(first_line);
            Some(read.with_context(|| format!("cannot read the password in {}", path.display()))?)
        } else if self.password_stdin {
            let read = first_line(std::io::stdin().lock());
            Some(read.context("cannot read the password from standard input")?)
        } else {
            None
        };
        let name = user.name;
        let password = match (user.password, elsewhere) {
            (Some(_), Some(_)) => {
                return Err(anyhow!(
                    "user `{name}` has two passwords: leave out the one behind the name"
                ));
            }
            (Some(password), None) | (None, Some(password)) => password,
            (None, None) => from_environment().ok_or_else(|| {
                anyhow!(
                    "user `{name}` has no password: set {PASSWORD_VARIABLE}, or give --password-file or --password-stdin"
                )
            })?,
        };
        Ok(Some(Credentials {
            username: name,
            password,
        }))
    }
}

impl Target {
    /// The URL of the registry.
    pub(crate) fn base(&self) -> &Base {
        &self.settings.base
    }

    /// The user who asks, if any.
    pub(crate) fn user(&self) -> Option<&str> {
        let credentials = self.settings.credentials.as_ref();
        credentials.map(|it| it.username.as_str())
    }

    /// A client with connections of its own, opened as they are needed.
    pub(crate) fn client(&self, observer: Rc<dyn Observer>) -> Client {
        let settings = PoolSettings {
            keep_alive: true,
            limit: None,
        };
        let pool = Pool::new(settings, Rc::default(), Rc::default());
        Client::new(Rc::clone(&self.settings), pool, observer)
    }
}

fn usage(message: &'static str) -> Failure {
    Failure::new(Exit::Usage, anyhow!(message))
}

/// Takes a text into hiding before anything can go wrong with it: messages about wrong arguments repeat them.
#[expect(clippy::unnecessary_wraps, reason = "the shape that clap calls for")]
fn hidden(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

/// Splits off the password at once, so that no later message can show it.
#[expect(clippy::unnecessary_wraps, reason = "the shape that clap calls for")]
fn user(text: &str) -> Result<User, Infallible> {
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

fn base(url: &str) -> anyhow::Result<Base> {
    // `localhost:5000` would be read as a URL of the scheme `localhost`.
    if !url.contains("://") && !url.contains('@') {
        return Err(anyhow!(
            "`{url}` is not the URL of a registry: write it with its scheme, such as http://localhost:5000"
        ));
    }
    Ok(Base::parse(url)?)
}

fn headers(given: &[Secret]) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(given.len());
    for line in given {
        // Neither the line nor its value may be shown: either may be a secret.
        let (name, value) = line
            .expose()
            .split_once(':')
            .ok_or_else(|| anyhow!("--header: write 'Name: value'; there is no colon"))?;
        let name = HeaderName::try_from(name.trim())
            .map_err(|_| anyhow!("--header: what stands before the colon is no header name"))?;
        if OWN_HEADERS.contains(&name) {
            return Err(anyhow!("--header: `{name}` is set by regstorm itself"));
        }
        let mut value = HeaderValue::try_from(value.trim())
            .map_err(|_| anyhow!("--header: the value of `{name}` cannot stand in a header"))?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

fn first_line(from: impl std::io::Read) -> std::io::Result<Secret> {
    let mut line = String::new();
    std::io::BufReader::new(from.take(MAX_PASSWORD)).read_line(&mut line)?;
    Ok(Secret::new(line.trim_end_matches(['\r', '\n'])))
}

fn from_environment() -> Option<Secret> {
    let value = std::env::var_os(PASSWORD_VARIABLE)?;
    // One that is not text cannot stand in a header as the user means it.
    value.into_string().ok().map(Secret::new)
}
