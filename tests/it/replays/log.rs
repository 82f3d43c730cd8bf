//! A trace, written by hand.

use std::fs::File;
use std::num::NonZeroU16;
use std::path::Path;
use std::time::Duration;

use regstorm::oci::Operation;
use regstorm::trace::{
    Agent, Method, NameTable, Naming, Pseudonym, Reference, Request, Summary, Timestamp, Writer,
};

/// Requests, in the order of their starts.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) requests: Vec<Request>,
    millis: u64,
}

/// Requests of one session.
pub(super) struct Session<'a> {
    log: &'a mut Log,
    number: u64,
    repository: u64,
}

/// A request that names nothing.
pub(super) const NONE: Option<Reference> = None;

/// Returns the pseudonym of a name.
pub(super) fn name(number: u64) -> Pseudonym {
    Pseudonym::new(number)
}

pub(super) fn digest(number: u64) -> Reference {
    Reference::Digest(name(number))
}

pub(super) fn tag(number: u64) -> Reference {
    Reference::Tag(name(number))
}

/// Returns the method of an operation.
pub(super) fn method(operation: Operation) -> Method {
    match operation {
        Operation::ManifestHead | Operation::BlobHead => Method::Head,
        Operation::ManifestPut | Operation::UploadPut => Method::Put,
        Operation::ManifestDelete | Operation::BlobDelete | Operation::UploadCancel => {
            Method::Delete
        }
        Operation::UploadStart | Operation::UploadPost | Operation::UploadMount => Method::Post,
        Operation::UploadPatch => Method::Patch,
        _ => Method::Get,
    }
}

impl Log {
    /// Goes on with a session, some time after the last request.
    pub(super) fn session(&mut self, session: u64, repository: u64, millis: u64) -> Session<'_> {
        self.millis += millis;
        Session {
            log: self,
            number: session,
            repository,
        }
    }

    /// Three sessions at once, of two pings each. The second pings are that time apart, as the first of them is from the last ping before.
    pub(super) fn of_three(millis: u64) -> Self {
        let mut log = Self::default();
        for pause in [0, millis] {
            for session in [1, 2, 3] {
                log.session(session, 1, pause)
                    .add(Operation::Ping, NONE, 200);
            }
        }
        log
    }

    /// Writes it.
    pub(super) fn write(&self, path: &Path) {
        let file = File::create(path).expect("a file");
        let mut writer = Writer::new(file).expect("a writer");
        for request in &self.requests {
            writer.push(request, &NameTable::default()).expect("order");
        }
        let summary = Summary::new(Naming::Kept, Duration::from_mins(1));
        writer.finish(summary).expect("an end");
    }
}

impl Session<'_> {
    /// Adds a request, 100 ms after the last.
    pub(super) fn add(
        &mut self,
        operation: Operation,
        reference: impl Into<Option<Reference>>,
        status: u16,
    ) -> &mut Request {
        let log = &mut *self.log;
        log.millis += 100;
        let has_repository = !matches!(operation, Operation::Ping | Operation::Catalog);
        log.requests.push(Request {
            start: Timestamp::from_nanos(1_700_000_000_000_000_000 + log.millis * 1_000_000),
            client: name(self.number),
            session: self.number,
            method: method(operation),
            operation: Some(operation),
            repository: has_repository.then(|| name(self.repository)),
            reference: reference.into(),
            upload: None,
            from: None,
            status: NonZeroU16::new(status),
            sent: None,
            received: None,
            duration: Some(Duration::from_millis(2)),
            agent: Agent::Docker,
            added: false,
        });
        log.requests.last_mut().expect("it was added")
    }

    /// Fetches an image by its tag: blobs by their names and sizes.
    pub(super) fn pull(&mut self, of: u64, manifest: u64, blobs: &[(u64, u64)]) {
        self.add(Operation::ManifestHead, tag(of), 200);
        let got = self.add(Operation::ManifestGet, digest(manifest), 200);
        got.received = Some(2_000);
        for (blob, size) in blobs {
            self.add(Operation::BlobGet, digest(*blob), 200).received = Some(*size);
        }
    }

    /// Sends a blob in parts of these sizes.
    pub(super) fn upload(&mut self, blob: u64, parts: &[u64]) {
        self.add(Operation::BlobHead, digest(blob), 404);
        self.add(Operation::UploadStart, NONE, 202).sent = Some(0);
        let id = Some(name(1_000_000 + blob));
        for part in parts {
            let patch = self.add(Operation::UploadPatch, NONE, 202);
            (patch.sent, patch.upload) = (Some(*part), id);
        }
        let put = self.add(Operation::UploadPut, digest(blob), 201);
        (put.sent, put.upload) = (Some(0), id);
    }
}
