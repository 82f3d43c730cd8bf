use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use yaml_rust2::{Yaml, YamlLoader};

fn deploy(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("deploy").join(name)
}

fn yaml(name: &str) -> Yaml {
    let text = fs::read_to_string(deploy(name)).expect("a file of it");
    YamlLoader::load_from_str(&text).expect("YAML").remove(0)
}

/// The words of a list.
fn words(list: &Yaml) -> Vec<&str> {
    let list = list.as_vec().expect("a list");
    list.iter().map(|it| it.as_str().expect("a word")).collect()
}

fn regstorm<'a>(args: impl IntoIterator<Item = &'a str>) -> Output {
    let program = env!("CARGO_BIN_EXE_regstorm");
    Command::new(program).args(args).output().expect("it runs")
}

/// `kubectl kustomize` makes them agree; whoever applies the file as it is has the same.
#[test]
fn the_job_states_the_number_of_its_shards_alike() {
    let spec = &yaml("kubernetes/job.yaml")["spec"];
    let shards = spec["completions"].as_i64().expect("a number");
    assert_eq!(spec["parallelism"].as_i64(), Some(shards));
    let container = &spec["template"]["spec"]["containers"][0];
    // The place that kustomization.yaml names.
    assert_eq!(
        words(&container["args"])[2],
        format!("--shard=auto/{shards}")
    );
}

/// Options that a command no longer has would show on a cluster only.
#[test]
fn the_job_has_options_that_there_are() {
    let job = yaml("kubernetes/job.yaml");
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    let args = words(&container["args"]);
    // Help comes once all that is in front of it was understood.
    let args = args.into_iter().chain(["--help"]);
    let output = regstorm(args);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn the_scenario_of_the_cluster_is_one() {
    let scenario = deploy("kubernetes/scenario.toml");
    let output = regstorm(["check", scenario.to_str().expect("a plain path")]);
    assert!(output.status.success(), "{output:?}");
}
