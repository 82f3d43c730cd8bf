//! What the first registry is sent: every action, as every client that does it, and every way in which clients misbehave.

use crate::support::{PASSWORD, Release, USER};

/// What a journey does, its keys, and the clients that do it.
type Row = (&'static str, &'static str, &'static [&'static str]);

/// The journeys, each with images that are there.
const JOURNEYS: [Row; 41] = [
    ("pull", "", &CLIENTS),
    ("pull", "cache = { share = 0.5 }", &["containerd", "docker"]),
    ("pull", "cache = \"warm\"", &["containerd", "podman"]),
    (
        "pull",
        "images = \"large\"\npart_size = \"1MiB\"",
        &["containerd"],
    ),
    (
        "pull",
        "images = \"large\"\nabort = { after = 0.25, resume = true }\nparallel = 1",
        &["plain"],
    ),
    (
        "pull",
        "images = \"large\"\nabort = { after = 0.25 }\nparallel = 1",
        &["docker"],
    ),
    // Where nothing but broken-off transfers tells of a blob, its size is not known.
    ("pull", "images = \"large\"", &["plain"]),
    (
        "pull",
        "leave_connections = { after = \"connect\" }",
        &["plain"],
    ),
    ("pull", "read_rate = \"64KiB\"", &["plain"]),
    ("pull", "stall = { after = 0.5, time = \"1s\" }", &["plain"]),
    (
        "lazy-pull",
        "images = \"stargz\"\nread_fraction = 0.3",
        &["containerd"],
    ),
    (
        "lazy-pull",
        "images = \"stargz\"\nread_fraction = 0.3\nbackground_fetch = true",
        &["containerd"],
    ),
    (
        "lazy-pull",
        "images = \"chunked\"\nread_fraction = 0.3",
        &["podman"],
    ),
    ("push", "", &CLIENTS),
    ("push", "cache = { share = 0.5 }", &["buildkit", "crane"]),
    ("push", "cache = \"warm\"", &["docker", "containerd"]),
    (
        "push",
        "mount_from = \"lab/web/0\"\nunique = false",
        &["docker", "podman", "crane"],
    ),
    ("push", "mount_from = \"lab/none\"", &["containerd", "oras"]),
    (
        "push",
        "mount_from = \"lab/none\"\nmount_session = true",
        &["plain"],
    ),
    ("push", "method = \"put\"", &["plain"]),
    ("push", "method = \"post\"", &["plain"]),
    ("push", "method = \"patch-chunked\"", &["plain"]),
    ("push", "write_rate = \"64KiB\"", &["plain"]),
    (
        "push",
        "method = \"chunks\"\nchunk_size = \"16KiB\"",
        &["plain"],
    ),
    (
        "push",
        "method = \"patch\"\nparallel = 1\nleave_uploads = 0.4",
        &["plain"],
    ),
    (
        "push",
        "method = \"chunks\"\nchunk_size = \"16KiB\"\nrepeat_chunks = 1.0\nparallel = 1",
        &["plain"],
    ),
    (
        "push",
        "method = \"chunks\"\nchunk_size = \"16KiB\"\nskip_chunks = 1.0\nparallel = 1",
        &["plain"],
    ),
    ("poll", "", &CLIENTS),
    ("poll", "method = \"head\"", &["docker"]),
    ("poll", "method = \"get\"", &["podman"]),
    ("list-tags", "tags = 3", &["crane", "podman", "oras"]),
    (
        "list-tags",
        "tags = 5\npage_size = 2",
        &["crane", "podman", "oras"],
    ),
    ("referrers", "referrers = 2", &["oras"]),
    (
        "referrers",
        "referrers = 2\nartifact_type = \"application/spdx+json\"",
        &["plain"],
    ),
    ("delete", "", &["containerd", "podman", "crane"]),
    ("delete", "by = \"digest\"", &["plain"]),
    ("delete", "by = \"tag\"", &["plain"]),
    ("copy", "", &["crane", "oras", "podman"]),
    ("copy", "mount = false", &["oras", "plain"]),
    ("catalog", "page_size = 3", &["crane"]),
    (
        "replay",
        "trace = \"@sample\"\nuntil = \"15s\"\nmax_blob = \"32KiB\"",
        &["plain"],
    ),
];

/// The same without: everything is 404.
const OF_NOTHING: [Row; 6] = [
    ("pull", "", &CLIENTS),
    ("poll", "", &CLIENTS),
    ("poll", "method = \"get\"", &["plain"]),
    ("list-tags", "", &["crane", "podman", "oras"]),
    ("copy", "", &["crane"]),
    ("delete", "by = \"digest\"", &["plain"]),
];

/// Pushes that are broken off. A proxy would keep that from the registry.
const BROKEN_OFF: [Row; 5] = [
    (
        "push",
        "parallel = 1\nmethod = \"patch\"\nimages = \"large\"\nabort = { after = 0.25 }",
        &["plain"],
    ),
    (
        "push",
        "parallel = 1\nmethod = \"patch\"\nimages = \"large\"\nabort = { after = 0.25, resume = true }",
        &["plain"],
    ),
    (
        "push",
        "parallel = 1\nmethod = \"put\"\nimages = \"large\"\nabort = { after = 0.25, resume = true }",
        &["plain"],
    ),
    (
        "push",
        "parallel = 1\nmethod = \"post\"\nimages = \"large\"\nabort = { after = 0.25, resume = true }",
        &["plain"],
    ),
    (
        "push",
        "parallel = 1\nmethod = \"chunks\"\nchunk_size = \"1MiB\"\nimages = \"large\"\nabort = { after = 0.25 }",
        &["plain"],
    ),
];

/// Every client.
const CLIENTS: [&str; 10] = [
    "plain",
    "docker",
    "docker-29",
    "containerd",
    "containerd-1.6",
    "podman",
    "podman-storage",
    "crane",
    "oras",
    "buildkit",
];

/// Iterations of each journey.
pub(super) const ITERATIONS: u64 = 2;

/// What is in front of each scenario.
const HEAD: &str = r#"name = "source"
[target]
url = "http://127.0.0.1:1"
[images.web]
source = "synthetic"
count = 2
layers = 3
layer_size = { min = "2KiB", max = "96KiB" }
[images.large]
source = "synthetic"
count = 1
layers = 2
layer_size = "4MiB"
[images.stargz]
source = "synthetic"
count = 1
layers = 2
layer_size = "2MiB"
lazy_format = "estargz"
[images.chunked]
source = "synthetic"
count = 1
layers = 2
layer_size = "2MiB"
lazy_format = "zstd-chunked"
[audit]
sample = "none"

[prepare]
clean_up = "none"
parallel = 1
"#;

/// A journey of the scenario: its name is `j` and its number.
#[derive(Debug)]
pub(super) struct Journey {
    pub(super) action: &'static str,
    client: &'static str,
    keys: &'static str,
}

impl Journey {
    /// Whether its iterations fail, all of them, although its images are there.
    pub(super) fn fails(&self, release: Release) -> bool {
        // docker-registry 2.8 does not look at `Content-Range`, and deletes no tag.
        let keys = ["repeat_chunks", "skip_chunks", "by = \"tag\""];
        release == Release::Two && keys.iter().any(|it| self.keys.contains(it))
    }

    /// Its table, and that of its load.
    fn text(&self, number: usize, is_of_nothing: bool) -> String {
        let Self {
            action,
            client,
            keys,
        } = self;
        let has_images = keys.contains("images =") || matches!(*action, "catalog" | "replay");
        let images = if has_images { "" } else { "images = \"web\"\n" };
        // Each journey has repositories of its own, so that a repository tells which sessions are in it.
        let place = match *action {
            "copy" if is_of_nothing => {
                format!("repository = \"lab/gone-{number}\"\nto = \"lab/gone-to-{number}\"\n")
            }
            _ if is_of_nothing => format!("repository = \"lab/gone-{number}\"\n"),
            "copy" => format!("to = \"lab/to-{number}\"\n"),
            "catalog" => String::new(),
            "replay" => "namespace = \"lab/replay\"\n".to_owned(),
            "pull" | "lazy-pull" | "poll" => "repository = \"lab/{images}\"\n".to_owned(),
            _ => format!("repository = \"lab/j{number}\"\n"),
        };
        let executor = match *action {
            "replay" => "executor = \"replay\"\nspeed = 3\nmax_vus = 200".to_owned(),
            _ => format!("executor = \"per-vu-iterations\"\nvus = 1\niterations = {ITERATIONS}"),
        };
        format!(
            "[journey.j{number}]\naction = \"{action}\"\nclient = \"{client}\"\n{images}{place}{keys}\n\
             [[load]]\njourney = \"j{number}\"\n{executor}\nstart_time = \"4s\"\n"
        )
    }
}

/// Whether the journeys have a value of a key of theirs.
fn have(key: &str, value: &str) -> bool {
    let mut journeys = JOURNEYS.iter();
    match key {
        "action" => journeys.any(|(action, ..)| *action == value),
        "client" => journeys.any(|(.., clients)| clients.contains(&value)),
        _ => journeys.any(|(_, keys, _)| keys.contains(&format!("{key} = \"{value}\""))),
    }
}

/// What a journey can be has one in the scenario: the pages say what there is.
#[test]
fn every_action_and_client_and_every_misbehaviour_is_in_it() {
    const KEYS: &str = include_str!("../../../docs/reference/scenario.md");
    const MISBEHAVIOUR: &str = include_str!("../../../docs/guide/misbehaving.md");
    for key in ["action", "client", "by"] {
        let (_, about) = KEYS.split_once(&format!("\n**`{key}`**")).expect("a key");
        let types = about.lines().find(|line| line.starts_with("- type: "));
        let words = types.expect("its type").split('"').skip(1).step_by(2);
        let missing: Vec<_> = words.filter(|word| !have(key, word)).collect();
        // A client resolves a tag by itself.
        assert_eq!(
            missing,
            if key == "by" {
                vec!["resolved"]
            } else {
                vec![]
            },
            "{key}"
        );
    }
    let methods = ["post", "put", "patch", "patch-chunked", "chunks"];
    assert!(methods.iter().all(|it| have("method", it)), "{methods:?}");
    let (_, rows) = MISBEHAVIOUR
        .split_once("\n|---|---|---|---|\n")
        .expect("a table");
    for row in rows.lines().take_while(|line| line.starts_with('|')) {
        let keys = row.split('|').nth(1).expect("a first cell").split(',');
        for key in keys.map(|it| it.trim().trim_matches('`')) {
            assert!(
                JOURNEYS
                    .iter()
                    .chain(&BROKEN_OFF)
                    .any(|(_, keys, _)| keys.contains(key)),
                "{key}"
            );
        }
    }
}

/// All journeys with images, in the order of their numbers.
pub(super) fn journeys() -> Vec<Journey> {
    of_rows(&JOURNEYS)
}

fn of_rows(rows: &[Row]) -> Vec<Journey> {
    let of = |(action, keys, clients): &Row| {
        let of = |client: &&'static str| Journey {
            action,
            client,
            keys,
        };
        clients.iter().map(of).collect::<Vec<_>>()
    };
    rows.iter().flat_map(of).collect()
}

/// Begins its loads some seconds after the seeding has ended, so that logs of whole seconds have it before them.
pub(super) fn source() -> String {
    text(&journeys(), true)
}

/// What asks for images that are not there.
pub(super) fn of_nothing() -> String {
    text(&of_rows(&OF_NOTHING), false)
}

/// What is broken off.
pub(super) fn broken_off() -> String {
    text(&of_rows(&BROKEN_OFF), true)
}

/// A few pushes and pulls that last longer than a token does.
pub(super) fn longer_than_tokens() -> String {
    let rows = [
        (
            "push",
            "write_rate = \"24KiB\"\nmethod = \"chunks\"\nchunk_size = \"16KiB\"",
            &["plain"] as &[_],
        ),
        (
            "push",
            "",
            &["docker", "containerd", "podman", "crane", "oras"],
        ),
        (
            "push",
            "mount_from = \"lab/web/0\"\nunique = false",
            &["docker", "podman", "crane"],
        ),
        (
            "pull",
            "read_rate = \"24KiB\"",
            &["plain", "docker", "containerd"],
        ),
        ("list-tags", "tags = 3", &["crane"]),
        ("delete", "", &["podman"]),
    ];
    let url = "url = \"http://127.0.0.1:1\"\n";
    let auth = format!("[target.auth]\nusername = \"{USER}\"\npassword = \"{PASSWORD}\"\n");
    text(&of_rows(&rows), true).replace(url, &format!("{url}{auth}"))
}

fn text(journeys: &[Journey], seed: bool) -> String {
    let mut text = format!("{HEAD}seed = {seed}\n");
    for (number, journey) in journeys.iter().enumerate() {
        text += &journey.text(number, !seed);
    }
    text
}
