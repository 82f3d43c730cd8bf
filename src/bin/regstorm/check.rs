//! `regstorm check`: what a scenario would do. It prints the plan and its forecast, and sends nothing.

mod clients;
mod images;
mod listing;
mod replays;

use std::fmt::Write as _;
use std::num::NonZeroUsize;

use regstorm::plan::{self, Action, Forecast, Journey, JourneyForecast, Plan, Sample};
use regstorm::units;

use crate::exit::{self, Exit, Failure};
use crate::scenario_file::ScenarioArgs;

pub(crate) fn run(args: &ScenarioArgs) -> Result<Exit, Failure> {
    let Some(scenario) = args.load()? else {
        return Ok(Exit::Usage);
    };
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let plan = plan::resolve(scenario, cores);
    let text = show(&plan);
    exit::print(&text).map(|()| Exit::Passed)
}

/// All that `check` prints.
fn show(plan: &Plan) -> String {
    let mut text = plan.name.clone();
    if !plan.description.is_empty() {
        let _ = write!(text, " · {}", plan.description);
    }
    let fingerprint = &plan.fingerprint().to_hex()[..7];
    let _ = writeln!(text, "\nseed {} · plan {fingerprint}\n", plan.seed);
    text.push_str("plan, in keys that --set takes\n");
    text.push_str(&listing::aligned(&plan.to_text()));
    let forecast = plan.forecast();
    text.push('\n');
    text.push_str(&images::show(plan));
    text.push_str(&loads(plan, &forecast));
    text.push('\n');
    text.push_str(&journeys(&forecast));
    text.push_str(&clients::show(plan));
    text.push_str(&deletions(plan));
    text.push_str(&replays::show(plan));
    text.push_str(&hooks(plan));
    text.push_str(&hasty(&forecast));
    text.push('\n');
    text.push_str(&rates(plan, &forecast));
    text.push_str(&totals(plan, &forecast));
    text.push_str("nothing was sent\n");
    text
}

fn loads(plan: &Plan, forecast: &Forecast) -> String {
    let mut rows = vec![
        [
            "load",
            "journeys",
            "executor",
            "users",
            "for",
            "iterations",
            "requests",
            "down",
            "up",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for (load, sums) in plan.loads.iter().zip(&forecast.loads) {
        let names: Vec<String> = load
            .mix
            .iter()
            .map(|share| match load.mix.len() {
                1 => plan.journeys[share.journey].name.clone(),
                _ => format!("{} × {}", share.weight, plan.journeys[share.journey].name),
            })
            .collect();
        let all = |each: Option<f64>| {
            let iterations = sums.iterations?;
            each.map(|each| each * to_f64(iterations))
        };
        rows.push(vec![
            load.name.clone(),
            names.join(", "),
            load.executor.name().to_owned(),
            units::count(sums.vus.into()),
            duration(load),
            sums.iterations
                .map_or_else(|| "by time".to_owned(), units::count),
            all(sums.requests_per_iteration).map_or_else(dash, |n| units::count(to_u64(n))),
            all(sums.bytes_down_per_iteration).map_or_else(dash, |n| units::bytes(to_u64(n))),
            all(sums.bytes_up_per_iteration).map_or_else(dash, |n| units::bytes(to_u64(n))),
        ]);
    }
    table(&rows)
}

fn duration(load: &plan::Load) -> String {
    let show = |time| humantime::format_duration(time).to_string();
    let length = match load.executor.length() {
        plan::Length::Set(time) => show(time),
        plan::Length::AtMost(time) => format!("at most {}", show(time)),
    };
    match load.warmup {
        time if time.is_zero() => length,
        time => format!("{length} + {} warm-up", show(time)),
    }
}

/// The commands that would run on this machine.
fn hooks(plan: &Plan) -> String {
    let mut text = String::new();
    for hook in &plan.hooks {
        let _ = writeln!(
            text,
            "hook         {} runs {:?} here, with --allow-hooks only",
            hook.name, hook.command
        );
    }
    text
}

/// The rates that follow from a schedule: requests and bytes, where those of an iteration are known.
fn rates(plan: &Plan, forecast: &Forecast) -> String {
    let mut text = String::new();
    for (load, sums) in plan.loads.iter().zip(&forecast.loads) {
        let Some(rate) = sums.peak_rate else { continue };
        let _ = write!(
            text,
            "rate         {} at most {} iterations",
            load.name,
            units::per_second(rate, "")
        );
        if let Some(requests) = sums.requests_per_iteration {
            let _ = write!(
                text,
                " = {} requests",
                units::per_second(rate * requests, "")
            );
        }
        let bytes = [
            (sums.bytes_down_per_iteration, "down"),
            (sums.bytes_up_per_iteration, "up"),
        ];
        for (bytes, way) in bytes {
            if let Some(bytes) = bytes.filter(|it| *it > 0.0) {
                let _ = write!(text, " = {} {way}", units::per_second(rate * bytes, "B"));
            }
        }
        text.push('\n');
    }
    text
}

fn journeys(forecast: &Forecast) -> String {
    let mut rows = vec![
        ["journey", "requests", "down", "up", "per iteration"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for journey in &forecast.journeys {
        rows.push(row_of(journey, journey.name.clone()));
        let clients = journey.clients.iter();
        rows.extend(clients.map(|client| row_of(client, format!("  as {}", client.name))));
    }
    table(&rows)
}

/// What an iteration asks for, in columns.
fn row_of(journey: &JourneyForecast, name: String) -> Vec<String> {
    let operations = journey.requests.as_ref().map(|requests| {
        let parts = requests
            .iter()
            .map(|(operation, count)| format!("{} {operation}", number(*count)));
        parts.collect::<Vec<_>>().join(", ")
    });
    let bytes = |bytes: Option<f64>| bytes.map_or_else(dash, |n| units::bytes(to_u64(n)));
    vec![
        name,
        journey.total_requests().map_or_else(dash, number),
        bytes(journey.bytes_down),
        bytes(journey.bytes_up),
        operations.unwrap_or_else(|| "known when the images are read".to_owned()),
    ]
}

/// What a deletion does before it deletes, which nobody would expect.
fn deletions(plan: &Plan) -> String {
    let deletes = |it: &&Journey| matches!(it.action, Action::Delete(_));
    let journeys = plan.journeys.iter().filter(deletes);
    let mut text = String::new();
    for journey in journeys {
        let _ = writeln!(
            text,
            "{}: each iteration first stores a manifest of its own, which it then deletes",
            journey.name
        );
    }
    text
}

/// Journeys that cannot succeed over any usual connection.
fn hasty(forecast: &Forecast) -> String {
    let mut text = String::new();
    for journey in &forecast.journeys {
        if let Some(haste) = &journey.haste {
            let _ = writeln!(text, "warning: {}: {haste}", journey.name);
        }
    }
    text
}

/// What is read back after the load: it comes on top of the requests of the journeys.
fn audit(plan: &Plan) -> Option<String> {
    let writes = match plan.audit.sample {
        _ if !plan.audits() => return None,
        Sample::All => "all acknowledged writes are read back".to_owned(),
        Sample::Share(share) => {
            let share = units::share(share);
            format!("{share} of the acknowledged writes are read back")
        }
        sample => {
            let most = units::count(sample.of(u64::MAX));
            format!("at most {most} acknowledged writes are read back")
        }
    };
    let blobs = match plan.audit.blobs {
        0.0 => "by HEAD".to_owned(),
        share => format!("by HEAD, {} of them by GET as well", units::share(share)),
    };
    Some(format!(
        "{writes} after the load: 3 requests each, and its blobs {blobs}"
    ))
}

fn totals(plan: &Plan, forecast: &Forecast) -> String {
    let seeding = &forecast.seeding;
    let mut text = if seeding.images == 0 && seeding.archives == 0 {
        "seeding      nothing".to_owned()
    } else {
        format!(
            "seeding      {} images · {} requests · {}",
            units::count(seeding.images),
            units::count(seeding.requests),
            units::bytes(seeding.bytes),
        )
    };
    if seeding.archives > 0 {
        let _ = write!(text, " · and {} archives", seeding.archives);
    }
    if seeding.looks > 0 {
        let looks = units::count(seeding.looks);
        let _ = write!(
            text,
            "\nlooked for   {looks} requests find out what is there"
        );
    }
    if seeding.globs > 0 {
        let (globs, look) = match seeding.globs {
            1 => ("1 glob".to_owned(), "looks"),
            many => (format!("{} globs", units::count(many)), "look"),
        };
        let _ = write!(
            text,
            "\nlooked up    {globs} {look} through lists of the registry before the load"
        );
    }
    if let Some(audit) = audit(plan) {
        let _ = write!(text, "\naudit        {audit}");
    }
    let _ = writeln!(
        text,
        "\nconnections  at most {}",
        units::count(forecast.connections)
    );
    text.push_str(
        "Bytes are those of layers. A push is counted as if the registry had nothing yet, a list as if it had what is\n\
         seeded. What the registry decides comes on top: tokens, retries, redirects, more pages, fallbacks.\n",
    );
    text
}

/// Columns that align, two spaces between them.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn dash() -> String {
    "-".to_owned()
}

/// A count that may be a mean.
fn number(value: f64) -> String {
    if value.fract().abs() < 1e-9 {
        units::count(to_u64(value))
    } else {
        format!("{value:.1}")
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from a number saturates, and a forecast is never negative"
)]
fn to_u64(value: f64) -> u64 {
    value.round() as u64
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
const fn to_f64(value: u64) -> f64 {
    value as f64
}
