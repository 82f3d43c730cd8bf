//! What is made of a recording, or of what was sent, where the two are known to differ.

use super::lines::{Role, requests};
use super::trace::{Record, Values};

/// Without the one request for a config.
#[track_caller]
pub(super) fn without_config(sent: &[Record]) -> Vec<Record> {
    let all = requests(sent);
    let others = all.iter().filter(|it| it.role != Role::Config);
    let others: Vec<Record> = others.map(|it| it.record.clone()).collect();
    assert_eq!(others.len() + 1, sent.len(), "the config is fetched once");
    others
}

/// Puts another value in the place of a header. Which encodings are asked for depends on the method.
pub(super) fn renew(records: &mut [Record], name: &str, value: &str) {
    for record in records {
        let applies = name != "Accept-Encoding" || record.method == "GET";
        if applies && let Some(old) = record.req.get_mut(name) {
            *old = Values::One(value.to_owned());
        }
    }
}

/// Ranges that began at a multiple of a number of bytes, as if they were that multiple of another.
pub(super) fn scale_ranges(records: &mut [Record], was: u64, is: u64) {
    for record in records {
        if let Some(Values::One(range)) = record.req.get_mut("Range") {
            let start = range
                .strip_prefix("bytes=")
                .and_then(|it| it.strip_suffix('-'));
            let start: u64 = start.and_then(|it| it.parse().ok()).expect("an open range");
            assert_eq!(start % was, 0, "{range}");
            *range = format!("bytes={}-", start / was * is);
        }
    }
}
