//! The arguments that say which part of a run this process does, and when all parts start.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use regstorm::health::ShardFacts;
use regstorm::result::Preparation;
use regstorm::schedule::{Shard, ShardError};
use regstorm::session::{Part, Start};

use crate::exit::{Exit, Failure, OrExit as _};
use crate::meet_args::MeetArgs;
use crate::rank::{self, Rank};

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
    /// File of `regstorm prepare`, with which the target was prepared: the first shard does not do it again
    #[arg(long, value_name = "FILE", requires = "start_at")]
    prepared: Option<PathBuf>,
    #[command(flatten)]
    meet: MeetArgs,
    /// Share of the shards that may be lost before the run is invalid, such as 5% [default: 1%]
    #[arg(long, value_name = "SHARE", requires = "meet", value_parser = share)]
    allow_lost: Option<f64>,
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
    #[arg(long, value_name = "TIME", requires = "shard", requires = "out", value_parser = moment)]
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
    /// Returns the file of `regstorm prepare`.
    pub(crate) fn prepared(&self) -> Option<&Path> {
        self.prepared.as_deref()
    }

    fn preparation(&self) -> Result<Option<Box<Preparation>>, Failure> {
        let read = self.prepared().map(Preparation::load);
        let read = read
            .transpose()
            .context("--prepared")
            .or_exit(Exit::Usage)?;
        Ok(read.map(Box::new))
    }

    /// Returns the part of the run; `None` without the argument.
    ///
    /// # Errors
    /// When it is to be found out and cannot be.
    pub(crate) fn part(&self) -> Result<Option<Part>, Failure> {
        let Some(choice) = self.shard else {
            return Ok(None);
        };
        let Rank { shard, from } = match choice {
            Choice::Set(shard) => Rank {
                shard,
                from: "--shard".to_owned(),
            },
            Choice::Auto(count) => rank::read(count).or_exit(Exit::Usage)?,
        };
        let start = match (self.start.start_at, &self.start.meet) {
            (Some(start), _) => Start::At {
                start,
                prepared: self.preparation()?,
            },
            (None, Some(address)) if shard.is_first() => Start::Host(self.meet.host(address)?),
            (None, Some(address)) => Start::Join(self.meet.guest(address)?),
            (None, None) => return Ok(None),
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
        self.meet.linger()
    }
}

/// Reads a share of the shards.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let number = text
        .strip_suffix('%')
        .and_then(|it| it.trim().parse::<f64>().ok());
    let share = number.filter(|it| (0.0..=100.0).contains(it));
    Ok(share.ok_or("write it as 5%, from 0% to 100%")? / 100.0)
}

fn address(text: &str) -> Result<String, String> {
    let parts = text.rsplit_once(':');
    let is_host = |host: &str| !host.is_empty() && !host.contains(['/', '@', ' ']);
    let fits = parts.is_some_and(|(host, port)| is_host(host) && port.parse::<u16>().is_ok());
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
        for bad in [
            "storm",
            ":7070",
            "storm:",
            "storm:99999",
            "storm:port",
            "http://storm:7070",
        ] {
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
