//! The document of `formic check --json`; `sarif` and `github` say the same in other forms.

use serde::{Deserialize, Serialize};

/// The name and version of the document's form.
pub const SCHEMA: &str = "formic.check/v1";

/// What was found in files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckDocument {
    /// [`SCHEMA`].
    pub schema: String,
    /// The files, in the order in which they were given or found.
    pub files: Vec<CheckedFile>,
}

/// One checked file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedFile {
    /// Its name, as the user wrote it or from the project's folder.
    pub file: String,
    /// Whether it can be used: it has no errors.
    pub accepted: bool,
    /// What keeps it from being used, in order of their places.
    pub errors: Vec<Finding>,
    /// What somebody should look at.
    pub warnings: Vec<Finding>,
    /// What it says and this version cannot run.
    pub unsupported: Vec<Unsupported>,
}

/// One thing said about a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable code that `formic explain` describes.
    pub code: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub col: u32,
    /// What is wrong: a lowercase fragment.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
}

/// Something that the file may say and this version cannot run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsupported {
    /// The key, as the file has it.
    pub key: String,
    /// Line, from 1.
    pub line: u32,
}

impl CheckDocument {
    /// The document of these files.
    #[must_use]
    pub fn new(files: Vec<CheckedFile>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            files,
        }
    }

    /// Whether every file can be used.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.files.iter().all(|file| file.accepted)
    }
}
