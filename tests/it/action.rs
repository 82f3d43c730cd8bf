//! The action for GitHub has an input for each option of the commands that it runs.

use std::collections::BTreeSet;
use std::process::Command;

use yaml_rust2::YamlLoader;

/// The long options that the help of a command lists.
fn options(command: &str) -> BTreeSet<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args([command, "--help"])
        .output()
        .expect("the program runs");
    let help = String::from_utf8(help.stdout).expect("text");
    let lines = help.lines().map(str::trim_start);
    let heads = lines.filter(|it| it.starts_with('-'));
    // A line of help may begin with the name of another option, and with what stands behind it.
    let is_name = |it: &&str| {
        it.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    let first = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.find_map(|it| it.strip_prefix("--"));
        name.filter(is_name).map(str::to_owned)
    };
    heads.filter_map(first).collect()
}

#[test]
fn the_inputs_of_the_action_are_the_options_of_run_and_ab() {
    let text = include_str!("../../action.yml");
    let action = YamlLoader::load_from_str(text).expect("YAML").remove(0);
    let inputs = action["inputs"].as_hash().expect("inputs").keys();
    let inputs: BTreeSet<String> = inputs
        .map(|it| it.as_str().expect("a name").to_owned())
        .collect();
    let mut wanted = options("run");
    wanted.append(&mut options("ab"));
    wanted.remove("help");
    wanted.extend(["command", "scenario"].map(str::to_owned));
    assert_eq!(inputs, wanted, "left: action.yml, right: --help");
}
