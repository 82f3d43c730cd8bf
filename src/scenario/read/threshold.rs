//! The `[[threshold]]` tables.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use super::expectation;
use super::metric::metric;
use super::{server_expectation, server_metric};
use crate::keys::codec::{DAY, MS, count, flag, time};
use crate::keys::define::keys;
use crate::keys::form::{Described, Form};
use crate::keys::key::Keyed;
use crate::keys::part::Part;
use crate::keys::plain::Fields;
use crate::keys::problem::Problem;
use crate::keys::section::Section;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Item, Text, Value};
use crate::keys::value::{text, unknown};
use crate::measure::Metric;
use crate::measure::Subject;
use crate::oci::Operation;
use crate::scenario::threshold::{Abort, Expectation, Limit, Operator, Threshold};
use crate::scenario::{Action, Executor, Journey, Judged, Load, TelemetrySource, operations};
use crate::telemetry::ServerMetric;

/// What thresholds name.
pub(super) struct Known<'a> {
    pub(super) journeys: &'a [&'a str],
    /// The same, as far as they could be read.
    pub(super) read: &'a [Option<Journey>],
    /// The loads, unless one of them has a mistake.
    pub(super) loads: Option<&'a [Load]>,
    /// What is read of the target, unless that has a mistake.
    pub(super) sources: Option<&'a [TelemetrySource]>,
    /// Whether there is an upstream, unless that has a mistake.
    pub(super) has_upstream: Option<bool>,
}

/// Each costs memory and a little time at every sample.
pub(super) const MOST: usize = 256;

pub(super) fn read_all(item: &Item, known: &Known<'_>, sink: &Sink) -> Option<Vec<Threshold>> {
    let Value::Array(items) = &item.value else {
        sink.expected(item, "an array of tables, [[threshold]]");
        return None;
    };
    if let Some(first) = items.get(MOST) {
        let problem = Problem::new("there are too many thresholds", first.spot.clone());
        sink.report(problem.label(format!("at most {MOST}")));
        return None;
    }
    let thresholds = items.iter().map(|item| read(item, known, sink));
    let thresholds: Vec<Option<Threshold>> = thresholds.collect();
    thresholds.into_iter().collect()
}

keys! {
    /// The keys of a threshold that stand for themselves.
    #[derive(Debug)]
    struct Rules {
        /// Samples from this time of the measured window on.
        from: Duration => time(Duration::ZERO..=7 * DAY), "10s";
        /// Samples before this time of the measured window. Absent: to its end.
        until: Option<Duration> => time(MS..=7 * DAY).optional(), "1m";
        /// The fewest samples on which the threshold is decided.
        min_samples: Option<u64> => count(1..=1 << 53).optional(), 5000,
            defaults_to("as many as the aggregation needs: `100` for `p(99)`");
        /// End the run as soon as the threshold is broken.
        abort_on_fail: bool = false => flag(), true;
        /// The run is not ended before this time. Needs `abort_on_fail = true`.
        delay as delay_abort_eval: Option<Duration> =>
            time(Duration::ZERO..=7 * DAY).optional(), "10s", defaults_to("`\"0s\"`");
    }
}

static METRIC: LazyLock<Described> = LazyLock::new(|| {
    let form = Form::Text("metric, `[JOURNEY.][OPERATION.]NAME`, or `server.[SOURCE.]NAME`");
    let meaning = "What is judged: a metric of the run, of a journey, or of an operation, or a number of the registry's side.";
    Described::own(("metric", r#""response_time""#), form, meaning).needed()
});
static EXPECT: LazyLock<Described> = LazyLock::new(|| {
    let form = Form::Text("aggregation, operator and limit");
    let meaning = "What must hold. Aggregations are those of k6, and a number of the registry's side has none; a limit has a unit.";
    Described::own(("expect", r#""p(99) < 250ms""#), form, meaning).needed()
});
static STAGE: LazyLock<Described> = LazyLock::new(|| {
    let form = Form::Text("name of a stage or a load");
    let meaning = "Samples of iterations that are due in this stage. Absent: all.";
    Described::own(("stage", r#""hold""#), form, meaning)
});

/// A threshold as it would be written.
pub(super) fn show(threshold: &Threshold) -> Fields {
    let (abort_on_fail, delay) = match threshold.abort {
        Abort::Never => (false, None),
        Abort::OnFail { after } => (true, Some(after)),
    };
    let rules = Rules {
        from: threshold.from,
        until: threshold.until,
        min_samples: Some(threshold.min_samples),
        abort_on_fail,
        delay,
    };
    Fields::default()
        .put(METRIC.name, threshold.metric.to_string())
        .put(EXPECT.name, threshold.expectation.to_string())
        .may(STAGE.name, threshold.stage.as_deref())
        .and(rules.show())
}

/// The table of a threshold, for the reference.
pub(super) fn section() -> Section {
    let mut keys = [&METRIC, &EXPECT, &STAGE]
        .map(|key| (**key).clone())
        .to_vec();
    keys.extend(Rules::described());
    Section {
        name: "threshold",
        heading: "`[[threshold]]`",
        text: "A limit on one metric of the run. A broken one makes the exit code 1.".to_owned(),
        keys,
        decider: None,
    }
}

fn read(item: &Item, known: &Known<'_>, sink: &Sink) -> Option<Threshold> {
    let mut table = Table::open(item, sink)?;
    let metric = table.need(&METRIC, |item: &Item, sink: &Sink| {
        judged(item, known, sink)
    });
    let expectation = table.need(&EXPECT, |item: &Item, sink: &Sink| {
        expectation(item, metric.as_ref(), sink)
    });
    let is_plain = !matches!(metric, Some(Judged::Server(_))) || is_of_whole_run(&mut table);
    let stage = table.may(&STAGE, |item: &Item, sink: &Sink| {
        let metric = metric.as_ref().and_then(Judged::load);
        stage(item, metric, known, sink)
    });
    let (rules, are_good) = Rules::read(&mut table);
    let is_span = is_span(&mut table, &rules);
    let limit = expectation.as_ref().map(Expectation::limit);
    let min_samples = min_samples(&mut table, limit, &rules);
    let abort = abort(&mut table, expectation.as_ref(), &rules);
    table.finish();
    let threshold = Threshold {
        metric: metric?,
        expectation: expectation?,
        stage: stage?,
        from: rules.from,
        until: rules.until,
        abort: abort?,
        min_samples: min_samples?,
    };
    (are_good && is_span && is_plain).then_some(threshold)
}

/// What is looked at: a metric of the load, or a number of the target's side.
fn judged(item: &Item, known: &Known<'_>, sink: &Sink) -> Option<Judged> {
    let written = text(item, sink)?;
    let is_of_journey =
        known.journeys.contains(&"server") && matches!(written.value.parse(), Ok(Judged::Load(_)));
    if written.value.starts_with(ServerMetric::PREFIX) && !is_of_journey {
        return server(item, &written, known, sink).map(Judged::Server);
    }
    let metric = metric(item, known.journeys, sink)?;
    is_run(item, &metric, known, sink)?;
    is_sent(item, &metric, known, sink)?;
    Some(Judged::Load(metric))
}

/// A number of the target's side, which something must read, and a run of one length.
fn server(item: &Item, written: &Text, known: &Known<'_>, sink: &Sink) -> Option<ServerMetric> {
    let sources = known.sources.unwrap_or_default();
    let names: Vec<&str> = sources.iter().map(|it| it.name.as_str()).collect();
    let is_of_upstream = written.value == ServerMetric::fetches_per_blob().to_string();
    let missing = if is_of_upstream {
        let label = "add an [upstream] table, or remove the threshold";
        (known.has_upstream == Some(false)).then_some(("nothing counts fetches", label))
    } else {
        let label =
            "add a [[telemetry]] table, such as `process = \"target\"`, or remove the threshold";
        let is_missing = known.sources.is_some() && names.is_empty();
        is_missing.then_some(("nothing reads the target's side", label))
    };
    if let Some((message, label)) = missing {
        sink.report(Problem::new(message, item.spot.clone()).label(label));
        return None;
    }
    let loads = known.loads.unwrap_or_default();
    let is_search = |it: &Load| matches!(it.executor, Executor::CapacitySearch(_));
    if loads.iter().any(is_search) {
        let problem = Problem::new("a search is not judged by this", item.spot.clone());
        let label = "trials are judged by what the load measures; remove the threshold";
        sink.report(problem.label(label));
        return None;
    }
    let read = server_metric::read(Part::whole(&written.value), &names);
    let metric = read.map_err(|wrong| sink.report(wrong.problem(written, item)));
    metric
        .ok()
        .filter(|it| is_of_all_loads(item, it, known, sink))
}

/// Processor time is that of everything that runs: it is of a pull where nothing but pulls does. Returns `false` after a problem.
fn is_of_all_loads(item: &Item, metric: &ServerMetric, known: &Known<'_>, sink: &Sink) -> bool {
    let (fits, what): (fn(&Action) -> bool, _) = match metric.name().rsplit('.').next() {
        Some("cpu_per_pull") => (|it| matches!(it, Action::Pull(_)), "pulls"),
        Some("cpu_per_push") => (|it| matches!(it, Action::Push(_)), "pushes"),
        _ => return true,
    };
    let loads = known.loads.unwrap_or_default().iter();
    let mut journeys = loads
        .flat_map(|load| &load.mix)
        .filter_map(|share| known.read.get(share.journey)?.as_ref());
    if journeys.all(|journey| fits(&journey.action)) {
        return true;
    }
    let problem = Problem::new(format!("not all that runs are {what}"), item.spot.clone());
    let label = "processor time is that of all journeys: use server.cpu_per_iteration";
    sink.report(problem.label(label));
    false
}

/// Numbers of the target's side are of the whole measured window, and known at its end. Returns `false` after a problem.
fn is_of_whole_run(table: &mut Table<'_>) -> bool {
    let keys = [
        "stage",
        "from",
        "until",
        "abort_on_fail",
        "delay_abort_eval",
    ];
    let mut is_plain = true;
    for key in keys {
        if let Some(entry) = table.entry(key) {
            let message = format!("`{key}` does not apply to a number of the target's side");
            let problem = Problem::new(message, entry.key_spot.clone());
            let label =
                "remove it: the number is of the whole measured window, and judged at its end";
            table.sink().report(problem.label(label));
            is_plain = false;
        }
    }
    is_plain
}

fn expectation(item: &Item, metric: Option<&Judged>, sink: &Sink) -> Option<Expectation> {
    let text = text(item, sink)?;
    // What is wrong with it whatever it is of is said even where the metric has a mistake.
    let fitted = match metric {
        Some(Judged::Server(metric)) => server_expectation::read(&text.value, metric).map(Some),
        Some(Judged::Load(metric)) => {
            expectation::parse(&text.value).and_then(|it| it.fit(metric).map(Some))
        }
        None => expectation::parse(&text.value).map(|_| None),
    };
    match fitted {
        Ok(expectation) => expectation,
        Err(wrong) => {
            sink.report(wrong.problem(&text, item));
            None
        }
    }
}

/// A threshold on what never happens could only be inconclusive.
fn is_run(item: &Item, metric: &Metric, known: &Known<'_>, sink: &Sink) -> Option<()> {
    let loads = known.loads.unwrap_or_default();
    if known.loads.is_none() || loads.iter().any(|load| runs(load, metric, known)) {
        return Some(());
    }
    let problem = Problem::new("no load runs this journey", item.spot.clone());
    sink.report(problem.label("add it to a [[load]], or remove the threshold"));
    None
}

/// A threshold on what no journey sends could only be inconclusive, too. Whether there are tokens and redirects is for the
/// registry to say.
fn is_sent(item: &Item, metric: &Metric, known: &Known<'_>, sink: &Sink) -> Option<()> {
    let Subject::Exchanges {
        operation: Some(operation),
        ..
    } = metric.subject()
    else {
        return Some(());
    };
    let (Some(loads), false) = (
        known.loads,
        matches!(operation, Operation::Token | Operation::Redirected),
    ) else {
        return Some(());
    };
    let shares = loads.iter().flat_map(|load| &load.mix);
    let of_metric = |index: &usize| {
        let name = known.journeys.get(*index).copied();
        metric.journey().is_none_or(|it| name == Some(it))
    };
    let used: BTreeSet<usize> = shares
        .map(|share| share.journey)
        .filter(of_metric)
        .collect();
    let mut sent = BTreeSet::new();
    for index in used {
        // Of a journey with a mistake nobody knows what it sends.
        let journey = known.read.get(index)?.as_ref();
        sent.extend(journey.map_or(vec![operation], operations));
    }
    if sent.contains(&operation) {
        return Some(());
    }
    let sent: Vec<&str> = sent.into_iter().map(Operation::name).collect();
    let whom = metric
        .journey()
        .map_or("no journey", |_| "this journey never");
    let message = format!("{whom} sends `{operation}`");
    let problem = Problem::new(message, item.spot.clone());
    let label = "the threshold could never be judged";
    let help = format!("sent are: {}", sent.join(", "));
    sink.report(problem.label(label).help(help));
    None
}

fn runs(load: &Load, metric: &Metric, known: &Known<'_>) -> bool {
    let name = |share: &crate::scenario::Share| known.journeys.get(share.journey).copied();
    metric.journey().is_none() || load.mix.iter().any(|share| name(share) == metric.journey())
}

/// A stage of a load that runs the journey.
fn stage(item: &Item, metric: Option<&Metric>, known: &Known<'_>, sink: &Sink) -> Option<String> {
    let text = text(item, sink)?;
    let Some(loads) = known.loads else {
        return Some(text.value);
    };
    let all: Vec<&str> = loads.iter().flat_map(Load::stage_names).collect();
    if !all.contains(&text.value.as_str()) {
        sink.report(unknown("stage", &text, item, all.iter().copied()));
        return None;
    }
    let metric = metric?;
    let mut running = loads.iter().filter(|load| runs(load, metric, known));
    if running.any(|load| load.stage_names().contains(&text.value.as_str())) {
        return Some(text.value);
    }
    let problem = Problem::new("no load runs the journey in this stage", item.spot.clone());
    sink.report(problem.label("the stage is of another load"));
    None
}

/// `from` is before `until`. Returns `false` after a problem.
fn is_span(table: &mut Table<'_>, rules: &Rules) -> bool {
    if rules.until.is_none_or(|until| rules.from < until) {
        return true;
    }
    // Until is more than nothing, so that from was written, too.
    if let (Some(start), Some(end)) = (table.entry("from"), table.entry("until")) {
        let problem = Problem::new("`until` must be later than `from`", end.item.spot.clone());
        let problem = problem.label("both count from the opening of the measured window");
        table
            .sink()
            .report(problem.also(start.item.spot.clone(), "begins here"));
    }
    false
}

fn min_samples(table: &mut Table<'_>, limit: Option<Limit>, rules: &Rules) -> Option<u64> {
    let needs = limit.map_or(1, Limit::needs);
    let samples = rules.min_samples.unwrap_or(needs);
    if samples >= needs {
        return Some(samples);
    }
    let entry = table.entry("min_samples")?;
    let problem = Problem::new("of so few samples it is not known", entry.item.spot.clone());
    let label = format!("at least {needs}: below, a percentile is another name for the maximum");
    let expect = table.entry(EXPECT.name).map(|it| it.item.spot.clone());
    table.sink().report(match expect {
        Some(spot) => problem.label(label).also(spot, "needs them"),
        None => problem.label(label),
    });
    None
}

fn abort(table: &mut Table<'_>, expectation: Option<&Expectation>, rules: &Rules) -> Option<Abort> {
    let flag = table.entry("abort_on_fail");
    let Some(flag) = flag.filter(|_| rules.abort_on_fail) else {
        let flag_is_wrong = flag.is_some_and(|it| !matches!(it.item.value, Value::Flag(_)));
        let Some(entry) = table.entry("delay_abort_eval").filter(|_| !flag_is_wrong) else {
            return Some(Abort::Never);
        };
        let problem = Problem::new(
            "`delay_abort_eval` needs abort_on_fail = true",
            entry.key_spot.clone(),
        );
        table
            .sink()
            .report(problem.label("use abort_on_fail = true, or remove it"));
        return None;
    };
    let after = rules.delay.unwrap_or_default();
    let expectation = expectation?;
    let at_least = matches!(
        expectation.operator(),
        Operator::Greater | Operator::GreaterOrEqual
    );
    let spot = flag.key_spot.clone();
    let problem = match expectation.limit() {
        Limit::Count(_) | Limit::Bytes(_) if at_least => {
            Problem::new("a count can be reached until the end", spot)
                .label("remove it: only the end of the run can break this limit")
        }
        Limit::PerSecond(_) | Limit::BytesPerSecond(_) if after.is_zero() => {
            Problem::new("a rate per second begins at nothing", spot)
                .label("say from when on it counts: add delay_abort_eval = \"10s\"")
        }
        _ => return Some(Abort::OnFail { after }),
    };
    table.sink().report(problem);
    None
}
