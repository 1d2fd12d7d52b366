//! The document of a command that could not do its work: one form for every command, usage errors included.

use crate::check::CheckedFile;
use serde::{Deserialize, Serialize};

/// The name and version of the document's form.
pub const SCHEMA: &str = "formic.error/v1";

/// Why there is no other document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDocument {
    /// [`SCHEMA`].
    pub schema: String,
    /// What is wrong.
    pub error: ErrorBody,
}

/// What is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The exit code of the program.
    pub exit_code: u8,
    /// One sentence.
    pub message: String,
    /// What caused it, the nearest cause first.
    pub causes: Vec<String>,
    /// Next steps.
    pub help: Vec<String>,
    /// What is wrong with pipeline files, if that is what is wrong; absent without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<CheckedFile>,
}

impl ErrorDocument {
    /// The document of this error.
    #[must_use]
    pub fn new(error: ErrorBody) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            error,
        }
    }
}
