//! Two docker-registries of one version, compared: no regression, whether they only serve or take pushes, too. A binary of its
//! own, because whatever runs beside a comparison is noise in it. `scripts/test` installs docker-registry.

/// Whether the machine was quiet.
mod machine;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use regstorm::result::{Comparison, ComparisonVerdict, Document, Method};

use machine::{Beside, claim, tried};

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
    /// Somebody else may take the port between finding and using it; then the registry ends at once.
    fn start(storage: &Path) -> Self {
        let mut tries = (0..5).filter_map(|_| Self::try_start(storage));
        tries.next().expect("docker-registry listens")
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a test waits for another process"
    )]
    fn try_start(storage: &Path) -> Option<Self> {
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
        let mut registry = Self {
            process,
            url: format!("http://{address}"),
        };
        for _ in 0..10_000 {
            if TcpStream::connect(address).is_ok() {
                return Some(registry);
            }
            if registry.process.try_wait().is_ok_and(|it| it.is_some()) {
                return None;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
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
    // A machine that stands still again and again makes a comparison invalid. An alarm takes five differences whose mean is 100%
    // (0.69 in logarithms). Did pairs differ with a standard deviation of 25%, that would be 6 deviations of the mean: less
    // than once in a hundred million times.
    let compared = tried(5, Beside::Nobody, || {
        let output = compare();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let shown = text(&output.stdout) + &text(&output.stderr);
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 1 | 3 | 4)), "{shown}");
        claim!(matches!(code, Some(0 | 3)), "{code:?}: {shown}");
        Ok(())
    });
    if compared.is_none() {
        return;
    }
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
    let of_journeys = |it: &Document| -> Vec<u64> {
        it.journeys
            .iter()
            .map(|it| it.counts.starts.scheduled)
            .collect()
    };
    assert_eq!(of_journeys(base), of_journeys(candidate));
}
