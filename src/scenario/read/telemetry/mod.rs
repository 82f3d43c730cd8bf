//! The `[[telemetry]]` tables: what is read of the target beside the load.

mod endpoint;
mod metric;
mod process;
mod words;

use std::sync::LazyLock;

pub use self::endpoint::{MetricsUrl, Scrape};
pub use self::metric::MetricOf;
pub use self::process::{ProcessOf, TargetProcess};
use self::words::{path, word};
use super::file::NamedFile;
use crate::keys::codec::{Codec, Editor, list, text as text_codec};
use crate::keys::define::keys;
use crate::keys::form::{Described, Form};
use crate::keys::key::Keyed;
use crate::keys::name::identifier;
use crate::keys::plain::Fields;
use crate::keys::problem::Problem;
use crate::keys::section::Section;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Item, Value};
use crate::keys::value::text;

/// The most sources: each is read once a second.
pub(super) const MOST: usize = 32;

keys! {
    /// One source of the target's own numbers.
    #[derive(Debug, Clone)]
    pub struct TelemetrySource {
        /// Its name in reports.
        pub name: String => text_codec("name, at most 64 characters", identifier), "registry",
            defaults_to("the key that says what is read");
        /// What is read.
        pub place: TelemetryPlace;
        /// Metrics endpoint: a URL, or `target:[PORT]/PATH`, which is on the target's host.
        prometheus = place => endpoint::url().part(TelemetryPlace::set_url, TelemetryPlace::url), "target:5001/metrics";
        /// Process, by `/proc`: `"target"` is what listens on the target's port, or the thread of the embedded registry. Only
        /// on the same machine.
        process = place => process::process().part(TelemetryPlace::set_process, TelemetryPlace::process), "target", defaults_to("absent");
        /// Control group, by its directory.
        cgroup = place => path("control group, a directory").part(TelemetryPlace::set_cgroup, TelemetryPlace::cgroup),
            "/sys/fs/cgroup/system.slice/docker-registry.service";
        /// Control group of a unit of systemd.
        unit = place => word("name of a unit").part(TelemetryPlace::set_unit, TelemetryPlace::unit), "docker-registry.service";
        /// Control group of a container, by its ID or the beginning of it, at least 12 digits.
        container = place => container().part(TelemetryPlace::set_container, TelemetryPlace::container), "4a5b6c7d8e9f";
        /// Directory whose size is read.
        directory = place => path("directory").part(TelemetryPlace::set_directory, TelemetryPlace::directory), "/var/lib/registry";
        /// Block device, as in `/sys/class/block`.
        device = place => word("name of a block device").part(TelemetryPlace::set_device, TelemetryPlace::device), "nvme0n1";
        /// Program and its arguments, which prints `NAME VALUE` lines. Runs only with `--allow-hooks`.
        command = place => command(), ["ceph-numbers", "--pool", "registry"];
        /// What a request to a metrics endpoint carries, and what is taken of the response.
        pub scrape: Scrape, flatten;
    }
}

/// What a source reads.
#[derive(Debug, Clone, PartialEq)]
pub enum TelemetryPlace {
    /// A metrics endpoint.
    Prometheus(MetricsUrl),
    /// A process.
    Process(TargetProcess),
    /// A control group, by its directory.
    Cgroup(NamedFile),
    /// That of a unit of systemd.
    Unit(String),
    /// That of a container, by the beginning of its ID.
    Container(String),
    /// A directory.
    Directory(NamedFile),
    /// A block device.
    Device(String),
    /// A program and its arguments; at least the program.
    Command(Vec<String>),
}

impl Default for TelemetryPlace {
    fn default() -> Self {
        Self::Process(TargetProcess::default())
    }
}

/// The keys that say what is read.
const PLACES: [&str; 8] = [
    "prometheus",
    "process",
    "cgroup",
    "unit",
    "container",
    "directory",
    "device",
    "command",
];

macro_rules! parts {
    ($($set:ident $get:ident $case:ident $type:ty;)*) => {
        impl TelemetryPlace {
            $(
                fn $set(&mut self, it: $type) {
                    *self = Self::$case(it);
                }

                fn $get(&self) -> Option<$type> {
                    match self {
                        Self::$case(it) => Some(it.clone()),
                        _ => None,
                    }
                }
            )*
        }
    };
}

parts! {
    set_url url Prometheus MetricsUrl;
    set_process process Process TargetProcess;
    set_cgroup cgroup Cgroup NamedFile;
    set_unit unit Unit String;
    set_container container Container String;
    set_directory directory Directory NamedFile;
    set_device device Device String;
    set_command argv Command Vec<String>;
}

impl TelemetryPlace {
    /// Returns the command that it runs, if it does.
    pub const fn command(&self) -> Option<&Vec<String>> {
        match self {
            Self::Command(argv) => Some(argv),
            _ => None,
        }
    }
}

fn container() -> Codec<String> {
    text_codec(
        "ID of a container, at least 12 digits of it",
        |item: &Item, sink: &Sink| {
            let id = text(item, sink)?.value;
            let is_digit = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
            if (12..=64).contains(&id.len()) && id.bytes().all(is_digit) {
                return Some(id);
            }
            let problem = Problem::new("this is not the ID of a container", item.spot.clone());
            sink.report(problem.label(
                "12 to 64 hexadecimal digits, as `docker ps` shows them; names are not known here",
            ));
            None
        },
    )
}

fn command() -> Editor<TelemetryPlace> {
    let word = text_codec("text", |item: &Item, sink: &Sink| {
        Some(text(item, sink)?.value)
    });
    let keeps = |argv: &Vec<String>, item: &Item, sink: &Sink| {
        let is_there = argv.first().is_some_and(|it| !it.is_empty());
        if !is_there {
            let problem = Problem::new("the command has no program", item.spot.clone());
            sink.report(problem.label("write [\"PROGRAM\", \"ARGUMENT\", ...]"));
        }
        is_there
    };
    let argv = list(word, "texts, PROGRAM and its arguments", 100).that(keeps);
    argv.part(TelemetryPlace::set_command, TelemetryPlace::argv)
}

/// A source reads one thing, and only an endpoint is asked by HTTP.
fn is_whole(table: &mut Table<'_>, _: &TelemetrySource) -> bool {
    let found: Vec<_> = PLACES.iter().filter_map(|it| table.entry(it)).collect();
    let [one] = found[..] else {
        let spot = found.get(1).map_or(table.spot(), |it| &it.key_spot).clone();
        let (message, label) = if found.is_empty() {
            ("the source says nothing of what is read", "add one of them")
        } else {
            (
                "the source reads more than one thing",
                "write another [[telemetry]]",
            )
        };
        let help = format!("a source has one of: {}", PLACES.join(", "));
        table
            .sink()
            .report(Problem::new(message, spot).label(label).help(help));
        return false;
    };
    let is_endpoint = one.key == "prometheus";
    let needs_one = Scrape::keys()
        .iter()
        .find_map(|it| table.entry(it.described.name));
    if let (Some(entry), false) = (needs_one, is_endpoint) {
        let problem = Problem::new(
            format!("`{}` is for metrics endpoints", entry.key),
            entry.key_spot.clone(),
        );
        table.sink().report(
            problem
                .label("remove it, or use `prometheus`")
                .also(one.key_spot.clone(), "this is none"),
        );
        return false;
    }
    endpoint::is_whole(table)
}

fn codec() -> Codec<TelemetrySource> {
    TelemetrySource::codec(Form::Table("telemetry"), is_whole)
}

pub(super) static TELEMETRY: LazyLock<Described> = LazyLock::new(|| {
    let form = Form::Table("telemetry").list(MOST);
    let example = r#"[{ process = "target" }]"#;
    Described::own(
        ("telemetry", example),
        form,
        "What is read of the target beside the load.",
    )
});

pub(super) fn read_all(item: &Item, sink: &Sink) -> Option<Vec<TelemetrySource>> {
    let Value::Array(items) = &item.value else {
        sink.expected(item, "an array of tables, [[telemetry]]");
        return None;
    };
    if let Some(first) = items.get(MOST) {
        let problem = Problem::new("there are too many sources", first.spot.clone());
        sink.report(problem.label(format!("at most {MOST}")));
        return None;
    }
    let codec = codec();
    let read: Vec<Option<TelemetrySource>> =
        items.iter().map(|item| (codec.read)(item, sink)).collect();
    let mut sources: Vec<TelemetrySource> = Vec::with_capacity(read.len());
    let mut are_apart = true;
    for (mut source, item) in read
        .into_iter()
        .zip(items)
        .filter_map(|(it, item)| Some((it?, item)))
    {
        if source.name.is_empty() {
            key_of(&source.place).clone_into(&mut source.name);
        }
        if sources.iter().any(|it| it.name == source.name) {
            let problem = Problem::new(
                format!("two sources have the name `{}`", source.name),
                item.spot.clone(),
            );
            sink.report(problem.label("add `name`"));
            are_apart = false;
        }
        sources.push(source);
    }
    (are_apart && sources.len() == items.len()).then_some(sources)
}

/// Returns the key that says what is read.
const fn key_of(place: &TelemetryPlace) -> &'static str {
    match place {
        TelemetryPlace::Prometheus(_) => PLACES[0],
        TelemetryPlace::Process(_) => PLACES[1],
        TelemetryPlace::Cgroup(_) => PLACES[2],
        TelemetryPlace::Unit(_) => PLACES[3],
        TelemetryPlace::Container(_) => PLACES[4],
        TelemetryPlace::Directory(_) => PLACES[5],
        TelemetryPlace::Device(_) => PLACES[6],
        TelemetryPlace::Command(_) => PLACES[7],
    }
}

/// A source as it would be written, without its secrets.
pub(super) fn show(source: &TelemetrySource) -> Fields {
    source.show()
}

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section::of::<TelemetrySource>(
            "telemetry",
            "`[[telemetry]]`",
            "A source of the target's own numbers, read once a second beside the load. It has one of `prometheus`, `process`, `cgroup`, `unit`, `container`, `directory`, `device` and `command`.",
        ),
        Section::of::<MetricOf>(
            "telemetry.metric",
            "A metric of `metrics`",
            "One number of a metrics endpoint. Its samples with these labels are added up.",
        ),
    ]
}
