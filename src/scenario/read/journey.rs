//! The `[journey.NAME]` tables.

use std::sync::LazyLock;
use std::time::Duration;

use super::action;
use super::chosen::{self, Sets, chosen};
use super::clients::{self, clients};
use super::habits;
use crate::exchange::HttpVersion;
use crate::keys::codec::{Codec, HOUR, MS, SECOND, time};
use crate::keys::define::keys;
use crate::keys::form::Described;
use crate::keys::key::Keyed;
use crate::keys::plain::Fields;
use crate::keys::problem::Problem;
use crate::keys::section::Section;
use crate::keys::table::{Sink, Table, Variant};
use crate::keys::tree::{Entry, Item, Value};
use crate::keys::value::{self, unknown};
use crate::profile::Profile;
use crate::scenario::client::JourneyClient;
use crate::scenario::{ImageSet, Journey, ThinkTime};

keys! {
    /// The keys of a journey that every action has.
    #[derive(Debug, Clone)]
    struct Common {
        /// The client whose habits the journey has, or several with their weights. A user is one of them for the whole run; of
        /// arrivals, and of `shared-iterations`, each is one.
        clients as client: Vec<(Profile, u32)> = vec![(Profile::PLAIN, 1)] => clients(), "containerd";
        /// Pause of a user between two iterations: always the same, or drawn between `min` and `max`.
        think_time: ThinkTime = ThinkTime::None => think_time(), { min = "1s", max = "5s" };
        /// The longest silence of an exchange: how long a connection may take, and how long no byte may move. A long blob that
        /// moves has no limit but `iteration_timeout`, which must be at least as long.
        request_timeout: Duration = 30 * SECOND => time(MS..=6 * HOUR), "2m";
        /// The most time that one iteration may take.
        iteration_timeout: Duration = 300 * SECOND => time(MS..=24 * HOUR), "1h";
    }
}

static ACTION: LazyLock<Described> = LazyLock::new(|| {
    let meaning = "What a virtual user does in each iteration.";
    Described::own(("action", r#""pull""#), action::form(), meaning).needed()
});

/// The keys that belong to some actions and not to all.
static VARIANTS: LazyLock<Vec<Variant>> = LazyLock::new(|| action::variants(&habits::described()));

pub(super) fn read(
    entry: &Entry,
    sets: &Sets<'_>,
    http: Option<HttpVersion>,
    sink: &Sink,
) -> Option<Journey> {
    let mut table = Table::open(&entry.item, sink)?;
    let definition = table.need(&ACTION, action::definition);
    let images_are_optional = definition.is_some_and(|it| it.images_are_optional);
    let chosen = chosen(&mut table, images_are_optional, sets);
    let (common, mut is_good) = Common::read(&mut table);
    // Habits are read even where nobody knows whose they are, so that what is wrong with them is told.
    let word = definition.map(|it| it.word);
    let usual = clients::usual(&common.clients, http);
    let clients = clients::read(&mut table, word, &usual);
    is_good &= timeouts(&mut table, &common);
    is_good &= stall(&mut table, &common, clients.as_deref().unwrap_or_default());
    let action = definition.and_then(|it| (it.read)(&mut table, chosen, &usual));
    if let Some(word) = word {
        table.variant(ACTION.name, word, &VARIANTS);
    } else {
        action::undecided(&mut table);
        table.undecided(&VARIANTS);
    }
    table.finish();
    let journey = Journey {
        name: entry.key.clone(),
        clients: clients?,
        think_time: common.think_time,
        request_timeout: common.request_timeout,
        iteration_timeout: common.iteration_timeout,
        action: action?,
    };
    is_good.then_some(journey)
}

/// A journey as it would be written.
pub(super) fn show(journey: &Journey, sets: &[ImageSet]) -> Fields {
    let common = Common {
        clients: journey
            .clients
            .iter()
            .map(|it| (it.profile, it.weight))
            .collect(),
        think_time: journey.think_time,
        request_timeout: journey.request_timeout,
        iteration_timeout: journey.iteration_timeout,
    };
    let word = journey.action.word();
    let fields = Fields::default().put(ACTION.name, word);
    let fields = match journey.images() {
        Some(images) => fields.and(chosen::show(images, sets)),
        None => fields,
    };
    fields
        .and(common.show())
        .and(clients::show(journey))
        .and(journey.action.show())
}

/// The table of a journey and its habits, for the reference.
pub(super) fn sections() -> Vec<Section> {
    let mut keys = vec![ACTION.clone()];
    keys.extend(chosen::described());
    keys.extend(Common::described());
    keys.extend(action::described());
    vec![
        Section {
            name: "journey",
            heading: "`[journey.NAME]`",
            text: format!("What one virtual user does in one iteration.\n\n{}", action::list()),
            keys,
            decider: Some(ACTION.name),
        },
        Section {
            name: "habits",
            heading: "Keys of `[journey.NAME]`, beside [those above](#journey).",
            text: "What the client of a journey does. Each has the value of the journey's `client` unless the journey says otherwise."
                .to_owned(),
            keys: habits::described(),
            decider: Some(ACTION.name),
        },
    ]
}

keys! {
    struct Range {
        /// The shortest pause.
        min: Duration => time(Duration::ZERO..=HOUR), "1s", needed;
        /// The longest pause.
        max: Duration => time(Duration::ZERO..=HOUR), "5s", needed;
    }
}

/// `think_time`: a pause between two iterations.
fn think_time() -> Codec<ThinkTime> {
    let fixed = Codec::new(
        time(Duration::ZERO..=HOUR).form,
        read_fixed,
        |time: &ThinkTime| match *time {
            ThinkTime::None => Some(Duration::ZERO.into()),
            ThinkTime::Fixed(time) => Some(time.into()),
            ThinkTime::Uniform(..) => None,
        },
    );
    let is_range = |range: &Range, item: &Item, sink: &Sink| {
        let is_range = range.min < range.max;
        if !is_range {
            let problem = Problem::new("`min` must be less than `max`", item.spot.clone());
            sink.report(problem.label("write one length of time if it is always the same"));
        }
        is_range
    };
    let drawn = Range::inline().that(is_range).case(
        |Range { min, max }| ThinkTime::Uniform(min, max),
        |time: &ThinkTime| match *time {
            ThinkTime::Uniform(min, max) => Some(Range { min, max }),
            ThinkTime::None | ThinkTime::Fixed(_) => None,
        },
    );
    fixed.or_table(drawn)
}

fn read_fixed(item: &Item, sink: &Sink) -> Option<ThinkTime> {
    const RANGE: &str = "{ min = \"1s\", max = \"5s\" }";
    match &item.value {
        Value::Text(text) if text.as_written.starts_with(char::is_alphabetic) => {
            let known = ["\"2s\"", RANGE].into_iter();
            sink.report(unknown("think time", text, item, known));
            None
        }
        Value::Text(_) => {
            let time = value::time(Duration::ZERO..=HOUR)(item, sink)?;
            Some(match time {
                Duration::ZERO => ThinkTime::None,
                time => ThinkTime::Fixed(time),
            })
        }
        _ => {
            sink.expected(
                item,
                &format!("a length of time such as \"2s\", or {RANGE}"),
            );
            None
        }
    }
}

/// A stall is shorter than the silence after which the client itself gives up. Returns `false` after a problem.
fn stall(table: &mut Table<'_>, common: &Common, clients: &[JourneyClient]) -> bool {
    let stalls = clients.iter().filter_map(|it| it.habits.misbehave.stall);
    let longest = stalls.map(|it| it.time).max();
    if longest.is_none_or(|it| it < common.request_timeout) {
        return true;
    }
    if let Some(entry) = table.entry("stall") {
        let message = "a stall lasts longer than a request may be silent";
        let shown = humantime::format_duration(common.request_timeout);
        let label = format!("less than request_timeout, which is {shown}");
        table
            .sink()
            .report(Problem::new(message, entry.item.spot.clone()).label(label));
    }
    false
}

/// A request does not take longer than its iteration. Returns `false` after a problem.
fn timeouts(table: &mut Table<'_>, common: &Common) -> bool {
    let (request, iteration) = (common.request_timeout, common.iteration_timeout);
    if request <= iteration {
        return true;
    }
    let other = table.entry("iteration_timeout");
    let other = other.map(|entry| entry.item.spot.clone());
    let shown = humantime::format_duration(iteration);
    if let Some(entry) = table.entry("request_timeout") {
        let problem = Problem::new(
            "a request may take longer than its iteration",
            entry.item.spot.clone(),
        )
        .label(format!("at most iteration_timeout, which is {shown}"));
        table.sink().report(match other {
            Some(spot) => problem.also(spot, "the iteration ends here"),
            None => problem,
        });
    } else if let Some(spot) = other {
        let problem = Problem::new("a request may take longer than its iteration", spot);
        let shown = humantime::format_duration(request);
        let label = format!("at least request_timeout, which is {shown}");
        table.sink().report(problem.label(label));
    }
    false
}
