use std::num::NonZeroU16;
use std::time::Duration;

use super::super::request::{Agent, Method, Pseudonym, Reference, Request};
use super::super::time::Timestamp;
use super::error::ReplayError;
use super::read::of_requests;
use super::sessions::Sessions;
use super::slice::Slice;
use super::*;
use crate::oci::Operation;

const NONE: Option<Reference> = None;

/// A request of session 1 to repository 1, well ended.
fn request(operation: Operation, reference: impl Into<Option<Reference>>, status: u16) -> Request {
    Request {
        start: Timestamp::from_nanos(0),
        client: Pseudonym::new(1),
        session: 1,
        method: Method::Get,
        operation: Some(operation),
        repository: Some(Pseudonym::new(1)),
        reference: reference.into(),
        upload: None,
        from: None,
        status: NonZeroU16::new(status),
        sent: None,
        received: None,
        duration: None,
        agent: Agent::Unknown,
        added: false,
    }
}

fn digest(number: u64) -> Reference {
    Reference::Digest(Pseudonym::new(number))
}

fn tag(number: u64) -> Reference {
    Reference::Tag(Pseudonym::new(number))
}

/// Requests that are a second apart.
fn read(requests: &[Request], slice: &Slice) -> Result<Sessions, ReplayError> {
    let requests = requests.iter().enumerate();
    let requests =
        requests.map(|(place, request)| Ok((Duration::from_secs(place as u64), *request)));
    let empty = ReplayError::Empty {
        requests: 0,
        span: Duration::ZERO,
    };
    of_requests(requests, slice, empty)
}

fn acts(sessions: &Sessions) -> Vec<Act> {
    sessions.all_steps().iter().map(|step| step.act).collect()
}

#[test]
fn a_pull_is_of_a_manifest_with_the_blobs_that_were_fetched() {
    let blob = |name, bytes| Request {
        received: Some(bytes),
        ..request(Operation::BlobGet, digest(name), 200)
    };
    let sessions = read(
        &[
            request(Operation::ManifestHead, tag(5), 200),
            request(Operation::ManifestGet, digest(6), 200),
            blob(7, 1_000),
            blob(8, 2_000_000),
            // Cut short: the size is the largest that was seen.
            blob(8, 70),
        ],
        &Slice::default(),
    )
    .unwrap();
    assert_eq!(
        acts(&sessions),
        [
            Act::ManifestHead(Name::Tag(0)),
            // The digest after a HEAD of a tag is that of the tag's manifest.
            Act::ManifestGet(Name::Digest(0)),
            Act::BlobGet(Name::Digest(0)),
            Act::BlobGet(Name::Digest(1)),
            Act::BlobGet(Name::Digest(1)),
        ]
    );
    assert_eq!(sessions.blobs(), [1_000, 2_000_000]);
    assert_eq!(sessions.manifests()[0].blobs, [0, 1]);
    // One manifest with its blobs: they need no other.
    let wanted = NeededManifest {
        repository: 0,
        manifest: 0,
        tag: Some(0),
    };
    assert_eq!(sessions.needs().manifests, [wanted]);
    assert_eq!(sessions.needs().blobs, []);
    assert_eq!(sessions.seeded_bytes(), 2_001_000);
    assert_eq!(sessions.span(), Duration::from_secs(4));
}

#[test]
fn what_is_written_before_it_is_read_is_not_seeded() {
    let patch = |sent| Request {
        upload: Some(Pseudonym::new(9)),
        sent: Some(sent),
        ..request(Operation::UploadPatch, NONE, 202)
    };
    let close = |name| Request {
        upload: Some(Pseudonym::new(9)),
        sent: Some(0),
        ..request(Operation::UploadPut, digest(name), 201)
    };
    let mut reader = request(Operation::ManifestGet, tag(5), 200);
    reader.session = 2;
    let mut other = request(Operation::BlobGet, digest(7), 200);
    other.session = 3;
    other.repository = Some(Pseudonym::new(2));
    let requests = [
        request(Operation::BlobHead, digest(7), 404),
        request(Operation::UploadStart, NONE, 202),
        patch(300),
        patch(700),
        close(7),
        request(Operation::BlobHead, digest(8), 200),
        request(Operation::ManifestPut, tag(5), 201),
        reader,
        other,
    ];
    let sessions = read(&requests, &Slice::default()).unwrap();
    assert_eq!(
        acts(&sessions),
        [
            Act::BlobHead(Name::NoDigest(7)),
            Act::Open { upload: 0 },
            Act::Patch { upload: 0, part: 0 },
            Act::Patch { upload: 0, part: 1 },
            Act::Close { upload: 0, part: 2 },
            Act::BlobHead(Name::Digest(1)),
            Act::ManifestPut {
                manifest: 0,
                tag: Some(0)
            },
            Act::ManifestGet(Name::Tag(0)),
            Act::BlobGet(Name::Digest(0)),
        ]
    );
    assert_eq!(
        sessions.uploads()[0].parts,
        [0..300, 300..1_000, 1_000..1_000]
    );
    // Pushed, and found there: both are the image's.
    assert_eq!(sessions.manifests()[0].blobs, [0, 1]);
    // The registry had the blob that was found; and the pushed one in another repository.
    assert_eq!(sessions.needs().manifests, []);
    assert_eq!(
        sessions.needs().blobs,
        [(0, 1), (1, 0)].map(|(repository, blob)| NeededBlob { repository, blob })
    );
    assert_eq!(sessions.repositories(), 2);

    // A tenth of each size, and at most 70 bytes: the parts of the upload go with it.
    let slice = Slice {
        scale: 0.1,
        max_blob: Some(70),
        ..Slice::default()
    };
    let small = read(&requests, &slice).unwrap();
    assert_eq!(small.blobs()[0], 70);
    assert_eq!(small.uploads()[0].parts, [0..21, 21..70, 70..70]);
    assert_eq!(small.checksum(), sessions.checksum());
}

#[test]
fn what_cannot_be_sent_is_counted_by_its_reason() {
    let mut unknown = request(Operation::Ping, NONE, 200);
    unknown.operation = None;
    let requests = [
        request(Operation::ManifestGet, tag(1), 401),
        request(Operation::Token, NONE, 200),
        request(Operation::Redirected, NONE, 200),
        request(Operation::ManifestPut, tag(1), 400),
        request(Operation::UploadPatch, NONE, 416),
        request(Operation::ManifestDelete, digest(1), 202),
        request(Operation::BlobDelete, digest(1), 404),
        request(Operation::UploadPatch, NONE, 202),
        unknown,
        request(Operation::BlobGet, NONE, 200),
        request(Operation::Ping, NONE, 200),
    ];
    let sessions = read(&requests, &Slice::default()).unwrap();
    let left_out = LeftOut {
        authentication: 2,
        redirected: 1,
        refused: 2,
        deletions: 2,
        uploads: 1,
        unknown: 2,
    };
    assert_eq!(*sessions.left_out(), left_out);
    assert_eq!(left_out.all() + 1, requests.len() as u64);
    assert_eq!(acts(&sessions), [Act::Ping]);
    let nothing = read(&requests[..10], &Slice::default()).unwrap_err();
    assert_eq!(
        nothing.to_string(),
        "no request of the slice can be replayed (2 of authentication, 1 behind redirects, 2 refused by the registry, \
         2 deletions, 1 of uploads without a start, 2 of no known endpoint)"
    );
    let deletes = Slice {
        deletes: true,
        ..Slice::default()
    };
    let sessions = read(&requests, &deletes).unwrap();
    assert_eq!(sessions.left_out().deletions, 0);
    assert_eq!(
        acts(&sessions)[..2],
        [
            Act::ManifestDelete(Name::Digest(0)),
            Act::BlobDelete(Name::NoDigest(1))
        ]
    );
    // What is to be deleted must be there.
    assert_eq!(sessions.needs().manifests.len(), 1);
}

#[test]
fn sessions_are_numbered_as_they_began_and_keep_their_order() {
    let ping = |session| Request {
        session,
        ..request(Operation::Ping, NONE, 200)
    };
    let requests = [9, 3, 9, 5, 3, 9].map(ping);
    let sessions = read(&requests, &Slice::default()).unwrap();
    let told: Vec<(u64, Vec<u64>)> = sessions
        .sessions()
        .iter()
        .map(|session| {
            let steps = sessions.steps(session).iter();
            let at = steps.map(|step| step.at_ns / 1_000_000_000);
            (session.at_ns / 1_000_000_000, at.collect())
        })
        .collect();
    assert_eq!(told, [(0, vec![0, 2, 5]), (1, vec![1, 4]), (3, vec![3])]);
    // All three at second 3.
    assert_eq!(sessions.most_at_once(), 3);
}

#[test]
fn a_stored_manifest_needs_its_blobs_in_every_repository_where_it_is_stored() {
    let mut put = request(Operation::ManifestPut, digest(4), 201);
    let mut again = put;
    again.session = 2;
    again.repository = Some(Pseudonym::new(2));
    put.sent = Some(900);
    let requests = [request(Operation::BlobHead, digest(7), 200), put, again];
    let sessions = read(&requests, &Slice::default()).unwrap();
    assert_eq!(
        sessions.needs().blobs,
        [(0, 0), (1, 0)].map(|(repository, blob)| NeededBlob { repository, blob })
    );
    assert_eq!(sessions.manifests().len(), 1);
    assert_eq!(sessions.manifests()[0].size, 900);
    let bytes = 64 << 10;
    assert_eq!(sessions.untold(), Untold { blobs: 1, bytes });
    assert_eq!(sessions.blobs(), [bytes]);
}

#[test]
fn what_is_stored_first_is_fresh_and_what_is_seeded_is_not() {
    let upload = |name| Request {
        upload: Some(Pseudonym::new(90)),
        ..request(Operation::UploadPut, digest(name), 201)
    };
    let requests = [
        // Blob 7 and the manifest are stored before they are read, blob 8 after.
        request(Operation::UploadStart, NONE, 202),
        upload(7),
        request(Operation::BlobGet, digest(8), 200),
        request(Operation::UploadStart, NONE, 202),
        upload(8),
        request(Operation::ManifestPut, tag(5), 201),
        request(Operation::ManifestGet, tag(5), 200),
        request(Operation::BlobGet, digest(7), 200),
        request(Operation::BlobHead, digest(7), 404),
    ];
    let sessions = read(&requests, &Slice::default()).unwrap();
    let fresh = sessions.fresh();
    // The blob, the manifest, and its tag.
    assert_eq!(fresh.count(), 3);
    let steps = sessions.all_steps();
    let read_by: Vec<bool> = steps.iter().map(|it| fresh.read_by(it).is_some()).collect();
    assert_eq!(
        read_by,
        [false, false, false, false, false, false, true, true, false]
    );
    let stored = |place: usize| {
        fresh
            .stored_by(&steps[place], sessions.closed(&steps[place]))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (stored(1).len(), stored(4).len(), stored(5).len()),
        (1, 0, 2)
    );
    assert_eq!(stored(1)[0], fresh.read_by(&steps[7]).unwrap());
    assert!(stored(5).contains(&fresh.read_by(&steps[6]).unwrap()));
}

/// A trace can say any number, and a sum that overflows ends the program.
#[test]
fn parts_of_any_size_are_added_up() {
    let of_upload = |operation, reference: Option<Reference>, status| Request {
        upload: Some(Pseudonym::new(4)),
        sent: Some(u64::MAX),
        ..request(operation, reference, status)
    };
    let requests = [
        of_upload(Operation::UploadStart, NONE, 202),
        of_upload(Operation::UploadPatch, NONE, 202),
        of_upload(Operation::UploadPatch, NONE, 202),
        of_upload(Operation::UploadPut, Some(digest(3)), 201),
    ];
    let sessions = read(&requests, &Slice::default()).unwrap();
    let most = 1 << 42;
    assert_eq!(sessions.blobs(), [most]);
    let parts: Vec<_> = sessions.uploads()[0].parts.clone();
    assert_eq!(parts, [0..most, most..most, most..most]);
}

#[test]
fn a_size_is_that_of_content_and_not_of_what_a_redirect_or_an_error_says() {
    let of = |operation, name, status, received| Request {
        received: Some(received),
        ..request(operation, digest(name), status)
    };
    let patch = |name, sent| Request {
        upload: Some(Pseudonym::new(name)),
        sent: Some(sent),
        ..request(Operation::UploadPatch, NONE, 202)
    };
    let close = |name, sent| Request {
        upload: Some(Pseudonym::new(name)),
        sent: Some(sent),
        ..request(Operation::UploadPut, digest(name), 201)
    };
    let open = request(Operation::UploadStart, NONE, 202);
    let requests = [
        // The blob is elsewhere, and its size is known from there.
        of(Operation::BlobGet, 1, 307, 400),
        of(Operation::Redirected, 1, 200, 90_000),
        of(Operation::Redirected, 99, 200, 1_000_000), // of no request before it
        of(Operation::BlobGet, 2, 503, 7_000_000),
        of(Operation::BlobGet, 2, 200, 3_000),
        // A proxy that counts heads with bodies: what was fetched is the size.
        open,
        patch(3, 50_400),
        close(3, 390),
        of(Operation::BlobGet, 3, 200, 50_000),
        // The client left before its end.
        open,
        patch(4, 5_000_000),
        close(4, 0),
        of(Operation::BlobGet, 4, 200, 60_000),
        of(Operation::ManifestGet, 5, 503, 100_000),
    ];
    let sessions = read(&requests, &Slice::default()).unwrap();
    assert_eq!(sessions.blobs()[..4], [90_000, 3_000, 50_000, 5_000_000]);
    assert_eq!(sessions.manifests()[0].size, 0);
    assert_eq!((sessions.untold().blobs, sessions.cut_off()), (0, 1));
}

#[test]
fn an_upload_that_was_not_taken_in_one_request_goes_on() {
    let post = Request {
        sent: Some(800),
        ..request(Operation::UploadPost, digest(7), 202)
    };
    let put = Request {
        sent: Some(800),
        upload: Some(Pseudonym::new(1)),
        ..request(Operation::UploadPut, digest(7), 201)
    };
    // Its log has cut the query: which blob was mounted is not known.
    let mount = request(Operation::UploadMount, NONE, 201);
    let sessions = read(&[post, put, mount], &Slice::default()).unwrap();
    assert_eq!(
        acts(&sessions),
        [
            Act::Post {
                blob: 0,
                upload: Some(0)
            },
            Act::Close { upload: 0, part: 0 },
            Act::Mount { blob: 1, from: 1 },
        ]
    );
    assert_eq!(sessions.blobs()[0], 800);
    let parts = sessions.uploads()[0].parts.as_slice();
    let all = Part { start: 0, end: 800 };
    assert_eq!(parts, std::slice::from_ref(&all));
    let mounted = NeededBlob {
        repository: 1,
        blob: 1,
    };
    assert_eq!(sessions.needs().blobs, [mounted]);
    // A request that had no response may have been served.
    let mut unanswered = request(Operation::BlobGet, digest(7), 200);
    unanswered.status = None;
    let sessions = read(&[unanswered], &Slice::default()).unwrap();
    assert_eq!(acts(&sessions), [Act::BlobGet(Name::Digest(0))]);
}

#[test]
fn tags_that_a_trace_lists_are_those_that_it_has_pushed_where_it_has() {
    let list = request(Operation::TagsList, NONE, 200);
    let push = request(Operation::ManifestPut, tag(5), 201);
    let needed = |requests: &[Request]| {
        let sessions = read(requests, &Slice::default()).unwrap();
        sessions.needs().manifests.len()
    };
    assert_eq!(needed(&[push, list]), 0);
    assert_eq!(needed(&[list, push]), 1);
}

#[test]
fn a_manifest_for_which_nothing_was_pushed_is_of_what_the_repository_has() {
    let requests = [
        request(Operation::BlobHead, digest(7), 200),
        request(Operation::ManifestPut, tag(5), 201),
        request(Operation::ManifestPut, tag(6), 201),
        // The client knows the digest of what it has stored.
        request(Operation::ManifestDelete, digest(9), 202),
    ];
    let slice = Slice {
        deletes: true,
        ..Slice::default()
    };
    let sessions = read(&requests, &slice).unwrap();
    let shapes = sessions.manifests().iter();
    let blobs: Vec<_> = shapes.map(|it| it.blobs.clone()).collect();
    assert_eq!(blobs, [[0], [0]]);
    assert_eq!(sessions.needs().manifests, []);
    let deleted = acts(&sessions).pop();
    assert_eq!(deleted, Some(Act::ManifestDelete(Name::Digest(1))));
}

#[test]
fn what_an_import_has_put_back_is_sent_although_it_has_no_name() {
    let added = Request {
        added: true,
        ..request(Operation::BlobHead, NONE, 404)
    };
    let sessions = read(&[added, added], &Slice::default()).unwrap();
    let names = [1, 2].map(|it| Act::BlobHead(Name::NoDigest(it)));
    assert_eq!(acts(&sessions), names);
}

/// As oras does: it looks for the digest, stores the manifest under a tag, and others then fetch the digest.
#[test]
fn a_manifest_that_was_missed_by_its_digest_is_the_one_that_is_stored_under_a_tag() {
    use Operation::{ManifestGet, ManifestHead, ManifestPut};
    let sessions = read(
        &[
            // One that is stored by its digest, and the one that is tagged.
            request(ManifestHead, digest(7), 404),
            request(ManifestHead, digest(8), 404),
            request(ManifestPut, digest(7), 201),
            request(ManifestPut, tag(1), 201),
            Request {
                session: 2,
                ..request(ManifestGet, digest(8), 200)
            },
            // What is stored under the next tag is something else.
            request(ManifestPut, tag(2), 201),
        ],
        &Slice::default(),
    )
    .unwrap();
    let acts = acts(&sessions);
    let put = |manifest, tag| Act::ManifestPut { manifest, tag };
    assert_eq!(
        acts[2..],
        [
            put(0, None),
            put(1, Some(0)),
            put(2, Some(1)),
            Act::ManifestGet(Name::Digest(1)),
        ]
    );
    assert_eq!(sessions.needs().manifests, []);
}
