//! A name with several addresses, in whole runs: in a mount namespace of its own, so that `/etc/hosts` may be another one.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::support::{Finished, PASSWORD, Program, Served, scratch};

/// Runs regstorm where `/etc/hosts` has these lines besides, and gives its report.
#[track_caller]
fn run(hosts: &str, scenario: &str) -> (Finished, Value) {
    let dir = scratch();
    let [file, table, out] =
        ["scenario.toml", "hosts", "report.json"].map(|it| dir.path().join(it));
    fs::write(&file, scenario).expect("a scenario");
    let own = fs::read_to_string("/etc/hosts").expect("a table of hosts");
    fs::write(&table, format!("{own}\n{hosts}")).expect("a file");
    let script = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
    let finished = Program::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .args([&table])
        .args([env!("CARGO_BIN_EXE_regstorm"), "run", "--out"])
        .args([&out, &file])
        .env("REGSTORM_PASSWORD", PASSWORD)
        .run()
        .ok();
    let text = fs::read_to_string(&out).expect("a report");
    let report = serde_json::from_str(&text).expect("a report is JSON");
    (finished, report)
}

fn scenario(port: &str, target: &str) -> String {
    format!(
        "name = \"test\"\n[target]\nurl = \"http://reg.test:{port}\"\n{target}\n\
         [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"4KiB\"\n\
         [journey.j]\naction = \"poll\"\nimages = \"web\"\nconnections = \"per-request\"\n\
         [[load]]\njourney = \"j\"\nexecutor = \"per-vu-iterations\"\nvus = 4\niterations = 30\n"
    )
}

/// Connections and failed attempts of each address.
fn addresses(report: &Value) -> BTreeMap<String, (u64, u64)> {
    let list = report["addresses"].as_array().cloned().unwrap_or_default();
    let of = |it: &Value| {
        let count = |key: &str| it[key].as_u64().expect("a count");
        let address = it["address"].as_str().expect("an address").to_owned();
        (address, (count("connections"), count("failed")))
    };
    list.iter().map(of).collect()
}

/// Three addresses, all of them the same registry, and 120 connections of four users on any number of workers.
#[test]
fn each_address_of_a_name_gets_its_share_and_the_report_says_so() {
    let served = Served::at("0.0.0.0", &[], "");
    let port = served.host().rsplit(':').next().expect("a port").to_owned();
    let hosts = "127.0.0.2 reg.test\n127.0.0.3 reg.test\n127.0.0.4 reg.test\n";
    for (dns, words) in [
        ("once", "looked up once by each worker (dns = \"once\")"),
        ("per-connection", "looked up for each connection"),
    ] {
        let target = format!("dns = \"{dns}\"");
        let (finished, report) = run(hosts, &scenario(&port, &target));
        let found = addresses(&report);
        assert_eq!(found.len(), 3, "{finished}");
        assert_eq!(found.values().map(|it| it.0).sum::<u64>(), 120);
        for (address, (connections, failed)) in &found {
            // Of every worker's connections a third, give or take one; there are four workers at most.
            let is_a_share = (36..=44).contains(connections) && *failed == 0;
            assert!(is_a_share, "{address}: {finished}");
        }
        let head = format!("reg.test:{port} has 3 addresses, {words}");
        assert!(finished.said().contains(&head), "{finished}");
    }
}

/// One of two is dead: no iteration fails, and the report tells what became of it.
#[test]
fn a_dead_address_fails_no_iteration_and_is_in_the_report() {
    let served = Served::at("127.0.0.2", &[], "");
    let port = served.host().rsplit(':').next().expect("a port").to_owned();
    let (finished, report) = run(
        "127.0.0.2 reg.test\n127.0.0.3 reg.test\n",
        &scenario(&port, ""),
    );
    let found = addresses(&report);
    let live = found[&format!("127.0.0.2:{port}")];
    assert_eq!(live, (120, 0), "{finished}");
    let (connections, failed) = found[&format!("127.0.0.3:{port}")];
    // Every other connection is tried there first, give or take one of each worker.
    assert_eq!(connections, 0);
    assert!((56..=64).contains(&failed), "{finished}");
    let chosen = format!("one was chosen: 127.0.0.2:{port}");
    assert!(finished.said().contains(&chosen), "{finished}");
}

#[test]
fn a_name_with_one_address_is_no_news() {
    let served = Served::at("127.0.0.2", &[], "");
    let port = served.host().rsplit(':').next().expect("a port").to_owned();
    let (finished, report) = run("127.0.0.2 reg.test\n", &scenario(&port, ""));
    assert_eq!(report.get("addresses"), None);
    assert!(!finished.said().contains("addresses"), "{finished}");
}
