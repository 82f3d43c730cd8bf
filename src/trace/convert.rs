//! Makes a request of what a log says: names become pseudonyms, and what cannot have a body has none.

use std::num::NonZeroU16;

use super::entry::{Entry, is_unsent, without_port};
use super::key::{Key, NameKind};
use super::names::NameTable;
use super::path::{self, Path};
use super::request::{Agent, Method, Pseudonym, Reference, Request};
use super::time::Timestamp;
use crate::oci::Operation;

/// Makes requests of what a log says.
pub(super) struct Converter<'a> {
    pub(super) key: &'a Key,
    /// Where names are kept, if they are.
    pub(super) names: Option<&'a mut NameTable>,
}

impl Converter<'_> {
    /// Returns the request, which began at that time; `None` if its path is of no registry.
    pub(super) fn request(&mut self, entry: &Entry<'_>, start: Timestamp) -> Option<Request> {
        let method = Method::of(&entry.method);
        let path = path::of(method, &entry.uri)?;
        let address = without_port(&entry.address);
        let user = if entry.user == "-" { "" } else { &entry.user };
        let agent = Agent::of(&entry.agent);
        let client = self
            .key
            .pseudonym(NameKind::Client, &[address, user, &entry.agent]);
        self.keep(client, || {
            let mut parts = vec![address, user, agent.name()];
            parts.retain(|it| !it.is_empty());
            parts.join(" ")
        });
        let repository = path.repository.map(|it| self.repository(&path, it));
        let reference = self.reference(&path);
        let operation = match path.operation {
            // A session that is opened is 202. Without a digest only a mount stores something, whose query the log has cut.
            Some(Operation::UploadStart) if entry.status == Some(201) => {
                Some(Operation::UploadMount)
            }
            operation => operation,
        };
        let upload = path.upload.map(|name| self.name(NameKind::Upload, name));
        let from = path.from.as_deref().map(|it| self.repository(&path, it));
        Some(Request {
            start,
            client,
            session: 0,
            method,
            operation,
            repository,
            reference,
            upload,
            from,
            status: entry
                .status
                .filter(|it| !is_unsent(*it))
                .and_then(NonZeroU16::new),
            sent: if has_body(method, operation) {
                entry.sent
            } else {
                Some(0)
            },
            received: match method {
                // Logs have the length that the body would have.
                Method::Head => Some(0),
                _ => entry.received,
            },
            duration: entry.duration,
            agent,
            added: false,
        })
    }

    fn reference(&mut self, path: &Path<'_>) -> Option<Reference> {
        if let Some(digest) = path.digest.as_deref() {
            let digest = self.name(NameKind::Digest, digest);
            return Some(Reference::Digest(digest));
        }
        let tag = path.tag.as_deref()?;
        Some(Reference::Tag(self.name(NameKind::Tag, tag)))
    }

    fn repository(&mut self, path: &Path<'_>, name: &str) -> Pseudonym {
        let pseudonym = self.key.pseudonym(NameKind::Repository, &[path.base, name]);
        self.keep(pseudonym, || match path.base {
            "" => name.to_owned(),
            base => format!("{base}/{name}"),
        });
        pseudonym
    }

    fn name(&mut self, kind: NameKind, name: &str) -> Pseudonym {
        let pseudonym = self.key.pseudonym(kind, &[name]);
        self.keep(pseudonym, || name.to_owned());
        pseudonym
    }

    fn keep(&mut self, pseudonym: Pseudonym, name: impl FnOnce() -> String) {
        if let Some(names) = &mut self.names
            && names.get(pseudonym).is_none()
        {
            names.insert(pseudonym, &name());
        }
    }
}

/// Whether the request may have a body. The body of what begins an upload session is empty.
fn has_body(method: Method, operation: Option<Operation>) -> bool {
    match method {
        Method::Get | Method::Head | Method::Delete => false,
        Method::Post => !matches!(
            operation,
            Some(Operation::UploadStart | Operation::UploadMount)
        ),
        Method::Put | Method::Patch | Method::Other => true,
    }
}
