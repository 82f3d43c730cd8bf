#![expect(
    clippy::unwrap_used,
    reason = "what the tests share is no test, and a panic is how it fails"
)]

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use regstorm::embedded::{Auth, Quirk, Registry, Running, Settings};
use regstorm::engine::Finished;
use regstorm::exchange::Phase;
use regstorm::measure::FailureClass;
use regstorm::units::Secret;

use crate::http_proxy::{Head, HttpProxy, Rules, Trouble};
use crate::support::{assert_closed, plan, run, run_against};

/// `mia:pr0xy-pass`, as Basic has it.
const PROXY_PAIR: &str = "Basic bWlhOnByMHh5LXBhc3M=";
/// `ali:reg-pass`, the same.
const PAIR: &str = "Basic YWxpOnJlZy1wYXNz";

fn registry(settings: Settings) -> Running {
    Registry::start(Settings {
        record_requests: Some(10_000),
        ..settings
    })
    .unwrap()
}

/// Five pulls by each of two users.
fn scenario(target: &str, journey: &str) -> String {
    format!(
        "name = \"test\"\n[target]\nurl = \"http://replaced\"\n{target}\n\
         [images.web]\nsource = \"synthetic\"\ncount = 2\nlayers = 3\nlayer_size = \"20KiB\"\n\
         [journey.pull]\naction = \"pull\"\nimages = \"web\"\n{journey}\n\
         [[load]]\njourney = \"pull\"\nexecutor = \"per-vu-iterations\"\nvus = 2\niterations = 5\nmax_duration = \"1m\"\n"
    )
}

/// Samples of that phase in the exchanges that succeeded.
fn samples(finished: &Finished, phase: Phase) -> u64 {
    let journeys = finished.record.journeys();
    let series = journeys.flat_map(|(id, _, _)| finished.record.operations(id));
    series
        .map(|(_, it)| it.latencies.phases.of(phase).count())
        .sum()
}

fn failed(finished: &Finished, class: FailureClass) -> u64 {
    let journeys = finished.record.journeys();
    let series = journeys.flat_map(|(id, _, _)| finished.record.operations(id));
    series
        .map(|(_, it)| it.counts.failure_classes.of(class))
        .sum()
}

/// Runs the program in a directory, with the user of the proxy in the environment.
fn regstorm(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(arguments)
        .current_dir(dir)
        .env("REGSTORM_PASSWORD", "reg-pass")
        .env("PROXY_USER", "mia")
        .env("PROXY_PASSWORD", "pr0xy-pass")
        .env("http_proxy", "http://127.0.0.1:1")
        .output()
        .unwrap()
}

/// What it said; no secret is in it.
#[track_caller]
fn said(output: &Output, code: i32) -> String {
    let said = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned());
    let said = said.concat();
    assert_eq!(output.status.code(), Some(code), "{said}");
    for secret in ["pr0xy-pass", "reg-pass", "bWlh", "YWxp"] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
    said
}

#[test]
fn a_proxy_forwards_http_and_the_sums_are_those_of_the_registry() {
    let (site, proxy) = (
        registry(Settings::default()),
        HttpProxy::start(Rules::default()),
    );
    let toml = scenario(&format!("proxy = \"{}\"", proxy.url()), "");
    let (finished, counts) = run_against(&toml, &site);
    let seen = proxy.seen();
    assert_eq!(seen.len() as u64, counts.requests);
    let host = site.addr().to_string();
    for head in &seen {
        assert!(head.line.contains(&format!(" http://{host}/")), "{head:?}");
        assert_eq!(head.header("host"), Some(host.as_str()));
    }
    // It is no tunnel: the connection to the proxy is all that there is.
    assert_eq!(samples(&finished, Phase::Proxy), 0);
    assert!(finished.notes.iter().any(|it| it.contains(&proxy.url())));
    assert_eq!(finished.record.addresses()[0].host, proxy.place());
}

#[test]
fn a_tunnel_carries_tls_and_http2_and_is_a_phase_of_its_own() {
    for (tls, http) in [(true, "1.1"), (true, "2"), (false, "2")] {
        let site = registry(Settings {
            tls,
            ..Settings::default()
        });
        let proxy = HttpProxy::start(Rules::default());
        let dir = tempfile::tempdir().unwrap();
        let mut target = format!("proxy = \"{}\"\nhttp = \"{http}\"\n", proxy.url());
        if let Some(ca) = site.ca() {
            let path = dir.path().join("ca.pem");
            fs::write(&path, ca).unwrap();
            target.extend(["tls.ca = \"", path.to_str().unwrap(), "\"\n"]);
        }
        // A manifest, a configuration and three layers, ten times.
        let toml = scenario(&target, "connections = \"per-request\"\nparallel = 1");
        let (finished, counts) = run_against(&toml, &site);
        assert_eq!(samples(&finished, Phase::Proxy), 50, "{tls} {http}");
        assert_eq!(samples(&finished, Phase::Connect), 50);
        assert_eq!(samples(&finished, Phase::Tls), if tls { 50 } else { 0 });
        let seen = proxy.seen();
        assert_eq!(seen.len() as u64, counts.connections);
        let to = site.url().split("://").nth(1).unwrap().to_owned();
        for head in seen {
            assert_eq!(head.line, format!("CONNECT {to} HTTP/1.1"));
            assert_eq!(head.header("host"), Some(to.as_str()));
        }
    }
}

#[test]
fn token_services_and_storage_hosts_are_reached_through_it_too() {
    let site = registry(Settings {
        auth: Auth::Bearer {
            user: "ali".into(),
            password: Secret::new("reg-pass"),
            token_lifetime: std::time::Duration::from_mins(5),
            anonymous_pull: false,
        },
        quirks: vec![Quirk::RedirectBlobs],
        ..Settings::default()
    });
    let proxy = HttpProxy::start(Rules::default());
    let target = format!(
        "proxy = \"{}\"\nauth = {{ username = \"ali\", password = \"reg-pass\" }}",
        proxy.url()
    );
    let finished = run(&plan(&scenario(&target, ""), &site.url(), 1)).unwrap();
    assert_closed(&finished);
    assert_eq!(failed(&finished, FailureClass::Connect), 0);
    let seen = proxy.seen();
    let hosts: Vec<_> = seen.iter().map(|it| it.header("host").unwrap()).collect();
    let own = site.addr().to_string();
    assert!(hosts.contains(&own.as_str()));
    assert!(
        hosts.iter().any(|it| *it != own),
        "the storage host: {hosts:?}"
    );
    assert!(seen.iter().any(|it| it.line.contains("/token")));
}

/// Who gets which credentials: those of the proxy go to the proxy alone, those of an https target never to the proxy.
#[test]
fn credentials_of_the_proxy_and_of_the_target_are_kept_apart() {
    for tls in [false, true] {
        let site = registry(Settings {
            tls,
            auth: Auth::Basic {
                user: "ali".into(),
                password: Secret::new("reg-pass"),
            },
            ..Settings::default()
        });
        let proxy = HttpProxy::start(Rules {
            authorization: Some(PROXY_PAIR),
            ..Rules::default()
        });
        let dir = tempfile::tempdir().unwrap();
        let url = site.url();
        let address = format!(
            "http://${{PROXY_USER}}:${{PROXY_PASSWORD}}@{}",
            proxy.place()
        );
        let mut options = vec!["--user", "ali", "--proxy", &address];
        if let Some(ca) = site.ca() {
            fs::write(dir.path().join("ca.pem"), ca).unwrap();
            options.extend(["--ca", "ca.pem"]);
        }
        let load = ["load", &url, "--push", "--count", "1", "--layers", "1"];
        let more = [
            "--duration",
            "1s",
            "--warmup",
            "0s",
            "--vus",
            "1",
            "--out",
            "r.json",
        ];
        let output = regstorm(dir.path(), &[&load, &more[..], &options].concat());
        let text = said(&output, 0);
        assert!(!text.contains("is set and not used"), "{text}");
        let report = fs::read_to_string(dir.path().join("r.json")).unwrap();
        assert!(report.contains(&format!("http://<redacted>@{}", proxy.place())));
        assert!(!report.contains("pr0xy-pass") && !report.contains("bWlh"));
        let seen = proxy.seen();
        assert!(
            seen.iter()
                .all(|it| it.header("proxy-authorization") == Some(PROXY_PAIR))
        );
        let shown = seen
            .iter()
            .any(|it| it.header("authorization") == Some(PAIR));
        assert_eq!((shown, seen.iter().all(Head::is_connect)), (!tls, tls));
        let got = site.requests();
        assert!(
            got.iter()
                .all(|it| it.header("proxy-authorization").is_none())
        );
        assert!(got.iter().any(|it| it.header("authorization").is_some()));

        // The same for a single image, and for a printed scenario.
        let said_of =
            |arguments: &[&str]| said(&regstorm(dir.path(), &[arguments, &options].concat()), 0);
        let printed = said_of(&["load", &url, "--print"]);
        assert!(
            printed.contains(&format!("proxy = \"{address}\"")),
            "{printed}"
        );
    }
}

#[test]
fn images_are_pulled_and_pushed_through_it() {
    let (site, proxy) = (
        registry(Settings::default()),
        HttpProxy::start(Rules::default()),
    );
    let dir = tempfile::tempdir().unwrap();
    let load = ["load", "embedded", "--proxy", &proxy.url()];
    let text = said(&regstorm(dir.path(), &load), 2);
    assert!(text.contains("behind no proxy"), "{text}");
    let toml = scenario("", "");
    run(&plan(
        &format!("{toml}[prepare]\nclean_up = \"none\"\n"),
        &site.url(),
        1,
    ))
    .unwrap();
    let manifests = site.requests();
    let name = manifests
        .iter()
        .find_map(|it| it.target.strip_prefix("/v2/")?.split_once("/manifests/"))
        .unwrap();
    let name = format!("{}:{}", name.0, name.1);
    let before = site.counts().requests;
    let url = site.url();
    for arguments in [
        ["pull", &url, &name, "image"],
        ["push", "image", &url, "copy/of:1"],
    ] {
        said(
            &regstorm(
                dir.path(),
                &[&arguments[..], &["--proxy", &proxy.url()]].concat(),
            ),
            0,
        );
    }
    let requests = site.counts().requests - before;
    assert!(requests > 0);
    assert_eq!(proxy.seen().len() as u64, requests);
}

#[test]
fn a_proxy_that_fails_is_told_in_one_message_with_the_target_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let dead = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let trouble = |trouble| Rules {
        trouble: Some((0, trouble)),
        ..Rules::default()
    };
    let strict = Rules {
        authorization: Some("Basic other"),
        ..Rules::default()
    };
    let of_both = [
        (
            Rules { ..strict.clone() },
            "",
            "it wants a user and a password",
        ),
        (
            strict,
            "${PROXY_USER}:${PROXY_PASSWORD}@",
            "check its user and password",
        ),
    ];
    let of_tunnels = [
        (
            trouble(Trouble::Status("502 Bad Gateway")),
            "",
            "502 Bad Gateway",
        ),
        (trouble(Trouble::Close), "", "closed the connection"),
        (trouble(Trouble::Noise), "", "its response is not HTTP/1.1"),
        (
            trouble(Trouble::Hang),
            "",
            "timed out waiting for the proxy to connect",
        ),
    ];
    for scheme in ["http", "https"] {
        let tunnels = of_tunnels.iter().filter(|_| scheme == "https");
        for (rules, user, wanted) in of_both.iter().chain(tunnels) {
            let proxy = HttpProxy::start(rules.clone());
            let address = format!("http://{user}{}", proxy.place());
            let url = format!("{scheme}://registry.invalid");
            let arguments = [
                "pull",
                &url,
                "a:1",
                "x",
                "--timeout",
                "2s",
                "--proxy",
                &address,
            ];
            let text = said(&regstorm(dir.path(), &arguments), 5);
            assert!(
                text.contains(wanted) && !text.contains("does the registry run"),
                "{text}"
            );
        }
        let url = format!("{scheme}://registry.invalid");
        let address = format!("http://{dead}");
        let arguments = ["pull", &url, "a:1", "x", "--proxy", &address];
        let text = said(&regstorm(dir.path(), &arguments), 5);
        let wanted = format!("the proxy {dead} cannot be reached");
        assert!(
            text.contains(&wanted) && !text.contains("does the registry run"),
            "{text}"
        );
    }
}

/// The proxy breaks when the load has begun: each exchange that wanted a tunnel is counted once, by its class.
#[test]
fn what_a_proxy_refuses_has_a_class() {
    for (trouble, class) in [
        (Trouble::Status("502 Bad Gateway"), FailureClass::Connect),
        (
            Trouble::Status("407 Proxy Authentication Required"),
            FailureClass::Connect,
        ),
        (Trouble::Close, FailureClass::Connect),
        (Trouble::Noise, FailureClass::Connect),
        (Trouble::Hang, FailureClass::Timeout),
    ] {
        let site = registry(Settings {
            tls: true,
            ..Settings::default()
        });
        let dir = tempfile::tempdir().unwrap();
        let ca = dir.path().join("ca.pem");
        fs::write(&ca, site.ca().unwrap()).unwrap();
        let toml = |proxy: &HttpProxy| {
            let target = format!("proxy = \"{}\"\ntls.ca = \"{}\"", proxy.url(), ca.display());
            scenario(
                &target,
                "connections = \"per-request\"\nparallel = 1\nrequest_timeout = \"2s\"",
            )
        };
        // How many connections preparation takes is seen without trouble.
        let healthy = HttpProxy::start(Rules::default());
        run(&plan(&toml(&healthy), &site.url(), 1)).unwrap();
        let all = healthy.seen().len();
        let last = if trouble == Trouble::Hang { 10 } else { 45 };
        let proxy = HttpProxy::start(Rules {
            trouble: Some((all - last, trouble)),
            ..Rules::default()
        });
        let finished = run(&plan(&toml(&proxy), &site.url(), 1)).unwrap();
        assert_closed(&finished);
        let failures = finished
            .record
            .totals(regstorm::measure::Period::Measure)
            .exchanges
            .failed;
        assert!(failures > 0, "{trouble:?}");
        assert_eq!(failed(&finished, class), failures, "{trouble:?}");
    }
}

#[test]
fn what_is_no_proxy_is_refused_and_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    for (target, wanted) in [
        (
            "proxy = \"http://mia:s3cret@proxy:3128\"",
            "come from the environment",
        ),
        ("proxy = \"https://proxy:3128\"", "write http://HOST:PORT"),
        ("proxy = \"proxy\"", "write http://HOST:PORT"),
        ("proxy = 5", "string"),
        (
            "proxy = \"http://proxy:3128\"\nconnect_to = [\"127.0.0.1:5\"]",
            "not to both",
        ),
    ] {
        fs::write(dir.path().join("s.toml"), scenario(target, "")).unwrap();
        let text = said(&regstorm(dir.path(), &["check", "s.toml"]), 2);
        assert!(text.contains(wanted) && !text.contains("s3cret"), "{text}");
    }
    fs::write(dir.path().join("s.toml"), scenario("", "")).unwrap();
    for command in [
        &["check", "s.toml"][..],
        &["run", "s.toml"],
        &["pull", "http://registry.invalid", "a:1", "x"],
        &["load", "http://registry.invalid", "a:1"],
        &[
            "ab",
            "s.toml",
            "--base",
            "http://a.invalid",
            "--candidate",
            "http://b.invalid",
        ],
    ] {
        let arguments = [command, &["--proxy", "http://mia:s3cret@proxy:3128"]].concat();
        let text = said(&regstorm(dir.path(), &arguments), 2);
        assert!(text.contains("come from the environment"), "{text}");
        assert!(!text.contains("s3cret") && !text.contains("mia"), "{text}");
    }
}
