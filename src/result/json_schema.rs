//! The JSON schemas of the formats, made from their types.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

use super::{Comparison, ComparisonSchema, Document, Schema};

impl Schema {
    /// Returns the JSON schema (2020-12) of what this version writes, as text.
    pub fn json() -> String {
        json::<Document>(Self::NAME)
    }
}

impl ComparisonSchema {
    /// Returns the JSON schema (2020-12) of what this version writes, as text.
    pub fn json() -> String {
        json::<Comparison>(Self::NAME)
    }
}

fn json<T: JsonSchema>(title: &str) -> String {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    format!("{:#}\n", schema.as_value())
}
