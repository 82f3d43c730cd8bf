//! The arguments that say how shards meet: what proves that they belong together, and TLS between them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use regstorm::meeting::{GuestSettings, HostSettings, Settings, Token};
use regstorm::transport::{Identity, SecureClient, SecureServer};
use regstorm::units::{self, Secret};

use crate::exit::{Exit, Failure, OrExit as _};
use crate::source::read_text;
use crate::user_args::first_line;

/// How shards meet.
#[derive(Debug, Clone, Default, clap::Args)]
#[expect(
    clippy::struct_field_names,
    reason = "they are the names of the options"
)]
pub(crate) struct MeetArgs {
    /// File with the token that all shards of the run know, at least 16 bytes; or the variable `REGSTORM_MEET_TOKEN`. Without one,
    /// shards meet on one machine only
    #[arg(long, value_name = "FILE", requires = "meet")]
    meet_token_file: Option<PathBuf>,
    /// Certificate chain of the meeting point (PEM), which the first shard presents: the shards speak TLS
    #[arg(long, value_name = "FILE", requires = "meet", requires = "meet_key")]
    meet_cert: Option<PathBuf>,
    /// Private key of --meet-cert (PEM); the first shard alone reads it
    #[arg(long, value_name = "FILE", requires = "meet_cert")]
    meet_key: Option<PathBuf>,
    /// CA certificates of the meeting point (PEM), which the other shards trust, and no others
    #[arg(long, value_name = "FILE", requires = "meet")]
    meet_ca: Option<PathBuf>,
    /// Time limit for the other shards to come [default: 5m]
    #[arg(long, value_name = "TIME", requires = "meet", value_parser = time)]
    meet_timeout: Option<Duration>,
    /// Time that a shard stays once it is done, or until a signal; the first one ends at once [default: 0s]
    ///
    /// For engines whose result depends on which shard ends first, such as the success policy of a Kubernetes Job.
    #[arg(long, value_name = "TIME", requires = "meet", value_parser = time)]
    meet_linger: Option<Duration>,
}

impl MeetArgs {
    /// Returns how the first shard waits for the others at an address.
    ///
    /// # Errors
    /// When a file cannot be read, or the others would speak TLS and this one would not.
    pub(crate) fn host(&self, address: &str) -> Result<HostSettings, Failure> {
        self.settings(address, self.server())
    }

    /// Returns how another shard goes to the first one at an address.
    ///
    /// # Errors
    /// When a file cannot be read, or the first one would speak TLS and this one would not.
    pub(crate) fn guest(&self, address: &str) -> Result<GuestSettings, Failure> {
        self.settings(address, self.client(address))
    }

    /// Returns how long a shard stays that is not the first, once it has handed over what it measured.
    pub(crate) fn linger(&self) -> Duration {
        self.meet_linger.unwrap_or_default()
    }

    fn settings<T>(
        &self,
        address: &str,
        tls: anyhow::Result<Option<T>>,
    ) -> Result<Settings<T>, Failure> {
        Ok(Settings {
            address: address.to_owned(),
            token: self.token()?,
            timeout: self.meet_timeout.unwrap_or(TIMEOUT),
            tls: tls.or_exit(Exit::Usage)?,
        })
    }

    fn server(&self) -> anyhow::Result<Option<SecureServer>> {
        match (&self.meet_cert, &self.meet_key) {
            (Some(cert), Some(key)) => {
                let identity = Identity {
                    certificates: read(cert, "--meet-cert")?.into_bytes(),
                    key: Secret::new(read(key, "--meet-key")?),
                };
                let server = SecureServer::new(&identity);
                Ok(Some(server.context("--meet-cert, --meet-key")?))
            }
            _ if self.meet_ca.is_some() => bail!(
                "--meet-ca: the first shard needs a certificate as well (--meet-cert and --meet-key), or the others cannot reach it"
            ),
            _ => Ok(None),
        }
    }

    fn client(&self, address: &str) -> anyhow::Result<Option<SecureClient>> {
        match &self.meet_ca {
            Some(ca) => {
                let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
                let host = host.trim_start_matches('[').trim_end_matches(']');
                let client = SecureClient::new(read(ca, "--meet-ca")?.as_bytes(), host);
                Ok(Some(client.context("--meet-ca, --meet")?))
            }
            None if self.meet_cert.is_some() => bail!(
                "--meet-cert: this shard is not the first, and needs the CA of that certificate (--meet-ca)"
            ),
            None => Ok(None),
        }
    }

    fn token(&self) -> Result<Token, Failure> {
        let (secret, from) = match &self.meet_token_file {
            Some(path) => {
                let read = File::open(path).and_then(first_line);
                let read = read.map_err(|error| {
                    let path = path.display();
                    Failure::new(
                        Exit::Usage,
                        anyhow!("cannot read the token in {path}: {error}"),
                    )
                });
                (read?, path.display().to_string())
            }
            None => match std::env::var_os(TOKEN).and_then(|it| it.into_string().ok()) {
                Some(text) => (Secret::new(text), TOKEN.to_owned()),
                None => return Ok(Token::default()),
            },
        };
        let token = Token::new(secret);
        token.map_err(|length| {
            let least = Token::LEAST;
            Failure::new(
                Exit::Usage,
                anyhow!("{from}: a token of {length} bytes can be guessed; use {least} or more"),
            )
        })
    }
}

/// The variable that the token is in, where no file is named.
const TOKEN: &str = "REGSTORM_MEET_TOKEN";

/// How long shards wait for each other, if nothing was said.
const TIMEOUT: Duration = Duration::from_mins(5);

/// The longest that they may.
const LONGEST: Duration = Duration::from_hours(24);

fn read(path: &Path, option: &str) -> anyhow::Result<String> {
    read_text(path).with_context(|| format!("{option}: cannot read {}", path.display()))
}

fn time(text: &str) -> Result<Duration, String> {
    let time = units::parse_duration(text).map_err(|error| error.to_string())?;
    if time > LONGEST {
        return Err("at most 24h".to_owned());
    }
    Ok(time)
}
