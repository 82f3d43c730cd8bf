//! Runs the jobs of `deploy/ci/gitlab.yml`: their scripts, artifacts and variables.

use std::fs;
use std::path::Path;

use super::pipeline::{Job, Pipeline, Variables, assignments, at_once, copy, text, variables};

/// Runs a job of GitLab with what earlier ones have left.
fn job(pipeline: &Pipeline, name: &str, machine: &str, more: &[(&str, String)]) -> Job {
    let job = &pipeline.example[name];
    let (work, _) = pipeline.machine(machine);
    fs::write(work.join("load.toml"), &pipeline.scenario).expect("a file");
    let mut environment = variables(&pipeline.example["variables"]);
    for artifact in fs::read_dir(pipeline.artifacts("")).expect("artifacts") {
        let path = artifact.expect("one").path();
        copy(&path.join("files"), "*", &work, true);
        environment.extend(assignments(&path.join("dotenv")));
    }
    environment.extend(
        more.iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone())),
    );
    let script = |name: &str| {
        let lines = job[name].as_vec()?.iter().map(text);
        let lines: Vec<&str> = lines.collect();
        let shell = ["bash", "-e", "-o", "pipefail", "-c"];
        Some(pipeline.shell((&shell, &work), &lines.join("\n"), &environment))
    };
    let done = script("script").expect("a script");
    let artifacts = &job["artifacts"];
    if done.code() == 0 || artifacts["when"].as_str() == Some("always") {
        let store = pipeline.artifacts(machine);
        fs::create_dir(&store).expect("a directory");
        for path in artifacts["paths"].as_vec().expect("paths") {
            let path = text(path);
            let directory = Path::new(path).parent().expect("a parent");
            let copied = copy(&work, path, &store.join("files").join(directory), true);
            assert!(copied > 0 || done.code() != 0, "{path} is not there");
        }
        if let Some(path) = artifacts["reports"]["dotenv"].as_str() {
            fs::copy(work.join(path), store.join("dotenv")).expect("a copy");
        }
    }
    let after = script("after_script");
    Job {
        work,
        ended: vec![done],
        after,
        outputs: Variables::new(),
    }
}

/// Runs GitLab's example, and gives its last job, behind those of the shards.
pub(super) fn run(pipeline: &Pipeline) -> (Vec<Job>, Job) {
    let stages = pipeline.example["stages"].as_vec().expect("stages");
    let stage = |name: &str| {
        let stage = &pipeline.example[name]["stage"];
        stages
            .iter()
            .position(|it| it == stage || it.as_str() == Some(name))
            .expect("a stage")
    };
    assert!(stage("start") < stage("shard") && stage("shard") < stage("merge"));
    assert_eq!(pipeline.example["merge"]["when"].as_str(), Some("always"));
    let start = job(pipeline, "start", "start", &[]);
    assert_eq!(start.code(), 0, "{}", start.said());
    let count = pipeline.example["shard"]["parallel"]
        .as_i64()
        .expect("a number");
    let count = usize::try_from(count).expect("a few");
    let shard = |index: usize| {
        // GitLab counts from 1.
        let more = [
            ("CI_NODE_INDEX", (index + 1).to_string()),
            ("CI_NODE_TOTAL", count.to_string()),
        ];
        job(pipeline, "shard", &format!("shard-{index}"), &more)
    };
    let shards = at_once(count, &[], &shard);
    let merge = job(pipeline, "merge", "merge", &[]);
    (shards, merge)
}
