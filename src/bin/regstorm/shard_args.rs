//! The arguments that say which part of a run this process does, and when all parts start.

use std::fs::File;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use anyhow::anyhow;
use regstorm::health::ShardFacts;
use regstorm::meeting::{self, Token};
use regstorm::schedule::{Shard, ShardError};
use regstorm::session::{Part, Start};
use regstorm::units::{self, Secret};

use crate::exit::{Exit, Failure, OrExit as _};
use crate::rank::{self, Rank};
use crate::user_args::first_line;

/// Which part of the run this process does.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Several machines")]
pub(crate) struct ShardArgs {
    /// Part of the run that this process does, where several do it together: I/N, counted from 0; auto or auto/N takes the number
    /// that Kubernetes, Slurm, AWS Batch, Cloud Run, GitLab or Open MPI gave it
    #[arg(long, value_name = "I/N", requires = "together")]
    shard: Option<Choice>,
    #[command(flatten)]
    start: StartArgs,
    /// File with the token that all shards of the run know, at least 16 bytes; or the variable `REGSTORM_MEET_TOKEN`. Without one,
    /// shards meet on one machine only
    #[arg(long, value_name = "FILE", requires = "meet")]
    meet_token_file: Option<PathBuf>,
    /// Time limit for the other shards to come [default: 5m]
    #[arg(long, value_name = "TIME", requires = "meet", value_parser = time)]
    meet_timeout: Option<Duration>,
    /// Share of the shards that may be lost before the run is invalid, such as 5% [default: 1%]
    #[arg(long, value_name = "SHARE", requires = "meet", value_parser = share)]
    allow_lost: Option<f64>,
    /// Time that a shard stays once it is done, or until a signal; the first one ends at once [default: 0s]
    ///
    /// For engines whose result depends on which shard ends first, such as the success policy of a Kubernetes Job.
    #[arg(long, value_name = "TIME", requires = "meet", value_parser = time)]
    meet_linger: Option<Duration>,
}

/// When all shards start: one of these.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(id = "together", multiple = false)]
struct StartArgs {
    /// Meeting point of the shards, HOST:PORT: the first one listens there, the others connect to it. It starts all at one moment,
    /// follows them, and writes the report of all
    #[arg(long, value_name = "HOST:PORT", requires = "shard", value_parser = address)]
    meet: Option<String>,
    /// Moment at which all shards start: in UTC, such as 2026-05-04T12:00:00Z, or @SECONDS since 1970; at most a day ahead. Each
    /// writes its report, for `merge`
    #[arg(long, value_name = "TIME", requires = "shard", value_parser = moment)]
    start_at: Option<SystemTime>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Set(Shard),
    /// As the engine says; how many there are, where it does not.
    Auto(Option<u32>),
}

impl FromStr for Choice {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        match text.strip_prefix("auto") {
            Some("") => Ok(Self::Auto(None)),
            // 0/N is a shard where there are N.
            Some(rest) if rest.starts_with('/') => {
                let first: Shard = format!("0{rest}").parse()?;
                Ok(Self::Auto(Some(first.count())))
            }
            _ => text.parse().map(Self::Set),
        }
    }
}

impl ShardArgs {
    /// Returns the part of the run; `None` without the argument.
    ///
    /// # Errors
    /// When it is to be found out and cannot be.
    pub(crate) fn part(&self) -> Result<Option<Part>, Failure> {
        let Some(choice) = self.shard else {
            return Ok(None);
        };
        let start = match (self.start.start_at, &self.start.meet) {
            (Some(start), _) => Start::At(start),
            (None, Some(address)) => Start::Meet(meeting::Settings {
                address: address.clone(),
                token: self.token()?,
                timeout: self.meet_timeout.unwrap_or(TIMEOUT),
            }),
            (None, None) => return Ok(None),
        };
        let Rank { shard, from } = match choice {
            Choice::Set(shard) => Rank {
                shard,
                from: "--shard".to_owned(),
            },
            Choice::Auto(count) => rank::read(count).or_exit(Exit::Usage)?,
        };
        Ok(Some(Part {
            shard,
            from,
            start,
            allowed: self.allow_lost.unwrap_or(ShardFacts::ALLOWED),
        }))
    }

    /// Returns how long a shard stays that is not the first, once it has handed over what it measured.
    pub(crate) fn linger(&self) -> Duration {
        self.meet_linger.unwrap_or_default()
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

fn time(text: &str) -> Result<Duration, String> {
    let time = units::parse_duration(text).map_err(|error| error.to_string())?;
    if time > LONGEST {
        return Err("at most 24h".to_owned());
    }
    Ok(time)
}

fn share(text: &str) -> Result<f64, String> {
    let number = text
        .strip_suffix('%')
        .and_then(|it| it.trim().parse::<f64>().ok());
    let share = number.filter(|it| (0.0..=100.0).contains(it));
    Ok(share.ok_or("write it as 5%, from 0% to 100%")? / 100.0)
}

fn address(text: &str) -> Result<String, String> {
    let parts = text.rsplit_once(':');
    let fits = parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if !fits {
        return Err("write it as HOST:PORT, such as 10.0.0.5:7070".to_owned());
    }
    Ok(text.to_owned())
}

/// The longest time from now to a start.
const LONGEST: Duration = Duration::from_hours(24);

fn moment(text: &str) -> Result<SystemTime, String> {
    let time = match text.strip_prefix('@') {
        Some(seconds) => {
            let seconds = seconds.parse::<f64>().ok();
            let since = seconds.and_then(|it| Duration::try_from_secs_f64(it).ok());
            since.and_then(|it| SystemTime::UNIX_EPOCH.checked_add(it))
        }
        None => humantime::parse_rfc3339(text).ok(),
    };
    let time = time.ok_or(
        "write it in UTC, such as 2026-05-04T12:00:00Z, or as @SECONDS since 1970, as `date +@%s` does",
    )?;
    if !regstorm::result::is_within(time, LONGEST) {
        return Err("more than a day ahead".to_owned());
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_named_or_found_out() {
        let choice = |text: &str| text.parse::<Choice>();
        assert_eq!(choice("auto"), Ok(Choice::Auto(None)));
        assert_eq!(choice("auto/3"), Ok(Choice::Auto(Some(3))));
        assert_eq!(choice("1/3"), Ok(Choice::Set(Shard::new(1, 3).unwrap())));
        for bad in ["auto/0", "auto/", "auto3", "3/3", "1", ""] {
            assert!(choice(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_share_and_an_address_have_a_form() {
        assert_eq!(share("5%"), Ok(0.05));
        assert_eq!(share("0.5 %"), Ok(0.005));
        for bad in ["5", "-1%", "101%", "NaN%", "%"] {
            assert!(share(bad).is_err(), "{bad}");
        }
        assert_eq!(
            address("storm-0.storm:7070"),
            Ok("storm-0.storm:7070".to_owned())
        );
        assert_eq!(address("[::1]:7070"), Ok("[::1]:7070".to_owned()));
        for bad in ["storm", ":7070", "storm:", "storm:99999", "storm:port"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_moment_is_written_in_utc_or_as_date_writes_it() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds);
        assert_eq!(moment("2026-05-04T12:00:00Z"), Ok(at(1_777_896_000.0)));
        assert_eq!(moment("@1777896000"), Ok(at(1_777_896_000.0)));
        assert_eq!(moment("@1777896000.5"), Ok(at(1_777_896_000.5)));
        for bad in [
            "",
            "@",
            "@-1",
            "@nan",
            "@1e300",
            "noon",
            "2026-05-04",
            "@99999999999",
            "9999-01-01T00:00:00Z",
        ] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }
}
