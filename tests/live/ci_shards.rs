//! `deploy/ci` as a CI system runs it: each job in a directory of its own, all shards at once, and between them what the jobs upload.

mod github;
mod gitlab;
mod pipeline;

use std::fs;

use pipeline::{Job, Pipeline, example};

use crate::support::{
    AccessLine, Flavour, ITERATIONS, Registry, assert_cleaned_up, counted, patiently,
};

/// What is expected is of the whole load: no shard alone has so many iterations.
fn scenario(registry: &Registry, iterations: u64) -> String {
    let expect = format!("count >= {iterations}");
    let text = counted("ci", registry, ("pull.iterations", &expect));
    text + "[prepare]\nclean_up = \"all\"\n"
}

/// No shard judges its part, and the last job has all of the load once; then it deletes what the first one has stored. `Err` when the
/// machine was late.
fn whole(
    (shards, merge): &(Vec<Job>, Job),
    seen: &[AccessLine],
    verdict: i32,
) -> Result<(), String> {
    if let Some(late) = shards.iter().find(|it| it.is_late()) {
        return Err(late.said());
    }
    for shard in shards {
        assert_eq!(shard.code(), 0, "{}", shard.said());
    }
    let report = merge.report();
    report.assert_sums();
    assert_eq!(report.number("/totals/starts/scheduled"), ITERATIONS);
    let after = merge.after.as_ref().expect("a clean-up");
    assert_eq!(after.code(), 0, "{after}");
    assert_cleaned_up(&report, seen);
    let document: serde_json::Value = serde_json::from_str(report.text()).expect("JSON");
    assert_eq!(
        document["shards"].as_array().map(Vec::len),
        Some(shards.len())
    );
    // 4 when the machine was too busy to measure, or to start its shards together.
    let busy = document["verdict"] == "invalid";
    assert_eq!(
        merge.code(),
        if busy { 4 } else { verdict },
        "{}",
        merge.said()
    );
    Ok(())
}

#[test]
fn the_jobs_of_github_make_one_load() {
    let registry = Registry::start(Flavour::Open);
    patiently(|delay| {
        let mark = registry.mark();
        let pipeline = Pipeline::new(
            example("github.yml"),
            scenario(&registry, ITERATIONS),
            delay,
        );
        let jobs = github::run(&pipeline, &[]);
        whole(&jobs, &registry.since(mark), 0)?;
        // What is uploaded, and what the summary of the job shows.
        let uploaded = pipeline.artifacts("report");
        for name in ["report.json", "report.html"] {
            assert!(uploaded.join(name).exists(), "{name}");
        }
        let shown = fs::read_to_string(
            pipeline
                .home
                .path()
                .join("merge.runner/GITHUB_STEP_SUMMARY"),
        );
        assert_eq!(
            shown.expect("a summary"),
            fs::read_to_string(jobs.1.work.join("summary.md")).expect("Markdown")
        );
        Ok(())
    });
}

/// A runner that comes late refuses, and the last job names its shard.
#[test]
fn a_job_of_github_that_is_late_is_named() {
    let registry = Registry::start(Flavour::Open);
    patiently(|delay| {
        let pipeline = Pipeline::new(
            example("github.yml"),
            scenario(&registry, ITERATIONS),
            delay,
        );
        let (shards, merge) = github::run(&pipeline, &[2]);
        let (late, others) = shards.split_last().expect("shards");
        assert!(late.is_late() && late.code() == 5, "{}", late.said());
        if let Some(other) = others.iter().find(|it| it.is_late()) {
            return Err(other.said());
        }
        assert_eq!(merge.code(), 2, "{}", merge.said());
        let shown = fs::read_to_string(
            pipeline
                .home
                .path()
                .join("merge.runner/GITHUB_STEP_SUMMARY"),
        );
        let shown = shown.expect("a summary");
        assert!(
            shown.contains("NO RESULT") && shown.contains("the reports of shards 2 are missing"),
            "{shown}"
        );
        Ok(())
    });
}

#[test]
fn the_jobs_of_gitlab_make_one_load() {
    let registry = Registry::start(Flavour::Open);
    // The second one asks for more than there is: the last job fails by it, and no shard does.
    for (iterations, verdict) in [(ITERATIONS, 0), (ITERATIONS + 1, 1)] {
        patiently(|delay| {
            let mark = registry.mark();
            let pipeline = Pipeline::new(
                example("gitlab.yml"),
                scenario(&registry, iterations),
                delay,
            );
            let jobs = gitlab::run(&pipeline);
            whole(&jobs, &registry.since(mark), verdict)?;
            let junit = fs::read_to_string(jobs.1.work.join("report.xml")).expect("JUnit");
            roxmltree::Document::parse(&junit).expect("XML");
            Ok(())
        });
    }
}
