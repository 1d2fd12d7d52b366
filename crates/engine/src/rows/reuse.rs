//! Content-addressed reuse as rows: the key under which a result is found again, and what was found for an attempt.
//!
//! A key is made by [`crate::steps::StepMachine::reuse_key`]; what may be reused is said in [`crate::reuse`].

use super::run::Reused;
use model::digest::Digest;
use model::ids::TaskNo;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The digest of everything that decides what a successful attempt of a task comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReuseKey(pub Digest);

impl fmt::Display for ReuseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is known of a leased attempt whose worker has told its key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Keyed {
    /// The key; a result of the attempt is published under it.
    pub key: ReuseKey,
    /// The result that stands for running, if there is one. What it names is kept as long as the attempt has not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Reused>,
}

/// A result that can be found again: that of a task of the run that writes this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyRow {
    /// Under which key.
    pub key: ReuseKey,
    /// The task, which has succeeded with the same change.
    pub task: TaskNo,
}
