//! The CI examples of the guide, step by step as a runner does them: in an empty directory, against two docker-registry.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use yaml_rust2::{Yaml, YamlLoader};

use crate::support::{Flavour, Registry, scratch};

/// The page of the examples.
fn guide() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/ci.md");
    fs::read_to_string(path).expect("the page")
}

/// The example of that mark, parsed.
fn example(mark: &str) -> Yaml {
    let guide = guide();
    let fence = format!("```yaml {mark}\n");
    let (_, rest) = guide.split_once(&fence).expect("the example is marked");
    let (text, _) = rest.split_once("```").expect("it ends");
    YamlLoader::load_from_str(text).expect("YAML").remove(0)
}

/// A runner: an empty working directory, a `cargo` that installs this build, and what the system sets.
struct Runner {
    home: tempfile::TempDir,
    /// Addresses of the example, and what stands for them here.
    targets: Vec<(&'static str, String)>,
}

impl Runner {
    fn new(targets: Vec<(&'static str, String)>) -> Self {
        let home = scratch();
        for name in ["bin", "work"] {
            fs::create_dir(home.path().join(name)).expect("a directory");
        }
        // To compile takes minutes, and tells nothing of the example; that it asks for this version does.
        let wanted = format!("install --locked regstorm@{}", env!("CARGO_PKG_VERSION"));
        let built = env!("CARGO_BIN_EXE_regstorm");
        let cargo = format!(
            "#!/bin/sh\ntest \"$*\" = '{wanted}' || {{ echo \"cargo $*\" >&2; exit 97; }}\n\
             ln -s '{built}' \"$HOME/bin/regstorm\"\n"
        );
        let path = home.path().join("bin/cargo");
        fs::write(&path, cargo).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        Self { home, targets }
    }

    fn work(&self) -> PathBuf {
        self.home.path().join("work")
    }

    /// Runs the lines of a step. A comparison of minutes is made one of seconds: the only words that are not the example's.
    fn step(&self, shell: &[&str], lines: &str) -> Output {
        let mut lines = lines.replace(
            "--budget 15m",
            "--pairs 5 --slices 1 --slice 300ms --settle 100ms",
        );
        assert_eq!(lines.contains("regstorm ab"), lines.contains("--pairs 5"));
        for (written, here) in &self.targets {
            assert!(
                !lines.contains("regstorm ab") || lines.contains(written),
                "{written}"
            );
            lines = lines.replace(written, here);
        }
        let path = format!("{}:/usr/bin:/bin", self.home.path().join("bin").display());
        Command::new(shell[0])
            .args(&shell[1..])
            .arg(lines)
            .current_dir(self.work())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.home.path())
            .env("GITHUB_SHA", "0f3b1c2")
            .env("CI_COMMIT_SHA", "0f3b1c2")
            .env("GITHUB_STEP_SUMMARY", self.home.path().join("summary"))
            .output()
            .expect("a shell")
    }

    fn read(&self, name: &str) -> String {
        let path = self.work().join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

fn told(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|it| String::from_utf8_lossy(it))
        .join("")
}

/// A comparison came to a verdict. So short, it may be any: what is gated here is the example.
fn assert_judged(runner: &Runner, output: &Output) {
    let code = output.status.code();
    assert!(
        matches!(code, Some(0 | 1 | 3 | 4)),
        "{code:?} {}",
        told(output)
    );
    let comparison: serde_json::Value =
        serde_json::from_str(&runner.read("comparison.json")).expect("JSON");
    assert_eq!(
        comparison["candidate"]["environment"]["labels"]["build"],
        "0f3b1c2"
    );
    assert!(
        comparison["metrics"]
            .as_array()
            .is_some_and(|it| !it.is_empty())
    );
    assert!(runner.read("comparison.html").contains("</html>"));
    roxmltree::Document::parse(&runner.read("comparison.xml")).expect("XML");
}

/// The steps of a job of GitHub: lines, and whether they run after a failure, too.
fn steps(job: &Yaml) -> Vec<(String, bool)> {
    let steps = job["steps"].as_vec().expect("steps");
    let lines = steps.iter().filter_map(|step| {
        let lines = step["run"].as_str()?;
        Some((lines.to_owned(), step["if"].as_str() == Some("always()")))
    });
    lines.collect()
}

/// What GitHub runs a step with.
const BASH: [&str; 4] = ["bash", "-e", "-o", "pipefail"];

/// Runs the steps of GitHub's example, and gives what each came to, with `None` for one that was skipped.
fn github(runner: &Runner) -> Vec<Option<Output>> {
    let example = example("github");
    let job = &example["jobs"]["gate"];
    let mut failed = false;
    let run = |(lines, always): (String, bool)| {
        if failed && !always {
            return None;
        }
        let shell = [&BASH[..], &["-c"]].concat();
        let output = runner.step(&shell, &lines);
        failed |= !output.status.success();
        Some(output)
    };
    steps(job).into_iter().map(run).collect()
}

fn targets(base: &str, candidate: &str) -> Vec<(&'static str, String)> {
    vec![
        ("http://127.0.0.1:5000", base.to_owned()),
        ("http://127.0.0.1:5001", candidate.to_owned()),
    ]
}

#[test]
fn the_example_for_github_works_as_pasted() {
    let (base, candidate) = (
        Registry::start(Flavour::Open),
        Registry::start(Flavour::Open),
    );
    let runner = Runner::new(targets(&base.url(), &candidate.url()));
    let ended = github(&runner);
    let [Some(install), Some(compare), Some(summary)] = ended.as_slice() else {
        panic!("three steps: {ended:?}");
    };
    assert!(install.status.success(), "{}", told(install));
    assert_judged(&runner, compare);
    assert!(summary.status.success(), "{}", told(summary));
    let shown = fs::read_to_string(runner.home.path().join("summary")).expect("a summary");
    assert_eq!(shown, runner.read("summary.md"));
    // What is uploaded exists.
    let example = example("github");
    let steps = example["jobs"]["gate"]["steps"].as_vec().expect("steps");
    let upload = steps.last().expect("a step");
    assert_eq!(upload["with"]["path"].as_str(), Some("comparison.*"));
}

#[test]
fn the_summary_for_github_tells_why_there_is_no_result() {
    // Nobody listens at port 1, and the example would wait for a minute.
    let runner = Runner::new(vec![
        ("http://127.0.0.1:5000", "http://127.0.0.1:1".to_owned()),
        ("http://127.0.0.1:5001", "http://127.0.0.1:1".to_owned()),
        ("--wait 60s", "--wait 1s".to_owned()),
    ]);
    let ended = github(&runner);
    let [Some(_), Some(compare), Some(summary)] = ended.as_slice() else {
        panic!("three steps: {ended:?}");
    };
    assert_eq!(compare.status.code(), Some(5), "{}", told(compare));
    assert!(summary.status.success(), "{}", told(summary));
    let shown = fs::read_to_string(runner.home.path().join("summary")).expect("a summary");
    assert!(
        shown.contains("NO RESULT") && shown.contains("127.0.0.1:1"),
        "{shown}"
    );
}

#[test]
fn the_example_for_gitlab_works_as_pasted() {
    let (base, candidate) = (
        Registry::start(Flavour::Open),
        Registry::start(Flavour::Open),
    );
    let runner = Runner::new(vec![
        ("http://base:5000", base.url()),
        ("http://candidate:5000", candidate.url()),
    ]);
    let example = example("gitlab");
    let job = &example["performance"];
    let lines = job["script"].as_vec().expect("a script");
    let [install, compare] = [0, 1].map(|line| {
        let line = lines[line].as_str().expect("a line");
        runner.step(&["sh", "-e", "-c"], line)
    });
    assert_eq!(lines.len(), 2);
    assert!(install.status.success(), "{}", told(&install));
    assert_judged(&runner, &compare);
    for path in job["artifacts"]["paths"].as_vec().expect("paths") {
        runner.read(path.as_str().expect("a path"));
    }
    runner.read(
        job["artifacts"]["reports"]["junit"]
            .as_str()
            .expect("a path"),
    );
}
