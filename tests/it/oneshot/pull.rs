//! An image into a directory.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regstorm::embedded::{Auth, Quirk, Settings};
use regstorm::oci::{Digest, MediaType, Operation, RepositoryName};
use regstorm::units::Secret;

use super::bench::{
    Bench, Entry, contents, gunzip, gzip, layout, names, noise, platforms, tar_of, two_layers,
};

fn filled(settings: Settings) -> Bench {
    let bench = Bench::with(settings);
    layout(&two_layers()).0.directory(&bench.path("oci"));
    bench.push("oci", &["a/b:1.0"]).ended(0);
    bench
}

#[test]
fn an_oci_layout_comes_back_file_for_file() {
    let bench = filled(Settings::default());
    let said = bench.pull(&["a/b:1.0", "back"]).ended(0);
    assert!(said.out.contains("3 blobs fetched, 0 present"), "{said:?}");
    assert_eq!(said.out.lines().count(), 1);
    let blobs = |name: &str| contents(&bench.path(name).join("blobs"));
    assert_eq!(blobs("back"), blobs("oci"));
    let index = fs::read_to_string(bench.path("back/index.json")).unwrap();
    assert!(
        index.contains(r#""org.opencontainers.image.ref.name":"1.0""#),
        "{index}"
    );
    // It is a source of a push, too.
    bench.push("back", &["c:1", "--reference", "1.0"]).ended(0);
    // Nothing is asked for again but the manifest.
    let before = bench.registry.requests().len();
    let said = bench.pull(&["a/b:1.0", "back"]).ended(0);
    assert!(said.out.contains("0 blobs fetched, 3 present"), "{said:?}");
    assert_eq!(bench.since(before), ["manifest-get 200"]);
}

#[test]
fn layers_stand_in_their_order() {
    let bench = filled(Settings::default());
    bench.pull(&["a/b:1.0", "files", "--layers"]).ended(0);
    let found = contents(&bench.path("files"));
    let [one, two] = two_layers();
    assert_eq!(found.len(), 4, "{:?}", names(&bench.path("files")));
    assert!(found[0].0.starts_with("01-") && found[1].0.starts_with("02-"));
    assert_eq!(gunzip(&found[0].1), one);
    assert_eq!(gunzip(&found[1].1), two);
    assert_eq!(
        (found[2].0.as_str(), found[3].0.as_str()),
        ("config.json", "manifest.json")
    );
    // Another image does not mix with it.
    let other = tar_of(&[Entry::File("x", b"x")]);
    layout(&[other]).0.directory(&bench.path("other"));
    bench.push("other", &["other:1"]).ended(0);
    bench
        .pull(&["other:1", "files", "--layers"])
        .ended(2)
        .says(&["another directory"]);
    assert_eq!(contents(&bench.path("files")), found);
}

#[test]
fn a_root_filesystem_has_its_whiteouts_applied() {
    let bench = filled(Settings::default());
    fs::create_dir(bench.path("root")).unwrap();
    bench.pull(&["a/b:1.0", "root", "--unpack"]).ended(0);
    assert_eq!(
        contents(&bench.path("root")),
        [
            ("big".to_owned(), noise(7, 200_000)),
            ("etc/name".to_owned(), b"upper".to_vec())
        ]
    );
    assert_eq!(names(bench.path("root").parent().unwrap()), ["oci", "root"]);
    bench
        .pull(&["a/b:1.0", "root", "--unpack"])
        .ended(2)
        .says(&["not empty"]);
}

#[test]
fn a_platform_is_chosen_from_an_index() {
    let bench = Bench::new();
    let (files, index, images) = platforms(&["arm64", "amd64"]);
    files.directory(&bench.path("oci"));
    bench.push("oci", &["a:1"]).ended(0);
    let said = bench.pull(&["a:1", "default"]).ended(0);
    assert!(
        said.out.contains(&images[1]) && said.out.contains("linux/amd64"),
        "{said:?}"
    );
    let by_digest = format!("a@{index}");
    let arguments = [&by_digest, "root", "--unpack", "--platform", "linux/arm64"];
    bench.pull(&arguments).ended(0);
    assert_eq!(fs::read_to_string(bench.path("root/for")).unwrap(), "arm64");
    bench
        .pull(&["a:1", "none", "--platform", "linux/s390x"])
        .ended(1)
        .says(&["linux/s390x", "linux/arm64, linux/amd64"]);
    assert!(!bench.path("none").exists());
}

#[test]
fn a_base_path_is_kept() {
    let bench = filled(Settings {
        base_path: "/link/to/registry".into(),
        ..Settings::default()
    });
    bench.pull(&["a/b:1.0", "back"]).ended(0);
    // A slash at the end makes no difference.
    let url = format!("{}/", bench.registry.url());
    bench.run(&["pull", &url, "a/b:1.0", "back2"]).ended(0);
    let requests = bench.registry.requests();
    assert!(
        requests
            .iter()
            .all(|it| it.target.starts_with("/link/to/registry/v2/"))
    );
}

#[test]
fn a_password_comes_from_anywhere_and_is_seen_nowhere() {
    const PASSWORD: &str = "open-sesame";
    let user = || ("ali".to_owned(), Secret::new(PASSWORD));
    let (basic, bearer) = (user(), user());
    let kinds = [
        Auth::Basic {
            user: basic.0,
            password: basic.1,
        },
        Auth::Bearer {
            user: bearer.0,
            password: bearer.1,
            token_lifetime: Duration::from_mins(1),
            anonymous_pull: false,
        },
    ];
    for auth in kinds {
        let bench = Bench::with(Settings {
            auth,
            ..Settings::default()
        });
        layout(&two_layers()).0.directory(&bench.path("oci"));
        fs::write(bench.path("password"), format!("{PASSWORD}\nmore")).unwrap();
        let file = ["a:1", "--user", "ali", "--password-file", "password"];
        bench.push("oci", &file).ended(0);
        let url = bench.registry.url();
        let from_variable = bench
            .command(&["pull", &url, "a:1", "one", "--user", "ali"])
            .env("REGSTORM_PASSWORD", PASSWORD)
            .output();
        super::bench::Said::from(from_variable.unwrap()).ended(0);
        let mut from_input = bench
            .command(&[
                "pull",
                &url,
                "a:1",
                "two",
                "--user",
                "ali",
                "--password-stdin",
            ])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = from_input.stdin.take().unwrap();
        writeln!(input, "{PASSWORD}").unwrap();
        drop(input);
        assert!(from_input.wait().unwrap().success());
        bench
            .pull(&["a:1", "three", "--user", &format!("ali:{PASSWORD}")])
            .ended(0);

        let wrong = bench
            .pull(&["a:1", "four", "--user", "ali:close-sesame"])
            .ended(5)
            .says(&["`ali`"]);
        assert!(!format!("{wrong:?}").contains("close-sesame"), "{wrong:?}");
        bench.pull(&["a:1", "four"]).ended(5).says(&["--user"]);
        bench
            .push("oci", &["a:2", "--user", "ali:close-sesame"])
            .ended(5)
            .says(&["`ali`"]);
        assert!(!bench.path("four").exists());
    }
}

#[test]
fn a_storage_host_sees_no_credentials() {
    let bench = filled(Settings {
        quirks: vec![Quirk::RedirectBlobs],
        auth: Auth::Open,
        ..Settings::default()
    });
    let arguments = [
        "a/b:1.0",
        "back",
        "--header",
        "Authorization: Basic eDp5",
        "--header",
        "X-Tenant: t",
    ];
    bench.pull(&arguments).ended(0);
    let requests = bench.registry.requests();
    let (storage, home): (Vec<_>, Vec<_>) = requests.iter().partition(|it| it.at_storage_host);
    assert_eq!(storage.len(), 3);
    for request in storage {
        assert_eq!(request.authorization(), None);
        assert_eq!(request.header("x-tenant"), None);
    }
    let gets: Vec<_> = home.iter().filter(|it| it.method == "GET").collect();
    assert_eq!(gets.len(), 4);
    for request in gets {
        assert_eq!(request.authorization(), Some("Basic"));
        assert_eq!(request.header("x-tenant"), Some("t"));
    }
}

/// A signed schema 1 manifest of these layers, top first, and the digest that registries give it.
fn schema1(layers: &[Digest]) -> (String, Digest) {
    let sums: Vec<String> = layers
        .iter()
        .map(|digest| format!(r#"{{"blobSum": "{digest}"}}"#))
        .collect();
    let head = format!(
        r#"{{"schemaVersion": 1, "name": "old", "tag": "1", "fsLayers": [{}]"#,
        sums.join(", ")
    );
    let protected = URL_SAFE_NO_PAD.encode(format!(
        r#"{{"formatLength":{},"formatTail":"{}"}}"#,
        head.len(),
        URL_SAFE_NO_PAD.encode("\n}")
    ));
    let signed = format!("{head}, \"signatures\": [{{\"protected\": \"{protected}\"}}]\n}}");
    (signed, Digest::sha256(format!("{head}\n}}").as_bytes()))
}

#[test]
fn schema_1_comes_as_layers_and_as_files() {
    let bench = Bench::new();
    let repository: RepositoryName = "old".parse().unwrap();
    let [one, two] = two_layers();
    let empty = gzip(&tar_of(&[]));
    let put = |bytes: &[u8]| {
        bench
            .registry
            .put_blob(&repository, bytes.to_vec().into())
            .unwrap()
    };
    let (lower, upper, empty) = (put(&gzip(&one)), put(&gzip(&two)), put(&empty));
    let (raw, digest) = schema1(&[empty, upper, empty, lower]);
    let kind = MediaType::DockerSchema1Signed;
    bench
        .registry
        .put_manifest(&"old:1".parse().unwrap(), &kind, raw.clone().into())
        .unwrap();

    let said = bench.pull(&["old:1", "files", "--layers"]).ended(0);
    assert!(said.out.contains(&digest.to_string()), "{said:?}");
    assert!(said.out.contains("3 blobs fetched"), "{said:?}");
    let files = contents(&bench.path("files"));
    let order: Vec<_> = files[..4]
        .iter()
        .map(|(_, bytes)| Digest::sha256(bytes))
        .collect();
    assert_eq!(order, [lower, empty, upper, empty]);
    assert_eq!(files[4], ("manifest.json".to_owned(), raw.into_bytes()));
    let before = bench.registry.requests().len();
    bench.pull(&["old:1", "files", "--layers"]).ended(0);
    assert_eq!(bench.since(before), ["manifest-get 200"]);

    bench.pull(&["old:1", "root", "--unpack"]).ended(0);
    assert_eq!(names(&bench.path("root/etc")), ["name"]);
    assert_eq!(
        fs::read_to_string(bench.path("root/etc/name")).unwrap(),
        "upper"
    );
    bench
        .pull(&["old:1", "oci"])
        .ended(1)
        .says(&["schema 1", "--layers"]);
    assert!(!bench.path("oci").exists());
    assert_eq!(
        names(bench.path("root").parent().unwrap()),
        ["files", "root"]
    );
    // A blob is not believed because nobody knows its size.
    assert_eq!(bench.requests(Operation::BlobGet).len(), 6);
}

#[test]
fn quiet_says_nothing_when_all_is_well() {
    let bench = filled(Settings::default());
    let said = bench.pull(&["a/b:1.0", "back", "--quiet"]).ended(0);
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", ""));
    let said = bench.push("oci", &["c:1", "-q"]).ended(0);
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", ""));
    let said = bench.pull(&["a/b:2.0", "back", "-q"]).ended(1);
    assert_eq!(said.err.lines().count(), 1, "{said:?}");
}
