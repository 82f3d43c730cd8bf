//! Lazy pulls from docker-registry, whose Go sends several ranges at once, and synthetic layers in the hands of podman.

use crate::support::{Flavour, Podman, Registry, Report, Tally, run_scenario};

/// One user with five iterations, on two images that stay in the registry.
fn scenario(format: &str) -> String {
    format!(
        "name = \"test\"\n[target]\nurl = \"http://127.0.0.1:1\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 2\nlayers = 2\nlayer_size = \"8MiB\"\nlazy_format = \"{format}\"\n\
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

/// podman unpacks each layer, and compares what it has unpacked with the config.
#[test]
fn podman_unpacks_what_was_made() {
    for format in ["estargz", "zstd-chunked"] {
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
