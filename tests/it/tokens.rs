//! Tokens in whole runs: how many each policy fetches, and the credentials that docker keeps.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use regstorm::embedded::{Auth, Counts, Running, Settings};
use regstorm::engine::Finished;
use regstorm::measure::Period;
use regstorm::oci::Operation;
use regstorm::units::Secret;
use tokio::time::Instant;

use crate::support::{around, registry, run_against};

const PASSWORD: &str = "open-sesame";
/// `ali:open-sesame` as docker and Basic have it.
const PAIR: &str = "YWxpOm9wZW4tc2VzYW1l";

fn guarded(lifetime: Duration) -> Running {
    registry(Settings {
        auth: Auth::Bearer {
            user: "ali".into(),
            password: Secret::new(PASSWORD),
            token_lifetime: lifetime,
            anonymous_pull: false,
        },
        ..Settings::default()
    })
}

/// Pulls of an image of one small layer by many users, who come again after a second.
fn scenario(auth: &str, load: &str) -> String {
    format!(
        "name = \"test\"\n\
         [target]\nurl = \"embedded\"\n\
         [target.auth]\n{auth}\n\
         [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"1KiB\"\n\
         [journey.pull]\naction = \"pull\"\nimages = \"web\"\nthink_time = \"1s\"\n\
         [journey.push]\naction = \"push\"\nimages = \"web\"\nunique = true\n\
         [[load]]\n{load}\n[audit]\nsample = \"none\"\n"
    )
}

fn ali() -> String {
    format!("username = \"ali\"\npassword = \"{PASSWORD}\"")
}

const FIVE_EACH: &str =
    "executor = \"per-vu-iterations\"\nvus = 6\niterations = 5\nmax_duration = \"1m\"";

fn none_failed(finished: &Finished) {
    for period in [Period::Prepare, Period::Measure] {
        let totals = finished.record.totals(period);
        assert_eq!(totals.iterations.failed, 0, "{:?}", finished.notes);
        assert_eq!(totals.exchanges.failed, 0, "{:?}", finished.notes);
    }
}

fn tokens(counts: &Counts) -> u64 {
    counts.with_status(Operation::Token, 200)
}

#[test]
fn each_user_fetches_its_own_tokens_or_a_worker_those_of_its_users() {
    for (policy, journey, expected) in [
        // 6 users or 2 workers; the pings and seeding have a client each.
        ("per-vu", "pull", 6 + 2),
        ("shared", "pull", 2 + 2),
        ("per-vu", "push", 6 + 1),
        ("shared", "push", 2 + 1),
    ] {
        let registry = guarded(Duration::from_mins(5));
        let auth = format!("{}\ntokens = \"{policy}\"", ali());
        let load = format!("journey = \"{journey}\"\n{FIVE_EACH}");
        let mut toml = scenario(&auth, &load);
        if journey == "pull" {
            toml = toml.replace("think_time = \"1s\"\n", "");
        }
        let (finished, counts) = run_against(&toml, &registry);
        none_failed(&finished);
        assert_eq!(tokens(&counts), expected, "{policy} {journey}");
        // They are an operation of their own in the record, too.
        let record = &finished.record;
        let fetched: u64 = record
            .journeys()
            .flat_map(|(journey, _, _)| record.operations(journey).collect::<Vec<_>>())
            .filter(|(operation, _)| *operation == Operation::Token)
            .map(|(_, series)| series.counts.outcomes.ok)
            .sum();
        assert_eq!(fetched, if policy == "per-vu" { 6 } else { 2 });
    }
}

#[test]
fn tokens_that_expire_in_the_middle_of_a_run_fail_nothing_and_are_not_fetched_too_often() {
    const LIFE: Duration = Duration::from_secs(2);
    for (policy, caches) in [("per-vu", 200), ("shared", 2)] {
        let registry = guarded(LIFE);
        let auth = format!("{}\ntokens = \"{policy}\"", ali());
        let load = "journey = \"pull\"\nexecutor = \"constant-vus\"\nvus = 200\nduration = \"8s\"";
        let began = Instant::now();
        let (finished, counts) = run_against(&scenario(&auth, load), &registry);
        let took = began.elapsed();
        none_failed(&finished);
        // A tenth of a life is left unused. Who is fetching is not fetching again: between two fetches of a cache,
        // which has tokens for one scope here, lie nine tenths of a life. The pings and seeding fetch two more.
        let fetches = took.as_secs_f64() / (LIFE.as_secs_f64() * 0.9);
        let most = caches * (whole(fetches) + 1) + 2;
        assert!(tokens(&counts) <= most, "{} > {most}", tokens(&counts));
        // They did expire.
        assert!(tokens(&counts) >= 2 * caches, "{}", tokens(&counts));
        assert_eq!(counts.of(Operation::Token), tokens(&counts));
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a few hundred at most, and not negative"
)]
fn whole(number: f64) -> u64 {
    number.floor() as u64
}

#[test]
fn pushes_outlive_their_tokens() {
    let registry = guarded(Duration::from_secs(1));
    let load = "journey = \"push\"\nexecutor = \"constant-vus\"\nvus = 4\nduration = \"3s\"";
    let (finished, counts) = run_against(&scenario(&ali(), load), &registry);
    none_failed(&finished);
    assert!(tokens(&counts) >= 2 * 4, "{}", tokens(&counts));
    assert_eq!(counts.open_uploads, 0);
}

#[test]
fn the_embedded_target_gives_tokens_of_the_life_that_the_scenario_says() {
    let load = "journey = \"pull\"\nexecutor = \"constant-vus\"\nvus = 2\nduration = \"3s\"";
    for (life, at_least, at_most) in [("1s", 4, 20), ("1h", 2, 2)] {
        let toml = scenario(&ali(), load).replace(
            "url = \"embedded\"\n",
            &format!(
                "url = \"embedded\"\nembedded = {{ auth = \"bearer\", token_lifetime = \"{life}\" }}\n"
            ),
        );
        let finished = crate::support::run(&crate::support::plan(&toml, "embedded", 1)).unwrap();
        none_failed(&finished);
        let counts = around(&finished)
            .embedded
            .clone()
            .expect("the target was the embedded one");
        let by_users = tokens(&counts) - 2;
        assert!(
            (at_least..=at_most).contains(&by_users),
            "{life}: {by_users}"
        );
    }
}

/// A directory with a scenario, a `config.json` of docker and a credential helper.
struct Place {
    dir: tempfile::TempDir,
    registry: Running,
    variables: Vec<(&'static str, &'static str)>,
}

impl Place {
    fn new(registry: Running) -> Self {
        Self {
            dir: tempfile::tempdir().expect("a directory"),
            registry,
            variables: Vec::new(),
        }
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().expect("it is in the directory")).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    fn config(&self, text: &str) {
        self.auth("docker/config.json", text);
    }

    /// A file of credentials, in which HOST stands for the registry.
    fn auth(&self, name: &str, text: &str) {
        let host = self.registry.addr().to_string();
        self.write(name, &text.replace("HOST", &host));
    }

    /// `docker-credential-lab`, a script of the shell.
    fn helper(&self, script: &str) {
        self.write(
            "bin/docker-credential-lab",
            &format!("#!/bin/sh\n{script}\n"),
        );
        let path = self.dir.path().join("bin/docker-credential-lab");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }

    fn regstorm(&self, arguments: &[&str]) -> Output {
        let bin = self.dir.path().join("bin");
        let path = std::env::var_os("PATH").unwrap_or_default();
        Command::new(env!("CARGO_BIN_EXE_regstorm"))
            .args(arguments)
            .current_dir(self.dir.path())
            .env("PATH", format!("{}:{}", bin.display(), path.display()))
            .env("DOCKER_CONFIG", self.dir.path().join("docker"))
            .env("XDG_RUNTIME_DIR", self.dir.path().join("run"))
            .env("XDG_CONFIG_HOME", self.dir.path().join("config"))
            .env_remove("REGISTRY_AUTH_FILE")
            .envs(self.variables.iter().copied())
            .env_remove("REGSTORM_PASSWORD")
            .stdin(Stdio::null())
            .output()
            .expect("the program runs")
    }

    /// A pull of what is not there: exit code 1 once somebody was let in, 5 when nobody was.
    fn pull(&self, options: &[&str]) -> Output {
        let url = self.registry.url();
        self.regstorm(&[&["pull", &url, "a:1", "out"], options].concat())
    }
}

fn said(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
    format!("{out}{err}")
}

#[track_caller]
fn ended(output: &Output, code: i32, words: &str) {
    let said = said(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(words), "no `{words}` in {said}");
    for secret in [PASSWORD, PAIR, "hunter2", "Bearer"] {
        assert!(!said.contains(secret), "{said}");
    }
}

const NO_SUCH_IMAGE: &str = "there is no `a:1`";

/// The places of containers-auth.json(5), and its keys for a part of a registry.
#[test]
fn credentials_that_podman_keeps_are_used_when_asked_for() {
    let wrong = r#"{"auths":{"HOST":{"auth":"YWxpOmh1bnRlcjI="}}}"#;
    let right = format!(r#"{{"auths":{{"HOST":{{"auth":"{PAIR}"}}}}}}"#);
    let mut place = Place::new(guarded(Duration::from_mins(1)));
    let podman = ["--docker-config=podman"];
    ended(&place.pull(&podman), 2, "run/containers/auth.json and no ");
    // What docker has is docker's.
    place.config(&right);
    ended(&place.pull(&podman), 2, "log in with podman");
    place.auth("config/containers/auth.json", &right);
    ended(&place.pull(&podman), 1, NO_SUCH_IMAGE);
    // That of the login is looked at first, but need not know the registry.
    place.auth("run/containers/auth.json", wrong);
    ended(&place.pull(&podman), 5, "check name and password");
    place.auth("run/containers/auth.json", r#"{"auths":{"else":{}}}"#);
    ended(&place.pull(&podman), 1, NO_SUCH_IMAGE);
    // A file that the environment names is the only one.
    place.variables.push(("REGISTRY_AUTH_FILE", "mine.json"));
    ended(&place.pull(&podman), 2, "cannot read mine.json");
    place.auth("mine.json", &wrong.replace("HOST", "HOST/b"));
    ended(
        &place.pull(&podman),
        2,
        "mine.json has no credentials for 127",
    );
    let both = format!(
        r#"{{"auths":{{"HOST":{{"auth":"YWxpOmh1bnRlcjI="}},"HOST/a":{{"auth":"{PAIR}"}}}}}}"#
    );
    place.auth("mine.json", &both);
    ended(&place.pull(&podman), 1, NO_SUCH_IMAGE);
    ended(
        &place.pull(&["--docker-config=mine.json"]),
        1,
        NO_SUCH_IMAGE,
    );

    // A scenario has one user for all repositories.
    let url = place.registry.url();
    let load = [
        "load",
        &url,
        "a:1",
        "--duration",
        "1s",
        "--docker-config=podman",
    ];
    ended(&place.regstorm(&load), 5, "check username and password");
    place.auth("mine.json", &both.replace(r#""HOST":"#, r#""other":"#));
    ended(
        &place.regstorm(&load),
        2,
        "has credentials for parts of 127",
    );
    place.auth("mine.json", &right);
    let printed = place.regstorm(&[&load[..], &["--print"]].concat());
    ended(&printed, 0, "docker_config = \"podman\"");
}

#[test]
fn credentials_that_docker_keeps_are_used_when_asked_for() {
    let place = Place::new(guarded(Duration::from_mins(1)));
    place.config(&format!(r#"{{"auths":{{"HOST":{{"auth":"{PAIR}"}}}}}}"#));
    ended(&place.pull(&["--docker-config"]), 1, NO_SUCH_IMAGE);
    ended(
        &place.pull(&["--docker-config=docker/config.json"]),
        1,
        NO_SUCH_IMAGE,
    );
    ended(&place.pull(&[]), 5, "the registry wants to know who asks");
    ended(
        &place.pull(&["--docker-config", "--user", "x"]),
        2,
        "--user",
    );
    ended(
        &place.pull(&["--docker-config=none.json"]),
        2,
        "cannot read none.json",
    );
    // Without words that may be secret.
    place.config(r#"{"auths": "hunter2"}"#);
    ended(
        &place.pull(&["--docker-config"]),
        2,
        "`auths` is not an object",
    );
    place.config(r#"{"auths":{"HOST":{"auth":"hunter2"}}}"#);
    ended(&place.pull(&["--docker-config"]), 2, "base64");
    place.config(r#"{"auths":{"elsewhere":{"auth":"hunter2"}}}"#);
    ended(
        &place.pull(&["--docker-config"]),
        2,
        "no credentials for 127.0.0.1:",
    );
    // The wrong ones are the registry's to refuse. printf ali:hunter2 | base64
    place.config(r#"{"auths":{"HOST":{"auth":"YWxpOmh1bnRlcjI="}}}"#);
    ended(
        &place.pull(&["--docker-config"]),
        5,
        "check name and password",
    );
}

#[test]
fn a_credential_helper_is_asked_for_the_registry_and_believed_when_it_makes_sense() {
    let place = Place::new(guarded(Duration::from_mins(1)));
    let host = place.registry.addr().to_string();
    place.config(r#"{"credHelpers":{"HOST":"lab"},"auths":{"HOST":{}}}"#);
    let knows = format!(
        "[ \"$1\" = get ] && [ \"$(cat)\" = {host} ] && \
         echo '{{\"ServerURL\":\"{host}\",\"Username\":\"ali\",\"Secret\":\"{PASSWORD}\"}}'"
    );
    place.helper(&knows);
    ended(&place.pull(&["--docker-config"]), 1, NO_SUCH_IMAGE);
    for (script, words) in [
        (
            "echo credentials not found in native keychain; exit 1",
            "no credentials for",
        ),
        ("echo hunter2", "did not answer with credentials"),
        (
            "echo hunter2 >&2; exit 3",
            "did not answer with credentials",
        ),
        ("head -c 100000 /dev/zero", "more than 64 KiB"),
        // An identity token that the token service does not know: the service is asked, and says no.
        (
            "echo '{\"Username\":\"<token>\",\"Secret\":\"hunter2\"}'",
            "401",
        ),
    ] {
        place.helper(script);
        let code = if words == "401" { 5 } else { 2 };
        ended(&place.pull(&["--docker-config"]), code, words);
    }
    // The store of everything knows nothing of it; the file does.
    place.helper("echo credentials not found in native keychain; exit 1");
    place.config(&format!(
        r#"{{"credsStore":"lab","auths":{{"HOST":{{"auth":"{PAIR}"}}}}}}"#
    ));
    ended(&place.pull(&["--docker-config"]), 1, NO_SUCH_IMAGE);
    for (name, words) in [("../lab", "letters, digits"), ("none-such", "cannot run")] {
        place.config(&format!(r#"{{"credHelpers":{{"HOST":"{name}"}}}}"#));
        ended(&place.pull(&["--docker-config"]), 2, words);
    }
}

#[test]
fn a_scenario_takes_credentials_from_docker_and_no_report_shows_them() {
    let place = Place::new(guarded(Duration::from_mins(1)));
    let load = format!("journey = \"pull\"\n{FIVE_EACH}");
    let toml = |auth: &str| {
        let toml = scenario(auth, &load).replace("think_time = \"1s\"\n", "");
        toml.replace("\"embedded\"", &format!("\"{}\"", place.registry.url()))
    };
    place.config(&format!(r#"{{"auths":{{"HOST":{{"auth":"{PAIR}"}}}}}}"#));
    let written = "docker_config = \"docker/config.json\"\ntokens = \"shared\"";
    for auth in ["docker_config = true", written, &ali()] {
        place.write("test.toml", &toml(auth));
        // Nobody is asked before a run.
        let checked = place.regstorm(&["check", "test.toml"]);
        ended(&checked, 0, "nothing was sent");
        let run = place.regstorm(&["run", "test.toml", "--out", "report.json"]);
        let told = said(&run);
        assert!(matches!(run.status.code(), Some(0 | 4)), "{told}");
        assert!(told.contains("token"), "an operation of its own in\n{told}");
        let report = fs::read_to_string(place.dir.path().join("report.json")).expect("a report");
        assert!(report.contains("\"token\""));
        for text in [&told, &report] {
            assert!(!text.contains(PASSWORD) && !text.contains(PAIR), "{text}");
            assert!(!text.contains("Bearer"), "{text}");
        }
    }
    let requests = place.registry.counts();
    place.write("test.toml", &toml("docker_config = \"none.json\""));
    ended(&place.regstorm(&["check", "test.toml"]), 0, "docker_config");
    ended(&place.regstorm(&["run", "test.toml"]), 2, "cannot read");
    assert_eq!(place.registry.counts().requests, requests.requests);
}

/// What the helper has started ends with it, also when it has answered well.
#[test]
fn a_helper_leaves_nobody_behind() {
    for script in [
        r#"echo '{"Username":"ali","Secret":"open-sesame"}'"#,
        "exit 1",
    ] {
        let place = Place::new(guarded(Duration::from_mins(1)));
        place.config(r#"{"credHelpers":{"HOST":"lab"}}"#);
        // The child keeps none of the helper's files open, so that nobody waits for it.
        place.helper(&format!(
            "sleep 600 </dev/null >/dev/null 2>&1 &\necho $! > child\n{script}"
        ));
        let output = place.pull(&["--docker-config"]);
        assert!(output.status.code().is_some_and(|it| it != 0), "{output:?}");
        let child = fs::read_to_string(place.dir.path().join("child")).expect("its number");
        let state = format!("/proc/{}/status", child.trim());
        crate::support::wait_for(|| {
            let status = fs::read_to_string(&state).unwrap_or_default();
            let is_gone = status.is_empty() || status.contains("State:\tZ");
            is_gone.then_some(())
        });
    }
}
