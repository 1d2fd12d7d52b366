//! The document of `formic version --json`.

use serde::{Deserialize, Serialize};

/// The name and version of the document's form.
pub const SCHEMA: &str = "formic.version/v1";

/// The versions of the program and of what it writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionDocument {
    /// [`SCHEMA`].
    pub schema: String,
    /// The program.
    pub version: String,
    /// The plan.
    pub plan: u32,
    /// The worker protocol.
    pub protocol: u32,
}

impl VersionDocument {
    /// The document of the program `version`.
    #[must_use]
    pub fn new(version: &str) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            version: version.to_owned(),
            plan: model::plan::PLAN_VERSION,
            protocol: crate::protocol::VERSION,
        }
    }
}
