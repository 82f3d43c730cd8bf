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

/// The component adds to the Job what it says, and the files that it names are those of its Secret.
#[test]
fn the_job_with_tls_has_options_that_there_are_and_their_files() {
    let component = yaml("kubernetes/tls/kustomization.yaml");
    let patch = &component["patches"][0];
    let job = yaml("kubernetes/job.yaml");
    assert_eq!(patch["target"]["kind"], job["kind"]);
    assert_eq!(patch["target"]["name"], job["metadata"]["name"]);
    let patch = patch["patch"].as_str().expect("a text");
    let patch = YamlLoader::load_from_str(patch).expect("YAML").remove(0);
    let added = |path: &str| -> Vec<Yaml> {
        let pod = format!("/spec/template/spec/{path}/-");
        let steps = patch.as_vec().expect("steps").iter();
        let steps = steps.filter(|it| it["path"].as_str() == Some(&pod));
        steps.map(|it| it["value"].clone()).collect()
    };
    let options = added("containers/0/args");
    let options: Vec<&str> = options.iter().filter_map(Yaml::as_str).collect();
    assert_eq!(options.len(), 3);
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    let args = words(&container["args"]).into_iter();
    let output = regstorm(args.chain(options.iter().copied()).chain(["--help"]));
    assert!(output.status.success(), "{output:?}");

    let (mounts, volumes) = (added("containers/0/volumeMounts"), added("volumes"));
    let ([mount], [volume]) = (&mounts[..], &volumes[..]) else {
        panic!("{mounts:?} {volumes:?}");
    };
    assert_eq!(mount["name"], volume["name"]);
    let secret = &component["secretGenerator"][0];
    assert_eq!(volume["secret"]["secretName"], secret["name"]);
    let directory = mount["mountPath"].as_str().expect("a path");
    let files = words(&secret["files"]);
    for option in options {
        let (_, file) = option.split_once('=').expect("a file");
        let file = file.strip_prefix(&format!("{directory}/"));
        assert!(file.is_some_and(|it| files.contains(&it)), "{option}");
    }
}
