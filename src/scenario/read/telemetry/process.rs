//! `process` of `[[telemetry]]`.

use super::super::file::NamedFile;
use super::words::{path, word};
use crate::keys::codec::{Codec, Editor, flag, whole};
use crate::keys::define::keys;
use crate::keys::form::Form;
use crate::keys::key::Keyed as _;
use crate::keys::plain::Plain;
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Item, Value};

const TARGET: &str = "target";

keys! {
    /// A process of the machine that regstorm runs on.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct TargetProcess {
        /// How it is found.
        pub by: ProcessOf;
        /// TCP port that it listens on, or `"target"`: that of the target.
        port = by => port(), 5000;
        /// Its number.
        pid = by => whole(1..=u32::MAX).part(|it, pid| *it = ProcessOf::Pid(pid), ProcessOf::pid), 4711;
        /// File that holds its number.
        pid_file = by => path("path, relative to the scenario's directory")
            .part(|it, file| *it = ProcessOf::PidFile(file), ProcessOf::pid_file), "/run/registry.pid";
        /// Name of its program.
        command = by => word("name of a program")
            .part(|it, name| *it = ProcessOf::Command(name), ProcessOf::command), "docker-registry";
        /// Add what its children use, and theirs.
        pub children: bool = false => flag(), true;
    }
}

/// How a process is found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ProcessOf {
    /// It listens on the port of the target's URL. Of the embedded registry, its thread.
    #[default]
    Target,
    /// It listens on this port.
    Port(u16),
    /// By its number.
    Pid(u32),
    /// By a file that holds its number.
    PidFile(NamedFile),
    /// By the name of its program.
    Command(String),
}

impl ProcessOf {
    fn pid(&self) -> Option<u32> {
        match self {
            Self::Pid(pid) => Some(*pid),
            _ => None,
        }
    }

    fn pid_file(&self) -> Option<NamedFile> {
        match self {
            Self::PidFile(file) => Some(file.clone()),
            _ => None,
        }
    }

    fn command(&self) -> Option<String> {
        match self {
            Self::Command(name) => Some(name.clone()),
            _ => None,
        }
    }
}

fn port() -> Editor<ProcessOf> {
    let form = Form::Either(vec![
        Form::Words(vec![TARGET]),
        Form::Whole {
            least: 1,
            most: u16::MAX.into(),
        },
    ]);
    let set = |item: &Item, sink: &Sink, it: &mut ProcessOf| {
        let read = match &item.value {
            Value::Text(word) if word.value == TARGET => Some(ProcessOf::Target),
            Value::Integer(number) => u16::try_from(*number)
                .ok()
                .filter(|port| *port > 0)
                .map(ProcessOf::Port),
            _ => None,
        };
        if read.is_none() {
            sink.expected(item, "a port, 1 to 65,535, or \"target\"");
        }
        read.map(|read| *it = read).is_some()
    };
    Editor::new(form, set, |it| match it {
        ProcessOf::Target => Some(TARGET.into()),
        ProcessOf::Port(port) => Some(u32::from(*port).into()),
        _ => None,
    })
}

/// `"target"`, or a table.
pub(super) fn process() -> Codec<TargetProcess> {
    let word = |item: &Item, sink: &Sink| match &item.value {
        Value::Text(word) if word.value == TARGET => Some(TargetProcess::default()),
        _ => {
            sink.expected(
                item,
                "\"target\", or a table such as { pid_file = \"registry.pid\" }",
            );
            None
        }
    };
    let short = Codec::new(Form::Words(vec![TARGET]), word, |it: &TargetProcess| {
        (*it == TargetProcess::default()).then(|| Plain::from(TARGET))
    });
    let form = Form::Inline(TargetProcess::described());
    short.or_table(TargetProcess::codec(form, is_whole))
}

/// A process is found in one way.
fn is_whole(table: &mut Table<'_>, _: &TargetProcess) -> bool {
    const WAYS: [&str; 4] = ["port", "pid", "pid_file", "command"];
    let found: Vec<_> = WAYS.iter().filter_map(|it| table.entry(it)).collect();
    if found.len() == 1 {
        return true;
    }
    let spot = found.get(1).map_or(table.spot(), |it| &it.key_spot).clone();
    let problem = Problem::new("a process is found in one way", spot);
    table
        .sink()
        .report(problem.label("write one of `port`, `pid`, `pid_file` and `command`"));
    false
}
