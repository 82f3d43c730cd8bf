//! Polls, lists, referrers and deletions against docker-registry: what is asked is what its access log tells.

use crate::support::{Flavour, Registry, Report, Tally, run_scenario};

/// Two users with five iterations each of the journey `j`, on two images.
fn scenario(journey: &str) -> String {
    format!(
        "name = \"test\"\n[target]\nurl = \"http://127.0.0.1:1\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 2\nlayers = 2\nlayer_size = \"4KiB\"\n\
         [journey.j]\nimages = \"web\"\n{journey}\n\
         [[load]]\njourney = \"j\"\nexecutor = \"per-vu-iterations\"\nvus = 2\niterations = 5\n"
    )
}

/// Runs it, holds the report against the log, and gives what was asked.
#[track_caller]
fn run(scenario: &str, registry: &Registry) -> Tally {
    let mark = registry.mark();
    let report: Report = run_scenario(scenario, &registry.url());
    report.assert_clean();
    assert_eq!(report.ok_iterations("j"), 10);
    let reported = report.exchanges();
    let logged = Tally::of(&registry.since(mark));
    assert_eq!(reported, logged, "left: the report, right: the access log");
    reported
}

#[test]
fn polls_ask_as_their_client_does() {
    let registry = Registry::start(Flavour::Open);
    let docker = run(
        &scenario("action = \"poll\"\nclient = \"docker\""),
        &registry,
    );
    assert_eq!(docker.count("manifest-head", 200), 10);
    assert_eq!(docker.count("manifest-get", 200), 0);
    // And the ping before the load.
    assert_eq!(docker.count("ping", 200), 11);
    let podman = run(
        &scenario("action = \"poll\"\nclient = \"podman\""),
        &registry,
    );
    assert_eq!(podman.count("manifest-get", 200), 10);
    assert_eq!(podman.count("manifest-head", 200), 0);
}

/// It ignores `n`, so that there is one page however many tags there are.
#[test]
fn tags_are_listed() {
    let registry = Registry::start(Flavour::Open);
    let journey = "action = \"list-tags\"\nclient = \"crane\"\ntags = 12\npage_size = 5";
    let asked = run(&scenario(journey), &registry);
    assert_eq!(asked.count("tags-list", 200), 10);
    assert_eq!(asked.count("manifest-put", 201), 2 * 12);
    // Repositories it does list page by page, and two there are.
    let catalog = run(&scenario("action = \"catalog\"\npage_size = 1"), &registry);
    assert_eq!(catalog.count("catalog", 200), 10 * 2);
}

/// It has no list of referrers: the index under the fallback tag is kept by seeding, and asked for each time.
#[test]
fn referrers_are_found_under_their_tag() {
    let registry = Registry::start(Flavour::Open);
    let journey = "action = \"referrers\"\nclient = \"oras\"\nreferrers = 3";
    let scenario = scenario(journey) + "[prepare]\nclean_up = \"manifests\"\n";
    let asked = run(&scenario, &registry);
    assert_eq!(asked.count("referrers", 404), 10);
    assert_eq!(asked.count("manifest-get", 200), 10);
    // An image, three artifacts and the index, twice; the index was looked for first.
    assert_eq!(asked.count("manifest-put", 201), 2 * 5);
    assert_eq!(asked.count("manifest-get", 404), 2);
    assert_eq!(asked.count("manifest-delete", 202), 2 * 5);
}

/// One user alone: a deletion reads every tag of its repository, and docker-registry 2.8 answers 500 when it finds one
/// whose file another request has opened and not yet written.
#[test]
fn what_a_deletion_stores_is_gone() {
    for (client, head, get) in [("podman", 0, 10), ("containerd", 10, 0), ("crane", 0, 0)] {
        let registry = Registry::start(Flavour::Open);
        let journey = format!("action = \"delete\"\nclient = \"{client}\"");
        let alone =
            scenario(&journey).replace("vus = 2\niterations = 5\n", "vus = 1\niterations = 10\n");
        // The audit asks for the same.
        let asked = run(&(alone + "[audit]\nsample = \"none\"\n"), &registry);
        assert_eq!(asked.count("manifest-put", 201), 10 + 2, "{client}");
        assert_eq!(asked.count("manifest-head", 200), head, "{client}");
        assert_eq!(asked.count("manifest-get", 200), get, "{client}");
        assert_eq!(asked.count("manifest-delete", 202), 10, "{client}");
    }
}
