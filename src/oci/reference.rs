//! Names of what a registry stores: the repository, the tag, the reference of a manifest and the name of an image.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Digest, DigestError};

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not a repository name.
    #[error(
        "`{0}` is not a repository name: lower-case letters and digits, joined by `.`, `_`, `__` or `-`, in parts separated by `/`, at most 255 characters"
    )]
    Repository(String),
    /// Not a tag.
    #[error(
        "`{0}` is not a tag: at most 128 letters, digits, `_`, `.` and `-`, not starting with `.` or `-`"
    )]
    Tag(String),
    /// An image name without a tag and without a digest.
    #[error("`{0}` has no tag and no digest: write NAME:TAG or NAME@DIGEST")]
    NoReference(String),
    /// The part behind `@` is not a digest.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

/// The name of a repository, such as `library/debian`.
///
/// # Spec
/// distribution-spec, "Pulling manifests": the expression for `<name>`; 255 characters at most, as every client limits it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryName(Box<str>);

impl RepositoryName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A string.
impl JsonSchema for RepositoryName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RepositoryName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "maxLength": 255 })
    }
}

impl Serialize for RepositoryName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RepositoryName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl FromStr for RepositoryName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.len() <= 255 && text.split('/').all(is_path_component) {
            Ok(Self(text.into()))
        } else {
            Err(NameError::Repository(text.chars().take(300).collect()))
        }
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_component(part: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !part.starts_with(alphanumeric) || !part.ends_with(alphanumeric) {
        return false;
    }
    part.split(alphanumeric).all(|separator| {
        matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|b| b == b'-')
    })
}

/// A tag: a movable name of one manifest in a repository.
///
/// # Spec
/// distribution-spec, "Pulling manifests": `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(Box<str>);

impl Tag {
    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let valid = (1..=128).contains(&text.len())
            && word(text.as_bytes()[0])
            && text.bytes().all(|b| word(b) || b == b'.' || b == b'-');
        if valid {
            Ok(Self(text.into()))
        } else {
            Err(NameError::Tag(text.chars().take(200).collect()))
        }
    }
}

/// A manifest of a repository: its tag or its digest.
///
/// # Spec
/// distribution-spec, "Pulling manifests": `<reference>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reference {
    /// The manifest that the tag points at when the request arrives.
    Tag(Tag),
    /// The manifest with this digest.
    Digest(Digest),
}

impl Reference {
    /// Returns the text that stands in the path of a URL.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Tag(tag) => Cow::Borrowed(tag.as_str()),
            Self::Digest(digest) => Cow::Owned(digest.to_string()),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

impl FromStr for Reference {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        // A tag has no colon and a digest must have one.
        if text.contains(':') {
            Ok(Self::Digest(text.parse()?))
        } else {
            text.parse().map(Self::Tag)
        }
    }
}

/// The name of an image in a registry: `NAME:TAG` or `NAME@DIGEST`. There is no default tag and no default registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageName {
    /// The repository.
    pub repository: RepositoryName,
    /// The manifest in that repository.
    pub reference: Reference,
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reference {
            Reference::Tag(tag) => write!(f, "{}:{tag}", self.repository),
            Reference::Digest(digest) => write!(f, "{}@{digest}", self.repository),
        }
    }
}

impl FromStr for ImageName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if let Some((name, digest)) = text.split_once('@') {
            return Ok(Self {
                repository: name.parse()?,
                reference: Reference::Digest(digest.parse()?),
            });
        }
        let (name, tag) = text
            .rsplit_once(':')
            .ok_or_else(|| NameError::NoReference(text.chars().take(300).collect()))?;
        Ok(Self {
            repository: name.parse()?,
            reference: Reference::Tag(tag.parse()?),
        })
    }
}

macro_rules! text_noun {
    ($($noun:ident),*) => {$(
        impl fmt::Display for $noun {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $noun {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

text_noun!(RepositoryName, Tag);

/// Returns the repository in a path of the distribution API; `None` if it names none.
///
/// Anything before `/v2/` is the registry's base path.
pub fn repository_of(path: &str) -> Option<&str> {
    let (_, rest) = path.split_once("/v2/")?;
    let ends = ["/manifests/", "/blobs/", "/tags/", "/referrers/"];
    let end = ends.iter().filter_map(|it| rest.rfind(it)).max()?;
    Some(&rest[..end]).filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn repository_names_follow_the_specification() {
        for good in [
            "a",
            "lab/img",
            "a.b/c_d/e__f/g-h/i---j/0",
            "link/to/docker/registry",
        ] {
            assert!(good.parse::<RepositoryName>().is_ok(), "{good}");
        }
        for bad in [
            "", "/", "a/", "/a", "A", "a//b", "a___b", "-a", "a-", "a..b", "a._b", "a:b", "..",
            "../x", "é",
        ] {
            assert!(bad.parse::<RepositoryName>().is_err(), "{bad}");
        }
        assert!("a".repeat(255).parse::<RepositoryName>().is_ok());
        assert!("a".repeat(256).parse::<RepositoryName>().is_err());
    }

    #[test]
    fn tags_follow_the_specification() {
        for good in ["latest", "_", "V1.2-rc.1", "0"] {
            assert!(good.parse::<Tag>().is_ok(), "{good}");
        }
        for bad in ["", ".a", "-a", "a/b", "a:b", "a b", "ä"] {
            assert!(bad.parse::<Tag>().is_err(), "{bad}");
        }
        assert!("a".repeat(128).parse::<Tag>().is_ok());
        assert!("a".repeat(129).parse::<Tag>().is_err());
    }

    #[test]
    fn an_image_name_needs_a_tag_or_a_digest() {
        assert_eq!(
            "lab/img".parse::<ImageName>(),
            Err(NameError::NoReference("lab/img".into()))
        );
        let tagged: ImageName = "lab/img:1".parse().unwrap();
        assert_eq!(tagged.to_string(), "lab/img:1");
        let digest = Digest::sha256(b"");
        let text = format!("lab/img@{digest}");
        assert_eq!(text.parse::<ImageName>().unwrap().to_string(), text);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_panic(text in ".*") {
            let _ = text.parse::<ImageName>();
        }

        #[test]
        fn prints_what_it_reads(
            name in "[a-z0-9]{1,8}([._-][a-z0-9]{1,8}){0,2}(/[a-z0-9]{1,8}){0,3}",
            tag in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}",
        ) {
            let text = format!("{name}:{tag}");
            prop_assert_eq!(text.parse::<ImageName>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_path_tells_its_repository() {
        for (path, wanted) in [
            ("/v2/app/manifests/latest", Some("app")),
            ("/v2/team/app/blobs/sha256:abc", Some("team/app")),
            ("/v2/team/app/blobs/uploads/", Some("team/app")),
            ("/v2/blobs/app/blobs/uploads/1", Some("blobs/app")),
            ("/link/to/v2/app/tags/list", Some("app")),
            ("/v2/app/referrers/sha256:abc", Some("app")),
            ("/v2/v2/app/manifests/1", Some("v2/app")),
            ("/v2/", None),
            ("/v2/_catalog", None),
            ("/token", None),
            ("/bucket/blobs/sha256:abc", None),
        ] {
            assert_eq!(repository_of(path), wanted, "{path}");
        }
    }
}
