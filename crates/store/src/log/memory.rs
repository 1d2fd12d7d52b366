//! Logs in memory, for simulation and tests.

use super::{Frame, LogError, LogSink};
use engine::rows::LogRef;
use model::ids::AttemptId;
use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One segment in memory; an offset is the number of a frame. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryLogs(Arc<Mutex<Vec<Frame<'static>>>>);

impl MemoryLogs {
    /// An empty segment.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All frames of an attempt, in order.
    #[must_use]
    pub fn frames(&self, attempt: AttemptId) -> Vec<Frame<'static>> {
        let frames = self.all();
        let of_attempt = frames.iter().filter(|frame| frame.attempt == attempt);
        of_attempt.cloned().collect()
    }

    fn all(&self) -> MutexGuard<'_, Vec<Frame<'static>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogSink for MemoryLogs {
    fn append(&mut self, frames: &[Frame<'_>]) -> Result<(), LogError> {
        let owned = frames.iter().map(|frame| Frame {
            bytes: Cow::Owned(frame.bytes.to_vec()),
            ..frame.clone()
        });
        self.all().extend(owned);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), LogError> {
        Ok(())
    }

    fn written_bytes(&self, attempt: AttemptId) -> u64 {
        let sizes = self.frames(attempt).into_iter();
        sizes.map(|frame| frame.bytes.len() as u64).sum()
    }

    fn finish(&mut self, attempt: AttemptId, missing_bytes: u64) -> Option<LogRef> {
        let frames = self.all();
        let is_of = |frame: &Frame<'_>| frame.attempt == attempt;
        let from = frames.iter().position(is_of);
        if from.is_none() && missing_bytes == 0 {
            return None;
        }
        let to = frames.iter().rposition(is_of).map_or(0, |last| last + 1);
        let of_attempt = frames.iter().filter(|frame| is_of(frame));
        Some(LogRef {
            segment: "memory".to_owned(),
            from: from.unwrap_or_default() as u64,
            to: to as u64,
            size_bytes: of_attempt.map(|frame| frame.bytes.len() as u64).sum(),
            missing_bytes,
        })
    }
}
