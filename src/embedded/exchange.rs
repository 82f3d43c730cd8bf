//! One request on its way through the registry, counted once whatever becomes of it.

use std::cell::Cell;
use std::rc::Rc;

use http::StatusCode;
use http::request::Parts;

use crate::oci::Operation;

use super::connection_state::ConnectionState;
use super::record::OpenRecord;
use super::site::Site;

/// A request that was read. Dropped before its response was sent, it counts as unanswered.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) site: Rc<Site>,
    pub(super) connection: Rc<ConnectionState>,
    operation: Option<Operation>,
    record: Option<Rc<OpenRecord>>,
    answered: Cell<bool>,
}

impl Exchange {
    pub(super) fn open(
        site: &Rc<Site>,
        connection: &Rc<ConnectionState>,
        head: &Parts,
        operation: Option<Operation>,
    ) -> Rc<Self> {
        site.tally.requests.add(1);
        connection.activity.begins();
        let record = site.log.as_ref().map(|log| {
            log.borrow_mut()
                .open(head, operation, connection.id, connection.at_storage_host)
        });
        connection.record.replace(record.clone());
        Rc::new(Self {
            site: Rc::clone(site),
            connection: Rc::clone(connection),
            operation,
            record,
            answered: Cell::new(false),
        })
    }

    pub(super) fn answered(&self, status: StatusCode) {
        self.answered.set(true);
        self.site.tally.answered(self.operation, status);
        if let Some(record) = &self.record {
            record.status(status);
        }
    }

    pub(super) fn received(&self, bytes: usize) {
        self.site.tally.received.add(bytes as u64);
        if let Some(record) = &self.record {
            record.received(bytes as u64);
        }
    }

    pub(super) fn sent(&self, bytes: usize) {
        self.site.tally.sent.add(bytes as u64);
        if let Some(record) = &self.record {
            record.sent(bytes as u64);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.connection.activity.ends();
        if !self.answered.get() {
            self.site.tally.unanswered.add(1);
        }
    }
}
