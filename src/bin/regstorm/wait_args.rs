//! The argument that says how long a target may take to respond.

use std::time::Duration;

use regstorm::units;

/// The longest wait.
const LONGEST: Duration = Duration::from_hours(24);

/// How long a target may take to respond.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct WaitArgs {
    /// Time limit for a target that does not respond yet, such as 60s; asked again until then, unless it refuses the credentials
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Run")]
    wait: Option<Duration>,
}

impl WaitArgs {
    /// Returns the time; zero if nothing was said.
    pub(crate) fn time(&self) -> Duration {
        self.wait.unwrap_or_default()
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let time = units::parse_duration(text).map_err(|error| error.to_string())?;
    if time > LONGEST {
        return Err("at most 24h".to_owned());
    }
    Ok(time)
}
