//! The sources of a run: what is read, resolved and ready.

use std::path::PathBuf;
use std::sync::Arc;

use http::HeaderMap;

use super::record::{SeriesKind, SourceKind};
use crate::transport::{Address, Route};

/// One source.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name in the scenario; no other source has it.
    pub name: String,
    /// What is read.
    pub place: SourcePlace,
}

/// What a source reads.
#[derive(Debug, Clone)]
pub enum SourcePlace {
    /// An endpoint that serves metrics as text.
    Prometheus(Endpoint),
    /// A process.
    Process(ProcessPlace),
    /// A control group.
    Cgroup(CgroupPlace),
    /// The size of a directory.
    Directory(PathBuf),
    /// A block device, by its name in `/sys/class/block`.
    Device(String),
    /// A program and its arguments, which prints `NAME VALUE` lines.
    Command(Vec<String>),
}

/// An endpoint that serves metrics as text.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its URL.
    pub address: Address,
    /// What is shown of the URL: it holds no secrets.
    pub shown: String,
    /// Headers of each request, credentials included.
    pub headers: HeaderMap,
    /// The way to it.
    pub route: Arc<Route>,
    /// What is read beside what is known of registries.
    pub metrics: Vec<Metric>,
}

/// A metric that is asked for by its own name.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Its name in the report.
    pub shown: String,
    /// Its name in the text.
    pub name: String,
    /// Labels that its samples have, with these values. What fits is added up.
    pub labels: Vec<(String, String)>,
    /// What is made of it.
    pub what: What,
}

/// What is made of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum What {
    /// What its `# TYPE` says: a counter is a rate, and so are the counts and sums of histograms and summaries. Without one, a name that ends in
    /// `_total` is a counter.
    AsTyped,
    /// A gauge or a counter.
    As(SeriesKind),
    /// A quantile of a histogram, of what it has counted from one reading to the next; in `(0, 1)`.
    Quantile(f64),
}

/// Which process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessPlace {
    /// How it is found.
    pub by: ProcessBy,
    /// Whether its children count as well.
    pub children: bool,
}

/// How a process is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessBy {
    /// By its number. It is not found again once it has ended.
    Pid(u32),
    /// By a file that holds its number.
    PidFile(PathBuf),
    /// By the TCP port that it listens on, in this network namespace.
    Port(u16),
    /// By the name of its program.
    Command(String),
    /// A thread of this process: that of the embedded registry.
    Thread(u32),
    /// Not at all, for that reason.
    Nowhere(&'static str),
}

/// Which control group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CgroupPlace {
    /// By its directory.
    Path(PathBuf),
    /// That of a unit of systemd.
    Unit(String),
    /// That of a container, by the beginning of its ID.
    Container(String),
}

/// What reports say of a source itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) kind: SourceKind,
    pub(super) from: String,
}

impl Source {
    pub(super) fn identity(&self) -> Identity {
        Identity {
            name: self.name.clone(),
            kind: self.place.kind(),
            from: self.place.to_string(),
        }
    }
}

impl SourcePlace {
    const fn kind(&self) -> SourceKind {
        match self {
            Self::Prometheus(_) => SourceKind::Prometheus,
            Self::Process(_) => SourceKind::Process,
            Self::Cgroup(_) => SourceKind::Cgroup,
            Self::Directory(_) => SourceKind::Directory,
            Self::Device(_) => SourceKind::Device,
            Self::Command(_) => SourceKind::Command,
        }
    }
}

impl std::fmt::Display for SourcePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Prometheus(endpoint) => f.write_str(&endpoint.shown),
            Self::Process(ProcessPlace { by, children }) => {
                let and = if *children { " and its children" } else { "" };
                match by {
                    ProcessBy::Pid(pid) => write!(f, "process {pid}{and}"),
                    ProcessBy::PidFile(path) => {
                        write!(f, "the process in {}{and}", path.display())
                    }
                    ProcessBy::Port(port) => {
                        write!(f, "the process that listens on port {port}{and}")
                    }
                    ProcessBy::Command(name) => write!(f, "the process `{name}`{and}"),
                    ProcessBy::Thread(_) => f.write_str("the thread of the embedded registry"),
                    ProcessBy::Nowhere(_) => f.write_str("the process of the target"),
                }
            }
            Self::Cgroup(CgroupPlace::Path(path)) | Self::Directory(path) => {
                write!(f, "{}", path.display())
            }
            Self::Cgroup(CgroupPlace::Unit(unit)) => write!(f, "the unit {unit}"),
            Self::Cgroup(CgroupPlace::Container(id)) => write!(f, "the container {id}"),
            Self::Device(name) => f.write_str(name),
            // The arguments may hold secrets.
            Self::Command(argv) => f.write_str(argv.first().map_or("", |it| it)),
        }
    }
}
