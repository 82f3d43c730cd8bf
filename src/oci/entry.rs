//! An entry of a document: a descriptor, or something else in its place, which is judged only when it is used.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Descriptor, Digest, DigestError, MediaType, Platform};

/// What a document states of other content, parsed as far as possible.
///
/// `null` counts as missing, as in Go. A document is never refused for an entry: an unusable entry is an error only
/// where it is used.
#[derive(Debug, Clone)]
pub struct Entry(Result<Descriptor, Box<Odd>>);

/// An entry that is no complete descriptor.
#[derive(Debug, Clone)]
struct Odd {
    error: EntryError,
    value: Value, // as it was written
    read: Read,
}

/// The properties of an entry that can be parsed.
#[derive(Debug, Clone)]
struct Read {
    media_type: Option<MediaType>,
    digest: Result<Digest, EntryError>,
    size: Result<u64, EntryError>,
    annotations: BTreeMap<String, String>,
    platform: Option<Platform>,
    artifact_type: Option<String>,
}

/// Why an entry is no descriptor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Something else is in its place.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// A required property is missing.
    #[error("it has no `{0}`")]
    Missing(&'static str),
    /// A property has another type than the specification says.
    #[error("its `{name}` is not {expected}")]
    Kind {
        /// The property.
        name: &'static str,
        /// The expected type.
        expected: &'static str,
    },
    /// The digest is invalid.
    #[error("its `digest` cannot be used: {0}")]
    Digest(DigestError),
}

/// An entry that is needed and unusable, and its position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place} cannot be used: {error}")]
pub struct Unusable {
    /// Its position, such as `layer 2 of the manifest`.
    pub place: Cow<'static, str>,
    /// The problem.
    pub error: EntryError,
}

impl Unusable {
    pub(super) fn new(place: impl Into<Cow<'static, str>>, error: &EntryError) -> Self {
        Self {
            place: place.into(),
            error: error.clone(),
        }
    }
}

impl Entry {
    fn read(value: Value) -> Self {
        let empty = Map::new();
        let is_object = value.is_object();
        let read = Read::of(value.as_object().unwrap_or(&empty));
        let urls = match value.get("urls") {
            Some(Value::Array(urls)) => urls
                .iter()
                .filter_map(Value::as_str)
                .map(Into::into)
                .collect(),
            _ => Vec::new(),
        };
        let whole = match (&read.media_type, &read.digest, &read.size) {
            _ if !is_object => Err(EntryError::NotAnObject),
            (_, Err(error), _) => Err(error.clone()),
            (None, ..) => Err(kind_or_missing(&value, "mediaType", "a text")),
            (.., Err(error)) => Err(error.clone()),
            (Some(media_type), Ok(digest), Ok(size)) => Ok((media_type.clone(), *digest, *size)),
        };
        Self(match whole {
            Ok((media_type, digest, size)) => Ok(Descriptor {
                media_type,
                digest,
                size,
                urls,
                annotations: read.annotations,
                platform: read.platform,
                artifact_type: read.artifact_type,
            }),
            Err(error) => Err(Box::new(Odd { error, value, read })),
        })
    }

    /// Returns the complete descriptor.
    ///
    /// # Errors
    /// Returns [`EntryError`] if a required property is missing or invalid.
    pub fn descriptor(&self) -> Result<&Descriptor, &EntryError> {
        self.0.as_ref().map_err(|odd| &odd.error)
    }

    /// Returns the digest alone: many clients need no more of an entry.
    ///
    /// # Errors
    /// Returns [`EntryError`] if it is missing or invalid.
    pub fn digest(&self) -> Result<&Digest, &EntryError> {
        match &self.0 {
            Ok(descriptor) => Ok(&descriptor.digest),
            Err(odd) => odd.read.digest.as_ref().map_err(|_| &odd.error),
        }
    }

    /// The size in bytes, if it is stated.
    pub fn size(&self) -> Option<u64> {
        match &self.0 {
            Ok(descriptor) => Some(descriptor.size),
            Err(odd) => odd.read.size.as_ref().ok().copied(),
        }
    }

    /// The type, if it is stated.
    pub fn media_type(&self) -> Option<&MediaType> {
        match &self.0 {
            Ok(descriptor) => Some(&descriptor.media_type),
            Err(odd) => odd.read.media_type.as_ref(),
        }
    }

    /// The platform, if it is stated. One of the wrong shape is `unknown/unknown`.
    pub fn platform(&self) -> Option<&Platform> {
        match &self.0 {
            Ok(descriptor) => descriptor.platform.as_ref(),
            Err(odd) => odd.read.platform.as_ref(),
        }
    }

    /// The artifact type, if it is stated.
    pub fn artifact_type(&self) -> Option<&str> {
        match &self.0 {
            Ok(descriptor) => descriptor.artifact_type.as_deref(),
            Err(odd) => odd.read.artifact_type.as_deref(),
        }
    }

    /// The annotation of that key.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        let annotations = match &self.0 {
            Ok(descriptor) => &descriptor.annotations,
            Err(odd) => &odd.read.annotations,
        };
        annotations.get(key).map(String::as_str)
    }

    /// Returns `true` for a layer that is not distributed: see [`MediaType::is_foreign_layer`].
    pub fn is_foreign_layer(&self) -> bool {
        self.media_type().is_some_and(MediaType::is_foreign_layer)
    }
}

impl Read {
    fn of(fields: &Map<String, Value>) -> Self {
        let field = |name: &str| fields.get(name).filter(|it| !it.is_null());
        let text = |name: &str| field(name).and_then(Value::as_str);
        let digest = match field("digest") {
            None => Err(EntryError::Missing("digest")),
            Some(Value::String(text)) => text.parse().map_err(EntryError::Digest),
            Some(_) => Err(EntryError::Kind {
                name: "digest",
                expected: "a text",
            }),
        };
        let size = match field("size").map(Value::as_i64) {
            None => Err(EntryError::Missing("size")),
            // At most `i64::MAX`, as the specification's signed integer allows.
            Some(size) => size
                .and_then(|size| u64::try_from(size).ok())
                .ok_or(EntryError::Kind {
                    name: "size",
                    expected: "a number of bytes",
                }),
        };
        Self {
            media_type: text("mediaType")
                .filter(|it| !it.is_empty())
                .map(MediaType::from),
            digest,
            size,
            annotations: field("annotations").map(texts).unwrap_or_default(),
            platform: field("platform").map(Platform::read),
            artifact_type: text("artifactType").map(Into::into),
        }
    }
}

fn kind_or_missing(value: &Value, name: &'static str, expected: &'static str) -> EntryError {
    match value.get(name) {
        None | Some(Value::Null | Value::String(_)) => EntryError::Missing(name),
        Some(_) => EntryError::Kind { name, expected },
    }
}

/// Reads annotations. `null` is an empty text, as in Go; values that are no text are left out.
fn texts(value: &Value) -> BTreeMap<String, String> {
    let note = |(key, value): (&String, &Value)| match value {
        Value::Null => Some((key.clone(), String::new())),
        Value::String(text) => Some((key.clone(), text.clone())),
        _ => None,
    };
    let fields = value.as_object().into_iter().flatten();
    fields.filter_map(note).collect()
}

/// Reads the annotations of a document.
pub(super) fn annotations<'de, D>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error>
where
    D: Deserializer<'de>,
{
    Ok(texts(&Value::deserialize(deserializer)?))
}

/// Reads `null` as empty: some writers put it in place of an object.
pub(super) fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads `null` and values of another type as missing.
pub(super) fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned + Default,
{
    let value = Value::deserialize(deserializer)?;
    Ok(T::deserialize(value).unwrap_or_default())
}

impl From<Descriptor> for Entry {
    fn from(descriptor: Descriptor) -> Self {
        Self(Ok(descriptor))
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Ok(descriptor) => descriptor.serialize(serializer),
            Err(odd) => odd.value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIGEST: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn entry(text: &str) -> Entry {
        serde_json::from_str(&text.replace("DIGEST", DIGEST)).unwrap()
    }

    #[test]
    fn null_is_nothing_and_unknown_properties_do_not_matter() {
        let read = entry(
            r#"{"mediaType":"a/b","digest":"DIGEST","size":3,"urls":null,"platform":null,"artifactType":null,
                "annotations":{"k":null,"n":5,"t":"x"},"data":null,"future":{"a":[1,{}]},"size2":-1}"#,
        );
        let descriptor = read.descriptor().unwrap();
        assert_eq!(descriptor.size, 3);
        assert_eq!((descriptor.urls.len(), &descriptor.platform), (0, &None));
        assert_eq!(read.annotation("k"), Some(""));
        assert_eq!(read.annotation("n"), None);
        assert_eq!(read.annotation("t"), Some("x"));
    }

    #[test]
    fn what_is_wrong_is_said_and_the_rest_is_read() {
        for (text, error) in [
            ("null", "it is not a JSON object"),
            ("[1]", "it is not a JSON object"),
            ("{}", "it has no `digest`"),
            (r#"{"digest":"DIGEST","size":1}"#, "it has no `mediaType`"),
            (
                r#"{"digest":"DIGEST","mediaType":7,"size":1}"#,
                "its `mediaType` is not a text",
            ),
            (
                r#"{"digest":"DIGEST","mediaType":"a/b"}"#,
                "it has no `size`",
            ),
            (
                r#"{"digest":"DIGEST","mediaType":"a/b","size":-1}"#,
                "its `size` is not a number of bytes",
            ),
            (
                r#"{"digest":"DIGEST","mediaType":"a/b","size":"1"}"#,
                "its `size` is not a number of bytes",
            ),
            (
                r#"{"digest":5,"mediaType":"a/b","size":1}"#,
                "its `digest` is not a text",
            ),
            (
                r#"{"digest":"blake3:00","mediaType":"a/b","size":1}"#,
                "its `digest` cannot be used: unknown digest algorithm `blake3`; regstorm knows sha256 and sha512",
            ),
        ] {
            assert_eq!(
                entry(text).descriptor().unwrap_err().to_string(),
                error,
                "{text}"
            );
        }
        let odd = entry(r#"{"digest":"DIGEST","platform":{"os":"linux","architecture":"arm64"}}"#);
        assert_eq!(odd.digest().unwrap().to_string(), DIGEST);
        assert_eq!(odd.platform().unwrap().to_string(), "linux/arm64");
        assert_eq!((odd.size(), odd.media_type()), (None, None));
    }

    #[test]
    fn an_odd_entry_is_written_as_it_was_read() {
        let text = r#"{"digest":"blake3:00","future":[1],"size":1}"#;
        assert_eq!(serde_json::to_string(&entry(text)).unwrap(), text);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_panic(text in ".{0,200}") {
            let _ = serde_json::from_str::<Entry>(&text);
        }
    }
}
