//! A journey with several clients: who is which, what each sends and over which connections, and what is said of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use regstorm::embedded::{RequestRecord, Running, Settings};
use regstorm::engine::Finished;
use regstorm::measure::Period;
use regstorm::oci::Operation;
use regstorm::result::Document;

use crate::scenario::{load, load_with, set};
use crate::support::{assert_closed, plan, registry, run, run_against, settled};

const CLIENTS: &str = "{ docker = 3, containerd = 7 }";

const TEN: &str =
    "executor = \"per-vu-iterations\"\nvus = 10\niterations = 2\nmax_duration = \"1m\"";

/// Images of two layers, and what is done with them by these clients.
fn scenario(journey: &str, clients: &str, load: &str) -> String {
    format!(
        "name = \"test\"\n[target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 2\nlayers = 2\nlayer_size = \"1000B\"\n\
         [journey.j]\n{journey}\nimages = \"web\"\nclient = {clients}\n\
         [[load]]\njourney = \"j\"\n{load}\n"
    )
}

fn logging() -> Running {
    registry(Settings {
        record_requests: Some(20_000),
        ..Settings::default()
    })
}

/// The client of a request, by what it calls itself; `None` for those of preparation.
fn client(request: &RequestRecord) -> Option<&'static str> {
    let agent = request.header("user-agent")?;
    let known = ["docker", "containerd", "skopeo"];
    known.into_iter().find(|it| agent.starts_with(it))
}

/// The iterations that ended well, by client.
fn iterations(finished: &Finished) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for (_, track, series) in finished.record.tracks() {
        let client = track.client.clone().expect("a client");
        assert_eq!(series.counts.outcomes.failed, 0, "{:?}", finished.notes);
        *all.entry(client).or_default() += series.counts.outcomes.ok;
    }
    all
}

fn shares(docker: u64, containerd: u64) -> BTreeMap<String, u64> {
    let shares = [("docker", docker), ("containerd", containerd)];
    shares.map(|(name, count)| (name.to_owned(), count)).into()
}

#[test]
fn users_of_a_closed_load_are_one_client_each_in_proportion_to_the_weights() {
    let site = logging();
    let (finished, _) = run_against(&scenario("action = \"pull\"", CLIENTS, TEN), &site);
    assert_eq!(iterations(&finished), shares(3 * 2, 7 * 2));
    // As the registry has it: each iteration resolves its tag once, and no connection is of two clients.
    let mut resolved: BTreeMap<&str, u64> = BTreeMap::new();
    let mut clients: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    for request in &site.requests() {
        let Some(client) = client(request) else {
            continue;
        };
        clients
            .entry(request.connection)
            .or_default()
            .insert(client);
        if request.operation == Some(Operation::ManifestHead) {
            *resolved.entry(client).or_default() += 1;
        }
    }
    assert_eq!(
        resolved,
        BTreeMap::from([("docker", 6), ("containerd", 14)])
    );
    assert!(clients.values().all(|it| it.len() == 1), "{clients:?}");
    // docker pings before each iteration, containerd never; both belong to one journey.
    let journey = finished.record.journeys().next().expect("a journey").0;
    let mut operations = finished.record.operations(journey);
    let pings = operations.find(|(it, _)| *it == Operation::Ping);
    assert_eq!(pings.map(|(_, it)| it.counts.outcomes.ok), Some(6));
}

/// Which client each user is, by the tags that it has pushed.
fn users(seed: u32, workers: usize, journey: &str) -> BTreeMap<String, &'static str> {
    let site = logging();
    let toml = scenario(journey, CLIENTS, TEN);
    let finished = run(&plan(
        &format!("seed = {seed}\n{toml}"),
        &site.url(),
        workers,
    ));
    let finished = finished.expect("a run that measures");
    assert_closed(&finished);
    assert_eq!(iterations(&finished), shares(6, 14));
    settled(&site);
    let mut users = BTreeMap::new();
    for request in &site.requests() {
        let (Some(client), Some(Operation::ManifestPut)) = (client(request), request.operation)
        else {
            continue;
        };
        // r7-u3-i1 is the second iteration of user 3.
        let tag = request.target.rsplit('/').next().expect("a tag");
        let user = tag.split('-').nth(1).expect("a user");
        let known = users.insert(user.to_owned(), client);
        assert!(known.is_none_or(|it| it == client), "{user} is two clients");
    }
    users
}

#[test]
fn which_user_is_which_client_follows_from_the_seed() {
    let push = "action = \"push\"\nunique = true";
    let one = users(1, 1, push);
    assert_eq!(one.len(), 10);
    assert_eq!(one, users(1, 3, push));
    assert_ne!(one, users(2, 1, push));
}

#[test]
fn what_a_load_numbers_is_drawn_whoever_takes_it() {
    let all_at_once =
        "executor = \"at-once\"\nvus = 300\nwithin = \"200ms\"\nmax_duration = \"1m\"";
    let shared =
        "executor = \"shared-iterations\"\nvus = 4\niterations = 300\nmax_duration = \"1m\"";
    let [one, other] = [all_at_once, shared].map(drawn);
    // The numbers are those of the load in either, and so are the draws.
    assert_eq!(one, other);
    assert_eq!(one.values().sum::<u64>(), 300);
    // 90 expected, with a standard deviation of 8.
    assert!((50..=130).contains(&one["docker"]), "{one:?}");
}

/// Runs the load on one worker and on two, with connections that both clients would keep in the same way.
fn drawn(load: &str) -> BTreeMap<String, u64> {
    let pull = "action = \"pull\"\nconnections = \"per-vu\"\nmax_idle = 2\nresolver_apart = false";
    let toml = scenario(pull, CLIENTS, load);
    let of = |workers| {
        let site = logging();
        let finished = run(&plan(&toml, &site.url(), workers)).expect("a run that measures");
        assert_closed(&finished);
        settled(&site);
        let mut clients: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
        for request in &site.requests() {
            let it = clients.entry(request.connection).or_default();
            it.extend(client(request));
        }
        assert!(clients.values().all(|it| it.len() < 2), "{clients:?}");
        iterations(&finished)
    };
    let one = of(1);
    assert_eq!(one, of(2));
    one
}

#[test]
fn each_client_does_it_in_its_own_way() {
    let polls = "executor = \"per-vu-iterations\"\nvus = 2\niterations = 3\nmax_duration = \"1m\"";
    let toml = scenario("action = \"poll\"", "{ docker = 1, podman = 1 }", polls);
    let site = logging();
    let finished = run(&plan(&toml, &site.url(), 1)).expect("a run that measures");
    assert_closed(&finished);
    settled(&site);
    let requests = site.requests();
    let of = |agent, operation| {
        let requests = requests.iter();
        let sent =
            requests.filter(|it| client(it) == Some(agent) && it.operation == Some(operation));
        sent.count()
    };
    assert_eq!(of("docker", Operation::ManifestHead), 3);
    assert_eq!(of("docker", Operation::ManifestGet), 0);
    assert_eq!(of("skopeo", Operation::ManifestHead), 0);
    assert_eq!(of("skopeo", Operation::ManifestGet), 3);
    // What the journey says holds for both.
    let toml = toml.replace("action = \"poll\"", "action = \"poll\"\nmethod = \"get\"");
    let site = logging();
    run(&plan(&toml, &site.url(), 1)).expect("a run that measures");
    assert_eq!(settled(&site).of(Operation::ManifestHead), 0);
}

#[test]
fn the_lines_of_a_plan_make_it_again() {
    let text = |toml: &str| {
        let scenario = load(toml).unwrap_or_else(|it| panic!("{}", it.render(false)));
        let plan = regstorm::plan::resolve(scenario, std::num::NonZeroUsize::MIN);
        (plan.to_text(), plan.fingerprint())
    };
    let pull = "action = \"pull\"\nparallel = 2";
    let toml = scenario(pull, CLIENTS, TEN).replace("\"embedded\"", "\"http://h:1\"");
    let (lines, fingerprint) = text(&toml);
    for line in [
        "journey.j.client.docker = 3\n",
        "journey.j.client.containerd = 7\n",
        // Both have it.
        "journey.j.parallel = 2\n",
        "journey.j.http = \"1.1\"\n",
    ] {
        assert!(lines.contains(line), "no {line}in\n{lines}");
    }
    // docker opens a connection for each request, containerd does not.
    assert!(!lines.contains("journey.j.connections"), "{lines}");
    let changes: Vec<String> = lines
        .lines()
        .map(|line| line.replacen(" = ", "=", 1))
        .collect();
    let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
    let other = toml
        .replace("docker = 3", "docker = 4")
        .replace("parallel = 2", "parallel = 1");
    let again =
        load_with(&other, &set(&changes)).unwrap_or_else(|it| panic!("{}", it.render(false)));
    let again = regstorm::plan::resolve(again, std::num::NonZeroUsize::MIN);
    assert_eq!((again.to_text(), again.fingerprint()), (lines, fingerprint));
    assert_ne!(text(&other).1, fingerprint);
    // One of one is that client.
    let one = toml.replace(CLIENTS, "{ docker = 9 }");
    assert_eq!(text(&one), text(&toml.replace(CLIENTS, "\"docker\"")));
}

#[test]
fn what_is_wrong_with_clients_is_said_once() {
    let shown = |clients: &str, more: &str| {
        let toml = scenario("action = \"push\"", clients, TEN)
            .replace("[[load]]", &format!("{more}\n[[load]]"));
        load(&toml).expect_err("a mistake").render(false)
    };
    for (clients, words) in [
        ("{ dokcer = 1, podman = 2 }", "did you mean `docker`?"),
        ("{ docker = 0, podman = 2 }", "from 1 to 1,000,000"),
        ("{ docker = 1.5, podman = 2 }", "expected a whole number"),
        ("{}", "write { docker = 3, containerd = 7 }"),
        (
            "[\"docker\"]",
            "expected the name of a client, or a table such as { docker = 3, containerd = 7 }",
        ),
        ("7", "expected the name of a client, or a table"),
    ] {
        let shown = shown(clients, "");
        assert!(shown.contains(words), "{clients}: no `{words}` in\n{shown}");
    }
    let shown = shown(CLIENTS, "parallel = 0\nchunk_size = \"5MiB\"");
    assert_eq!(shown.matches("from 1 to").count(), 1, "{shown}");
    assert_eq!(
        shown
            .matches("`chunk_size` needs method = \"chunks\"")
            .count(),
        1,
        "{shown}"
    );
}

fn regstorm(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

#[track_caller]
fn out(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 4)), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned() + &said
}

#[test]
fn check_says_who_is_which_client_and_what_each_asks_for() {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |load: &str| {
        fs::write(
            dir.path().join("s.toml"),
            scenario("action = \"pull\"", CLIENTS, load),
        )
    };
    write(TEN).expect("a file");
    let text = out(&regstorm(dir.path(), &["check", "s.toml"]));
    assert!(
        text.contains("clients      load-0, j: docker 3 users, containerd 7 users\n"),
        "{text}"
    );
    let requests = |name: &str| -> f64 {
        let row = text
            .lines()
            .find(|line| line.trim_start().starts_with(name));
        let row = row.unwrap_or_else(|| panic!("no {name} in\n{text}"));
        let columns: Vec<&str> = row
            .split("  ")
            .map(str::trim)
            .filter(|it| !it.is_empty())
            .collect();
        columns[1].parse().expect("a number")
    };
    // docker: ping, HEAD, GET, config and two layers; containerd has no ping.
    assert_eq!(requests("as docker").to_string(), "6");
    assert_eq!(requests("as containerd").to_string(), "5");
    assert_eq!(requests("j ").to_string(), "5.3");
    // Three users with four connections at most, seven with three.
    assert!(text.contains("connections  at most 33\n"), "{text}");
    let one = regstorm(
        dir.path(),
        &["check", "s.toml", "--set", "journey.j.client=docker"],
    );
    assert!(
        text.contains("--set journey.j.client=docker lists all of one"),
        "{text}"
    );
    let all = out(&one);
    assert!(
        !text.contains("journey.j.user_agent") && all.contains("journey.j.user_agent"),
        "{all}"
    );
    write("executor = \"constant-arrival-rate\"\nrate = 5\nmax_vus = 10\nduration = \"1s\"")
        .expect("a file");
    let text = out(&regstorm(dir.path(), &["check", "s.toml"]));
    assert!(
        text.contains("j: docker 30% of iterations, containerd 70% of iterations"),
        "{text}"
    );
}

#[test]
fn a_report_says_which_share_each_client_had() {
    let (site, dir) = (logging(), tempfile::tempdir().expect("a directory"));
    let toml = scenario("action = \"pull\"", CLIENTS, TEN).replace("embedded", &site.url());
    let threshold = "[[threshold]]\nmetric = \"j.iterations\"\nexpect = \"count >= 20\"\n";
    fs::write(dir.path().join("s.toml"), toml + threshold).expect("a file");
    let run = [
        "run",
        "s.toml",
        "--out",
        "r.json",
        "--html",
        "r.html",
        "--markdown",
        "r.md",
    ];
    let summary = out(&regstorm(dir.path(), &run));
    let report = Document::load(&dir.path().join("r.json")).expect("a report");
    assert!(report.closure.holds());
    let journey = &report.journeys[0];
    let clients = journey.clients.iter().map(|it| {
        let counts = &it.iterations.counts;
        (it.client.as_str(), counts.outcomes.ok, it.share.to_string())
    });
    let wanted = [
        ("docker", 6, "0.3".to_owned()),
        ("containerd", 14, "0.7".to_owned()),
    ];
    assert_eq!(clients.collect::<Vec<_>>(), wanted);
    assert_eq!(journey.counts.outcomes.ok, 20);
    // Stages are none, since there is one; a threshold sees all clients.
    assert!(journey.stages.is_empty());
    assert_eq!(report.thresholds[0].samples, 20);
    let parts = journey
        .clients
        .iter()
        .map(|it| it.iterations.latencies.response_time.count());
    assert_eq!(parts.sum::<u64>(), 20);
    for text in [
        summary,
        fs::read_to_string(dir.path().join("r.md")).expect("Markdown"),
    ] {
        let row = text
            .lines()
            .find(|line| line.contains("containerd") && line.contains("70%"));
        assert!(row.is_some_and(|it| it.contains("14")), "{text}");
    }
    let html = fs::read_to_string(dir.path().join("r.html")).expect("a page");
    assert!(html.contains("Iterations by the client that they were of"));
}

#[test]
fn clients_of_stages_and_of_several_reports_add_up() {
    let (site, dir) = (logging(), tempfile::tempdir().expect("a directory"));
    let load = "executor = \"ramping-vus\"\nstart_vus = 10\nstages = [{ duration = \"200ms\", target = 10, name = \"up\" }, \
                { duration = \"200ms\", target = 10, name = \"hold\" }]";
    let toml = scenario("action = \"poll\"", CLIENTS, load).replace("embedded", &site.url());
    fs::write(dir.path().join("s.toml"), toml).expect("a file");
    let report = |name: &str| {
        out(&regstorm(
            dir.path(),
            &[
                "run",
                "s.toml",
                "--out",
                name,
                "--label",
                &format!("shard={name}"),
            ],
        ));
        Document::load(&dir.path().join(name)).expect("a report")
    };
    let one = report("one.json");
    let journey = &one.journeys[0];
    let names: Vec<&str> = journey.stages.iter().map(|it| it.stage.as_str()).collect();
    assert_eq!(names, ["up", "hold"]);
    let started = |parts: &mut dyn Iterator<Item = u64>| parts.sum::<u64>();
    let all = journey.counts.starts.started;
    let by_stage = journey
        .stages
        .iter()
        .map(|it| it.iterations.counts.starts.started);
    let by_client = journey
        .clients
        .iter()
        .map(|it| it.iterations.counts.starts.started);
    assert_eq!(started(&mut by_stage.clone()), all);
    assert_eq!(started(&mut by_client.clone()), all);
    let shares: f64 = journey.clients.iter().map(|it| it.share).sum();
    assert!((shares - 1.0).abs() < 1e-3, "{shares}");

    let mut both = one.clone();
    let other = report("two.json");
    both.append(other.clone()).expect("runs of one plan");
    for (sum, parts) in both.journeys[0].clients.iter().zip(
        one.journeys[0]
            .clients
            .iter()
            .zip(&other.journeys[0].clients),
    ) {
        assert_eq!(sum.client, parts.0.client);
        let count = |it: &regstorm::result::ClientSection| it.iterations.counts.starts.started;
        assert_eq!(count(sum), count(parts.0) + count(parts.1));
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let share = count(sum) as f64 / both.journeys[0].counts.starts.started as f64;
        assert!((sum.share - share).abs() < 1e-4);
    }
}

#[test]
fn tokens_and_pools_are_of_one_client() {
    let shared = "action = \"poll\"\nconnections = \"shared\"\npool_size = 2";
    let site = logging();
    let toml = scenario(shared, CLIENTS, TEN);
    let (finished, _) = run_against(&toml, &site);
    assert_eq!(finished.record.totals(Period::Measure).iterations.ok, 20);
    let mut connections: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for request in &site.requests() {
        if let Some(client) = client(request) {
            connections
                .entry(client)
                .or_default()
                .insert(request.connection);
        }
    }
    assert!(connections["docker"].is_disjoint(&connections["containerd"]));
    // Two workers with a pool of two for each client.
    let forecast = plan(&toml, &site.url(), 2).forecast();
    assert_eq!(forecast.connections, 2 * 2 * 2);
}
