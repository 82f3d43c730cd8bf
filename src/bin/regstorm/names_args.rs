//! Sessions and names in a trace: the arguments that `trace import` and `record` share.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use regstorm::trace::{Key, TraceOptions};
use regstorm::units;

use crate::user_args::first_line;

/// The pause that ends a session, if nothing was said.
const GAP: Duration = Duration::from_mins(1);

/// Sessions and names in a trace.
#[derive(Debug, clap::Args)]
pub(crate) struct NamesArgs {
    /// Pause that ends a session [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = gap, help_heading = "Sessions")]
    session_gap: Option<Duration>,

    /// File with the key of pseudonyms in its first line, at least 16 bytes [default: a random key]
    ///
    /// Traces with the same key have the same pseudonyms.
    #[arg(long, value_name = "FILE", help_heading = "Names")]
    pub(crate) key_file: Option<PathBuf>,

    /// Keep the names of clients, repositories, tags, digests and uploads beside their pseudonyms
    #[arg(long, help_heading = "Names")]
    keep_names: bool,
}

impl NamesArgs {
    /// What a trace is made with.
    pub(crate) fn options(&self) -> anyhow::Result<TraceOptions> {
        Ok(TraceOptions {
            key: self.key()?,
            keep_names: self.keep_names,
            session_gap: self.session_gap.unwrap_or(GAP),
        })
    }

    /// The key of pseudonyms.
    fn key(&self) -> anyhow::Result<Key> {
        let Some(path) = &self.key_file else {
            return Key::random().map_err(|error| anyhow!("no random key: {error}"));
        };
        let shown = path.display();
        let secret = File::open(path).and_then(first_line);
        let secret = secret.with_context(|| format!("cannot read the key in {shown}"))?;
        Key::new(&secret).map_err(|length| {
            anyhow!(
                "{shown}: a key of {length} bytes can be guessed; use {} or more, such as from `openssl rand -hex 32`",
                Key::LEAST
            )
        })
    }
}

fn gap(text: &str) -> Result<Duration, String> {
    let gap = units::parse_duration(text).map_err(|error| error.to_string())?;
    let is_one = gap.subsec_nanos() == 0 && (1..=86_400).contains(&gap.as_secs());
    if !is_one {
        return Err("write whole seconds from 1s to 24h".to_owned());
    }
    Ok(gap)
}
