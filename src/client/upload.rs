//! The upload of one blob, in the client's form.

use std::io;

use tokio::sync::mpsc;

use crate::content::Blob;
use crate::oci::Descriptor;
use crate::profile::{Checks, CopyFetch, PushMethod};
use crate::registry::{Download, Mounted, Posted, UploadSession};
use crate::transport::Body;
use crate::units::ByteSize;

use super::deliberate::{misbehaving, send_deliberately};
use super::error::Error;
use super::push_job::{Job, Upload, Uploaded};
use super::source::{self, Fed, Feed, Source, read_out};

/// The most offset mismatches (416) of one upload.
const MAX_REPEATS: usize = 3;

/// Uploads one blob into a repository.
pub(super) async fn upload(job: &Job<'_>, upload: Upload<'_>) -> Result<Uploaded, Error> {
    let Job {
        client,
        repository,
        habits,
        ..
    } = *job;
    let Descriptor {
        digest, media_type, ..
    } = upload.blob.descriptor();
    let exists = || client.blob_head_as(repository, digest, Some(media_type));
    let checks = if upload.is_config {
        habits.config_checks
    } else {
        habits.layer_checks
    };
    let first_check = match checks {
        Checks::Never => false,
        Checks::Known => upload.is_known,
        Checks::Once | Checks::Twice => true,
    };
    // A client that compresses on the way knows only the uncompressed digest at first.
    let unpacked = upload.blob.unpacked();
    let unpacked = unpacked.filter(|_| habits.packs_late && job.source.is_none());
    let is_mounted = job.options.mount_from.is_some() && (habits.mount.config || !upload.is_config);
    let is_last = checks != Checks::Twice && !is_mounted;
    let mut opened = before_last_check(job, upload, is_last).await?;
    let known_as = unpacked.unwrap_or(digest);
    let found = first_check
        && client
            .blob_head_as(repository, known_as, Some(media_type))
            .await?
            .is_some();
    if found {
        read_out(opened).await?;
        return Ok(Uploaded::Existed);
    }
    let remembers = upload.is_known && job.options.mount_from.is_none();
    if unpacked.is_some() && remembers && exists().await?.is_some() {
        return Ok(Uploaded::Existed);
    }
    let session = match mount(job, upload).await? {
        Some(Mounted::Done) => return Ok(Uploaded::Mounted),
        Some(Mounted::Session(opened)) if habits.mount.use_session => Some(opened),
        Some(Mounted::Session(opened)) => {
            // A failed exchange is recorded as one; skopeo goes on all the same.
            drop(opened.cancel().await);
            None
        }
        None => None,
    };
    if opened.is_none() {
        opened = before_last_check(job, upload, true).await?;
    }
    if checks == Checks::Twice && unpacked.is_none() && exists().await?.is_some() {
        read_out(opened).await?;
        return Ok(Uploaded::Existed);
    }
    let method = match (upload.is_config, unpacked) {
        (true, _) => habits.config_method,
        (false, Some(_)) => PushMethod::PatchChunked,
        (false, None) => habits.method,
    };
    transmit(job, upload, method, (session, opened)).await?;
    if habits.commit_check {
        exists().await?;
    }
    Ok(Uploaded::Sent)
}

/// Asks the source of a copy for a blob, if the next check is the last one and the client asks before it.
async fn before_last_check<'a>(
    job: &Job<'a>,
    upload: Upload<'_>,
    is_last: bool,
) -> Result<Option<Download<'a>>, Error> {
    let source = job
        .source
        .filter(|source| is_last && source.habits.fetch == CopyFetch::BeforeLastCheck);
    match source {
        Some(source) => source.open(upload.blob).await.map(Some),
        None => Ok(None),
    }
}

/// Mounts a blob from another repository, if there is one and the client mounts this blob.
async fn mount(job: &Job<'_>, upload: Upload<'_>) -> Result<Option<Mounted>, Error> {
    let Job {
        client,
        repository,
        habits,
        options,
        ..
    } = *job;
    let Some(from) = options.mount_from.as_ref() else {
        return Ok(None);
    };
    let Descriptor {
        digest, media_type, ..
    } = upload.blob.descriptor();
    if upload.is_config && !habits.mount.config {
        return Ok(None);
    }
    let exists = |repository| client.blob_head_as(repository, digest, Some(media_type));
    if habits.mount.check_source && exists(from).await?.is_none() {
        return Ok(None);
    }
    if habits.mount.ping {
        // Uploads that get here together wait for one ping.
        let ping = async || client.greet().await.map(drop);
        job.mounting.get_or_try_init(ping).await?;
    }
    let mounted = client.upload_mount(repository, digest, Some(from)).await?;
    if habits.mount.check_mounted && matches!(mounted, Mounted::Done) {
        exists(repository).await?;
    }
    Ok(Some(mounted))
}

/// Where the bytes of a blob are, while it is sent.
enum Bytes {
    Here,
    /// They arrive when they are asked for.
    Coming(mpsc::Sender<Feed>),
}

impl Bytes {
    fn sized(&self, blob: &Blob) -> Body {
        match self {
            Self::Here => Body::sized(blob.all(), blob.size()),
            Self::Coming(asking) => Body::awaited(Fed::Unasked(asking.clone()), Some(blob.size())),
        }
    }

    fn chunked(&self, blob: &Blob) -> Body {
        match self {
            Self::Here => Body::chunked(blob.all()),
            Self::Coming(asking) => Body::awaited(Fed::Unasked(asking.clone()), None),
        }
    }
}

/// Sends a blob from where it is, as a client that behaves or one that does not.
async fn transmit<'a>(
    job: &Job<'a>,
    upload: Upload<'_>,
    method: PushMethod,
    (session, opened): (Option<UploadSession>, Option<Download<'a>>),
) -> Result<(), Error> {
    let blob = upload.blob;
    if let Some(source) = job.source {
        return pass_on(job, source, (blob, method), (session, opened)).await;
    }
    let is_layer = !upload.is_config;
    match is_layer.then(|| misbehaving(job.client, blob)).flatten() {
        None => send(job, blob, (method, &Bytes::Here), session).await,
        // Boxed, so that pushes of clients that behave are as small as they were.
        Some(how) => Box::pin(send_deliberately(job, (blob, how), method, session)).await,
    }
}

/// Sends the bytes of a blob as they arrive from the source of a copy.
async fn pass_on<'a>(
    job: &Job<'a>,
    source: Source<'a>,
    (blob, method): (&Blob, PushMethod),
    (session, mut opened): (Option<UploadSession>, Option<Download<'a>>),
) -> Result<(), Error> {
    let session = match (session, source.habits.fetch) {
        (None, CopyFetch::IntoSession) => Some(job.client.upload_start(job.repository).await?),
        (session, _) => session,
    };
    if opened.is_none() {
        opened = Some(source.open(blob).await?);
    }
    let (asking, asked) = source::asking();
    let sending = async {
        let bytes = Bytes::Coming(asking);
        // No client sends what it copies in ranges.
        let method = match method {
            PushMethod::Chunks { .. } => PushMethod::Patch,
            whole => whole,
        };
        send(job, blob, (method, &bytes), session).await
    };
    let feeding = source.feed(blob, opened, asked);
    // The first failure drops the other side, which counts as cancelled.
    futures_util::future::try_join(sending, feeding).await?;
    Ok(())
}

/// Sends the bytes of a blob, in the client's form.
async fn send(
    job: &Job<'_>,
    blob: &Blob,
    (mut method, bytes): (PushMethod, &Bytes),
    mut session: Option<UploadSession>,
) -> Result<(), Error> {
    let Job {
        client,
        repository,
        watch,
        ..
    } = *job;
    let digest = &blob.descriptor().digest;
    let watched = |offset: u64, body: Body| {
        watch.sending(blob, offset, body.sent());
        body
    };
    let whole = || watched(0, bytes.sized(blob));
    if method == PushMethod::Post {
        // A session that a mount has opened is used; a second one would be abandoned.
        if session.is_none() {
            match client.upload_post(repository, digest, &whole).await? {
                Posted::Done => return Ok(()),
                Posted::Session(opened) => session = Some(opened),
            }
        }
        method = PushMethod::Put;
    }
    let session = match session {
        Some(session) => session,
        None => client.upload_start(repository).await?,
    };
    let session = match method {
        PushMethod::Post | PushMethod::Put => {
            session.put(digest, &whole).await?;
            return Ok(());
        }
        PushMethod::Patch => session.patch(&whole, None).await?,
        PushMethod::PatchChunked => {
            let chunked = || watched(0, bytes.chunked(blob));
            session.patch(&chunked, None).await?
        }
        PushMethod::Chunks { size } => chunks(session, blob, size, &watched).await?,
    };
    session.put(digest, &Body::empty).await?;
    Ok(())
}

/// Sends a blob in ranges. After a mismatch (416) the registry is asked for its offset.
async fn chunks(
    mut session: UploadSession,
    blob: &Blob,
    size: ByteSize,
    watched: &dyn Fn(u64, Body) -> Body,
) -> Result<UploadSession, Error> {
    let mut offset = 0;
    let mut repeats = 0;
    while offset < blob.size() {
        let length = size.get().max(session.chunk_min()).max(1);
        let end = blob.size().min(offset.saturating_add(length));
        let range = offset..end;
        let body = || match blob.frames(range.clone()) {
            Ok(frames) => watched(range.start, Body::sized(frames, range.end - range.start)),
            Err(error) => Body::sized(std::iter::once(Err(io::Error::other(error))), 1),
        };
        match session
            .patch_or_out_of_step(&body, Some(range.clone()))
            .await?
        {
            Ok(next) => {
                session = next;
                offset = end;
            }
            Err((stuck, error)) if repeats < MAX_REPEATS => {
                repeats += 1;
                let (next, there) = stuck.status().await?;
                if there > blob.size() {
                    return Err(error.into());
                }
                session = next;
                offset = there;
            }
            Err((_, error)) => return Err(error.into()),
        }
    }
    Ok(session)
}
