//! The checks of an audit: each asks the registry for one thing that it promised, and ends in exactly one count.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use tokio::time::Instant;

use super::classify;
use super::prepare::SetupClient;
use super::promises::{Gone, Promises, There};
use crate::client::Discard;
use crate::content::{Blob, Image};
use crate::measure::{AuditCheck, AuditClass, AuditTally};
use crate::oci::{Digest, ImageName, Reference, RepositoryName, Tag, Verify};
use crate::registry::{self, Kind, Wanted};

/// The most examples of each class.
const EXAMPLES: usize = 10;

/// Failed questions in a row after which no more are asked.
const MOST_FAILURES: u32 = 20;

/// A promise that was not kept.
#[derive(Debug, Clone)]
pub struct AuditFinding {
    /// In which way.
    pub class: AuditClass,
    /// What was asked for.
    pub check: AuditCheck,
    /// Its name: `repository:tag`, or `repository@digest`.
    pub name: String,
    /// What should have been there.
    pub expected: String,
    /// What was there.
    pub seen: String,
    /// It was written between these moments; `None`: before the load.
    pub written: Option<(Instant, Instant)>,
}

/// What a question has shown.
pub(super) enum Answer {
    Kept,
    Broken(AuditClass, String),
    Unknown(&'static str),
}

/// What the checks of an image have shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// Its tags lead to it.
    pub(super) tags_kept: bool,
    /// No question failed.
    pub(super) is_whole: bool,
}

impl Known {
    const ALL: Self = Self {
        tags_kept: true,
        is_whole: true,
    };
}

/// What is asked for, for people.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) check: AuditCheck,
    pub(super) name: &'a dyn Display,
    pub(super) expected: &'a dyn Display,
    pub(super) written: Option<(Instant, Instant)>,
}

/// Asks the registry, and counts.
pub(super) struct Checks<'a> {
    pub(super) client: &'a SetupClient,
    pub(super) promises: &'a Promises<'a>,
    tally: RefCell<AuditTally>,
    findings: RefCell<Vec<AuditFinding>>,
    unknown: RefCell<Option<String>>,
    in_a_row: Cell<u32>, // failed questions since one was answered
    done: Cell<(u64, u64)>,
    /// What else is put under names that are the same each time, as far as that was wanted.
    others: RefCell<BTreeMap<ImageName, BTreeSet<Digest>>>,
}

/// What all checks came to.
pub(super) struct Checked {
    pub(super) tally: AuditTally,
    pub(super) findings: Vec<AuditFinding>,
    pub(super) unknown: Option<String>,
    pub(super) stopped: bool,
    /// Writes and deletions of which everything is known.
    pub(super) done: (u64, u64),
}

impl<'a> Checks<'a> {
    pub(super) fn new(client: &'a SetupClient, promises: &'a Promises<'a>) -> Self {
        Self {
            client,
            promises,
            tally: RefCell::default(),
            findings: RefCell::default(),
            unknown: RefCell::default(),
            in_a_row: Cell::default(),
            done: Cell::default(),
            others: RefCell::default(),
        }
    }

    pub(super) fn goes_on(&self) -> bool {
        self.in_a_row.get() < MOST_FAILURES
    }

    /// Counts a promise of which everything is known.
    pub(super) fn done(&self, is_deletion: bool) {
        let (writes, deletes) = self.done.get();
        let [write, deletion] = [!is_deletion, is_deletion].map(u64::from);
        self.done.set((writes + write, deletes + deletion));
    }

    pub(super) fn into_result(self) -> Checked {
        Checked {
            stopped: !self.goes_on(),
            tally: self.tally.into_inner(),
            findings: self.findings.into_inner(),
            unknown: self.unknown.into_inner(),
            done: self.done.get(),
        }
    }

    /// Checks an image; `fetches` draws whether the next blob is fetched.
    pub(super) async fn there(&self, there: &There, mut fetches: impl FnMut() -> bool) -> Known {
        let mut known = Known::ALL;
        for tag in &there.tags {
            let kept = self.tag(there, tag).await;
            known.tags_kept &= kept == Some(true);
            known.is_whole &= kept.is_some();
        }
        let mut images = vec![&there.image];
        images.extend(&there.referrers);
        while let Some(image) = images.pop() {
            images.extend(image.children());
            known.is_whole &= self.manifest(there, image).await.is_some();
            for blob in image.blobs() {
                if !self.goes_on() {
                    break;
                }
                let kept = self.blob(there, blob).await;
                known.is_whole &= kept.is_some();
                if kept == Some(true) && fetches() {
                    known.is_whole &= self.blob_content(there, blob).await.is_some();
                }
            }
            if !self.goes_on() {
                break;
            }
        }
        known
    }

    async fn tag(&self, there: &There, tag: &Tag) -> Option<bool> {
        let expected = there.image.descriptor().digest;
        let name = ImageName {
            repository: there.repository.clone(),
            reference: Reference::Tag(tag.clone()),
        };
        let answer = self.found(&name).await.map(|found| match found {
            Err(broken) => broken,
            Ok(digest) if digest == expected => Answer::Kept,
            Ok(digest) if self.is_another(&name, &digest) => Answer::Kept,
            Ok(digest) => Answer::Broken(AuditClass::Wrong, digest.to_string()),
        });
        self.count(
            Asked {
                check: AuditCheck::Tag,
                name: &name,
                expected: &expected,
                written: there.written,
            },
            answer,
        )
    }

    /// Returns the digest of the manifest that is there, or what is there in its place.
    pub(super) async fn found(
        &self,
        name: &ImageName,
    ) -> Result<Result<Digest, Answer>, registry::Error> {
        let ask = async || {
            let client = &self.client.client;
            client
                .manifest_find(&name.repository, &name.reference)
                .await
        };
        match self.client.retries.run(ask).await {
            Ok(Some(manifest)) => Ok(Ok(manifest.descriptor().digest)),
            Ok(None) => Ok(Err(Answer::Broken(AuditClass::Lost, "404".to_owned()))),
            Err(error) => broken(error).map(Err),
        }
    }

    /// Whether the run itself has put that under the name, which was given out more than once.
    fn is_another(&self, name: &ImageName, digest: &Digest) -> bool {
        let mut others = self.others.borrow_mut();
        let of_name = others.entry(name.clone());
        of_name
            .or_insert_with(|| self.promises.others(name))
            .contains(digest)
    }

    async fn manifest(&self, there: &There, image: &Image) -> Option<bool> {
        let expected = image.descriptor().digest;
        let name = ImageName {
            repository: there.repository.clone(),
            reference: Reference::Digest(expected),
        };
        // The bytes have the digest they were asked for by, or the request fails.
        let answer = self.found(&name).await;
        let answer = answer.map(|found| found.map_or_else(|it| it, |_| Answer::Kept));
        self.count(
            Asked {
                check: AuditCheck::Manifest,
                name: &name,
                expected: &expected,
                written: there.written,
            },
            answer,
        )
    }

    async fn blob(&self, there: &There, blob: &Blob) -> Option<bool> {
        let wanted = blob.descriptor();
        let ask = async || {
            let client = &self.client.client;
            client.blob_head(&there.repository, &wanted.digest).await
        };
        let answer = match self.client.retries.run(ask).await {
            Ok(Some(Some(size))) if size != wanted.size => {
                Ok(Answer::Broken(AuditClass::Wrong, format!("{size} bytes")))
            }
            Ok(Some(_)) => Ok(Answer::Kept),
            Ok(None) => Ok(Answer::Broken(AuditClass::Lost, "404".to_owned())),
            Err(error) => broken(error),
        };
        self.count(
            Asked {
                check: AuditCheck::Blob,
                name: &at(&there.repository, &wanted.digest),
                expected: &format_args!("{} bytes", wanted.size),
                written: there.written,
            },
            answer,
        )
    }

    async fn blob_content(&self, there: &There, blob: &Blob) -> Option<bool> {
        let wanted = blob.descriptor();
        let ask = async || {
            let fetched = Wanted {
                digest: wanted.digest,
                size: Some(wanted.size),
                verify: Verify::EveryDigest,
            };
            let client = &self.client.seeder;
            client
                .blob_get(&there.repository, fetched, &mut Discard)
                .await
        };
        let answer = match self.client.retries.run(ask).await {
            Ok(_) => Ok(Answer::Kept),
            Err(error) => broken(error),
        };
        self.count(
            Asked {
                check: AuditCheck::BlobContent,
                name: &at(&there.repository, &wanted.digest),
                expected: &format_args!("{} bytes", wanted.size),
                written: there.written,
            },
            answer,
        )
    }

    /// Checks that something deleted is not there. Returns whether that is known.
    pub(super) async fn gone(&self, gone: &Gone) -> bool {
        let mut is_known = true;
        let by_digest = gone.digest.map(|digest| ImageName {
            repository: gone.name.repository.clone(),
            reference: Reference::Digest(digest),
        });
        for name in [&gone.name].into_iter().chain(&by_digest) {
            let ask = async || {
                let client = &self.client.client;
                client
                    .manifest_head(&name.repository, &name.reference)
                    .await
            };
            let answer = match self.client.retries.run(ask).await {
                Ok(None) => Ok(Answer::Kept),
                Ok(Some(found)) => {
                    let digest = found.digest.map(|it| it.to_string());
                    let seen = digest.unwrap_or_else(|| "it is there".to_owned());
                    Ok(Answer::Broken(AuditClass::Revived, seen))
                }
                Err(error) => Err(error),
            };
            let asked = Asked {
                check: AuditCheck::Deleted,
                name,
                expected: &"404",
                written: gone.written,
            };
            is_known &= self.count(asked, answer).is_some();
        }
        is_known
    }

    /// Counts a check. Returns whether the promise was kept; `None`: that is not known.
    pub(super) fn count(
        &self,
        asked: Asked<'_>,
        answer: Result<Answer, registry::Error>,
    ) -> Option<bool> {
        let mut tally = self.tally.borrow_mut();
        match answer {
            Ok(Answer::Kept) => {
                tally.kept(asked.check);
                self.in_a_row.set(0);
                Some(true)
            }
            Ok(Answer::Broken(class, seen)) => {
                tally.found(asked.check, class);
                self.in_a_row.set(0);
                self.example(class, &asked, seen);
                Some(false)
            }
            Ok(Answer::Unknown(why)) => {
                tally.unknown(asked.check);
                let mut unknown = self.unknown.borrow_mut();
                unknown.get_or_insert_with(|| format!("{}: {why}", asked.name));
                None
            }
            Err(error) => {
                tally.unknown(asked.check);
                self.in_a_row.set(self.in_a_row.get() + 1);
                let mut unknown = self.unknown.borrow_mut();
                unknown.get_or_insert_with(|| error.to_string());
                None
            }
        }
    }

    fn example(&self, class: AuditClass, asked: &Asked<'_>, seen: String) {
        let mut findings = self.findings.borrow_mut();
        let of_class = findings.iter().filter(|it| it.class == class);
        if of_class.count() < EXAMPLES {
            findings.push(AuditFinding {
                class,
                check: asked.check,
                name: asked.name.to_string(),
                expected: asked.expected.to_string(),
                seen,
                written: asked.written,
            });
        }
    }
}

fn at(repository: &RepositoryName, digest: &Digest) -> ImageName {
    ImageName {
        repository: repository.clone(),
        reference: Reference::Digest(*digest),
    }
}

/// What a failed question says of what was asked for, if it says anything.
pub(super) fn broken(error: registry::Error) -> Result<Answer, registry::Error> {
    let class = match (error.kind(), classify::exchange(error.kind())) {
        (Kind::Status { status, .. }, _) if status.as_u16() == 404 => AuditClass::Lost,
        (Kind::Manifest(_), _) => AuditClass::Wrong,
        (_, class) if class.is_of_integrity() => AuditClass::Wrong,
        _ => return Err(error),
    };
    let seen = match class {
        AuditClass::Lost => "404".to_owned(),
        _ => error.kind().to_string(),
    };
    Ok(Answer::Broken(class, seen))
}
