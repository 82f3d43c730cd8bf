//! An image index: its manifests, and which of them is for a platform.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::entry::{annotations, null_is_empty};
use super::{Entry, EntryError, MediaType, Platform, Unusable};

/// An image index, or Docker's manifest list.
///
/// # Spec
/// image-spec, "OCI Image Index Specification".
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageIndex {
    /// REQUIRED, always 2; clients ignore it. 0 if it is missing.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub schema_version: u32,
    /// REQUIRED by Docker, recommended by OCI. Must equal the type in the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// OPTIONAL. The artifact type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// REQUIRED. The manifests to choose from.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub manifests: Vec<Entry>,
    /// OPTIONAL. The manifest that this one refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Entry>,
    /// OPTIONAL. The annotations.
    #[serde(
        default,
        deserialize_with = "annotations",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
}

impl ImageIndex {
    /// Returns the entry whose content suits a platform best, and its position: the first one of the best
    /// [`Platform::rank`]. Attestations (`unknown/unknown`) and entries without a platform never match.
    pub fn closest(&self, wanted: &Platform) -> Option<(usize, &Entry)> {
        let ranked = self
            .manifests
            .iter()
            .enumerate()
            .filter_map(|(place, entry)| {
                let rank = wanted.rank(entry.platform()?)?;
                Some((rank, place, entry))
            });
        let best = ranked.min_by_key(|(rank, place, _)| (*rank, *place))?;
        Some((best.1, best.2))
    }

    /// The platforms of its entries, as text.
    pub fn platforms(&self) -> Vec<String> {
        let platforms = self.manifests.iter().filter_map(Entry::platform);
        platforms.map(ToString::to_string).collect()
    }

    /// Makes the error of an unusable entry at a position, counted from 0.
    pub fn unusable(&self, place: usize, error: &EntryError) -> Unusable {
        let platform = self.manifests.get(place).and_then(Entry::platform);
        let platform = platform.map(|it| format!(" ({it})")).unwrap_or_default();
        Unusable::new(format!("entry {}{platform} of the index", place + 1), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(entries: &[&str]) -> ImageIndex {
        let text = format!(r#"{{"manifests":[{}]}}"#, entries.join(","));
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn the_best_entry_is_chosen_and_an_odd_one_does_not_matter() {
        let on = |architecture: &str, variant: &str| {
            format!(
                r#"{{"size":1,"platform":{{"os":"linux","architecture":"{architecture}","variant":"{variant}"}}}}"#
            )
        };
        let (v5, v7, none) = (on("arm", "v5"), on("arm", "v7"), on("arm", ""));
        let index = index(&["null", r#"{"size":1}"#, &v5, &v7, &none]);
        let place = |wanted: &str| index.closest(&wanted.parse().unwrap()).map(|it| it.0);
        // `arm` is `arm/v7`; of two that are as good, the first one.
        assert_eq!(place("linux/arm"), Some(3));
        assert_eq!(place("linux/arm/v6"), Some(2));
        assert_eq!(place("linux/amd64"), None);
        let error = index.manifests[3].descriptor().unwrap_err();
        let said = index.unusable(3, error).to_string();
        assert_eq!(
            said,
            "entry 4 (linux/arm/v7) of the index cannot be used: it has no `digest`"
        );
    }
}
