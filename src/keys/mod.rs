//! Keys of TOML files: each is defined once, and from that it is read, shown, described and checked.
//!
//! What a file says is written by people, so it is read for people: a mistake is shown at its place, with what is allowed
//! there, and all mistakes of a file come together. To that end a file is not deserialised by derive, which stops at the
//! first mistake, but parsed into a `tree` that remembers places. A `key` joins a name, a `codec` (the type with its
//! range), an example, a sentence and the field that it sets; the tables of scenarios, gate files and fault files are lists
//! of keys.
//!
//! Not here: any key. Each stands beside the value that it sets. The environment is asked through a function of the caller.
//!
//! Invariant: a secret is never part of a problem, neither in its words nor in the source line that it shows.

pub(crate) mod codec;
pub(crate) mod define;
pub(crate) mod environment;
pub(crate) mod form;
pub(crate) mod key;
pub(crate) mod name;
pub(crate) mod overrides;
pub(crate) mod part;
pub(crate) mod plain;
pub(crate) mod problem;
pub(crate) mod redact;
pub(crate) mod reference;
pub(crate) mod section;
pub(crate) mod spot;
pub(crate) mod table;
pub(crate) mod tree;
pub(crate) mod value;

use self::spot::Spot;
use self::table::{Sink, Table};
use self::tree::Entry;

pub use overrides::Overrides;
pub use problem::Problems;

/// The table that a whole file is.
pub(crate) fn root<'a>(entries: &'a [Entry], sink: &'a Sink) -> Table<'a> {
    let start = Spot {
        source: 0,
        span: 0..0,
    };
    Table::new(entries, start, sink)
}
