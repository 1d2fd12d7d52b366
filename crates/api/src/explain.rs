//! The document of `formic explain --json`.

use serde::{Deserialize, Serialize};

/// The name and version of the document's form.
pub const SCHEMA: &str = "formic.explain/v1";

/// Codes and what they mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainDocument {
    /// [`SCHEMA`].
    pub schema: String,
    /// The code that was asked for, or all of them.
    pub codes: Vec<ExplainedCode>,
}

/// One code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainedCode {
    /// The code, such as `E0301`.
    pub code: String,
    /// What it means, one sentence.
    pub meaning: String,
    /// A file, or a part of one, that has the fault.
    pub wrong: String,
    /// The same, mended.
    pub right: String,
}

impl ExplainDocument {
    /// The document of these codes.
    #[must_use]
    pub fn new(codes: Vec<ExplainedCode>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            codes,
        }
    }
}
