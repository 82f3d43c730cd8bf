//! Which statuses each client takes for a success beside those of the specification, as its source says.
//!
//! docker: `SuccessStatus` of distribution's client (200 to 399), and a ping of which only 401 is looked at. containerd: the
//! switches of its pusher and fetcher. skopeo and podman: `successStatus` for `PATCH` and manifests, one status elsewhere.
//! crane: the lists that it gives to `CheckError`. oras: one status each.

use regstorm::oci::{Digest, Operation, Verify};
use regstorm::profile::{Habits, Profile, Retry};
use regstorm::registry::{Error, Kind, Wanted};
use regstorm::transport::Body;

use super::redirects::an_image;
use super::user::{User, UserSettings, body, content, name, refusal, run, tag};
use super::wire::{Request, Wire, answer};
use crate::support::{assert_closed, plan, run as run_plan};

const DOCKER: [&str; 2] = ["docker", "docker-29"];
const CONTAINERD: [&str; 3] = ["containerd", "containerd-1.6", "buildkit"];
const PODMAN: [&str; 2] = ["podman", "podman-storage"];

/// A user with the habits of that client.
fn user_of(client: &str, url: &str) -> User {
    let habits = Habits {
        retry: Retry::NEVER,
        ..Profile::named(client).expect("a client").habits()
    };
    User::with(
        url,
        UserSettings {
            habits,
            ..UserSettings::default()
        },
    )
}

/// A registry that takes everything, and answers what `matches` with that status.
fn odd(status: u16, matches: fn(&Request) -> bool) -> Wire {
    Wire::answering(move |request, _| {
        let (usual, location) = match request.method.as_str() {
            "POST" | "PATCH" => (202, "Location: /v2/a/blobs/uploads/1"),
            "PUT" => (201, "Location: /stored"),
            "DELETE" => (202, "X-Nothing: 1"),
            _ => (200, "X-Nothing: 1"),
        };
        let status = if matches(request) { status } else { usual };
        // 204 has no body, and says nothing of its length.
        if status == 204 {
            return format!("HTTP/1.1 204 No Content\r\n{location}\r\n\r\n").into_bytes();
        }
        answer(&format!("{status} Odd"), &[location], "")
    })
}

/// Every client does `what`, and those of `takes` alone take each of their statuses for a success.
fn judged(
    takes: &[(&[&str], &[u16])],
    statuses: &[u16],
    matches: fn(&Request) -> bool,
    what: &impl AsyncFn(&User) -> Result<(), Error>,
) {
    for &status in statuses {
        for client in Profile::ALL.map(|it| it.name) {
            let site = odd(status, matches);
            let user = user_of(client, &site.url());
            let wanted = (takes.iter())
                .any(|(clients, taken)| clients.contains(&client) && taken.contains(&status));
            match run(what(&user)) {
                Ok(()) => assert!(wanted, "{client} takes {status}"),
                Err(error) => {
                    assert!(!wanted, "{client} refuses {status}: {error}");
                    assert_eq!(refusal(&error).expect("a status").as_u16(), status);
                }
            }
            // The exchange has one end, which says the same.
            let all = user.journal.all();
            let last = all.iter().rfind(|it| it.status == Some(status));
            let end = &last.expect("it was answered").end;
            assert_eq!(end == "ok", wanted, "{client} {status}");
        }
    }
}

#[test]
fn a_manifest_that_is_stored() {
    judged(
        &[
            (&DOCKER, &[200, 202, 204, 206, 299]),
            (&PODMAN, &[200, 202, 204, 206, 299]),
            (&CONTAINERD, &[200, 204]),
            (&["crane"], &[200, 202]),
        ],
        &[200, 202, 204, 206, 299, 400, 500],
        |request| request.method == "PUT",
        &async |user| {
            let (a, t, manifest) = (name("a"), tag("t"), an_image());
            user.client.manifest_put(&a, &t, &manifest).await.map(drop)
        },
    );
}

#[test]
fn a_blob_that_is_stored() {
    judged(
        &[(&DOCKER, &[200, 202, 204, 299]), (&CONTAINERD, &[200, 204])],
        &[200, 202, 204, 299, 404, 503],
        |request| request.method == "PUT",
        &async |user| {
            let session = user.client.upload_start(&name("a")).await?;
            session.put(&Digest::sha256(b""), &Body::empty).await
        },
    );
}

#[test]
fn a_session_that_is_opened() {
    judged(
        &[(&CONTAINERD, &[200, 204])],
        &[200, 203, 204],
        |request| request.method == "POST",
        &async |user| user.client.upload_start(&name("a")).await.map(drop),
    );
}

#[test]
fn bytes_that_are_taken() {
    judged(
        &[
            (&DOCKER, &[200, 204, 206]),
            (&PODMAN, &[200, 204, 206]),
            (&["crane"], &[204]),
        ],
        &[200, 204, 206, 416],
        |request| request.method == "PATCH",
        &async |user| {
            let session = user.client.upload_start(&name("a")).await?;
            let session = session.patch(&body(&content(9)), None).await?;
            session
                .put(&Digest::sha256(&content(9)), &Body::empty)
                .await
        },
    );
}

#[test]
fn what_is_deleted() {
    judged(
        &[(&DOCKER, &[200, 204]), (&["crane"], &[200])],
        &[200, 204, 405],
        |request| request.method == "DELETE",
        &async |user| {
            let (a, t, digest) = (name("a"), tag("t"), Digest::sha256(b""));
            assert!(user.client.manifest_delete(&a, &t).await?);
            assert!(user.client.blob_delete(&a, &digest).await?);
            Ok(())
        },
    );
}

#[test]
fn what_is_there() {
    judged(
        &[(&DOCKER, &[203, 204])],
        &[203, 204, 403],
        |request| request.method == "HEAD",
        &async |user| {
            let (a, digest) = (name("a"), Digest::sha256(b""));
            assert!(user.client.blob_head(&a, &digest).await?.is_some());
            Ok(())
        },
    );
    judged(
        &[(&DOCKER, &[203]), (&CONTAINERD, &[203])],
        &[203, 404, 500],
        |request| request.method == "GET",
        &async |user| {
            let wanted = Wanted {
                digest: Digest::sha256(b""),
                size: Some(0),
                verify: Verify::Digest,
            };
            let (a, mut nowhere) = (name("a"), regstorm::client::Discard);
            user.client
                .blob_get(&a, wanted, &mut nowhere)
                .await
                .map(drop)
        },
    );
}

#[test]
fn only_docker_goes_on_whatever_a_ping_says() {
    judged(
        &[(&DOCKER, &[204, 403, 404, 500, 503])],
        &[204, 403, 404, 500, 503],
        |request| request.target == "/v2/",
        &async |user| user.client.greet().await.map(drop),
    );
    // Asked whether there is a registry, the same answer is none for anybody.
    let site = odd(404, |_| true);
    for client in Profile::ALL.map(|it| it.name) {
        run(user_of(client, &site.url()).client.ping()).unwrap_err();
    }
}

#[test]
fn a_session_stays_where_it_is_for_docker_alone() {
    for client in Profile::ALL.map(|it| it.name) {
        let site = Wire::answering(|request, _| match request.method.as_str() {
            "POST" => answer("202 Accepted", &["Location: /up/1?_state=a%3D"], ""),
            "PATCH" => answer("202 Accepted", &["Range: 0-8"], ""),
            "PUT" => answer("201 Created", &[], ""),
            _ => answer("204 No Content", &[], ""),
        });
        let user = user_of(client, &site.url());
        let blob = content(9);
        let ended = run(async {
            let session = user.client.upload_start(&name("a")).await.unwrap();
            let session = session.patch(&body(&blob), None).await?;
            session.put(&Digest::sha256(&blob), &Body::empty).await
        });
        if DOCKER.contains(&client) {
            ended.unwrap();
            let put = &site.requests()[2];
            assert!(
                put.target.starts_with("/up/1?_state=a%3D&digest=sha256"),
                "{put:?}"
            );
        } else {
            let error = ended.unwrap_err();
            assert!(
                matches!(error.kind(), Kind::Protocol(_)),
                "{client}: {error}"
            );
        }
    }
}

#[test]
fn a_token_that_comes_with_another_success() {
    for (status, takes) in [
        (
            "201 Created",
            &[
                "docker",
                "docker-29",
                "containerd",
                "containerd-1.6",
                "buildkit",
            ][..],
        ),
        ("400 Bad Request", &[]),
    ] {
        for client in Profile::ALL.map(|it| it.name) {
            let site = Wire::answering(move |request, _| match request.header("authorization") {
                _ if request.target.starts_with("/token") => {
                    answer(status, &[], "{\"token\":\"t\"}")
                }
                Some("Bearer t") => answer("200 OK", &[], ""),
                _ => answer("401 No", &["WWW-Authenticate: Bearer realm=\"/token\""], ""),
            });
            let user = user_of(client, &site.url());
            let (a, digest) = (name("a"), Digest::sha256(b""));
            let head = run(user.client.blob_head(&a, &digest));
            assert_eq!(head.is_ok(), takes.contains(&client), "{client} {status}");
        }
    }
}

#[test]
fn a_registry_is_prepared_whatever_its_successes_are() {
    // None of these is what the specification says, and none of it is measured.
    let site = Wire::answering(|request, _| match request.method.as_str() {
        "POST" => answer("200 OK", &["Location: /v2/a/blobs/uploads/1"], ""),
        "PUT" if request.target.contains("/manifests/") => answer("202 Accepted", &[], ""),
        "HEAD" if request.target.contains("/blobs/") => answer("404 Not Found", &[], ""),
        _ => answer("200 OK", &[], ""),
    });
    let scenario = "name = \"odd\"\n[target]\nurl = \"embedded\"\n[images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"1KiB\"\n[journey.j]\naction = \"poll\"\nmethod = \"head\"\nimages = \"web\"\n[[load]]\njourney = \"j\"\nexecutor = \"shared-iterations\"\nvus = 1\niterations = 1\n[prepare]\nclean_up = \"all\"\n";
    let finished = run_plan(&plan(scenario, &site.url(), 1)).unwrap();
    assert_closed(&finished);
    let puts = site.requests().into_iter().filter(|it| it.method == "PUT");
    assert_eq!(puts.count(), 3, "a layer, a config and a manifest");
    let failed: Vec<_> = [
        regstorm::measure::Period::Prepare,
        regstorm::measure::Period::CleanUp,
    ]
    .into_iter()
    .flat_map(|period| finished.record.tally(period).operations())
    .filter(|(_, tally)| tally.outcomes.failed > 0)
    .map(|(operation, _)| operation)
    .collect();
    assert_eq!(failed, Vec::<Operation>::new());
}
