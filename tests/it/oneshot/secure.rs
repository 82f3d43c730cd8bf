//! `pull` and `push` within TLS.

use regstorm::embedded::Settings;

use super::bench::{Bench, layout, two_layers};

#[test]
fn they_trust_a_ca_and_say_what_is_missing() {
    let bench = Bench::with(Settings {
        tls: true,
        ..Settings::default()
    });
    let url = bench.registry.url();
    layout(&two_layers()).0.directory(&bench.path("oci"));
    std::fs::write(bench.path("ca.pem"), bench.registry.ca().unwrap()).unwrap();
    bench
        .run(&["push", "oci", &url, "a:1"])
        .ended(5)
        .says(&["--ca"]);
    bench
        .run(&["push", "oci", &url, "a:1", "--ca", "ca.pem"])
        .ended(0);
    for (to, more) in [
        ("one", ["--ca", "ca.pem", "--http", "2"].as_slice()),
        ("two", &["--insecure", "--http", "auto"]),
        ("three", &["--ca", "ca.pem", "--server-name", "localhost"]),
    ] {
        let said = bench
            .run(&[&["pull", &url, "a:1", to], more].concat())
            .ended(0);
        assert!(said.out.contains("3 blobs fetched"), "{said:?}");
    }
    assert_eq!(bench.registry.counts().http2_connections, 2);
    bench
        .run(&["pull", &url.replace("https", "http"), "a:1", "four"])
        .ended(5)
        .says(&["https://"]);
}
