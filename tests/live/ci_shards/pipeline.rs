//! The machines of a pipeline: each job has a directory of its own, and gets what earlier ones have uploaded.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;

use yaml_rust2::{Yaml, YamlLoader};

use crate::support::{Finished, Program, Report, scratch};

pub(super) type Variables = BTreeMap<String, String>;

/// The example of that name.
pub(super) fn example(name: &str) -> Yaml {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("deploy/ci").join(name)).expect("the example");
    YamlLoader::load_from_str(&text).expect("YAML").remove(0)
}

pub(super) fn text(yaml: &Yaml) -> &str {
    yaml.as_str().unwrap_or_else(|| panic!("text: {yaml:?}"))
}

/// The entries of a table, each as text.
pub(super) fn variables(table: &Yaml) -> Variables {
    let entries = table.as_hash().into_iter().flatten();
    let entry = |(key, value): (&Yaml, &Yaml)| {
        let value = match value {
            Yaml::Boolean(is) => is.to_string(),
            other => text(other).to_owned(),
        };
        (text(key).to_owned(), value)
    };
    entries.map(entry).collect()
}

/// A pipeline: the machines of its jobs, and what they have uploaded.
pub(super) struct Pipeline {
    pub(super) home: tempfile::TempDir,
    pub(super) example: Yaml,
    pub(super) scenario: String,
    delay: String,
}

/// A job that is over: its directory, its last output, and whether it succeeded.
pub(super) struct Job {
    pub(super) work: PathBuf,
    /// What each run step or script came to.
    pub(super) ended: Vec<Finished>,
    /// What came after that and does not change the result.
    pub(super) after: Option<Finished>,
    pub(super) outputs: Variables,
}

impl Job {
    pub(super) fn code(&self) -> i32 {
        self.ended
            .iter()
            .map(Finished::code)
            .find(|it| *it != 0)
            .unwrap_or(0)
    }

    pub(super) fn said(&self) -> String {
        self.ended.iter().map(ToString::to_string).collect()
    }

    /// The report that the job has written.
    pub(super) fn report(&self) -> Report {
        let report = Report::read(&self.work.join("report.json"));
        report.unwrap_or_else(|error| panic!("{error} {}", self.said()))
    }

    pub(super) fn is_late(&self) -> bool {
        self.said().contains("too late: the shards start together")
    }
}

impl Pipeline {
    pub(super) fn new(example: Yaml, scenario: String, delay: &str) -> Self {
        let home = scratch();
        for name in ["bin", "artifacts"] {
            fs::create_dir(home.path().join(name)).expect("a directory");
        }
        // To compile takes minutes, and shows nothing of the example; that it asks for this version does.
        let wanted = format!(
            "install --locked regstorm@{} --root .",
            env!("CARGO_PKG_VERSION")
        );
        let built = env!("CARGO_BIN_EXE_regstorm");
        let cargo = format!(
            "#!/bin/sh\ntest \"$*\" = '{wanted}' || {{ echo \"cargo $*\" >&2; exit 97; }}\n\
             mkdir bin && printf '#!/bin/sh\\nexec \"{built}\" \"$@\"\\n' >bin/regstorm && chmod +x bin/regstorm\n"
        );
        let path = home.path().join("bin/cargo");
        fs::write(&path, cargo).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        let delay = delay.to_owned();
        Self {
            home,
            example,
            scenario,
            delay,
        }
    }

    /// An empty directory for a job, and one of its own for what its runner keeps.
    pub(super) fn machine(&self, name: &str) -> (PathBuf, PathBuf) {
        let (work, kept) = (
            self.home.path().join(name),
            self.home.path().join(format!("{name}.runner")),
        );
        for path in [&work, &kept] {
            fs::create_dir(path).expect("a directory");
        }
        (work, kept)
    }

    /// Runs lines with what the system sets and nothing else, but a delay that fits the test.
    pub(super) fn shell(
        &self,
        (shell, work): (&[&str], &Path),
        lines: &str,
        variables: &Variables,
    ) -> Finished {
        let path = format!("{}:/usr/bin:/bin", self.home.path().join("bin").display());
        assert!(
            variables.contains_key("DELAY"),
            "the delay of the example: {variables:?}"
        );
        let set = variables
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        Program::new("env")
            .args([
                "--ignore-environment",
                &format!("--chdir={}", work.display()),
            ])
            .args(set)
            .args([
                format!("PATH={path}"),
                format!("HOME={}", self.home.path().display()),
            ])
            .args([format!("DELAY={}", self.delay)])
            .args(shell)
            .args([lines])
            .run()
    }

    pub(super) fn artifacts(&self, name: &str) -> PathBuf {
        self.home.path().join("artifacts").join(name)
    }
}

/// Copies the files that match: a name, one with a directory, `NAME.*`, or a directory. `keeps_mode`: also who may execute them.
pub(super) fn copy(from: &Path, pattern: &str, to: &Path, keeps_mode: bool) -> usize {
    let (directory, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let directory = from.join(directory);
    let fits = |file: &str| match name.strip_suffix('*') {
        Some(start) => file.starts_with(start),
        None => file == name,
    };
    fs::create_dir_all(to).expect("a directory");
    let mut copied = 0;
    for entry in fs::read_dir(&directory).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        let file = path
            .file_name()
            .and_then(|it| it.to_str())
            .expect("a plain name");
        if !fits(file) {
            continue;
        }
        if path.is_dir() {
            copied += copy(&path, "*", &to.join(file), keeps_mode);
        } else if keeps_mode {
            fs::copy(&path, to.join(file)).expect("a copy");
            copied += 1;
        } else {
            fs::write(to.join(file), fs::read(&path).expect("a file")).expect("a copy");
            copied += 1;
        }
    }
    copied
}

/// The lines `NAME=VALUE` of a file.
pub(super) fn assignments(path: &Path) -> Variables {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines = text
        .lines()
        .map(|it| it.split_once('=').expect("NAME=VALUE"));
    lines
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Runs all shards at once, but those that are late.
pub(super) fn at_once(
    count: usize,
    late: &[usize],
    shard: &(impl Fn(usize) -> Job + Sync),
) -> Vec<Job> {
    let punctual: Vec<usize> = (0..count).filter(|it| !late.contains(it)).collect();
    let mut jobs: Vec<Job> = thread::scope(|scope| {
        let started: Vec<_> = punctual
            .iter()
            .map(|&it| scope.spawn(move || shard(it)))
            .collect();
        started
            .into_iter()
            .map(|it| it.join().expect("a job"))
            .collect()
    });
    jobs.extend(late.iter().map(|&it| shard(it)));
    jobs
}
