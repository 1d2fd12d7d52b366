//! The JSON documents of commands that do not print a run: `check`, `ls`, `explain`, `version`, `doctor`.
//!
//! Each carries `schema`; within one major number fields are added, never changed or removed. The document
//! of a run is `api::run::RunDocument`.

use serde::Serialize;

/// What `check --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct CheckDocument {
    pub schema: &'static str,
    pub files: Vec<CheckedFile>,
}

/// One checked file.
#[derive(Debug, Serialize)]
pub(crate) struct CheckedFile {
    pub file: String,
    pub accepted: bool,
    pub errors: Vec<Finding>,
    pub warnings: Vec<Finding>,
    pub unsupported: Vec<Unsupported>,
}

/// One thing said about a file.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    pub code: &'static str,
    pub line: u32,
    pub col: u32,
    pub message: String,
    pub help: Option<String>,
}

/// Something that the file may say and this version cannot run.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Unsupported {
    pub key: String,
    pub line: u32,
}

/// What `ls --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct ListDocument {
    pub schema: &'static str,
    pub runs: Vec<ListedRun>,
}

/// A run in a list.
#[derive(Debug, Serialize)]
pub(crate) struct ListedRun {
    pub run: String,
    pub pipeline: String,
    pub status: String,
    pub parent: Option<String>,
    pub commit: Option<String>,
    pub branch: Option<String>,
    pub by: String,
    pub created_at_ms: i64,
    pub duration_ms: Option<u64>,
    pub tasks: u32,
    pub succeeded: u32,
    pub failed: u32,
    pub skipped: u32,
    pub canceled: u32,
}

/// What `explain --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct ExplainDocument {
    pub schema: &'static str,
    pub codes: Vec<ExplainedCode>,
}

/// One code.
#[derive(Debug, Serialize)]
pub(crate) struct ExplainedCode {
    pub code: &'static str,
    pub meaning: &'static str,
    pub wrong: &'static str,
    pub right: &'static str,
}

/// What `doctor --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct DoctorDocument {
    pub schema: &'static str,
    pub checks: Vec<CheckedPart>,
}

/// One part of the machine.
#[derive(Debug, Serialize)]
pub(crate) struct CheckedPart {
    pub name: &'static str,
    pub ok: bool,
    pub found: String,
    pub help: Option<String>,
}

/// One line of `--events`.
#[derive(Debug, Serialize)]
pub(crate) struct EventDocument {
    pub schema: &'static str,
    pub run: String,
    pub seq: u64,
    pub at_ms: i64,
    pub event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks: Option<u32>,
}
