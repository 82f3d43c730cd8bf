//! What the recordings of crane 0.22 and oras 1.3 show of single requests. The live tests hold whole sequences against
//! the recordings themselves; these need nothing but this repository.

use regstorm::client::{Known, PushOptions, Pushed, push};
use regstorm::content::{Image, SizeSpec, SyntheticSet, SyntheticSpec};
use regstorm::embedded::{RequestRecord, Running, Settings};
use regstorm::oci::{ImageName, Operation};
use regstorm::profile::Profile;
use regstorm::units::{ByteSize, Credentials, Secret};

use super::encodings::encode;
use super::user::{PASSWORD, User, UserSettings, agree, bob, name, registry, run, tag};
use super::wire::{Wire, answer};

const LAYERS: usize = 3;

fn image() -> Image {
    let spec = SyntheticSpec {
        layers: LAYERS.into(),
        layer_size: SizeSpec::Fixed(ByteSize::from_bytes(3_000)),
        ..SyntheticSpec::default()
    };
    SyntheticSet::new(spec, 11).expect("a set").image(0)
}

fn user(url: &str, client: &str, credentials: Option<Credentials>) -> User {
    let settings = UserSettings {
        habits: Profile::named(client).expect("a profile").habits(),
        credentials,
        ..UserSettings::default()
    };
    User::with(url, settings)
}

/// Pushes the image to a repository, from where `mount_from` has it.
async fn pushed(user: &User, repository: &str, mount_from: Option<&str>) -> Pushed {
    let reference = ImageName {
        repository: name(repository),
        reference: tag("v1"),
    };
    let options = PushOptions {
        mount_from: mount_from.map(name),
        known: Known::Nothing,
    };
    push(&user.client, &reference, &image(), &options, &())
        .await
        .expect("a push")
}

/// A registry that has the image under `team/six`, and the requests of a push to `other/copy` that mounts.
fn mounted(client: &str) -> (Running, Vec<RequestRecord>) {
    let site = registry(Settings::default());
    let seeder = user(&site.url(), "plain", None);
    run(pushed(&seeder, "team/six", None));
    let before = site.requests().len();
    let pusher = user(&site.url(), client, None);
    let done = run(pushed(&pusher, "other/copy", Some("team/six")));
    assert_eq!(done.blobs.mounted, LAYERS + 1, "{client}");
    run(agree(&site, &[&seeder, &pusher]));
    let requests = site.requests().split_off(before);
    (site, requests)
}

fn operations(requests: &[RequestRecord]) -> Vec<Operation> {
    requests.iter().filter_map(|it| it.operation).collect()
}

/// `crane22-cp-mount`: `origin=127.0.0.1%3A25204`. go-containerregistry sends `RegistryStr()`, which has the port.
#[test]
fn crane_names_the_port_of_the_origin() {
    let (site, requests) = mounted("crane");
    let origin = format!("&origin=127.0.0.1%3A{}", site.addr().port());
    let mounts: Vec<_> = requests
        .iter()
        .filter(|it| it.operation == Some(Operation::UploadMount))
        .collect();
    assert_eq!(mounts.len(), LAYERS + 1);
    for mount in mounts {
        let start = "/v2/other/copy/blobs/uploads/?from=team%2Fsix&mount=sha256%3A";
        assert!(mount.target.starts_with(start), "{}", mount.target);
        assert!(mount.target.ends_with(&origin), "{}", mount.target);
    }
}

/// `crane22-cp-mount`, request 9: the second ping follows the first existence checks and precedes every mount.
#[test]
fn crane_pings_just_before_its_first_mount() {
    let (_, requests) = mounted("crane");
    let all = operations(&requests);
    let place = |wanted| all.iter().position(|it| *it == wanted).expect("one");
    let pings: Vec<usize> = (0..all.len())
        .filter(|it| all[*it] == Operation::Ping)
        .collect();
    assert_eq!(pings.len(), 2, "{all:?}");
    assert_eq!(pings[0], 0, "{all:?}");
    assert!(pings[1] > place(Operation::BlobHead), "{all:?}");
    assert!(pings[1] < place(Operation::UploadMount), "{all:?}");
}

/// go-containerregistry widens its scopes, with a ping, when a layer that may be mounted is missing; never before.
#[test]
fn crane_pings_once_where_nothing_is_mounted() {
    let (site, _) = mounted("crane");
    let before = site.requests().len();
    // Another tag, so that the check of the manifest does not end the push: every blob is there.
    let again = user(&site.url(), "crane", None);
    let reference = ImageName {
        repository: name("other/copy"),
        reference: tag("v2"),
    };
    let options = PushOptions {
        mount_from: Some(name("team/six")),
        known: Known::Nothing,
    };
    let done = run(push(&again.client, &reference, &image(), &options, &())).expect("a push");
    assert_eq!(done.blobs.existed, LAYERS + 1);
    let all = operations(&site.requests().split_off(before));
    let pings = all.iter().filter(|it| **it == Operation::Ping).count();
    assert_eq!(pings, 1, "{all:?}");
}

/// `oras13-cp-mount`: `mount` first, a colon and a slash as they are; and the name of the program, not of its library.
#[test]
fn oras_mounts_as_it_was_recorded() {
    let (_, requests) = mounted("oras");
    let start = "/v2/other/copy/blobs/uploads/?mount=sha256:";
    let end = "&from=team/six";
    let mounts: Vec<_> = requests
        .iter()
        .filter(|it| it.operation == Some(Operation::UploadMount))
        .collect();
    assert_eq!(mounts.len(), LAYERS + 1);
    for mount in mounts {
        assert!(mount.target.starts_with(start), "{}", mount.target);
        assert!(mount.target.ends_with(end), "{}", mount.target);
    }
    for request in &requests {
        assert_eq!(request.header("user-agent"), Some("oras/1.3.6"));
    }
}

/// `oras13-push`, request 1: asked by digest whether the manifest is there, with every type that oras knows.
#[test]
fn oras_checks_a_manifest_with_all_its_types() {
    let (_, requests) = mounted("oras");
    let head = &requests[0];
    assert_eq!(head.method, "HEAD");
    assert!(
        head.target.starts_with("/v2/other/copy/manifests/sha256:"),
        "{}",
        head.target
    );
    assert_eq!(
        head.header("accept"),
        Some(
            "application/vnd.docker.distribution.manifest.v2+json, \
             application/vnd.docker.distribution.manifest.list.v2+json, \
             application/vnd.oci.image.manifest.v1+json, \
             application/vnd.oci.image.index.v1+json, \
             application/vnd.oci.artifact.manifest.v1+json"
        )
    );
}

/// What Go's client puts on every request that is no `HEAD`, it puts on those for tokens, in both their forms.
#[test]
fn tokens_are_asked_for_with_the_encodings_of_the_client() {
    for profile in Profile::ALL {
        let identity = Credentials::IdentityToken(Secret::new("idt"));
        for credentials in [Some(bob(PASSWORD)), Some(identity), None] {
            let site = guarded();
            let user = user(&site.url(), profile.name, credentials);
            // Whether what comes is a token of this registry does not matter here.
            let _ = run(user.client.manifest_head(&name("a"), &tag("t")));
            let requests = site.requests();
            let tokens: Vec<_> = requests
                .iter()
                .filter(|it| it.target.starts_with("/token"))
                .collect();
            assert!(!tokens.is_empty(), "{}", profile.name);
            let wanted = (profile.name != "plain").then_some("gzip");
            for token in tokens {
                let encoding = token.header("accept-encoding");
                assert_eq!(encoding, wanted, "{} {}", profile.name, token.method);
            }
        }
    }
}

/// A peer that wants a token of itself, and gives none.
fn guarded() -> Wire {
    Wire::answering(|request, _| {
        if request.target.starts_with("/token") {
            return answer("403 No", &[], "");
        }
        let challenge = "WWW-Authenticate: Bearer realm=\"/token\",service=\"s\"";
        answer("401 No", &[challenge], "")
    })
}

/// And what comes encoded is read.
#[test]
fn a_token_in_an_encoding_is_a_token() {
    let site = Wire::answering(|request, _| {
        if request.target.starts_with("/token") {
            let packed = encode("gzip", br#"{"token":"t"}"#);
            return answer("200 OK", &["Content-Encoding: gzip"], packed);
        }
        if request.header("authorization") == Some("Bearer t") {
            return answer("404 No", &[], "");
        }
        let challenge = "WWW-Authenticate: Bearer realm=\"/token\",service=\"s\"";
        answer("401 No", &[challenge], "")
    });
    let user = user(&site.url(), "docker", Some(bob(PASSWORD)));
    let found = run(user.client.manifest_head(&name("a"), &tag("t")));
    assert_eq!(found.expect("an answer"), None);
}
