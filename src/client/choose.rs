//! The entry of an index that a client takes for a platform.

use crate::oci::{Digest, Entry, ImageIndex, MediaType, Platform, Unusable};
use crate::profile::{EntryUse, IndexChoice, Matching, WithoutPlatform};

/// What a client requests for an entry.
#[derive(Debug)]
pub(super) struct Chosen<'i> {
    pub(super) digest: Digest,
    pub(super) media_type: Option<&'i MediaType>,
    /// The size that the manifest must have, for a client that checks it.
    pub(super) size: Option<u64>,
}

/// Chooses the entry for a platform, as the client does. `None`: there is none.
///
/// # Errors
/// Returns [`Unusable`] if the client would take an incomplete entry.
pub(super) fn choose<'i>(
    index: &'i ImageIndex,
    media_type: &MediaType,
    wanted: &Platform,
    how: IndexChoice,
) -> Result<Option<Chosen<'i>>, Unusable> {
    let is_oci = *media_type == MediaType::OciIndex;
    let normalized = how.normalizes.then(|| normalize(wanted));
    let wanted = normalized.as_ref().unwrap_or(wanted);
    let best = index
        .manifests
        .iter()
        .enumerate()
        .filter(|(_, entry)| !how.passes_unknown_types || !is_unknown(entry))
        .filter_map(|(place, entry)| Some((rank(entry, is_oci, wanted, how)?, place, entry)))
        .min_by_key(|(rank, place, _)| (*rank, *place));
    let Some((_, place, entry)) = best else {
        return Ok(None);
    };
    let chosen = match how.relies_on {
        EntryUse::Digest => entry.digest().map(|digest| Chosen {
            digest: *digest,
            media_type: entry.media_type(),
            size: None,
        }),
        EntryUse::Descriptor => entry.descriptor().map(|descriptor| Chosen {
            digest: descriptor.digest,
            media_type: Some(&descriptor.media_type),
            size: Some(descriptor.size),
        }),
    };
    let chosen = chosen.map_err(|error| index.unusable(place, error));
    chosen.map(Some)
}

/// Normalises a platform as podman does: an explicit variant stays even if it is the default (`arm64/v8`).
fn normalize(wanted: &Platform) -> Platform {
    let normalized = wanted.normalized();
    let variant = normalized
        .variant
        .clone()
        .or_else(|| wanted.variant.clone());
    Platform {
        variant,
        ..normalized
    }
}

fn is_unknown(entry: &Entry) -> bool {
    let media_type = entry.media_type();
    media_type.is_some_and(|it| !MediaType::MANIFESTS.contains(it))
}

/// Ranks an entry: the smallest rank is best, `None` does not fit.
fn rank(entry: &Entry, is_oci: bool, wanted: &Platform, how: IndexChoice) -> Option<usize> {
    const LAST: usize = usize::MAX;
    let is_read_as_none = |platform: &&Platform| {
        how.without_platform == WithoutPlatform::LastResortOrEmpty && platform.is_empty()
    };
    let offered = entry.platform().filter(|it| !is_read_as_none(it));
    let Some(offered) = offered else {
        return match how.without_platform {
            WithoutPlatform::Nothing => None,
            WithoutPlatform::LastResort | WithoutPlatform::LastResortOrEmpty => Some(LAST),
            WithoutPlatform::LastResortInOci => is_oci.then_some(LAST),
            WithoutPlatform::LinuxAmd64 => fit(&Platform::linux_amd64(), wanted, how.matching),
        };
    };
    fit(offered, wanted, how.matching)
}

fn fit(offered: &Platform, wanted: &Platform, matching: Matching) -> Option<usize> {
    let is_same = offered.os == wanted.os && offered.architecture == wanted.architecture;
    match matching {
        Matching::Closest => wanted.rank(offered),
        Matching::First => {
            let fits = wanted.variant.is_none() || wanted.variant == offered.variant;
            (is_same && fits).then_some(0)
        }
        Matching::Variants if is_same => variants(wanted)
            .iter()
            .position(|variant| *variant == offered.variant.as_deref().unwrap_or_default()),
        Matching::Variants => None,
    }
}

/// The variants that containers/image accepts, in its order: the known ones of `arm` and `arm64`.
fn variants(wanted: &Platform) -> Vec<&str> {
    let known: &[&str] = match wanted.architecture.as_str() {
        "arm" => &["v8", "v7", "v6", "v5"],
        "arm64" => &["v8"],
        _ => &[],
    };
    match wanted.variant.as_deref().unwrap_or_default() {
        "" => [&[""], known].concat(),
        named => {
            let from = known.iter().position(|it| *it == named);
            let listed = from.map_or_else(|| vec![named], |from| known[from..].to_vec());
            [&listed[..], &[""]].concat()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
    const OTHER: &str = "application/vnd.example.thing+json";

    /// The place of an entry is the first byte of its digest.
    fn chosen(
        client: &str,
        wanted: &str,
        index_type: &MediaType,
        entries: &[(&str, &str)],
    ) -> Option<usize> {
        let entries: Vec<String> = entries
            .iter()
            .enumerate()
            .map(|(place, (media_type, platform))| {
                let platform = match *platform {
                    "" => String::new(),
                    json if json.starts_with('{') => format!(r#","platform":{json}"#),
                    text => {
                        let parts: Vec<&str> = text.split('/').collect();
                        let variant = parts.get(2).copied().unwrap_or_default();
                        let (os, architecture) = (parts[0], parts[1]);
                        format!(
                            r#","platform":{{"os":"{os}","architecture":"{architecture}","variant":"{variant}"}}"#
                        )
                    }
                };
                let digest = format!("sha256:{place:02x}{}", "0".repeat(62));
                format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":1{platform}}}"#)
            })
            .collect();
        let text = format!(r#"{{"manifests":[{}]}}"#, entries.join(","));
        let index: ImageIndex = serde_json::from_str(&text).unwrap();
        let how = Profile::named(client).unwrap().habits().pull.choice;
        let chosen = choose(&index, index_type, &wanted.parse().unwrap(), how).unwrap();
        chosen.map(|it| usize::from(it.digest.as_bytes()[0]))
    }

    fn of(client: &str, wanted: &str, platforms: &[&str]) -> Option<usize> {
        let entries: Vec<_> = platforms.iter().map(|it| (OCI, *it)).collect();
        chosen(client, wanted, &MediaType::OciIndex, &entries)
    }

    // Each row is what the client's source does: containerd `platforms.Only`, moby `filterManifests`, containers/image
    // `WantedPlatforms`, go-containerregistry `childByPlatform`, oras-go `platform.Match`.
    #[test]
    fn clients_differ_in_what_they_take() {
        for (offered, wanted, takes) in [
            // Closest, and for podman the listed order; crane and oras take the first that fits.
            (
                &["linux/arm/v5", "linux/arm/v7"][..],
                "linux/arm",
                [Some(1), Some(1), Some(1), Some(1), Some(0), Some(0)],
            ),
            (
                &["linux/amd64/v3", "linux/amd64"],
                "linux/amd64",
                [Some(1), Some(1), Some(1), Some(1), Some(0), Some(0)],
            ),
            (
                &["linux/arm64"],
                "linux/arm64/v8",
                [Some(0), Some(0), Some(0), Some(0), None, None],
            ),
            (
                &["linux/arm64/v8"],
                "linux/arm64",
                [Some(0), Some(0), Some(0), Some(0), Some(0), Some(0)],
            ),
            (
                &["linux/amd64"],
                "linux/x86_64",
                [Some(0), Some(0), None, Some(0), None, None],
            ),
            (
                &["linux/arm/v6"],
                "linux/arm/v7",
                [Some(0), Some(0), Some(0), Some(0), None, None],
            ),
            (
                &["linux/arm/v7"],
                "linux/arm64",
                [Some(0), Some(0), None, None, None, None],
            ),
            // An entry without a platform.
            (
                &["", "linux/amd64"],
                "linux/amd64",
                [Some(1), Some(1), Some(1), Some(1), Some(0), Some(1)],
            ),
            (
                &[""],
                "linux/arm64",
                [Some(0), Some(0), Some(0), Some(0), None, None],
            ),
            // One that says nothing, and one without a system, which containerd takes for its own.
            (
                &["{}"],
                "linux/amd64",
                [None, Some(0), None, None, None, None],
            ),
            (
                &[r#"{"architecture":"amd64"}"#],
                "linux/amd64",
                [Some(0), Some(0), None, None, None, None],
            ),
            (
                &["unknown/unknown"],
                "linux/amd64",
                [None, None, None, None, None, None],
            ),
        ] {
            let clients = [
                "containerd",
                "docker",
                "podman",
                "podman-storage",
                "crane",
                "oras",
            ];
            for (client, expected) in clients.into_iter().zip(takes) {
                let found = of(client, wanted, offered);
                assert_eq!(found, expected, "{client}: {wanted} of {offered:?}");
            }
        }
    }

    #[test]
    fn a_docker_list_has_no_entry_without_platform_for_podman() {
        let none = [(OCI, "")];
        let list = MediaType::DockerIndex;
        assert_eq!(chosen("podman", "linux/amd64", &list, &none), None);
        assert_eq!(chosen("docker", "linux/amd64", &list, &none), Some(0));
    }

    #[test]
    fn a_type_that_is_unknown_is_passed_over_by_those_who_look() {
        let entries = [(OTHER, "linux/amd64"), (OCI, "linux/amd64")];
        for (client, takes) in [
            ("docker", 1),
            ("plain", 1),
            ("containerd", 0),
            ("podman", 0),
        ] {
            let found = chosen(client, "linux/amd64", &MediaType::OciIndex, &entries);
            assert_eq!(found, Some(takes), "{client}");
        }
    }
}
