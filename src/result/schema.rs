//! The names and versions of the formats.

use std::borrow::Cow;

use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The one schema of reports that this version reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Schema;

/// The one schema of comparisons that this version reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ComparisonSchema;

impl Schema {
    /// As it stands in the document. A change that moves the meaning of a number raises it.
    pub const NAME: &str = "regstorm.report/3";
}

impl ComparisonSchema {
    /// As it stands in the document. A change that moves the meaning of a number raises it.
    pub const NAME: &str = "regstorm.comparison/1";
}

impl JsonSchema for Schema {
    fn schema_name() -> Cow<'static, str> {
        "Schema".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> schemars::Schema {
        json_schema!({ "const": Self::NAME })
    }
}

impl JsonSchema for ComparisonSchema {
    fn schema_name() -> Cow<'static, str> {
        "ComparisonSchema".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> schemars::Schema {
        json_schema!({ "const": Self::NAME })
    }
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Self::NAME)
    }
}

impl Serialize for ComparisonSchema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Self::NAME)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        named(deserializer, Self::NAME).map(|()| Self)
    }
}

impl<'de> Deserialize<'de> for ComparisonSchema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        named(deserializer, Self::NAME).map(|()| Self)
    }
}

fn named<'de, D: Deserializer<'de>>(deserializer: D, known: &str) -> Result<(), D::Error> {
    let name = String::deserialize(deserializer)?;
    if name == known {
        Ok(())
    } else {
        Err(de::Error::invalid_value(de::Unexpected::Str(&name), &known))
    }
}
