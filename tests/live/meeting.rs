//! The meeting point of shards where names come late, as an engine gives them: in a mount namespace with a table of hosts that
//! changes.

use std::fs;
use std::time::Duration;

use crate::support::{Flavour, Program, Registry, closed_port, regstorm, scratch};

fn scenario(registry: &Registry) -> String {
    format!(
        "name = \"names\"\n[target]\nurl = \"{}\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"4KiB\"\n\
         [journey.pull]\naction = \"pull\"\nimages = \"web\"\nrequest_timeout = \"10m\"\niteration_timeout = \"10m\"\n\
         [[load]]\njourney = \"pull\"\nexecutor = \"per-vu-iterations\"\nvus = 2\niterations = 5\n",
        registry.url()
    )
}

/// The first shard starts before it has its name: that is another machine's, and becomes its own.
#[test]
fn the_first_shard_waits_for_its_name() {
    let registry = Registry::start(Flavour::Open);
    let dir = scratch();
    let [file, hosts, log] = ["s.toml", "hosts", "log"].map(|it| dir.path().join(it));
    fs::write(&file, scenario(&registry)).expect("a scenario");
    // An address for documentation, which no machine has.
    fs::write(&hosts, "192.0.2.1 first.test\n").expect("a file");
    let port = closed_port();
    let script = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
    let mut first = Program::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .args([&hosts])
        .args([env!("CARGO_BIN_EXE_regstorm"), "run", "--shard", "0/2"])
        .args(["--meet", &format!("first.test:{port}")])
        .args([&file])
        .start(&log);
    let said = || fs::read_to_string(&log).unwrap_or_default();
    assert!(first.ready(|| said().contains("cannot listen at first.test")));
    fs::write(&hosts, "127.0.0.1 first.test\n").expect("it is ours");
    let other = regstorm(["run", "--shard", "1/2"])
        .args(["--meet", &format!("127.0.0.1:{port}")])
        .args([&file])
        .run()
        .ok();
    assert!(other.said().contains("first shard"), "{other}");
    let status = first.wait(Duration::from_mins(2)).expect("an end");
    // Its numbers may be no good on a busy machine.
    assert!(matches!(status.code(), Some(0 | 4)), "{}", said());
}
