//! One session of a replay: its requests, each when it is due, and not before the one before it has ended.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::observer::Recording;
use super::occasion::Occasion;
use super::replayed::{Replayed, tag_of};
use super::store_times::StoreTimes;
use crate::client::{self, Discard};
use crate::measure::{TracedRequest, TracedRequests};
use crate::oci::{Reference, RepositoryName, Verify};
use crate::profile::PushMethod;
use crate::registry::{Client, Mounted, Paging, Posted, UploadSession, Wanted};
use crate::trace::replay::{Act, Name, Part, Step, Upload};
use crate::transport::Body;

/// Where the requests of a session are counted.
pub(super) struct Watch<'a> {
    pub(super) recording: &'a Recording,
    /// The requests of the load.
    pub(super) sent: &'a RefCell<TracedRequests>,
    /// What the load has stored.
    pub(super) stores: &'a StoreTimes,
}

/// What came of a request.
struct Ended<'a> {
    step: &'a Step,
    due: Instant,
    began: Instant,
    held_up: bool,
    /// From the start of the request before it.
    gap: Option<Duration>,
    status: Option<u16>,
    is_ok: bool,
}

/// Sends the requests of a session. One that fails does not keep the others from being sent, since nothing tells what the
/// client would have done: the first failure is the session's.
pub(super) async fn replay(
    replayed: &Replayed,
    client: &Client,
    watch: &Watch<'_>,
    occasion: Occasion,
) -> Result<(), client::Error> {
    let Some(session) = replayed.session(occasion.number) else {
        return Err(client::Error::Nothing("the trace has no such session"));
    };
    let steps = replayed.sessions().steps(session);
    // The token of a client that pushes allows that from its first request on.
    let writes = steps.iter().find(|step| step.act.writes());
    let own = writes.map(|step| client.for_push(replayed.repository(step.repository)));
    let mut run = Run {
        replayed,
        client: own.as_ref().unwrap_or(client),
        uploads: BTreeMap::new(),
    };
    let mut failed = None;
    let mut before: Option<(&Step, Instant)> = None;
    let mut sent_before: Option<Instant> = None;
    for step in steps {
        let due = occasion.due(session, step, before);
        if Instant::now() < due {
            let thinking = watch.recording.think();
            sleep_until(due).await;
            drop(thinking);
        }
        let began = Instant::now();
        let ended = run.send(step).await;
        let status = match &ended {
            Ok(status) => Some(*status),
            Err(client::Error::Registry(error)) => error.status().map(|it| it.as_u16()),
            Err(client::Error::NotFound(_)) => Some(404),
            // It was not sent.
            Err(_) => None,
        };
        if !matches!(ended, Err(client::Error::Nothing(_))) {
            let gap = sent_before.map(|before| began.saturating_duration_since(before));
            sent_before = Some(began);
            let is_ok = ended.is_ok();
            let ended = Ended {
                step,
                due,
                began,
                held_up: before.is_some_and(|(_, ended)| ended > due),
                gap,
                status,
                is_ok,
            };
            watch.count(replayed, &occasion, &ended);
        }
        before = Some((step, Instant::now()));
        if let Err(error) = ended {
            failed.get_or_insert(error);
        }
    }
    failed.map_or(Ok(()), Err)
}

impl Watch<'_> {
    /// Counts a request that was sent.
    fn count(&self, replayed: &Replayed, occasion: &Occasion, ended: &Ended<'_>) {
        let Ended { step, status, .. } = *ended;
        let sessions = replayed.sessions();
        if ended.is_ok {
            self.stores.stored(sessions, step);
        }
        let (fetched, popular) = replayed.fetched(step.act);
        let recorded = step.recorded.status.map(|it| class(it.get()));
        let late = ended.began.saturating_duration_since(ended.due);
        let as_recorded = status.is_some_and(|it| recorded.is_none_or(|was| was == class(it)));
        let is_lost = status == Some(404) && !as_recorded;
        self.sent.borrow_mut().add(&TracedRequest {
            operation: step.recorded.operation,
            status,
            at: occasion.at(step, late),
            late,
            held_up: ended.held_up,
            gap: ended.gap,
            took: status.map(|_| ended.began.elapsed()),
            bytes: if ended.is_ok { fetched } else { 0 },
            popular,
            as_recorded,
            too_early: is_lost && self.stores.came_too_early(sessions, step, ended.began),
        });
    }
}

/// A session under way.
struct Run<'a> {
    replayed: &'a Replayed,
    client: &'a Client,
    /// Those that are open, by number.
    uploads: BTreeMap<u32, UploadSession>,
}

impl Run<'_> {
    /// Sends a request, and returns the status that it ended with, or another one of its class.
    async fn send(&mut self, step: &Step) -> Result<u16, client::Error> {
        let Self {
            replayed, client, ..
        } = *self;
        let page = || Paging::First(client.habits().wire.page_size);
        let repository = || replayed.repository(step.repository);
        Ok(match step.act {
            Act::Ping => {
                client.ping().await?;
                OK
            }
            Act::Catalog => {
                client.catalog(page()).await?;
                OK
            }
            Act::Tags => {
                client.tags(repository(), page()).await?;
                OK
            }
            Act::NoTags(name) => {
                let Some(repository) = replayed.no_repository(name) else {
                    return Err(client::Error::Nothing(
                        "the name of the repository is too long",
                    ));
                };
                found(client.tags_find(&repository).await?)
            }
            Act::Referrers(name) => {
                let digest = replayed.digest_of(name);
                let first = Paging::First(None);
                let page = client.referrers(repository(), &digest, None, first).await?;
                found(page.is_some())
            }
            Act::ManifestHead(name) => {
                let reference = replayed.manifest_name(name);
                let head = client.manifest_head(repository(), &reference).await?;
                is_there(name, head.is_some(), &reference.to_string())?
            }
            Act::ManifestGet(name) => {
                let reference = replayed.manifest_name(name);
                if let Name::NoTag(_) | Name::NoDigest(_) = name {
                    let manifest = client.manifest_find(repository(), &reference).await?;
                    found(manifest.is_some())
                } else {
                    client.manifest_get(repository(), &reference).await?;
                    OK
                }
            }
            Act::ManifestPut { manifest, tag } => {
                let image = replayed.image(manifest);
                let reference = match tag {
                    Some(tag) => Reference::Tag(tag_of(tag)),
                    None => Reference::Digest(image.descriptor().digest),
                };
                let manifest = image.manifest();
                client
                    .manifest_put(repository(), &reference, manifest)
                    .await?;
                OK
            }
            Act::ManifestDelete(name) => {
                let reference = replayed.manifest_name(name);
                found(client.manifest_delete(repository(), &reference).await?)
            }
            Act::BlobHead(_) | Act::BlobGet(_) | Act::BlobPart { .. } | Act::BlobDelete(_) => {
                self.blob(repository(), step.act).await?
            }
            _ => Box::pin(self.upload(repository(), step.act)).await?,
        })
    }

    async fn blob(&self, repository: &RepositoryName, act: Act) -> Result<u16, client::Error> {
        let Self {
            replayed, client, ..
        } = *self;
        Ok(match act {
            Act::BlobHead(name) => {
                let digest = replayed.blob_name(name);
                let head = client.blob_head(repository, &digest).await?;
                is_there(name, head.is_some(), &digest.to_string())?
            }
            Act::BlobGet(Name::Digest(blob)) => {
                let blob = replayed.blob(blob);
                let wanted = Wanted {
                    digest: blob.descriptor().digest,
                    size: Some(blob.size()),
                    verify: Verify::Digest,
                };
                client.blob_get(repository, wanted, &mut Discard).await?;
                OK
            }
            Act::BlobGet(name) => {
                let digest = replayed.blob_name(name);
                found(client.blob_find(repository, &digest).await?)
            }
            Act::BlobPart { blob, bytes } => {
                let digest = replayed.blob(blob).descriptor().digest;
                let bytes = replayed.replay.part(blob, bytes);
                client.blob_get_first(repository, &digest, bytes).await?;
                OK
            }
            Act::BlobDelete(name) => {
                let digest = replayed.blob_name(name);
                found(client.blob_delete(repository, &digest).await?)
            }
            _ => OK,
        })
    }

    async fn upload(
        &mut self,
        repository: &RepositoryName,
        act: Act,
    ) -> Result<u16, client::Error> {
        let Self {
            replayed, client, ..
        } = *self;
        match act {
            Act::Open { upload } => {
                let session = client.upload_start(repository).await?;
                self.uploads.insert(upload, session);
            }
            Act::Mount { blob, from } => {
                let digest = replayed.blob(blob).descriptor().digest;
                let from = replayed.repository(from);
                // A session that is opened instead is given up, and cancelled when this one is over.
                drop(client.upload_mount(repository, &digest, Some(from)).await?);
            }
            Act::MountFails {
                digest,
                from,
                upload,
            } => {
                let digest = replayed.no_digest(digest);
                let from = replayed.repository(from);
                let mounted = client.upload_mount(repository, &digest, Some(from)).await?;
                if let Mounted::Session(session) = mounted {
                    self.uploads.insert(upload, session);
                }
            }
            Act::Post { blob, upload } => {
                let blob = replayed.blob(blob);
                let body = || Body::sized(blob.all(), blob.size());
                let digest = &blob.descriptor().digest;
                let posted = client.upload_post(repository, digest, &body).await?;
                if let Posted::Session(session) = posted {
                    match upload {
                        Some(upload) => drop(self.uploads.insert(upload, session)),
                        None => session.put(digest, &body).await?,
                    }
                }
            }
            Act::Patch { upload, part } => {
                let session = self.taken(upload)?;
                let body = self.part(upload, part, self.is_chunked(upload));
                let session = session.patch(&body, None).await?;
                self.uploads.insert(upload, session);
            }
            Act::Close { upload, part } => {
                let session = self.taken(upload)?;
                let body = self.part(upload, part, false);
                let blob = replayed.blob(self.upload_of(upload).blob);
                session.put(&blob.descriptor().digest, &body).await?;
            }
            Act::Progress { upload } => {
                let (session, _) = self.taken(upload)?.status().await?;
                self.uploads.insert(upload, session);
            }
            Act::Cancel { upload } => self.taken(upload)?.cancel().await?,
            _ => {}
        }
        Ok(OK)
    }

    /// Takes an upload that is open.
    fn taken(&mut self, upload: u32) -> Result<UploadSession, client::Error> {
        let session = self.uploads.remove(&upload);
        session.ok_or(client::Error::Nothing("its upload is not open"))
    }

    fn upload_of(&self, upload: u32) -> &Upload {
        &self.replayed.sessions().uploads()[upload as usize]
    }

    /// Whether the client sends the parts of an upload without their length. No trace tells.
    fn is_chunked(&self, upload: u32) -> bool {
        let habits = &self.client.habits().push;
        let method = if self.replayed.is_config(self.upload_of(upload).blob) {
            habits.config_method
        } else {
            habits.method
        };
        method == PushMethod::PatchChunked
    }

    /// Returns what makes the body of a part of an upload.
    fn part(&self, upload: u32, part: u32, is_chunked: bool) -> impl Fn() -> Body + use<> {
        let upload = self.upload_of(upload);
        let blob = self.replayed.blob(upload.blob);
        let Part { start, end } = upload.parts[part as usize].clone();
        move || match blob.frames(start..end) {
            Ok(_) if start == end => Body::empty(),
            Ok(frames) if is_chunked => Body::chunked(frames),
            Ok(frames) => Body::sized(frames, end - start),
            Err(error) => Body::sized(std::iter::once(Err(io::Error::other(error))), 1),
        }
    }
}

/// A status of success.
const OK: u16 = 200;

/// Returns the class of a status. A redirect is followed, and the content is one of success wherever it comes from.
const fn class(status: u16) -> u16 {
    match status / 100 {
        3 => 2,
        class => class,
    }
}

/// Returns the status of what was found, or not.
const fn found(is_there: bool) -> u16 {
    if is_there { OK } else { 404 }
}

/// What was there must be there again; what was not is named so that it is not.
fn is_there(name: Name, is_there: bool, shown: &str) -> Result<u16, client::Error> {
    let wanted = matches!(name, Name::Tag(_) | Name::Digest(_));
    if wanted && !is_there {
        return Err(client::Error::NotFound(shown.to_owned()));
    }
    Ok(found(is_there))
}
