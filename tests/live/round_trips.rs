//! Every journey as every client, against each registry, and each form of the log of it: imported and replayed, it makes a
//! second log that is the first, but for what docs/reference/trace.md excepts.

pub(crate) mod compare;
pub(crate) mod documented;
mod scenario;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::Value;

use self::compare::{Lines, expected, logged};
use self::documented::Exceptions;
use crate::support::{
    Flavour, Formatter, Nginx, Registry, Release, Report, Seen, regstorm, run_to, scratch, wait_for,
};

/// What Harbor's proxy writes, behind what Kubernetes writes in front of it: it has no time of its own.
const HARBOR: &str = r#"$time_iso8601 stdout F $remote_addr - "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time $upstream_response_time $pipe"#;
/// What Quay's proxy writes.
const QUAY: &str = r#"$remote_addr ($proxy_protocol_addr) - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" ($request_time $request_length $upstream_response_time)"#;
/// What nginx writes that is told nothing.
const COMBINED: &str = r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#;
/// What docs/guide/traces.md says that it be told.
const OWN: &str = r#"$remote_addr - $remote_user [$time_iso8601] $msec "$request" $status $body_bytes_sent $content_length $request_length $request_time "$http_user_agent""#;

const FORMATS: [&str; 4] = [COMBINED, HARBOR, QUAY, OWN];

/// A registry behind nginx, both new.
struct Site {
    nginx: Nginx,
    registry: Registry,
}

impl Site {
    fn start(flavour: Flavour) -> Self {
        let registry = Registry::start(flavour);
        let nginx = Nginx::start(registry.port(), &FORMATS);
        Self { nginx, registry }
    }

    /// Runs a scenario, and waits until each of its exchanges is in all logs.
    fn run(&self, scenario: &str) -> (Report, Vec<Seen>) {
        let report = run_to(&[0], scenario, &self.nginx.url());
        let exchanges = report.requests();
        let seen = || {
            let seen = self.nginx.seen();
            let logs = (0..FORMATS.len()).map(|it| self.nginx.log(it).lines().count());
            let is_whole = logs.chain([seen.len()]).all(|it| it as u64 == exchanges);
            is_whole.then_some(seen)
        };
        let seen = wait_for(Duration::from_mins(1), seen);
        let seen = seen.unwrap_or_else(|| {
            let seen = self.nginx.seen().len();
            panic!("{exchanges} exchanges, of which the witness saw {seen}")
        });
        self.registry.mark();
        (report, seen)
    }
}

/// The first run against a registry, with all of its logs.
struct Source {
    flavour: Flavour,
    seen: Vec<Seen>,
    own: String,
    of_nginx: Vec<String>,
}

impl Source {
    fn new(release: Release, formatter: Formatter) -> Self {
        let flavour = Flavour::Logs(release, formatter);
        let site = Site::start(flavour);
        let (report, seen) = site.run(&scenario::source());
        for journey in report.journeys() {
            let done = report.iterations_as_meant(&journey);
            assert_eq!(done, scenario::ITERATIONS, "{journey}");
        }
        Self {
            flavour,
            seen,
            own: site.registry.log_of_others(),
            of_nginx: (0..FORMATS.len()).map(|it| site.nginx.log(it)).collect(),
        }
    }
}

/// Imports a log, replays its trace against a new registry, and holds what the witnesses of both saw against each other.
fn round_trip(source: &Source, format: &str, log: &str, arguments: &[&str]) {
    let dir = scratch();
    let [file, trace] = ["log", "day.trace"].map(|name| dir.path().join(name));
    fs::write(&file, log).expect("a log");
    let import = regstorm(["trace", "import", "--quiet", "--out"]);
    import.args([&trace, &file]).args(arguments).run().ok();
    let shown = regstorm(["trace", "show", "--json"])
        .args([&trace])
        .run()
        .ok();
    let shown: Value = serde_json::from_str(&shown.stdout).expect("JSON");
    let summary = &shown["summary"];
    assert_eq!(summary["source"]["formats"][0], format);
    let exceptions = Exceptions::read();
    let lacks = documented::lacks(match format {
        "nginx" => "a format string",
        format => format,
    });
    let seen = logged(&source.seen, &lacks);
    assert_eq!(summary["lines"]["requests"], seen.len(), "{format}");
    // A log that is said to lack a size does, and one that is not does not.
    let untold = summary["missing"]["sent"].as_u64().expect("a number");
    let is_told = !lacks.contains("size of uploads");
    assert_eq!(untold == 0, is_told || lacks.contains("exact"), "{summary}");
    let wanted = expected(&seen, &exceptions, &lacks);
    let mut difference = None;
    // The faster, the more often a session reads what another one has not yet written.
    for speed in ["1", "0.3"] {
        let site = Site::start(source.flavour);
        let (report, seen) = site.run(&replay(&trace, speed));
        // The ping, and what is seeded because the log does not tell that it was stored.
        let before = usize::try_from(report.requests_before_the_load()).expect("a number");
        assert_eq!(
            summary["sessions"],
            report.number("/totals/starts/scheduled")
        );
        difference = wanted.difference(&Lines::of(&seen[before..]));
        if difference.is_none() {
            break;
        }
    }
    assert_eq!(difference, None, "{format}");
}

fn replay(trace: &Path, speed: &str) -> String {
    let trace = trace.display();
    format!(
        "name = \"replay\"\n[target]\nurl = \"http://127.0.0.1:1\"\n\
         [journey.day]\naction = \"replay\"\ntrace = \"{trace}\"\ndeletes = true\n\
         [[load]]\njourney = \"day\"\nexecutor = \"replay\"\nspeed = {speed}\nmax_vus = 400\n\
         [prepare]\nclean_up = \"none\"\n"
    )
}

/// docker-registry 2.8, whose run is that of all logs of nginx as well.
static TEXT: LazyLock<Source> = LazyLock::new(|| Source::new(Release::Two, Formatter::Text));

#[test]
fn the_text_of_docker_registry() {
    round_trip(&TEXT, "distribution-text", &TEXT.own, &[]);
}

#[test]
fn the_json_of_docker_registry() {
    let source = Source::new(Release::Two, Formatter::Json);
    round_trip(&source, "distribution-json", &source.own, &[]);
}

#[test]
fn the_logstash_of_docker_registry() {
    let source = Source::new(Release::Two, Formatter::Logstash);
    round_trip(&source, "distribution-json", &source.own, &[]);
}

#[test]
fn the_access_log_of_docker_registry() {
    round_trip(&TEXT, "combined", &access(&TEXT.own), &[]);
}

#[test]
fn the_combined_log_of_nginx() {
    round_trip(&TEXT, "combined", &TEXT.of_nginx[0], &[]);
}

#[test]
fn the_log_of_harbors_proxy() {
    round_trip(&TEXT, "harbor", &TEXT.of_nginx[1], &[]);
}

#[test]
fn the_log_of_quays_proxy() {
    round_trip(&TEXT, "quay", &TEXT.of_nginx[2], &[]);
}

#[test]
fn a_log_of_nginx_as_its_user_wants_it() {
    round_trip(&TEXT, "nginx", &TEXT.of_nginx[3], &["--format", OWN]);
}

#[test]
fn the_text_and_the_access_log_of_distribution_3() {
    let source = Source::new(Release::Three, Formatter::Text);
    round_trip(&source, "distribution-text", &source.own, &[]);
    round_trip(&source, "combined", &access(&source.own), &[]);
}

#[test]
fn the_json_of_distribution_3() {
    let source = Source::new(Release::Three, Formatter::Json);
    round_trip(&source, "distribution-json", &source.own, &[]);
}

/// The lines of the access log in a log that has both.
fn access(log: &str) -> String {
    let is_access = |line: &&str| line.starts_with("127.0.0.1 - ");
    log.lines().filter(is_access).collect::<Vec<_>>().join("\n")
}
