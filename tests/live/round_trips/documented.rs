//! What docs/reference/trace.md says of logs and of round trips: what it excepts, and nothing else, is left out of the
//! comparison.

use std::collections::BTreeMap;

const PAGE: &str = include_str!("../../../docs/reference/trace.md");

/// What the second log does with requests of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exception {
    /// It has none.
    LeftOut,
    /// Their bodies have another size.
    OtherSize,
    /// They may have a body that is larger, or smaller by so many bytes.
    Larger(u64),
    /// The whole blob, where the response was cut off.
    Whole,
    /// They end well, with bodies of any size.
    Well,
    /// They have at least 64 bytes.
    AtLeast64,
    /// It has such a request, which the first one has not.
    Added,
}

/// The exceptions of the page.
#[derive(Debug)]
pub(crate) struct Exceptions {
    rows: BTreeMap<String, Exception>,
}

impl Exceptions {
    pub(crate) fn read() -> Self {
        let rows = table("| requests | in the second log |").into_iter();
        let rows = rows.flat_map(|cells| {
            let exception = match cells[1].as_str() {
                "none" => Exception::LeftOut,
                "bodies of another size" => Exception::OtherSize,
                "bodies that may be larger, or 21 bytes smaller" => Exception::Larger(21),
                "the whole blob" => Exception::Whole,
                "2xx" => Exception::Well,
                "64 bytes" => Exception::AtLeast64,
                "one more" => Exception::Added,
                other => panic!("no exception is called {other}"),
            };
            let requests = cells[0].split(',').map(str::trim);
            let requests = requests.map(|it| (it.trim_matches('`').to_owned(), exception));
            requests.collect::<Vec<_>>()
        });
        Self {
            rows: rows.collect(),
        }
    }

    /// What becomes of requests: `blob-get`, or `404` for all with that status.
    pub(crate) fn of(&self, requests: &str) -> Option<Exception> {
        self.rows.get(requests).copied()
    }

    /// Whether requests with that status are sent again.
    pub(crate) fn stays(&self, status: u16) -> bool {
        let class = format!("{}xx", status / 100);
        let of = self.of(&status.to_string()).or_else(|| self.of(&class));
        of != Some(Exception::LeftOut)
    }
}

/// Headers that a replay sends other values of than the client sent, each with the requests: `blob-get`, `manifest-get by
/// digest`, or `404` for all with that status.
pub(crate) fn other_headers() -> Vec<(String, Vec<String>)> {
    let rows = table("| header | requests |").into_iter();
    let plain = |it: &str| it.trim().trim_matches('`').replace("` by", " by");
    let row = |cells: Vec<String>| (plain(&cells[0]), cells[1].split(',').map(plain).collect());
    rows.map(row).collect()
}

/// What a format lacks, as the table of logs says.
pub(crate) fn lacks(format: &str) -> String {
    let rows = table("| format | written by |").into_iter();
    let mut rows = rows.filter(|cells| {
        cells[0]
            .split(',')
            .any(|it| it.trim().trim_matches('`') == format)
    });
    let row = rows.next();
    row.unwrap_or_else(|| panic!("no log is called {format}"))
        .pop()
        .expect("a last column")
}

/// The cells of the table with that head.
fn table(head: &str) -> Vec<Vec<String>> {
    let (_, rows) = PAGE.split_once(head).expect("the table");
    let rows = rows
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let cells = |row: &str| {
        let row = row.trim_matches('|').split('|');
        row.map(|it| it.trim().to_owned()).collect::<Vec<_>>()
    };
    rows.map(cells).collect()
}
