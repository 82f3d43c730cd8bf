//! The plan: what it prints, what makes two plans comparable, and what it forecasts.

use std::num::NonZeroUsize;
use std::path::Path;

use regstorm::oci::Operation;
use regstorm::plan::{self, Forecast, Plan};
use regstorm::scenario::Overrides;

use crate::scenario::{GOOD, load, load_with, set};

const TWO: NonZeroUsize = NonZeroUsize::new(2).expect("2 is not 0");

fn resolve(text: &str) -> Plan {
    let scenario = load(text).unwrap_or_else(|problems| panic!("{problems}"));
    plan::resolve(scenario, TWO)
}

fn resolve_with(text: &str, changes: &[&str]) -> Plan {
    let scenario = load_with(text, &set(changes)).unwrap_or_else(|problems| panic!("{problems}"));
    plan::resolve(scenario, TWO)
}

fn forecast(changes: &[&str]) -> Forecast {
    resolve_with(GOOD, changes).forecast()
}

/// The text of the plan of the scenario. Words in upper case stand for what the test puts in their place.
const TEXT: &str = r#"name = "good"
description = ""
seed = 42
workers = 2
target.url = "http://localhost:5000/a/b"
target.tls.insecure = false
target.tls.resumption = "on"
target.trace = 0.0
target.source_ips = []
target.connect_to = []
target.dns = "once"
target.auth.tokens = "per-vu"
target.auth.cleartext = false
images.web.source = "synthetic"
images.web.count = 2
images.web.layers = 3
images.web.layer_size = "1MiB"
images.web.shared_base_layers = 0
images.web.format = "oci"
journey.pull.action = "pull"
journey.pull.images = "web"
journey.pull.pick = "round-robin"
journey.pull.repository = "regstorm/web"
journey.pull.client = "plain"
journey.pull.think_time = "0s"
journey.pull.request_timeout = "30s"
journey.pull.iteration_timeout = "5m"
HABITS of pull
journey.pull.resolve = "get"
journey.pull.parallel = 3
journey.pull.resolve_digest = false
journey.pull.config = "among"
journey.pull.repeats = "blobs"
journey.pull.index_match = "closest"
journey.pull.index_normalize = true
journey.pull.index_without_platform = "last-resort"
journey.pull.index_skip_unknown_types = true
journey.pull.index_relies_on = "descriptor"
journey.pull.cache = "cold"
journey.pull.verify = "digest"
journey.pull.platform = "linux/amd64"
journey.push.action = "push"
journey.push.images = "web"
journey.push.pick = "round-robin"
journey.push.repository = "regstorm/web"
journey.push.client = "plain"
journey.push.think_time = "0s"
journey.push.request_timeout = "30s"
journey.push.iteration_timeout = "5m"
HABITS of push
journey.push.parallel = 5
journey.push.manifest_check = "never"
journey.push.exists_check = "once"
journey.push.config_check = "once"
journey.push.commit_check = false
journey.push.method = "patch"
journey.push.config_method = "patch"
journey.push.packs_late = false
journey.push.config_last = false
journey.push.layer_order = "bottom-first"
journey.push.blobs_first = false
journey.push.mount_config = true
journey.push.mount_ping = false
journey.push.mount_source_check = false
journey.push.mount_check = false
journey.push.mount_session = true
journey.push.leave_uploads = 0.0
journey.push.repeat_chunks = 0.0
journey.push.skip_chunks = 0.0
journey.push.cache = "cold"
journey.push.fresh_repository = false
journey.push.unique = true
load.0.name = "load-0"
load.0.journey = "pull"
load.0.executor = "constant-vus"
load.0.vus = 4
load.0.duration = "10s"
load.0.warmup = "0s"
load.0.start_time = "0s"
load.0.graceful_stop = "30s"
prepare.seed = true
prepare.clean_up = "none"
prepare.parallel = 4
audit.sample = "small"
audit.blobs = 0.1
audit.wait = "0s"
audit.limit = "1m"
"#;

/// The habits that journeys of every action have, as `plain` has them; `(push)` marks those of pushes alone.
const HABITS: &str = r#"connections = "per-vu"
http = "1.1"
ping = false
retry = false
retry_attempts = 1
retry_requests = "nothing"
retry_statuses = []
retry_once = []
retry_broken = false
retry_backoff = "none"
retry_after = "ignored"
token_form = "get"
token_account = true
token_client_id = "regstorm"
scope_order = "pull-push"
challenge_scope = "beyond"
(push) token_per_mount = false
endless_tokens = false
shortest_token_life = "0s"
resolver_apart = false
user_agent = "regstorm/VERSION"
api_version = false
accept = ACCEPT
accept_descriptor = "as-by-name"
accept_encoding = ""
fetch_encoding = ""
decoding = "known"
(push) session_content_type = ""
(push) octet_stream = true
referer = false
max_redirects = 9
(push) mount_query = "from-first"
(push) replays_blobs = true
accepted.ping = []
accepted.token = []
accepted.manifest_get = []
accepted.manifest_head = []
accepted.manifest_put = []
accepted.delete = []
accepted.blob_get = []
accepted.blob_head = []
accepted.session = []
accepted.patch = []
accepted.patch_without_location = false
accepted.blob_put = []
accepted.cancel = []
accepted.list = []
"#;

/// The lines of [`HABITS`] that a journey of this action has.
fn habits(action: &str) -> String {
    let lines = HABITS
        .lines()
        .filter_map(|line| match line.strip_prefix("(push) ") {
            Some(line) => (action == "push").then_some(line),
            None => Some(line),
        });
    let lines = lines.map(|line| format!("journey.{action}.{line}\n"));
    lines.collect::<Vec<_>>().concat()
}

#[test]
fn the_text_names_every_value() {
    let accept = "[\"application/vnd.oci.image.manifest.v1+json\", \"application/vnd.docker.distribution.manifest.v2+json\", \
        \"application/vnd.oci.image.index.v1+json\", \"application/vnd.docker.distribution.manifest.list.v2+json\", \
        \"application/vnd.docker.distribution.manifest.v1+prettyjws\", \"application/vnd.docker.distribution.manifest.v1+json\"]";
    let wanted = TEXT
        .replace("HABITS of pull\n", &habits("pull"))
        .replace("HABITS of push\n", &habits("push"))
        .replace("VERSION", env!("CARGO_PKG_VERSION"))
        .replace("ACCEPT", accept);
    assert_eq!(resolve(GOOD).to_text(), wanted);
}

/// A scenario in which nothing is left at its default.
const FULL: &str = r#"
name = "full"
description = "with \"quotes\" and \\ and ü"
seed = 18446744073709551615
workers = 3
[target]
url = "embedded"
auth = { username = "u", password = "hunter2" }
headers = { "X-A" = "hunter2" }
[target.embedded]
auth = "bearer"
base_path = "/link/to/registry/"
max_memory = "64MiB"
[images.a]
source = "synthetic"
count = 3
layers = 2
layer_size = { like = "requested", max = "64MiB" }
shared_base_layers = 1
format = "docker"
[images.b]
source = "synthetic"
count = 3
layers = 2
layer_size = { median = "1MiB", sigma = 1, max = "64MiB" }
[images.c]
source = "archive"
path = "Cargo.toml"
compression = "keep"
reference = "x:1"
[images.d]
source = "synthetic"
count = 1
layers = 2
layer_size = ["1KiB", "1000B"]
[images.e]
source = "synthetic"
count = 1
layers = { min = 2, max = 9 }
layer_size = { min = "1KiB", max = "1MiB" }
[images.f]
source = "synthetic"
count = 2
layers = { median = 5, sigma = 0.5, max = 40 }
layer_size = "1KiB"
[images.g]
source = "synthetic"
count = 2
layers = "stored"
layer_size = "1KiB"
[images.h]
source = "synthetic"
count = 2
layers = [4, 7]
layer_size = "1KiB"
[journey.one]
action = "pull"
images = "a"
pick = { zipf = 0.95 }
parallel = 1
connections = "shared"
pool_size = 7
repository = "lab/{images}/x"
think_time = { min = "10ms", max = "1s 500ms" }
request_timeout = "1s"
iteration_timeout = "1s"
verify = "length"
platform = "linux/arm64/v8"
[journey.two]
action = "push"
images = "b"
pick = "random"
connections = "per-request"
think_time = "5ms"
method = "chunks"
chunk_size = "1KiB"
exists_check = false
mount_from = "lab/base"
[journey.three]
action = "push"
images = "c"
connections = "per-iteration"
method = "patch-chunked"
[journey.four]
action = "push"
images = "d"
method = "post"
unique = false
[[load]]
mix = { two = 3, one = 1 }
executor = "shared-iterations"
vus = 2
iterations = 30
max_duration = "1h"
graceful_stop = "0s"
[[load]]
mix = { three = 9 }
executor = "per-vu-iterations"
vus = 2
iterations = 30
[[load]]
name = "last"
journey = "four"
executor = "constant-vus"
vus = 2
duration = "1s"
warmup = "1s"
[prepare]
seed = true
clean_up = "all"
parallel = 1
[[threshold]]
metric = "one.blob-get.first-byte"
expect = "p(99.9) < 1m30s"
stage = "load-0"
from = "1s"
until = "1m 1s"
min_samples = 2000
[[threshold]]
metric = "bytes_sent"
expect = "rate>1.5GB/s"
abort_on_fail = true
delay_abort_eval = "10s"
[[threshold]]
metric = "errors"
expect = "rate < 0.7%"
abort_on_fail = true
"#;

/// Puts the lines of a plan onto a scenario of the same shape in which every value is another.
#[test]
fn the_lines_of_a_plan_make_the_plan_again() {
    let plan = resolve(FULL);
    let text = plan.to_text();
    assert!(
        !text.contains("hunter2") && text.contains("<redacted>"),
        "{text}"
    );
    let lines: Vec<String> = text
        .lines()
        .map(|line| line.replacen(" = ", "=", 1))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let other = FULL
        .replace("seed = 18446744073709551615", "")
        .replace("parallel = 1", "parallel = 2")
        .replace("\"1KiB\"", "\"2KiB\"")
        .replace("\"64MiB\"", "\"32MiB\"")
        .replace("max_duration = \"1h\"", "")
        .replace("max = 9", "max = 8")
        .replace("median = 5", "median = 6")
        .replace(
            "layers = \"stored\"",
            "layers = { like = \"stored\", max = 3 }",
        )
        .replace("layers = [4, 7]", "layers = [5, 7]")
        .replace("pool_size = 7", "")
        .replace("/link/to/registry/", "/other")
        .replace("mix = { three = 9 }", "journey = \"four\"")
        .replace("clean_up = \"all\"", "")
        .replace("one.blob-get.first-byte", "total")
        .replace("rate>1.5GB/s", "rate > 1GB/s")
        .replace("stage = \"load-0\"", "stage = \"last\"")
        .replace("min_samples = 2000", "")
        .replace("rate < 0.7%", "count < 7")
        .replace("\"10s\"", "\"11s\"");
    assert_ne!(resolve(&other).to_text(), text);
    let again = resolve_with(&other, &lines);
    assert_eq!(again.to_text(), text);
    assert_eq!(again.thresholds, plan.thresholds);
    assert_eq!(again.fingerprint(), plan.fingerprint());
}

#[test]
fn the_fingerprint_is_of_the_load_and_not_of_the_target() {
    let same =
        |changes: &[&str]| resolve_with(GOOD, changes).fingerprint() == resolve(GOOD).fingerprint();
    for change in [
        "name=other",
        "description=words",
        "workers=7",
        "target.url=http://elsewhere:1",
        "target.headers.x-tenant=perf",
        "target.auth={ username = \"u\", password = \"p\" }",
        "target.auth={ docker_config = true, tokens = \"per-vu\" }",
        "seed=42",
        "journey.pull.parallel=3",
        "threshold=[{ metric = \"errors\", expect = \"rate < 1%\" }]",
    ] {
        assert!(same(&[change]), "{change}");
    }
    for change in [
        "target.auth.tokens=shared",
        "seed=43",
        "images.web.count=3",
        "images.web.layers={ min = 2, max = 3 }",
        "images.web.layers=[3, 3]",
        "images.web.layer_size=2MiB",
        "journey.pull.parallel=4",
        "journey.pull.verify=none",
        "journey.pull.verify=sha256",
        "journey.push.method=put",
        "load.vus=5",
        "load.duration=11s",
        "load.warmup=1s",
        "prepare.clean_up=all",
    ] {
        assert!(!same(&[change]), "{change}");
    }
}

#[test]
fn the_fingerprint_does_not_know_the_directory() {
    let from = |base: &str| {
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join(base);
        let text = GOOD.replace(
            "source = \"synthetic\"\ncount = 2\nlayers = 3\nlayer_size = \"1MiB\"",
            "source = \"archive\"\npath = \"main.rs\"",
        );
        let overrides = Overrides::default();
        let scenario = regstorm::scenario::load(&text, "x", &base, &overrides, &|_| None);
        plan::resolve(scenario.unwrap(), NonZeroUsize::MIN).fingerprint()
    };
    assert_eq!(from("tests/it"), from("src/bin/regstorm"));
}

#[test]
fn the_json_form_is_nested_and_without_secrets() {
    let json = serde_json::to_value(resolve(FULL)).unwrap();
    assert!(!json.to_string().contains("hunter2"));
    assert_eq!(json["target"]["headers"]["X-A"], "<redacted>");
    assert_eq!(json["target"]["auth"]["password"], "<redacted>");
    assert_eq!(json["load"][0]["mix"]["two"], 3);
    assert_eq!(json["load"][1]["journey"], "three");
    assert_eq!(json["journey"]["one"]["repository"], "lab/a/x");
    assert_eq!(json["images"]["d"]["layer_size"][1], "1000B");
    assert_eq!(json["seed"], u64::MAX);
    assert_eq!(json["threshold"][0]["metric"], "one.blob-get.first-byte");
    assert_eq!(json["threshold"][1]["expect"], "rate > 1.5GB/s");
    assert_eq!(json["threshold"][2]["min_samples"], 1);
}

fn requests(forecast: &Forecast, journey: usize) -> Vec<(Operation, u32)> {
    let requests = forecast.journeys[journey].requests.as_ref();
    let requests = requests.expect("the images are synthetic");
    (1..=1000)
        .flat_map(|n| requests.iter().map(move |it| (it, n)))
        .filter(|((_, count), n)| (count - f64::from(*n)).abs() < 1e-9)
        .map(|((operation, _), n)| (*operation, n))
        .collect()
}

fn has(found: &[(Operation, u32)], wanted: &[(Operation, u32)]) {
    let sorted = |list: &[(Operation, u32)]| {
        let mut list = list.to_vec();
        list.sort_unstable();
        list
    };
    assert_eq!(sorted(found), sorted(wanted));
}

fn near(value: f64, wanted: f64) {
    assert!(
        (value - wanted).abs() < 1e-6 * wanted.max(1.0),
        "{value} is not {wanted}"
    );
}

/// Two images of three layers of 1 MiB: four blobs each, with the config.
#[test]
fn requests_are_those_of_the_protocol() {
    use Operation as O;
    let base = forecast(&[]);
    let pull = [(O::ManifestGet, 1), (O::BlobGet, 4)];
    has(&requests(&base, 0), &pull);
    let ends = [
        (O::BlobHead, 4),
        (O::UploadStart, 4),
        (O::UploadPut, 4),
        (O::ManifestPut, 1),
    ];
    let with = |extra: &[(Operation, u32)]| [&ends[..], extra].concat();
    has(&requests(&base, 1), &with(&[(O::UploadPatch, 4)]));
    has(&requests(&forecast(&["journey.push.method=put"]), 1), &ends);
    // Three layers of ceil(1024 / 300) = 4 parts, and the config in one.
    let chunks = forecast(&[
        "journey.push.method=chunks",
        "journey.push.chunk_size=300KiB",
    ]);
    has(&requests(&chunks, 1), &with(&[(O::UploadPatch, 13)]));
    let post = forecast(&[
        "journey.push.method=post",
        "journey.push.exists_check=false",
    ]);
    has(
        &requests(&post, 1),
        &[(O::UploadPost, 4), (O::ManifestPut, 1)],
    );
    let mount = forecast(&["journey.push.mount_from=lab/base"]);
    has(
        &requests(&mount, 1),
        &[(O::BlobHead, 4), (O::UploadMount, 4), (O::ManifestPut, 1)],
    );
    assert_eq!(mount.journeys[1].bytes_up, Some(0.0));
}

#[test]
fn requests_are_a_mean_over_images_of_different_numbers_of_layers() {
    // Images of 1 and 5 layers: with the config 2 and 6 blobs.
    let layers = "images.web.layers=[1, 5]";
    let pull = requests(&forecast(&[layers]), 0);
    has(
        &pull,
        &[(Operation::ManifestGet, 1), (Operation::BlobGet, 4)],
    );
    // Clean-up looks for what pushes of the same content may find: the blobs, the configs and the manifests.
    let pushes = [layers, "journey.push.unique=false", "load.journey=push"];
    let all = forecast(&[&pushes[..], &["prepare.clean_up=all"]].concat());
    assert_eq!(all.seeding.looks, (1 + 5) + 2 + 2);
}

#[test]
fn bytes_are_those_of_the_layers() {
    let base = forecast(&[]);
    near(base.journeys[0].bytes_down.unwrap(), 3_145_728.0);
    near(base.journeys[0].bytes_up.unwrap(), 0.0);
    near(base.journeys[1].bytes_up.unwrap(), 3_145_728.0);
    let each = forecast(&["images.web.layer_size=[\"100B\", \"200B\", \"300B\"]"]);
    near(each.journeys[0].bytes_down.unwrap(), 600.0);
}

#[test]
fn loads_are_counted_where_they_can_be() {
    let by_time = &forecast(&[]).loads[0];
    assert_eq!((by_time.vus, by_time.iterations), (4, None));
    near(by_time.requests_per_iteration.unwrap(), 5.0);
    let text = GOOD
        .replace("journey = \"pull\"", "mix = { pull = 3, push = 1 }")
        .replace("constant-vus", "per-vu-iterations")
        .replace("duration = \"10s\"", "iterations = 25");
    let load = &resolve(&text).forecast().loads[0];
    assert_eq!(load.iterations, Some(100));
    // Three pulls of 5 requests and a push of 17 make 32 in four.
    near(load.requests_per_iteration.unwrap(), 8.0);
    near(load.bytes_down_per_iteration.unwrap(), 2_359_296.0);
    near(load.bytes_up_per_iteration.unwrap(), 786_432.0);
    let text = text.replace("per-vu", "shared");
    assert_eq!(resolve(&text).forecast().loads[0].iterations, Some(25));
}

#[test]
fn connections_are_bounded_by_users_or_by_pools() {
    // Four users with three blobs in flight.
    assert_eq!(forecast(&[]).connections, 12);
    // Two workers with a pool of five, whatever the users.
    let pool = [
        "journey.pull.connections=shared",
        "journey.pull.pool_size=5",
    ];
    assert_eq!(forecast(&pool).connections, 10);
    // Over HTTP/2 one carries all: of each user, or of each worker.
    let two = "target.http=\"2\"";
    assert_eq!(forecast(&[two]).connections, 4);
    assert_eq!(forecast(&[pool[0], pool[1], two]).connections, 2);
    // A mix has what its greediest journey has: five uploads for each of four users.
    let mixed = GOOD.replace("journey = \"pull\"", "mix = { pull = 3, push = 1 }");
    assert_eq!(resolve(&mixed).forecast().connections, 20);
    // Connections that live for a request come on top of those that the other journey keeps.
    let closing = ["journey.push.connections=per-request"];
    assert_eq!(
        resolve_with(&mixed, &closing).forecast().connections,
        4 * (3 + 5)
    );
    // Two loads side by side draw from one pool.
    let twice = format!("{GOOD}{}", &GOOD[GOOD.find("[[load]]").unwrap()..]);
    assert_eq!(resolve(&twice).forecast().connections, 24);
    assert_eq!(resolve_with(&twice, &pool).forecast().connections, 10);
}

#[test]
fn each_image_is_seeded_in_a_repository_of_its_own() {
    // Two images of three layers and a config: a HEAD, a POST and a PUT for each of 8 blobs, 2 manifests. What the
    // images share is not in the other's repository.
    let seeding = forecast(&["images.web.shared_base_layers=1"]).seeding;
    assert_eq!((seeding.images, seeding.requests), (2, 8 + 16 + 2));
    assert_eq!(seeding.bytes, 6 * 1_048_576);
    let sizes = "images.web.layer_size=[\"100B\", \"200B\", \"300B\"]";
    assert_eq!(forecast(&[sizes]).seeding.bytes, 2 * 600);
    assert_eq!(forecast(&["prepare.seed=false"]).seeding.images, 0);
    assert_eq!(forecast(&["load.journey=push"]).seeding.images, 0);
    // Another place in the registry needs the images once more.
    let text = GOOD
        .replace(
            "action = \"push\"",
            "action = \"pull\"\nrepository = \"other\"",
        )
        .replace("journey = \"pull\"", "mix = { pull = 1, push = 1 }");
    assert_eq!(resolve(&text).forecast().seeding.images, 4);
}

#[test]
fn what_is_in_an_archive_is_not_guessed() {
    let forecast = resolve(FULL).forecast();
    assert_eq!(forecast.journeys[2].requests, None);
    assert_eq!(forecast.loads[1].requests_per_iteration, None);
    assert!(forecast.loads[0].requests_per_iteration.is_some());
}
