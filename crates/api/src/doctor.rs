//! The document of `formic doctor --json`.

use serde::{Deserialize, Serialize};

/// The name and version of the document's form.
pub const SCHEMA: &str = "formic.doctor/v1";

/// What this machine can do for runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorDocument {
    /// [`SCHEMA`].
    pub schema: String,
    /// The parts that were looked at.
    pub checks: Vec<CheckedPart>,
}

/// One part of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedPart {
    /// `state`, `git`, `shell`, `kill` or `memory`.
    pub name: String,
    /// Whether it is as good as it can be.
    pub ok: bool,
    /// What was found, for people.
    pub found: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl DoctorDocument {
    /// The document of these parts.
    #[must_use]
    pub fn new(checks: Vec<CheckedPart>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            checks,
        }
    }
}
