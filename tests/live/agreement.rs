//! Scenarios against docker-registry: the report and the registry's own access log tell the same story.

use crate::support::{DEEP, Flavour, PASSWORD, Registry, Report, Tally, USER, run_scenario};

/// Two small images that share a layer.
const IMAGES: &str = r#"
[images.web]
source = "synthetic"
count = 2
layers = 3
layer_size = "48KiB"
shared_base_layers = 1
"#;

/// The common head, with the credentials where the registry asks for some.
fn head(name: &str, flavour: Flavour) -> String {
    let auth = if flavour == Flavour::Htpasswd {
        format!("[target.auth]\nusername = \"{USER}\"\npassword = \"{PASSWORD}\"\n")
    } else {
        String::new()
    };
    format!("name = \"{name}\"\n[target]\nurl = \"http://127.0.0.1:1\"\n{auth}{IMAGES}")
}

/// Runs a scenario and holds its report against the log: the same requests by operation and status, and the same
/// bytes by operation, over all periods.
#[track_caller]
fn assert_agreement(scenario: &str, registry: &Registry) -> Report {
    let mark = registry.mark();
    let report = run_scenario(scenario, &registry.url());
    report.assert_clean();
    let reported = report.exchanges();
    let logged = Tally::of(&registry.since(mark));
    assert_eq!(reported, logged, "left: the report, right: the access log");
    for line in registry.since(mark) {
        assert_ne!(line.operation(), "unknown", "{line}");
    }
    assert!(
        registry.open_uploads().is_empty(),
        "{:?}",
        registry.open_uploads()
    );
    assert!(
        !report.text().contains(PASSWORD),
        "the report holds the password"
    );
    report
}

fn pull(flavour: Flavour) {
    let registry = Registry::start(flavour);
    let scenario = head("pull", flavour)
        + r#"
[journey.fetch]
action = "pull"
images = "web"
connections = "per-iteration"

[[load]]
journey = "fetch"
executor = "per-vu-iterations"
vus = 4
iterations = 5

[prepare]
clean_up = "manifests"
"#;
    let report = assert_agreement(&scenario, &registry);
    assert_eq!(report.ok_iterations("fetch"), 20);
    // 2 images: 1 shared layer, 2 × 2 own layers, 2 configs; 20 pulls of a manifest, a config and 3 layers.
    let exchanges = report.exchanges();
    assert_eq!(exchanges.count("blob-get", 200), 20 * 4);
    assert_eq!(exchanges.count("manifest-get", 200), 20);
    assert_eq!(exchanges.count("manifest-put", 201), 2);
    assert_eq!(exchanges.count("manifest-delete", 202), 2);
}

fn push(flavour: Flavour) {
    let registry = Registry::start(flavour);
    // docker-registry 2.8 writes the link to a layer without a lock, and refuses a manifest (DIGEST_INVALID) whose layer
    // another user is just pushing into the same repository: a fault of its own, which is not looked for here.
    let head = head("push", flavour).replace("shared_base_layers = 1", "shared_base_layers = 0");
    let scenario = head
        + r#"
[journey.send]
action = "push"
images = "web"
method = "patch"

[[load]]
journey = "send"
executor = "shared-iterations"
vus = 3
iterations = 12

[prepare]
clean_up = "all"
"#;
    let report = assert_agreement(&scenario, &registry);
    assert_eq!(report.ok_iterations("send"), 12);
    // Each push is new: its manifest, its config and its own layers.
    let exchanges = report.exchanges();
    assert_eq!(exchanges.count("manifest-put", 201), 12);
    assert!(
        exchanges.count("upload-put", 201) >= 12 * 3,
        "{exchanges:?}"
    );
    assert_eq!(
        exchanges.count("upload-patch", 202),
        exchanges.count("upload-put", 201)
    );
}

fn mix(flavour: Flavour) {
    let registry = Registry::start(flavour);
    let scenario = head("mix", flavour)
        + r#"
[journey.fetch]
action = "pull"
images = "web"
connections = "shared"
pool_size = 3

[journey.send]
action = "push"
images = "web"
method = "put"
connections = "per-request"

[[load]]
mix = { fetch = 3, send = 1 }
executor = "constant-vus"
vus = 6
warmup = "500ms"
duration = "1500ms"

[prepare]
clean_up = "all"
"#;
    let report = assert_agreement(&scenario, &registry);
    assert!(report.ok_iterations("fetch") > 0);
    assert!(report.ok_iterations("send") > 0);
    assert_eq!(report.number("/window_us"), 1_500_000);
}

#[test]
fn pulls_agree_with_the_log_of_an_open_registry() {
    pull(Flavour::Open);
}

#[test]
fn pulls_agree_with_the_log_of_a_registry_with_a_password() {
    pull(Flavour::Htpasswd);
}

#[test]
fn pulls_agree_with_the_log_of_a_registry_below_a_path() {
    pull(DEEP);
}

#[test]
fn pushes_agree_with_the_log_of_an_open_registry() {
    push(Flavour::Open);
}

#[test]
fn pushes_agree_with_the_log_of_a_registry_with_a_password() {
    push(Flavour::Htpasswd);
}

#[test]
fn pushes_agree_with_the_log_of_a_registry_below_a_path() {
    push(DEEP);
}

#[test]
fn a_mix_agrees_with_the_log_of_an_open_registry() {
    mix(Flavour::Open);
}

#[test]
fn a_mix_agrees_with_the_log_of_a_registry_with_a_password() {
    mix(Flavour::Htpasswd);
}

#[test]
fn a_mix_agrees_with_the_log_of_a_registry_below_a_path() {
    mix(DEEP);
}

/// Every way to send a blob, so that each kind of request is in the log at least once.
#[test]
fn every_push_method_agrees_with_the_log() {
    let registry = Registry::start(Flavour::Open);
    for method in [
        "method = \"post\"",
        "method = \"put\"",
        "method = \"patch\"",
        "method = \"patch-chunked\"",
        "method = \"chunks\"\nchunk_size = \"20KiB\"",
    ] {
        let name = method.split('"').nth(1).expect("a name");
        let scenario = head(name, Flavour::Open)
            + &format!("[journey.send]\naction = \"push\"\nimages = \"web\"\n{method}\n")
            + "repository = \"methods/{images}\"\n"
            + "[[load]]\njourney = \"send\"\nexecutor = \"per-vu-iterations\"\nvus = 2\niterations = 2\n";
        let report = assert_agreement(&scenario, &registry);
        assert_eq!(report.ok_iterations("send"), 4, "{name}");
    }
}
