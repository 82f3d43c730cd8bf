//! Lazy pulls from docker-registry, whose Go sends several ranges at once, and which has no list of referrers; and synthetic layers in
//! the hands of podman and oras.

use crate::support::{Flavour, Podman, Program, Registry, Report, Tally, run_scenario};

/// One user with five iterations, on two images that stay in the registry.
fn scenario(format: &str) -> String {
    let soci = "\nmin_layer_size = \"1MiB\"\nspan_size = \"1MiB\"";
    let keys = if format == "soci" { soci } else { "" };
    format!(
        "name = \"test\"\n[target]\nurl = \"http://127.0.0.1:1\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 2\nlayers = 2\nlayer_size = \"8MiB\"\nlazy_format = \"{format}\"{keys}\n\
         [journey.j]\naction = \"lazy-pull\"\nimages = \"web\"\nread_fraction = 0.3\n\
         [[load]]\njourney = \"j\"\nexecutor = \"per-vu-iterations\"\nvus = 1\niterations = 5\n"
    )
}

/// Runs it, and holds what the report says of ranges against the access log.
#[track_caller]
fn run(format: &str, registry: &Registry) -> Report {
    let mark = registry.mark();
    let report = run_scenario(&scenario(format), &registry.url());
    report.assert_clean();
    assert_eq!(report.ok_iterations("j"), 5);
    let logged = Tally::of(&registry.since(mark));
    assert_eq!(
        report.exchanges(),
        logged,
        "left: the report, right: the access log"
    );
    report
}

#[test]
fn docker_registry_sends_ranges_and_several_at_once() {
    let registry = Registry::start(Flavour::Open);
    let mounted = run("estargz", &registry);
    let asked = mounted.exchanges();
    // Locating, footer and content, all by one range.
    assert!(asked.count("blob-get", 206) >= 5 * 2 * 3, "{asked:?}");
    assert_eq!(asked.count("blob-head", 200), 5 * 2);
    let chunked = run("zstd-chunked", &registry);
    let asked = chunked.exchanges();
    // Both tables by one request, and all that is missing by another: several files of each layer, apart from each other.
    assert_eq!(asked.count("blob-get", 206), 5 * 2 * 2, "{asked:?}");
    for (row, multipart) in [(0, 10), (1, 10)] {
        let count = chunked.number(&format!("/journeys/0/ranges/{row}/multipart"));
        assert_eq!(count, multipart, "row {row}");
    }
}

/// docker-registry has no list of referrers: the index is under the tag that stands for it, where `oras` finds it, too.
#[test]
fn docker_registry_keeps_the_soci_index_under_a_tag() {
    let registry = Registry::start(Flavour::Open);
    let report = run("soci", &registry);
    let asked = report.exchanges();
    // In each iteration a list that is not there.
    assert_eq!(asked.count("referrers", 404), 5, "{asked:?}");
    // Of each layer the table; and the config.
    assert_eq!(asked.count("blob-get", 200), 5 * 3, "{asked:?}");
    // The first bytes, the header, and of eight spans three: two are less than three tenths.
    assert_eq!(asked.count("blob-get", 206), 5 * 2 * 5, "{asked:?}");
    for (row, requests) in [(0, 10), (1, 10), (2, 30)] {
        let count = report.number(&format!("/journeys/0/ranges/{row}/range"));
        assert_eq!(count, requests, "row {row}");
    }
    let image = format!("{}/regstorm/web/0:regstorm", registry.host());
    let found = Program::new("oras")
        .args(["discover", "--plain-http", "--format", "json", &image])
        .run();
    let found = found.ok().stdout;
    assert!(
        found.contains("application/vnd.amazon.soci.index.v1+json"),
        "{found}"
    );
}

/// podman unpacks each layer, and compares what it has unpacked with the config.
#[test]
fn podman_unpacks_what_was_made() {
    for format in ["estargz", "zstd-chunked", "soci"] {
        let registry = Registry::start(Flavour::Open);
        run(format, &registry);
        let image = format!("{}/regstorm/web/0:regstorm", registry.host());
        let podman = Podman::new();
        podman
            .run("podman", ["pull", "--tls-verify=false", &image])
            .run()
            .ok();
    }
}
