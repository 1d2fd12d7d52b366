//! The document of `formic lock --json`.

use serde::{Deserialize, Serialize};

/// The name and version of the document's form.
pub const SCHEMA: &str = "formic.lock/v1";

/// What is pinned, and what has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockDocument {
    /// [`SCHEMA`].
    pub schema: String,
    /// References that are pinned.
    pub references: usize,
    /// What has changed, by reference.
    pub changes: Vec<LockChange>,
}

/// A reference whose pin came, went or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockChange {
    /// The reference, as the lock file writes it.
    pub reference: String,
    /// Its pin, if it had one.
    pub old: Option<LockPin>,
    /// Its pin, if it is still used.
    pub new: Option<LockPin>,
}

/// What a reference stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockPin {
    /// The commit, for a file of a Git repository.
    pub commit: Option<String>,
    /// The digest of the file.
    pub digest: String,
}

impl LockDocument {
    /// The document of these changes.
    #[must_use]
    pub fn new(references: usize, changes: Vec<LockChange>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            references,
            changes,
        }
    }
}
