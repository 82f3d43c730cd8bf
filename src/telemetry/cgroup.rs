//! A control group, version 2 or 1: its processor time, memory, disk and throttling.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use tokio::time::Instant;

use super::proc;
use super::reading::{Life, Reading, float};
use super::record::Unit;
use super::source::CgroupPlace;

/// Where the groups are mounted.
const ROOT: &str = "/sys/fs/cgroup";

/// The most directories that are looked at for a unit or a container.
const MOST_LOOKED_AT: usize = 20_000;

/// Reads a control group, and looks for it again when it is gone.
#[derive(Debug)]
pub(super) struct CgroupReader {
    place: CgroupPlace,
    root: PathBuf,
    known: Option<PathBuf>,
}

impl CgroupReader {
    pub(super) fn new(place: CgroupPlace) -> Self {
        Self {
            place,
            root: ROOT.into(),
            known: None,
        }
    }

    /// Reads it once.
    ///
    /// # Errors
    /// Returns what to tell people if there is nothing to read.
    pub(super) fn read(&mut self) -> Result<Reading, String> {
        let known = self.known.take().filter(|it| it.is_dir());
        let path = match known {
            Some(path) => path,
            None => self.find()?,
        };
        let reading = read(&Group::of(&self.root, &path)).ok_or_else(|| unreadable(&path))?;
        self.known = Some(path);
        Ok(reading)
    }

    fn find(&self) -> Result<PathBuf, String> {
        type Fits<'a> = Box<dyn Fn(&str) -> bool + 'a>;
        let (what, fits): (String, Fits<'_>) = match &self.place {
            CgroupPlace::Path(path) if path.is_dir() => return Ok(path.clone()),
            CgroupPlace::Path(path) => {
                return Err(format!("there is no control group {}", path.display()));
            }
            CgroupPlace::Unit(unit) => (
                format!("the unit {unit}"),
                Box::new(move |name| name == unit),
            ),
            CgroupPlace::Container(id) => (
                format!("the container {id}"),
                Box::new(move |name| is_of_container(name, id)),
            ),
        };
        let mut found = search(&self.root, &*fits);
        found.sort_by_key(|it| it.components().count());
        let groups: Vec<PathBuf> = found
            .iter()
            .map(|it| Group::of(&self.root, it).name)
            .collect();
        match found.first() {
            Some(first) if groups.iter().all(|it| *it == groups[0]) => Ok(first.clone()),
            Some(_) => Err(format!(
                "{what} has several control groups: name one with `cgroup`"
            )),
            None => Err(format!(
                "{what} has no control group below {}",
                self.root.display()
            )),
        }
    }
}

fn unreadable(path: &Path) -> String {
    let shown = path.display();
    match fs::read_dir(path) {
        Err(error) => format!("the control group {shown} cannot be read: {error}"),
        Ok(_) => format!(
            "{shown} has no cpu.stat, cpuacct.usage or memory of a control group that can be read"
        ),
    }
}

/// Returns `true` if a directory is that of a container: `ID`, `docker-ID.scope`, `cri-containerd-ID.scope`, `libpod-ID.scope`, ...
fn is_of_container(directory: &str, id: &str) -> bool {
    let name = directory.strip_suffix(".scope").unwrap_or(directory);
    let own = name.rsplit(['-', ':']).next().unwrap_or(name);
    let is_id = own.len() >= 12 && own.bytes().all(|it| it.is_ascii_hexdigit());
    is_id && own.starts_with(id) && !name.contains("conmon")
}

/// Returns the directories with such names, without looking into them.
fn search(root: &Path, fits: &dyn Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![root.to_owned()];
    let mut looked_at = 0;
    while let Some(directory) = left.pop() {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        for entry in entries {
            // Links to hierarchies with several controllers lead to the same groups.
            if !entry.file_type().is_ok_and(|it| it.is_dir()) {
                continue;
            }
            looked_at += 1;
            if looked_at > MOST_LOOKED_AT {
                return found;
            }
            if entry.file_name().to_str().is_some_and(fits) {
                found.push(entry.path());
            } else {
                left.push(entry.path());
            }
        }
    }
    found
}

/// A group, in each hierarchy that may have it.
struct Group {
    /// Its name below the mount of a hierarchy.
    name: PathBuf,
    /// The directories, the named one first.
    places: Vec<PathBuf>,
}

impl Group {
    /// Takes a directory of a group. In version 1 each controller has a hierarchy of its own: `/sys/fs/cgroup/memory/...`.
    fn of(root: &Path, path: &Path) -> Self {
        let mut places = vec![path.to_owned()];
        let below = path.strip_prefix(root).unwrap_or(path);
        let is_unified = root.join("cgroup.controllers").exists();
        let mut parts = below.components();
        if is_unified || path.strip_prefix(root).is_err() {
            let name = below.to_owned();
            return Self { name, places };
        }
        let hierarchy = parts.next();
        let name = parts.as_path().to_owned();
        let others = fs::read_dir(root).into_iter().flatten().flatten();
        for other in others {
            let is_other = Some(Component::Normal(&other.file_name())) != hierarchy;
            if is_other && other.path().join(&name).is_dir() {
                places.push(other.path().join(&name));
            }
        }
        places[1..].sort();
        Self { name, places }
    }

    fn text(&self, file: &str) -> Option<String> {
        self.places
            .iter()
            .find_map(|it| proc::text(it.join(file)).ok())
    }

    fn number(&self, file: &str) -> Option<u64> {
        self.text(file)?.trim().parse().ok()
    }
}

/// Reads a group; `None` if it gives neither processor time nor memory.
fn read(group: &Group) -> Option<Reading> {
    let mut reading = Reading::new(Instant::now());
    reading.life = life(group);
    let stat = group.places.iter().find_map(|it| {
        let text = proc::text(it.join("cpu.stat")).ok()?;
        proc::entry(&text, "usage_usec").map(|it| (text, it))
    });
    let micros = |it: u64| float(it) / 1e6;
    let nanos = |it: u64| float(it) / 1e9;
    let cpu = match &stat {
        Some((_, usage)) => Some(micros(*usage)),
        None => group.number("cpuacct.usage").map(nanos),
    };
    reading.counter("cpu", Unit::Seconds, cpu);
    let cpu_stat = stat
        .map(|(text, _)| text)
        .or_else(|| group.text("cpu.stat"));
    let throttled = cpu_stat.as_deref().and_then(|it| {
        let two = proc::entry(it, "throttled_usec").map(micros);
        two.or_else(|| proc::entry(it, "throttled_time").map(nanos))
    });
    reading.counter("throttled", Unit::Seconds, throttled);
    reading.gauge("memory", Unit::Bytes, memory(group));
    reading.gauge("threads", Unit::Plain, group.number("pids.current"));
    let (read, written) = disk(group);
    reading.counter("read_bytes", Unit::Bytes, read.map(float));
    reading.counter("written_bytes", Unit::Bytes, written.map(float));
    let has_some = |name: &str| reading.numbers.iter().any(|it| it.name == name);
    (has_some("cpu") || has_some("memory")).then_some(reading)
}

/// A group that is made anew is another one.
fn life(group: &Group) -> Option<Life> {
    let metadata = fs::metadata(group.places.first()?).ok()?;
    Some(Life {
        id: (metadata.dev(), metadata.ino()),
        is_rounded: false,
        began: None,
    })
}

/// What is in use and not just cached files that were not touched for long: what `docker stats` and the kubelet show.
fn memory(group: &Group) -> Option<u64> {
    let (all, inactive) = match group.number("memory.current") {
        Some(all) => (all, "inactive_file"),
        None => (
            group.number("memory.usage_in_bytes")?,
            "total_inactive_file",
        ),
    };
    let stat = group.text("memory.stat").unwrap_or_default();
    let inactive = proc::entry(&stat, inactive).unwrap_or(0);
    Some(all.saturating_sub(inactive))
}

/// Bytes read from and written to block devices.
fn disk(group: &Group) -> (Option<u64>, Option<u64>) {
    if let Some(stat) = group.text("io.stat") {
        let sum = |name: &str| {
            let parts = stat.split_whitespace();
            let values = parts.filter_map(|it| it.strip_prefix(name)?.parse::<u64>().ok());
            Some(values.fold(0, u64::saturating_add))
        };
        return (sum("rbytes="), sum("wbytes="));
    }
    let Some(stat) = group.text("blkio.throttle.io_service_bytes") else {
        return (None, None);
    };
    let sum = |name: &str| {
        let lines = stat.lines().filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            (words.next()? == name).then(|| words.next()?.parse::<u64>().ok())?
        });
        Some(lines.fold(0, u64::saturating_add))
    };
    (sum("Read"), sum("Write"))
}

#[cfg(test)]
mod tests;
