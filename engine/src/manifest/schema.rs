//! The manifest's JSON Schema, for editors.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::raw::Document;

/// The schema, made from the same declarations as the parser. Draft 7, which the TOML editors
/// understand, with everything in place instead of by reference.
pub fn schema() -> Value {
    let mut settings = SchemaSettings::draft07();
    settings.inline_subschemas = true;
    let mut schema = settings.into_generator().into_root_schema_for::<Document>();
    schema.insert("title".to_owned(), "Subako manifest".into());
    schema.to_value()
}
