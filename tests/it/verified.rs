use std::io;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use regstorm::client::Discard;
use regstorm::embedded::{Fault, FaultKind, Point, Running, Settings, When};
use regstorm::engine::{self, Finished, Progress};
use regstorm::measure::{FailureClass, Period};
use regstorm::oci::{Algorithm, Digest, Hasher, Operation, Verify};
use regstorm::registry::{BlobSink, Kind, VerifiedCopies, Wanted};
use regstorm::units::ByteSize;

use crate::protocol::user::{User, content, name, run};
use crate::protocol::wire::{Request, Wire, answer};
use crate::support::{assert_closed, plan, registry};

const SIZE: usize = 50_000;

/// How a blob came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Well,
    /// Hashed, and its digest is another.
    OtherDigest,
    /// Not hashed, and unlike the copy that was.
    UnlikeVerified,
    OtherSize,
    Cut,
}

use Came::{Cut, OtherDigest, OtherSize, UnlikeVerified, Well};

/// A registry with one blob.
struct Scene {
    registry: Running,
    blob: Bytes,
}

impl Scene {
    fn new() -> Self {
        let (registry, blob) = (registry(Settings::default()), content(SIZE));
        registry.put_blob(&name("a"), blob.clone()).expect("room");
        Self { registry, blob }
    }

    fn wanted(&self, verify: Verify) -> Wanted {
        Wanted {
            digest: Digest::sha256(&self.blob),
            size: Some(SIZE as u64),
            verify,
        }
    }

    /// Somebody who knows these copies.
    fn user(&self, copies: &Rc<VerifiedCopies>) -> User {
        let mut user = User::new(&self.registry.url());
        user.client = user.client.sharing_copies(Rc::clone(copies));
        user
    }

    fn spoil(&self, fault: Option<FaultKind>) {
        let faults = fault.map(|kind| Fault::on(Operation::BlobGet, kind));
        let set = self.registry.set_faults(faults.into_iter().collect());
        set.expect("it runs");
    }

    /// Fetches the blob as it is.
    fn good(&self, user: &User, verify: Verify) -> Came {
        self.spoil(None);
        get(user, self.wanted(verify), &mut Discard)
    }

    /// Fetches the blob with its last byte wrong.
    fn spoilt(&self, user: &User, verify: Verify) -> Came {
        self.spoil(Some(FaultKind::Corrupt(SIZE as u64 - 1)));
        get(user, self.wanted(verify), &mut Discard)
    }
}

fn get(user: &User, wanted: Wanted, sink: &mut dyn BlobSink) -> Came {
    match run(user.client.blob_get(&name("a"), wanted, sink)) {
        Ok(_) => Well,
        Err(error) => match error.kind() {
            Kind::Digest { expected, found } => {
                assert_eq!(*expected, wanted.digest);
                assert_ne!(found, expected);
                OtherDigest
            }
            Kind::UnlikeVerified { expected } => {
                assert_eq!(*expected, wanted.digest);
                assert!(error.to_string().contains("digest mismatch"), "{error}");
                UnlikeVerified
            }
            Kind::Size { .. } => OtherSize,
            Kind::Transport(_) => Cut,
            other => panic!("{other}"),
        },
    }
}

#[test]
fn a_later_copy_is_held_against_the_verified_one_of_whoever_shares_it() {
    let scene = Scene::new();
    let copies = Rc::default();
    let (one, other) = (scene.user(&copies), scene.user(&copies));
    assert_eq!(scene.good(&one, Verify::Digest), Well);
    for user in [&one, &other, &one] {
        assert_eq!(scene.spoilt(user, Verify::Digest), UnlikeVerified);
        assert_eq!(scene.good(user, Verify::Digest), Well);
    }
    let stranger = scene.user(&Rc::default());
    assert_eq!(scene.spoilt(&stranger, Verify::Digest), OtherDigest);
}

#[test]
fn a_first_copy_that_is_not_the_wanted_one_is_not_remembered() {
    let scene = Scene::new();
    let user = scene.user(&Rc::default());
    for _ in 0..2 {
        assert_eq!(scene.spoilt(&user, Verify::Digest), OtherDigest);
    }
    let half = Point::AfterBody(ByteSize::from_bytes(SIZE as u64 / 2));
    scene.spoil(Some(FaultKind::Close(half)));
    assert_eq!(get(&user, scene.wanted(Verify::Digest), &mut Discard), Cut);
    let short = Wanted {
        size: Some(SIZE as u64 + 1),
        ..scene.wanted(Verify::Digest)
    };
    scene.spoil(None);
    assert_eq!(get(&user, short, &mut Discard), OtherSize);
    assert_eq!(scene.spoilt(&user, Verify::Digest), OtherDigest);

    assert_eq!(scene.good(&user, Verify::Digest), Well);
    assert_eq!(scene.spoilt(&user, Verify::Digest), UnlikeVerified);
    // A manifest that lies about the size is still found out.
    scene.spoil(None);
    assert_eq!(get(&user, short, &mut Discard), OtherSize);
}

#[test]
fn nothing_is_remembered_of_what_need_not_be_hashed_or_is_hashed_each_time() {
    let scene = Scene::new();
    for verify in [Verify::EveryDigest, Verify::Length, Verify::None] {
        let user = scene.user(&Rc::default());
        assert_eq!(scene.good(&user, verify), Well);
        let spoilt = match verify {
            Verify::EveryDigest => OtherDigest,
            _ => Well,
        };
        assert_eq!(scene.spoilt(&user, verify), spoilt);
        assert_eq!(scene.spoilt(&user, Verify::Digest), OtherDigest);
        // Once a copy is known, whoever wants each hashed has it hashed.
        assert_eq!(scene.good(&user, Verify::Digest), Well);
        assert_eq!(scene.spoilt(&user, verify), spoilt);
    }
}

#[test]
fn who_shares_no_copies_hashes_every_byte() {
    let scene = Scene::new();
    let user = User::new(&scene.registry.url());
    for _ in 0..2 {
        assert_eq!(scene.good(&user, Verify::Digest), Well);
        assert_eq!(scene.spoilt(&user, Verify::Digest), OtherDigest);
    }
}

/// A place for a blob that has its first bytes already.
struct Begun(Bytes);

impl BlobSink for Begun {
    fn restart(&mut self, _: regstorm::registry::Restart) -> io::Result<()> {
        Ok(())
    }

    fn resume(&mut self) -> Option<(u64, Hasher)> {
        let mut hasher = Algorithm::Sha256.hasher();
        hasher.update(&self.0);
        Some((self.0.len() as u64, hasher))
    }

    fn write(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

/// The checksum of a rest is not that of the whole.
#[test]
fn the_rest_of_a_blob_is_hashed() {
    let scene = Scene::new();
    let user = scene.user(&Rc::default());
    let wanted = scene.wanted(Verify::Digest);
    let begun = || Begun(scene.blob.slice(..SIZE / 2));
    scene.spoil(None);
    assert_eq!(get(&user, wanted, &mut begun()), Well);
    assert_eq!(scene.spoilt(&user, Verify::Digest), OtherDigest);

    assert_eq!(scene.good(&user, Verify::Digest), Well);
    assert_eq!(get(&user, wanted, &mut begun()), Well);
    // Found by its hash, a rest that does not fit has the whole asked for: as wrong, or right.
    scene.spoil(Some(FaultKind::Corrupt(7)));
    assert_eq!(get(&user, wanted, &mut begun()), UnlikeVerified);
    let once = Fault {
        count: Some(1),
        ..Fault::on(Operation::BlobGet, FaultKind::Corrupt(7))
    };
    scene.registry.set_faults(vec![once]).expect("it runs");
    let before = user.journal.all().len();
    assert_eq!(get(&user, wanted, &mut begun()), Well);
    assert_eq!(user.journal.all().len() - before, 2);
}

/// A peer that gives one blob under every name, and from the third time on with a byte wrong.
#[test]
fn copies_are_remembered_by_digest_whatever_its_algorithm() {
    let scene = Scene::new();
    let (blob, mut wrong) = (scene.blob.to_vec(), scene.blob.to_vec());
    wrong[100] ^= 1;
    let peer = Wire::answering(move |_: &Request, number| {
        answer("200 OK", &[], if number < 3 { &blob } else { &wrong })
    });
    let mut user = User::new(&peer.url());
    user.client = user.client.sharing_copies(Rc::default());
    let by = |digest| Wanted {
        digest,
        ..scene.wanted(Verify::Digest)
    };
    let mine = by(Algorithm::Sha512.digest(&scene.blob));
    let other = by(Algorithm::Sha512.digest(b"x"));
    assert_eq!(get(&user, mine, &mut Discard), Well);
    // The content is known by one name: by another it is hashed.
    assert_eq!(get(&user, other, &mut Discard), OtherDigest);
    assert_eq!(get(&user, mine, &mut Discard), Well);
    assert_eq!(get(&user, mine, &mut Discard), UnlikeVerified);
    assert_eq!(
        get(&user, by(Digest::sha256(&scene.blob)), &mut Discard),
        OtherDigest
    );
}

/// One user pulls an image of a config and a layer three times, one blob after the other; blobs are spoilt from the
/// first iteration on.
fn three_pulls(verify: &str, spoilt: Fault) -> Finished {
    let toml = format!(
        "name = \"test\"\n\
         [target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"10000B\"\n\
         [journey.j]\nimages = \"web\"\naction = \"pull\"\nparallel = 1\nverify = \"{verify}\"\n\
         [[load]]\njourney = \"j\"\nexecutor = \"per-vu-iterations\"\nvus = 1\niterations = 3\nmax_duration = \"1m\"\n"
    );
    let registry = registry(Settings::default());
    let plan = Arc::new(plan(&toml, &registry.url(), 1));
    let (_stopper, stop) = engine::stop();
    let mut spoilt = Some(spoilt);
    let finished = engine::run(&plan, 7, &stop, &mut |at| {
        if let Progress::Seeding(seeded) = at
            && seeded.images == seeded.of
            && let Some(fault) = spoilt.take()
        {
            registry.set_faults(vec![fault]).expect("it runs");
        }
    })
    .expect("a run that measures");
    assert_closed(&finished);
    finished
}

#[test]
fn a_run_counts_what_is_wrong_as_digest_mismatch() {
    let layer = || Fault::on(Operation::BlobGet, FaultKind::Corrupt(77));
    let of_iteration = |number: u64| layer().window(2 * number - 1, Some(1));
    let each = || layer().when(When::Every(2));
    let unlike = "verified before";
    for (verify, spoilt, failed, told) in [
        ("digest", of_iteration(1), 1, "got sha256:"),
        ("digest", of_iteration(3), 1, unlike),
        // None of them was remembered: all three are hashed.
        ("digest", each(), 3, "got sha256:"),
        ("sha256", of_iteration(1), 1, "got sha256:"),
        ("sha256", of_iteration(3), 1, "got sha256:"),
        ("length", of_iteration(1), 0, ""),
        ("length", of_iteration(3), 0, ""),
    ] {
        let what = format!("{verify}, {spoilt:?}");
        let finished = three_pulls(verify, spoilt);
        let totals = finished.record.totals(Period::Measure);
        let (iterations, exchanges) = (totals.iterations, totals.exchanges);
        assert_eq!(
            (iterations.failed, exchanges.failed),
            (failed, failed),
            "{what}"
        );
        assert_eq!(
            (iterations.ok, exchanges.ok),
            (3 - failed, 9 - failed),
            "{what}"
        );
        let kinds = &finished.record.failures().kinds;
        assert_eq!(
            kinds.iter().map(|it| it.count).sum::<u64>(),
            failed,
            "{what}"
        );
        for kind in kinds {
            assert_eq!(kind.class, FailureClass::DigestMismatch, "{what}");
            assert_eq!(kind.operation, Operation::BlobGet, "{what}");
            assert!(
                kind.example.text.contains(told),
                "{what}: {:?}",
                kind.example
            );
        }
    }
}
