//! A page that follows a run while it goes on, drawn by what draws the report.
//!
//! The page itself is fixed. What is in it is rendered anew from the counts so far, as often as the caller likes, and
//! put in its place by a script.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use crate::health::Latest;
use crate::measure::{Live, Outcomes, Period};
use crate::result::Document;
use crate::units::{self, Quantile};
use crate::verdict::ThresholdResult;

use super::clock::Clock;
use super::course;
use super::head;
use super::heat;
use super::live_windows::{LiveWindow, LiveWindows};
use super::markup::{Markup, element};
use super::number::float;
use super::parts::{faint, titled};
use super::plot::nothing;
use super::table::{Cell, HtmlTable, State};
use super::{LIVE_SCRIPT, POLICY, SCRIPT, frame};

/// What a page shows of a run that goes on.
#[derive(Debug)]
pub struct LivePage {
    name: String,
    users: u64,
    /// What is done, in words, where no load runs.
    stage: String,
    trial: Option<String>,
    /// The shards that are lost.
    lost: BTreeSet<u32>,
    period: Period,
    elapsed: Duration,
    length: Duration,
    now: Live,
    generator: Latest,
    thresholds: Vec<ThresholdResult>,
    windows: LiveWindows,
}

impl LivePage {
    /// Makes the page of a run with so many virtual users, which begins now.
    pub fn new(name: &str, users: u64) -> Self {
        Self {
            name: name.to_owned(),
            users,
            stage: "opening".to_owned(),
            trial: None,
            lost: BTreeSet::new(),
            period: Period::Prepare,
            elapsed: Duration::ZERO,
            length: Duration::ZERO,
            now: Live::new(),
            generator: Latest::default(),
            thresholds: Vec::new(),
            windows: LiveWindows::new(),
        }
    }

    /// Returns the page that a browser opens. It asks for `events` beside itself.
    pub fn page(&self) -> String {
        let state = element("p")
            .attr("id", "state")
            .attr("role", "status")
            .class("faint")
            .with("connecting");
        let body = element("body")
            .with(state)
            .with(element("noscript").with("This page needs a script to follow the run."))
            .with(element("div").attr("id", "run"))
            .with(element("script").with(Markup::constant(SCRIPT)))
            .with(element("script").with(Markup::constant(LIVE_SCRIPT)));
        let policy = format!("{POLICY}; connect-src 'self'");
        frame(&format!("{}, live", self.name), &policy, body)
    }

    /// Says what is done before or after the load.
    pub fn enter(&mut self, stage: &str) {
        stage.clone_into(&mut self.stage);
    }

    /// Says that a shard is lost.
    pub fn lost(&mut self, shard: u32) {
        self.lost.insert(shard);
    }

    /// Begins another trial of a search, whose counts are its own.
    pub fn trial(&mut self, words: String) {
        let new = Self::new(&self.name, self.users);
        *self = Self {
            trial: Some(words),
            ..new
        };
    }

    /// Takes in how far the load has come. Called a few times a second.
    pub fn load(
        &mut self,
        (period, elapsed, length): (Period, Duration, Duration),
        live: &Live,
        generator: Latest,
    ) {
        self.stage.clear();
        self.period = period;
        self.elapsed = elapsed;
        self.length = length;
        self.generator = generator;
        self.now.clone_from(live);
        if period == Period::Measure {
            self.windows.add(live, elapsed.as_secs());
        }
    }

    /// Takes in how the thresholds stand.
    pub fn thresholds(&mut self, standing: &[ThresholdResult]) {
        self.thresholds = standing.to_vec();
    }

    /// Returns what the page shows now.
    pub fn render(&self) -> String {
        let mut content = Markup::from(element("h1").with(&self.name));
        content.push(self.facts());
        if !self.thresholds.is_empty() {
            content.push(element("h2").with("Thresholds"));
            content.push(head::thresholds(&self.thresholds));
        }
        content.push(element("h2").with("Generator"));
        content.push(self.health());
        content.push(element("h2").with("Course over time"));
        content.push(self.course());
        content.push(element("h2").with("Operations"));
        content.push(self.operations());
        content.push(element("h2").with("Failures"));
        content.push(self.failures());
        content.into_string()
    }

    /// Returns what the page shows when the run has ended: its report.
    pub fn ended(document: &Document) -> String {
        super::run(document).content().into_string()
    }

    /// Returns what the page shows when the run has ended without a report.
    pub fn failed(reason: &str) -> String {
        head::banner(State::Bad, "NO RESULT", &[reason.to_owned()], Markup::new()).into_string()
    }

    fn facts(&self) -> Markup {
        let totals = self.now.totals(self.period);
        let mut facts = Vec::new();
        let mut add = |name: &str, value: String| facts.push(head::fact(name, &value, None));
        if let Some(trial) = &self.trial {
            add("trial", trial.clone());
        }
        if self.stage.is_empty() {
            let [at, of] = [self.elapsed.min(self.length), self.length]
                .map(|it| units::duration(Duration::from_secs(it.as_secs())));
            add(self.period.name(), format!("{at} of {of}"));
        } else {
            add("now", self.stage.clone());
        }
        let busy = self.now.active().min(self.users);
        let [busy, users] = [busy, self.users].map(units::count);
        add("users busy", format!("{busy} of {users}"));
        add("iterations", outcomes(totals.iterations));
        add("exchanges", outcomes(totals.exchanges));
        if totals.starts.dropped > 0 {
            add("dropped", units::count(totals.starts.dropped));
        }
        if !self.lost.is_empty() {
            add("shards lost", units::count(self.lost.len() as u64));
        }
        let (last, seconds) = self.windows.last;
        if seconds > 0 {
            let rate = |count| units::per_second(float(count) / float(seconds), "");
            add("iterations now", rate(last.iterations.ended()));
            add("requests now", rate(last.exchanges.ended()));
        }
        for (name, quantile) in [
            ("p50", Quantile::P50),
            ("p95", Quantile::P95),
            ("p99", Quantile::P99),
        ] {
            if let Some(time) = self.now.response_time(quantile) {
                add(name, units::duration(time));
            }
        }
        let facts = facts.into_iter().collect::<Markup>();
        element("div").class("strip").with(facts).into()
    }

    fn health(&self) -> Markup {
        let latest = &self.generator;
        let share = |it: Option<f64>| it.map_or("-".to_owned(), units::share);
        let mut strip = element("div")
            .class("strip")
            .with(head::fact(
                "busiest worker",
                &share(latest.busiest_worker),
                None,
            ))
            .with(head::fact("cpu", &share(latest.machine_busy), None))
            .with(head::fact(
                "worst lag in the last second",
                &units::duration(latest.worst_lag),
                None,
            ));
        if let (Some(open), Some(most)) = (latest.open_files, latest.open_files_limit) {
            let [open, most] = [open, most].map(units::count);
            strip = strip.with(head::fact("open files", &format!("{open} of {most}"), None));
        }
        let mut health = Markup::from(strip);
        health.push(faint(
            "Whether the generator was the limit is judged when the run has ended.",
        ));
        health
    }

    fn course(&self) -> Markup {
        let LiveWindows {
            length_s, windows, ..
        } = &self.windows;
        if windows.is_empty() {
            return nothing("nothing is measured yet").into();
        }
        let clock = Clock::live(*length_s, windows.len());
        let of = |count: &dyn Fn(&LiveWindow) -> u64| windows.iter().map(count).collect();
        let number = |it: f64| units::per_second(it, "");
        let iterations = vec![("ok".to_owned(), 0, of(&|it| it.iterations.ok))];
        let bytes = vec![
            ("received".to_owned(), 0, of(&|it| it.bytes.received)),
            ("sent".to_owned(), 1, of(&|it| it.bytes.sent)),
        ];
        // Not a rate: the charts divide by the length of a window.
        let busy = vec![("busy".to_owned(), 0, of(&|it| it.active * length_s))];
        let exchanges: Vec<_> = windows.iter().map(|it| it.exchanges).collect();
        let times: Vec<_> = windows.iter().map(|it| it.response_times.clone()).collect();
        let parts = [
            titled(
                "Iterations that ended well, per second",
                course::rates(
                    None,
                    "iterations per second over time",
                    clock,
                    iterations,
                    number,
                ),
            ),
            titled(
                "Exchanges that failed or were cancelled, per second",
                course::troubles(None, &exchanges, clock),
            ),
            titled(
                "Bytes of bodies, per second",
                course::rates(None, "bytes per second over time", clock, bytes, |it| {
                    units::per_second(it, "B")
                }),
            ),
            titled(
                "Response time of all journeys",
                course::percentiles(None, "the response time", &times, clock),
            ),
            titled(
                "Response times",
                heat::map("all journeys", &times, clock, &[]),
            ),
            titled(
                "Virtual users that are busy",
                course::rates(None, "busy users over time", clock, busy, |it| {
                    format!("{it:.0}")
                }),
            ),
        ];
        parts.into_iter().collect()
    }

    fn operations(&self) -> Markup {
        let heading = ["operation", "exchanges", "errors", "cancelled"];
        let mut table = HtmlTable::new("In the measured window so far", &heading);
        for (operation, outcomes) in self.now.operations() {
            table.row(vec![
                Cell::words(operation.name()),
                Cell::count(outcomes.ended()),
                Cell::trouble(outcomes.failed),
                Cell::count(outcomes.cancelled),
            ]);
        }
        if table.is_empty() {
            return nothing("nothing is measured yet").into();
        }
        table.render().into()
    }

    fn failures(&self) -> Markup {
        let mut table = HtmlTable::new("Exchanges in the measured window", &["class", "count"]);
        for (class, count) in self.now.failures().iter() {
            table.row(vec![Cell::words(class.name()), Cell::trouble(count)]);
        }
        if table.is_empty() {
            return nothing("no exchange failed in the measured window").into();
        }
        table.render().into()
    }
}

/// `1,542 ok, 3 failed`
fn outcomes(outcomes: Outcomes) -> String {
    let mut words = format!("{} ok", units::count(outcomes.ok));
    for (count, word) in [
        (outcomes.failed, "failed"),
        (outcomes.cancelled, "cancelled"),
        (outcomes.misbehaved, "misbehaved"),
    ] {
        if count > 0 {
            // Writing to a string does not fail.
            let _ = write!(words, ", {} {word}", units::count(count));
        }
    }
    words
}
