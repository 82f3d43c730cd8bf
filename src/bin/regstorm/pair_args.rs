//! The arguments of `regstorm ab` that say how pairs are made.

use std::time::Duration;

use anyhow::anyhow;
use regstorm::compare::Looks;
use regstorm::plan::Plan;
use regstorm::session::{Cut, Until, capacity_search};
use regstorm::units;

/// How pairs are made.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Pairs")]
pub(crate) struct PairArgs {
    /// Time for the whole comparison, which ends as soon as it is decided [default: 15m, where the load can be cut]
    ///
    /// As many pairs as fit are made, with looks in between. Slices are made longer where gated percentiles have too few
    /// samples, unless --slice or --slices is given.
    #[arg(
        long,
        value_name = "TIME",
        value_parser = regstorm::units::parse_duration,
        conflicts_with_all = ["pairs", "looks"]
    )]
    budget: Option<Duration>,
    /// Exact number of pairs, with one decision at the end; at least 5
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "looks",
        overrides_with = "pairs"
    )]
    pairs: Option<usize>,
    /// Numbers of pairs after which regstorm decides whether it needs more; at most five, the first at least 5 [default where a
    /// load cannot be cut: 6,10,16]
    #[arg(long, value_name = "N,N,...", value_delimiter = ',')]
    looks: Option<Vec<usize>>,
    /// Measured time of a slice [default: 3s or more, as samples ask for; 10s with --pairs or --looks]
    #[arg(long, value_name = "TIME", value_parser = regstorm::units::parse_duration)]
    slice: Option<Duration>,
    /// Slices per side in a pair [default: 2, and more in a long time; 3 with --pairs or --looks; 1 for a load that cannot be cut]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    slices: Option<u32>,
    /// Time discarded at the start of each slice, while connections open and queues fill [default: 1s; 2s with --pairs or --looks]
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

/// How a plan is cut, if it can be and nothing else is asked for.
struct Usual {
    /// Slices of a side.
    slices: u32,
    /// How long a slice is measured.
    slice: Duration,
    /// What is discarded at its start.
    settle: Duration,
}

impl Usual {
    const OF_LOOKS: Self = Self {
        slices: 3,
        slice: Duration::from_secs(10),
        settle: Duration::from_secs(2),
    };

    /// Many short slices, which cancel more of a machine's drift than few long ones; in a long time more of them in a pair.
    fn of_budget(budget: Duration) -> Self {
        let minutes = u32::try_from(budget.as_secs() / 60).unwrap_or(u32::MAX);
        Self {
            slices: 2 * minutes.div_ceil(30).max(1),
            slice: Duration::from_secs(3),
            settle: Duration::from_secs(1),
        }
    }
}

/// How long a comparison may take, where nothing is asked for.
const BUDGET: Duration = Duration::from_mins(15);

/// When a comparison is looked at whose load cannot be cut, where nothing is asked for.
const LOOKS: [usize; 3] = [6, 10, 16];

/// The fewest pairs that decide anything.
const FEWEST: u32 = 5;

/// The longest slice, and the longest wait for a hook.
const LONGEST: Duration = Duration::from_hours(24);

impl PairArgs {
    /// Returns the time for the comparison: the user's, or the usual one, if nothing else was asked for and a part of the load
    /// is as good as the whole.
    fn budget_for(&self, plan: &Plan) -> Option<Duration> {
        let asked = self.pairs.is_some()
            || self.looks.is_some()
            || self.slice.is_some()
            || self.slices.is_some()
            || self.settle.is_some();
        let can_be_cut = || plan.slice(BUDGET, Duration::ZERO).is_some();
        let usual = || (!asked && can_be_cut()).then_some(BUDGET);
        self.budget.or_else(usual)
    }

    /// Returns until when pairs are made that are cut like this: the time must be enough for the fewest that decide anything.
    pub(crate) fn until(&self, cut: Cut, plan: &Plan) -> anyhow::Result<Until> {
        let Some(budget) = self.budget_for(plan) else {
            return Ok(Until::Looks(self.looks()?));
        };
        if budget > LONGEST {
            return Err(anyhow!("--budget: at most 24h"));
        }
        let pair = match cut {
            Cut::Whole { slices } => {
                let run = plan.warm_up() + plan.shortest_window();
                run.saturating_mul(2 * slices)
            }
            Cut::Slices { .. } => cut.pair_time().unwrap_or_default(),
        };
        let fewest = pair.saturating_mul(FEWEST);
        if budget < fewest || budget.is_zero() {
            let (pair, fewest) = (units::duration(pair), units::duration(fewest));
            let shorter = match cut {
                Cut::Slices { .. } => "or shorter slices (--slice, --slices, --settle)",
                Cut::Whole { .. } => "or a shorter load: this one cannot be cut into slices",
            };
            return Err(anyhow!(
                "--budget: {} is too short: a pair takes {pair}, and it takes five to decide anything; \
                 give more than {fewest}, {shorter}",
                units::duration(budget)
            ));
        }
        Ok(Until::Budget(budget))
    }

    /// Returns the numbers of pairs at which regstorm decides whether it needs more.
    fn looks(&self) -> anyhow::Result<Looks> {
        let looks = || self.looks.clone().unwrap_or_else(|| LOOKS.to_vec());
        let pairs = self.pairs.map_or_else(looks, |it| vec![it]);
        if pairs.iter().any(|it| *it > 1000) {
            return Err(anyhow!("--pairs, --looks: at most 1,000 pairs"));
        }
        Looks::new(&pairs).ok_or_else(|| {
            anyhow!("--pairs, --looks: at least 5 pairs, each look at more of them, and at most five looks")
        })
    }

    /// Returns how a pair is cut: into slices, if the load stays the same all the time.
    pub(crate) fn cut(&self, plan: &Plan) -> anyhow::Result<Cut> {
        let budget = self.budget_for(plan);
        let usual = match budget {
            None => Usual::OF_LOOKS,
            Some(budget) => Usual::of_budget(budget),
        };
        let slice = self.slice.unwrap_or(usual.slice);
        let settle = self.settle.unwrap_or(usual.settle);
        if slice < Duration::from_millis(100) {
            return Err(anyhow!("--slice: at least 100ms"));
        }
        if slice > LONGEST || settle > LONGEST || self.patience > LONGEST {
            return Err(anyhow!("--slice, --settle, --patience: at most 24h"));
        }
        if plan.slice(slice, settle).is_some() {
            return Ok(Cut::Slices {
                slices: self.slices.unwrap_or(usual.slices),
                slice,
                settle,
                fixed: budget.is_none() || self.slice.is_some() || self.slices.is_some(),
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
