//! The name and version of the document's format.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The one schema that this version reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Schema;

impl Schema {
    /// As it stands in the document. A change that moves the meaning of a number raises it.
    pub const NAME: &str = "regstorm.report/1";
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Self::NAME)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name == Self::NAME {
            Ok(Self)
        } else {
            Err(de::Error::invalid_value(
                de::Unexpected::Str(&name),
                &Self::NAME,
            ))
        }
    }
}
