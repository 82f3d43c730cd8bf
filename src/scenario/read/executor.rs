//! The executor of a `[[load]]` table, with the keys that belong to it.

mod undecided;

use std::ops::RangeInclusive;
use std::sync::LazyLock;
use std::time::Duration;

use super::name::identifier;
use super::table::{Sink, Table, Variant};
use super::value::{choice, fraction, rate, rate_or_zero, time, whole};
use crate::scenario::load::{CapacitySearch, Crew, Executor, OnNoVu, Stage};
use crate::scenario::problem::Problem;
use crate::scenario::tree::{Item, Value};
use crate::schedule::Spacing;
use crate::units::Rate;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ConstantVus,
    RampingVus,
    PerVuIterations,
    SharedIterations,
    ConstantArrivalRate,
    RampingArrivalRate,
    AtOnce,
    CapacitySearch,
}

const KINDS: [(&str, Kind); 8] = [
    ("constant-vus", Kind::ConstantVus),
    ("ramping-vus", Kind::RampingVus),
    ("per-vu-iterations", Kind::PerVuIterations),
    ("shared-iterations", Kind::SharedIterations),
    ("constant-arrival-rate", Kind::ConstantArrivalRate),
    ("ramping-arrival-rate", Kind::RampingArrivalRate),
    ("at-once", Kind::AtOnce),
    ("capacity-search", Kind::CapacitySearch),
];

static VARIANTS: LazyLock<[Variant; 8]> = LazyLock::new(|| {
    [
        Variant {
            name: "constant-vus",
            keys: vec!["vus", "duration", "warmup", "pacing"],
            meaning: "starts users, not arrivals",
        },
        Variant {
            name: "ramping-vus",
            keys: vec!["start_vus", "stages", "graceful_ramp_down", "pacing"],
            meaning: "users come and go by stages",
        },
        Variant {
            name: "per-vu-iterations",
            keys: vec!["vus", "iterations", "max_duration", "pacing"],
            meaning: "runs by iterations",
        },
        Variant {
            name: "shared-iterations",
            keys: vec!["vus", "iterations", "max_duration", "pacing"],
            meaning: "runs by iterations",
        },
        Variant {
            name: "constant-arrival-rate",
            keys: vec![
                "rate",
                "time_unit",
                "duration",
                "warmup",
                "max_vus",
                "arrival",
                "on_no_vu",
                "max_queue",
            ],
            meaning: "starts arrivals, not users",
        },
        Variant {
            name: "ramping-arrival-rate",
            keys: vec![
                "start_rate",
                "time_unit",
                "stages",
                "max_vus",
                "arrival",
                "on_no_vu",
                "max_queue",
            ],
            meaning: "arrivals follow the stages",
        },
        Variant {
            name: "at-once",
            keys: vec!["vus", "within", "arrival", "max_duration"],
            meaning: "each user starts once",
        },
        Variant {
            name: "capacity-search",
            keys: vec![
                "start_rate",
                "max_rate",
                "time_unit",
                "growth",
                "precision",
                "settle",
                "hold",
                "confirm",
                "max_vus",
                "arrival",
                "on_no_vu",
                "max_queue",
            ],
            meaning: "tries one rate after the other",
        },
    ]
});

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);
const LENGTH: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_hours(24 * 7);
const CONFIRM: RangeInclusive<Duration> = Duration::from_millis(100)..=DAY;
const PACING: RangeInclusive<Duration> = Duration::from_millis(1)..=DAY;
const GROWTH: RangeInclusive<f64> = 1.1..=10.0;
const PRECISION: RangeInclusive<f64> = 0.01..=0.5;
const MOST_VUS: u32 = 1_000_000;
const MOST_ITERATIONS: u64 = 1_000_000_000;
const MOST_STAGES: usize = 100;
const MOST_QUEUE: u32 = 10_000_000;

/// How many arrivals may wait for a user, if the scenario does not say.
const QUEUE: u32 = 100_000;

/// What the keys of an executor say.
pub(super) struct Read {
    pub(super) executor: Executor,
    pub(super) warmup: Duration,
    pub(super) pacing: Option<Duration>,
}

pub(super) fn read(table: &mut Table<'_>) -> Option<Read> {
    let kind = table.need(
        "executor",
        "executor = \"constant-vus\"",
        choice("executor", &KINDS),
    );
    let Some(kind) = kind else {
        undecided::read(table);
        return None;
    };
    let executor = executor(table, kind);
    let warmup = match kind {
        Kind::ConstantVus | Kind::ConstantArrivalRate => {
            table.or("warmup", Duration::ZERO, time(Duration::ZERO..=DAY))
        }
        // Where it belongs is said with the other misplaced keys.
        _ => Some(Duration::ZERO),
    };
    let pacing = match kind {
        Kind::ConstantVus | Kind::RampingVus | Kind::PerVuIterations | Kind::SharedIterations => {
            table.may("pacing", time(PACING))
        }
        _ => Some(None),
    };
    Some(Read {
        executor: executor?,
        warmup: warmup?,
        pacing: pacing?,
    })
}

/// Reports the keys that belong to another executor than the chosen one.
pub(super) fn misplaced(table: &mut Table<'_>) {
    let chosen = table
        .entry("executor")
        .and_then(|entry| match &entry.item.value {
            Value::Text(text) => KINDS.iter().find(|(name, _)| *name == text.value),
            _ => None,
        });
    match chosen {
        Some((name, _)) => table.variant("executor", name, &*VARIANTS),
        None => table.undecided(&*VARIANTS),
    }
}

fn executor(table: &mut Table<'_>, kind: Kind) -> Option<Executor> {
    match kind {
        Kind::ConstantVus => {
            let vus = table.need("vus", "vus = 10", whole(1..=MOST_VUS));
            let duration = table.need("duration", "duration = \"1m\"", time(LENGTH));
            Some(Executor::ConstantVus {
                vus: vus?,
                duration: duration?,
            })
        }
        Kind::RampingVus => ramping_vus(table),
        Kind::PerVuIterations | Kind::SharedIterations => counted(table, kind),
        Kind::ConstantArrivalRate => {
            let unit = time_unit(table);
            let rate = table.need("rate", "rate = 50", rate(unit));
            let duration = table.need("duration", "duration = \"1m\"", time(LENGTH));
            let crew = crew(table);
            Some(Executor::ConstantArrivalRate {
                rate: rate?,
                duration: duration?,
                crew: crew?,
            })
        }
        Kind::RampingArrivalRate => ramping_arrival_rate(table),
        Kind::AtOnce => {
            let vus = table.need("vus", "vus = 100", whole(1..=MOST_VUS));
            let within = table.or("within", Duration::ZERO, time(Duration::ZERO..=DAY));
            let arrival = spacing(table);
            let max_duration = table.or("max_duration", 600 * SECOND, time(LENGTH));
            let (vus, within, max_duration) = (vus?, within?, max_duration?);
            if within > max_duration {
                let spot = table.entry("within")?.item.spot.clone();
                let problem = Problem::new("not all users would start", spot);
                table
                    .sink()
                    .report(problem.label("this is longer than `max_duration`"));
                return None;
            }
            Some(Executor::AtOnce {
                vus,
                within,
                arrival: arrival?,
                max_duration,
            })
        }
        Kind::CapacitySearch => capacity_search(table),
    }
}

fn ramping_vus(table: &mut Table<'_>) -> Option<Executor> {
    let start_vus = table.or("start_vus", 0, whole(0..=MOST_VUS));
    let stages = table.need(
        "stages",
        "stages = [{ duration = \"1m\", target = 10 }]",
        |item: &Item, sink: &Sink| {
            stages(item, sink, |table| {
                table.need("target", "target = 10", whole(0..=MOST_VUS))
            })
        },
    );
    let grace = table.or(
        "graceful_ramp_down",
        30 * SECOND,
        time(Duration::ZERO..=DAY),
    );
    let executor = Executor::RampingVus {
        start_vus: start_vus?,
        stages: stages?,
        graceful_ramp_down: grace?,
    };
    if executor.vus() == 0 {
        return idle(table, "no user is ever there", "no `target` is above 0");
    }
    Some(executor)
}

fn ramping_arrival_rate(table: &mut Table<'_>) -> Option<Executor> {
    let unit = time_unit(table);
    let zero = Rate::new(0.0, unit).unwrap_or(Rate::ZERO);
    let start_rate = table.or("start_rate", zero, rate_or_zero(unit));
    let stages = table.need(
        "stages",
        "stages = [{ duration = \"1m\", target = 50 }]",
        |item: &Item, sink: &Sink| {
            stages(item, sink, |table| {
                table.need("target", "target = 50", rate_or_zero(unit))
            })
        },
    );
    let crew = crew(table);
    let (start_rate, stages) = (start_rate?, stages?);
    let mut before = start_rate;
    let busy = stages.iter().any(|stage| {
        let idle = before.is_zero() && stage.target.is_zero();
        let busy = !(idle || stage.duration.is_zero());
        before = stage.target;
        busy
    });
    if !busy {
        return idle(table, "nothing is ever due", "the rate is 0 all the time");
    }
    Some(Executor::RampingArrivalRate {
        start_rate,
        stages,
        crew: crew?,
    })
}

fn idle(table: &mut Table<'_>, message: &str, label: &str) -> Option<Executor> {
    let spot = table.entry("stages")?.item.spot.clone();
    table
        .sink()
        .report(Problem::new(message, spot).label(label));
    None
}

fn counted(table: &mut Table<'_>, kind: Kind) -> Option<Executor> {
    let vus = table.need("vus", "vus = 10", whole(1..=MOST_VUS));
    let range = 1..=MOST_ITERATIONS;
    let iterations = table.need("iterations", "iterations = 100", whole(range));
    let max_duration = table.or("max_duration", 600 * SECOND, time(LENGTH));
    let (vus, iterations, max_duration) = (vus?, iterations?, max_duration?);
    if kind == Kind::PerVuIterations {
        return Some(Executor::PerVuIterations {
            vus,
            iterations,
            max_duration,
        });
    }
    if iterations < u64::from(vus)
        && let (Some(few), Some(many)) = (table.entry("iterations"), table.entry("vus"))
    {
        table.sink().report(
            Problem::new("some users would have nothing to do", few.item.spot.clone())
                .label("the iterations of all users together: at least `vus`")
                .also(many.item.spot.clone(), "more users than iterations"),
        );
        return None;
    }
    Some(Executor::SharedIterations {
        vus,
        iterations,
        max_duration,
    })
}

fn capacity_search(table: &mut Table<'_>) -> Option<Executor> {
    let unit = time_unit(table);
    let start_rate = table.need("start_rate", "start_rate = 10", rate(unit));
    let max_rate = table.may("max_rate", rate(unit));
    let growth = table.or("growth", 2.0, fraction(GROWTH));
    let precision = table.or("precision", 0.05, fraction(PRECISION));
    let settle = table.or("settle", 5 * SECOND, time(Duration::ZERO..=DAY));
    let hold = table.or("hold", 20 * SECOND, time(CONFIRM));
    let confirm = table.or("confirm", 60 * SECOND, time(CONFIRM));
    let crew = crew(table);
    let (start_rate, max_rate) = (start_rate?, max_rate?);
    if let Some(max_rate) = max_rate
        && max_rate < start_rate
    {
        let spot = table.entry("max_rate")?.item.spot.clone();
        let problem = Problem::new("there is nothing to search", spot);
        table.sink().report(problem.label("less than `start_rate`"));
        return None;
    }
    Some(Executor::CapacitySearch(CapacitySearch {
        start_rate,
        max_rate,
        growth: growth?,
        precision: precision?,
        settle: settle?,
        hold: hold?,
        confirm: confirm?,
        crew: crew?,
    }))
}

/// The time that rates are per; a second where it says nothing, or nonsense, of which something is said here.
fn time_unit(table: &mut Table<'_>) -> Duration {
    let (least, most) = Rate::UNITS;
    table
        .or("time_unit", SECOND, time(least..=most))
        .unwrap_or(SECOND)
}

fn crew(table: &mut Table<'_>) -> Option<Crew> {
    let max_vus = table.need(
        "max_vus",
        "max_vus = 100`: at least the rate times the time of an iteration; `max_vus = 100",
        whole(1..=MOST_VUS),
    );
    let arrival = spacing(table);
    let queues = on_no_vu(table);
    let limit = table.may("max_queue", whole(1..=MOST_QUEUE));
    let (queues, limit) = (queues?, limit?);
    if let (false, Some(_)) = (queues, limit) {
        let spot = table.entry("max_queue")?.key_spot.clone();
        let problem = Problem::new("`max_queue` without a queue", spot);
        table
            .sink()
            .report(problem.label("set `on_no_vu = \"queue\"`, or remove it"));
        return None;
    }
    Some(Crew {
        max_vus: max_vus?,
        arrival: arrival?,
        on_no_vu: if queues {
            OnNoVu::Queue {
                limit: limit.unwrap_or(QUEUE),
            }
        } else {
            OnNoVu::Drop
        },
    })
}

/// Whether an arrival waits that finds no user.
fn on_no_vu(table: &mut Table<'_>) -> Option<bool> {
    let known = [("drop", false), ("queue", true)];
    table.or("on_no_vu", false, choice("way", &known))
}

fn spacing(table: &mut Table<'_>) -> Option<Spacing> {
    let known = [("uniform", Spacing::Uniform), ("poisson", Spacing::Poisson)];
    table.or("arrival", Spacing::Uniform, choice("arrival", &known))
}

/// The stages of a line, with what `target` reads of each.
fn stages<T>(
    item: &Item,
    sink: &Sink,
    target: impl Fn(&mut Table<'_>) -> Option<T>,
) -> Option<Vec<Stage<T>>> {
    let Value::Array(items) = &item.value else {
        sink.expected(item, "stages such as [{ duration = \"1m\", target = 10 }]");
        return None;
    };
    if items.is_empty() || items.len() > MOST_STAGES {
        let problem = Problem::new("this number of stages is out of range", item.spot.clone());
        sink.report(problem.label(format!("from 1 to {MOST_STAGES}")));
        return None;
    }
    let read = |(index, item): (usize, &Item)| {
        let mut table = Table::open(item, sink)?;
        let name = table.or("name", format!("stage-{}", index + 1), identifier);
        let duration = table.need("duration", "duration = \"1m\"", time(Duration::ZERO..=DAY));
        let target = target(&mut table);
        table.finish();
        Some(Stage {
            name: name?,
            duration: duration?,
            target: target?,
        })
    };
    let stages: Vec<Option<Stage<T>>> = items.iter().enumerate().map(read).collect();
    let stages: Vec<Stage<T>> = stages.into_iter().collect::<Option<_>>()?;
    let names: Vec<&str> = stages.iter().map(|stage| stage.name.as_str()).collect();
    if let Some(twice) = (1..names.len()).find(|at| names[..*at].contains(&names[*at])) {
        let problem = Problem::new("two stages have one name", items[twice].spot.clone());
        sink.report(problem.label(format!("another `{}` stands before it", names[twice])));
        return None;
    }
    let all: Duration = stages.iter().map(|stage| stage.duration).sum();
    if !LENGTH.contains(&all) {
        let problem = Problem::new("this length is out of range", item.spot.clone());
        sink.report(problem.label("all stages together: from 100ms to 7days"));
        return None;
    }
    Some(stages)
}
