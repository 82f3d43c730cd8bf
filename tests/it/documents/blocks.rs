use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::thread::{self, ScopedJoinHandle};

use regstorm::embedded::{Settings, load_faults};
use regstorm::scenario::{self, Overrides};

use super::markdown::{Block, Page, pages};
use crate::{replays, support};

/// The parts of a scenario that a part in a document may leave out, by their first key.
const REST: [(&str, &str); 4] = [
    ("target", "[target]\nurl = \"embedded\"\n"),
    (
        "images",
        "[images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"4KiB\"\n",
    ),
    (
        "journey",
        "[journey.pull]\naction = \"pull\"\nimages = \"web\"\n",
    ),
    (
        "load",
        "[[load]]\njourney = \"pull\"\nexecutor = \"constant-vus\"\nvus = 1\nduration = \"1s\"\n",
    ),
];

/// The registry of marked commands, as documents write it.
const REGISTRY: &str = "http://127.0.0.1:5000";

/// Fails unless the text is a scenario, beside which the files lie that documents name.
fn assert_scenario(text: &str, place: &str) {
    let directory = tempfile::tempdir().expect("a directory of our own");
    for name in ["ca.pem", "client.pem", "client.key"] {
        fs::write(directory.path().join(name), "").expect("a file in it");
    }
    replays::write_trace(&directory.path().join("day.trace"));
    let variable = |_: &str| Some("x".to_owned());
    let overrides = Overrides::default();
    let loaded = scenario::load(text, place, directory.path(), &overrides, &variable);
    if let Err(problems) = loaded {
        panic!("{place}: {}", problems.render(false));
    }
}

fn check(block: &Block, kind: Option<&str>) {
    let (text, place) = (&block.text, &block.place);
    match kind {
        Some("scenario") => assert_scenario(text, place),
        Some("part") => {
            let part: toml::Table = text.parse().unwrap_or_else(|it| panic!("{place}: {it}"));
            let mut whole = format!("name = \"part\"\n{text}\n");
            let missing = REST.iter().filter(|(key, _)| !part.contains_key(*key));
            missing.for_each(|(_, rest)| whole.push_str(rest));
            assert_scenario(&whole, place);
        }
        Some("gates") => {
            if let Err(problems) = scenario::load_gates(Some((place, text)), &[], &["pull"]) {
                panic!("{place}: {}", problems.render(false));
            }
        }
        Some("faults") => {
            load_faults(text, place).unwrap_or_else(|error| panic!("{place}: {error}"));
        }
        other => {
            panic!("{place}: a TOML block is marked scenario, part, gates or faults: {other:?}")
        }
    }
}

#[test]
fn every_toml_block_is_read() {
    let mut seen = 0;
    for page in pages() {
        for block in page.blocks() {
            if let [language, marks @ ..] = &block.info[..]
                && language == "toml"
            {
                check(&block, marks.first().map(String::as_str));
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "only {seen} blocks were found");
}

/// The marks of commands that need an engine, and are run beside one.
const ENGINES: [&str; 2] = ["kubernetes", "slurm"];

/// The exit code that a marked block states: `sh run`, or `sh run exit=3`.
fn stated(block: &Block) -> Option<i32> {
    let [language, marks @ ..] = &block.info[..] else {
        return None;
    };
    if language != "sh" || marks.is_empty() {
        return None;
    }
    if let [engine] = marks
        && ENGINES.contains(&engine.as_str())
    {
        return None;
    }
    let code = match marks {
        [run] if run == "run" => Some(0),
        [run, exit] if run == "run" => exit.strip_prefix("exit=").and_then(|it| it.parse().ok()),
        _ => None,
    };
    Some(code.unwrap_or_else(|| panic!("{}: the mark is `run` or `run exit=N`", block.place)))
}

/// Runs what a block says in a directory, with this build of regstorm.
fn shell(block: &Block, directory: &Path, registry: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_regstorm"));
    let mut path = OsString::from(program.parent().expect("its directory"));
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    Command::new("sh")
        .args(["-euc", &block.text.replace(REGISTRY, registry)])
        .current_dir(directory)
        .env("PATH", path)
        .env("HOME", directory)
        .env_remove("XDG_STATE_HOME")
        .output()
        .expect("a shell starts")
}

/// What a block came to.
enum Came {
    AsStated,
    /// This machine was too busy to measure, and the run says so itself.
    NotShown(String),
}

fn hold(block: &Block, stated: i32, output: &Output) -> Came {
    let said = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
    let said = said.join("\n");
    let code = output.status.code();
    let is_of_the_machine = |own, words| code == Some(own) && stated != own && said.contains(words);
    if is_of_the_machine(4, "INVALID") || is_of_the_machine(3, "the generator is SUSPECT") {
        return Came::NotShown(block.place.clone());
    }
    let (place, text) = (&block.place, &block.text);
    assert_eq!(code, Some(stated), "{place}\n{text}{said}");
    Came::AsStated
}

/// Runs what is marked on a page, in order, in one directory that holds nothing but the files that the page gives.
fn run(page: &Page) -> Vec<Came> {
    let blocks = page.blocks();
    if !blocks.iter().any(|it| stated(it).is_some()) {
        return Vec::new();
    }
    let directory = tempfile::tempdir().expect("a directory of our own");
    let directory = directory.path();
    let registry = support::registry(Settings::default());
    let mut came = Vec::new();
    for block in blocks {
        if let [_, kind, name] = &block.info[..]
            && kind == "scenario"
        {
            fs::write(directory.join(name), &block.text).expect("a file in it");
        }
        if let Some(stated) = stated(&block) {
            let output = shell(&block, directory, &registry.url());
            came.push(hold(&block, stated, &output));
        }
    }
    came
}

#[test]
fn every_command_that_is_marked_ends_as_stated() {
    let pages = pages();
    let came: Vec<Came> = thread::scope(|scope| {
        let runs: Vec<_> = pages.iter().map(|it| scope.spawn(|| run(it))).collect();
        let ended = runs.into_iter().map(ScopedJoinHandle::join);
        ended
            .flat_map(|it| it.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    assert!(came.len() > 10, "only {} commands were found", came.len());
    for it in came {
        if let Came::NotShown(place) = it {
            println!("NOT SHOWN {place}: the machine was busy");
        }
    }
}
