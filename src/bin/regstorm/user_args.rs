//! The arguments for a user name, and the ways to give a password without showing it.

use std::convert::Infallible;
use std::io::BufRead as _;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use regstorm::units::{Credentials, Secret};

const USER_HELP: &str =
    "User name; the password comes from REGSTORM_PASSWORD, --password-file or --password-stdin";
const USER_LONG_HELP: &str = "\
User name; the password comes from REGSTORM_PASSWORD, --password-file or --password-stdin

NAME:PASSWORD works too, but then all users of this machine can see the password in the list of processes.";

/// The variable that a password is taken from when no option says where it is.
const PASSWORD_VARIABLE: &str = "REGSTORM_PASSWORD";

/// The most bytes of a password; a file that is longer is another file.
const MAX_PASSWORD: u64 = 64 * 1024;

/// A user, and where the password is.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct UserArgs {
    #[arg(long, value_name = "NAME", value_parser = user, help = USER_HELP, long_help = USER_LONG_HELP)]
    user: Option<User>,

    /// File with the password in its first line
    #[arg(
        long,
        value_name = "FILE",
        requires = "user",
        conflicts_with = "password_stdin"
    )]
    password_file: Option<PathBuf>,

    /// Password from the first line of standard input
    #[arg(long, requires = "user")]
    password_stdin: bool,
}

/// A user, and the password if it stands on the command line.
#[derive(Debug, Clone)]
struct User {
    name: String,
    password: Option<Secret>,
}

impl UserArgs {
    /// The name of the user, if one is given.
    pub(crate) fn name(&self) -> Option<&str> {
        self.user.as_ref().map(|it| it.name.as_str())
    }

    /// The user with the password from wherever it is; `None` when no user is named.
    pub(crate) fn credentials(self) -> anyhow::Result<Option<Credentials>> {
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
        Ok(Some(Credentials::password(name, password)))
    }
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

/// Reads a secret: the first line, without its end.
pub(crate) fn first_line(from: impl std::io::Read) -> std::io::Result<Secret> {
    let mut line = String::new();
    std::io::BufReader::new(from.take(MAX_PASSWORD)).read_line(&mut line)?;
    Ok(Secret::new(line.trim_end_matches(['\r', '\n'])))
}

fn from_environment() -> Option<Secret> {
    let value = std::env::var_os(PASSWORD_VARIABLE)?;
    // One that is not text cannot stand in a header as the user means it.
    value.into_string().ok().map(Secret::new)
}
