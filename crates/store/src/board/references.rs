//! What a run refers to outside of its rows, gathered row by row; every adapter adds in the same way.

use super::References;
use engine::rows::{AttemptEnd, Parent, Reused};

impl References {
    pub(crate) fn add_parent(&mut self, parent: &Parent) {
        for reused in parent.reused.values() {
            self.add_reused(reused);
        }
    }

    pub(crate) fn add_reused(&mut self, reused: &Reused) {
        self.runs.insert(reused.run);
        self.blobs.extend(reused.generated);
        let artifacts = reused.artifacts.iter().map(|each| each.digest);
        self.blobs.extend(artifacts);
    }

    pub(crate) fn add_attempt_end(&mut self, end: &AttemptEnd) {
        self.blobs.extend(end.generated);
        self.blobs.extend(end.summary);
        self.blobs
            .extend(end.artifacts.iter().map(|each| each.digest));
        if let Some(log) = &end.log {
            *self.segments.entry(log.segment.clone()).or_default() += log.size_bytes;
        }
    }
}
