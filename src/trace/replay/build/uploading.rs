//! The requests by which blobs are stored: whole, in parts, or by mounts.

use super::super::super::request::{Pseudonym, Reference, Request};
use super::super::step::Act;
use super::super::uploads::{Open, Recording};
use super::{Builder, Running, UNKNOWN, UPLOADS, Why};
use crate::oci::Operation;

impl Builder {
    /// A request by which a blob is stored.
    pub(super) fn uploads(
        &mut self,
        operation: Operation,
        request: &Request,
        (repository, running): (u32, &mut Running),
    ) -> Result<Act, Why> {
        let now = self.now;
        Ok(match operation {
            Operation::UploadStart => {
                let upload = self.opens(request, running);
                Act::Open { upload }
            }
            Operation::UploadMount => {
                let name = request.reference.map(Reference::pseudonym);
                // Without a source the blob is in a repository of its own.
                let from = request.from.unwrap_or(Pseudonym::new(u64::MAX));
                let from = self.repository(from);
                if request.status.is_some_and(|it| it.get() == 202) {
                    let upload = self.opens(request, running);
                    let digest = name.ok_or(UNKNOWN)?.get();
                    return Ok(Act::MountFails {
                        digest,
                        from,
                        upload,
                    });
                }
                let blob = name.map(|it| self.blobs.number(it));
                let blob = blob.unwrap_or_else(|| self.blobs.nameless());
                self.presence.reads_blob(from, blob, now);
                self.presence.stores_blob(repository, blob, now);
                running.pushed.push(blob);
                Act::Mount { blob, from }
            }
            Operation::UploadPost => {
                let blob = self.blob(request)?;
                self.blobs.sent(blob, request.sent, 1);
                if request.status.is_some_and(|it| it.get() == 202) {
                    // Its bytes came to nothing, and a session was opened.
                    let upload = Some(self.opens(request, running));
                    return Ok(Act::Post { blob, upload });
                }
                self.presence.stores_blob(repository, blob, now);
                running.pushed.push(blob);
                Act::Post { blob, upload: None }
            }
            Operation::UploadPatch => {
                let upload = Self::open(request, running)?.number;
                let part = self.uploads[upload as usize].add(request.sent);
                Act::Patch { upload, part }
            }
            Operation::UploadStatus => {
                let upload = Self::open(request, running)?.number;
                Act::Progress { upload }
            }
            Operation::UploadCancel => {
                let upload = Self::closes(request, running)?;
                Act::Cancel { upload }
            }
            Operation::UploadPut => {
                let upload = Self::closes(request, running)?;
                let blob = match request.reference {
                    Some(name) => self.blobs.number(name.pseudonym()),
                    None => self.blobs.nameless(),
                };
                let recording = &mut self.uploads[upload as usize];
                recording.blob = Some(blob);
                let part = recording.add(request.sent);
                let (sent, parts) = (recording.bytes(), recording.parts.len());
                self.blobs.sent(blob, sent, parts);
                self.presence.stores_blob(repository, blob, now);
                running.pushed.push(blob);
                Act::Close { upload, part }
            }
            _ => return Err(UNKNOWN),
        })
    }

    /// Opens an upload.
    fn opens(&mut self, request: &Request, running: &mut Running) -> u32 {
        let number = u32::try_from(self.uploads.len()).unwrap_or(u32::MAX);
        self.uploads.push(Recording::default());
        running.open.push(Open {
            number,
            id: request.upload,
        });
        number
    }

    /// Returns the upload of a request: the one that is called so, or the first that is not called anything yet.
    fn open<'a>(request: &Request, running: &'a mut Running) -> Result<&'a mut Open, Why> {
        let open = running.open.iter();
        let named = open.clone().position(|it| it.id == request.upload);
        let place = named.or_else(|| { open }.position(|it| it.id.is_none()));
        let found = running.open.get_mut(place.ok_or(UPLOADS)?).ok_or(UPLOADS)?;
        found.id = found.id.or(request.upload);
        Ok(found)
    }

    /// Takes the upload of a request out of those that are open.
    fn closes(request: &Request, running: &mut Running) -> Result<u32, Why> {
        let number = Self::open(request, running)?.number;
        running.open.retain(|it| it.number != number);
        Ok(number)
    }
}
