//! The `[journey.NAME]` tables.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::table::{Sink, Table, Variant};
use super::value::{choice, flag, number_of, parsed, positive, size, text, time, unknown};
use crate::oci::{Platform, PushMethod, RepositoryName, Verify};
use crate::scenario::problem::Problem;
use crate::scenario::tree::{Entry, Item, Text, Value};
use crate::scenario::{
    Action, ConnectionPolicy, ImageSet, ImageSource, Journey, Pick, Pull, Push, ThinkTime,
};
use crate::units::ByteSize;

/// The image sets that journeys name. One with a mistake has a name all the same.
pub(super) struct Sets<'a> {
    pub(super) entries: &'a [Entry],
    pub(super) images: &'a [Option<ImageSet>],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Pull,
    Push,
}

const VERBS: [(&str, Verb); 2] = [("pull", Verb::Pull), ("push", Verb::Push)];

const VARIANTS: [Variant; 2] = [
    Variant {
        name: "pull",
        keys: &["verify", "platform"],
        meaning: "takes images from the registry",
    },
    Variant {
        name: "push",
        keys: &[
            "method",
            "chunk_size",
            "exists_check",
            "mount_from",
            "unique",
        ],
        meaning: "gives images to the registry",
    },
];

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

pub(super) fn read(entry: &Entry, sets: &Sets<'_>, sink: &Sink) -> Option<Journey> {
    let mut table = Table::open(&entry.item, sink)?;
    let verb = table.need("action", "action = \"pull\"", choice("action", &VERBS));
    let images = table.need("images", "images = \"NAME\"", |item: &Item, sink: &Sink| {
        let text = text(item, sink)?;
        let names = sets.entries.iter().map(|entry| entry.key.as_str());
        let found = names.clone().position(|name| name == text.value);
        if found.is_none() {
            sink.report(unknown("image set", &text, item, names));
        }
        found
    });
    let set = images.and_then(|index| sets.images.get(index)?.as_ref());
    let pick = table.or("pick", Pick::RoundRobin, pick);
    let parallel = table.or("parallel", default_parallel(verb), number_of(64));
    let connections = connections(&mut table);
    let think_time = table.or("think_time", ThinkTime::None, think_time);
    let timeouts = timeouts(&mut table);
    let repository = repository(&mut table, set);
    let action = verb.and_then(|verb| action(&mut table, verb, set));
    if verb.is_none() {
        table.undecided(&VARIANTS);
    }
    table.finish();
    Some(Journey {
        name: entry.key.clone(),
        images: images?,
        repository: repository?,
        pick: pick?,
        parallel: parallel?,
        connections: connections?,
        think_time: think_time?,
        request_timeout: timeouts?.0,
        iteration_timeout: timeouts?.1,
        action: action?,
    })
}

/// As Docker has it: three downloads, five uploads.
fn default_parallel(verb: Option<Verb>) -> NonZeroUsize {
    const DOWN: NonZeroUsize = NonZeroUsize::new(3).expect("3 is not 0");
    const UP: NonZeroUsize = NonZeroUsize::new(5).expect("5 is not 0");
    match verb {
        Some(Verb::Push) => UP,
        Some(Verb::Pull) | None => DOWN,
    }
}

fn pick(item: &Item, sink: &Sink) -> Option<Pick> {
    if let Value::Table(_) = item.value {
        let mut table = Table::open(item, sink)?;
        let exponent = table.need("zipf", "zipf = 0.95", positive(10.0));
        table.finish();
        return exponent.map(Pick::Zipf);
    }
    let words = [("round-robin", Pick::RoundRobin), ("random", Pick::Random)];
    choice("pick", &words)(item, sink)
}

fn connections(table: &mut Table<'_>) -> Option<ConnectionPolicy> {
    const DEFAULT_POOL: NonZeroUsize = NonZeroUsize::new(8).expect("8 is not 0");
    const SHARED: ConnectionPolicy = ConnectionPolicy::Shared {
        pool_size: DEFAULT_POOL,
    };
    const POLICIES: [(&str, ConnectionPolicy); 4] = [
        ("per-vu", ConnectionPolicy::PerVu),
        ("per-iteration", ConnectionPolicy::PerIteration),
        ("per-request", ConnectionPolicy::PerRequest),
        ("shared", SHARED),
    ];
    let policy = table.or(
        "connections",
        ConnectionPolicy::PerVu,
        choice("connections", &POLICIES),
    );
    let pool_size = table.or("pool_size", DEFAULT_POOL, number_of(4096));
    match policy? {
        ConnectionPolicy::Shared { .. } => {
            pool_size.map(|pool_size| ConnectionPolicy::Shared { pool_size })
        }
        policy => {
            only_with(
                table,
                "pool_size",
                ("connections", "shared"),
                "these users have no pool",
            )?;
            Some(policy)
        }
    }
}

/// Reports a key that means nothing because of the value of another.
fn only_with(
    table: &mut Table<'_>,
    key: &'static str,
    (decider, wanted): (&'static str, &str),
    because: &str,
) -> Option<()> {
    let chosen = table.entry(decider).map(|entry| entry.item.spot.clone());
    let Some(entry) = table.entry(key) else {
        return Some(());
    };
    let mut problem = Problem::new(
        format!("`{key}` needs {decider} = \"{wanted}\""),
        entry.key_spot.clone(),
    )
    .label(format!("use {decider} = \"{wanted}\", or remove `{key}`"));
    if let Some(spot) = chosen {
        problem = problem.also(spot, because);
    }
    table.sink().report(problem);
    None
}

fn think_time(item: &Item, sink: &Sink) -> Option<ThinkTime> {
    let pause = || time(Duration::ZERO..=HOUR);
    let Value::Table(_) = item.value else {
        return pause()(item, sink).map(|time| {
            if time.is_zero() {
                ThinkTime::None
            } else {
                ThinkTime::Fixed(time)
            }
        });
    };
    let mut table = Table::open(item, sink)?;
    let min = table.need("min", "min = \"1s\"", pause());
    let max = table.need("max", "max = \"5s\"", pause());
    table.finish();
    let (min, max) = (min?, max?);
    if min < max {
        return Some(ThinkTime::Uniform(min, max));
    }
    let problem = Problem::new("`min` must be less than `max`", item.spot.clone());
    sink.report(problem.label("write one length of time if it is always the same"));
    None
}

/// The most time of a request and of an iteration.
fn timeouts(table: &mut Table<'_>) -> Option<(Duration, Duration)> {
    let shortest = Duration::from_millis(1);
    let request = table.or("request_timeout", 30 * SECOND, time(shortest..=6 * HOUR));
    let iteration = table.or(
        "iteration_timeout",
        300 * SECOND,
        time(shortest..=24 * HOUR),
    );
    let (request, iteration) = (request?, iteration?);
    if request <= iteration {
        return Some((request, iteration));
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
    None
}

/// `{images}` stands for the name of the set.
fn repository(table: &mut Table<'_>, set: Option<&ImageSet>) -> Option<RepositoryName> {
    const PLACE: &str = "{images}";
    let name = set.map_or("images", |set| set.name.as_str());
    let existing = set.is_some_and(|set| matches!(set.source, ImageSource::Existing(_)));
    let default = format!("regstorm/{name}").parse().ok();
    let Some(entry) = table.entry("repository") else {
        return default;
    };
    if existing {
        let problem = Problem::new(
            "existing images have their repositories",
            entry.key_spot.clone(),
        );
        table
            .sink()
            .report(problem.label("remove it: their references say where they are"));
        return None;
    }
    let text = text(&entry.item, table.sink())?;
    let place = |text: &str| text.replace(PLACE, name);
    let item = Item {
        value: Value::Text(Text {
            value: place(&text.value),
            as_written: place(&text.as_written),
            verbatim: None,
        }),
        spot: entry.item.spot.clone(),
    };
    let prefix: RepositoryName = parsed(&item, table.sink())?;
    if prefix.as_str().len() <= 200 {
        return Some(prefix);
    }
    let problem = Problem::new("this prefix is too long", item.spot);
    table
        .sink()
        .report(problem.label("at most 200 characters: more follows it"));
    None
}

fn action(table: &mut Table<'_>, verb: Verb, set: Option<&ImageSet>) -> Option<Action> {
    const VERIFY: [(&str, Verify); 3] = [
        ("digest", Verify::Digest),
        ("length", Verify::Length),
        ("none", Verify::None),
    ];
    if verb == Verb::Pull {
        let verify = table.or("verify", Verify::Digest, choice("verify", &VERIFY));
        let platform = table.or("platform", Platform::linux_amd64(), parsed);
        table.variant("action", "pull", &VARIANTS);
        return Some(Action::Pull(Pull {
            verify: verify?,
            platform: platform?,
        }));
    }
    let method = method(table);
    let exists_check = table.or("exists_check", true, flag);
    let mount_from = table.may("mount_from", parsed::<RepositoryName>);
    let unique = unique(table, set, matches!(mount_from, Some(Some(_))));
    table.variant("action", "push", &VARIANTS);
    if let (Some(set), Some(entry)) = (set, table.entry("images"))
        && matches!(set.source, ImageSource::Existing(_))
    {
        let problem = Problem::new(
            "existing images can only be pulled",
            entry.item.spot.clone(),
        );
        table
            .sink()
            .report(problem.label("use a set with another source"));
        return None;
    }
    Some(Action::Push(Push {
        method: method?,
        exists_check: exists_check?,
        mount_from: mount_from?,
        unique: unique?,
    }))
}

fn method(table: &mut Table<'_>) -> Option<PushMethod> {
    const DEFAULT_CHUNK: ByteSize = ByteSize::from_mib(5);
    const METHODS: [(&str, PushMethod); 5] = [
        ("post", PushMethod::Post),
        ("put", PushMethod::Put),
        ("patch", PushMethod::Patch),
        ("patch-chunked", PushMethod::PatchChunked),
        (
            "chunks",
            PushMethod::Chunks {
                size: DEFAULT_CHUNK,
            },
        ),
    ];
    let method = table.or("method", PushMethod::Patch, choice("method", &METHODS));
    let range = ByteSize::from_kib(1)..=ByteSize::from_mib(5 * 1024);
    if let Some(PushMethod::Chunks { .. }) = method {
        let chunk = table.need("chunk_size", "chunk_size = \"5MiB\"", size(range));
        return chunk.map(|size| PushMethod::Chunks { size });
    }
    let chunk = table.may("chunk_size", size(range));
    let method = method?;
    chunk?;
    only_with(
        table,
        "chunk_size",
        ("method", "chunks"),
        "sends a blob in one piece",
    )?;
    Some(method)
}

/// Whether each iteration sends new content: where nothing else is said, if it can.
///
/// A push of what is there already is a few `HEAD` requests, and not what a push test is made for.
fn unique(table: &mut Table<'_>, set: Option<&ImageSet>, mounts: bool) -> Option<bool> {
    let synthetic = set.is_none_or(|set| matches!(set.source, ImageSource::Synthetic(_)));
    let unique = table.or("unique", synthetic && !mounts, flag)?;
    let mount = table
        .entry("mount_from")
        .map(|entry| entry.key_spot.clone());
    if let Some(entry) = table.entry("unique")
        && unique
    {
        let spot = entry.item.spot.clone();
        if !synthetic {
            let problem = Problem::new("only synthetic images can be unique", spot);
            table
                .sink()
                .report(problem.label("remove it, or use source = \"synthetic\""));
            return None;
        }
        if let Some(mount) = mount {
            let problem = Problem::new("unique content cannot be mounted", spot);
            let problem = problem.label("remove one of both");
            table
                .sink()
                .report(problem.also(mount, "mounts what another repository has"));
            return None;
        }
    }
    Some(unique)
}
