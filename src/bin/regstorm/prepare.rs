//! `regstorm prepare`: prepares a target once, for shards that start by the clock.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use regstorm::plan;
use regstorm::session::{self, Event};
use regstorm::units;

use crate::exit::{self, Exit, Failure, OrExit as _};
use crate::interrupts::Interrupts;
use crate::progress::Progress;
use crate::run;
use crate::scenario_file::ScenarioArgs;
use crate::wait_args::WaitArgs;

/// Prepare the target for shards that start by the clock
///
/// Stores the images that the journeys expect to find, before the shards start (`run --shard I/N --start-at TIME --prepared FILE`). So the
/// first of them is not late because of it. The shards take the file, and the report of the first one has what was done here.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  regstorm prepare scenario.toml --out prepared.json")]
pub(crate) struct Args {
    #[command(flatten)]
    scenario: ScenarioArgs,
    /// New file for what was done and stored, which the shards and `clean-up` need
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    wait: WaitArgs,
    /// Errors only: no progress, no summary
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let out = args.out.display();
    if args.out.exists() {
        return Err(Failure::new(
            Exit::Usage,
            anyhow!(
                "--out: {out} exists; if it says what was stored by an earlier preparation, delete that first (`regstorm clean-up SCENARIO {out}`)"
            ),
        ));
    }
    let link = exit::check_writable("--out", &args.out).or_exit(Exit::Usage)?;
    link.filter(|_| !args.quiet)
        .iter()
        .for_each(|it| exit::note(it));
    let Some(mut scenario) = args.scenario.load()? else {
        return Ok(Exit::Usage);
    };
    args.scenario.fill_in(&mut scenario)?;
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let plan = Arc::new(plan::resolve(scenario, cores));
    let interrupts = Interrupts::new();
    let mut progress = Progress::new(&plan, args.quiet);
    let prepared = session::prepare(
        &plan,
        args.wait.time(),
        &interrupts.stop,
        &mut |event: Event<'_>| {
            interrupts.follow(&event);
            progress.report(&event);
        },
    );
    interrupts.writing();
    progress.clear();
    let prepared = prepared.map_err(run::failure)?;
    prepared
        .save(&args.out)
        .with_context(|| {
            let left = units::count(prepared.images);
            format!(
                "{left} images are stored in the target, and no file says so: delete them by hand"
            )
        })
        .or_exit(Exit::Failed)?;
    if !args.quiet {
        let text = match prepared.images {
            0 => {
                "prepared  nothing: no journey expects an image of this scenario in the registry\n"
                    .to_owned()
            }
            images => format!(
                "prepared  {}, {} sent\n",
                units::number_of(images, "image"),
                units::bytes(prepared.image_bytes)
            ),
        };
        exit::print(&text)?;
    }
    Ok(if prepared.closure.holds() {
        Exit::Passed
    } else {
        Exit::Defect
    })
}
