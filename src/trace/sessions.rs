//! Sessions: the requests of one client to one repository, without a long pause between them.

use std::time::Duration;

use super::names::{ByPair, ByPseudonym};
use super::request::Request;
use super::time::Timestamp;
use crate::oci::Operation;

/// The most sessions that are open at one time. When there are more, all are closed.
const MOST_OPEN: usize = 1 << 19;
/// Requests between two looks at which sessions are over.
const SWEEP: u64 = 1 << 16;

/// A session that more may come to.
#[derive(Debug, Clone, Copy)]
struct Open {
    number: u64,
    /// When its last request ended.
    end: Timestamp,
}

/// What is known of a client.
#[derive(Debug, Clone, Copy)]
struct ClientState {
    /// Its last session.
    last: Open,
    /// Whether nothing of that session named a repository, so that the next one that is named becomes its own.
    is_free: bool,
}

/// Numbers the sessions of requests that come in the order of their starts.
#[derive(Debug)]
pub(super) struct Sessions {
    gap: Duration,
    clients: ByPseudonym<ClientState>,
    repositories: ByPair<Open>,
    next: u64,
    seen: u64,
    /// Sessions that were closed because too many were open.
    pub(super) cut: u64,
}

impl Sessions {
    /// A pause of more than `gap` ends a session.
    pub(super) fn new(gap: Duration) -> Self {
        Self {
            gap,
            clients: ByPseudonym::default(),
            repositories: ByPair::default(),
            next: 0,
            seen: 0,
            cut: 0,
        }
    }

    /// The number of sessions.
    pub(super) const fn count(&self) -> u64 {
        self.next
    }

    /// Returns the session of the next request.
    pub(super) fn of(&mut self, request: &Request) -> u64 {
        self.seen += 1;
        let is_full = self.repositories.len().max(self.clients.len()) >= MOST_OPEN;
        if is_full || self.seen.is_multiple_of(SWEEP) {
            self.sweep(request.start, is_full);
        }
        let gap = self.gap;
        let is_open = |it: &Open| request.start.since(it.end) <= gap;
        let client = self.clients.get(&request.client).copied();
        let client = client.filter(|it| is_open(&it.last));
        let number = match request.repository {
            Some(repository) => {
                let key = (request.client, repository);
                let open = self.repositories.get(&key).filter(|it| is_open(it));
                let free = client.filter(|it| it.is_free).map(|it| it.last.number);
                open.map(|it| it.number).or(free)
            }
            // A client pings before it begins something new.
            None if request.operation == Some(Operation::Ping) => {
                client.filter(|it| it.is_free).map(|it| it.last.number)
            }
            None => client.map(|it| it.last.number),
        };
        let number = number.unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        });
        let took = request.duration.unwrap_or_default();
        let end = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let end = Timestamp::from_nanos(request.start.nanos().saturating_add(end));
        let open = Open { number, end };
        let was_free = client.is_none_or(|it| it.last.number != number || it.is_free);
        if let Some(repository) = request.repository {
            self.repositories.insert((request.client, repository), open);
        }
        let state = ClientState {
            last: open,
            is_free: request.repository.is_none() && was_free,
        };
        self.clients.insert(request.client, state);
        number
    }

    /// Forgets sessions that are over, and all of them if that makes little room.
    fn sweep(&mut self, now: Timestamp, is_full: bool) {
        let gap = self.gap;
        let is_open = |it: &Open| now.since(it.end) <= gap;
        self.repositories.retain(|_, it| is_open(it));
        self.clients.retain(|_, it| is_open(&it.last));
        let open = self.repositories.len().max(self.clients.len());
        if is_full && open > MOST_OPEN / 2 {
            self.cut += open as u64;
            self.repositories.clear();
            self.clients.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::request::Pseudonym;
    use crate::trace::tests::a_request;

    /// The session of each of some requests: the second, the client, the repository, the operation.
    fn sessions(requests: &[(u64, u64, Option<u64>, Operation)]) -> Vec<u64> {
        let mut sessions = Sessions::new(Duration::from_mins(1));
        let of = requests
            .iter()
            .map(|(second, client, repository, operation)| {
                let mut request = a_request(second * 1_000_000_000);
                request.duration = None;
                request.client = Pseudonym::new(*client);
                request.repository = repository.map(Pseudonym::new);
                request.operation = Some(*operation);
                sessions.of(&request)
            });
        of.collect()
    }

    #[test]
    fn a_session_is_of_one_client_and_one_repository_and_ends_after_a_pause() {
        use Operation::{BlobGet, ManifestGet};
        let found = sessions(&[
            (0, 1, Some(7), ManifestGet),
            (0, 2, Some(7), ManifestGet),
            (1, 1, Some(7), BlobGet),
            (2, 1, Some(8), ManifestGet),
            (3, 1, Some(7), BlobGet),
            (63, 1, Some(7), BlobGet),
            (124, 1, Some(7), BlobGet),
        ]);
        assert_eq!(found, [0, 1, 0, 2, 0, 0, 3]);
    }

    #[test]
    fn what_names_no_repository_belongs_to_what_follows() {
        use Operation::{BlobGet, ManifestGet, Ping, Token};
        let found = sessions(&[
            (0, 1, None, Ping),
            (0, 1, None, Token),
            (1, 1, Some(7), ManifestGet),
            (2, 1, None, Token),
            (3, 1, Some(7), BlobGet),
            (4, 1, None, Ping),
            (5, 1, Some(8), ManifestGet),
        ]);
        assert_eq!(found, [0, 0, 0, 0, 0, 1, 1]);
    }

    #[test]
    fn a_long_request_is_no_pause() {
        let mut sessions = Sessions::new(Duration::from_mins(1));
        let mut request = a_request(0);
        request.client = Pseudonym::new(1);
        request.duration = Some(Duration::from_mins(10));
        assert_eq!(sessions.of(&request), 0);
        request.start = Timestamp::from_nanos(11 * 60 * 1_000_000_000);
        assert_eq!(sessions.of(&request), 0);
        request.start = Timestamp::from_nanos(22 * 60 * 1_000_000_000 + 1);
        assert_eq!(sessions.of(&request), 1);
    }
}
