//! Proxies that the environment names: not used, and told once, without what is secret in them.

use std::net::TcpListener;

use super::bench::{Bench, Said};

/// Runs the program where every variable names this proxy.
fn run(bench: &Bench, proxy: &TcpListener, arguments: &[&str]) -> Said {
    let address = proxy.local_addr().unwrap();
    let url = format!("http://ali:s3cret@{address}");
    let mut command = bench.command(arguments);
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
    ] {
        command.env(name, &url);
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy");
    let said: Said = command.output().unwrap().into();
    proxy.set_nonblocking(true).unwrap();
    let nobody = proxy.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
    assert!(!said.err.contains("s3cret") && !said.out.contains("s3cret"));
    said
}

fn told(said: &Said) -> usize {
    said.err.matches("is set and not used").count()
}

#[test]
fn a_proxy_is_not_used_and_told_once() {
    let bench = Bench::new();
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    // A name that nobody has (RFC 6761, 6.4).
    let said = run(
        &bench,
        &proxy,
        &["pull", "http://registry.invalid", "a:1", "x"],
    );
    assert_eq!(told(&said), 1, "{said:#?}");
    let said = said.says(&["http_proxy is set", "registry.invalid"]);
    assert_ne!(said.code, 0);
    let said = run(
        &bench,
        &proxy,
        &["pull", "https://registry.invalid", "a:1", "x"],
    );
    said.says(&["https_proxy is set"]);
}

#[test]
fn what_is_on_this_machine_is_no_news() {
    let bench = Bench::new();
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = bench.registry.url();
    let said = run(&bench, &proxy, &["pull", &url, "a:1", "x"]);
    assert_eq!(told(&said), 0, "{said:#?}");
}

/// Both sides of a comparison and every slice of it: once all the same.
#[test]
fn a_run_tells_it_too() {
    let bench = Bench::new();
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let scenario = "name = \"t\"\n[target]\nurl = \"http://registry.invalid\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"1KiB\"\n[journey.p]\naction = \"pull\"\nimages = \"web\"\n\
         [[load]]\njourney = \"p\"\nexecutor = \"constant-vus\"\nvus = 1\nduration = \"1s\"\n";
    std::fs::write(bench.path("s.toml"), scenario).unwrap();
    assert_eq!(told(&run(&bench, &proxy, &["run", "s.toml"])), 1);
    let sides = [
        "--base",
        "http://a.invalid",
        "--candidate",
        "http://b.invalid",
    ];
    let said = run(&bench, &proxy, &[&["ab", "s.toml"], &sides[..]].concat());
    assert_eq!(told(&said), 1, "{said:#?}");
    // Nothing is sent by a check, so nothing is told.
    assert_eq!(told(&run(&bench, &proxy, &["check", "s.toml"])), 0);
}
