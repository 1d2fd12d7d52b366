//! The signal of an earlier run, for a new one of the tree as it is now.
//!
//! What happened, happened: it stays as it was recorded. Only a person asks about the working tree, so what Git said of
//! that then is left to be said anew.

use super::{Asked, Status, text_of};
use model::JsonMap;
use model::source::Source;
use pipeline::signal::Kind;
use serde_json::json;
use std::collections::BTreeMap;

impl Asked {
    /// What was asked for by `signal`, which was recorded with the source `then`, of the source `now`.
    pub(crate) fn again(
        signal: &JsonMap,
        params: BTreeMap<String, String>,
        then: &Source,
        now: &Source,
    ) -> Self {
        let kind = Kind::from_word(text_of(signal, "kind")).unwrap_or_default();
        let mut asked = Self {
            signal: signal.clone(),
            is_named: kind != Kind::Manual,
            is_deleted: false,
            params,
        };
        if !asked.is_named {
            asked.forget(&Status::from(then));
            asked.fill(&Status::from(now));
        }
        asked
    }

    /// Leaves out what `status` said of the working tree; what somebody else said stays.
    fn forget(&mut self, status: &Status) {
        let branch = status.branch.as_deref().unwrap_or_default();
        if text_of(&self.signal, "branch") == branch {
            self.signal.remove("branch");
            self.signal.remove("ref");
        }
        if text_of(&self.signal, "commit") == status.commit.as_deref().unwrap_or_default() {
            self.signal.remove("commit");
        }
        if self.signal.get("dirty") == Some(&json!(status.dirty)) {
            self.signal.remove("dirty");
        }
    }
}
