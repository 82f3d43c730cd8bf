//! Two docker-registries of one version, compared: no regression, whether they only serve or take pushes, too. A binary of its
//! own, because whatever runs beside a comparison is noise in it. `scripts/test` installs docker-registry.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use regstorm::result::{Comparison, ComparisonVerdict, Document, Method};

const SCENARIO: &str = r#"
name = "builds"
[target]
url = "http://127.0.0.1:1"
[images.web]
source = "synthetic"
count = 2
layers = 2
layer_size = "16KiB"
[journey.pull]
action = "pull"
images = "web"
[journey.push]
action = "push"
images = "web"
[[load]]
mix = { pull = 3, push = 1 }
executor = "constant-arrival-rate"
rate = 20
max_vus = 40
duration = "10s"
"#;

/// A docker-registry, which ends with the test.
struct Registry {
    process: Child,
    url: String,
}

impl Registry {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test waits for another process"
    )]
    fn start(storage: &Path) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let config = storage.join("config.yml");
        let text = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: {address}}}\n",
            storage.display()
        );
        fs::write(&config, text).expect("a configuration");
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry is installed");
        let registry = Self {
            process,
            url: format!("http://{address}"),
        };
        for _ in 0..1_000 {
            if TcpStream::connect(address).is_ok() {
                return registry;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("docker-registry does not listen on {address}");
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The margin is beyond what half a second of a busy machine comes to; what is proved is that both sides are loaded alike
/// and counted alike.
#[test]
fn two_registries_of_one_version_do_not_differ() {
    let dir = tempfile::tempdir().expect("a directory");
    let registry = |name: &str| {
        let storage = dir.path().join(name);
        fs::create_dir(&storage).expect("a directory");
        Registry::start(&storage)
    };
    let (base, candidate) = (registry("base"), registry("candidate"));
    let file = dir.path().join("scenario.toml");
    let out = dir.path().join("comparison.json");
    fs::write(&file, SCENARIO).expect("a scenario");
    let compare = || {
        Command::new(env!("CARGO_BIN_EXE_regstorm"))
            .args(["ab", "--base", &base.url, "--candidate", &candidate.url])
            .args(["--pairs=5", "--slices=1"])
            .args(["--slice=1500ms", "--settle=200ms"])
            .args(["--gate", "pull.response_time p(50)=100%"])
            .args(["--gate", "errors rate=5%", "--out"])
            .args([&out, &file])
            .output()
            .expect("the program runs")
    };
    // A machine that stands still again and again makes a comparison invalid: it is made once more.
    let tries = (0..5).map(|_| compare());
    let output = tries.into_iter().find(|it| it.status.code() != Some(4));
    let output = output.expect("a machine that does not stand still");
    let shown = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{shown}");
    let comparison = Comparison::load(&out).expect("a comparison");
    assert_ne!(comparison.verdict, ComparisonVerdict::Invalid);
    assert_eq!(comparison.design.method, Method::Paired);
    let (base, candidate) = (&comparison.base, &comparison.candidate);
    assert_eq!(base.totals.exchanges.failed, 0, "{:?}", base.failures);
    assert_eq!(
        candidate.totals.exchanges.failed, 0,
        "{:?}",
        candidate.failures
    );
    // One stream of arrivals, of 20 a second for five times 1.5 s, whichever side it falls on.
    assert_eq!(base.totals.starts.scheduled, 150);
    assert_eq!(candidate.totals.starts.scheduled, 150);
    let of_journeys =
        |it: &Document| -> Vec<u64> { it.journeys.iter().map(|it| it.starts.scheduled).collect() };
    assert_eq!(of_journeys(base), of_journeys(candidate));
}
