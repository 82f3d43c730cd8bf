//! Traces: what clients have requested of a registry, as its log or a recorder tells it.
//!
//! A [`Writer`] writes [`Request`]s in the order of their starts, and a [`Reader`] reads them; neither holds more than one
//! block in memory. Names are [`Pseudonym`]s: equal names have equal ones. A [`Summary`] says where a trace is from, and what
//! was lost on the way. An [`Importer`] makes a trace of [`Log`]s, each in one of the [`Format`]s that registries and their
//! proxies write: a line becomes an entry, an entry a request, and requests are sorted in files. A [`Recording`] makes one of
//! requests that are seen as they happen.
//!
//! Not here: sending the requests again, and the files of a command.
//!
//! The decision behind it: blocks of rows, packed with zstd, each with a checksum and a dictionary of its own. A trace of any
//! length is read and written in flat memory, and one that was cut off or changed is refused (docs/reference/trace.md).

mod activity;
mod convert;
mod entry;
mod envelope;
mod error;
mod frame;
mod import;
mod input;
mod key;
mod moment;
mod names;
mod nested;
mod options;
mod overview;
mod path;
mod popularity;
mod reader;
mod recognise;
mod recording;
mod records;
pub mod replay;
mod request;
mod rows;
mod sample;
mod sessions;
mod sorter;
mod source;
mod summary;
mod time;
mod varint;
mod writer;

pub use activity::SessionMix;
pub use error::Error;
pub use import::{ImportError, ImportOptions, Importer};
pub use input::Log;
pub use key::Key;
pub use names::NameTable;
pub use options::TraceOptions;
pub use overview::{OperationRow, Overview, Rates, SizeClass};
pub use popularity::{Popular, Popularity};
pub use reader::Reader;
pub use recording::{Observed, Recording};
pub use request::{Agent, Method, Pseudonym, Reference, Request};
pub use sample::SAMPLE;
pub use source::{Format, TemplateError};
pub use summary::{Lines, Missing, Naming, SCHEMA, Source, Summary, Unreadable};
pub use time::Timestamp;
pub use writer::Writer;

#[cfg(test)]
mod tests;
