//! The report for machines: `kforensics.analysis.v1`, one object, ordered, times in RFC 3339 UTC or null.
//!
//! The types are the contract; the schema in `docs/analysis.schema.json` is made from them.

mod build;
mod dumps;
mod types;

pub use types::*;

pub(crate) use build::quote;
pub(crate) use dumps::dump;

use super::view::Report;

/// The report as JSON, indented, with a line end behind it.
pub fn render(report: &Report<'_>) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(&document(report))?;
    text.push('\n');
    Ok(text)
}

/// The report as the types of the contract.
pub fn document(report: &Report<'_>) -> Document {
    build::document(report)
}

/// The JSON Schema of [`Document`], indented, with a line end behind it.
pub fn schema() -> Result<String, serde_json::Error> {
    let schema = schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Document>();
    let mut text = serde_json::to_string_pretty(&schema)?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// `UPDATE=1 cargo test` writes the page; otherwise it must be what the types say.
    #[test]
    fn schema_in_docs_is_the_one_of_the_types() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/analysis.schema.json");
        let schema = schema().unwrap();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &schema).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == schema,
            "docs/analysis.schema.json is out of date: run the tests with UPDATE=1"
        );
    }
}
