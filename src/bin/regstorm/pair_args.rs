//! The arguments of `regstorm ab` that say how pairs are made.

use std::time::Duration;

use anyhow::anyhow;
use regstorm::compare::Looks;
use regstorm::plan::Plan;
use regstorm::session::{Cut, capacity_search};

/// How pairs are made.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Pairs")]
pub(crate) struct PairArgs {
    /// Exact number of pairs, with one decision at the end; at least 5
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "looks",
        overrides_with = "pairs"
    )]
    pairs: Option<usize>,
    /// Numbers of pairs after which regstorm decides whether it needs more; at most five, the first at least 5
    #[arg(
        long,
        value_name = "N,N,...",
        value_delimiter = ',',
        default_value = "6,10,16"
    )]
    looks: Vec<usize>,
    /// Measured time of a slice [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = regstorm::units::parse_duration)]
    slice: Option<Duration>,
    /// Slices per side in a pair [default: 3, or 1 for a load that cannot be cut]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    slices: Option<u32>,
    /// Time discarded at the start of each slice, while connections open and queues fill [default: 2s]
    #[arg(long, value_name = "TIME", value_parser = regstorm::units::parse_duration)]
    settle: Option<Duration>,
    /// Seed for the order of the sides; the same seed gives the same orders [default: random]
    #[arg(long, value_name = "SEED")]
    pub(crate) order_seed: Option<u64>,
    /// Command to run before each pair, such as one that restarts both builds and resets their storage
    ///
    /// It finds the number of the pair in `REGSTORM_PAIR`, and both addresses in `REGSTORM_BASE` and `REGSTORM_CANDIDATE`.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) before_pair: Option<String>,
    /// Time limit for --before-pair, and for the targets to answer after it
    #[arg(long, value_name = "TIME", value_parser = regstorm::units::parse_duration, default_value = "2m")]
    pub(crate) patience: Duration,
}

/// Slices of a side if the plan can be cut.
const SLICES: u32 = 3;

/// How long a slice is measured, and what is discarded at its start.
const SLICE: Duration = Duration::from_secs(10);
const SETTLE: Duration = Duration::from_secs(2);

/// The longest slice, and the longest wait for a hook.
const LONGEST: Duration = Duration::from_hours(24);

impl PairArgs {
    /// Returns the numbers of pairs at which regstorm decides whether it needs more.
    pub(crate) fn looks(&self) -> anyhow::Result<Looks> {
        let pairs = self.pairs.map_or_else(|| self.looks.clone(), |it| vec![it]);
        if pairs.iter().any(|it| *it > 1000) {
            return Err(anyhow!("--pairs, --looks: at most 1,000 pairs"));
        }
        Looks::new(&pairs).ok_or_else(|| {
            anyhow!("--pairs, --looks: at least 5 pairs, each look at more of them, and at most five looks")
        })
    }

    /// Returns how a pair is cut: into slices, if the load stays the same all the time.
    pub(crate) fn cut(&self, plan: &Plan) -> anyhow::Result<Cut> {
        let slice = self.slice.unwrap_or(SLICE);
        let settle = self.settle.unwrap_or(SETTLE);
        if slice < Duration::from_millis(100) {
            return Err(anyhow!("--slice: at least 100ms"));
        }
        if slice > LONGEST || settle > LONGEST || self.patience > LONGEST {
            return Err(anyhow!("--slice, --settle, --patience: at most 24h"));
        }
        if plan.slice(slice, settle).is_some() {
            return Ok(Cut::Slices {
                slices: self.slices.unwrap_or(SLICES),
                slice,
                settle,
            });
        }
        if self.slice.is_some() || self.settle.is_some() {
            return Err(anyhow!(
                "--slice, --settle: this load changes over time, counts its iterations or begins later, and cannot be cut; \
                 leave them out, and each slice is a whole run"
            ));
        }
        let slices = self.slices.unwrap_or(1);
        if slices > 1 && capacity_search(plan).is_some() {
            return Err(anyhow!(
                "--slices: a search has one capacity in a pair, and several do not add up; make more pairs"
            ));
        }
        Ok(Cut::Whole { slices })
    }
}
