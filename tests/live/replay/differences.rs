//! The comparison itself: recordings are like themselves, and each kind of difference is found and shown.

use super::compare::{Limits, difference, token_difference};
use super::lines::unversioned;
use super::order::Rule;
use super::trace::{Record, Values, read, recording, recordings, template};
use crate::support::TokenRequest;

const FREE: Limits = Limits {
    parallel: 7,
    connections: 0,
    rules: &[],
};

/// Changes a recording and gives what is then found.
#[track_caller]
fn found(name: &str, limits: Limits, change: impl FnOnce(&mut Vec<Record>)) -> Vec<String> {
    let recorded = recording(name);
    let mut sent = recorded.clone();
    change(&mut sent);
    for (seq, record) in (1..).zip(&mut sent) {
        record.seq = seq;
    }
    difference(&recorded, &sent, limits)
}

/// Every recording is like itself and keeps the order that all clients keep.
#[test]
fn a_recording_is_like_itself() {
    let mut count = 0;
    for entry in std::fs::read_dir(recordings()).expect("recordings") {
        let path = entry.expect("an entry").path();
        let name = path.to_string_lossy().into_owned();
        if !name.contains(".jsonl") || name.contains("token-server") {
            continue;
        }
        let recorded: Vec<Record> = read(&path);
        let limits = Limits {
            parallel: 16,
            ..FREE
        };
        assert_eq!(
            difference(&recorded, &recorded, limits),
            Vec::<String>::new(),
            "{name}"
        );
        for record in &recorded {
            // The placeholders of the recorder are those of the recordings.
            if !record.raw_path.is_empty() {
                assert_eq!(template(&record.raw_path), record.path, "{name}");
            }
        }
        count += 1;
    }
    assert!(count > 50, "only {count} recordings");
}

/// A request that was not sent, shown as a person reads it.
#[test]
fn a_missing_request_is_shown() {
    let lines = found("crane-repush", FREE, |sent| {
        sent.remove(1);
    });
    assert_eq!(
        lines,
        [
            "- 1× HEAD /v2/{name}/manifests/{tag} 200 [manifest] sent nothing, got nothing | Accept: \
             application/vnd.docker.distribution.manifest.v1+json,application/vnd.docker.distribution.manifest.v1+\
             prettyjws,application/vnd.docker.distribution.manifest.v2+json,application/vnd.oci.image.manifest.v1+\
             json,application/vnd.docker.distribution.manifest.list.v2+json,application/vnd.oci.image.index.v1+json \
             | User-Agent: crane/* go-containerregistry/*"
        ]
    );
}

#[test]
fn an_extra_existence_check_is_found() {
    let lines = found("containerd24-push-fresh", FREE, |sent| {
        let mut again = sent[0].clone();
        again.inflight = Some(1);
        sent.insert(1, again);
    });
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let start = "+ 1× HEAD /v2/{name}/blobs/{digest} 404 [config] sent nothing, got nothing | Accept: application/vnd.oci";
    assert!(lines[0].starts_with(start), "{lines:#?}");
}

/// One check too many for one blob and one too few for another: the same requests, but not of the same blobs.
#[test]
fn a_check_of_the_wrong_blob_is_found() {
    let lines = found("skopeo-push-oci-6layers-fresh", FREE, |sent| {
        let checks: Vec<usize> = (0..sent.len())
            .filter(|it| sent[*it].method == "HEAD" && sent[*it].status == Some(404))
            .collect();
        let [.., first, second] = checks[..4] else {
            panic!("{checks:?}")
        };
        sent[second].raw_path = sent[checks[0]].raw_path.clone();
        assert_ne!(sent[first].raw_path, sent[checks[0]].raw_path);
    });
    assert!(
        lines.iter().any(|it| it.starts_with(
            "- 2× one Layer: HEAD blobs/{digest} 404, then HEAD blobs/{digest} 404, then POST"
        )),
        "{lines:#?}"
    );
}

#[test]
fn another_header_is_found() {
    let lines = found("docker20-repush-same", FREE, |sent| {
        sent[2].req.remove("User-Agent");
    });
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].starts_with("- ") || lines[1].starts_with("- "));
    let lines = found("docker20-pull-again-uptodate", FREE, |sent| {
        let joined = "application/json, application/vnd.oci.image.manifest.v1+json".to_owned();
        sent[1].req.insert("Accept".to_owned(), Values::One(joined));
    });
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(
        lines.iter().any(|it| it.contains("Accept: 6 lines ")),
        "{lines:#?}"
    );
}

/// docker draws the order of its `Accept` lines anew for each request; it means nothing.
#[test]
fn the_order_of_header_lines_is_no_difference() {
    let lines = found("docker20-pull-again-uptodate", FREE, |sent| {
        let Some(Values::Many(accept)) = sent[1].req.get_mut("Accept") else {
            panic!("several lines")
        };
        accept.reverse();
    });
    assert_eq!(lines, Vec::<String>::new());
}

#[test]
fn a_body_in_the_commit_is_found() {
    let lines = found("skopeo-push-oci-1layer", FREE, |sent| {
        let patch = sent.iter().position(|it| it.method == "PATCH");
        let patch = sent.remove(patch.expect("a PATCH"));
        let put = sent.iter_mut().find(|it| it.method == "PUT");
        put.expect("a PUT").req_body = patch.req_body;
    });
    assert!(
        lines.iter().any(|it| it.starts_with("- 1× PATCH")),
        "{lines:#?}"
    );
    let put = lines.iter().find(|it| it.starts_with("+ 1× PUT"));
    assert!(put.is_some_and(|it| it.contains("sent much")), "{lines:#?}");
}

/// The manifest before the last blob, the config before the layers, a blob before the manifest, a late ping.
#[test]
fn a_wrong_order_is_found() {
    let last = |sent: &mut Vec<Record>| {
        let last = sent.pop().expect("a request");
        sent.insert(3, last);
    };
    let lines = found("docker20-repush-same", FREE, last);
    let wanted = "! order: all blobs are there before the tag is put: #4 PUT";
    assert!(lines.iter().any(|it| it.starts_with(wanted)), "{lines:#?}");

    let rules = Limits {
        rules: &[Rule::ConfigAfterLayers],
        ..FREE
    };
    let lines = found("skopeo-pull-6layers", rules, last);
    let wanted = "! order: the config follows the layers: #4 GET";
    assert!(lines.iter().any(|it| it.starts_with(wanted)), "{lines:#?}");

    let lines = found("skopeo-pull-6layers", FREE, |sent| sent.swap(1, 4));
    let wanted = "! order: the manifest is read before its blobs: #2 GET";
    assert!(lines.iter().any(|it| it.starts_with(wanted)), "{lines:#?}");

    let lines = found("docker20-pull-missing-tag", FREE, |sent| sent.swap(0, 1));
    assert_eq!(lines, ["! the first request is not the ping"]);
}

/// A request that began first but had not ended is out of order too, where the ends are known.
#[test]
fn what_overlaps_is_out_of_order() {
    let lines = found("docker20-pull-missing-tag", FREE, |sent| {
        for (record, (began, ended)) in sent.iter_mut().zip([(0, 2), (0, 1), (2, 3)]) {
            record.began = Some(began);
            record.ended = Some(ended);
        }
    });
    assert_eq!(
        lines,
        [
            "! order: the ping comes first: #2 HEAD /v2/{name}/manifests/{tag} 404 began before #1 GET /v2/ 200 had ended"
        ]
    );
}

#[test]
fn other_connections_are_found() {
    let lines = found("docker20-repush-same", FREE, |sent| {
        sent[4].conn = sent[3].conn;
    });
    assert_eq!(
        lines,
        ["! 8 connections for 9 requests, and the client opens one for each"]
    );
    let lines = found("crane-repush", FREE, |sent| sent[1].conn = 99);
    assert_eq!(lines, ["! 2 connections, and the client opens 1 at most"]);
}

#[test]
fn too_much_at_once_is_found() {
    let limits = Limits {
        parallel: 4,
        ..FREE
    };
    let lines = found("docker20-pull-6layers-oci", limits, |sent| {
        sent[7].inflight = Some(5);
    });
    assert_eq!(lines, ["! 5 requests at once, and the client keeps to 4"]);
}

/// containerd drops connections that bring more than it wants; one that reads all of them is another client.
#[test]
fn a_range_that_is_read_to_its_end_is_found() {
    let lines = found("containerd24-pull-multipart-2MiB", FREE, |sent| {
        for record in sent {
            record.error = None;
        }
    });
    assert_eq!(lines, ["! no connection was dropped in the middle"]);
    let lines = found("containerd24-pull-multipart-2MiB", FREE, |sent| {
        let bounded = Values::One("bytes=2097152-4194303".to_owned());
        sent[4].req.insert("Range".to_owned(), bounded);
    });
    assert_eq!(lines.len(), 2, "{lines:#?}");
}

#[test]
fn versions_are_no_difference() {
    let docker = r"docker/20.10.24+dfsg1 go/go1.19.8 git-commit/5d6db84 kernel/6.1.0 os/linux arch/amd64 UpstreamClient(Docker-Client/28.2.2 \(linux\))";
    assert_eq!(
        unversioned(docker),
        r"docker/* go/* git-commit/* kernel/* os/linux arch/amd64 UpstreamClient(Docker-Client/* \(linux\))"
    );
    assert_eq!(
        unversioned("crane/(devel) go-containerregistry/(devel)"),
        "crane/* go-containerregistry/*"
    );
    assert_eq!(unversioned("skopeo/1.9.3"), "skopeo/*");
}

/// What a request for a token says of encodings counts where it was noted.
#[test]
fn a_token_without_its_encoding_is_found() {
    let tokens = |name: &str| -> Vec<TokenRequest> {
        read(&recordings().join(format!("{name}.token-server.jsonl")))
    };
    let recorded = tokens("token-oras13-push");
    assert_eq!(token_difference(&recorded, &recorded), Vec::<String>::new());
    let mut sent = recorded.clone();
    sent[0].accept_encoding = None;
    let found = token_difference(&recorded, &sent);
    assert!(found[0].contains("Accept-Encoding: "), "{found:#?}");
    // This one is older.
    let recorded = tokens("token-containerd24-pull-creds");
    let mut sent = recorded.clone();
    sent[0].accept_encoding = Some("gzip".to_owned());
    assert_eq!(token_difference(&recorded, &sent), Vec::<String>::new());
}
