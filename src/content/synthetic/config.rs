//! The config of a synthetic image: valid JSON of a given size.

use serde::Serialize;

use crate::oci::Digest;

#[derive(Serialize)]
struct Document<'a> {
    architecture: &'static str,
    os: &'static str,
    config: Settings<'a>,
    rootfs: Rootfs<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Settings<'a> {
    labels: Labels<'a>,
}

#[derive(Serialize)]
struct Labels<'a> {
    #[serde(rename = "regstorm.image")]
    image: &'a str,
    #[serde(rename = "regstorm.filler")]
    filler: &'a str,
}

#[derive(Serialize)]
struct Rootfs<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    diff_ids: &'a [Digest],
}

/// Makes a config for these layers. It has `size` bytes, or as many as it needs, or as many as `filler` (hex digits)
/// can fill.
pub(super) fn config(name: &str, layers: &[Digest], size: u64, filler: &str) -> Vec<u8> {
    let bare = document(name, layers, "");
    let missing = usize::try_from(size)
        .unwrap_or(usize::MAX)
        .saturating_sub(bare.len())
        .min(filler.len());
    if missing == 0 {
        return bare;
    }
    document(name, layers, &filler[..missing])
}

fn document(name: &str, layers: &[Digest], filler: &str) -> Vec<u8> {
    let labels = Labels {
        image: name,
        filler,
    };
    serde_json::to_vec(&Document {
        architecture: "amd64",
        os: "linux",
        config: Settings { labels },
        rootfs: Rootfs {
            kind: "layers",
            diff_ids: layers,
        },
    })
    .expect("strings and digests can be said in JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::{ImageConfig, Platform};

    #[test]
    fn has_the_size_asked_for_and_can_be_read() {
        let layers = [Digest::sha256(b"a"), Digest::sha256(b"b")];
        let filler = "0123456789abcdef".repeat(1000);
        let small = config("1/2", &layers, 10, &filler);
        for size in [small.len(), small.len() + 1, 1000, 15_000] {
            let bytes = config("1/2", &layers, size as u64, &filler);
            assert_eq!(bytes.len(), size);
            let parsed = ImageConfig::parse(&bytes).unwrap();
            assert_eq!(parsed.rootfs.diff_ids, layers);
            assert_eq!(parsed.platform, Some(Platform::linux_amd64()));
        }
    }
}
