//! Progress of a run on standard error: one line that is redrawn on a terminal, a few plain lines elsewhere.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::time::Duration;

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use regstorm::engine;
use regstorm::health::Latest;
use regstorm::hooks::News;
use regstorm::measure::{Live, Period, Totals};
use regstorm::plan::{Length, Plan};
use regstorm::result::TrialSection;
use regstorm::session::Event;
use regstorm::telemetry::{Told, Update};
use regstorm::units::{self, Quantile};
use regstorm::verdict::Status;
use tokio::time::Instant;

use crate::live_line::LiveLine;
use crate::terminal;

/// Rates are of the last second or so.
const RATE_OVER: Duration = Duration::from_secs(1);

/// The shortest time between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// The columns of the period's name and the space behind it.
const PREFIX: usize = 9;

/// Shows how a run goes, on standard error.
pub(crate) struct Progress {
    shown: Shown,
    heading: String,
    vus: u32,
    counted: bool, // whether iterations end the run, rather than time
    generator: Latest,
    broken: usize, // thresholds, as they stand
    /// The slice that runs, where there are several: lines are then of pairs.
    slice: Option<String>,
    before: Option<(Instant, Totals)>,
    last_plain: Option<(Period, Instant)>,
    told: BTreeSet<String>, // of sources of telemetry
    waits: bool,            // whether it was told that the target does not respond yet
    coloured: bool,
}

enum Shown {
    Nothing,
    Lines,
    Bar(ProgressBar),
}

impl Progress {
    pub(crate) fn new(plan: &Plan, quiet: bool) -> Self {
        let shown = if quiet {
            Shown::Nothing
        } else if terminal::redraws(&std::io::stderr()) {
            let target = ProgressDrawTarget::stderr_with_hz(8);
            Shown::Bar(ProgressBar::with_draw_target(Some(1000), target))
        } else {
            Shown::Lines
        };
        let description = if plan.description.is_empty() {
            String::new()
        } else {
            format!(" · {}", plan.description)
        };
        Self {
            shown,
            heading: format!(
                "{}{description} · seed {} · plan {}",
                plan.name,
                plan.seed,
                &plan.fingerprint().to_hex()[..7]
            ),
            vus: plan.loads.iter().map(|load| load.executor.vus()).sum(),
            counted: plan
                .loads
                .iter()
                .all(|load| matches!(load.executor.length(), Length::AtMost(_))),
            generator: Latest::default(),
            broken: 0,
            slice: None,
            before: None,
            last_plain: None,
            told: BTreeSet::new(),
            waits: false,
            coloured: terminal::colours(&std::io::stderr()),
        }
    }

    /// Removes the line, before something else is printed.
    pub(crate) fn clear(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }

    /// Shows what happens.
    pub(crate) fn report(&mut self, event: &Event<'_>) {
        match event {
            Event::Load(at) => self.tell(at),
            Event::NoAddress { of, error } => {
                self.line(&format!("meeting  cannot listen at {of} yet: {error}"));
            }
            Event::Gathering { address, missing } => match missing {
                0 => self.line("meeting  all shards are there"),
                missing => self.line(&format!(
                    "meeting  at {address}: {} more to come",
                    units::count(*missing as u64)
                )),
            },
            Event::TurnedAway { from, why } => {
                self.line(&format!("meeting  refused a shard from {from}: {why}"));
            }
            Event::Joining(address) => {
                self.line(&format!("meeting  going to the first shard at {address}"));
            }
            Event::StartsIn(left) => {
                self.line(&format!(
                    "ready    all shards start in {}",
                    units::duration(*left)
                ));
            }
            Event::Left(note) => self.line(&format!("note     {note}")),
            Event::Prepared(_) | Event::Measured(_) => {}
            Event::ShardLost { index, why } => {
                self.line(&format!("lost     shard {index}: {why}"));
            }
            Event::Thresholds(standing) => {
                let broken = standing.iter().filter(|it| it.status == Status::Fail);
                self.broken = broken.count();
            }
            Event::Trial { number, kind, rate } => {
                self.before = None;
                self.last_plain = None;
                self.line(&format!("trial {number:<2} {rate}   {kind}"));
            }
            Event::TrialEnded(trial) => self.line(&judged(trial)),
            Event::Slice { side, place, of } => {
                self.before = None;
                self.slice = Some(format!("{}/{of} {}", place + 1, side.name()));
            }
        }
    }

    /// Shows how far a load has come.
    fn tell(&mut self, at: &engine::Progress<'_>) {
        match at {
            engine::Progress::Opening => {
                let heading = self.heading.clone();
                self.line(&heading);
                self.now("opening", "reading images, hashing synthetic layers");
            }
            engine::Progress::Waiting { error } => self.waiting(&error.to_string()),
            engine::Progress::Ready { base, headers } => {
                let said: Vec<String> = headers
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}"))
                    .collect();
                self.line(&format!("target   {base}   {}", said.join("   ")));
            }
            engine::Progress::Seeding(seeded) => {
                let text = format!(
                    "{} of {} images, {} sent",
                    units::count(seeded.images as u64),
                    units::count(seeded.of as u64),
                    units::bytes(seeded.bytes)
                );
                if seeded.images == seeded.of {
                    self.line(&format!("seeded   {text}"));
                } else {
                    self.now("seeding", &text);
                }
            }
            engine::Progress::Load {
                period,
                elapsed,
                length,
                live,
                generator,
                observed: _,
            } => {
                self.generator = *generator;
                self.load(*period, *elapsed, *length, live);
            }
            engine::Progress::Hook(news) => self.line(&hook_news(news)),
            engine::Progress::Telemetry(Told { source, what }) => {
                let Update::Problem(text) = what else {
                    return; // numbers are for whom they are served to
                };
                let line = format!("telemetry {source}: {text}");
                // Slices and trials have the same sources.
                if self.told.insert(line.clone()) {
                    self.line(&line);
                }
            }
            engine::Progress::Auditing => self.now("audit", "reading back what was acknowledged"),
            engine::Progress::CleaningUp => self.now("clean-up", "deleting what was pushed"),
        }
    }

    /// Shows why the target does not respond yet: once where lines stay.
    fn waiting(&mut self, error: &str) {
        match self.shown {
            Shown::Lines if self.waits => {}
            Shown::Lines => self.line(&format!("waiting  {error}")),
            Shown::Bar(_) | Shown::Nothing => self.now("waiting", error),
        }
        self.waits = true;
    }

    fn load(&mut self, period: Period, elapsed: Duration, length: Duration, live: &Live) {
        let clock = if self.counted && period == Period::Measure {
            format!("{:>6}", clock(elapsed))
        } else {
            format!("{:>5} / {}", clock(elapsed.min(length)), clock(length))
        };
        let mut shown = LiveLine::default();
        if let Some(slice) = &self.slice {
            shown.add(0, slice.clone());
        }
        shown.add(0, clock);
        self.counts(period, live, &mut shown);
        match &self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => {
                let share = elapsed.as_secs_f64() / length.as_secs_f64().max(1e-9);
                let columns = terminal::columns(&Term::stderr()).unwrap_or(80);
                let (bar_width, template) = self.template(columns);
                bar.set_style(style(&template));
                bar.set_prefix(period.name());
                let room = columns.saturating_sub(PREFIX + bar_width + 1);
                bar.set_message(shown.fitted(Some(room)));
                bar.set_position(permille(share));
            }
            Shown::Lines if self.slice.is_some() => {}
            Shown::Lines => {
                let (last, at) = *self
                    .last_plain
                    .get_or_insert_with(|| (period, Instant::now()));
                // A run that ends with its iterations may be over long before its longest time.
                let known = if self.counted { elapsed } else { length };
                let every = PLAIN_EVERY.min(length / 2).max(known / 20);
                if last != period {
                    self.last_plain = Some((period, Instant::now()));
                } else if at.elapsed() >= every {
                    self.last_plain = Some((period, Instant::now()));
                    self.line(&format!("{:8} {}", period.name(), shown.fitted(None)));
                }
            }
        }
    }

    /// Returns the columns of the bar, with the space behind it, and the template of the whole line.
    fn template(&self, columns: usize) -> (usize, String) {
        let bar = match columns {
            0..70 => 0,
            70..110 => 8,
            _ => 24,
        };
        if bar == 0 {
            return (0, "{prefix:8} {msg}".to_owned());
        }
        let colours = if self.coloured { ".cyan/dim" } else { "" };
        (
            bar + 1,
            format!("{{prefix:8}} {{bar:{bar}{colours}}} {{msg}}"),
        )
    }

    /// Adds users, rates, latencies and errors.
    fn counts(&mut self, period: Period, live: &Live, shown: &mut LiveLine) {
        let now = Instant::now();
        let totals = *live.totals(period);
        let (then, before) = *self.before.get_or_insert((now, totals));
        let seconds = now.saturating_duration_since(then).as_secs_f64();
        let per_second = |now: u64, before: u64, unit| {
            units::per_second(rate(now.saturating_sub(before), seconds), unit)
        };
        let moved = |totals: &Totals| totals.bytes.sent + totals.bytes.received;
        let busy = live.active().min(u64::from(self.vus));
        let vus = format!("vus {busy}/{} busy", self.vus);
        // The width of most of them, so that what follows stays in its place.
        shown.add(2, format!("{vus:<12}"));
        let iterations = per_second(totals.iterations.ended(), before.iterations.ended(), "");
        shown.add(5, format!("iter {iterations}"));
        let exchanges = per_second(totals.exchanges.ended(), before.exchanges.ended(), "");
        shown.add(3, format!("req {exchanges}"));
        shown.add(6, per_second(moved(&totals), moved(&before), "B"));
        shown.add(7, format!("p50 {}", latency(live, Quantile::P50)));
        shown.add(4, format!("p99 {}", latency(live, Quantile::P99)));
        shown.add(
            1,
            format!("errors {}", units::count(totals.exchanges.failed)),
        );
        if totals.starts.dropped > 0 {
            let dropped = units::count(totals.starts.dropped);
            shown.add(1, format!("dropped {dropped}"));
        }
        if let Some(busy) = self.generator.busiest_worker {
            shown.add(8, format!("worker {}", units::share(busy)));
        }
        if self.broken > 0 {
            shown.add(1, format!("broken thresholds {}", self.broken));
        }
        if now.saturating_duration_since(then) >= RATE_OVER {
            self.before = Some((now, totals));
        }
    }

    /// Prints a line that stays.
    pub(crate) fn line(&self, text: &str) {
        match &self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => bar.println(text),
            // A closed standard error does not end the run.
            Shown::Lines => drop(writeln!(std::io::stderr().lock(), "{text}")),
        }
    }

    /// Shows a line that the next one replaces; nothing where lines cannot be replaced.
    pub(crate) fn now(&self, what: &str, text: &str) {
        if let Shown::Bar(bar) = &self.shown {
            bar.set_style(style("{prefix:8} {wide_msg}"));
            bar.set_prefix(what.to_owned());
            bar.set_message(text.to_owned());
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸━")
}

fn latency(live: &Live, quantile: Quantile) -> String {
    live.response_time(quantile)
        .map_or_else(|| "-".to_owned(), units::duration)
}

/// `trial 3  412/s   fail: pull.response_time p(99) < 250ms   achieved 398/s   p99 312 ms`
fn judged(trial: &TrialSection) -> String {
    let reason = trial.reason.as_ref();
    let reason = reason.map_or_else(String::new, |it| format!(": {it}"));
    let p99 = trial.quantile(Quantile::P99);
    format!(
        "trial {:<2} {}   {}{reason}   achieved {}   p99 {}",
        trial.number,
        units::per_second(trial.rate_per_s, ""),
        trial.outcome,
        units::per_second(trial.achieved_per_s, ""),
        p99.map_or_else(|| "-".to_owned(), units::duration),
    )
}

/// Formats minutes and seconds: `1:12`.
fn clock(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

#[expect(clippy::cast_precision_loss, reason = "three digits of it are shown")]
fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        count as f64 / seconds
    } else {
        0.0
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is between 0 and 1000"
)]
fn permille(share: f64) -> u64 {
    (share.clamp(0.0, 1.0) * 1000.0) as u64
}

/// `hook     gc: run 1: exit code 2`
fn hook_news(news: &News) -> String {
    match news {
        News::Failed { hook, run, end } => {
            format!("hook     {hook}: run {run}: {end} (told once of each hook)")
        }
        News::Waiting { hook, timeout } => format!(
            "hook     {hook} still runs: waiting for it, at most {} from its start",
            units::duration(*timeout)
        ),
    }
}
