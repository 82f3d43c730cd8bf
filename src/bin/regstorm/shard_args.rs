//! The arguments that say which part of a run this process does, and when all parts start.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

use regstorm::schedule::{Shard, ShardError};
use regstorm::session::Part;

use crate::exit::{Exit, Failure, OrExit as _};
use crate::rank::{self, Rank};

/// Which part of the run this process does.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ShardArgs {
    /// Part of the run that this process does, where several do it together: I/N, counted from 0; auto or auto/N takes the number
    /// that Kubernetes, Slurm, AWS Batch, Cloud Run, GitLab or Open MPI gave it
    #[arg(
        long,
        value_name = "I/N",
        requires = "start_at",
        help_heading = "Several machines"
    )]
    shard: Option<Choice>,
    /// Moment at which all shards start: in UTC, such as 2026-05-04T12:00:00Z, or @SECONDS since 1970; at most a day ahead
    #[arg(
        long,
        value_name = "TIME",
        requires = "shard",
        value_parser = moment,
        help_heading = "Several machines"
    )]
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
        let (Some(choice), Some(start)) = (self.shard, self.start_at) else {
            return Ok(None);
        };
        let Rank { shard, from } = match choice {
            Choice::Set(shard) => Rank {
                shard,
                from: "--shard".to_owned(),
            },
            Choice::Auto(count) => rank::read(count).or_exit(Exit::Usage)?,
        };
        Ok(Some(Part { shard, from, start }))
    }
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
