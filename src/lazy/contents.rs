//! The tables of contents of synthetic layers, as their layouts say.

use std::fmt::Write as _;

use super::format::file_name;
use super::layout::Layout;
use super::{estargz, zstd_chunked};
use crate::oci::Digest;

/// Returns the table of contents of a synthetic layer, of a length that does not depend on its digests.
pub fn estargz_toc(layout: &Layout, digests: impl Fn(u64) -> Digest) -> String {
    let mut json = "{\"version\":1,\"entries\":[".to_owned();
    let (landmark, place) = layout.landmark();
    for file in 0..layout.files() {
        if file == place {
            let digest = Digest::sha256(&estargz::LANDMARK);
            estargz::entry(&mut json, landmark, (1, layout.landmark_at()), &digest);
            json.push(',');
        }
        let digest = digests(file);
        let at = (layout.file_size(file), layout.payload_at(file));
        estargz::entry(&mut json, &file_name(file), at, &digest);
        json.push(if file + 1 < layout.files() { ',' } else { ']' });
    }
    json.push('}');
    json
}

/// Returns the table of contents of a synthetic layer, of a length that does not depend on its digests.
pub fn zstd_manifest(
    layout: &Layout,
    tar_split: &Digest,
    digests: impl Fn(u64) -> Digest,
) -> String {
    let mut json = "{\"version\":1,\"entries\":[".to_owned();
    for file in 0..layout.files() {
        let span = layout.payload_at(file)..layout.payload_end(file);
        zstd_chunked::entry(
            &mut json,
            file,
            (layout.file_size(file), span),
            &digests(file),
        );
        json.push(if file + 1 < layout.files() { ',' } else { ']' });
    }
    // Writing to a string does not fail.
    let _ = write!(json, ",\"tarSplitDigest\":\"{tar_split}\"}}");
    json
}
