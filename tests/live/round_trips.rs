//! Every journey as every client, against each registry, and each form of the log of it: imported and replayed, it makes a
//! second log that is the first, but for what docs/reference/trace.md excepts.

pub(crate) mod compare;
mod direct;
pub(crate) mod documented;
mod scenario;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::Value;

use self::compare::{Lines, expected, left_out_whole, logged};
use self::documented::Exceptions;
use crate::support::{
    By, Flavour, Formatter, Nginx, Registry, Release, Report, Seen, regstorm, run_to, scratch,
    wait_for,
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

    /// Runs a scenario, and waits until each of its exchanges is in all logs, beside those that were there before.
    fn run(
        &self,
        (codes, scenario): (&[i32], &str),
        (before, by): (usize, By),
    ) -> (Report, Vec<Seen>) {
        let report = run_to(codes, scenario, &self.nginx.url());
        let exchanges = before as u64 + report.requests();
        let seen = || {
            let seen = self.nginx.seen(by);
            let logs = (0..FORMATS.len()).map(|it| self.nginx.log(it).lines().count());
            let is_whole = logs.chain([seen.len()]).all(|it| it as u64 == exchanges);
            is_whole.then_some(seen)
        };
        let seen = wait_for(Duration::from_mins(1), seen);
        let seen = seen.unwrap_or_else(|| {
            let seen = self.nginx.seen(by).len();
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
        let (report, before) = site.run((&[0], &scenario::source()), (0, By::Agent));
        for (number, journey) in scenario::journeys().iter().enumerate() {
            let name = format!("j{number}");
            let done = report.iterations_as_meant(&name);
            let failed = report.failed_iterations(&name);
            let wanted = match journey.action {
                // Beside all others a session may come before what it reads is there.
                "replay" => (done, failed),
                _ if journey.fails(release) => (0, scenario::ITERATIONS),
                _ => (scenario::ITERATIONS, 0),
            };
            assert_eq!((done, failed), wanted, "{name}: {journey:?}");
            assert!(done + failed > 0, "{name}: {journey:?}");
        }
        // No iteration is ok, so that nothing can be concluded.
        let (_, seen) = site.run((&[3], &scenario::of_nothing()), (before.len(), By::Agent));
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
    let (trace, summary) = imported(dir.path(), log, arguments);
    assert_eq!(summary["source"]["formats"][0], format);
    let exceptions = Exceptions::read();
    let lacks = documented::lacks(match format {
        "nginx" => "a format string",
        format => format,
    });
    let first = logged(&source.seen, &lacks);
    assert_eq!(summary["lines"]["requests"], first.len(), "{format}");
    // A log that is said to lack a size does, and one that is not does not.
    let untold = summary["missing"]["sent"].as_u64().expect("a number");
    let is_told = !lacks.contains("size of uploads");
    assert_eq!(untold == 0, is_told || lacks.contains("exact"), "{summary}");
    let wanted = expected(&first, &exceptions, &lacks);
    let mut difference = None;
    // The faster, the more often a session reads what another one has not yet written.
    for speed in ["1", "0.3"] {
        let site = Site::start(source.flavour);
        let (report, seen) = site.run((&[0], &replay(&trace, speed)), (0, By::Connection));
        // The ping, and what is seeded because the log does not tell that it was stored.
        let before = usize::try_from(report.requests_before_the_load()).expect("a number");
        // A session of nothing but what is left out is not begun.
        let scheduled = report.number("/totals/starts/scheduled");
        let sessions = summary["sessions"].as_u64().expect("a number");
        let not_begun = left_out_whole(&first, &exceptions);
        assert!(
            (scheduled..=scheduled + not_begun).contains(&sessions),
            "{sessions} sessions, {scheduled} of them begun"
        );
        difference = wanted.difference(&Lines::of(&seen[before..]));
        if difference.is_none() {
            break;
        }
    }
    assert_eq!(difference, None, "{format}");
}

/// Imports a log. Returns the trace, and its summary.
fn imported(dir: &Path, log: &str, arguments: &[&str]) -> (PathBuf, Value) {
    let [file, trace] = ["log", "day.trace"].map(|name| dir.join(name));
    fs::write(&file, log).expect("a log");
    let import = regstorm(["trace", "import", "--quiet", "--out"]);
    import.args([&trace, &file]).args(arguments).run().ok();
    let shown = regstorm(["trace", "show", "--json"])
        .args([&trace])
        .run()
        .ok();
    let mut shown: Value = serde_json::from_str(&shown.stdout).expect("JSON");
    (trace, shown["summary"].take())
}

fn replay(trace: &Path, speed: &str) -> String {
    let trace = trace.display();
    format!(
        "name = \"replay\"\n[target]\nurl = \"http://127.0.0.1:1\"\n\
         [journey.day]\naction = \"replay\"\ntrace = \"{trace}\"\ndeletes = true\nconnections = \"per-iteration\"\n\
         [[load]]\njourney = \"day\"\nexecutor = \"replay\"\nspeed = {speed}\nmax_vus = 400\n\
         [prepare]\nclean_up = \"none\"\n[audit]\nsample = \"none\"\n"
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
    own_log(Release::Two, Formatter::Json, "distribution-json");
}

#[test]
fn the_logstash_of_docker_registry() {
    own_log(Release::Two, Formatter::Logstash, "distribution-json");
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
    own_log(Release::Three, Formatter::Json, "distribution-json");
}

#[test]
fn the_logstash_of_distribution_3() {
    own_log(Release::Three, Formatter::Logstash, "distribution-json");
}

#[test]
fn the_json_of_distribution_3_with_fields_of_its_operator() {
    own_log(
        Release::Three,
        Formatter::JsonWithFields,
        "distribution-json",
    );
}

#[test]
fn the_text_of_distribution_3_with_fields_of_its_operator() {
    own_log(
        Release::Three,
        Formatter::TextWithFields,
        "distribution-text",
    );
}

/// The application log of a registry, in one form of it.
fn own_log(release: Release, formatter: Formatter, format: &str) {
    let source = Source::new(release, formatter);
    round_trip(&source, format, &source.own, &[]);
}

/// The lines of the access log in a log that has both.
fn access(log: &str) -> String {
    let is_access = |line: &&str| line.starts_with("127.0.0.1 - ");
    log.lines().filter(is_access).collect::<Vec<_>>().join("\n")
}
