//! `deploy/slurm` as a user submits it, on a Slurm of several nodes: one load, one report, which agrees with the registry's log.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::support::{
    Finished, Flavour, ITERATIONS, Registry, Report, Slurm, Tally, assert_cleaned_up, counted,
    patiently, wait_for,
};

const SHARDS: usize = 4;

fn scenario(registry: &Registry) -> String {
    counted("slurm", registry, ("pull.errors", "count == 0"))
}

/// A script of `deploy/slurm`.
fn script(name: &str) -> String {
    format!("{}/deploy/slurm/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Runs a program where jobs are to find this build, and their reports are to lie.
fn submit(slurm: &Slurm, program: &str, args: &[&str]) -> Finished {
    let built = Path::new(env!("CARGO_BIN_EXE_regstorm"));
    let path = std::env::var_os("PATH").and_then(|it| it.into_string().ok());
    let path = path.expect("a path");
    let bin = built.parent().expect("its directory").display();
    slurm
        .command("env")
        .args([&format!("--chdir={}", slurm.work().display()), program])
        .args(args)
        .env("PATH", format!("{bin}:{path}"))
        .run()
}

/// The report of the whole has every iteration once.
fn whole(report: &Path) -> Report {
    let whole = Report::read(report).expect("a merged report");
    whole.assert_sums();
    assert_eq!(whole.number("/totals/starts/scheduled"), ITERATIONS);
    let document: serde_json::Value = serde_json::from_str(whole.text()).expect("JSON");
    let shards = document["shards"].as_array().expect("shards");
    assert_eq!(shards.len(), SHARDS);
    whole
}

/// The id of the job that a script named, and the code with which it ended, as the controller keeps it.
fn code(slurm: &Slurm, id: &str) -> i32 {
    let job = slurm.job(id);
    let word = job
        .split_whitespace()
        .find_map(|it| it.strip_prefix("ExitCode="));
    let (code, signal) = word
        .and_then(|it| it.split_once(':'))
        .expect("an exit code");
    assert_eq!(signal, "0", "{job}");
    code.parse().expect("a number")
}

#[test]
fn the_nodes_of_a_job_make_one_load() {
    let (slurm, registry) = (Slurm::start(SHARDS), Registry::start(Flavour::Open));
    let file = slurm.work().join("load.toml");
    fs::write(&file, scenario(&registry)).expect("a scenario");
    let file = file.to_str().expect("a plain path");
    let mark = registry.mark();
    let script = script("meet.sbatch");
    let submitted = submit(&slurm, "sbatch", &["--parsable", "--wait", &script, file]);
    let id = submitted.stdout.trim();
    let log = fs::read_to_string(slurm.work().join(format!("slurm-{id}.out")));
    let log = log.unwrap_or_else(|error| panic!("{error}\n{submitted}"));
    // The job's code is the verdict's: 4 when the machine was too busy to measure.
    assert!(matches!(submitted.code(), 0 | 4), "{submitted}{log}");
    assert_eq!(code(&slurm, id), submitted.code());
    assert_eq!(log.contains("INVALID"), submitted.code() == 4, "{log}");
    let report = slurm.work().join(format!("regstorm-{id}/0.json"));
    assert_eq!(Tally::of(&registry.since(mark)), whole(&report).exchanges());
}

/// A target that is not there ends all tasks, with the code of the first one.
#[test]
fn a_job_without_a_target_ends_with_exit_code_5() {
    let slurm = Slurm::start(2);
    let script = script("meet.sbatch");
    let args = [
        "--parsable",
        "--wait",
        "--nodes=2",
        &script,
        "@steady",
        "--target=http://127.0.0.1:1",
    ];
    let submitted = submit(&slurm, "sbatch", &args);
    assert_eq!(submitted.code(), 5, "{submitted}");
}

#[test]
fn the_elements_of_an_array_make_one_load() {
    let (slurm, registry) = (Slurm::start(1), Registry::start(Flavour::Open));
    let file = slurm.work().join("load.toml");
    let text = scenario(&registry) + "[prepare]\nclean_up = \"all\"\n";
    fs::write(&file, text).expect("a scenario");
    let file = file.to_str().expect("a plain path");
    patiently(|delay| {
        let mark = registry.mark();
        let shards = SHARDS.to_string();
        let submitted = submit(&slurm, &script("submit-array"), &[&shards, delay, file]).ok();
        let directory = Path::new(submitted.stdout.lines().last().expect("a directory"));
        let jobs = submitted.stdout.lines().next().expect("the jobs");
        let numbers: Vec<&str> = jobs
            .split(' ')
            .filter(|it| it.parse::<u32>().is_ok())
            .collect();
        let [_, _, merge] = numbers[..] else {
            panic!("three jobs: {submitted}");
        };
        let ended = wait_for(Duration::from_mins(5), || {
            let job = slurm.job(merge);
            let is_over = !["PENDING", "RUNNING", "COMPLETING"]
                .iter()
                .any(|it| job.contains(&format!("JobState={it}")));
            is_over.then(|| code(&slurm, merge))
        });
        let log = |name: &str| fs::read_to_string(directory.join(name)).unwrap_or_default();
        let logs: String = (0..SHARDS)
            .map(|it| log(&format!("regstorm-{it}.log")))
            .collect();
        if logs.contains("too late") {
            return Err(logs);
        }
        let said = logs + &log("merge.log");
        assert!(matches!(ended, Some(0 | 4)), "{ended:?} {said}");
        let whole = whole(&directory.join("report.json"));
        assert_cleaned_up(&whole, &registry.since(mark));
        Ok(())
    });
}
