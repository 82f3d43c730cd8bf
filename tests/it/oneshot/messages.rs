//! What a failure says: whom it was of, what was seen, and nothing that was not.

use std::fs;

use regstorm::embedded::{Auth, Settings};
use regstorm::units::Secret;

use super::bench::{Bench, Said};
use crate::protocol::wire::{Request, Wire, answer};

/// A pull by somebody whose password is known.
fn pull_as(bench: &Bench, url: &str, more: &[&str]) -> Said {
    let arguments = [&["pull", url, "a:1", "d", "--user", "bob"][..], more].concat();
    let mut command = bench.command(&arguments);
    command.env("REGSTORM_PASSWORD", "hunter2");
    let said = Said::from(command.output().unwrap());
    assert!(!format!("{said:?}").contains("hunter2"), "{said:?}");
    said
}

#[track_caller]
fn never(said: &Said, words: &[&str]) {
    for word in words {
        assert!(!said.err.contains(word), "`{word}` in {said:#?}");
    }
}

#[test]
fn a_password_is_doubted_only_when_it_was_sent() {
    let bench = Bench::new();
    // The first is asked in a way that it answers, the others are not.
    for (challenge, sent, quoted) in [
        ("Basic realm=\"x\"", true, ""),
        ("Negotiate", false, "`WWW-Authenticate: Negotiate`"),
        (
            "Digest realm=\"r\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"",
            false,
            "nonce=\"..\"",
        ),
        (
            "Bearer service=\"reg\"",
            false,
            "`WWW-Authenticate: Bearer service=\"reg\"`",
        ),
    ] {
        let header = format!("WWW-Authenticate: {challenge}");
        let peer =
            Wire::answering(move |_: &Request, _| answer("401 Unauthorized", &[&header], ""));
        let said = pull_as(&bench, &peer.url(), &[])
            .ended(5)
            .says(&["401", quoted]);
        let credentials = peer
            .requests()
            .iter()
            .any(|it| it.header("authorization").is_some());
        assert_eq!(credentials, sent, "{challenge}");
        assert_eq!(
            said.err.contains("check name and password"),
            sent,
            "{said:?}"
        );
        never(&said, &["dcd98b71"]);
    }
}

/// The front end of many registries: plain HTTP sends everybody to TLS. What is wrong is the address.
#[test]
fn a_redirect_to_https_names_the_address_to_write() {
    let site = Bench::with(Settings {
        tls: true,
        auth: Auth::Basic {
            user: "bob".into(),
            password: Secret::new("hunter2"),
        },
        ..Settings::default()
    });
    fs::write(site.path("ca.pem"), site.registry.ca().unwrap()).unwrap();
    let secure = site.registry.url();
    for status in ["301 Moved Permanently", "308 Permanent Redirect"] {
        let to = secure.clone();
        let front = Wire::answering(move |request: &Request, _| {
            let location = format!("Location: {to}{}", request.target);
            answer(status, &[&location], "<html>")
        });
        let address = format!("write its address as {secure}");
        let said = pull_as(&site, &front.url(), &["--ca", "ca.pem"])
            .ended(5)
            .says(&[&address]);
        never(&said, &["check name and password"]);
        // Nor is a certificate to be doubted before the address is.
        pull_as(&site, &front.url(), &[])
            .ended(5)
            .says(&[&address, "--ca"]);
        fs::write(site.path("s.toml"), SCENARIO).unwrap();
        let arguments = ["run", "s.toml", "--target", &front.url()];
        let mut command = site.command(&arguments);
        command.env("PW", "hunter2");
        let said = Said::from(command.output().unwrap())
            .ended(5)
            .says(&[&address]);
        never(&said, &["check username", "hunter2"]);
    }
}

const SCENARIO: &str = r#"
name = "s"
[target]
url = "embedded"
auth = { username = "bob", password = "${PW}" }
tls = { ca = "ca.pem" }
[images.i]
source = "synthetic"
count = 1
layers = 1
layer_size = "1KiB"
[journey.pull]
action = "pull"
images = "i"
[[load]]
journey = "pull"
executor = "per-vu-iterations"
vus = 1
iterations = 1
"#;

/// That there is no registry is said when its own address is unknown there, and not when it could not be asked.
#[test]
fn there_is_no_registry_only_where_that_was_seen() {
    let bench = Bench::new();
    for (pinged, is_said) in [
        ("404 Not Found", true),
        ("405 Method Not Allowed", true),
        ("401 Unauthorized", false),
        ("500 Internal Server Error", false),
        ("503 Service Unavailable", false),
        ("", false), // closes the connection
        ("200 OK", false),
    ] {
        let peer = Wire::answering(move |request: &Request, _| {
            if request.target != "/v2/" {
                return answer("404 Not Found", &[], "404 page not found");
            }
            if pinged.is_empty() {
                return b"HTTP/1.1 ".to_vec();
            }
            answer(pinged, &[], "")
        });
        // A peer that sends half a head keeps the connection.
        let url = peer.url();
        let said = bench.run(&["pull", &url, "a:1", "d", "--timeout", "2s"]);
        assert!([1, 5].contains(&said.code), "{said:?}");
        assert_eq!(
            said.err.contains("there is no registry at"),
            is_said,
            "{pinged}: {said:?}"
        );
    }
}

/// Where a redirect or a challenge leads to, the failure is of that place.
#[test]
fn a_failure_behind_a_redirect_names_where_it_led() {
    let bench = Bench::new();
    // A port that nobody listens on.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let away = format!("Location: http://{closed}/blob?key=hunter2");
    let challenge = format!("WWW-Authenticate: Bearer realm=\"http://{closed}/token\"");
    for (status, header, word) in [
        ("307 Temporary Redirect", away, "led there"),
        ("401 Unauthorized", challenge, "token service"),
    ] {
        let peer = Wire::answering(move |_: &Request, _| answer(status, &[&header], ""));
        let place = format!("http://{closed}/");
        let said = bench
            .run(&["pull", &peer.url(), "a:1", "d"])
            .ended(5)
            .says(&[word, &place]);
        never(&said, &["hunter2", "does the registry run"]);
    }
}

/// UAX 9: an override would show the rest of the line backwards.
#[test]
fn words_of_a_registry_do_not_reorder_the_terminal() {
    let bench = Bench::new();
    let words =
        "{\"errors\":[{\"code\":\"DEN\u{202e}IED\",\"message\":\"no \u{2067}entry\u{200f}\"}]}";
    let peer = Wire::answering(move |_: &Request, _| answer("403 Forbidden", &[], words));
    let said = bench
        .run(&["pull", &peer.url(), "a:1", "d"])
        .ended(5)
        .says(&["DENIED: no entry"]);
    never(&said, &["\u{202e}", "\u{2067}", "\u{200f}"]);
}
