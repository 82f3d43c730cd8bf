//! Runs the jobs of `deploy/ci/github.yml`: their steps, expressions and artifacts.

use std::fs;
use std::path::Path;

use super::pipeline::{Job, Pipeline, Variables, assignments, at_once, copy, text, variables};
use crate::support::scratch;

/// Everything between `${{` and `}}` in its value.
fn filled(text: &str, values: &Variables) -> String {
    let Some((before, rest)) = text.split_once("${{") else {
        return text.to_owned();
    };
    let (name, rest) = rest.split_once("}}").expect("an end");
    let value = values.get(name.trim());
    let value = value.unwrap_or_else(|| panic!("`{name}` has no value here"));
    format!("{before}{value}{}", filled(rest, values))
}

/// Runs a job of GitHub. `values` are those of its expressions.
fn job(pipeline: &Pipeline, name: &str, machine: &str, mut values: Variables) -> Job {
    let job = &pipeline.example["jobs"][name];
    let (work, kept) = pipeline.machine(machine);
    let mut environment = variables(&pipeline.example["env"]);
    for file in ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] {
        environment.insert(file.to_owned(), kept.join(file).display().to_string());
    }
    let (mut ended, mut failed, mut after) = (Vec::new(), false, None);
    for step in job["steps"].as_vec().expect("steps") {
        let always = match step["if"].as_str() {
            None => false,
            Some("always()") => true,
            Some(other) => panic!("`{other}` is not known here"),
        };
        if failed && !always {
            continue;
        }
        let with = variables(&step["with"]).into_iter();
        let with = with.map(|(key, value)| (key, filled(&value, &values)));
        let with = with.collect();
        match step["uses"].as_str() {
            Some("actions/checkout@v4") => {
                fs::write(work.join("load.toml"), &pipeline.scenario).expect("a file");
            }
            Some("actions/upload-artifact@v4") => upload(pipeline, &work, &with),
            Some("actions/download-artifact@v4") => download(pipeline, &work, &with),
            Some(other) => panic!("{other} is not known here"),
            None => {
                let mut environment = environment.clone();
                let own = variables(&step["env"]).into_iter();
                environment.extend(own.map(|(name, value)| (name, filled(&value, &values))));
                let lines = filled(text(&step["run"]), &values);
                let done = pipeline.shell((&["bash", "-e", "-c"], &work), &lines, &environment);
                if step["continue-on-error"].as_bool() == Some(true) {
                    after = Some(done);
                    continue;
                }
                failed |= done.code() != 0;
                ended.push(done);
                if let Some(id) = step["id"].as_str() {
                    let said = assignments(&kept.join("GITHUB_OUTPUT")).into_iter();
                    values.extend(
                        said.map(|(name, value)| (format!("steps.{id}.outputs.{name}"), value)),
                    );
                }
            }
        }
    }
    let outputs = variables(&job["outputs"]).into_iter();
    let outputs = outputs.map(|(key, value)| {
        (
            format!("needs.{name}.outputs.{key}"),
            filled(&value, &values),
        )
    });
    Job {
        work,
        ended,
        after,
        outputs: outputs.collect(),
    }
}

/// Packs files, without their permissions.
fn upload(pipeline: &Pipeline, work: &Path, with: &Variables) {
    copy(
        work,
        &with["path"],
        &pipeline.artifacts(&with["name"]),
        false,
    );
}

/// Unpacks one artifact by name, or several by pattern: each into a directory of its name, unless they are to be merged.
fn download(pipeline: &Pipeline, work: &Path, with: &Variables) {
    let to = with
        .get("path")
        .map_or_else(|| work.to_owned(), |it| work.join(it));
    let name = with.get("name");
    let merges = name.is_some() || with.get("merge-multiple").is_some_and(|it| it == "true");
    let found = scratch();
    copy(
        &pipeline.artifacts(""),
        name.unwrap_or_else(|| &with["pattern"]),
        found.path(),
        false,
    );
    for artifact in fs::read_dir(found.path()).expect("artifacts") {
        let artifact = artifact.expect("one");
        let to = if merges {
            to.clone()
        } else {
            to.join(artifact.file_name())
        };
        copy(&artifact.path(), "*", &to, false);
    }
}

/// Runs GitHub's example, and gives its last job, behind those of the shards. Those in `late` start when the others are done.
pub(super) fn run(pipeline: &Pipeline, late: &[usize]) -> (Vec<Job>, Job) {
    let jobs = &pipeline.example["jobs"];
    assert_eq!(jobs["shard"]["needs"].as_str(), Some("start"));
    assert_eq!(jobs["merge"]["needs"].as_str(), Some("shard"));
    assert_eq!(jobs["merge"]["if"].as_str(), Some("${{ !cancelled() }}"));
    let start = job(pipeline, "start", "start", Variables::new());
    assert_eq!(start.code(), 0, "{}", start.said());
    let matrix = jobs["shard"]["strategy"]["matrix"]["shard"]
        .as_vec()
        .expect("shards");
    let count = matrix.len();
    let shard = |index: usize| {
        let mut values = start.outputs.clone();
        values.insert("strategy.job-index".to_owned(), index.to_string());
        values.insert("strategy.job-total".to_owned(), count.to_string());
        job(pipeline, "shard", &format!("shard-{index}"), values)
    };
    let shards = at_once(count, late, &shard);
    let merge = job(pipeline, "merge", "merge", Variables::new());
    (shards, merge)
}
