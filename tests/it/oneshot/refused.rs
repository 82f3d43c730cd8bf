//! What cannot be done, and how it is told.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use http::StatusCode;
use regstorm::embedded::{Fault, FaultKind, Settings};
use regstorm::oci::{Digest, MediaType, Operation};
use serde_json::json;

use super::bench::{
    Bench, Entry, contents, docker_save, docker_save_25, layout, names, tar_of, two_layers,
};

fn filled() -> Bench {
    let bench = Bench::new();
    layout(&two_layers()).0.directory(&bench.path("oci"));
    bench.push("oci", &["a:1"]).ended(0);
    bench
}

/// Arguments, and what the message says of them.
type Cases<'a> = &'a [(&'a [&'a str], &'a [&'a str])];

fn each_is_bad_usage(bench: &Bench, cases: Cases<'_>) {
    for (arguments, words) in cases {
        let said = bench.run(arguments).ended(2).says(words);
        assert!(said.out.is_empty(), "{said:?}");
        assert!(!bench.path("d").exists(), "{arguments:?}");
    }
    assert_eq!(bench.registry.counts().requests, 0);
}

fn with_files() -> Bench {
    let bench = Bench::new();
    layout(&two_layers()).0.directory(&bench.path("oci"));
    fs::create_dir(bench.path("home")).unwrap();
    fs::write(bench.path("home/letter"), "dear").unwrap();
    fs::write(bench.path("file"), "x").unwrap();
    bench
}

#[test]
fn bad_usage_of_pull_sends_nothing() {
    let bench = with_files();
    let url = bench.registry.url();
    let ftp = url.replace("http", "ftp");
    let within = format!("{url}/v2/");
    let cases: Cases<'_> = &[
        (&["pull", &url, "a", "d"], &["NAME:TAG"]),
        (&["pull", &url, "A:1", "d"], &["repository name"]),
        (&["pull", &url, "a@sha256:12", "d"], &["hex digits"]),
        (&["pull", &url, "a:1"], &["DIR"]),
        (&["pull", &ftp, "a:1", "d"], &["http://", "https://"]),
        (
            &["pull", &url, "a:1", "d", "--ca", "missing"],
            &["--ca", "missing"],
        ),
        (&["pull", &url, "a:1", "d", "--ca", "file"], &["CA file"]),
        (&["pull", &url, "a:1", "d", "--cert", "file"], &["--key"]),
        (&["pull", &url, "a:1", "d", "--http", "3"], &["1.1", "auto"]),
        (
            &["pull", "localhost:1", "a:1", "d"],
            &["http://localhost:5000"],
        ),
        (&["pull", "http://h/?x=1", "a:1", "d"], &["no `?`"]),
        (&["pull", &url, "a:1", "home"], &["`home`", "not empty"]),
        (&["pull", &url, "a:1", "home", "--layers"], &["`letter`"]),
        (
            &["pull", &url, "a:1", "home", "--unpack"],
            &["home", "not empty"],
        ),
        (&["pull", &url, "a:1", "file"], &["`file`"]),
        (&["pull", &url, "a:1", "file", "--unpack"], &["file"]),
        (
            &["pull", &url, "a:1", "d", "--layers", "--unpack"],
            &["cannot be used with"],
        ),
        (
            &["pull", &url, "a:1", "d", "--platform", "linux"],
            &["os/arch"],
        ),
        (
            &["pull", &url, "a:1", "d", "--parallel", "0"],
            &["--parallel", "from 1 upwards"],
        ),
        (&["pull", &within, "a:1", "d"], &["before /v2"]),
        (&["pull", &url, "a:1", "d", "--timeout", "5"], &["unit"]),
        (
            &["pull", &url, "a:1", "d", "--timeout", "0s"],
            &["--timeout"],
        ),
        (
            &["pull", &url, "a:1", "d", "--header", "Host: x"],
            &["`host`"],
        ),
        (
            &["pull", &url, "a:1", "d", "--user", "u"],
            &["REGSTORM_PASSWORD", "`u`"],
        ),
        (&["pull", &url, "a:1", "d", "--password-stdin"], &["--user"]),
        (
            &[
                "pull",
                &url,
                "a:1",
                "d",
                "--user",
                "u",
                "--password-file",
                "no",
            ],
            &["no:"],
        ),
    ];
    each_is_bad_usage(&bench, cases);
    assert_eq!(
        fs::read_to_string(bench.path("home/letter")).unwrap(),
        "dear"
    );
    assert_eq!(names(&bench.path("home")), ["letter"]);
}

#[test]
fn bad_usage_of_push_sends_nothing() {
    let bench = with_files();
    let url = bench.registry.url();
    let cases: Cases<'_> = &[
        (&["push", "nothing", &url, "a:1"], &["`nothing`"]),
        (&["push", "home", &url, "a:1"], &["manifest.json", "letter"]),
        (&["push", "file", &url, "a:1"], &["`file`"]),
        (
            &["push", "oci", &url, "a:1", "--method", "mail"],
            &["patch-chunked"],
        ),
        (
            &["push", "oci", &url, "a:1", "--chunk-size", "1MiB"],
            &["--method chunks"],
        ),
        (
            &[
                "push",
                "oci",
                &url,
                "a:1",
                "--method",
                "chunks",
                "--chunk-size",
                "0B",
            ],
            &["--chunk-size"],
        ),
        (
            &["push", "oci", &url, "a:1", "--reference", "no"],
            &["`no`", "1.0"],
        ),
        (
            &["push", "oci", &url, "a:1", "--mount-from", "No"],
            &["repository name"],
        ),
    ];
    each_is_bad_usage(&bench, cases);
}

#[test]
fn secrets_are_not_repeated() {
    let bench = Bench::new();
    let url = bench.registry.url();
    let with_user = url.replace("http://", "http://ali:sesame@");
    let cases: &[&[&str]] = &[
        &["pull", &with_user, "a:1", "d"],
        &["pull", &url, "a:1", "d", "--header", "sesame"],
        &["pull", &url, "a:1", "d", "--header", "X: sesame\u{1}"],
        &["pull", &url, "a:1", "d", "--header", "se same: x"],
        &[
            "pull",
            &url,
            "a:1",
            "d",
            "--user",
            "ali:sesame",
            "--timeout",
            "x",
        ],
        &[
            "pull",
            &url,
            "a:1",
            "d",
            "--user",
            "ali:sesame",
            "--password-stdin",
        ],
        &[
            "pull",
            &url,
            "a:1",
            "d",
            "--header",
            "Authorization: sesame",
            "--user",
            "ali:sesame",
        ],
    ];
    for arguments in cases {
        let said = bench.run(arguments);
        assert_ne!(said.code, 0);
        assert!(!format!("{said:?}").contains("sesame"), "{said:?}");
        assert!(!said.err.contains("se same"), "{said:?}");
    }
}

#[test]
fn broken_sources_are_found_before_anything_is_sent() {
    let bench = Bench::new();
    let layers = two_layers();
    let mut no_list = docker_save(&layers, "a:1");
    no_list.remove("manifest.json");
    let mut wrong_layer = docker_save(&layers, "a:1");
    wrong_layer.replace("layer.tar", &tar_of(&[Entry::File("x", b"x")]));
    let mut wrong_blob = docker_save_25(&layers, "a:1");
    let name = Digest::sha256(&layers[0]).to_hex();
    wrong_blob.replace(&name, &tar_of(&[Entry::File("x", b"x")]));
    let mut missing = layout(&layers).0;
    missing.remove("index.json");
    let cases = [
        (no_list, "manifest.json"),
        (wrong_layer, "layer.tar"),
        (wrong_blob, &name),
        (missing, "index.json"),
    ];
    for (index, (files, word)) in cases.into_iter().enumerate() {
        let name = format!("broken{index}");
        files.directory(&bench.path(&name));
        bench.push(&name, &["a:1"]).ended(2).says(&[word]);
    }
    assert_eq!(bench.registry.counts().requests, 0);
}

#[test]
fn what_is_not_there_is_named() {
    let bench = filled();
    bench
        .pull(&["a:2", "d"])
        .ended(1)
        .says(&["`a:2`", "404", "/v2/a/manifests/2"]);
    bench.pull(&["b:1", "d"]).ended(1).says(&["`b:1`"]);
    let digest = Digest::sha256(b"x");
    bench
        .pull(&[&format!("a@{digest}"), "d"])
        .ended(1)
        .says(&[&digest.to_string()]);
    assert!(!bench.path("d").exists());
}

#[test]
fn wrong_bytes_get_no_name() {
    for form in [&[][..], &["--layers"], &["--unpack"]] {
        let bench = filled();
        let fault = Fault::on(Operation::BlobGet, FaultKind::Corrupt(0));
        bench.registry.set_faults(vec![fault]).unwrap();
        let arguments = [&["a:1", "back"], form].concat();
        bench
            .pull(&arguments)
            .ended(1)
            .says(&["expected sha256:", "found sha256:"]);
        let root = bench.path(if form == ["--unpack"] {
            ".back.regstorm"
        } else {
            "back"
        });
        let found = contents(&root);
        assert!(
            found.iter().all(|(name, _)| name.contains("partial")),
            "{:?}",
            names(&root)
        );
        if form == ["--unpack"] {
            assert!(!bench.path("back").exists());
        }
        bench.registry.set_faults(Vec::new()).unwrap();
        bench.pull(&arguments).ended(0);
    }
    let bench = filled();
    let fault = Fault::on(Operation::ManifestGet, FaultKind::Corrupt(30));
    bench.registry.set_faults(vec![fault]).unwrap();
    bench
        .pull(&["a:1", "back"])
        .ended(1)
        .says(&["digest mismatch"]);
    assert!(!bench.path("back").exists());
}

#[test]
fn a_refusal_is_told_with_its_words() {
    let bench = filled();
    let fault = |operation, status| {
        let kind = FaultKind::Status {
            status,
            code: None,
            retry_after: None,
        };
        bench
            .registry
            .set_faults(vec![Fault::on(operation, kind)])
            .unwrap();
    };
    fault(Operation::ManifestGet, StatusCode::TOO_MANY_REQUESTS);
    bench
        .pull(&["a:1", "d"])
        .ended(1)
        .says(&["429", "--parallel"]);
    fault(Operation::BlobGet, StatusCode::NOT_FOUND);
    bench.pull(&["a:1", "d"]).ended(1).says(&["404", "lost"]);
    fault(Operation::ManifestGet, StatusCode::FORBIDDEN);
    bench.pull(&["a:1", "d"]).ended(5).says(&["403", "--user"]);
    fault(Operation::UploadStart, StatusCode::METHOD_NOT_ALLOWED);
    bench
        .push("oci", &["b:1"])
        .ended(1)
        .says(&["405", "read-only"]);
    fault(Operation::ManifestPut, StatusCode::INTERNAL_SERVER_ERROR);
    bench
        .push("oci", &["a:2"])
        .ended(1)
        .says(&["500", "manifest-put /v2/a/manifests/2"]);
}

#[test]
fn nobody_at_home_is_five() {
    let bench = Bench::new();
    layout(&two_layers()).0.directory(&bench.path("oci"));
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{port}");
    let address = port.to_string();
    bench
        .run(&["pull", &url, "a:1", "d"])
        .ended(5)
        .says(&[&address, "refused"]);
    bench
        .run(&["push", "oci", &url, "a:1"])
        .ended(5)
        .says(&[&address]);
    assert!(!bench.path("d").exists());
    // A path too many: nobody answers for a registry there.
    let elsewhere = format!("{}/elsewhere", bench.registry.url());
    bench
        .run(&["pull", &elsewhere, "a:1", "d"])
        .ended(5)
        .says(&["no registry at", "/elsewhere"]);
    bench
        .run(&["push", "oci", &elsewhere, "a:1"])
        .ended(5)
        .says(&["no registry at"]);
}

/// A server that answers every connection with these bytes.
fn server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer);
        }
    });
    url
}

#[test]
fn who_is_no_plain_registry_is_told_apart() {
    let bench = Bench::new();
    let cases: &[(&[u8], &str)] = &[
        // What Go's and nginx's servers answer on a TLS port, an alert of TLS itself, and silence.
        (
            b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
            "speaks TLS",
        ),
        (
            b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n",
            "speaks TLS",
        ),
        (b"\x15\x03\x01\x00\x02\x02\x16", "speaks TLS"),
        (b"", "TLS"),
        (
            b"HTTP/1.1 301 Moved Permanently\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            "127.0.0.1:1",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>",
            "no registry at",
        ),
        (
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\noops",
            "no registry at",
        ),
    ];
    for (answer, word) in cases {
        let url = server(answer);
        bench
            .run(&["pull", &url, "a:1", "d"])
            .ended(5)
            .says(&[word]);
    }
    // Go's server once more; a push begins with a HEAD, whose answer has no words.
    layout(&two_layers()).0.directory(&bench.path("oci"));
    let url = server(cases[0].0);
    bench
        .run(&["push", "oci", &url, "a:1"])
        .ended(5)
        .says(&["speaks TLS"]);
    fs::write(bench.path("s.toml"), SCENARIO).unwrap();
    for (answer, word) in [(cases[0].0, "speaks TLS"), (cases[6].0, "no registry at")] {
        bench
            .run(&["run", "s.toml", "--target", &server(answer)])
            .ended(5)
            .says(&[word]);
    }
}

const SCENARIO: &str = r#"
name = "s"
[target]
url = "embedded"
[images.i]
source = "synthetic"
count = 1
layers = 1
layer_size = "1KiB"
[journey.pull]
action = "pull"
images = "i"
[[load]]
journey = "pull"
executor = "per-vu-iterations"
vus = 1
iterations = 1
"#;

#[test]
fn a_scenario_without_end_is_not_read_to_it() {
    let bench = Bench::new();
    bench
        .run(&["check", "/dev/zero"])
        .ended(2)
        .says(&["/dev/zero", "1 MiB"]);
    bench
        .run(&["serve", "--faults", "/dev/zero"])
        .ended(2)
        .says(&["/dev/zero", "1 MiB"]);
}

#[test]
fn bytes_of_a_file_are_no_message() {
    let bench = Bench::new();
    let noise: Vec<u8> = (0..4096_u32)
        .map(|it| (it * 37 % 251) as u8 | 0x80)
        .collect();
    fs::write(bench.path("noise"), noise).unwrap();
    bench
        .push("noise", &["a:1"])
        .ended(2)
        .says(&["`noise` is not a tar archive"]);
    layout(&two_layers()).0.directory(&bench.path("half"));
    fs::remove_file(bench.path("half/index.json")).unwrap();
    bench
        .push("half", &["a:1"])
        .ended(2)
        .says(&["but blobs, oci-layout"]);
}

#[test]
fn words_of_a_registry_do_not_drive_the_terminal() {
    let bench = Bench::new();
    let digest = Digest::sha256(b"");
    let index = "application/vnd.oci.image.index.v1+json";
    let image = "application/vnd.oci.image.manifest.v1+json";
    let documents = [
        (
            index,
            json!({ "schemaVersion": 2, "manifests": [{ "mediaType": image, "digest": digest, "size": 1,
                "platform": { "os": "\u{1b}[31mbeos", "architecture": "x\r\nerror: y" } }] }),
        ),
        (
            image,
            json!({ "schemaVersion": 2, "config":
                { "mediaType": "a", "digest": "\u{1b}[31mbeos:1", "size": 1 } }),
        ),
        ("text/plain", json!({ "mediaType": "\u{9b}31mbeos\u{7}" })),
    ];
    for (media_type, document) in documents {
        let (reference, media_type) = ("a:1".parse().unwrap(), media_type.into());
        let raw = document.to_string().into_bytes();
        bench
            .registry
            .put_manifest(&reference, &media_type, raw.into())
            .unwrap();
        let said = bench.pull(&["a:1", "d"]).ended(1).says(&["31mbeos"]);
        let lines: Vec<_> = said.err.lines().collect();
        assert!(!said.err.contains(|c: char| c.is_control() && c != '\n'));
        assert!(!lines.contains(&"error: y"), "{said:?}");
    }
}

#[test]
fn sizes_that_are_too_much_together_are_no_panic() {
    let bench = Bench::new();
    let blob =
        |name: &[u8]| json!({ "mediaType": "a", "digest": Digest::sha256(name), "size": i64::MAX });
    let manifest =
        json!({ "schemaVersion": 2, "config": blob(b"a"), "layers": [blob(b"b"), blob(b"c")] });
    let raw = manifest.to_string().into_bytes();
    let reference = "a:1".parse().unwrap();
    bench
        .registry
        .put_manifest(&reference, &MediaType::OciManifest, raw.into())
        .unwrap();
    for form in [&["a:1", "d"][..], &["a:1", "e", "--layers"]] {
        bench.pull(form).ended(1).says(&["blob"]);
    }
}

#[test]
fn a_hostile_image_touches_nothing_outside() {
    let bench = Bench::with(Settings::default());
    fs::write(bench.path("victim"), "safe").unwrap();
    let outside = bench.text("");
    let to_victim = bench.text("victim");
    let tricks: &[&[Entry<'_>]] = &[
        &[Entry::File("../evil", b"x")],
        &[Entry::File("a/../../evil", b"x")],
        &[Entry::Link("out", &outside), Entry::File("out/evil", b"x")],
        &[Entry::Link("out", "../.."), Entry::File("out/evil", b"x")],
        &[Entry::Link("file", &to_victim), Entry::File("file", b"x")],
        &[
            Entry::Link("out", &outside),
            Entry::File("out/.wh.victim", b""),
        ],
        &[
            Entry::Link("out", &outside),
            Entry::File("out/.wh..wh..opq", b""),
        ],
    ];
    for (index, trick) in tricks.iter().enumerate() {
        let source = format!("source{index}");
        layout(&[tar_of(trick)]).0.directory(&bench.path(&source));
        bench.push(&source, &["bad:1"]).ended(0);
        let root = format!("root{index}");
        let said = bench.pull(&["bad:1", &root, "--unpack"]);
        assert!([0, 1].contains(&said.code), "{said:?}");
        assert_eq!(said.code == 0, bench.path(&root).is_dir(), "{said:?}");
        assert_eq!(fs::read_to_string(bench.path("victim")).unwrap(), "safe");
        assert!(!bench.path("evil").exists(), "trick {index}");
        assert!(!bench.path("").parent().unwrap().join("evil").exists());
    }
    let said = bench.pull(&["bad:1", "files", "--layers"]);
    said.ended(0);
}

#[test]
fn a_reader_who_leaves_breaks_nothing() {
    let bench = filled();
    let url = bench.registry.url();
    for (directory, arguments, code) in [("d", ["a:1", "d"], 0), ("e", ["b:1", "e"], 1)] {
        let mut child = bench.start(&[&["pull", &url][..], &arguments].concat());
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert_eq!(bench.path(directory).exists(), code == 0);
    }
}
