//! The images that a file or directory offers, by their entries in `index.json` and `manifest.json`.

use serde::Deserialize as _;
use serde_json::Value;

use super::error::ContentError;
use crate::oci::{Entry, EntryError, Unusable};

/// An image that may be loaded.
#[derive(Debug)]
pub(super) struct Candidate {
    /// Its names, the best one first; may be empty.
    pub(super) names: Vec<String>,
    /// Its entry in the `index.json` of the OCI layout.
    pub(super) oci: Option<Listed>,
    /// Its entry in the `manifest.json` of `docker save`.
    pub(super) docker: Option<Item>,
}

impl Candidate {
    /// Writers disagree on whether `docker.io/library/` is part of a name, so it is ignored.
    pub(super) fn is_called(&self, wanted: &str) -> bool {
        let digest = self.oci.as_ref().and_then(|it| it.entry.digest().ok());
        let wanted = familiar(wanted);
        digest.is_some_and(|digest| digest.to_string() == wanted)
            || self.names.iter().any(|name| familiar(name) == wanted)
    }

    /// Returns `true` if its entries are complete.
    pub(super) fn is_whole(&self) -> bool {
        let oci = self.oci.as_ref();
        let docker = self.docker.as_ref();
        oci.is_some_and(|it| it.entry.descriptor().is_ok()) || docker.is_some_and(Item::is_whole)
    }

    pub(super) fn label(&self) -> String {
        match (self.names.first(), &self.oci, &self.docker) {
            (Some(name), ..) => name.clone(),
            (None, Some(listed), _) => listed.label(),
            (None, None, Some(item)) => item.label(),
            (None, None, None) => String::new(),
        }
    }
}

fn familiar(name: &str) -> &str {
    let short = name.strip_prefix("docker.io/").unwrap_or(name);
    short.strip_prefix("library/").unwrap_or(short)
}

/// An entry of `index.json`.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) entry: Entry,
    pub(super) place: usize, // counted from 0
}

impl Listed {
    /// The label of an entry without a name.
    pub(super) fn label(&self) -> String {
        let digest = self.entry.digest().map(ToString::to_string);
        digest.unwrap_or_else(|_| format!("entry {} of index.json", self.place + 1))
    }
}

/// An image of `manifest.json`, parsed as far as possible, and judged when it is loaded.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) place: usize, // counted from 0
    pub(super) config: Result<String, EntryError>,
    pub(super) repo_tags: Vec<String>,
    pub(super) layers: Result<Vec<String>, EntryError>,
}

impl Item {
    pub(super) fn read((place, item): (usize, &Value)) -> Self {
        let field = |name: &str| item.get(name).filter(|it| !it.is_null());
        let config = match field("Config") {
            _ if !item.is_object() => Err(EntryError::NotAnObject),
            None => Err(EntryError::Missing("Config")),
            Some(config) => config
                .as_str()
                .map(ToOwned::to_owned)
                .ok_or(EntryError::Kind {
                    name: "Config",
                    expected: "a text",
                }),
        };
        let tags = field("RepoTags").and_then(Value::as_array);
        let tags = tags.into_iter().flatten().filter_map(Value::as_str);
        let layers = field("Layers").map_or_else(|| Ok(Vec::new()), Vec::deserialize);
        Self {
            place,
            config,
            repo_tags: tags.map(Into::into).collect(),
            layers: layers.map_err(|_| EntryError::Kind {
                name: "Layers",
                expected: "a list of texts",
            }),
        }
    }

    /// The label of an image without a name.
    pub(super) fn label(&self) -> String {
        let config = self.config.clone();
        config.unwrap_or_else(|_| format!("entry {} of manifest.json", self.place + 1))
    }

    /// Returns `true` if it names its config and layers.
    pub(super) const fn is_whole(&self) -> bool {
        self.config.is_ok() && self.layers.is_ok()
    }

    /// Returns config and layers.
    pub(super) fn parts(&self, document: &str) -> Result<(&str, &[String]), ContentError> {
        let unusable = |error: &EntryError| {
            let place = format!("entry {}", self.place + 1).into();
            let error = error.clone();
            ContentError::entry(document, Unusable { place, error })
        };
        let config = self.config.as_deref().map_err(unusable)?;
        Ok((config, self.layers.as_deref().map_err(unusable)?))
    }
}
