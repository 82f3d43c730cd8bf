//! `regstorm explain`: the sequence of each client, counted by hand from recordings and sources.

use std::process::Command;

use regstorm::profile::Profile;
use serde_json::Value;

fn explain(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .arg("explain")
        .args(arguments)
        .output()
        .expect("the program was built");
    let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn json(arguments: &[&str]) -> Value {
    let (code, out, err) = explain(&[arguments, &["--json"]].concat());
    assert_eq!((code, err.as_str()), (Some(0), ""), "{arguments:?}");
    serde_json::from_str(&out).expect("it prints JSON")
}

/// Method and path of each request, in order.
fn sequence(explained: &Value) -> Vec<String> {
    let requests = explained["requests"].as_array().expect("a list").iter();
    let word = |request: &Value, key: &str| request[key].as_str().expect("a text").to_owned();
    requests
        .map(|it| format!("{} {}", word(it, "method"), word(it, "path")))
        .collect()
}

/// The requests of one operation on an image of any number of layers.
#[test]
fn the_counts_are_those_of_the_clients() {
    for (arguments, docker, containerd, podman, crane) in [
        (&["pull"][..], "L+4", "L+3", "L+3", "L+3"),
        (&["pull", "--again"], "2", "1", "3", "L+3"),
        // The first bytes, the size, the last block and two files: 6.4% of 1 MiB are more than one. podman: both tables, and
        // what is missing.
        (&["lazy-pull"], "5L+4", "5L+3", "2L+3", "5L+3"),
        // Table, first bytes, header and a span; and beside what the client does the manifest again, a list, and the index.
        (
            &["lazy-pull", "--lazy-format", "soci"],
            "4L+7",
            "4L+6",
            "4L+6",
            "4L+6",
        ),
        (&["push"], "4L+7", "3L+5", "5L+6", "4L+7"),
        (&["push", "--again"], "L+3", "L+2", "L+3", "2"),
        // crane cp sends two requests more, to read what it copies.
        (&["push", "--mount"], "3L+7", "2L+4", "3L+6", "2L+6"),
        (&["poll"], "2", "1", "2", "2"),
        (&["list-tags"], "2", "1", "2", "2"),
        // What is deleted is stored first.
        (&["delete"], "4", "3", "4", "3"),
    ] {
        let wanted = [
            ("docker", docker),
            ("containerd", containerd),
            ("podman", podman),
            ("crane", crane),
        ];
        for (client, formula) in wanted {
            let explained = json(&[arguments, &["--client", client, "--layers", "8"]].concat());
            assert_eq!(explained["formula"], formula, "{client} {arguments:?}");
            // And for the layers that were shown.
            let count = explained["requests"].as_array().unwrap().len();
            assert_eq!(count, of(formula, 8), "{client} {arguments:?}");
        }
    }
}

/// The value of a formula such as `3L+5`.
fn of(formula: &str, layers: usize) -> usize {
    let number = |text: &str| text.parse::<usize>().expect("a number");
    let Some((each, besides)) = formula.split_once('L') else {
        return number(formula);
    };
    let each = if each.is_empty() { 1 } else { number(each) };
    each * layers + number(besides.trim_start_matches('+'))
}

/// Without a mount, and with one where the client does not mount by itself.
#[test]
fn a_copy_is_read_and_stored() {
    for (arguments, formula) in [
        (&["--client", "crane"][..], "2L+8"),
        (&["--client", "oras"], "2L+6"),
        (&["--client", "podman"], "6L+9"),
        // The config is sent in any case.
        (&["--client", "podman", "--mount"], "3L+9"),
    ] {
        let explained = json(&[&["copy", "--layers", "8"], arguments].concat());
        assert_eq!(explained["formula"], formula, "{arguments:?}");
    }
    let (code, _, err) = explain(&["copy", "--client", "docker"]);
    assert_ne!(code, Some(0));
    assert!(err.contains("no command that copies"), "{err}");
}

#[test]
fn a_sequence_is_shown_in_words_that_hold_for_any_image() {
    let pull = json(&["pull", "--client", "containerd", "--layers", "1"]);
    assert_eq!(
        sequence(&pull),
        [
            "HEAD /v2/NAME/manifests/TAG",
            "GET /v2/NAME/manifests/DIGEST(manifest)",
            "GET /v2/NAME/blobs/DIGEST(config)",
            "GET /v2/NAME/blobs/DIGEST(layer 1)",
        ]
    );
    let bodies: Vec<_> = (0..4)
        .map(|index| pull["requests"][index]["gets"].as_str().unwrap())
        .collect();
    assert_eq!(bodies, ["none", "manifest", "config", "layer"]);
    let push = json(&["push", "--client", "docker", "--layers", "1"]);
    assert_eq!(
        sequence(&push),
        [
            "GET /v2/",
            "POST /v2/NAME/blobs/uploads/",
            "PATCH /v2/NAME/blobs/uploads/UPLOAD",
            "PUT /v2/NAME/blobs/uploads/UPLOAD?digest=DIGEST(layer 1)",
            "HEAD /v2/NAME/blobs/DIGEST(layer 1)",
            "HEAD /v2/NAME/blobs/DIGEST(config)",
            "POST /v2/NAME/blobs/uploads/",
            "PATCH /v2/NAME/blobs/uploads/UPLOAD",
            "PUT /v2/NAME/blobs/uploads/UPLOAD?digest=DIGEST(config)",
            "HEAD /v2/NAME/blobs/DIGEST(config)",
            "PUT /v2/NAME/manifests/TAG",
        ]
    );
    // A connection for each request, and a chunked body.
    let connections = (1..=11).collect::<Vec<u64>>();
    let found = push["requests"].as_array().unwrap().iter();
    let found: Vec<u64> = found.map(|it| it["connection"].as_u64().unwrap()).collect();
    assert_eq!(found, connections);
    let headers = push["requests"][2]["headers"].as_array().unwrap();
    let chunked = serde_json::json!(["transfer-encoding", "chunked"]);
    assert!(headers.contains(&chunked), "{headers:?}");
    let mount = json(&["push", "--mount", "--client", "crane", "--layers", "1"]);
    let mounted = "POST /v2/NAME/blobs/uploads/?from=FROM&mount=DIGEST(layer 1)&origin=HOST";
    assert!(sequence(&mount).iter().any(|it| it == mounted), "{mount:#}");
    let copy = json(&["copy", "--client", "podman", "--layers", "1"]);
    assert_eq!(
        sequence(&copy),
        [
            "GET /v2/",
            "GET /v2/FROM/manifests/TAG",
            "GET /v2/",
            "HEAD /v2/NAME/blobs/DIGEST(layer 1)",
            "GET /v2/FROM/blobs/DIGEST(layer 1)",
            "HEAD /v2/NAME/blobs/DIGEST(layer 1)",
            "POST /v2/NAME/blobs/uploads/",
            "PATCH /v2/NAME/blobs/uploads/UPLOAD",
            "PUT /v2/NAME/blobs/uploads/UPLOAD?digest=DIGEST(layer 1)",
            "GET /v2/FROM/blobs/DIGEST(config)",
            "HEAD /v2/NAME/blobs/DIGEST(config)",
            "POST /v2/NAME/blobs/uploads/",
            "PATCH /v2/NAME/blobs/uploads/UPLOAD",
            "PUT /v2/NAME/blobs/uploads/UPLOAD?digest=DIGEST(config)",
            "PUT /v2/NAME/manifests/TAG",
        ]
    );
    let delete = json(&["delete", "--client", "podman"]);
    assert_eq!(
        sequence(&delete),
        [
            "PUT /v2/NAME/manifests/TAG",
            "GET /v2/",
            "GET /v2/NAME/manifests/TAG",
            "DELETE /v2/NAME/manifests/DIGEST(manifest)",
        ]
    );
    let list = json(&["list-tags", "--client", "crane"]);
    assert_eq!(
        sequence(&list),
        ["GET /v2/", "GET /v2/NAME/tags/list?n=1000"]
    );
}

/// As skopeo 1.9.3 was recorded: `skopeo delete` names on the `DELETE`, too, what it would take.
#[test]
fn the_headers_of_a_deletion_are_those_of_the_recording() {
    let delete = json(&["delete", "--client", "podman"]);
    let accept = [
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.index.v1+json",
    ];
    let mut wanted: Vec<(&str, &str)> = accept.map(|it| ("accept", it)).to_vec();
    wanted.extend([
        ("accept-encoding", "gzip"),
        ("connection", "close"),
        ("docker-distribution-api-version", "registry/2.0"),
        ("user-agent", "skopeo/1.9.3"),
    ]);
    // The GET by tag and the DELETE by digest have the same.
    for request in [2, 3] {
        let lines = delete["requests"][request]["headers"].as_array().unwrap();
        let mut found: Vec<(&str, &str)> = lines
            .iter()
            .map(|it| (it[0].as_str().unwrap(), it[1].as_str().unwrap()))
            .collect();
        // The order of the lines of one header counts, that of headers does not.
        found.sort_by_key(|(name, _)| *name);
        assert_eq!(found, wanted, "request {request}");
    }
    // crane digest and crane manifest: a ping on the connection of the question, and one line of types.
    for (action, method) in [("poll", "GET"), ("delete", "DELETE")] {
        let crane = json(&[action, "--client", "crane"]);
        let last = crane["requests"].as_array().unwrap().last().unwrap();
        assert_eq!(last["method"], method);
        assert_eq!(last["connection"], 1, "crane keeps its connection");
    }
}

#[test]
fn tokens_are_a_part_of_the_sequence() {
    let pull = json(&[
        "pull", "--client", "podman", "--auth", "bearer", "--layers", "1",
    ]);
    let found = sequence(&pull);
    assert_eq!(found[0], "GET /v2/");
    assert_eq!(pull["requests"][0]["status"], 401);
    let scoped = |it: &String| it.contains("/token") && it.contains("scope=repository:NAME:pull");
    assert!(found.iter().any(scoped), "{found:?}");
    let basic = json(&["pull", "--client", "podman", "--auth", "basic"]);
    let headers = basic["requests"][1]["headers"].as_array().unwrap();
    assert!(headers.contains(&serde_json::json!(["authorization", "Basic"])));
}

/// Every client can be explained, in lines that fit, without a word of this run.
#[test]
fn the_text_fits_and_is_of_no_run() {
    for profile in Profile::ALL {
        let mut cases = vec![
            &["pull", "--layers", "8"][..],
            &["push", "--mount", "--auth", "bearer", "--layers", "8"],
        ];
        if profile == Profile::PLAIN {
            cases.extend([&["referrers"][..], &["catalog"]]);
        }
        for rest in cases {
            let (code, out, err) = explain(&[rest, &["--client", profile.name]].concat());
            assert_eq!(
                (code, err.as_str()),
                (Some(0), ""),
                "{} {rest:?}",
                profile.name
            );
            for line in out.lines() {
                assert!(line.chars().count() <= 100, "{line}");
                assert_eq!(line, line.trim_end(), "{rest:?}");
            }
            for word in ["127.0.0.1", "sha256:", "library/", "%3A"] {
                assert!(!out.contains(word), "{word}\n{out}");
            }
            let rows = out.lines().filter(|line| {
                let number = line.split_whitespace().next();
                number.is_some_and(|it| it.parse::<u32>().is_ok())
            });
            let said = out
                .lines()
                .find_map(|line| line.strip_prefix("requests     "));
            let said = said.unwrap().split(',').next().unwrap();
            assert_eq!(said.parse(), Ok(rows.count()), "{out}");
            assert!(out.contains("\nat once      ") && out.contains("\nconnections  "));
            assert!(out.contains("\nheaders of every request\n"), "{out}");
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (arguments, wanted) in [
        (&["pull", "--mount"][..], "only a push or a copy mounts"),
        (&["poll", "--again"], "only a pull or a push"),
        (&["pull", "--client", "wget"], "invalid value 'wget'"),
        (&["pull", "--layers", "0"], "0 is not in 1..=100"),
        (&["push", "--mount", "--again"], "cannot be used with"),
    ] {
        let (code, out, err) = explain(arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(err.contains(wanted), "{err}");
    }
}
