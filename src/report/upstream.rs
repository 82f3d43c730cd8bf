//! What a pull-through cache has fetched, in words that every format for people has in common.

use crate::result::UpstreamSection;
use crate::units;

use super::words::number_of;

/// `32 fetches of 8 blobs: 4 for each, at most 4 of one; 8 blobs were fetched more than once · http://127.0.0.1:5099`
pub(super) fn line(upstream: &UpstreamSection) -> String {
    let Some(each) = upstream.fetches_per_blob else {
        return format!(
            "no blob was fetched, in {} · {}",
            number_of(upstream.requests, "request"),
            upstream.url
        );
    };
    format!(
        "{} of {}: {each} for each, at most {} of one; {} more than once · {}",
        number_of(upstream.fetches, "fetch").replace("fetchs", "fetches"),
        number_of(upstream.blobs, "blob"),
        units::count(upstream.most),
        number_of(upstream.more_than_once, "blob"),
        upstream.url
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fetches_are_told_for_each_blob() {
        let of = |counts: &[u64]| {
            line(&UpstreamSection::new(
                "http://127.0.0.1:5099".into(),
                5,
                counts,
            ))
        };
        let words = "8 fetches of 4 blobs: 2 for each, at most 4 of one; 2 blobs more than once · http://127.0.0.1:5099";
        assert_eq!(of(&[1, 4, 1, 2]), words);
        assert_eq!(
            of(&[]),
            "no blob was fetched, in 5 requests · http://127.0.0.1:5099"
        );
        assert!(
            of(&[1]).starts_with("1 fetch of 1 blob: 1 for each"),
            "{}",
            of(&[1])
        );
    }
}
