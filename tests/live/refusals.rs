//! What cannot be done says so once, with its exit code, and gives no secret away.

use std::fs;
use std::path::PathBuf;

use crate::support::{
    Corpus, Finished, Flavour, PASSWORD, Program, Registry, USER, closed_port, regstorm, scratch,
    skopeo_push,
};

/// A password that no registry knows.
const WRONG: &str = "marmot-basalt-3317";

const SCENARIO: &str = "
name = \"refused\"
[target]
url = \"http://127.0.0.1:1\"
[images.web]
source = \"synthetic\"
count = 1
layers = 1
layer_size = \"16KiB\"
[journey.fetch]
action = \"pull\"
images = \"web\"
[[load]]
journey = \"fetch\"
executor = \"shared-iterations\"
vus = 1
iterations = 1
";

/// `run`, `pull` and `push` against one target.
fn three(corpus: &Corpus, url: &str, user: &[&str], auth: &str) -> [Program; 3] {
    let scenario = corpus.path().join("scenario.toml");
    fs::write(&scenario, format!("{SCENARIO}{auth}")).expect("a scenario");
    let out: PathBuf = corpus.path().join("report.json");
    let layout = corpus.layout();
    [
        regstorm(["run", "--target", url, "--out"]).args([out, scenario]),
        regstorm(["pull", url, "lab/img:1"])
            .args([corpus.path().join("pulled")])
            .args(user),
        regstorm(["push"])
            .args([layout.dir().as_os_str(), url.as_ref(), "lab/img:1".as_ref()])
            .args(user),
    ]
}

/// One error, on stderr, with this exit code.
#[track_caller]
fn assert_refused(finished: Finished, code: i32) -> Finished {
    let finished = finished.ends_with(code);
    let errors = finished
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "{finished}");
    assert!(!finished.said().contains("panicked"), "{finished}");
    finished
}

#[test]
fn an_unreachable_target_is_exit_code_5() {
    let corpus = Corpus::new(501);
    let address = format!("127.0.0.1:{}", closed_port());
    for program in three(&corpus, &format!("http://{address}"), &[], "") {
        let finished = assert_refused(program.run(), 5);
        assert!(finished.stderr.contains(&address), "{finished}");
    }
}

#[test]
fn wrong_credentials_are_exit_code_5_and_never_shown() {
    let corpus = Corpus::new(502);
    let registry = Registry::start(Flavour::Htpasswd);
    let auth =
        format!("[target.auth]\nusername = \"{USER}\"\npassword = \"${{REGSTORM_PASSWORD}}\"\n");
    for (user, auth) in [(&["--user", USER][..], auth.as_str()), (&[], "")] {
        for program in three(&corpus, &registry.url(), user, auth) {
            let finished = assert_refused(program.env("REGSTORM_PASSWORD", WRONG).run(), 5);
            assert!(!finished.said().contains(WRONG), "{finished}");
            assert!(
                finished.stderr.contains("401") || finished.stderr.contains("credentials"),
                "{finished}"
            );
        }
    }
    // Whatever report there is does not hold it either.
    let report = fs::read_to_string(corpus.path().join("report.json")).unwrap_or_default();
    assert!(!report.contains(WRONG));
    assert!(registry.open_uploads().is_empty());
    assert!(!registry.log().contains(WRONG));
}

#[test]
fn a_missing_tag_is_named() {
    let corpus = Corpus::new(503);
    let registry = Registry::start(Flavour::Open);
    skopeo_push(&corpus.source(), &registry, "lab/img:1", &[]);
    for missing in ["lab/img:nothing", "lab/nobody:1"] {
        let dir = corpus.path().join("pulled");
        let finished = regstorm(["pull", &registry.url(), missing])
            .args([dir])
            .run();
        let finished = assert_refused(finished, 1);
        let tag = missing.rsplit(':').next().expect("a tag");
        assert!(finished.stderr.contains(tag), "{finished}");
    }
}

#[test]
fn a_source_that_is_no_image_is_not_sent() {
    let corpus = Corpus::new(504);
    let registry = Registry::start(Flavour::Open);
    let empty = corpus.path().join("empty");
    fs::create_dir(&empty).expect("a directory");
    let text = corpus.path().join("text.tar");
    fs::write(&text, "not a tar").expect("a file");
    let mark = registry.mark();
    for source in [empty, text, corpus.path().join("nowhere")] {
        let finished = regstorm(["push"])
            .args([
                source.as_os_str(),
                registry.url().as_ref(),
                "lab/img:1".as_ref(),
            ])
            .run();
        let finished = assert_refused(finished, 2);
        let name = source
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        assert!(finished.stderr.contains(&name), "{finished}");
    }
    assert_eq!(registry.since(mark), []);
}

#[test]
fn a_header_with_a_secret_is_never_shown() {
    let corpus = Corpus::new(505);
    let header = format!("X-Token: {PASSWORD}");
    let url = format!("http://127.0.0.1:{}", closed_port());
    for program in three(&corpus, &url, &["--header", &header], "") {
        let finished = program.run();
        assert!(!finished.said().contains(PASSWORD), "{finished}");
    }
}

/// The plan as it is printed holds no secret, wherever the scenario has it from.
#[test]
fn a_printed_plan_holds_no_secret() {
    let dir = scratch();
    let file = dir.path().join("scenario.toml");
    let auth = format!(
        "[target.auth]\nusername = \"{USER}\"\npassword = \"{PASSWORD}\"\n\
         [target.headers]\nX-Token = \"${{REGSTORM_PASSWORD}}-{PASSWORD}\"\n"
    );
    fs::write(&file, format!("{SCENARIO}{auth}")).expect("a scenario");
    let finished = regstorm(["check"]).args([&file]).run().ok();
    assert!(finished.said().contains(USER), "{finished}");
    assert!(!finished.said().contains(PASSWORD), "{finished}");
}
