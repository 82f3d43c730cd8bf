//! `@proxy-stampede` with docker-registry as the cache: how often each blob is fetched from the upstream.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use regstorm::result::Document;
use regstorm::verdict::Status;

use crate::support::{closed_port, scratch, wait_for};

/// A process that ends with the test.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// docker-registry 2.8 fetches a blob for each client that waits for it, and once more to store it.
#[test]
fn a_cache_that_fetches_a_blob_for_each_client_is_seen() {
    let dir = scratch();
    let (cache, upstream) = (closed_port(), closed_port());
    let report = dir.path().join("r.json");
    let mut run = Command::new(env!("CARGO_BIN_EXE_regstorm"));
    run.args(["run", "@proxy-stampede", "--wait", "2m", "--quiet", "--out"])
        .arg(&report)
        .args(["--target", &format!("http://127.0.0.1:{cache}")])
        .args([
            "--set",
            "load.1.start_time=0s",
            "--set",
            "load.2.start_time=0s",
        ])
        .env("UPSTREAM", format!("127.0.0.1:{upstream}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut run = Ends(run.spawn().expect("it starts"));
    // The cache asks its upstream when it starts.
    let there = || TcpStream::connect((Ipv4Addr::LOCALHOST, upstream)).ok();
    wait_for(Duration::from_mins(2), there).expect("the upstream listens");
    let store = dir.path().join("store");
    let config = dir.path().join("config.yml");
    let text = format!(
        "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \
         127.0.0.1:{cache}}}\nproxy: {{remoteurl: 'http://127.0.0.1:{upstream}'}}\n",
        store.display()
    );
    fs::write(&config, text).expect("a configuration");
    let mut registry = Command::new("docker-registry");
    registry.arg("serve").arg(&config);
    registry.stdout(Stdio::null()).stderr(Stdio::null());
    let _cache = Ends(registry.spawn().expect("docker-registry is installed"));
    let status = run.0.wait().expect("it ends");
    assert!(matches!(status.code(), Some(1 | 4)), "{status}");
    let report = Document::load(&report).expect("a report");
    let judged = report.thresholds.last().expect("a threshold");
    assert_eq!(judged.name(), "server.fetches_per_blob < 1.5");
    assert_eq!(judged.status, Status::Fail, "{judged:?}");
    let fetched = report.upstream.expect("the upstream");
    // Four layers and a config of each of three images; at least once each, or nothing would have been pulled.
    assert_eq!(fetched.blobs, 15);
    assert!(fetched.fetches > fetched.blobs, "{fetched:?}");
    assert!(
        fetched.most > 1 && fetched.more_than_once > 0,
        "{fetched:?}"
    );
}
