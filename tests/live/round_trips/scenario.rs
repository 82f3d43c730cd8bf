//! What the first registry is sent: every journey, as every client that does it.

use std::fmt::Write as _;

/// What a journey does, and the clients that do it.
const JOURNEYS: [(&str, &str, &[&str]); 18] = [
    ("pull", "", &CLIENTS),
    ("pull", "cache = { share = 0.5 }", &["containerd", "docker"]),
    ("pull", "cache = \"warm\"", &["containerd", "podman"]),
    (
        "pull",
        "images = \"large\"\nabort = { after = 0.25, resume = true }\nparallel = 1",
        &["plain"],
    ),
    // Where nothing but broken-off transfers tells of a blob, its size is not known.
    ("pull", "images = \"large\"", &["plain"]),
    ("push", "", &CLIENTS),
    ("push", "cache = { share = 0.5 }", &["buildkit", "crane"]),
    (
        "push",
        "mount_from = \"lab/web/0\"\nunique = false",
        &["docker", "podman", "crane"],
    ),
    ("push", "mount_from = \"lab/none\"", &["containerd", "oras"]),
    ("push", "method = \"put\"", &["plain"]),
    ("push", "method = \"post\"", &["plain"]),
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
    ("poll", "", &["docker", "containerd", "podman", "crane"]),
    ("list-tags", "tags = 3", &["crane", "podman", "oras"]),
    ("referrers", "referrers = 2", &["oras"]),
    ("delete", "", &["containerd", "podman", "crane"]),
    ("copy", "", &["crane", "oras", "podman"]),
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

/// Begins its loads some seconds after the seeding has ended, so that logs of whole seconds have it before them.
pub(super) fn source() -> String {
    let mut text = String::from(
        "name = \"source\"\n[target]\nurl = \"http://127.0.0.1:1\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 2\nlayers = 3\nlayer_size = { min = \"2KiB\", max = \"96KiB\" }\n\
         [images.large]\nsource = \"synthetic\"\ncount = 1\nlayers = 2\nlayer_size = \"4MiB\"\n\
         [prepare]\nclean_up = \"none\"\nparallel = 1\n",
    );
    let mut add = |number: usize, (action, keys, client): (&str, &str, &str)| {
        let images = if keys.contains("images =") || action == "catalog" {
            ""
        } else {
            "images = \"web\"\n"
        };
        // Each journey has repositories of its own, so that a repository tells which sessions are in it.
        let place = match action {
            "copy" => format!("to = \"lab/to-{number}\"\n"),
            "catalog" => String::new(),
            "pull" | "poll" => "repository = \"lab/{images}\"\n".to_owned(),
            _ => format!("repository = \"lab/j{number}\"\n"),
        };
        let _ = write!(
            text,
            "[journey.j{number}]\naction = \"{action}\"\nclient = \"{client}\"\n{images}{place}{keys}\n\
             [[load]]\njourney = \"j{number}\"\nexecutor = \"per-vu-iterations\"\nvus = 1\n\
             iterations = {ITERATIONS}\nstart_time = \"4s\"\n"
        );
    };
    let mut number = 0;
    for (action, keys, clients) in JOURNEYS {
        for client in clients {
            add(number, (action, keys, client));
            number += 1;
        }
    }
    add(number, ("catalog", "page_size = 3", "crane"));
    text
}
