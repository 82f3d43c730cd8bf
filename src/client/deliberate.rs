//! The upload of a layer by a client that misbehaves on purpose.

use std::io;
use std::ops::Range;

use super::error::Error;
use super::push_job::Job;
use crate::content::Blob;
use crate::exchange::Misbehaviour;
use crate::profile::PushMethod;
use crate::registry::{self, Client, Manners, Posted, UploadSession};
use crate::transport::Body;
use crate::units::ByteSize;

/// How an upload misbehaves.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    manners: Option<Manners>,
    leaves: bool,
    is_out_of_order: bool, // some of its chunks
}

/// Draws how the upload of a layer misbehaves; `None`: not at all.
pub(super) fn misbehaving(client: &Client, blob: &Blob) -> Option<How> {
    let habits = &client.habits().misbehave;
    let how = How {
        manners: client.write_manners(blob.size()),
        leaves: client.draws(habits.leave_uploads),
        is_out_of_order: habits.repeat_chunks > 0.0 || habits.skip_chunks > 0.0,
    };
    let is_any = how.manners.is_some() || how.leaves || how.is_out_of_order;
    is_any.then_some(how)
}

/// Sends a layer in that way. A session that is left open, or whose upload was broken off for good, is abandoned.
pub(super) async fn send_deliberately(
    job: &Job<'_>,
    (blob, how): (&Blob, How),
    method: PushMethod,
    session: Option<UploadSession>,
) -> Result<(), Error> {
    let Job {
        client, repository, ..
    } = *job;
    let digest = &blob.descriptor().digest;
    let resumes = how.manners.is_some_and(Manners::resume);
    let mut method = method;
    let mut session = session;
    let mut manners = how.manners;
    if method == PushMethod::Post && session.is_none() && !how.leaves {
        let body = || whole(client, blob, how.manners, true);
        match client.upload_post(repository, digest, &body).await {
            Ok(Posted::Done) => return Ok(()),
            Ok(Posted::Session(opened)) => session = Some(opened),
            // There is nothing to go on with but the beginning.
            Err(error) if resumes && is_aborted(&error) => {
                manners = manners.map(Manners::unbroken);
            }
            Err(error) => return Err(error.into()),
        }
    }
    if method == PushMethod::Post {
        method = PushMethod::Put;
    }
    let session = match session {
        Some(session) => session,
        None => client.upload_start(repository).await?,
    };
    let session = match method {
        PushMethod::Post | PushMethod::Put => {
            if how.leaves {
                return Err(Error::Misbehaved(Misbehaviour::LeftOpen));
            }
            let body = || whole(client, blob, manners, true);
            match session.put_or_leave(digest, &body).await {
                Err(error) if resumes && is_aborted(&error) => {}
                ended => return Ok(ended?),
            }
            let rest = manners.map(Manners::unbroken);
            let again = client.upload_start(repository).await?;
            again
                .put(digest, &|| whole(client, blob, rest, true))
                .await?;
            return Ok(());
        }
        PushMethod::Patch | PushMethod::PatchChunked => {
            let is_sized = method == PushMethod::Patch;
            let body = || whole(client, blob, how.manners, is_sized);
            match session.patch_or_broken(&body).await? {
                Ok(next) => next,
                Err((broken, _)) if resumes => go_on(job, blob, how, broken).await?,
                Err((_, error)) => return Err(error.into()),
            }
        }
        PushMethod::Chunks { size } => chunks(client, (blob, size), how, session).await?,
    };
    if how.leaves {
        return Err(Error::Misbehaved(Misbehaviour::LeftOpen));
    }
    session.put(digest, &Body::empty).await?;
    Ok(())
}

fn is_aborted(error: &registry::Error) -> bool {
    error.misbehaviour() == Some(Misbehaviour::Aborted)
}

fn whole(client: &Client, blob: &Blob, manners: Option<Manners>, is_sized: bool) -> Body {
    match manners {
        Some(manners) => {
            client.body_with_manners(blob.all(), is_sized.then(|| blob.size()), manners)
        }
        None if is_sized => Body::sized(blob.all(), blob.size()),
        None => Body::chunked(blob.all()),
    }
}

/// Sends what the registry lacks of a blob whose upload was broken off; all of it in a new session, if the registry cannot go on.
async fn go_on(
    job: &Job<'_>,
    blob: &Blob,
    how: How,
    broken: UploadSession,
) -> Result<UploadSession, Error> {
    let client = job.client;
    if let Some((session, there)) = broken.status_after_break().await? {
        let rest = there.min(blob.size())..blob.size();
        if rest.is_empty() {
            return Ok(session);
        }
        let manners = how.manners.map(|it| it.rest_from(rest.start));
        let body = || range(client, blob, rest.clone(), manners);
        if let Some(next) = session.patch_after_break(&body, rest.clone()).await? {
            return Ok(next);
        }
    }
    let session = client.upload_start(job.repository).await?;
    let manners = how.manners.map(Manners::unbroken);
    let body = || whole(client, blob, manners, true);
    Ok(session.patch(&body, None).await?)
}

fn range(client: &Client, blob: &Blob, range: Range<u64>, manners: Option<Manners>) -> Body {
    let length = range.end - range.start;
    match (blob.frames(range), manners) {
        (Ok(frames), Some(manners)) => client.body_with_manners(frames, Some(length), manners),
        (Ok(frames), None) => Body::sized(frames, length),
        (Err(error), _) => Body::sized(std::iter::once(Err(io::Error::other(error))), 1),
    }
}

/// Sends a blob in ranges, some of them twice or out of order. The upload is broken off between two of them.
async fn chunks(
    client: &Client,
    (blob, size): (&Blob, ByteSize),
    how: How,
    mut session: UploadSession,
) -> Result<UploadSession, Error> {
    let habits = client.habits().misbehave;
    let mut abort_at = how.manners.and_then(Manners::abort_at);
    let mut offset = 0;
    let mut before = 0..0;
    while offset < blob.size() {
        if abort_at.is_some_and(|at| at <= offset) {
            if !how.manners.is_some_and(Manners::resume) {
                return Err(Error::Misbehaved(Misbehaviour::Aborted));
            }
            abort_at = None;
            (session, offset) = session.status().await?;
            continue;
        }
        let length = size.get().max(session.chunk_min()).max(1);
        let end = blob.size().min(offset.saturating_add(length));
        let next = end..blob.size().min(end.saturating_add(length));
        if !before.is_empty() && client.draws(habits.repeat_chunks) {
            let body = || range(client, blob, before.clone(), None);
            session = session.patch_out_of_order(&body, before.clone()).await?;
            (session, _) = session.status().await?;
        }
        if !next.is_empty() && client.draws(habits.skip_chunks) {
            let body = || range(client, blob, next.clone(), None);
            session = session.patch_out_of_order(&body, next.clone()).await?;
            (session, _) = session.status().await?;
        }
        let this = offset..end;
        let manners = how.manners.map(|it| it.rest_from(offset));
        let body = || range(client, blob, this.clone(), manners);
        session = session.patch(&body, Some(this.clone())).await?;
        before = this.clone();
        offset = end;
    }
    Ok(session)
}
