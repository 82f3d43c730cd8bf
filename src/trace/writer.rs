//! Writes a trace.

use std::io::{self, Write};

use super::frame::{Kind, Packer};
use super::names::NameTable;
use super::request::Request;
use super::rows::Rows;
use super::summary::{SCHEMA, Summary};
use super::time::Timestamp;

/// The last bytes of a trace, behind the place of its summary.
pub(super) const END: &[u8; 8] = b"regstorm";

/// The level of zstd: higher ones take more time than the rest of an import, and save a tenth.
const LEVEL: i32 = 1;

/// Writes requests, in the order of their starts, then the summary. Memory is that of one block.
pub struct Writer<W> {
    to: W,
    rows: Rows,
    packer: Packer,
    content: Vec<u8>,
    packed: Vec<u8>,
    offset: u64,
    requests: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl<W> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("requests", &self.requests)
            .finish_non_exhaustive()
    }
}

impl<W: Write> Writer<W> {
    /// Begins a trace.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn new(mut to: W) -> io::Result<Self> {
        let first = format!("{SCHEMA}\n");
        to.write_all(first.as_bytes())?;
        Ok(Self {
            to,
            rows: Rows::default(),
            packer: Packer::new(LEVEL)?,
            content: Vec::new(),
            packed: Vec::new(),
            offset: first.len() as u64,
            requests: 0,
            first: None,
            last: None,
        })
    }

    /// Adds a request, and the names behind its pseudonyms that `names` has.
    ///
    /// # Errors
    /// Errors of the system; [`io::ErrorKind::InvalidInput`] if it started before the last one.
    pub fn push(&mut self, request: &Request, names: &NameTable) -> io::Result<()> {
        if self.last.is_some_and(|last| request.start < last) {
            let error = "requests of a trace are in the order of their starts";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
        }
        self.first.get_or_insert(request.start);
        self.last = Some(request.start);
        self.requests += 1;
        self.rows.push(request, names);
        if self.rows.is_full() {
            self.close()?;
        }
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        self.rows.take(&mut self.content);
        self.write(Kind::Requests)
    }

    fn write(&mut self, kind: Kind) -> io::Result<()> {
        self.packed.clear();
        self.packer.pack(kind, &self.content, &mut self.packed)?;
        self.to.write_all(&self.packed)?;
        self.offset += self.packed.len() as u64;
        Ok(())
    }

    /// Ends the trace. Sets the summary's schema, version, number of requests and span.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn finish(mut self, mut summary: Summary) -> io::Result<(W, Summary)> {
        if !self.rows.is_empty() {
            self.close()?;
        }
        SCHEMA.clone_into(&mut summary.schema);
        env!("CARGO_PKG_VERSION").clone_into(&mut summary.regstorm);
        summary.requests = self.requests;
        (summary.first, summary.last) = (self.first, self.last);
        self.content = serde_json::to_vec(&summary)?;
        let place = self.offset;
        self.write(Kind::Summary)?;
        self.to.write_all(&place.to_le_bytes())?;
        self.to.write_all(END)?;
        self.to.flush()?;
        Ok((self.to, summary))
    }
}
