//! A log of docker-registry, imported and replayed against another one: the second log is the first.

use std::fs;

use crate::support::{AccessLine, Flavour, Registry, Tally, regstorm, run_to};

/// The user agent of the tests' own requests.
const PROBE: &str = "regstorm-live-probe";

/// Two images are pushed, and pulled as docker pulls them.
const SOURCE: &str = r#"
name = "source"
[target]
url = "http://127.0.0.1:1"
[images.web]
source = "synthetic"
count = 2
layers = 3
layer_size = "48KiB"
[journey.fetch]
action = "pull"
client = "docker"
images = "web"
[journey.send]
action = "push"
client = "docker"
images = "web"
[[load]]
mix = { fetch = 3, send = 1 }
executor = "per-vu-iterations"
vus = 2
iterations = 6
[prepare]
clean_up = "none"
"#;

/// How often each operation ended with each status, and the bytes of all blobs.
fn tally(lines: &[AccessLine]) -> (Tally, u64) {
    let blobs = lines.iter().filter(|line| line.fetches_blob());
    let bytes = blobs.map(|line| line.bytes).sum();
    (Tally::of(lines).without_bytes(), bytes)
}

#[test]
fn the_second_log_is_the_first() {
    let first = Registry::start(Flavour::Json);
    run_to(&[0], SOURCE, &first.url());
    first.mark();
    let dir = tempfile::TempDir::new().expect("a directory");
    let [log, trace] = ["log", "day.trace"].map(|name| dir.path().join(name));
    let own = first.log();
    let own = own.lines().filter(|it| it.contains("http.response.status"));
    let own = own.filter(|it| !it.contains(PROBE));
    fs::write(&log, own.collect::<Vec<_>>().join("\n")).expect("a log");
    let import = regstorm(["trace", "import", "--quiet", "--out"]);
    import.args([&trace, &log]).run().ok();
    let (mut wanted, bytes) = tally(&first.access_log());
    // The run pings before it begins.
    wanted.add("ping", 200, 1);
    // The faster, the more often a session reads what another one has not yet written.
    let mut found = None;
    for speed in ["0.5", "0.05"] {
        let second = Registry::start(Flavour::Json);
        let scenario = format!(
            "name = \"replay\"\n[target]\nurl = \"http://127.0.0.1:1\"\n\
             [journey.day]\naction = \"replay\"\ntrace = \"{}\"\n\
             [[load]]\njourney = \"day\"\nexecutor = \"replay\"\nspeed = {speed}\nmax_vus = 20\n\
             [prepare]\nclean_up = \"none\"\n",
            trace.display()
        );
        run_to(&[0], &scenario, &second.url());
        second.mark();
        let replayed = tally(&second.access_log());
        let is_same = replayed == (wanted.clone(), bytes);
        found = Some(replayed);
        if is_same {
            break;
        }
    }
    assert_eq!(found, Some((wanted, bytes)));
}
