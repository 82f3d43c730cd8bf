//! One blob on its way into a registry, in whichever form the client pushes.

use std::io;

use crate::content::Blob;
use crate::oci::PushMethod;
use crate::registry::{Mounted, Posted, UploadSession};
use crate::transport::Body;
use crate::units::ByteSize;

use super::error::Error;
use super::push::Job;

/// How a blob came to be in the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uploaded {
    /// It was there.
    Existed,
    /// It was taken over from another repository.
    Mounted,
    /// It was sent.
    Sent,
}

/// Times that a registry may be out of step with one upload before it is given up.
const MAX_REPEATS: usize = 3;

/// Brings one blob into a repository.
pub(super) async fn upload(job: &Job<'_>, blob: &Blob) -> Result<Uploaded, Error> {
    let Job {
        client,
        repository,
        habits,
        watch,
    } = *job;
    let digest = &blob.descriptor().digest;
    if habits.exists_check && client.blob_head(repository, digest).await?.is_some() {
        return Ok(Uploaded::Existed);
    }
    let mut session = None;
    if let Some(from) = &habits.mount_from {
        match client.upload_mount(repository, digest, Some(from)).await? {
            Mounted::Done => return Ok(Uploaded::Mounted),
            Mounted::Session(opened) => session = Some(opened),
        }
    }
    let watched = |offset: u64, body: Body| {
        watch.sending(blob, offset, body.sent());
        body
    };
    let whole = || watched(0, Body::sized(blob.all(), blob.size()));
    let mut method = habits.method;
    if method == PushMethod::Post {
        // A session that a mount has left open is used; a second one would be a stray.
        if session.is_none() {
            match client.upload_post(repository, digest, &whole).await? {
                Posted::Done => return Ok(Uploaded::Sent),
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
            return Ok(Uploaded::Sent);
        }
        PushMethod::Patch => session.patch(&whole, None).await?,
        PushMethod::PatchChunked => {
            let chunked = || watched(0, Body::chunked(blob.all()));
            session.patch(&chunked, None).await?
        }
        PushMethod::Chunks { size } => chunks(session, blob, size, &watched).await?,
    };
    session.put(digest, &Body::empty).await?;
    Ok(Uploaded::Sent)
}

/// Sends a blob in ranges. A registry that is out of step (416) is asked where it is.
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
