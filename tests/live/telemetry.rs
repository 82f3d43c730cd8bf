//! What registries use while they are under load and restarted in the middle: as another program reads it, and as they say
//! themselves. The text of their metrics: as other parsers read it.

/// Texts of metrics, read by promtool and by Prometheus's own client for Python.
mod text;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use regstorm::result::Document;
use regstorm::telemetry::{Product, Series, SourceRecord, Telemetry};

use crate::support::{Program, Running, free_port, regstorm, scratch, status_of, wait_for};

/// Writes a line for each moment: time, processor seconds and resident bytes of a process, until it has ended.
const READER: &str = r#"
import os, sys, time
pid, tick, page = sys.argv[1], os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
while True:
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        now = time.time()
        with open(f"/proc/{pid}/statm") as file:
            resident = int(file.read().split()[1]) * page
    except OSError:
        break
    if fields[0] == "Z":
        break
    print(now, (int(fields[11]) + int(fields[12])) / tick, resident, flush=True)
    time.sleep(0.02)
"#;

/// Which registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Two,
    Three,
    Served,
}

/// A registry that can be started again at the same ports.
struct Scene {
    kind: Kind,
    dir: tempfile::TempDir,
    port: u16,
    metrics: u16,
}

/// A registry that runs, and what reads it.
struct Run {
    registry: Running,
    _reader: Running,
    read: PathBuf,
}

/// What the reader saw at one moment.
#[derive(Debug, Clone, Copy)]
struct Moment {
    at: f64,
    cpu: f64,
    memory: f64,
}

impl Scene {
    fn new(kind: Kind) -> Self {
        let scene = Self {
            kind,
            dir: scratch(),
            port: free_port(),
            metrics: free_port(),
        };
        let at = scene.dir.path().display();
        let config = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {at}/storage}}, cache: {{blobdescriptor: inmemory}}}}\n\
             http:\n  addr: 127.0.0.1:{}\n  secret: lab\n  debug: {{addr: 127.0.0.1:{}, prometheus: {{enabled: true, path: /metrics}}}}\n",
            scene.port, scene.metrics
        );
        fs::write(scene.dir.path().join("config.yml"), config).expect("a configuration");
        scene
    }

    fn start(&self, name: &str) -> Run {
        let at = self.dir.path();
        let config = at.join("config.yml");
        let serve = |program| Program::new(program).args([Path::new("serve"), &config]);
        let program = match self.kind {
            Kind::Two => serve("docker-registry"),
            Kind::Three => serve("registry"),
            Kind::Served => regstorm(["serve", "--listen", &format!("127.0.0.1:{}", self.port)]),
        };
        let mut registry = program.start(&at.join(format!("{name}.log")));
        assert!(registry.ready(|| status_of(self.port, "/v2/") == Some(200)));
        let read = at.join(format!("{name}.read"));
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin/python");
        let reader = Program::new(python).args(["-c", READER, &registry.id().to_string()]);
        let reader = reader.start(&read);
        Run {
            registry,
            _reader: reader,
            read,
        }
    }

    /// Pushes to it for that long, and starts it again once it has done something.
    fn restarted(&self, length: Duration) -> (Document, Vec<Moment>, Vec<Moment>) {
        let at = self.dir.path();
        let metrics = match self.kind {
            Kind::Served => String::new(),
            Kind::Two | Kind::Three => format!(
                "[[telemetry]]\nname = \"metrics\"\nprometheus = \"target:{}/metrics\"\n",
                self.metrics
            ),
        };
        let toml = format!(
            "name = \"test\"\n[target]\nurl = \"http://127.0.0.1:{}\"\n\
             [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 2\nlayer_size = \"256KiB\"\n\
             [journey.push]\naction = \"push\"\nimages = \"web\"\nunique = true\n\
             [[load]]\njourney = \"push\"\nexecutor = \"constant-vus\"\nvus = 3\nduration = \"{}s\"\n\
             [[telemetry]]\nname = \"process\"\nprocess = \"target\"\n{metrics}",
            self.port,
            length.as_secs()
        );
        fs::write(at.join("test.toml"), toml).expect("a scenario");
        let [scenario, report] = ["test.toml", "report.json"].map(|it| at.join(it));
        let mut first = self.start("first");
        let arguments = [Path::new("run"), &scenario, Path::new("--out"), &report];
        let mut run = regstorm(arguments).start(&at.join("run.log"));
        // Until it has been under load for a while; a machine that stands still gets more time for all of it. By metrics alone a process
        // that began a second after another cannot be told from it.
        let has_worked = || {
            let seen = moments(&first.read);
            let (first, last) = (seen.first()?, seen.last()?);
            (last.cpu - first.cpu > 0.7 && last.at - first.at > 2.0).then_some(())
        };
        wait_for(length / 2, has_worked);
        first.registry.kill();
        let second = self.start("second");
        assert!(run.wait(Duration::from_mins(5)).is_some(), "{}", run.log());
        let report =
            Document::load(&report).unwrap_or_else(|error| panic!("{error}: {}", run.log()));
        (report, moments(&first.read), moments(&second.read))
    }
}

fn moments(read: &Path) -> Vec<Moment> {
    let text = fs::read_to_string(read).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let moment = |line: &str| {
        let mut numbers = line.split(' ').map(|it| it.parse().expect("a number"));
        let mut next = || numbers.next().expect("three numbers");
        Moment {
            at: next(),
            cpu: next(),
            memory: next(),
        }
    };
    whole.lines().map(moment).collect()
}

/// The processor time at some moment, between those that were seen.
fn cpu_at(seen: &[Moment], at: f64) -> f64 {
    let behind = seen.partition_point(|it| it.at < at);
    match (seen[..behind].last(), seen.get(behind)) {
        (Some(a), Some(b)) => a.cpu + (b.cpu - a.cpu) * (at - a.at) / (b.at - a.at),
        (a, b) => a.or(b).expect("something was seen").cpu,
    }
}

fn source<'r>(telemetry: &'r Telemetry, name: &str) -> &'r SourceRecord {
    let mut sources = telemetry.sources.iter();
    sources.find(|it| it.name == name).expect("a source")
}

fn series<'r>(source: &'r SourceRecord, name: &str) -> &'r Series {
    let mut series = source.series.iter();
    series.find(|it| it.name == name).expect("a series")
}

#[expect(clippy::cast_precision_loss, reason = "times of some seconds")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// Holds a report against what the reader saw. An error says what a machine that stands still may have spoilt.
fn agrees(report: &Document, first: &[Moment], second: &[Moment]) -> Result<(), String> {
    let telemetry = report.telemetry.as_ref().expect("the plan has sources");
    let process = source(telemetry, "process");
    let cpu = series(process, "cpu");
    let ([began_us], true) = (&process.restarts_us[..], process.readings.good >= 6) else {
        return Err(format!("{process:?}"));
    };
    let opened = humantime::parse_rfc3339(&report.window_opened).expect("a time");
    let opened = opened
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("now")
        .as_secs_f64();
    let (window, began) = (seconds(report.window_us), seconds(*began_us));
    // What is covered ends with the last reading of the first process, and begins again with the second one.
    let last = seconds(cpu.covered_us) - (window - began);
    let wanted =
        cpu_at(first, opened + last) - cpu_at(first, opened) + cpu_at(second, opened + window);
    let found = cpu.increase.expect("it is known");
    if wanted < 1.0 {
        return Err(format!("only {wanted} s were used"));
    }
    // Three readings in steps of 10 ms beside the two per cent.
    assert!(
        (found - wanted).abs() <= 0.02 * wanted + 0.03,
        "{found} s, the reader says {wanted} s"
    );

    let memory = series(process, "memory");
    let whole = |(number, value): (usize, &Option<f64>)| Some((number, (*value)?));
    let windows: Vec<(usize, f64)> = memory
        .windows
        .iter()
        .enumerate()
        .filter_map(whole)
        .collect();
    assert!(windows.len() >= 4, "{memory:?}");
    for (number, value) in windows {
        let from = opened + f64::from(u32::try_from(number).expect("a few"));
        let within = |it: &&Moment| it.at >= from - 0.1 && it.at <= from + 1.1;
        let seen = first.iter().chain(second).filter(within);
        let seen: Vec<f64> = seen.map(|it| it.memory).collect();
        let lowest = seen.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = seen.iter().copied().fold(0.0, f64::max);
        assert!(
            value >= 0.98 * lowest && value <= 1.02 * highest,
            "{number}: {value}, not {lowest} to {highest}"
        );
    }
    if let Some(metrics) = telemetry.sources.iter().find(|it| it.name == "metrics") {
        assert_eq!(metrics.product, Some(Product::Distribution));
        assert_eq!(metrics.restarts, 1, "{metrics:?}");
        for word in [
            "cpu",
            "memory",
            "goroutines",
            "requests_in_flight",
            "storage_time",
            "cache_hits",
            "gc_pause",
        ] {
            assert!(series(metrics, word).covered_us > 0, "{word}: {metrics:?}");
        }
    }
    Ok(())
}

fn is_read_right(kind: Kind) {
    let mut last = String::new();
    for length in [8, 16, 60] {
        let (report, first, second) = Scene::new(kind).restarted(Duration::from_secs(length));
        match agrees(&report, &first, &second) {
            Ok(()) => return,
            Err(why) => last = why,
        }
    }
    panic!("{last}");
}

#[test]
fn docker_registry_2_8_is_read_as_proc_has_it_over_a_restart() {
    is_read_right(Kind::Two);
}

#[test]
fn distribution_3_is_read_as_proc_has_it_over_a_restart() {
    is_read_right(Kind::Three);
}

#[test]
fn the_embedded_registry_is_read_as_proc_has_it_over_a_restart() {
    is_read_right(Kind::Served);
}
