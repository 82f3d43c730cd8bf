#![expect(
    clippy::unwrap_used,
    reason = "what the tests share is no test, and a panic is how it fails"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use regstorm::embedded::{Running, Settings};
use regstorm::engine;
use regstorm::measure::FailureClass;
use regstorm::plan::Plan;
use regstorm::result::Document;

use crate::support::{assert_closed, plan, registry, run, run_against};

/// Five pulls by each of two users.
fn scenario(target: &str, journey: &str) -> String {
    format!(
        r#"
name = "secure"
[target]
{target}
[images.web]
source = "synthetic"
count = 2
layers = 3
layer_size = "20KiB"
[journey.pull]
action = "pull"
images = "web"
{journey}
[[load]]
journey = "pull"
executor = "per-vu-iterations"
vus = 2
iterations = 5
max_duration = "1m"
"#
    )
}

/// A registry within TLS, its CA in a file, and the lines of a scenario that trust it.
fn secured() -> (Running, tempfile::TempDir, String) {
    let registry = registry(Settings {
        tls: true,
        ..Settings::default()
    });
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    fs::write(&ca, registry.ca().unwrap()).unwrap();
    let tls = format!("url = \"http://replaced\"\ntls.ca = \"{}\"", ca.display());
    (registry, dir, tls)
}

fn connections(finished: &engine::Finished) -> [u64; 6] {
    let mut all = [0; 6];
    for (journey, _, _) in finished.record.journeys() {
        for (_, series) in finished.record.operations(journey) {
            let it = series.counts.connections;
            let more = [
                it.new,
                it.reused,
                it.http1,
                it.http2,
                it.tls_full,
                it.tls_resumed,
            ];
            for (sum, more) in all.iter_mut().zip(more) {
                *sum += more;
            }
        }
    }
    all
}

#[test]
fn handshakes_are_counted_as_the_registry_counts_them() {
    for (resumption, full) in [("on", 2), ("off", 100)] {
        let (registry, _dir, tls) = secured();
        let target = format!("{tls}\ntls.resumption = \"{resumption}\"");
        // A manifest, a configuration and three layers, ten times, each over a connection of its own, one at a time.
        let toml = scenario(&target, "connections = \"per-request\"\nparallel = 1");
        let (finished, counts) = run_against(&toml, &registry);
        let [new, reused, http1, http2, tls_full, tls_resumed] = connections(&finished);
        assert_eq!([new, reused, http1, http2], [50, 0, 50, 0]);
        assert_eq!(tls_full + tls_resumed, 50);
        assert_eq!(tls_full, full.min(50));
        // The rest is of those who seed.
        assert!(counts.full_handshakes >= tls_full && counts.resumed_handshakes >= tls_resumed);
    }
}

#[test]
fn the_version_of_the_scenario_is_spoken_and_every_sum_closes() {
    for (http, wanted) in [("1.1", [50, 0]), ("2", [0, 50]), ("auto", [0, 50])] {
        let (registry, _dir, tls) = secured();
        let toml = scenario(&format!("{tls}\nhttp = \"{http}\""), "parallel = 3");
        let (finished, counts) = run_against(&toml, &registry);
        let [new, reused, http1, http2, ..] = connections(&finished);
        assert_eq!([http1, http2], wanted, "{http}");
        assert_eq!(new + reused, 50);
        if http != "1.1" {
            assert_eq!(finished.connections, 2, "one for each user");
            assert_eq!(counts.http2_connections, counts.connections);
        }
    }
    // Without TLS both sides have to know.
    let registry = registry(Settings::default());
    let toml = scenario("url = \"http://replaced\"\nhttp = \"2\"", "parallel = 3");
    let (finished, _) = run_against(&toml, &registry);
    assert_eq!(connections(&finished)[3], 50);
}

#[test]
fn the_embedded_registry_within_tls_is_trusted_by_itself() {
    for policy in ["per-vu", "per-iteration", "shared"] {
        let target = "url = \"embedded\"\nembedded = { tls = true }\nhttp = \"auto\"";
        let toml = scenario(target, &format!("connections = \"{policy}\""));
        let finished = run(&embedded(&toml)).unwrap();
        assert_closed(&finished);
        assert!(finished.target.base.starts_with("https://"));
        let ok: u64 = finished
            .record
            .journeys()
            .map(|(_, _, it)| it.counts.outcomes.ok)
            .sum();
        assert_eq!(ok, 10);
        let full = connections(&finished)[4] + connections(&finished)[5];
        let wanted = if policy == "per-iteration" { 10 } else { 2 };
        assert!(full <= wanted && full > 0, "{policy}: {full}");
    }
}

fn embedded(toml: &str) -> Plan {
    plan(toml, "embedded", 2)
}

#[test]
fn a_certificate_that_nobody_trusts_ends_the_run_before_it_begins() {
    let (registry, _dir, _) = secured();
    let toml = scenario("url = \"http://replaced\"", "");
    let refused = run(&plan(&toml, &registry.url(), 1)).unwrap_err();
    assert!(
        refused.to_string().contains("`ca` in [target.tls]"),
        "{refused}"
    );
    let requests = registry.counts().requests;
    assert_eq!(requests, 0);
}

#[test]
fn files_that_are_no_certificates_end_the_run_before_it_begins() {
    let (registry, dir, _) = secured();
    let nonsense = dir.path().join("nonsense");
    fs::write(&nonsense, "nonsense").unwrap();
    let toml = scenario(
        &format!(
            "url = \"http://replaced\"\ntls.ca = \"{}\"",
            nonsense.display()
        ),
        "",
    );
    let refused = run(&plan(&toml, &registry.url(), 1)).unwrap_err();
    assert!(matches!(refused, engine::Error::Tls(_)), "{refused}");
}

#[test]
fn a_source_that_is_not_of_this_machine_ends_the_run_before_it_begins() {
    let registry = registry(Settings::default());
    let target = "url = \"http://replaced\"\nsource_ips = [\"192.0.2.1\"]";
    let refused = run(&plan(&scenario(target, ""), &registry.url(), 1)).unwrap_err();
    assert!(refused.to_string().contains("192.0.2.1"), "{refused}");
    assert_eq!(registry.counts().requests, 0);
}

#[test]
fn endpoints_share_the_connections_of_all_workers() {
    let registries = [(); 2].map(|()| registry(Settings::default()));
    let plain = "url = \"http://replaced\"";
    let before = registries.each_ref().map(|it| {
        // Both have the same images: one seed, one content.
        run_against(&scenario(plain, ""), it).1.connections
    });
    let list: Vec<_> = registries
        .iter()
        .map(|it| format!("\"{}\"", it.addr()))
        .collect();
    let target = format!(
        "{plain}\nconnect_to = [{}]\nsource_ips = [\"127.0.0.2\", \"127.0.0.3\"]",
        list.join(", ")
    );
    let toml = scenario(
        &target,
        "connections = \"per-request\"\n[prepare]\nseed = false",
    );
    let finished = run(&plan(&toml, "http://registry.test", 2)).unwrap();
    assert_closed(&finished);
    // Fifty in turn, 25 on each worker, and the ping before them.
    assert_eq!(connections(&finished)[0], 50);
    for (registry, before) in registries.iter().zip(before) {
        let more = registry.counts().connections - before;
        assert!((24..=27).contains(&more), "{more}");
    }
}

#[test]
fn the_fingerprint_knows_the_version_and_not_the_address() {
    let of = |target: &str| plan(&scenario(target, ""), "http://h", 1).fingerprint();
    let plain = of("url = \"http://h\"");
    assert_eq!(
        plain,
        of("url = \"http://h\"\ntls.insecure = true\nsource_ips = [\"127.0.0.2\"]")
    );
    assert_ne!(plain, of("url = \"http://h\"\nhttp = \"2\""));
    assert_ne!(
        of("url = \"http://h\"\nhttp = \"auto\""),
        of("url = \"http://h\"\nhttp = \"2\"")
    );
}

#[test]
fn the_plan_says_how_tls_is_spoken_and_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key.pem");
    fs::write(&key, "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n").unwrap();
    let target = format!(
        "url = \"https://h\"\nhttp = \"auto\"\nconnect_to = [\"[::1]:5001\", \"n:2\"]\n\
         tls = {{ cert = \"{0}\", key = \"{0}\", server_name = \"r.test\", resumption = \"shared\" }}",
        key.display()
    );
    let plan = plan(&scenario(&target, ""), "https://h", 1);
    let text = plan.to_text();
    for line in [
        "target.http = \"auto\"",
        "target.tls.server_name = \"r.test\"",
        "target.tls.resumption = \"shared\"",
        "target.connect_to = [\"[::1]:5001\", \"n:2\"]",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
    assert!(!format!("{text}{plan:?}").contains("c2VjcmV0"));
}

fn regstorm(dir: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .current_dir(dir)
        .args(arguments)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn the_report_and_the_summary_tell_handshakes_and_versions() {
    let dir = tempfile::tempdir().unwrap();
    let target = "url = \"embedded\"\nembedded = { tls = true }\nhttp = \"auto\"";
    fs::write(dir.path().join("s.toml"), scenario(target, "")).unwrap();
    let (code, text) = regstorm(dir.path(), &["run", "s.toml", "--out", "report.json"]);
    assert!(matches!(code, Some(0 | 4)), "{text}");
    assert!(text.contains("handshakes: 2 full, 0 resumed"), "{text}");
    assert!(text.contains("50 exchanges over HTTP/2"), "{text}");
    let report = fs::read(dir.path().join("report.json")).unwrap();
    let document: Document = serde_json::from_slice(&report).unwrap();
    let sum: u64 = document
        .operations
        .iter()
        .map(|it| it.counts.connections.http2)
        .sum();
    assert_eq!(sum, 50);
    let kinds = &document.failures.exchanges.kinds;
    assert!(kinds.iter().all(|it| it.class != FailureClass::Tls));
}
