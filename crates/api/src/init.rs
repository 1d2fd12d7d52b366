//! What `formic init` says as a document.

use serde::Serialize;

/// What was found and written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InitDocument {
    /// `formic.init/v1`.
    pub schema: &'static str,
    /// Kinds of project that were found.
    pub found: Vec<Found>,
    /// Files that were written, from the project's folder.
    pub written: Vec<String>,
}

/// A kind of project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// What people call it: `Rust`, `Node.js`, ….
    pub name: String,
    /// The file that told.
    pub file: String,
}

impl InitDocument {
    /// The document.
    #[must_use]
    pub fn new(found: Vec<Found>, written: Vec<String>) -> Self {
        Self {
            schema: "formic.init/v1",
            found,
            written,
        }
    }
}
